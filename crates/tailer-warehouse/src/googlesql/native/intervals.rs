//! INTERVAL: months, days and microseconds, each with a sign of its own, as text and as numbers.

use super::{Answer, Gives, Native, Value, civil, values::arg};

const MAX_MONTHS: i64 = 120_000;
const MAX_DAYS: i64 = 3_660_000;
const MAX_MICROS: i64 = 316_224_000_000_000_000;
const DAY: i64 = civil::DAY;

/// An interval's three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Interval {
    pub(in super::super) months: i64,
    pub(in super::super) days: i64,
    pub(in super::super) micros: i64,
}

impl Interval {
    fn check(self) -> Result<Interval, String> {
        let fits = self.months.abs() <= MAX_MONTHS && self.days.abs() <= MAX_DAYS && self.micros.abs() <= MAX_MICROS;
        if fits { Ok(self) } else { Err("interval overflow".to_owned()) }
    }

    /// `Y-M D H:M:S[.F]`.
    fn text(self) -> String {
        let sign = |negative: bool| if negative { "-" } else { "" };
        let (months, micros) = (self.months.abs(), self.micros.abs());
        let seconds = micros / 1_000_000;
        format!(
            "{}{}-{} {} {}{}:{}:{}{}",
            sign(self.months < 0),
            months / 12,
            months % 12,
            self.days,
            sign(self.micros < 0),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            civil::fraction(micros % 1_000_000)
        )
    }

    fn answer(self) -> Answer {
        let checked = self.check()?;
        Ok(Value::List([checked.months, checked.days, checked.micros].map(Value::Int).to_vec()))
    }

    fn of(value: &Value) -> Result<Interval, String> {
        match value.list()? {
            [months, days, micros] => Ok(Interval { months: months.int()?, days: days.int()?, micros: micros.int()? }),
            _ => Err("internal: an INTERVAL has three parts".to_owned()),
        }
    }
}

/// Units of `INTERVAL '…' unit TO unit`, from the greatest.
const UNITS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

/// Reads `INTERVAL 'text' from TO to`; one unit when both are the same.
pub(in super::super) fn read(text: &str, from: &str, to: &str) -> Result<Interval, String> {
    let wrong = || format!("invalid INTERVAL value: {text}");
    let place = |unit: &str| UNITS.iter().position(|u| *u == unit);
    if from == to && matches!(from, "QUARTER" | "WEEK" | "MILLISECOND" | "MICROSECOND") {
        let n: i64 = whole(text).ok_or_else(wrong)?;
        let times = |by: i64| n.checked_mul(by).ok_or_else(wrong);
        return match from {
            "QUARTER" => Interval { months: times(3)?, ..Interval::default() },
            "WEEK" => Interval { days: times(7)?, ..Interval::default() },
            "MILLISECOND" => Interval { micros: times(1000)?, ..Interval::default() },
            _ => Interval { micros: n, ..Interval::default() },
        }
        .check();
    }
    let (Some(first), Some(last)) = (place(from), place(to)) else { return Err(wrong()) };
    if first > last {
        return Err(format!("invalid INTERVAL {from} TO {to}"));
    }
    let mut interval = Interval::default();
    // `Y-M`, `D` and `H:M:S` stand apart, each with a sign.
    let groups: [(usize, usize, char); 3] = [(0, 1, '-'), (2, 2, ' '), (3, 5, ':')];
    let mut words = text.split(' ');
    for (low, high, separator) in groups {
        let (low, high) = (low.max(first), high.min(last));
        if low > high {
            continue;
        }
        let word = words.next().ok_or_else(wrong)?;
        let (negative, digits) = match word.strip_prefix(['+', '-']) {
            Some(digits) => (word.starts_with('-'), digits),
            None => (false, word),
        };
        let parts: Vec<&str> = if separator == ' ' { vec![digits] } else { digits.split(separator).collect() };
        if parts.len() != high - low + 1 {
            return Err(wrong());
        }
        for (unit, part) in (low..=high).zip(parts) {
            add(&mut interval, unit, part, negative).ok_or_else(wrong)?;
        }
    }
    if words.next().is_some() {
        return Err(wrong());
    }
    interval.check()
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A part of an interval; seconds may have a fraction of up to six digits.
fn add(interval: &mut Interval, unit: usize, part: &str, negative: bool) -> Option<()> {
    let sign = if negative { -1 } else { 1 };
    let (digits, fraction) = match part.split_once('.') {
        Some((digits, fraction)) if unit == 5 => (digits, fraction),
        Some(_) => return None,
        None => (part, ""),
    };
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let empty = digits.is_empty() && fraction.is_empty();
    if empty || !plain(digits) || !plain(fraction) || fraction.len() > 9 {
        return None;
    }
    let n: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let n = n.checked_mul(sign)?;
    match unit {
        0 => interval.months = interval.months.checked_add(n.checked_mul(12)?)?,
        1 => interval.months = interval.months.checked_add(n)?,
        2 => interval.days = interval.days.checked_add(n)?,
        unit => {
            let length = [3_600_000_000, 60_000_000, 1_000_000].get(unit - 3)?;
            interval.micros = interval.micros.checked_add(n.checked_mul(*length)?)?;
        }
    }
    if !fraction.is_empty() {
        let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
        // Nanoseconds are beyond what is held.
        if nanos % 1000 != 0 {
            return None;
        }
        interval.micros = interval.micros.checked_add(nanos / 1000 * sign)?;
    }
    Some(())
}

/// CAST from STRING: `Y-M D H:M:S`, parts of it, or ISO 8601 (`P1Y2M3DT4H5M6.5S`).
pub(in super::super) fn parse(text: &str) -> Result<Interval, String> {
    let wrong = || format!("invalid INTERVAL value: {text}");
    if let Some(iso) = text.strip_prefix('P') {
        return parse_iso(iso).ok_or_else(wrong)?.check();
    }
    let words = text.split(' ').count();
    let dashes = text.split(' ').next().is_some_and(|w| w.trim_start_matches(['+', '-']).contains('-'));
    let colons = text.matches(':').count();
    let (from, to) = match (dashes, colons, words) {
        (true, 0, 1) => ("YEAR", "MONTH"),
        (true, 0, 2) => ("YEAR", "DAY"),
        (true, 2, 3) => ("YEAR", "SECOND"),
        (false, 2, 2) => ("DAY", "SECOND"),
        (false, 2, 1) => ("HOUR", "SECOND"),
        _ => return Err(wrong()),
    };
    read(text, from, to)
}

fn parse_iso(text: &str) -> Option<Interval> {
    let mut interval = Interval::default();
    let mut rest = text;
    let mut in_time = false;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if in_time || time.is_empty() {
                return None;
            }
            in_time = true;
            rest = time;
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, behind) = rest.split_at(end);
        let unit = behind.chars().next()?;
        let negative = number.starts_with('-');
        let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
        let digits = digits.replace(',', ".");
        match (unit, in_time) {
            ('Y', false) => add(&mut interval, 0, &digits, negative)?,
            ('M', false) => add(&mut interval, 1, &digits, negative)?,
            ('W', false) => {
                let weeks: i64 = digits.parse().ok()?;
                interval.days = interval.days.checked_add(weeks.checked_mul(if negative { -7 } else { 7 })?)?;
            }
            ('D', false) => add(&mut interval, 2, &digits, negative)?,
            ('H', true) => add(&mut interval, 3, &digits, negative)?,
            ('M', true) => add(&mut interval, 4, &digits, negative)?,
            ('S', true) => add(&mut interval, 5, &digits, negative)?,
            _ => return None,
        }
        rest = behind.get(1..)?;
    }
    Some(interval)
}

/// `P1Y2M3DT4H5M6.5S` of the text form.
pub(super) fn iso(text: &str) -> Result<String, String> {
    let interval = parse(text)?;
    let mut out = String::from("P");
    let mut push = |n: i64, unit: &str| {
        if n != 0 {
            out.push_str(&format!("{n}{unit}"));
        }
    };
    push(interval.months / 12, "Y");
    push(interval.months % 12, "M");
    push(interval.days, "D");
    if interval.micros != 0 {
        out.push('T');
        let seconds = interval.micros.abs() / 1_000_000;
        let sign = if interval.micros < 0 { "-" } else { "" };
        for (n, unit) in [(seconds / 3600, "H"), (seconds / 60 % 60, "M")] {
            if n != 0 {
                out.push_str(&format!("{sign}{n}{unit}"));
            }
        }
        let (n, fraction) = (seconds % 60, interval.micros.abs() % 1_000_000);
        if n != 0 || fraction != 0 {
            let digits = format!("{fraction:06}");
            let digits = digits.trim_end_matches('0');
            let point = if digits.is_empty() { "" } else { "." };
            out.push_str(&format!("{sign}{n}{point}{digits}S"));
        }
    }
    Ok(if out.len() == 1 { "P0Y".to_owned() } else { out })
}

fn to_text(args: &[Value]) -> Answer {
    Ok(Value::Text(Interval::of(arg(args, 0)?)?.text()))
}

fn of_text(args: &[Value]) -> Answer {
    parse(arg(args, 0)?.text()?)?.answer()
}

/// `(text, unit, unit)`.
fn of_units(args: &[Value]) -> Answer {
    read(arg(args, 0)?.text()?, arg(args, 1)?.text()?, arg(args, 2)?.text()?)?.answer()
}

/// `(year, month, day, hour, minute, second)`.
fn make(args: &[Value]) -> Answer {
    let part = |i: usize| arg(args, i)?.int();
    let over = || "interval overflow".to_owned();
    let months = part(0)?.checked_mul(12).and_then(|m| m.checked_add(part(1).ok()?)).ok_or_else(over)?;
    let clock = i128::from(part(3)?) * 3600 + i128::from(part(4)?) * 60 + i128::from(part(5)?);
    let micros = i64::try_from(clock * 1_000_000).map_err(|_| over())?;
    Interval { months, days: part(2)?, micros }.answer()
}

/// Days beyond 30 become months, hours beyond 24 days; then all signs agree.
fn justify(args: &[Value]) -> Answer {
    let mut i = Interval::of(arg(args, 0)?)?;
    let what = arg(args, 1)?.text()?;
    if what != "days" {
        i.days += i.micros / DAY;
        i.micros %= DAY;
        if i.days > 0 && i.micros < 0 {
            i.days -= 1;
            i.micros += DAY;
        } else if i.days < 0 && i.micros > 0 {
            i.days += 1;
            i.micros -= DAY;
        }
    }
    if what != "hours" {
        i.months += i.days / 30;
        i.days %= 30;
        if i.months > 0 && (i.days < 0 || what == "interval" && i.days == 0 && i.micros < 0) {
            i.months -= 1;
            i.days += 30;
        } else if i.months < 0 && (i.days > 0 || what == "interval" && i.days == 0 && i.micros > 0) {
            i.months += 1;
            i.days -= 30;
        }
        if what == "interval" && i.days > 0 && i.micros < 0 {
            i.days -= 1;
            i.micros += DAY;
        } else if what == "interval" && i.days < 0 && i.micros > 0 {
            i.days += 1;
            i.micros -= DAY;
        }
    }
    i.answer()
}

/// `(interval, factor, '*' | '/')`: what does not divide goes on to the next smaller part.
fn scale(args: &[Value]) -> Answer {
    let (i, by) = (Interval::of(arg(args, 0)?)?, arg(args, 1)?.int()?);
    let over = || "interval overflow".to_owned();
    if arg(args, 2)?.text()? == "*" {
        let times = |n: i64| n.checked_mul(by).ok_or_else(over);
        return Interval { months: times(i.months)?, days: times(i.days)?, micros: times(i.micros)? }.answer();
    }
    if by == 0 {
        return Err("division by zero".to_owned());
    }
    divided(i.months.into(), i.days.into(), i.micros.into(), by.into())?.answer()
}

fn divided(months: i128, days: i128, micros: i128, by: i128) -> Result<Interval, String> {
    let days = days + months % by * 30;
    let micros = micros + days % by * i128::from(DAY);
    let part = |n: i128| i64::try_from(n).map_err(|_| "interval overflow".to_owned());
    Ok(Interval { months: part(months / by)?, days: part(days / by)?, micros: part(micros / by)? })
}

/// `(intervals, 'sum' | 'avg')`; NULL when there are none.
fn total(args: &[Value]) -> Answer {
    let mut sum = [0_i128; 3];
    let mut count = 0_i128;
    for value in arg(args, 0)?.list()?.iter().filter(|v| **v != Value::Null) {
        let i = Interval::of(value)?;
        for (total, part) in sum.iter_mut().zip([i.months, i.days, i.micros]) {
            *total += i128::from(part);
        }
        count += 1;
    }
    let [months, days, micros] = sum;
    match arg(args, 1)?.text()? {
        _ if count == 0 => Ok(Value::Null),
        "avg" => divided(months, days, micros, count)?.answer(),
        _ => divided(months, days, micros, 1)?.answer(),
    }
}

/// `(interval, part)`.
fn extract(args: &[Value]) -> Answer {
    let i = Interval::of(arg(args, 0)?)?;
    let seconds = i.micros / 1_000_000;
    Ok(Value::Int(match arg(args, 1)?.text()? {
        "YEAR" => i.months / 12,
        "MONTH" => i.months % 12,
        "DAY" => i.days,
        "HOUR" => seconds / 3600,
        "MINUTE" => seconds / 60 % 60,
        "SECOND" => seconds % 60,
        "MILLISECOND" => i.micros % 1_000_000 / 1000,
        "MICROSECOND" => i.micros % 1_000_000,
        other => return Err(format!("an INTERVAL has no part {other}")),
    }))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_interval_text", Gives::Text, to_text),
    ("gsn_interval_parse", Gives::Integers, of_text),
    ("gsn_interval_read", Gives::Integers, of_units),
    ("gsn_interval_make", Gives::Integers, make),
    ("gsn_interval_justify", Gives::Integers, justify),
    ("gsn_interval_scale", Gives::Integers, scale),
    ("gsn_interval_total", Gives::Integers, total),
    ("gsn_interval_extract", Gives::Int64, extract),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_in_and_out() {
        for (text, expect) in [
            ("1-2", "1-2 0 0:0:0"),
            ("-1-2 3 -4:5:6.789", "-1-2 3 -4:5:6.789"),
            ("PT1H2M", "0-0 0 1:2:0"),
            ("P1Y2M3DT4H5M6.5S", "1-2 3 4:5:6.500"),
            ("P-1W", "0-0 -7 0:0:0"),
            ("3 4:5:6", "0-0 3 4:5:6"),
            ("1:2:3", "0-0 0 1:2:3"),
        ] {
            assert_eq!(parse(text).unwrap().text(), expect, "{text}");
        }
        for wrong in ["", "1", "P", "P1", "P1Y2M<3D", "1-2-3", "x", "10001-0"] {
            parse(wrong).unwrap_err();
        }
        assert_eq!(iso("1-2 3 4:5:6.500").unwrap(), "P1Y2M3DT4H5M6.5S");
        assert_eq!(iso("0-0 0 -0:0:1").unwrap(), "PT-1S");
    }
}

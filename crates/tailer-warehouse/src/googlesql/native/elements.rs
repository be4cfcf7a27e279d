//! FORMAT_DATE, PARSE_DATE and their like: elements such as `%Y`, by BigQuery's reference.

use jiff::civil;

use super::{Answer, Gives, Native, Value, civil as text, values::arg};

mod reading;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Sunday.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// What a value has: of a DATE there is no time, of a TIME no date, of a DATETIME no zone.
fn has(kind: &str, element: &str) -> bool {
    let date = matches!(
        element,
        "A" | "a"
            | "B"
            | "b"
            | "h"
            | "C"
            | "D"
            | "d"
            | "e"
            | "F"
            | "G"
            | "g"
            | "J"
            | "j"
            | "m"
            | "Q"
            | "U"
            | "u"
            | "V"
            | "W"
            | "w"
            | "x"
            | "Y"
            | "y"
            | "E4Y"
    );
    let time = matches!(element, "H" | "I" | "k" | "l" | "M" | "P" | "p" | "R" | "S" | "T" | "X")
        || element.starts_with('E') && element.ends_with('S');
    let zone = matches!(element, "Z" | "z" | "Ez" | "s");
    match kind {
        "DATE" => date,
        "TIME" => time,
        "DATETIME" => date || time || element == "c",
        _ => date || time || zone || element == "c",
    }
}

/// The elements of a format: plain characters and names of elements.
fn elements(format: &str) -> Result<Vec<Result<char, String>>, String> {
    let mut all = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            all.push(Ok(c));
            continue;
        }
        let mut element = String::new();
        loop {
            let c = chars.next().ok_or_else(|| format!("the format {format} ends in the middle of an element"))?;
            element.push(c);
            let more = element == "E" || element.starts_with('E') && (c.is_ascii_digit() || c == '*');
            if !more {
                break;
            }
        }
        match element.as_str() {
            "%" => all.push(Ok('%')),
            "n" => all.push(Ok('\n')),
            "t" => all.push(Ok('\t')),
            _ => all.push(Err(element)),
        }
    }
    Ok(all)
}

/// `(format, civil time, minutes east of UTC, the zone's name, kind)`.
fn format(args: &[Value]) -> Answer {
    let kind = arg(args, 4)?.text()?;
    let Value::Moment(micros) = arg(args, 1)? else { return Err("internal: no civil time".to_owned()) };
    let at = At {
        local: text::moment(*micros)?,
        micros: *micros,
        offset: arg(args, 2)?.int()?,
        zone: arg(args, 3)?.text()?,
    };
    let mut out = String::new();
    for element in elements(arg(args, 0)?.text()?)? {
        match element {
            Ok(plain) => out.push(plain),
            Err(element) if has(kind, &element) => out.push_str(&at.element(&element)?),
            Err(element) => {
                return Err(format!("%{element} in FORMAT_{kind} is not supported by the embedded warehouse"));
            }
        }
    }
    Ok(Value::Text(out))
}

struct At<'z> {
    local: civil::DateTime,
    micros: i64,
    offset: i64,
    zone: &'z str,
}

impl At<'_> {
    fn element(&self, element: &str) -> Result<String, String> {
        let (date, time) = (self.local.date(), self.local.time());
        let week = date.iso_week_date();
        let weekday = date.weekday();
        let twelve = (time.hour() + 11) % 12 + 1;
        let name = |names: &[&'static str], i: i8| {
            usize::try_from(i).ok().and_then(|i| names.get(i).copied()).unwrap_or_default().to_owned()
        };
        let short = |name: String| name.chars().take(3).collect::<String>();
        let day = weekday.to_sunday_zero_offset();
        // Days since the last Sunday or Monday, and whole weeks before.
        let weeks = |from_monday: bool| {
            let since = if from_monday { weekday.to_monday_zero_offset() } else { day };
            (date.day_of_year() + 6 - i16::from(since)) / 7
        };
        let all = |elements: &[&str]| -> Result<String, String> {
            elements
                .iter()
                .map(|e| {
                    if e.len() == 1 && e.chars().all(char::is_alphabetic) {
                        self.element(e)
                    } else {
                        Ok((*e).to_owned())
                    }
                })
                .collect()
        };
        Ok(match element {
            "A" => name(&DAYS, day),
            "a" => short(name(&DAYS, day)),
            "B" => name(&MONTHS, date.month() - 1),
            "b" | "h" => short(name(&MONTHS, date.month() - 1)),
            "C" => format!("{:02}", date.year() / 100),
            "c" => all(&["a", " ", "b", " ", "e", " ", "T", " ", "Y"])?,
            "D" | "x" => all(&["m", "/", "d", "/", "y"])?,
            "d" => format!("{:02}", date.day()),
            "e" => format!("{:2}", date.day()),
            "F" => all(&["Y", "-", "m", "-", "d"])?,
            "G" => week.year().to_string(),
            "g" => format!("{:02}", week.year() % 100),
            "H" => format!("{:02}", time.hour()),
            "I" => format!("{twelve:02}"),
            "J" => {
                let first =
                    civil::ISOWeekDate::new(week.year(), 1, civil::Weekday::Monday).map_err(|e| e.to_string())?;
                let days = date.since(first.date()).map_err(|e| e.to_string())?.get_days();
                format!("{:03}", days + 1)
            }
            "j" => format!("{:03}", date.day_of_year()),
            "k" => format!("{:2}", time.hour()),
            "l" => format!("{twelve:2}"),
            "M" => format!("{:02}", time.minute()),
            "m" => format!("{:02}", date.month()),
            "P" => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
            "p" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            "Q" => ((date.month() + 2) / 3).to_string(),
            "R" => all(&["H", ":", "M"])?,
            "S" => format!("{:02}", time.second()),
            "s" => (self.micros.div_euclid(1_000_000) - self.offset * 60).to_string(),
            "T" | "X" => all(&["H", ":", "M", ":", "S"])?,
            "U" => format!("{:02}", weeks(false)),
            "u" => weekday.to_monday_one_offset().to_string(),
            "V" => format!("{:02}", week.week()),
            "W" => format!("{:02}", weeks(true)),
            "w" => day.to_string(),
            "Y" => date.year().to_string(),
            "y" => format!("{:02}", date.year() % 100),
            "E4Y" => format!("{:04}", date.year()),
            "Z" if matches!(self.zone, "UTC" | "Etc/UTC" | "Z") => "UTC".to_owned(),
            "Z" => return Err("%Z of a zone other than UTC is not supported by the embedded warehouse".to_owned()),
            "z" | "Ez" => {
                let sign = if self.offset < 0 { '-' } else { '+' };
                let colon = if element == "Ez" { ":" } else { "" };
                format!("{sign}{:02}{colon}{:02}", self.offset.abs() / 60, self.offset.abs() % 60)
            }
            seconds => self.seconds(seconds)?,
        })
    }

    /// `E3S`, `E*S`: seconds with so many digits, or as many as there are.
    fn seconds(&self, element: &str) -> Result<String, String> {
        let time = self.local.time();
        let digits = format!("{:06}", time.subsec_nanosecond() / 1000);
        let count = element.trim_start_matches('E').trim_end_matches('S');
        let digits = match count {
            "*" => digits.trim_end_matches('0').to_owned(),
            count => {
                let count: usize =
                    count.parse().ok().filter(|n| *n <= 6).ok_or_else(|| format!("there is no %{element}"))?;
                digits.chars().take(count).collect()
            }
        };
        let point = if digits.is_empty() { "" } else { "." };
        Ok(format!("{:02}{point}{digits}", time.second()))
    }
}

pub(super) const FUNCTIONS: &[Native] =
    &[("gsn_format_time", Gives::Text, format), ("gsn_parse_time", Gives::Integers, reading::parse)];

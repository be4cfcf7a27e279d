//! Text of a data file into values, by the rules of BigQuery's loads. Nothing is rounded: what does not fit is an error.

use jiff::{Timestamp, civil, tz::TimeZone};

/// A whole number; spaces around are allowed, a point or an exponent is not.
pub(crate) fn int64(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A number, `NaN`, `inf` or `Infinity` in any case.
pub(crate) fn float64(text: &str) -> Option<f64> {
    let text = text.trim();
    let number: f64 = text.parse().ok()?;
    // A finite text that is too large is an error, not infinity.
    let finite = text.bytes().any(|b| b.is_ascii_digit());
    (number.is_finite() || !finite).then_some(number)
}

/// A decimal number as an integer of units of ten to the minus `scale`; more digits than that are an error unless zero.
pub(crate) fn decimal(text: &str, scale: u32) -> Option<i128> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut unscaled: i128 = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        unscaled = unscaled.checked_mul(10)?.checked_add(digit.to_digit(10)?.into())?;
    }
    let shift = i64::from(scale) + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
    let unscaled = shift_decimal(unscaled, shift)?;
    let limit = 10_i128.pow(38) - 1;
    (unscaled <= limit).then_some(if negative { -unscaled } else { unscaled })
}

fn shift_decimal(unscaled: i128, shift: i64) -> Option<i128> {
    let power = |n: u64| (n <= 38).then(|| 10_i128.checked_pow(u32::try_from(n).ok()?))?;
    if unscaled == 0 {
        Some(0)
    } else if shift >= 0 {
        unscaled.checked_mul(power(shift.unsigned_abs())?)
    } else {
        let divisor = power(shift.unsigned_abs())?;
        (unscaled % divisor == 0).then_some(unscaled / divisor)
    }
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// `YYYY-[M]M-[D]D`.
pub(crate) fn date(text: &str) -> Option<civil::Date> {
    let mut parts = text.trim().splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=2).contains(&part.len()).then(|| number::<i8>(part))?;
    if year.len() != 4 {
        return None;
    }
    let date = civil::Date::new(number(year)?, short(month)?, short(day)?).ok()?;
    (date.year() >= 1).then_some(date)
}

/// `[H]H:[M]M[:[S]S[.F]]`, six digits of fraction at most.
pub(crate) fn time(text: &str) -> Option<civil::Time> {
    let (clock, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let short = |part: &str| (1..=2).contains(&part.len()).then(|| number::<i8>(part))?;
    let mut parts = clock.split(':');
    let (hour, minute) = (short(parts.next()?)?, short(parts.next()?)?);
    let second = parts.next().map_or(Some(0), short)?;
    if parts.next().is_some() || fraction.len() > 9 {
        return None;
    }
    let nanoseconds = match fraction {
        "" if text.contains('.') => return None,
        "" => 0,
        digits => number::<i32>(&format!("{digits:0<9}"))?,
    };
    (nanoseconds % 1000 == 0).then(|| civil::Time::new(hour, minute, second, nanoseconds).ok())?
}

/// A date, or date and time with a space or `T` between.
pub(crate) fn datetime(text: &str) -> Option<civil::DateTime> {
    let text = text.trim();
    match text.split_once([' ', 'T', 't']) {
        None => Some(date(text)?.to_datetime(civil::Time::midnight())),
        Some((day, clock)) => Some(date(day)?.to_datetime(time(clock)?)),
    }
}

/// A date and time with `Z`, ` UTC`, an offset or a zone's name behind; UTC when there is none.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (civil_part, zone) = split_zone(text);
    let at = datetime(civil_part)?;
    let zone = match zone {
        None | Some("Z" | "z" | "UTC") => TimeZone::UTC,
        Some(offset) if offset.starts_with(['+', '-']) => TimeZone::fixed(offset_of(offset)?),
        Some(name) => TimeZone::get(name).ok()?,
    };
    zone.to_ambiguous_zoned(at).compatible().ok().map(|zoned| zoned.timestamp())
}

fn split_zone(text: &str) -> (&str, Option<&str>) {
    if let Some(rest) = text.strip_suffix(['Z', 'z']) {
        return (rest, Some("Z"));
    }
    // The zone is behind the time, so dashes of the date do not count.
    let clock = text.find(':').unwrap_or(text.len());
    let tail = text.get(clock..).unwrap_or_default();
    match tail.find([' ', '+', '-']) {
        Some(at) => {
            let (civil_part, zone) = text.split_at(clock + at);
            (civil_part, Some(zone.trim()))
        }
        None => (text, None),
    }
}

/// `+HH`, `+H`, `+HH:MM` or `+HHMM`.
fn offset_of(text: &str) -> Option<jiff::tz::Offset> {
    let negative = text.starts_with('-');
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 => digits.split_at(2),
        None => (digits, "0"),
    };
    let (hours, minutes): (i32, i32) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    jiff::tz::Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
}

/// Digits only: no sign, no spaces.
fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: PartialEq + std::fmt::Debug>(parse: impl Fn(&str) -> Option<T>, cases: &[(&str, Option<T>)]) {
        for (text, expect) in cases {
            assert_eq!(&parse(text), expect, "{text}");
        }
    }

    #[test]
    fn numbers_are_exact() {
        let int = [
            ("5", Some(5)),
            (" -5 ", Some(-5)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1.0", None),
            ("1e3", None),
            ("1_000", None),
            ("", None),
            ("0x10", None),
        ];
        check(int64, &int);
        check(
            float64,
            &[("1.5", Some(1.5)), ("1e3", Some(1000.0)), ("inf", Some(f64::INFINITY)), ("1e999", None), ("x", None)],
        );
        let numeric = [
            ("1.5", Some(1_500_000_000)),
            ("-.5", Some(-500_000_000)),
            ("12.", Some(12_000_000_000)),
            ("0.1234567890", Some(123_456_789)),
            ("0.1234567891", None),
            ("1.5e2", Some(150_000_000_000)),
            ("99999999999999999999999999999.999999999", Some(10_i128.pow(38) - 1)),
            ("100000000000000000000000000000", None),
            ("1,5", None),
            (".", None),
        ];
        check(|text| decimal(text, 9), &numeric);
    }

    #[test]
    fn truth_has_many_spellings() {
        check(boolean, &[("TRUE", Some(true)), ("n", Some(false)), ("1", Some(true)), ("2", None), ("", None)]);
    }

    #[test]
    fn dates_and_times() {
        let shown = |text: &str| date(text).map(|d| d.to_string());
        check(
            shown,
            &[
                ("2024-02-29", Some("2024-02-29".to_owned())),
                ("2024-2-9", Some("2024-02-09".to_owned())),
                ("2023-02-29", None),
                ("29/02/2024", None),
                ("24-02-29", None),
            ],
        );
        let shown = |text: &str| time(text).map(|t| t.to_string());
        check(
            shown,
            &[
                ("1:02:03", Some("01:02:03".to_owned())),
                ("01:02:03.5", Some("01:02:03.5".to_owned())),
                ("25:00:00", None),
                ("01:02:03.", None),
                ("010203", None),
                ("01:02:", None),
                ("01:02:03 UTC", None),
            ],
        );
        let shown = |text: &str| timestamp(text).map(|t| t.to_string());
        let at = |text: &str| Some(text.to_owned());
        check(
            shown,
            &[
                ("2024-01-31 12:34:56 UTC", at("2024-01-31T12:34:56Z")),
                ("2024-01-31T12:34:56Z", at("2024-01-31T12:34:56Z")),
                ("2024-01-31T12:34:56.789+02:00", at("2024-01-31T10:34:56.789Z")),
                ("2024-01-31 12:34:56-0330", at("2024-01-31T16:04:56Z")),
                ("2024-01-31 12:34:56+00", at("2024-01-31T12:34:56Z")),
                ("2024-01-31", at("2024-01-31T00:00:00Z")),
                ("2024-01-31 12:34", at("2024-01-31T12:34:00Z")),
                ("2024-07-31 12:34:56 Europe/Paris", at("2024-07-31T10:34:56Z")),
                ("yesterday", None),
                ("2024-01-31 12:34:56 Mars/Base", None),
            ],
        );
    }
}

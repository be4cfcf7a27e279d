//! Dates and times of a data file into values, by the rules of BigQuery's loads. The usual forms are read byte by byte, the
//! rare ones field by field; nothing is rounded, and nothing lies outside the years 1 to 9999.

use jiff::{civil, tz::TimeZone};

use super::parse::decimal;

const MICROS_OF_DAY: i64 = 86_400_000_000;
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

/// A DATE as days since 1970-01-01.
pub(crate) fn days(text: &str) -> Option<i32> {
    let text = text.trim_ascii();
    usual_date(text.as_bytes(), b'-').or_else(|| date(text).map(days_of))
}

/// A TIME as microseconds since midnight.
pub(crate) fn micros_of_day(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    usual_time(text.as_bytes()).or_else(|| time(text).map(micros_of))
}

/// A DATETIME as microseconds since 1970-01-01 00:00:00.
pub(crate) fn civil_micros(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    usual(text.as_bytes(), b'-').or_else(|| datetime(text).map(micros_at))
}

/// A TIMESTAMP as microseconds since 1970-01-01 00:00:00 UTC.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let bare = text.strip_suffix("Z").or_else(|| text.strip_suffix(" UTC")).unwrap_or(text);
    usual(bare.as_bytes(), b'-').or_else(|| in_range(timestamp(text)?))
}

/// A TIMESTAMP given as a number: seconds since 1970-01-01 00:00:00 UTC, microseconds at most.
pub(crate) fn epoch(seconds: &str) -> Option<i64> {
    in_range(i64::try_from(decimal(seconds, 6)?).ok()?)
}

fn in_range(micros: i64) -> Option<i64> {
    (FIRST..=LAST).contains(&micros).then_some(micros)
}

/// An INTERVAL `[-]Y-M [-]D [-]H:M:S[.F]` as months, days and nanoseconds.
pub(crate) fn interval(text: &str) -> Option<(i32, i32, i64)> {
    let mut parts = text.trim_ascii().split(' ');
    let (months, days, clock) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let signed = |text: &str| match text.strip_prefix('-') {
        Some(rest) => (-1, rest.to_owned()),
        None => (1, text.to_owned()),
    };
    let (sign, months) = signed(months);
    let (years, months) = months.split_once('-')?;
    let (years, months): (i32, i32) = (number(years)?, number(months)?);
    let (day_sign, days) = signed(days);
    let days = day_sign * number::<i32>(&days)?;
    let (clock_sign, clock) = signed(clock);
    let (clock, fraction) = clock.split_once('.').unwrap_or((&clock, "0"));
    let mut units = clock.split(':');
    let (hours, minutes, seconds): (i64, i64, i64) =
        (number(units.next()?)?, number(units.next()?)?, number(units.next()?)?);
    let fits = years <= 10_000 && months < 12 && days.abs() <= 3_660_000 && hours <= 87_840_000;
    if units.next().is_some() || minutes > 59 || seconds > 59 || fraction.is_empty() || fraction.len() > 6 || !fits {
        return None;
    }
    let nanoseconds = number::<i64>(&format!("{fraction:0<9}"))?;
    let clock =
        i64::from(clock_sign) * (((hours * 60 + minutes) * 60 + seconds).checked_mul(1_000_000_000)? + nanoseconds);
    Some((sign * (years * 12 + months), days, clock))
}

/// `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS[.F]` or with a `T`.
fn usual(bytes: &[u8], separator: u8) -> Option<i64> {
    let days = i64::from(usual_date(bytes.get(..10)?, separator)?);
    let clock = match bytes.get(10..)? {
        [] => 0,
        [b' ' | b'T', clock @ ..] => usual_time(clock)?,
        _ => return None,
    };
    Some(days * MICROS_OF_DAY + clock)
}

/// `YYYY-MM-DD`.
fn usual_date(bytes: &[u8], separator: u8) -> Option<i32> {
    let &[y1, y2, y3, y4, s1, m1, m2, s2, d1, d2] = bytes else { return None };
    if s1 != separator || s2 != separator {
        return None;
    }
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1 || !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_month = (153 * month + 2) / 5;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + before_month + day - 1 - 719_468)
}

/// `HH:MM:SS[.F]`, six digits of fraction at most.
fn usual_time(bytes: &[u8]) -> Option<i64> {
    let &[h1, h2, b':', m1, m2, b':', s1, s2, ref rest @ ..] = bytes else { return None };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = match rest {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) => {
            (0..6).fold(0, |sum, i| sum * 10 + digits.get(i).map_or(0, |digit| i64::from(digit - b'0')))
        }
        _ => return None,
    };
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

fn days_of(date: civil::Date) -> i32 {
    date.since(civil::date(1970, 1, 1)).map_or(0, |span| span.get_days())
}

fn micros_at(at: civil::DateTime) -> i64 {
    i64::from(days_of(at.date())) * MICROS_OF_DAY + micros_of(at.time())
}

fn micros_of(time: civil::Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
}

/// `YYYY-[M]M-[D]D`.
fn date(text: &str) -> Option<civil::Date> {
    let mut parts = text.trim_ascii().splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=2).contains(&part.len()).then(|| number::<i8>(part))?;
    if year.len() != 4 {
        return None;
    }
    let date = civil::Date::new(number(year)?, short(month)?, short(day)?).ok()?;
    (date.year() >= 1).then_some(date)
}

/// `[H]H:[M]M[:[S]S[.F]]`, six digits of fraction at most.
fn time(text: &str) -> Option<civil::Time> {
    let (clock, fraction) = text.trim_ascii().split_once('.').unwrap_or((text.trim_ascii(), ""));
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
fn datetime(text: &str) -> Option<civil::DateTime> {
    let text = text.trim_ascii();
    match text.split_once([' ', 'T', 't']) {
        None => Some(date(text)?.to_datetime(civil::Time::midnight())),
        Some((day, clock)) => Some(date(day)?.to_datetime(time(clock)?)),
    }
}

/// A date and time with `Z`, ` UTC`, an offset or a zone's name behind; UTC when there is none.
fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let (civil_part, zone) = split_zone(text);
    // Here, and only here, the date may have slashes.
    let (day, clock) = civil_part.split_at(civil_part.find([' ', 'T', 't']).unwrap_or(civil_part.len()));
    let slashed = day.contains('/') && !day.contains('-');
    let at = if slashed { datetime(&format!("{}{clock}", day.replace('/', "-")))? } else { datetime(civil_part)? };
    match zone {
        None | Some("Z" | "z" | "UTC") => Some(micros_at(at)),
        Some(offset) if offset.starts_with(['+', '-']) => Some(micros_at(at) - offset_of(offset)? * 1_000_000),
        Some(name) => {
            let zoned = TimeZone::get(name).ok()?.to_ambiguous_zoned(at).compatible().ok()?;
            Some(zoned.timestamp().as_microsecond())
        }
    }
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

/// Seconds of `+HH`, `+H`, `+HH:MM` or `+HHMM`.
fn offset_of(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 => digits.split_at(2),
        None => (digits, "0"),
    };
    let (hours, minutes): (i64, i64) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    Some(if negative { -seconds } else { seconds })
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
    fn the_usual_forms_mean_what_the_general_rules_say() {
        let mut day = civil::date(1, 1, 1);
        while let Ok(next) = day.checked_add(jiff::Span::new().days(13)) {
            assert_eq!(usual_date(day.to_string().as_bytes(), b'-'), Some(days_of(day)), "{day}");
            day = next;
        }
        for text in
            ["2024-01-31 23:59:59.5", "0001-01-01T00:00:00", "9999-12-31 23:59:59.999999", "2023-02-29 00:00:00"]
        {
            let general = datetime(text).map(micros_at);
            assert_eq!(usual(text.as_bytes(), b'-'), general, "{text}");
        }
    }

    #[test]
    fn moments_stay_within_their_range() {
        check(
            micros,
            &[
                ("9999-12-31 23:59:59.999999", Some(LAST)),
                ("9999-12-31 23:59:59.999999+00", Some(LAST)),
                ("9999-12-31 23:59:59.999999-01", None),
                ("0001-01-01 00:00:00+01", None),
                ("0001-01-01", Some(FIRST)),
                ("2024/01/31 00:00:00", Some(1_706_659_200_000_000)),
                ("2024/01-31 00:00:00", None),
            ],
        );
        check(epoch, &[("0", Some(0)), ("1.5e3", Some(1_500_000_000)), ("-62135596801", None), ("1e30", None)]);
        check(days, &[("2024/01/31", None), ("0000-01-01", None), ("10000-01-01", None)]);
    }

    #[test]
    fn intervals_have_three_signed_parts() {
        check(
            interval,
            &[
                ("1-2 3 4:5:6.5", Some((14, 3, 14_706_500_000_000))),
                ("-1-2 -3 -4:5:6", Some((-14, -3, -14_706_000_000_000))),
                ("0-0 0 0:0:0", Some((0, 0, 0))),
                ("1-12 0 0:0:0", None),
                ("1 day", None),
                ("1-2 3 4:60:0", None),
            ],
        );
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
        let shown = |text: &str| timestamp(text).map(|t| jiff::Timestamp::from_microsecond(t).unwrap().to_string());
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

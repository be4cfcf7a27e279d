//! Days and microseconds as dates and times.

use jiff::{Timestamp, civil, tz::TimeZone};

pub(super) const DAY: i64 = 86_400_000_000;

/// The date so many days after 1970-01-01.
pub(super) fn date(days: i64) -> Result<civil::Date, String> {
    Ok(moment(days.checked_mul(DAY).ok_or("a date is out of range")?)?.date())
}

/// The civil time so many microseconds after 1970-01-01.
pub(super) fn moment(microseconds: i64) -> Result<civil::DateTime, String> {
    let timestamp = Timestamp::from_microsecond(microseconds).map_err(|_| "a date is out of range".to_owned())?;
    Ok(timestamp.to_zoned(TimeZone::UTC).datetime())
}

pub(super) fn date_text(days: i64) -> Result<String, String> {
    let date = date(days)?;
    Ok(format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
}

/// `12:34:56`, with three or six digits of fraction where there is one.
pub(super) fn time_text(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    clock + &fraction(microseconds % 1_000_000)
}

/// Nothing, three or six digits behind a point.
pub(super) fn fraction(microseconds: i64) -> String {
    match microseconds {
        0 => String::new(),
        n if n % 1000 == 0 => format!(".{:03}", n / 1000),
        n => format!(".{n:06}"),
    }
}

pub(super) fn moment_text(microseconds: i64, between: char) -> Result<String, String> {
    Ok(format!("{}{between}{}", date_text(microseconds.div_euclid(DAY))?, time_text(microseconds.rem_euclid(DAY))))
}

/// Microseconds since 1970-01-01 of a civil time.
pub(super) fn micros(at: civil::DateTime) -> i64 {
    at.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_microsecond())
}

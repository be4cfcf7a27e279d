//! The date a run works for (`spec/api.md`, launch). A day in UTC; runs that a tick starts keep the day of the tick.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::text::as_text;

/// A UTC day. Parses `YYYY-MM-DD`, `YYYY/MM/DD` and RFC 3339 (converted to UTC); prints `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExecutionDate(pub Date);
as_text!(ExecutionDate);

impl ExecutionDate {
    /// The UTC day of an instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date())
    }

    /// `YYYYMMDD`, the form of suffixes and of `{{FD_DATE}}`.
    #[must_use]
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Display for ExecutionDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for ExecutionDate {
    type Err = String;

    /// # Errors
    /// Says which forms are accepted.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        plain_date(s, '-')
            .or_else(|| plain_date(s, '/'))
            .map(Self)
            .or_else(|| instant(s).map(Self::of))
            .ok_or_else(|| "expected a date such as \"2020-11-09\" or \"2020/11/09\", or RFC 3339".to_owned())
    }
}

/// `YYYY?MM?DD` with all its digits and a real day of the years that tables can hold (1 to 9999).
fn plain_date(s: &str, separator: char) -> Option<Date> {
    let parts: Vec<&str> = s.split(separator).collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let digits = |part: &str, len: usize| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return None;
    }
    real_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// A day of the calendar, years 1 to 9999.
pub(crate) fn real_date(year: i16, month: i8, day: i8) -> Option<Date> {
    if year < 1 {
        return None;
    }
    Date::new(year, month, day).ok()
}

/// RFC 3339: a full date, `T`, a time and an offset. `jiff` alone would take more (annotations, spaces).
fn instant(s: &str) -> Option<Timestamp> {
    let rest = s.get(10..)?;
    if !rest.starts_with(['T', 't']) || s.contains(['[', ' ']) {
        return None;
    }
    s.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_three_forms() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<ExecutionDate>().map(|d| d.to_string()), Ok(expected.to_owned()), "{text}");
        };
        check("2020-11-09", "2020-11-09");
        check("2020/11/09", "2020-11-09");
        check("2020-11-09T23:30:00Z", "2020-11-09");
        check("2020-11-09T23:30:00.123456-02:00", "2020-11-10");
        check("2024-02-29", "2024-02-29");
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2020-11",
            "2020-11-9",
            "20201109",
            "2023-02-29",
            "2020-13-01",
            "0000-01-01",
            "2020-11/09",
            "09-11-2020",
            "2020-11-09 10:00:00",
            "2020-11-09T10:00:00",
            "tomorrow",
            "२०२०-११-०९",
            "2020-11-0é",
        ] {
            assert!(text.parse::<ExecutionDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn is_text_in_json() {
        let date: ExecutionDate = serde_json::from_str("\"2020/11/09\"").unwrap();
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"2020-11-09\"");
        assert_eq!(date.compact(), "20201109");
    }
}

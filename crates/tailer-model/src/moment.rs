//! An instant, or a whole day: what people bound a search by.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use crate::{text::as_text, time::rfc3339_micros};

/// An instant, or a day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Instant(Timestamp),
    Day(Date),
}
as_text!(Moment);

/// The text is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Moment::EXPECTED)]
pub struct MomentError;

impl Moment {
    /// In words that continue "expects".
    pub const EXPECTED: &'static str = "a day as YYYY-MM-DD (UTC), or an instant as in 2024-04-30T12:00:00Z";

    /// The first instant that counts when a search begins here.
    #[must_use]
    pub fn begin(self) -> Timestamp {
        match self {
            Self::Instant(at) => at,
            Self::Day(day) => midnight(day),
        }
    }

    /// The first instant that does not count when a search ends here: a day counts as a whole, an instant itself does not.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Self::Instant(at) => at,
            Self::Day(day) => midnight(day).saturating_add(24.hours()).unwrap_or(Timestamp::MAX),
        }
    }
}

/// Where instants end before the calendar does, so does the day.
fn midnight(day: Date) -> Timestamp {
    let beyond = if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    day.to_zoned(TimeZone::UTC).map_or(beyond, |midnight| midnight.timestamp())
}

impl FromStr for Moment {
    type Err = MomentError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant = text.parse().map(Self::Instant);
        let day = || (text.len() == "2024-04-30".len()).then(|| text.parse().ok()).flatten().map(Self::Day);
        instant.ok().or_else(day).ok_or(MomentError)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(at) => f.write_str(&rfc3339_micros(*at)),
            Self::Day(day) => day.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_as_a_whole_and_an_instant_from_itself_on() {
        let check = |text: &str, begin: &str, end: &str| {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(
                (moment.begin().to_string().as_str(), moment.end().to_string().as_str()),
                (begin, end),
                "{text}"
            );
            assert_eq!(moment.to_string().parse(), Ok(moment), "{text}");
        };
        check("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
        check("2024-04-30T12:00:00Z", "2024-04-30T12:00:00Z", "2024-04-30T12:00:00Z");
        check("2024-04-30T12:00:00+02:00", "2024-04-30T10:00:00Z", "2024-04-30T10:00:00Z");
        for bad in ["", "yesterday", "2024-02-30", "2024-04-30T12:00:00", "30.04.2024"] {
            assert_eq!(bad.parse::<Moment>(), Err(MomentError), "{bad}");
        }
    }
}

//! Where a run stands in listings: by its start, then by its creation. A page ends at one and the next goes on there, also when
//! the run itself is gone meanwhile.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// A place between runs, as text `<microseconds>-<sequence>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub started: Timestamp,
    pub sequence: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.started.as_microsecond(), self.sequence)
    }
}

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (started, sequence) = text.rsplit_once('-')?;
            let started = Timestamp::from_microsecond(started.parse().ok()?).ok()?;
            Some(Self { started, sequence: sequence.parse().ok()? })
        };
        read().ok_or("expected a place that an earlier page gave")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_from_text() {
        for (micros, sequence) in [(0, 1), (1_764_358_000_000_001, 1_000_000), (-5, 3)] {
            let place = Position { started: Timestamp::from_microsecond(micros).unwrap(), sequence };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for text in ["", "5", "a-1", "1-", "99999999999999999999-1"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}

//! When an operation's regular runs began, as much of it as its rhythm is learned from: short enough to be kept in one row and
//! added to by each run.
//!
//! Runs that follow each other closely are one arrival: fifty files at six in the morning, or a feed that never rests. The text form
//! is JSON, `[[first]]` or `[[first, length, runs, widest]]` for each arrival, in seconds.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// Arrivals that are kept, the newest: more than five weeks of days, more than three years of months.
const KEPT: usize = 40;

/// A run that begins so many seconds after the one before, or later, is another arrival.
pub(super) const APART: i64 = 4 * 3600;

/// One arrival. Instants are seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When its first run began.
    pub(super) first: i64,
    /// When its last run began.
    pub(super) last: i64,
    pub(super) runs: u32,
    /// Longest time between two of its runs.
    pub(super) widest: i64,
}

/// The newest arrivals of an operation, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrivals(Vec<Arrival>);

/// The text is not what [`Arrivals`] prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the starts of runs as arrays of seconds")]
pub struct UnreadableArrivals;

impl Arrivals {
    /// Notes that a regular run began. One that began before the newest belongs to it: clocks of several servers differ.
    pub fn note(&mut self, at: Timestamp) {
        let at = at.as_second();
        if let Some(arrival) = self.0.last_mut()
            && at.saturating_sub(arrival.last) < APART
        {
            arrival.widest = arrival.widest.max(at.saturating_sub(arrival.last));
            arrival.last = arrival.last.max(at);
            arrival.runs = arrival.runs.saturating_add(1);
            return;
        }
        self.0.push(Arrival { first: at, last: at, runs: 1, widest: 0 });
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// How many regular runs these are.
    #[must_use]
    pub fn runs(&self) -> u32 {
        self.0.iter().fold(0, |sum, arrival| sum.saturating_add(arrival.runs))
    }

    /// When the newest began, to the second.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.0.last().and_then(|arrival| Timestamp::from_second(arrival.last).ok())
    }

    pub(super) fn all(&self) -> &[Arrival] {
        &self.0
    }
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |arrival: &Arrival| match arrival.runs {
            1 => vec![arrival.first],
            runs => vec![arrival.first, arrival.last - arrival.first, runs.into(), arrival.widest],
        };
        f.write_str(&serde_json::Value::from_iter(self.0.iter().map(one)).to_string())
    }
}

impl FromStr for Arrivals {
    type Err = UnreadableArrivals;

    fn from_str(text: &str) -> Result<Self, UnreadableArrivals> {
        let lists: Vec<Vec<i64>> = serde_json::from_str(text).map_err(|_| UnreadableArrivals)?;
        let one = |list: Vec<i64>| match *list.as_slice() {
            [first] => Some(Arrival { first, last: first, runs: 1, widest: 0 }),
            [first, length, runs, widest] => {
                Some(Arrival { first, last: first.checked_add(length)?, runs: u32::try_from(runs).ok()?, widest })
            }
            _ => None,
        };
        lists.into_iter().map(one).collect::<Option<_>>().map(Self).ok_or(UnreadableArrivals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(starts: &[i64]) -> Arrivals {
        let mut arrivals = Arrivals::default();
        for start in starts {
            arrivals.note(Timestamp::from_second(*start).unwrap());
        }
        arrivals
    }

    #[test]
    fn runs_that_follow_closely_are_one_arrival() {
        let check = |starts: &[i64], expect: &str| {
            let arrivals = noted(starts);
            assert_eq!(arrivals.to_string(), expect);
            assert_eq!(expect.parse(), Ok(arrivals.clone()), "and back");
            assert_eq!(arrivals.runs() as usize, starts.len());
        };
        check(&[], "[]");
        check(&[100], "[[100]]");
        check(&[100, 100 + APART], "[[100],[14500]]");
        check(&[100, 160, 150, 400], "[[100,300,4,240]]");
        // A clock that is behind tells nothing new.
        check(&[50_000, 100], "[[50000,0,2,0]]");
    }

    #[test]
    fn only_the_newest_are_kept() {
        let starts: Vec<i64> = (0..100).map(|day| day * 86_400).collect();
        let arrivals = noted(&starts);
        assert_eq!(arrivals.all().len(), KEPT);
        assert_eq!(arrivals.last().unwrap().as_second(), 99 * 86_400);
        assert!(arrivals.to_string().len() < 600, "short enough for a row");
    }

    #[test]
    fn what_is_no_list_of_starts_is_refused() {
        for bad in ["", "{}", "[1]", "[[]]", "[[1,2]]", "[[1,2,-1,0]]", "[[9223372036854775807,1,2,0]]", "[[\"a\"]]"] {
            assert_eq!(bad.parse::<Arrivals>(), Err(UnreadableArrivals), "{bad}");
        }
    }
}

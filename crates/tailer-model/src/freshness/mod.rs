//! Freshness: whether an operation's data came when it should have (`spec/semantics.md`, Freshness).
//!
//! Pure functions of the starts of regular runs ([`Arrivals`]) and the schedule if there is one ([`Outlook`]), and of the time. Regular runs are those
//! that a schedule, a file or a workflow started; who launches by hand or fills in does not make a rhythm. Everything is UTC. It is
//! about runs having come, not about what became of them: what failed is told elsewhere.
//!
//! One file per matter: [`Arrivals`] what is remembered, `rhythm` which kind of rhythm that is and when it beats next, `weekdays`
//! and `months` the two that follow a calendar.

mod arrivals;
mod months;
mod rhythm;
#[cfg(test)]
mod tests;
mod weekdays;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

pub use self::arrivals::{Arrivals, UnreadableArrivals};
use self::rhythm::{Learned, Next};
use crate::{Schedule, text::text_enum};

text_enum! {
    /// How often an operation runs: the nearest of these.
    pub enum Frequency {
        /// Every day or several times a day, perhaps not at week-ends.
        Daily = "Daily",
        Weekly = "Weekly",
        Monthly = "Monthly",
        Yearly = "Yearly",
        /// Without a rhythm: nothing is expected.
        Unfollow = "Unfollow",
    }
}

text_enum! {
    /// Where an operation stands today, a day of UTC.
    pub enum Today {
        /// A regular run began today.
        Executed = "Executed",
        /// One is expected today, or was before.
        Awaited = "Awaited",
        /// None is expected today.
        NotToday = "Not today",
        /// There have been fewer than two regular runs, or they were one arrival.
        Learning = "Learning",
    }
}

text_enum! {
    /// Whether the expected run is overdue.
    pub enum Timing {
        OnTime = "On time",
        /// The expected run has not begun, and the confidence has passed too.
        Late = "Late",
        /// The run after the expected one is due as well.
        VeryLate = "Very late",
    }
}

/// What is known of an operation's freshness at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    pub status: Today,
    /// `None` while learning.
    pub frequency: Option<Frequency>,
    /// When the next regular run should begin; in the past when it is overdue. `None` while learning and without a rhythm.
    pub expected: Option<Timestamp>,
    /// How many seconds earlier or later would be nothing special; with `expected`.
    pub confidence: Option<i64>,
    /// With `expected`.
    pub timing: Option<Timing>,
}

/// What is expected of an operation. It changes only with its arrivals, its schedule and when it was enabled, not with the time, so
/// that it can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    last: Option<Timestamp>,
    /// `None` while learning.
    learned: Option<(Frequency, Option<Next>)>,
}

impl Outlook {
    /// What was due before `since` is not expected: the operation was disabled.
    #[must_use]
    pub fn of(arrivals: &Arrivals, schedule: Option<&Schedule>, since: Option<Timestamp>) -> Self {
        let learned = Learned::of(arrivals, schedule).filter(|_| arrivals.runs() >= 2);
        let learned = learned.map(|learned| (learned.frequency, learned.next(since)));
        Self { last: arrivals.last(), learned }
    }

    /// When the newest regular run began, to the second.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// How the operation stands at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Freshness {
        let executed = self.last.is_some_and(|last| day(last) == day(now));
        let Some((frequency, next)) = self.learned else {
            return Freshness {
                status: Today::Learning,
                frequency: None,
                expected: None,
                confidence: None,
                timing: None,
            };
        };
        let status = match next {
            _ if executed => Today::Executed,
            Some(next) if day(next.expected) <= day(now) => Today::Awaited,
            _ => Today::NotToday,
        };
        let timing = |next: Next| match now.as_second().saturating_sub(next.expected.as_second()) > next.confidence {
            false => Timing::OnTime,
            true if next.after.is_some_and(|after| after <= now) => Timing::VeryLate,
            true => Timing::Late,
        };
        Freshness {
            status,
            frequency: Some(frequency),
            expected: next.map(|next| next.expected),
            confidence: next.map(|next| next.confidence),
            timing: next.map(timing),
        }
    }
}

impl Freshness {
    /// The confidence in hours, to a tenth.
    #[must_use]
    pub fn confidence_hours(&self) -> Option<f64> {
        // Far below where whole numbers stop being exact.
        let tenths = self.confidence.map(|seconds| i32::try_from((seconds + 180) / 360).unwrap_or(i32::MAX));
        tenths.map(|tenths| f64::from(tenths) / 10.0)
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

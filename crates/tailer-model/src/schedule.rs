//! When a scheduled operation runs (`spec/semantics.md`, Schedule).

use jiff::{Timestamp, civil::Date};

/// A cron expression with five fields, in UTC, checked at parse.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    text: String,
    parsed: croner::Cron,
}

/// `start_date`, `schedule_interval`, `catchup`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    pub start_date: Option<Date>,
    /// `None` when started otherwise.
    pub interval: Option<Cron>,
    pub catchup: bool,
}

impl Cron {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

// CONTRACT (helper model):
// impl Cron { pub fn parse(&str) -> Result<Option<Self>, String>   // "None" -> Ok(None); exactly five fields
//     pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> }   // strictly after
// impl Schedule {
//     /// Next `count` ticks strictly after `after` and not before start_date. Empty without start_date or interval.
//     pub fn next_ticks(&self, after: Timestamp, count: usize) -> Vec<Timestamp>
//     /// Ticks t with after < t <= until, t >= start_date, oldest first, at most `limit`.
//     pub fn ticks_between(&self, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Timestamp>
// }

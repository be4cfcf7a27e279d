//! How often a task is tried, and how long it and its run may take: `retries`, `retry_delay_seconds`, `timeout_seconds`, on an operation
//! and on each of its tasks. Ours, beside `spec/data-operations.md`.
//!
//! An operation's `retries` and `retry_delay_seconds` are what its tasks take when they do not say themselves. Timeouts are not
//! inherited: a task's bounds one attempt, an operation's the whole run.

use std::time::Duration;

use crate::reader::Fields;

const MAX_RETRIES: i64 = 100;
/// A week, in seconds.
const MAX_DELAY: i64 = 7 * 24 * 60 * 60;
/// Thirty days, in seconds.
const MAX_TIMEOUT: i64 = 30 * 24 * 60 * 60;
const DEFAULT_DELAY: Duration = Duration::from_secs(60);

/// As written on an operation or on a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endurance {
    pub retries: Option<u32>,
    pub retry_delay: Option<Duration>,
    /// Of a whole run on an operation, of one attempt on a task.
    pub timeout: Option<Duration>,
}

/// What holds for one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskEndurance {
    /// Attempts after the first.
    pub retries: u32,
    /// From a failure to the next attempt.
    pub retry_delay: Duration,
    /// Of one attempt.
    pub timeout: Option<Duration>,
}

impl Endurance {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        let seconds = |name, least, most| {
            fields.integer(name, least, most).and_then(|n| u64::try_from(n).ok()).map(Duration::from_secs)
        };
        Self {
            retries: fields.integer("retries", 0, MAX_RETRIES).and_then(|n| u32::try_from(n).ok()),
            retry_delay: seconds("retry_delay_seconds", 0, MAX_DELAY),
            timeout: seconds("timeout_seconds", 1, MAX_TIMEOUT),
        }
    }

    /// What holds for a task of an operation with this.
    #[must_use]
    pub fn of_task(&self, task: &Self) -> TaskEndurance {
        TaskEndurance {
            retries: task.retries.or(self.retries).unwrap_or(0),
            retry_delay: task.retry_delay.or(self.retry_delay).unwrap_or(DEFAULT_DELAY),
            timeout: task.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_goes_before_its_operation_and_inherits_no_timeout() {
        let seconds = |n| Some(Duration::from_secs(n));
        let operation = Endurance { retries: Some(2), retry_delay: seconds(5), timeout: seconds(600) };
        let of = |task| operation.of_task(&task);
        assert_eq!(
            of(Endurance::default()),
            TaskEndurance { retries: 2, retry_delay: Duration::from_secs(5), timeout: None }
        );
        assert_eq!(
            of(Endurance { retries: Some(0), retry_delay: seconds(0), timeout: seconds(9) }),
            TaskEndurance { retries: 0, retry_delay: Duration::ZERO, timeout: seconds(9) }
        );
        assert_eq!(Endurance::default().of_task(&Endurance::default()).retry_delay, DEFAULT_DELAY);
    }
}

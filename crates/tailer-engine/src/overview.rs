//! An account at a glance (the Studio): the last 24 hours, what failed, what runs, what waits. All in one reading, and none of it
//! dearer where there are many runs: hours are counters, lists end soon, and what is counted is counted up to a bound.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use tailer_model::{AccountId, RunStatus, SubStatus};
use tailer_store::runs::{self, RunFilter};

use crate::{Engine, EngineError, RunView, runs::view_of};

const HOURS: i64 = 24;
/// Runs of each list.
const LISTED: u32 = 20;
/// Queues that are listed.
const QUEUES: usize = 20;
/// Counted no further than this.
pub(crate) const COUNTED: u32 = 10_000;

/// Runs that started in one hour, and what they moved.
#[derive(Debug, Clone, Default)]
pub struct HourView {
    /// Its beginning, UTC.
    pub hour: Timestamp,
    pub outcomes: BTreeMap<SubStatus, u64>,
    pub rows: u64,
    pub bytes: u64,
}

/// Runs that wait, of one operation.
#[derive(Debug, Clone)]
pub struct QueueView {
    /// The one that waits longest; its reason says for what.
    pub head: RunView,
    pub runs: u64,
}

/// An account at a glance.
#[derive(Debug, Clone)]
pub struct OverviewView {
    /// The hour that it is now and the 23 before it, oldest first.
    pub hours: Vec<HourView>,
    /// Failed, and checked by nobody: the newest, and how many there are, counted up to 10,000 of each finer outcome.
    pub failed: Vec<RunView>,
    pub failed_count: u64,
    pub running: Vec<RunView>,
    pub running_count: u64,
    /// Of each operation whose runs wait, the longest waiting first.
    pub queues: Vec<QueueView>,
    /// How many operations that are.
    pub queue_count: usize,
    pub queued_count: u64,
}

impl Engine {
    /// An account at a glance.
    ///
    /// # Errors
    /// What the store says.
    pub async fn overview(&self, account: &AccountId) -> Result<OverviewView, EngineError> {
        let (account, now) = (account.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let mut hours = empty(now);
                let first = hours.first().map_or(now, |hour| hour.hour);
                for row in runs::hours(tx, &account, first)? {
                    let Ok(at) = hours.binary_search_by_key(&row.hour, |hour| hour.hour) else { continue };
                    let Some(hour) = hours.get_mut(at) else { continue };
                    *hour.outcomes.entry(row.sub_status).or_default() += row.runs;
                    hour.rows = hour.rows.saturating_add(row.rows);
                    hour.bytes = hour.bytes.saturating_add(row.bytes);
                }
                let listed = RunFilter { account: Some(account.clone()), limit: LISTED, ..RunFilter::default() };
                let failed = runs::list(tx, &RunFilter { status: Some(RunStatus::Failed), ..listed.clone() })?;
                let running = runs::list(tx, &RunFilter { sub_status: Some(SubStatus::Running), ..listed })?;
                let (queues, queue_count) = runs::queues(tx, &account, QUEUES)?;
                let mut count = |of: &dyn Fn(SubStatus) -> bool| {
                    let wanted = SubStatus::ALL.iter().copied().filter(|sub_status| of(*sub_status));
                    wanted.map(|sub_status| runs::how_many(tx, &account, sub_status, COUNTED)).sum::<Result<u64, _>>()
                };
                let failed_count = count(&|sub_status| sub_status.status() == RunStatus::Failed)?;
                let running_count = count(&|sub_status| sub_status == SubStatus::Running)?;
                let queued_count = count(&|sub_status| sub_status == SubStatus::Queued)?;
                let mut views = |runs: Vec<runs::RunRow>| {
                    runs.into_iter().map(|run| view_of(tx, run, now)).collect::<Result<Vec<_>, _>>()
                };
                let (failed, running) = (views(failed)?, views(running)?);
                let queue =
                    |queue: runs::Queue| Ok(QueueView { head: view_of(tx, queue.head, now)?, runs: queue.runs });
                let queues = queues.into_iter().map(queue).collect::<Result<Vec<_>, EngineError>>()?;
                Ok(OverviewView {
                    hours,
                    failed,
                    failed_count,
                    running,
                    running_count,
                    queues,
                    queue_count,
                    queued_count,
                })
            })
            .await
    }
}

/// The hour of `now` and those before it, with nothing in them.
fn empty(now: Timestamp) -> Vec<HourView> {
    let second = now.as_second();
    let this = Timestamp::from_second(second - second.rem_euclid(3600)).unwrap_or(now);
    let before = |ago: i64| this.checked_sub(ago.hours()).ok();
    (0..HOURS).rev().filter_map(before).map(|hour| HourView { hour, ..HourView::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_end_with_the_one_that_it_is() {
        let hours = empty("2026-05-04T10:59:59.5Z".parse().unwrap());
        assert_eq!(hours.len(), 24);
        assert_eq!(hours.first().unwrap().hour.to_string(), "2026-05-03T11:00:00Z");
        assert_eq!(hours.last().unwrap().hour.to_string(), "2026-05-04T10:00:00Z");
    }
}

//! Backfill: the runs that a schedule has no run for in a range of days, oldest first (`spec/semantics.md`, Schedule).
//!
//! A backfilled tick is recorded under the key of scheduled ticks, in the transaction that creates its run. So repeating a
//! backfill, or two at once, or one beside the schedule, creates no run twice. Ticks that the schedule is about to create
//! itself are left to it. The runs are created in small transactions; one that is interrupted is completed by repeating it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::json;
use tailer_model::{ExecutionDate, RunId, RunStatus, Schedule, rfc3339_micros};
use tailer_store::{Durability, Tx, configurations::ConfigurationRow, runs, ticks};

use crate::{
    BackfillRequest, BackfillView, Engine, EngineError,
    audit::record,
    configurations::resolve,
    engine::Inner,
    reconcile::ticks::{considered_until, run_of, schedule_of},
    runs::{launchable_kind, startable},
};

/// Most ticks that one request looks at.
const MOST: usize = 10_000;
/// Runs created in one transaction: others wait no longer than this takes.
const BATCH: usize = 50;

/// A tick that lacks a run.
#[derive(Debug, Clone)]
struct Missing {
    /// Of which kind its guard is.
    kind: &'static str,
    tick: Timestamp,
    /// The failed run that was its last.
    failed: Option<RunId>,
}

impl Engine {
    /// Lists the missing runs of a range of days, and creates them unless it is a dry run.
    ///
    /// A run is missing for each tick of the schedule up to now for which no run was created, or whose last run failed. On
    /// a day with a single tick any other run for that day counts as well, if it has not failed and had all tasks. Without a
    /// schedule there is one run a day. Answers what this call created, oldest first.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown operation, [`EngineError::Conflict`] for a disabled or archived one,
    /// [`EngineError::Invalid`] for one that files start, a range that ends before it begins, or more than 10,000 ticks.
    pub async fn backfill(&self, request: BackfillRequest) -> Result<Vec<BackfillView>, EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        launchable_kind(request.configuration.configuration_type)?;
        if request.to < request.from {
            return Err(EngineError::invalid("bad_range", format!("to: {} is before {}", request.to, request.from)));
        }
        let (inner, now, asked) = (self.0.clone(), self.0.now(), request.clone());
        let missing = self.0.parts.store.read(move |tx| missing(&inner, tx, &asked, now)).await?;
        if request.dry_run {
            return Ok(missing.iter().map(|missing| view(missing, None)).collect());
        }
        let (mut created, mut entry) = (Vec::new(), None);
        for batch in missing.chunks(BATCH) {
            let (inner, request, batch) = (self.0.clone(), request.clone(), batch.to_vec());
            let (now, before) = (self.0.now(), created.clone());
            let write = move |tx: &mut Tx<'_>| {
                let new = create(&inner, tx, &request, &batch, now)?;
                let row = resolve(tx, &request.configuration)?;
                let entry = record::backfilled(tx, &request, &row, entry, (&before, &new), now)?;
                Ok::<_, EngineError>((new, entry))
            };
            let (new, told) = self.0.parts.store.write(Durability::Synced, write).await?;
            created.extend(new);
            entry = told;
            self.0.runs_changed();
        }
        Ok(created)
    }
}

fn missing(
    inner: &Inner,
    tx: &mut Tx<'_>,
    request: &BackfillRequest,
    now: Timestamp,
) -> Result<Vec<Missing>, EngineError> {
    let row = resolve(tx, &request.configuration)?;
    startable(&row)?;
    let loaded = inner.cache.load(tx, row.key, row.version)?;
    let schedule = schedule_of(&loaded.configuration.definition);
    let (from, until) = (midnight(request.from.0), last_moment(request.to.0).min(now));
    let (kind, ticks) = match schedule {
        Some(schedule) => (ticks::RUN, scheduled(tx, &row, schedule, from, until)?),
        None => (ticks::DAY, days(request.from.0, until)),
    };
    if ticks.len() > MOST {
        return Err(EngineError::invalid(
            "too_many_runs",
            format!("there are more than {MOST} ticks from {} to {}: fill in a shorter time", request.from, request.to),
        ));
    }
    let recorded: BTreeMap<Timestamp, Option<(RunId, RunStatus)>> =
        ticks::between(tx, row.key, kind, from, until)?.into_iter().map(|row| (row.tick, row.run)).collect();
    let served = runs::served_dates(tx, row.key, request.from, request.to)?;
    let alone = alone(&ticks);
    let wanted = |tick: &Timestamp| {
        let day = ExecutionDate::of(*tick);
        if alone.contains(&day) && served.contains(&day) {
            return None;
        }
        let failed = match recorded.get(tick) {
            None => None,
            Some(Some((run, RunStatus::Failed))) => Some(run.clone()),
            Some(_) => return None,
        };
        Some(Missing { kind, tick: *tick, failed })
    };
    Ok(ticks.iter().filter_map(wanted).collect())
}

/// The ticks of the schedule in the range that it does not still create by itself; at most one more than are allowed.
fn scheduled(
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    schedule: &Schedule,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Timestamp>, EngineError> {
    let until = if schedule.catchup { until.min(considered_until(tx, row, schedule)?) } else { until };
    let before = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
    Ok(schedule.ticks_between(before, until, MOST + 1))
}

/// The midnights from a day on; at most one more than are allowed.
fn days(from: Date, until: Timestamp) -> Vec<Timestamp> {
    from.series(1.day()).map(midnight).take_while(|day| *day <= until).take(MOST + 1).collect()
}

/// The days that have one tick only.
fn alone(ticks: &[Timestamp]) -> BTreeSet<ExecutionDate> {
    let mut counts: BTreeMap<ExecutionDate, usize> = BTreeMap::new();
    for tick in ticks {
        *counts.entry(ExecutionDate::of(*tick)).or_default() += 1;
    }
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(day, _)| day).collect()
}

/// Creates the runs of those that are still missing.
fn create(
    inner: &Inner,
    tx: &mut Tx<'_>,
    request: &BackfillRequest,
    batch: &[Missing],
    now: Timestamp,
) -> Result<Vec<BackfillView>, EngineError> {
    let row = resolve(tx, &request.configuration)?;
    startable(&row)?;
    let mut created = Vec::new();
    for missing in batch {
        let (kind, tick, run_id) = (missing.kind, missing.tick, inner.new_run_id());
        let ours = match &missing.failed {
            None => ticks::record(tx, row.key, kind, tick, Some(&run_id), now)?,
            Some(failed) => ticks::replace(tx, row.key, kind, tick, failed, &run_id, now)?,
        };
        if !ours {
            continue;
        }
        let trigger = json!({"type": "backfill", "by": request.by.name, "run_ids": []});
        runs::create(tx, &run_of(&row, run_id.clone(), tick, trigger, now))?;
        created.push(view(missing, Some(run_id)));
    }
    Ok(created)
}

fn view(missing: &Missing, run_id: Option<RunId>) -> BackfillView {
    BackfillView { execution_date: ExecutionDate::of(missing.tick), tick: rfc3339_micros(missing.tick), run_id }
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
}

fn last_moment(day: Date) -> Timestamp {
    day.tomorrow()
        .map_or(Timestamp::MAX, midnight)
        .checked_sub(SignedDuration::from_micros(1))
        .unwrap_or(Timestamp::MAX)
}

//! Ticks: runs that a schedule starts (`spec/semantics.md`, Schedule).
//!
//! A tick is unique by configuration and time, and recorded in the transaction that creates its run: it is created once,
//! whatever crashes or restarts. After a time without a server the latest missed tick is made up for, or all with
//! `catchup`; ticks of a time when the operation was disabled are not.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tailer_model::{ExecutionDate, Identity, RunId, Schedule, operation::Definition};
use tailer_store::{
    Durability, Tx,
    configurations::{self, ConfigurationRow},
    runs::{self, NewRun},
    ticks,
};

use crate::{EngineError, engine::Inner, freshness};

/// Ticks made up for in one turn; the rest follow in the next.
const BATCH: usize = 100;

/// Creates the runs of due ticks; answers when the next tick is due.
pub(super) async fn run(inner: &Arc<Inner>) -> Result<Option<Timestamp>, EngineError> {
    let (engine, now) = (inner.clone(), inner.now());
    let (due, next) = inner
        .parts
        .store
        .read(move |tx| {
            let mut due = Vec::new();
            let mut next: Option<Timestamp> = None;
            for row in configurations::all(tx)? {
                if !row.activated {
                    continue;
                }
                let loaded = engine.cache.load(tx, row.key, row.version)?;
                let Some(schedule) = schedule_of(&loaded.configuration.definition) else { continue };
                if !due_ticks(tx, &row, schedule, now)?.is_empty() {
                    due.push(row.key);
                }
                next = next.into_iter().chain(schedule.next_ticks(now, 1)).min();
            }
            Ok::<_, EngineError>((due, next))
        })
        .await?;
    if due.is_empty() {
        return Ok(next);
    }
    let engine = inner.clone();
    inner
        .parts
        .store
        .write(Durability::Synced, move |tx| {
            for key in due {
                if let Some(row) = configurations::get(tx, key)? {
                    make_up(&engine, tx, &row, now)?;
                }
            }
            Ok::<_, EngineError>(())
        })
        .await?;
    inner.runs_changed();
    // What a batch left over is due at once.
    Ok(Some(now))
}

/// Creates the runs that are due of an operation which is about to be deployed again: a deployment begins a new time.
///
/// # Errors
/// What the store says.
pub(crate) fn settle(inner: &Inner, tx: &mut Tx<'_>, identity: &Identity, now: Timestamp) -> Result<(), EngineError> {
    let Identity { account, environment, configuration_type, configuration_id } = identity;
    match configurations::resolve(tx, account, *environment, *configuration_type, configuration_id)? {
        Some(row) if row.identity == *identity => make_up(inner, tx, &row, now),
        _ => Ok(()),
    }
}

/// Creates the runs of an operation's due ticks.
fn make_up(inner: &Inner, tx: &mut Tx<'_>, row: &ConfigurationRow, now: Timestamp) -> Result<(), EngineError> {
    if !row.activated || row.archived {
        return Ok(());
    }
    let loaded = inner.cache.load(tx, row.key, row.version)?;
    let Some(schedule) = schedule_of(&loaded.configuration.definition) else { return Ok(()) };
    for tick in due_ticks(tx, row, schedule, now)? {
        create(inner, tx, row, tick, now)?;
    }
    Ok(())
}

/// The schedule that starts an operation, if one does.
pub(crate) fn schedule_of(definition: &Definition) -> Option<&Schedule> {
    match definition {
        Definition::TableToTable(c) => Some(&c.schedule),
        Definition::TableToStorage(c) => Some(&c.schedule),
        _ => None,
    }
    .filter(|schedule| schedule.interval.is_some() && schedule.start_date.is_some())
}

fn due_ticks(
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<Vec<Timestamp>, EngineError> {
    let after = considered_until(tx, row, schedule)?;
    if schedule.catchup {
        return Ok(schedule.ticks_between(after, now, BATCH));
    }
    // Only the latest: walk forward and keep the last one.
    let mut latest = None;
    let mut from = after;
    loop {
        let ticks = schedule.ticks_between(from, now, 10_000);
        match ticks.last() {
            Some(tick) => (latest, from) = (Some(*tick), *tick),
            None => return Ok(latest.into_iter().collect()),
        }
    }
}

/// The instant after which ticks are still to come from the schedule itself: all of them with `catchup`, else the latest.
pub(crate) fn considered_until(
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    schedule: &Schedule,
) -> Result<Timestamp, EngineError> {
    let last = ticks::last(tx, row.key, ticks::RUN)?;
    if !schedule.catchup {
        return Ok(last.map_or(row.activated_since, |last| last.max(row.activated_since)));
    }
    let start = schedule.start_date.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|start| start.timestamp());
    let from_start = start.and_then(|start| start.checked_sub(jiff::SignedDuration::from_micros(1)).ok());
    let after = last.or(from_start).unwrap_or(row.created);
    let enabled_later = row.activated_since > row.deployed;
    Ok(if enabled_later { after.max(row.activated_since) } else { after })
}

/// The run that a tick starts, by the schedule or by a backfill.
pub(crate) fn run_of(row: &ConfigurationRow, run_id: RunId, tick: Timestamp, trigger: Value, now: Timestamp) -> NewRun {
    NewRun {
        run_id,
        configuration: row.key,
        version: row.version,
        job_id: row.identity.job_id(None),
        execution_date: ExecutionDate::of(tick),
        trigger,
        parameters: json!({}),
        tasks: None,
        at: now,
        input: Value::Null,
    }
}

fn create(
    inner: &Inner,
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    tick: Timestamp,
    now: Timestamp,
) -> Result<(), EngineError> {
    let run_id = inner.new_run_id();
    let trigger = json!({"type": "schedule", "by": null, "run_ids": []});
    runs::create(tx, &run_of(row, run_id.clone(), tick, trigger, now))?;
    freshness::began(tx, row, &run_id, now)?;
    if ticks::record(tx, row.key, ticks::RUN, tick, Some(&run_id), now)? {
        return Ok(());
    }
    // Unique, and looked at in this very transaction: cannot be, but must not double a run if it is.
    Err(EngineError::Internal(format!("the tick {tick} of {} was recorded already", row.identity)))
}

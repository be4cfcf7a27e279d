//! Ticks of schedules: each happens once (unique: configuration + kind + time), whatever crashes or restarts.

use jiff::Timestamp;
use tailer_model::{RunId, RunStatus};

use crate::{StoreError, Tx, configurations::ConfigurationKey};

/// Ticks of `schedule_interval`: they launch.
pub const RUN: &str = "run";
/// Ticks of `schedule_interval_reset`: they reset a workflow.
pub const RESET: &str = "reset";

/// Days that a backfill filled in for an operation without a schedule, as their midnights: they launch.
pub const DAY: &str = "day";

/// Days, as their midnights, that a run served which was pruned since: they launch nothing.
pub const SERVED: &str = "served";

/// Records that a tick happened, with the run that it launched, if any. Answers `false` when it had happened before.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such configuration.
pub fn record(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    kind: &str,
    tick: Timestamp,
    run: Option<&RunId>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let recorded = tx.execute(
        "INSERT INTO ticks (configuration, kind, tick, run_id, recorded) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (configuration, kind, tick) DO NOTHING",
        &[key.into(), kind.into(), tick.into(), run.into(), at.into()],
    )?;
    Ok(recorded == 1)
}

/// The latest tick recorded of this kind.
///
/// # Errors
/// What the database says.
pub fn last(tx: &mut Tx<'_>, key: ConfigurationKey, kind: &str) -> Result<Option<Timestamp>, StoreError> {
    tx.query_one(
        "SELECT tick FROM ticks WHERE configuration = ?1 AND kind = ?2 ORDER BY tick DESC LIMIT 1",
        &[key.into(), kind.into()],
        |row| row.take(),
    )
}

/// A tick that happened, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TickRow {
    pub tick: Timestamp,
    /// With its status; `None` for a tick without a run, or whose run has been pruned and had not failed.
    pub run: Option<(RunId, RunStatus)>,
}

/// The ticks recorded of this kind, `from` and `until` included, oldest first.
///
/// # Errors
/// What the database says.
pub fn between(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    kind: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<TickRow>, StoreError> {
    tx.query(
        "SELECT ticks.tick, ticks.run_id, COALESCE(runs.status, CASE ticks.failed WHEN 1 THEN 'FAILED' END) \
         FROM ticks LEFT JOIN runs ON runs.run_id = ticks.run_id \
         WHERE ticks.configuration = ?1 AND ticks.kind = ?2 AND ticks.tick >= ?3 AND ticks.tick <= ?4 ORDER BY ticks.tick",
        &[key.into(), kind.into(), from.into(), until.into()],
        |row| {
            let (tick, id, status) = (row.take()?, row.take::<Option<RunId>>()?, row.take::<Option<RunStatus>>()?);
            Ok(TickRow { tick, run: id.zip(status) })
        },
    )
}

/// Gives a recorded tick another run in the place of `before`. Answers `false`, and changes nothing, when its run is another
/// by now: of two who want to replace the same run one wins.
///
/// # Errors
/// What the database says.
pub fn replace(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    kind: &str,
    tick: Timestamp,
    before: &RunId,
    run: &RunId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let replaced = tx.execute(
        "UPDATE ticks SET run_id = ?5, recorded = ?6, failed = 0 \
         WHERE configuration = ?1 AND kind = ?2 AND tick = ?3 AND run_id = ?4",
        &[key.into(), kind.into(), tick.into(), before.into(), run.into(), at.into()],
    )?;
    Ok(replaced == 1)
}

/// Notes in the ticks of a day that their run, which is about to be pruned, had failed.
///
/// # Errors
/// What the database says.
pub(crate) fn note_failed(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    run: &RunId,
    (from, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    for kind in [RUN, DAY] {
        tx.execute(
            "UPDATE ticks SET failed = 1 WHERE configuration = ?1 AND kind = ?2 AND tick >= ?3 AND tick < ?4 AND run_id = ?5",
            &[key.into(), kind.into(), from.into(), until.into(), run.into()],
        )?;
    }
    Ok(())
}

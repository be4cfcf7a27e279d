//! Ticks of schedules: each happens once (unique: configuration + kind + time), whatever crashes or restarts.

use jiff::Timestamp;
use tailer_model::RunId;

use crate::{StoreError, Tx, configurations::ConfigurationKey};

/// Ticks of `schedule_interval`: they launch.
pub const RUN: &str = "run";
/// Ticks of `schedule_interval_reset`: they reset a workflow.
pub const RESET: &str = "reset";

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

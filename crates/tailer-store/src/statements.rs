//! Warehouse jobs, recorded before they are submitted: a statement that was started can be stopped, also by whoever takes
//! the run over.

use jiff::Timestamp;
use tailer_model::{RunId, TaskId};

use crate::{StoreError, Tx, runs::held_sequence};

/// Records a job about to be submitted. The same job recorded again, after a takeover, is the same. Answers `false`, and records
/// nothing, when the fence is not current: then it must not be submitted.
///
/// # Errors
/// What the database says.
pub fn record(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    task_id: &TaskId,
    attempt: u32,
    job_id: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    tx.execute(
        "INSERT INTO statements (run, job_id, task_id, attempt, recorded) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (run, job_id) DO NOTHING",
        &[run.into(), job_id.into(), task_id.into(), attempt.into(), at.into()],
    )?;
    Ok(true)
}

/// The jobs of a run that may still be going on, in the order recorded.
///
/// # Errors
/// What the database says.
pub fn open(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT job_id FROM statements WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) \
         ORDER BY recorded, job_id",
        &[run_id.into()],
        |row| row.take(),
    )
}

/// Forgets a job that has ended. Not fenced: a job that has ended has ended for everyone.
///
/// # Errors
/// What the database says.
pub fn close(tx: &mut Tx<'_>, run_id: &RunId, job_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM statements WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) AND job_id = ?2",
        &[run_id.into(), job_id.into()],
    )?;
    Ok(())
}

//! Results of expectations: what each CALL of a task found, kept for people who ask later.
//!
//! Written under the fence, all of an attempt's at once; the first that are written stay. `series` has what belongs together over
//! many runs.

use jiff::Timestamp;
use serde_json::Value as Json;
use tailer_model::{Criticality, RunId, TaskId};

use crate::{ConfigurationKey, StoreError, Tx, runs::held_sequence};

pub(crate) mod series;

use series::Ordinals;
pub use series::{Mark, Series, find, marks, of_account, results};

/// What one CALL found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The CALL as it stands in the file, without its threshold: the same text in each run, by which the results of one expectation
    /// are known.
    pub call: String,
    pub passed: bool,
    /// Line of the CALL in its file.
    pub line: u32,
    /// For people.
    pub message: String,
    /// The result as BigQuery's table of results has it.
    pub result: Json,
    /// Some of the rejected rows: `columns` and `rows`; null when there are none.
    pub rejected: Json,
}

/// A result and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectationRow {
    pub run_id: RunId,
    pub task_id: TaskId,
    pub attempt: u32,
    pub criticality: Criticality,
    pub checked: Timestamp,
    pub found: Found,
}

/// Records what an attempt found, unless something is recorded of it: then that stays. `false` when the fence is not current.
///
/// # Errors
/// What the database says.
#[expect(clippy::too_many_arguments, reason = "the columns of one row and its guard")]
pub fn record(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    configuration: ConfigurationKey,
    task: (&TaskId, Criticality),
    attempt: u32,
    found: &[Found],
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    let (mut digests, mut former) = (Ordinals::default(), Ordinals::default());
    for (position, one) in (0i64..).zip(found) {
        let digest = digests.digest(configuration, task.0, &one.call);
        let former = former.digest(configuration, task.0, &series::formerly(&one.result));
        let written = tx.execute(
            "INSERT INTO expectations (run, task_id, attempt, position, configuration, criticality, passed, line, \
                 message, result, rejected, checked) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (run, task_id, attempt, position) DO NOTHING",
            &[
                run.into(),
                task.0.into(),
                attempt.into(),
                position.into(),
                configuration.into(),
                task.1.into(),
                one.passed.into(),
                one.line.into(),
                (&one.message).into(),
                (&one.result).into(),
                (&one.rejected).into(),
                at.into(),
            ],
        )?;
        if written == 1 {
            let series = series::note(tx, (run, configuration, task.0), one, (&digest, &former), at)?;
            tx.execute(
                "UPDATE expectations SET series = ?5 WHERE run = ?1 AND task_id = ?2 AND attempt = ?3 AND position = ?4",
                &[run.into(), task.0.into(), attempt.into(), position.into(), series.into()],
            )?;
        }
    }
    Ok(true)
}

const COLUMNS: &str = "e.task_id, e.attempt, e.criticality, e.checked, \
                       COALESCE((SELECT called FROM expectation_series WHERE key = e.series), ''), e.passed, e.line, \
                       e.message, e.result, e.rejected";

/// What an attempt at a task found, in the order of its file; empty when it has not got there yet.
///
/// # Errors
/// What the database says.
pub fn of_attempt(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    task_id: &TaskId,
    attempt: u32,
) -> Result<Vec<ExpectationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM expectations e WHERE e.run = (SELECT sequence FROM runs WHERE run_id = ?1) \
             AND e.task_id = ?2 AND e.attempt = ?3 ORDER BY e.position"
        ),
        &[run_id.into(), task_id.into(), attempt.into()],
        |row| read(run_id.clone(), row),
    )
}

/// What a run's tasks found, in the order it was found.
///
/// # Errors
/// What the database says.
pub fn of_run(tx: &mut Tx<'_>, run_id: &RunId, limit: u32) -> Result<Vec<ExpectationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM expectations e WHERE e.run = (SELECT sequence FROM runs WHERE run_id = ?1) \
             ORDER BY e.checked, e.task_id, e.attempt, e.position LIMIT ?2"
        ),
        &[run_id.into(), limit.into()],
        |row| read(run_id.clone(), row),
    )
}

/// What a configuration's runs found, the newest first; of one attempt in the order of its file.
///
/// # Errors
/// What the database says.
pub fn of_configuration(
    tx: &mut Tx<'_>,
    configuration: ConfigurationKey,
    limit: u32,
) -> Result<Vec<ExpectationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT r.run_id, {COLUMNS} FROM expectations e JOIN runs r ON r.sequence = e.run \
             WHERE e.configuration = ?1 ORDER BY e.checked DESC, e.run DESC, e.task_id, e.position LIMIT ?2"
        ),
        &[configuration.into(), limit.into()],
        |row| {
            let run_id = row.take()?;
            read(run_id, row)
        },
    )
}

fn read(run_id: RunId, row: &crate::Row<'_>) -> Result<ExpectationRow, StoreError> {
    Ok(ExpectationRow {
        run_id,
        task_id: row.take()?,
        attempt: row.take()?,
        criticality: row.take()?,
        checked: row.take()?,
        found: Found {
            call: row.take()?,
            passed: row.take()?,
            line: row.take()?,
            message: row.take()?,
            result: row.take()?,
            rejected: row.take()?,
        },
    })
}

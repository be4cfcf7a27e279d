//! Tasks of a run: planned together, then started and finished one by one by the worker that holds the run.
//!
//! Every write names the worker's fence and answers `false`, having written nothing, when that is not current or the run has ended.

use jiff::Timestamp;
use serde_json::Value as Json;
use tailer_model::{Criticality, RunId, TaskId, TaskStatus};

use crate::{
    StoreError, Tx,
    runs::{Moved, held_sequence},
};

/// A task as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    pub run_id: RunId,
    pub task_id: TaskId,
    pub task_type: String,
    pub status: TaskStatus,
    pub criticality: Criticality,
    /// 0 until it starts, then from 1; rises only after a recorded failure.
    pub attempt: u32,
    /// Order in the configuration, from 0.
    pub position: u32,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// When the next attempt begins, while it waits for that.
    pub due: Option<Timestamp>,
    /// Who wants it stopped.
    pub cancel_wanted: Option<String>,
    /// What the task counted; null until it ends.
    pub statistics: Json,
    /// The SQL as run.
    pub sql: Option<String>,
    pub error: Option<String>,
}

/// How a task ended.
#[derive(Debug, Clone)]
pub struct TaskEnd {
    pub status: TaskStatus,
    pub statistics: Json,
    pub sql: Option<String>,
    pub error: Option<String>,
    pub at: Timestamp,
}

/// Records the tasks of a run as `PENDING`, in this order. Those recorded before stay as they are, so a takeover may plan again.
///
/// # Errors
/// What the database says.
pub fn plan(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    tasks: &[(TaskId, String, Criticality)],
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    for (position, (task_id, task_type, criticality)) in (0i64..).zip(tasks) {
        tx.execute(
            "INSERT INTO tasks (run, task_id, task_type, status, criticality, position) \
             VALUES (?1, ?2, ?3, 'PENDING', ?4, ?5) ON CONFLICT (run, task_id) DO NOTHING",
            &[run.into(), task_id.into(), task_type.into(), (*criticality).into(), position.into()],
        )?;
    }
    Ok(true)
}

/// Records that an attempt begins. The same attempt begun again, after a takeover, keeps its start.
///
/// # Errors
/// [`StoreError::Missing`] when the task was not planned.
pub fn start(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    task_id: &TaskId,
    attempt: u32,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    let changed = tx.execute(
        "UPDATE tasks SET status = 'RUNNING', attempt = ?3, ended = NULL, error = NULL, due = NULL, \
             started = CASE WHEN attempt = ?3 AND started IS NOT NULL THEN started ELSE ?4 END \
         WHERE run = ?1 AND task_id = ?2",
        &[run.into(), task_id.into(), attempt.into(), at.into()],
    )?;
    planned(changed, run_id, task_id)
}

/// Records how a task ended, or that it never began (`SKIPPED`, `CANCELLED`).
///
/// # Errors
/// [`StoreError::Missing`] when the task was not planned.
pub fn finish(tx: &mut Tx<'_>, run_id: &RunId, fence: i64, task_id: &TaskId, end: TaskEnd) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    let changed = tx.execute(
        "UPDATE tasks SET status = ?3, statistics = ?4, statement = ?5, error = ?6, ended = ?7, due = NULL \
         WHERE run = ?1 AND task_id = ?2",
        &[
            run.into(),
            task_id.into(),
            end.status.into(),
            (&end.statistics).into(),
            end.sql.as_deref().into(),
            end.error.as_deref().into(),
            end.at.into(),
        ],
    )?;
    planned(changed, run_id, task_id)
}

/// An attempt that failed, of a task that has or had another one.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    pub task_id: TaskId,
    pub attempt: u32,
    pub start: Option<Timestamp>,
    pub end: Timestamp,
    pub error: String,
}

/// Keeps what became of a task's current attempt, which has failed: the task itself only tells of its last one. Ask before
/// [`finish`] or [`retry`].
///
/// # Errors
/// What the database says.
pub fn keep_attempt(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    task_id: &TaskId,
    error: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    tx.execute(
        "INSERT INTO attempts (run, task_id, attempt, started, ended, error) \
         SELECT run, task_id, attempt, started, ?3, ?4 FROM tasks WHERE run = ?1 AND task_id = ?2 \
         ON CONFLICT (run, task_id, attempt) DO NOTHING",
        &[run.into(), task_id.into(), at.into(), error.into()],
    )?;
    Ok(true)
}

/// Lets a task whose attempt failed wait for `attempt`, which begins at `due`. Its error stays to be seen.
///
/// # Errors
/// [`StoreError::Missing`] when the task was not planned.
pub fn retry(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    task_id: &TaskId,
    attempt: u32,
    due: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    let changed = tx.execute(
        "UPDATE tasks SET status = 'PENDING', attempt = ?3, due = ?4, error = ?5, started = NULL, ended = NULL \
         WHERE run = ?1 AND task_id = ?2",
        &[run.into(), task_id.into(), attempt.into(), due.into(), error.into()],
    )?;
    planned(changed, run_id, task_id)
}

/// The attempts of a run's tasks that failed and were not their only ones, by task and attempt.
///
/// # Errors
/// What the database says.
pub fn attempts(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Vec<AttemptRow>, StoreError> {
    tx.query(
        "SELECT task_id, attempt, started, ended, error FROM attempts \
         WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) ORDER BY task_id, attempt",
        &[run_id.into()],
        |row| {
            Ok(AttemptRow {
                task_id: row.take()?,
                attempt: row.take()?,
                start: row.take()?,
                end: row.take()?,
                error: row.take()?,
            })
        },
    )
}

fn planned(changed: u64, run_id: &RunId, task_id: &TaskId) -> Result<bool, StoreError> {
    if changed == 1 { Ok(true) } else { Err(StoreError::Missing(format!("task {task_id} of run {run_id}"))) }
}

/// What the tasks of a run have counted together.
pub(crate) fn moved(tx: &mut Tx<'_>, run: i64) -> Result<Moved, StoreError> {
    let counted: Vec<Json> =
        tx.query("SELECT statistics FROM tasks WHERE run = ?1 AND statistics <> 'null'", &[run.into()], |row| {
            row.take()
        })?;
    let sum = |name| counted.iter().filter_map(|one| one.get(name)?.as_i64()).reduce(i64::saturating_add);
    Ok(Moved { rows: sum("rows"), bytes: sum("bytes") })
}

/// Ends the open tasks of a run that a person ended: what ran is cancelled, what waited is skipped.
pub(crate) fn settle(tx: &mut Tx<'_>, run: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE tasks SET ended = CASE WHEN status = 'RUNNING' THEN ?2 ELSE ended END, \
             status = CASE WHEN status = 'RUNNING' THEN 'CANCELLED' ELSE 'SKIPPED' END, due = NULL \
         WHERE run = ?1 AND status IN ('RUNNING', 'PENDING')",
        &[run.into(), at.into()],
    )?;
    Ok(())
}

/// The tasks of a run, in the order of the configuration.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Vec<TaskRow>, StoreError> {
    tx.query(
        "SELECT task_id, task_type, status, criticality, attempt, position, started, ended, due, cancel_wanted, \
         statistics, statement, error \
         FROM tasks WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) ORDER BY position",
        &[run_id.into()],
        |row| {
            Ok(TaskRow {
                run_id: run_id.clone(),
                task_id: row.take()?,
                task_type: row.take()?,
                status: row.take()?,
                criticality: row.take()?,
                attempt: row.take()?,
                position: row.take()?,
                start: row.take()?,
                end: row.take()?,
                due: row.take()?,
                cancel_wanted: row.take()?,
                statistics: row.take()?,
                sql: row.take()?,
                error: row.take()?,
            })
        },
    )
}

/// What became of a wish to stop a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskCancel {
    /// The run has no such task, or has not planned its tasks yet.
    Unknown,
    /// The task or its run has ended.
    Ended,
    /// Somebody wanted it before.
    Already,
    /// The worker has been asked.
    Requested,
}

/// Wishes that a task of a run be stopped while the run goes on. Its worker is asked ([`cancels_wanted`]), and whoever takes the run
/// over is too.
///
/// # Errors
/// What the database says.
pub fn request_cancel(tx: &mut Tx<'_>, run_id: &RunId, task_id: &TaskId, by: &str) -> Result<TaskCancel, StoreError> {
    let found = tx.query_one(
        "SELECT runs.sequence, runs.phase, tasks.status, tasks.cancel_wanted FROM runs JOIN tasks ON tasks.run = runs.sequence \
         WHERE runs.run_id = ?1 AND tasks.task_id = ?2",
        &[run_id.into(), task_id.into()],
        |row| Ok((row.take::<i64>()?, row.take::<String>()?, row.take::<TaskStatus>()?, row.take::<Option<String>>()?)),
    )?;
    let Some((run, phase, status, wanted)) = found else { return Ok(TaskCancel::Unknown) };
    if phase != "running" || !matches!(status, TaskStatus::Pending | TaskStatus::Running) {
        return Ok(TaskCancel::Ended);
    }
    if wanted.is_some() {
        return Ok(TaskCancel::Already);
    }
    tx.execute(
        "UPDATE tasks SET cancel_wanted = ?3 WHERE run = ?1 AND task_id = ?2",
        &[run.into(), task_id.into(), by.into()],
    )?;
    tx.execute("UPDATE runs SET task_cancels = 1 WHERE sequence = ?1", &[run.into()])?;
    Ok(TaskCancel::Requested)
}

/// The tasks of runs that `worker` holds which somebody wants stopped, and who.
///
/// # Errors
/// What the database says.
pub fn cancels_wanted(tx: &mut Tx<'_>, worker: &str) -> Result<Vec<(RunId, TaskId, String)>, StoreError> {
    tx.query(
        "SELECT runs.run_id, tasks.task_id, tasks.cancel_wanted FROM runs JOIN tasks ON tasks.run = runs.sequence \
         WHERE runs.phase = 'running' AND runs.worker = ?1 AND runs.task_cancels = 1 AND tasks.cancel_wanted IS NOT NULL",
        &[worker.into()],
        |row| Ok((row.take()?, row.take()?, row.take()?)),
    )
}

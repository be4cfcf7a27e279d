//! Log lines of runs, in the order written. A line's number is the cursor with which a reader goes on; it only rises.
//!
//! Not fenced: what a worker says about a run that it has lost is still true of what it did.

use jiff::Timestamp;
use tailer_model::{RunId, TaskId};

use crate::{StoreError, Tx, tx::Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub date: Timestamp,
    /// `INFO`, `WARNING`, `ERROR`: the engine's words.
    pub level: String,
    /// The task that says it; `None` for the run itself.
    pub task_id: Option<TaskId>,
    pub message: String,
}

/// Adds lines to a run's log.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such run.
pub fn append(tx: &mut Tx<'_>, run_id: &RunId, lines: &[LogLine]) -> Result<(), StoreError> {
    let run: Option<i64> =
        tx.query_one("SELECT sequence FROM runs WHERE run_id = ?1", &[run_id.into()], |row| row.take())?;
    let run = run.ok_or_else(|| StoreError::Missing(format!("run {run_id}")))?;
    for line in lines {
        tx.execute(
            "INSERT INTO log_lines (run, logged, level, task_id, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[run.into(), line.date.into(), (&line.level).into(), line.task_id.as_ref().into(), (&line.message).into()],
        )?;
    }
    Ok(())
}

/// Which lines of a run to read.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Of this task only; of all and the run itself when `None`.
    pub task: Option<TaskId>,
    /// Of one of these levels only; of all when empty.
    pub levels: Vec<String>,
}

/// The last `limit` lines before the cursor `before` (the end when `None`), in the order written, each with its own cursor. Empty for
/// a run that does not exist.
///
/// # Errors
/// What the database says.
pub fn tail(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    filter: &LogFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    let mut lines = select(tx, run_id, filter, ("<", before.unwrap_or(i64::MAX)), "DESC", limit)?;
    lines.reverse();
    Ok(lines)
}

/// Up to `limit` lines after the cursor `after` (0 for the beginning), each with its own cursor. Empty for a run that does not exist.
///
/// # Errors
/// What the database says.
pub fn following(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    filter: &LogFilter,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    select(tx, run_id, filter, (">", after), "ASC", limit)
}

fn select(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    filter: &LogFilter,
    (side, cursor): (&str, i64),
    direction: &str,
    limit: u32,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    let mut params: Vec<Value<'_>> = vec![run_id.into(), cursor.into(), limit.into()];
    let mut asked = String::new();
    if let Some(task) = &filter.task {
        params.push(task.into());
        asked.push_str(&format!("AND task_id = ?{} ", params.len()));
    }
    if !filter.levels.is_empty() {
        let first = params.len() + 1;
        params.extend(filter.levels.iter().map(Value::from));
        let places: Vec<String> = (first..=params.len()).map(|n| format!("?{n}")).collect();
        asked.push_str(&format!("AND level IN ({}) ", places.join(", ")));
    }
    tx.query(
        &format!(
            "SELECT line, logged, level, task_id, message FROM log_lines \
             WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) AND line {side} ?2 {asked}\
             ORDER BY line {direction} LIMIT ?3"
        ),
        &params,
        |row| {
            let line = row.take()?;
            let log = LogLine { date: row.take()?, level: row.take()?, task_id: row.take()?, message: row.take()? };
            Ok((line, log))
        },
    )
}

/// Up to `limit` lines after the cursor `after` (0 for the beginning), each with its own cursor; of one task, or of all and the run
/// itself. Empty for a run that does not exist.
///
/// # Errors
/// What the database says.
pub fn read(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    task: Option<&TaskId>,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, LogLine)>, StoreError> {
    following(tx, run_id, &LogFilter { task: task.cloned(), ..LogFilter::default() }, after, limit)
}

//! Which run wrote a table last: one row for each table and account, recorded with the end of the task that wrote it.
//!
//! A row lives as long as its run ([`crate::runs::prune`]), so that what it names can be looked at. It says what tailerd did; others
//! may write a table too, of which a warehouse knows more.

use jiff::Timestamp;
use tailer_model::{AccountId, Identity, RunId, RunStatus, TaskId};

use crate::{StoreError, Tx, configurations::read_identity, runs::held_sequence};

/// A table without a decorator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table<'a> {
    pub project: &'a str,
    pub dataset: &'a str,
    pub table: &'a str,
}

/// The last update of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableUpdate {
    pub identity: Identity,
    pub run_id: RunId,
    /// Of the run: the task that wrote has succeeded, others may have failed.
    pub status: RunStatus,
    pub task_id: TaskId,
    /// Rows that the task wrote, where it knows.
    pub rows: Option<u64>,
    pub updated: Timestamp,
}

/// Records that a task wrote a table. `false` when the fence is not current.
///
/// # Errors
/// What the database says.
pub fn record(
    tx: &mut Tx<'_>,
    (run_id, fence): (&RunId, i64),
    account: &AccountId,
    task_id: &TaskId,
    table: Table<'_>,
    rows: Option<u64>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = held_sequence(tx, run_id, fence)? else { return Ok(false) };
    let rows = rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
    tx.execute(
        "INSERT INTO table_updates (account, project, dataset, table_name, run, task_id, row_count, updated) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (account, project, dataset, table_name) DO UPDATE SET run = excluded.run, \
             task_id = excluded.task_id, row_count = excluded.row_count, updated = excluded.updated \
         WHERE table_updates.updated <= excluded.updated",
        &[
            account.into(),
            table.project.into(),
            table.dataset.into(),
            table.table.into(),
            run.into(),
            task_id.into(),
            rows.into(),
            at.into(),
        ],
    )?;
    Ok(true)
}

/// Forgets a table that a task has dropped. `false` when the fence is not current.
///
/// # Errors
/// What the database says.
pub fn forget(
    tx: &mut Tx<'_>,
    (run_id, fence): (&RunId, i64),
    account: &AccountId,
    table: Table<'_>,
) -> Result<bool, StoreError> {
    if held_sequence(tx, run_id, fence)?.is_none() {
        return Ok(false);
    }
    tx.execute(
        "DELETE FROM table_updates WHERE account = ?1 AND project = ?2 AND dataset = ?3 AND table_name = ?4",
        &[account.into(), table.project.into(), table.dataset.into(), table.table.into()],
    )?;
    Ok(true)
}

/// The last update of a table by the account's runs that are kept.
///
/// # Errors
/// What the database says.
pub fn last(tx: &mut Tx<'_>, account: &AccountId, table: Table<'_>) -> Result<Option<TableUpdate>, StoreError> {
    tx.query_one(
        "SELECT c.account, c.environment, c.configuration_type, c.configuration_id, r.run_id, r.status, u.task_id, \
             u.row_count, u.updated \
         FROM table_updates u JOIN runs r ON r.sequence = u.run JOIN configurations c ON c.key = r.configuration \
         WHERE u.account = ?1 AND u.project = ?2 AND u.dataset = ?3 AND u.table_name = ?4",
        &[account.into(), table.project.into(), table.dataset.into(), table.table.into()],
        |row| {
            Ok(TableUpdate {
                identity: read_identity(row)?,
                run_id: row.take()?,
                status: row.take()?,
                task_id: row.take()?,
                rows: row.take::<Option<i64>>()?.and_then(|rows| u64::try_from(rows).ok()),
                updated: row.take()?,
            })
        },
    )
}

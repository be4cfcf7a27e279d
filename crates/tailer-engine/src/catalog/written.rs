//! What a task that has succeeded did to tables, recorded with its end.

use std::sync::Arc;

use tailer_model::TaskId;
use tailer_store::{
    StoreError, Tx,
    runs::RunRow,
    table_updates::{self, Table},
};
use tailer_warehouse::{
    TableName,
    googlesql::{Scope, TablePath, references},
};

use super::pattern;

/// Something that became of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TableChange {
    /// Its rows were written, or it was made.
    Written {
        table: TablePath,
        rows: Option<u64>,
    },
    Dropped(TablePath),
}

impl TableChange {
    pub(crate) fn written(table: &TableName, rows: Option<u64>) -> Self {
        Self::Written { table: path(table), rows }
    }

    pub(crate) fn dropped(table: &TableName) -> Self {
        Self::Dropped(path(table))
    }
}

fn path(table: &TableName) -> TablePath {
    TablePath { project: table.project.clone(), dataset: table.dataset.clone(), table: table.table.clone() }
}

/// Words without which no statement changes a table.
const CHANGES: [&str; 9] = ["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "LOAD", "EXECUTE"];

/// Tables that SQL as it was run has written. Told from its text, so that those in a branch that was not taken are among them.
pub(crate) async fn by_sql(sql: Arc<str>, project: &str, dataset: Option<&str>) -> Vec<TableChange> {
    let upper = sql.to_ascii_uppercase();
    if !CHANGES.iter().any(|word| upper.contains(word)) {
        return Vec::new();
    }
    let (project, dataset) = (project.to_owned(), dataset.map(str::to_owned));
    let read = move || references(&sql, Scope { project: &project, dataset: dataset.as_deref() }).writes;
    let Ok(written) = tokio::task::spawn_blocking(read).await else { return Vec::new() };
    let exact = written.into_iter().filter(|path| pattern::is_exact(&path.table));
    exact.map(|table| TableChange::Written { table, rows: None }).collect()
}

/// Records what a task did, in the transaction of its end.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    run: &RunRow,
    task: &TaskId,
    changes: &[TableChange],
    at: jiff::Timestamp,
) -> Result<(), StoreError> {
    let (account, held) = (&run.identity.account, (&run.run_id, run.fence));
    for change in changes {
        match change {
            TableChange::Written { table, rows } => {
                table_updates::record(tx, held, account, task, named(table), *rows, at)?;
            }
            TableChange::Dropped(table) => {
                table_updates::forget(tx, held, account, named(table))?;
            }
        }
    }
    Ok(())
}

fn named(path: &TablePath) -> Table<'_> {
    Table { project: &path.project, dataset: &path.dataset, table: &path.table }
}

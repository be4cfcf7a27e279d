//! The data catalogue: which tables an account's data operations read and write, what the warehouse says of them, and which run wrote
//! them last.
//!
//! What is deployed tells who reads and writes what ([`footprint`], [`index`]: there too what an account may see). A warehouse tells the
//! rest, in the time that the caller has: what could not be read is said, and what tailerd knows by itself is shown all the same.

pub(crate) mod footprint;
mod index;
mod lineage;
mod pages;
mod pattern;
mod preview;
pub(crate) mod written;

pub(crate) use index::Indices;
pub use lineage::{TablePlace, TaskUse};
pub use pages::{CatalogDataset, CatalogScope, CatalogTable, CatalogTables, Tables, TablesQuery};
pub use preview::Preview;

use std::{sync::Arc, time::Duration};

use index::Index;
use jiff::Timestamp;
use tailer_model::{AccountId, Identity, RunId, TaskId};
use tailer_store::{
    Tx,
    configurations::{self, ListFilter},
    table_updates::{self, Table},
};
use tailer_warehouse::TableDescription;

use crate::{Engine, EngineError};

/// The last time that a run wrote a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUpdate {
    pub operation: Identity,
    pub run_id: RunId,
    /// Of the run, `SUCCESS` and the like.
    pub status: String,
    pub task_id: TaskId,
    /// Rows that were written, where that is known.
    pub rows: Option<u64>,
    pub at: Timestamp,
}

/// Everything about one table.
#[derive(Debug, Clone)]
pub struct TableDetails {
    /// Whether the name stands for tables that only runs name, such as `sales_{{FD_DATE}}`.
    pub is_pattern: bool,
    /// Those of the warehouse that a pattern stands for, the last by name first.
    pub matching: Vec<String>,
    /// `None` when it is not there, or was not read.
    pub described: Option<TableDescription>,
    pub preview: Preview,
    pub last: Option<LastUpdate>,
    pub writers: Vec<TaskUse>,
    pub readers: Vec<TaskUse>,
    /// What could not be read, and why.
    pub trouble: Option<String>,
}

impl Engine {
    /// What the account's operations read and write. Reads the SQL of those that were not read ahead.
    pub(crate) async fn index(&self, account: &AccountId) -> Result<Arc<Index>, EngineError> {
        let (inner, wanted) = (self.0.clone(), account.clone());
        let found = self.0.parts.store.read(move |tx| {
            let filter =
                ListFilter { account: wanted, environment: None, configuration_type: None, archived: Some(false) };
            let rows = configurations::list(tx, &filter)?;
            let versions: index::Versions = rows.iter().map(|row| (row.key, row.version)).collect();
            if let Some(index) = inner.catalog.get(&filter.account, &versions) {
                return Ok(Ok(index));
            }
            let mut operations = Vec::with_capacity(rows.len());
            for row in rows {
                match inner.cache.load(tx, row.key, row.version) {
                    Ok(loaded) => operations.push((row.identity, loaded)),
                    // One that cannot be read any more has no place here; its own page says why.
                    Err(error) => tracing::warn!(operation = %row.identity, %error, "left out of the catalogue"),
                }
            }
            Ok::<_, EngineError>(Err((versions, operations)))
        });
        match found.await? {
            Ok(index) => Ok(index),
            Err((versions, operations)) => {
                let index = tokio::task::spawn_blocking(move || Arc::new(Index::of(operations)))
                    .await
                    .map_err(|error| EngineError::Internal(format!("the catalogue could not be made: {error}")))?;
                self.0.catalog.keep(account, versions, index.clone());
                Ok(index)
            }
        }
    }

    async fn last_updates(
        &self,
        account: &AccountId,
        project: &str,
        dataset: &str,
        tables: Vec<String>,
    ) -> Result<Vec<Option<LastUpdate>>, EngineError> {
        let (account, project, dataset) = (account.clone(), project.to_owned(), dataset.to_owned());
        let last = move |tx: &mut Tx<'_>| {
            let of = |table: &String| {
                let table = Table { project: &project, dataset: &dataset, table };
                Ok(table_updates::last(tx, &account, table)?.map(|found| LastUpdate {
                    operation: found.identity,
                    run_id: found.run_id,
                    status: found.status.to_string(),
                    task_id: found.task_id,
                    rows: found.rows,
                    at: found.updated,
                }))
            };
            tables.iter().map(of).collect::<Result<Vec<_>, EngineError>>()
        };
        self.0.parts.store.read(last).await
    }
}

/// Until when a caller waits for warehouses, over all that it asks of them.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: tokio::time::Instant,
    patience: Duration,
}

impl Deadline {
    fn after(patience: Duration) -> Self {
        Self { at: tokio::time::Instant::now() + patience, patience }
    }

    /// Waits no longer. What goes wrong is told in words, with the project it went wrong with.
    async fn wait<T>(self, project: &str, work: impl Future<Output = Result<T, EngineError>>) -> Result<T, String> {
        match tokio::time::timeout_at(self.at, work).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(format!("project {project} could not be read: {error}")),
            Err(_) => {
                let within = self.patience.as_secs_f64();
                Err(format!("project {project} could not be read: no answer within {within} s"))
            }
        }
    }
}

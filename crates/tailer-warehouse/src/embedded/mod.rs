//! The embedded warehouse: one DuckDB database file per project, one schema per dataset, one instance per process.
//!
//! Promises what [`Warehouse`] promises: an effect happens once per job id even across `kill -9`, a failed job leaves
//! tables as they were, a cancelled one really stops. It does not promise BigQuery's scale, nor several processes over
//! one folder: the second is refused.

mod catalog;
mod cells;
mod copy;
mod ddl;
mod describe;
mod errors;
mod expiry;
pub(crate) mod export;
mod facts;
mod functions;
mod ingestion;
mod instance;
mod job_table;
mod jobs;
pub(crate) mod load;
mod messages;
mod own;
mod partition;
mod query;
mod read;
mod rehearse;
mod script;
mod session;
mod tables;
mod types;
mod write;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use tailer_model::operation::ddl::TableDefinition;

use self::{
    errors::invalid,
    instance::Instance,
    jobs::{JobHandle, Jobs},
    session::{Session, Stopper},
};
use crate::{
    Job, Listed, Outcome, Query, Rows, TableDescription, TableInfo, TableName, Warehouse, WarehouseError,
    WarehouseJobId,
    rehearsal::{Overlay, Rehearsed},
};

/// DuckDB's own defaults where nothing is given.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedSettings {
    /// Threads that work on queries; all cores when absent.
    pub threads: Option<u32>,
    /// Such as `4GB`; 80 % of the machine's memory when absent.
    pub memory_limit: Option<String>,
    /// Exported files are split when they pass this size; 1 GB when absent.
    pub export_file_bytes: Option<u64>,
}

/// A warehouse over a folder of DuckDB files.
#[derive(Debug)]
pub struct EmbeddedWarehouse {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    instance: Instance,
    jobs: Jobs,
    settings: EmbeddedSettings,
}

impl EmbeddedWarehouse {
    /// Opens the folder, made when missing, with every `<project>.duckdb` in it.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Internal`], naming the folder: in use by another process, not writable, or a damaged file.
    pub fn open(folder: PathBuf, settings: EmbeddedSettings) -> Result<Self, WarehouseError> {
        let instance = Instance::open(&folder, &settings)?;
        Ok(Self { inner: Arc::new(Inner { instance, jobs: Jobs::default(), settings }) })
    }

    /// Runs blocking work with a connection of its own; dropping the future stops the work.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Session<'_>) -> Result<T, WarehouseError> + Send + 'static,
    ) -> Result<T, WarehouseError> {
        let stopper = Arc::new(Stopper::default());
        let guard = StopOnDrop(Arc::clone(&stopper));
        let inner = Arc::clone(&self.inner);
        let task = tokio::task::spawn_blocking(move || {
            let session = Session::begin(&inner.instance, stopper)?;
            work(&inner, &session)
        });
        let result = task.await.map_err(|error| crashed(&error))?;
        drop(guard);
        result
    }
}

impl Drop for EmbeddedWarehouse {
    fn drop(&mut self) {
        self.inner.jobs.stop_all();
    }
}

/// Stops a call whose caller went away.
struct StopOnDrop(Arc<Stopper>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn crashed(error: &tokio::task::JoinError) -> WarehouseError {
    tracing::error!(%error, "the embedded warehouse crashed in a job");
    WarehouseError::Internal("the embedded warehouse failed: its log says more".to_owned())
}

fn check_job_id(id: &WarehouseJobId) -> Result<(), WarehouseError> {
    let good =
        (1..=1024).contains(&id.0.len()) && id.0.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    good.then_some(()).ok_or_else(|| {
        invalid(format!("`{}` is not a job id: letters, digits, `_` and `-`, at most 1,024 characters", id.0))
    })
}

impl Inner {
    fn run(&self, id: &WarehouseJobId, job: &Job, handle: &JobHandle) -> Result<Outcome, WarehouseError> {
        let session = Session::begin(&self.instance, Arc::clone(&handle.stopper))?;
        session.check()?;
        let result = match job {
            Job::Query(query) => query::run(&session, id, query),
            Job::Load(load) => load::run(&session, id, load),
            Job::Export(export) => export::run(&session, id, export, &self.settings),
            Job::Copy(copy) => copy::run(&session, id, copy),
        };
        match result {
            // Whatever DuckDB says while it is being interrupted, the reason is the cancel.
            Err(_) if handle.stopper.is_stopped() => Err(WarehouseError::Cancelled),
            result => result,
        }
    }
}

#[async_trait]
impl Warehouse for EmbeddedWarehouse {
    async fn submit(&self, id: &WarehouseJobId, job: Job) -> Result<(), WarehouseError> {
        check_job_id(id)?;
        let Some(handle) = self.inner.jobs.begin(id) else { return Ok(()) };
        let (inner, id) = (Arc::clone(&self.inner), id.clone());
        tokio::spawn(async move {
            let work = {
                let (inner, id, handle) = (Arc::clone(&inner), id.clone(), Arc::clone(&handle));
                tokio::task::spawn_blocking(move || inner.run(&id, &job, &handle))
            };
            let result = work.await.unwrap_or_else(|error| Err(crashed(&error)));
            inner.jobs.end(&id, &handle, result);
        });
        Ok(())
    }

    async fn wait(&self, id: &WarehouseJobId) -> Result<Outcome, WarehouseError> {
        if let Some(handle) = self.inner.jobs.get(id) {
            return handle.wait().await;
        }
        let wanted = id.clone();
        let recorded = self.call(move |_, session| job_table::find(session, &wanted)).await?;
        recorded.ok_or_else(|| WarehouseError::NotFound(format!("warehouse job {}", id.0)))
    }

    async fn cancel(&self, id: &WarehouseJobId) -> Result<(), WarehouseError> {
        if let Some(handle) = self.inner.jobs.get(id) {
            handle.stop().await;
        }
        Ok(())
    }

    async fn read(&self, query: Query, limit: usize) -> Result<Rows, WarehouseError> {
        self.call(move |_, session| read::run(session, &query, limit)).await
    }

    async fn rehearse(&self, query: Query, before: Overlay) -> Result<Rehearsed, WarehouseError> {
        self.call(move |_, session| rehearse::run(session, &query, &before)).await
    }

    async fn table(&self, table: &TableName) -> Result<Option<TableInfo>, WarehouseError> {
        let table = table.clone();
        self.call(move |_, session| tables::info(session, &table)).await
    }

    async fn tables(&self, project: &str, dataset: &str) -> Result<Vec<String>, WarehouseError> {
        let (project, dataset) = (project.to_owned(), dataset.to_owned());
        self.call(move |_, session| tables::names(session, &project, &dataset)).await
    }

    async fn datasets(&self, project: &str) -> Result<Vec<String>, WarehouseError> {
        let project = project.to_owned();
        self.call(move |_, session| describe::datasets(session, &project)).await
    }

    async fn list(&self, project: &str, dataset: &str) -> Result<Vec<Listed>, WarehouseError> {
        let (project, dataset) = (project.to_owned(), dataset.to_owned());
        self.call(move |_, session| describe::list(session, &project, &dataset)).await
    }

    async fn describe(&self, tables: &[TableName]) -> Result<Vec<TableDescription>, WarehouseError> {
        let tables = tables.to_vec();
        self.call(move |_, session| describe::describe(session, &tables)).await
    }

    async fn preview(&self, table: &TableName, columns: &[String], limit: usize) -> Result<Rows, WarehouseError> {
        let (table, columns) = (table.clone(), columns.to_vec());
        self.call(move |_, session| describe::preview(session, &table, &columns, limit)).await
    }

    async fn create(&self, table: &TableName, definition: &TableDefinition) -> Result<(), WarehouseError> {
        let (table, definition) = (table.without_decorator(), definition.clone());
        self.call(move |_, session| {
            query::once(session, None, "create", &table, || {
                if tables::lookup(session, &table)?.is_some() {
                    return Err(WarehouseError::AlreadyExists(format!("table {table}")));
                }
                tables::create(session, &table, &definition, None).map(|()| Outcome::default())
            })
        })
        .await?;
        Ok(())
    }

    async fn drop_table(&self, table: &TableName) -> Result<(), WarehouseError> {
        let table = table.clone();
        self.call(move |_, session| expiry::drop_table(session, &table)).await
    }

    async fn empty_partition(&self, table: &TableName) -> Result<(), WarehouseError> {
        let table = table.clone();
        self.call(move |_, session| expiry::empty_partition(session, &table)).await
    }

    async fn expire(&self, now: Timestamp) -> Result<u64, WarehouseError> {
        self.call(move |inner, session| expiry::run(&inner.instance, session, now)).await
    }
}

//! BigQuery behind the [`Warehouse`] trait: every statement is a job whose id the caller chose, so that a job submitted
//! again after a crash is attached to and never runs twice. GoogleSQL goes as it was written.
//!
//! Files come and go three ways: BigQuery reads and writes Google Cloud Storage itself ([`load`], [`extract`]), takes what
//! is uploaded with the job ([`upload`]), and gives rows that are written here ([`export`]). Tables expire by themselves here.

mod client;
mod describe;
mod export;
mod extract;
mod jobs;
mod labels;
mod load;
mod locations;
mod outcome;
mod query;
mod read;
mod rehearse;
mod rows;
mod tables;
mod through;
mod upload;
mod wire;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;
use tailer_model::operation::ddl::TableDefinition;

pub use client::{BigQueryCredentials, Retries};
pub use load::refused;

use crate::{
    Job, Listed, Outcome, Query, Rows, TableDescription, TableInfo, TableName, Warehouse, WarehouseError,
    WarehouseJobId,
    rehearsal::{Overlay, Rehearsed},
};
use client::Client;
use locations::Locations;

/// How a project is reached.
#[derive(Debug, Clone)]
pub struct BigQuerySettings {
    /// Where jobs run and are paid for.
    pub project: String,
    /// `https://host[:port]`; `None` is Google's. `http://` is for emulators.
    pub endpoint: Option<String>,
    pub credentials: BigQueryCredentials,
    /// Of jobs and of datasets that are made; `None` lets BigQuery choose by the tables that a statement names.
    pub location: Option<String>,
    /// A query that would be billed more fails before it runs.
    pub maximum_bytes_billed: Option<u64>,
    /// How long a job may take: BigQuery stops it then. `None`: as long as BigQuery allows.
    pub job_timeout: Option<Duration>,
    /// Whether BigQuery may give an earlier result of the same query; `None`: it may, as it does by itself.
    pub query_cache: Option<bool>,
    /// Price of 2⁴⁰ bytes billed, in any currency: makes the cost of a run visible.
    pub price_per_tib: Option<f64>,
    /// Whether datasets that are missing are made.
    pub create_datasets: bool,
    /// `bucket` or `bucket/folder` for files on their way.
    pub staging: Option<String>,
    /// A result that is larger is exported by an extract job, where it can be: quick and in no order.
    pub extract_above: u64,
    pub retries: Retries,
}

impl BigQuerySettings {
    /// Google's service with the application default credentials.
    #[must_use]
    pub fn new(project: &str) -> Self {
        Self {
            project: project.to_owned(),
            endpoint: None,
            credentials: BigQueryCredentials::ApplicationDefault,
            location: None,
            maximum_bytes_billed: None,
            job_timeout: None,
            query_cache: None,
            price_per_tib: None,
            create_datasets: false,
            staging: None,
            extract_above: EXTRACT_ABOVE,
            retries: Retries::default(),
        }
    }
}

/// As many bytes as can be fetched as rows in a minute or two.
pub const EXTRACT_ABOVE: u64 = 256 << 20;

/// A project of BigQuery. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BigQueryWarehouse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: BigQuerySettings,
    client: Client,
    locations: Locations,
    /// Jobs submitted here that nobody has waited for to the end.
    jobs: Mutex<HashMap<WarehouseJobId, Arc<Submitted>>>,
    /// Held by who makes a dataset or a table: many tasks may miss it at once.
    making: Mutex<HashMap<TableName, Arc<tokio::sync::Mutex<()>>>>,
}

impl Inner {
    /// The turn to make what has this name.
    fn turn(&self, name: TableName) -> Arc<tokio::sync::Mutex<()>> {
        let mut making = self.making.lock();
        making.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(making.entry(name).or_default())
    }
}

/// What is needed to see a job to its end.
#[derive(Debug)]
struct Submitted {
    job: Job,
    labels: BTreeMap<String, String>,
    cancelled: AtomicBool,
    /// The jobs that were inserted for it, to be cancelled with it.
    started: Mutex<Vec<String>>,
}

impl Submitted {
    fn new(job: Job, labels: &BTreeMap<String, String>) -> Self {
        let labels = labels::sanitized(labels);
        Self { job, labels, cancelled: AtomicBool::new(false), started: Mutex::default() }
    }

    /// # Errors
    /// [`WarehouseError::Cancelled`] once somebody has cancelled it.
    fn check(&self) -> Result<(), WarehouseError> {
        if self.cancelled.load(Ordering::SeqCst) { Err(WarehouseError::Cancelled) } else { Ok(()) }
    }
}

impl BigQueryWarehouse {
    /// Asks nothing of BigQuery yet.
    ///
    /// # Errors
    /// [`WarehouseError::Invalid`] for an endpoint or credentials that cannot be used.
    pub fn open(settings: BigQuerySettings) -> Result<Self, WarehouseError> {
        let client = Client::new(settings.endpoint.as_deref(), &settings.credentials, settings.retries.clone())?;
        let locations = Locations::new(settings.location.clone());
        Ok(Self(Arc::new(Inner { settings, client, locations, jobs: Mutex::default(), making: Mutex::default() })))
    }
}

#[async_trait]
impl Warehouse for BigQueryWarehouse {
    async fn submit(&self, id: &WarehouseJobId, job: Job) -> Result<(), WarehouseError> {
        self.submit_labelled(id, job, &BTreeMap::new()).await
    }

    async fn submit_labelled(
        &self,
        id: &WarehouseJobId,
        job: Job,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), WarehouseError> {
        self.0.submit(id, job, labels).await
    }

    async fn wait(&self, id: &WarehouseJobId) -> Result<Outcome, WarehouseError> {
        self.0.wait(id).await
    }

    async fn cancel(&self, id: &WarehouseJobId) -> Result<(), WarehouseError> {
        self.0.cancel(id).await
    }

    async fn read(&self, query: Query, limit: usize) -> Result<Rows, WarehouseError> {
        self.0.read(query, limit, &BTreeMap::new()).await
    }

    async fn read_labelled(
        &self,
        query: Query,
        limit: usize,
        labels: &BTreeMap<String, String>,
    ) -> Result<Rows, WarehouseError> {
        self.0.read(query, limit, labels).await
    }

    async fn rehearse(&self, query: Query, before: Overlay) -> Result<Rehearsed, WarehouseError> {
        self.0.rehearse(query, before).await
    }

    async fn table(&self, table: &TableName) -> Result<Option<TableInfo>, WarehouseError> {
        self.0.table(table).await
    }

    async fn tables(&self, project: &str, dataset: &str) -> Result<Vec<String>, WarehouseError> {
        self.0.tables(project, dataset).await
    }

    async fn datasets(&self, project: &str) -> Result<Vec<String>, WarehouseError> {
        self.0.datasets(project).await
    }

    async fn list(&self, project: &str, dataset: &str) -> Result<Vec<Listed>, WarehouseError> {
        self.0.list(project, dataset).await
    }

    async fn describe(&self, tables: &[TableName]) -> Result<Vec<TableDescription>, WarehouseError> {
        self.0.descriptions(tables).await
    }

    async fn preview(&self, table: &TableName, columns: &[String], limit: usize) -> Result<Rows, WarehouseError> {
        self.0.preview(table, columns, limit).await
    }

    async fn create(&self, table: &TableName, definition: &TableDefinition) -> Result<(), WarehouseError> {
        self.0.create(table, definition).await
    }

    async fn drop_table(&self, table: &TableName) -> Result<(), WarehouseError> {
        self.0.delete(&table.without_decorator()).await
    }

    async fn empty_partition(&self, table: &TableName) -> Result<(), WarehouseError> {
        self.0.delete(table).await
    }

    /// Nothing to do: BigQuery drops what has expired.
    async fn expire(&self, _: Timestamp) -> Result<u64, WarehouseError> {
        Ok(0)
    }

    fn reaches_buckets(&self) -> bool {
        true
    }

    fn staging(&self) -> Option<String> {
        self.0.settings.staging.clone()
    }
}

//! Tables and SQL. One trait, [`Warehouse`], with a job interface that BigQuery fits without change; DuckDB implements
//! it for the embedded mode, where SQL written for BigQuery goes through [`googlesql`].
//!
//! Every effect is a job with an id chosen by the caller: submitting the same id again attaches to the job, or answers
//! with its recorded result, and never does the effect twice (`architecture.md`, The warehouse).

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tailer_model::operation::{
    WriteDisposition,
    ddl::{Field, TableDefinition},
    storage_to_tables::LoadOptions,
    table_to_storage::{Compression, DestinationFormat},
};

pub mod bigquery;
mod description;
pub mod embedded;
pub mod expectations;
pub mod googlesql;
pub mod names;
pub mod rehearsal;

pub use bigquery::BigQueryWarehouse;
pub use description::{Count, Listed, TableDescription, TableKind};
pub use embedded::EmbeddedWarehouse;
pub use names::{Decorator, TableName};

/// Chosen by the caller, deterministic: letters, digits, `_` and `-`, at most 1,024 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WarehouseJobId(pub String);

/// What a job does.
#[derive(Debug, Clone)]
pub enum Job {
    Query(Query),
    Load(Load),
    Export(Export),
    Copy(Copy),
}

/// One statement or a script of several. With a destination, the (last) statement's rows go there.
#[derive(Debug, Clone)]
pub struct Query {
    pub sql: String,
    /// Where unqualified names are looked up, and where the job is accounted for.
    pub project: String,
    pub dataset: Option<String>,
    pub destination: Option<Destination>,
    /// Whether an earlier result of the same query may be given; `None`: as the warehouse usually does.
    pub use_cache: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct Destination {
    pub table: TableName,
    pub write_disposition: WriteDisposition,
    /// With `WRITE_TRUNCATE`: whether the table is made anew from the query's columns instead of keeping its schema
    /// (temporary tables). Dropping and making are one with the job's effect, so a repeated id stays harmless.
    pub replace_schema: bool,
    /// Drops the table after this time, whatever happens.
    pub expires_after: Option<Duration>,
}

/// Loads files into a table: all or nothing.
#[derive(Debug, Clone)]
pub struct Load {
    /// Files of this machine.
    pub files: Vec<PathBuf>,
    /// Files that the warehouse fetches itself, where [`Warehouse::reaches_buckets`].
    pub objects: Vec<ObjectFile>,
    /// Table, maybe with a partition decorator.
    pub table: TableName,
    pub schema: LoadSchema,
    pub description: Option<String>,
    pub options: LoadOptions,
    /// Constant columns added to every row (`add_tailer_metadata`), in order; a value of type TIMESTAMP is RFC 3339.
    pub added_columns: Vec<(Field, String)>,
}

/// A file in a bucket.
#[derive(Debug, Clone)]
pub struct ObjectFile {
    /// `gs://bucket/folder/name.csv`; a `*` stands for any characters.
    pub location: String,
    /// The first bytes, as they are stored: needed where the schema is the first line's ([`LoadSchema::Header`]).
    pub head: Vec<u8>,
}

#[derive(Debug, Clone)]
pub enum LoadSchema {
    Given(Vec<Field>),
    /// Names from the first line, all STRING.
    Header,
    Autodetect,
}

/// Writes a query's rows to files of this machine, in `folder`.
#[derive(Debug, Clone)]
pub struct Export {
    pub query: Query,
    pub folder: PathBuf,
    /// `gs://bucket/folder` without a slash at the end: where a warehouse that [reaches buckets](Warehouse::reaches_buckets) may
    /// write the files itself instead, when there is much to write. Those are [`Outcome::objects`].
    pub bucket_folder: Option<String>,
    /// `sales_20220101.csv`; files are numbered: `sales_20220101-000000000000.csv`.
    pub file_name: String,
    pub format: DestinationFormat,
    pub compression: Compression,
    pub print_header: bool,
    pub field_delimiter: String,
}

#[derive(Debug, Clone)]
pub struct Copy {
    pub source: TableName,
    pub destination: TableName,
    pub write_disposition: WriteDisposition,
}

/// What a finished job tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub statistics: Statistics,
    /// Files written by an export, in order.
    pub files: Vec<ExportedFile>,
    /// Names of the files that an export wrote into its `bucket_folder`, in order.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Lines that a load rejected within `max_bad_records`.
    pub rejected: Vec<RejectedLine>,
    /// One entry a statement, for scripts.
    pub statements: Vec<StatementOutcome>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    /// Rows rejected by a load.
    pub rejected_rows: u64,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What the engine really ran.
    pub executed_sql: Option<String>,
    /// Anything else, by its field name.
    pub more: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportedFile {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedLine {
    pub line: u64,
    pub column: Option<String>,
    pub text: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementOutcome {
    pub sql: String,
    pub line: usize,
    pub rows: Option<u64>,
    pub milliseconds: f64,
}

/// Rows of a query, for people and tests: values as JSON in the form that `tailerd sql --batch` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Of the query, where it has a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// BigQuery type, such as `INT64` or `ARRAY<STRING>`.
    #[serde(rename = "type")]
    pub column_type: String,
}

/// What is known of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableInfo {
    pub name: TableName,
    pub definition: TableDefinition,
    pub rows: u64,
    pub expires: Option<Timestamp>,
}

/// Errors in the user's words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WarehouseError {
    /// The statement or the data is wrong: trying again gives the same.
    #[error("{message}")]
    Invalid { message: String, line: Option<usize>, column: Option<usize> },
    /// The embedded warehouse cannot do it, though BigQuery can.
    #[error("not supported by the embedded warehouse: {what}")]
    Unsupported { what: String, line: Option<usize>, column: Option<usize> },
    #[error("not found: {0}")]
    NotFound(String),
    #[error("already exists: {0}")]
    AlreadyExists(String),
    #[error("cancelled")]
    Cancelled,
    /// Nobody is let in with these credentials, or not to this.
    #[error("{0}")]
    Denied(String),
    /// May be tried again.
    #[error("{0}")]
    Transient(String),
    #[error("{0}")]
    Internal(String),
}

#[async_trait]
pub trait Warehouse: Send + Sync + fmt::Debug {
    /// Starts a job and returns once it is accepted. The same id again attaches to the running job or to its recorded
    /// result.
    async fn submit(&self, id: &WarehouseJobId, job: Job) -> Result<(), WarehouseError>;

    /// As [`Warehouse::submit`], with labels that tell where the job comes from, for warehouses that keep them with the job.
    async fn submit_labelled(
        &self,
        id: &WarehouseJobId,
        job: Job,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), WarehouseError> {
        let _ = labels;
        self.submit(id, job).await
    }

    /// Waits for a submitted job's end.
    async fn wait(&self, id: &WarehouseJobId) -> Result<Outcome, WarehouseError>;

    /// Really stops a running job; its `wait` answers [`WarehouseError::Cancelled`]. An ended or unknown job is no error.
    async fn cancel(&self, id: &WarehouseJobId) -> Result<(), WarehouseError>;

    /// Runs a query without effect and reads at most `limit` rows: for `tailerd sql`, expectations and tests.
    /// Statements with effect are allowed too, without the once-only promise of jobs. The last statement's rows.
    async fn read(&self, query: Query, limit: usize) -> Result<Rows, WarehouseError>;

    /// As [`Warehouse::read`], with labels as those of [`Warehouse::submit_labelled`].
    async fn read_labelled(
        &self,
        query: Query,
        limit: usize,
        labels: &BTreeMap<String, String>,
    ) -> Result<Rows, WarehouseError> {
        let _ = labels;
        self.read(query, limit).await
    }

    /// Reads and binds a query against the tables that `before` describes over those that are there, and runs nothing: for dry
    /// runs. What is wrong with the query is in the answer.
    async fn rehearse(&self, query: Query, before: rehearsal::Overlay) -> Result<rehearsal::Rehearsed, WarehouseError> {
        let _ = (query, before);
        Err(WarehouseError::Unsupported { what: "a dry run".into(), line: None, column: None })
    }

    async fn table(&self, table: &TableName) -> Result<Option<TableInfo>, WarehouseError>;

    /// Tables of a dataset, by name.
    async fn tables(&self, project: &str, dataset: &str) -> Result<Vec<String>, WarehouseError>;

    /// Names of a project's datasets, sorted; none of a project that is not there.
    async fn datasets(&self, project: &str) -> Result<Vec<String>, WarehouseError>;

    /// Tables of a dataset and what they are, sorted by name; none of a dataset that is not there.
    async fn list(&self, project: &str, dataset: &str) -> Result<Vec<Listed>, WarehouseError>;

    /// What is known of these tables, in their order; one that is missing is left out. Reads no rows, waits for no job.
    async fn describe(&self, tables: &[TableName]) -> Result<Vec<TableDescription>, WarehouseError>;

    /// Some rows of a table as they come, of these columns, whose values are not read otherwise. Costs nothing where queries
    /// cost something. [`WarehouseError::Unsupported`] for what has no rows of its own ([`TableKind::has_rows`]).
    async fn preview(&self, table: &TableName, columns: &[String], limit: usize) -> Result<Rows, WarehouseError>;

    /// Creates an empty table; [`WarehouseError::AlreadyExists`] when there is one.
    async fn create(&self, table: &TableName, definition: &TableDefinition) -> Result<(), WarehouseError>;

    /// Drops a table; a missing one is no error.
    async fn drop_table(&self, table: &TableName) -> Result<(), WarehouseError>;

    /// Empties one partition; a missing table or partition is no error. The name has a decorator.
    async fn empty_partition(&self, table: &TableName) -> Result<(), WarehouseError>;

    /// Drops tables whose expiry has passed. Idempotent; called periodically.
    async fn expire(&self, now: Timestamp) -> Result<u64, WarehouseError>;

    /// Whether its jobs read and write objects of Google Cloud Storage themselves.
    fn reaches_buckets(&self) -> bool {
        false
    }

    /// `bucket` or `bucket/folder` for files on their way to such a warehouse or from it; `None` where there is none.
    fn staging(&self) -> Option<String> {
        None
    }
}

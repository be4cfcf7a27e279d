//! What the tests of every noun share. Tests speak to `dyn Warehouse` only, so that another implementation joins by
//! another constructor here.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod bigquery;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;
use tailer_model::operation::{
    WriteDisposition,
    ddl::{Field, TableDefinition},
    storage_to_tables::{LoadOptions, SourceFormat},
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{
    Destination, EmbeddedWarehouse, Export, Job, Load, LoadSchema, Outcome, Query, TableName, Warehouse,
    WarehouseError, WarehouseJobId, embedded::EmbeddedSettings,
};

pub const PROJECT: &str = "shop-1";

/// A warehouse in a folder of its own.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub warehouse: Option<Box<dyn Warehouse>>,
    next_job: AtomicU32,
}

pub fn open(folder: &Path) -> Result<Box<dyn Warehouse>, WarehouseError> {
    let settings = EmbeddedSettings { export_file_bytes: Some(2000), ..EmbeddedSettings::default() };
    Ok(Box::new(EmbeddedWarehouse::open(folder.join("warehouse"), settings)?))
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Some(open(folder.path()).unwrap());
        Self { folder, warehouse, next_job: AtomicU32::new(0) }
    }

    /// One whose exports are not split.
    pub fn of_whole_files() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let opened = EmbeddedWarehouse::open(folder.path().join("warehouse"), EmbeddedSettings::default()).unwrap();
        Self { folder, warehouse: Some(Box::new(opened)), next_job: AtomicU32::new(0) }
    }

    pub fn warehouse(&self) -> &dyn Warehouse {
        self.warehouse.as_deref().unwrap()
    }

    /// As after a restart of the process.
    pub async fn reopen(&mut self) {
        self.warehouse = None;
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            match open(self.folder.path()) {
                Ok(warehouse) => break self.warehouse = Some(warehouse),
                Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    pub fn job_id(&self) -> WarehouseJobId {
        WarehouseJobId(format!("job-{}", self.next_job.fetch_add(1, Ordering::SeqCst)))
    }

    pub async fn run(&self, job: Job) -> Result<Outcome, WarehouseError> {
        self.run_as(&self.job_id(), job).await
    }

    pub async fn run_as(&self, id: &WarehouseJobId, job: Job) -> Result<Outcome, WarehouseError> {
        self.warehouse().submit(id, job).await?;
        self.warehouse().wait(id).await
    }

    /// Runs SQL that is expected to work.
    pub async fn sql(&self, sql: &str) -> Outcome {
        self.run(Job::Query(query(sql))).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Rows of a query as compact JSON, one string a row.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let rows = self.warehouse().read(query(sql), 1000).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.rows.into_iter().map(|row| Value::Array(row).to_string()).collect()
    }

    pub async fn create(&self, name: &str, definition: &TableDefinition) {
        self.warehouse().create(&table(name), definition).await.unwrap();
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// `dataset.table`, maybe with a decorator.
pub fn table(name: &str) -> TableName {
    let (dataset, table) = name.split_once('.').unwrap();
    TableName::new(PROJECT, dataset, table).unwrap()
}

pub fn query(sql: &str) -> Query {
    Query {
        sql: sql.to_owned(),
        project: PROJECT.to_owned(),
        dataset: Some("d".to_owned()),
        destination: None,
        use_cache: None,
    }
}

pub fn query_into(sql: &str, name: &str, write_disposition: WriteDisposition) -> Job {
    let destination = Destination { table: table(name), write_disposition, replace_schema: false, expires_after: None };
    Job::Query(Query { destination: Some(destination), ..query(sql) })
}

/// `name TYPE [REQUIRED] [-- description]`, as a column.
pub fn field(text: &str) -> Field {
    use tailer_model::operation::ddl::{FieldType, Mode};
    let (column, description) = match text.split_once(" -- ") {
        Some((column, description)) => (column, Some(description.to_owned())),
        None => (text, None),
    };
    let mut words = column.split(' ');
    let name = words.next().unwrap().to_owned();
    let field_type = match words.next().unwrap() {
        "STRING" => FieldType::String,
        "BYTES" => FieldType::Bytes,
        "INT64" => FieldType::Int64,
        "FLOAT64" => FieldType::Float64,
        "NUMERIC" => FieldType::Numeric,
        "BIGNUMERIC" => FieldType::BigNumeric,
        "BOOL" => FieldType::Bool,
        "DATE" => FieldType::Date,
        "TIME" => FieldType::Time,
        "DATETIME" => FieldType::DateTime,
        "TIMESTAMP" => FieldType::Timestamp,
        "JSON" => FieldType::Json,
        "GEOGRAPHY" => FieldType::Geography,
        other => panic!("{other}"),
    };
    let mode = match words.next() {
        None => Mode::Nullable,
        Some("REQUIRED") => Mode::Required,
        Some("REPEATED") => Mode::Repeated,
        Some(other) => panic!("{other}"),
    };
    Field { name, field_type, mode, description, fields: Vec::new() }
}

pub fn fields(columns: &[&str]) -> Vec<Field> {
    columns.iter().map(|column| field(column)).collect()
}

pub fn definition(columns: &[&str]) -> TableDefinition {
    TableDefinition { schema: fields(columns), ..TableDefinition::default() }
}

pub fn load_options() -> LoadOptions {
    LoadOptions {
        source_format: SourceFormat::Csv,
        create_if_needed: true,
        write_disposition: WriteDisposition::Truncate,
        skip_leading_rows: 0,
        field_delimiter: ",".to_owned(),
        quote_character: None,
        null_marker: None,
        ignore_unknown_values: false,
        max_bad_records: 0,
        allow_field_addition: false,
        allow_field_relaxation: false,
        allow_quoted_newlines: false,
        allow_jagged_rows: false,
        add_tailer_metadata: false,
    }
}

pub fn load(file: PathBuf, name: &str, columns: &[&str]) -> Load {
    Load {
        files: vec![file],
        objects: Vec::new(),
        table: table(name),
        schema: LoadSchema::Given(fields(columns)),
        description: None,
        options: load_options(),
        added_columns: Vec::new(),
    }
}

pub fn export(bench: &Bench, sql: &str, file_name: &str) -> Export {
    Export {
        query: query(sql),
        folder: bench.folder.path().join("out"),
        bucket_folder: None,
        file_name: file_name.to_owned(),
        format: DestinationFormat::Csv,
        compression: Compression::None,
        print_header: true,
        field_delimiter: "|".to_owned(),
    }
}

/// The message of an error that is the user's to mend.
pub fn invalid(result: Result<Outcome, WarehouseError>) -> String {
    match result {
        Err(WarehouseError::Invalid { message, .. }) => message,
        other => panic!("expected an invalid statement or data, got {other:?}"),
    }
}

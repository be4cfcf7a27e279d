//! Where a case runs: a warehouse, a dataset of its own, a folder for files.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tailer_model::operation::{WriteDisposition, ddl::TableDefinition};
use tailer_warehouse::{
    Destination, Job, Load, LoadSchema, Outcome, Query, TableName, Warehouse, WarehouseError, WarehouseJobId,
};
use tokio::task::JoinHandle;

use crate::{
    Verdict,
    common::{self, bigquery, fields, load_options},
};

type Open = Box<dyn Fn(&Path) -> Arc<dyn Warehouse> + Send + Sync>;

pub struct Place {
    pub project: &'static str,
    pub dataset: String,
    folder: tempfile::TempDir,
    warehouse: Option<Arc<dyn Warehouse>>,
    open: Open,
    next: AtomicU32,
}

impl Place {
    pub fn embedded() -> Self {
        let open = |folder: &Path| {
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            loop {
                match common::open(folder) {
                    Ok(warehouse) => break Arc::from(warehouse),
                    // One that was let go may still be closing.
                    Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
                }
            }
        };
        Self::new(common::PROJECT, Box::new(open))
    }

    pub async fn emulator() -> Option<Self> {
        bigquery::told()?;
        let place = Self::new("test-project", Box::new(|_| Arc::new(bigquery::emulator().unwrap())));
        // A dataset is made for a table, and not by a statement.
        place.create("first", &common::definition(&["a INT64"])).await;
        place.warehouse().drop_table(&place.table("first")).await.unwrap();
        Some(place)
    }

    fn new(project: &'static str, open: Open) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let warehouse = Some(open(folder.path()));
        // Ends in no `d`: with a dot behind it that would stand for the dataset again.
        let dataset = format!("{}_", bigquery::unique("suite"));
        Self { project, dataset, folder, warehouse, open, next: AtomicU32::new(0) }
    }

    pub fn warehouse(&self) -> &dyn Warehouse {
        self.warehouse.as_deref().unwrap()
    }

    /// As after a restart of the process.
    pub fn reopen(&mut self) {
        self.warehouse = None;
        self.warehouse = Some((self.open)(self.folder.path()));
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A table of the case's dataset, maybe with a decorator.
    pub fn table(&self, name: &str) -> TableName {
        TableName::new(self.project, &self.dataset, name).unwrap()
    }

    /// A new id.
    pub fn id(&self) -> WarehouseJobId {
        WarehouseJobId(format!("{}_{}", self.dataset, self.next.fetch_add(1, Ordering::SeqCst)))
    }

    pub async fn run(&self, job: Job) -> Result<Outcome, WarehouseError> {
        self.run_as(&self.id(), job).await
    }

    pub async fn run_as(&self, id: &WarehouseJobId, job: Job) -> Result<Outcome, WarehouseError> {
        self.warehouse().submit(id, job).await?;
        self.warehouse().wait(id).await
    }

    /// `d.` in the text stands for the case's dataset.
    pub fn query(&self, sql: &str) -> Query {
        Query {
            sql: sql.replace("d.", &format!("{}.", self.dataset)),
            project: self.project.to_owned(),
            dataset: Some(self.dataset.clone()),
            destination: None,
            use_cache: None,
        }
    }

    pub fn query_into(&self, sql: &str, table: &str, write_disposition: WriteDisposition) -> Job {
        let destination =
            Destination { table: self.table(table), write_disposition, replace_schema: false, expires_after: None };
        Job::Query(Query { destination: Some(destination), ..self.query(sql) })
    }

    /// Runs SQL that is expected to work.
    pub async fn sql(&self, sql: &str) -> Outcome {
        self.run(Job::Query(self.query(sql))).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Rows of a query as compact JSON, one string a row.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let rows = self.warehouse().read(self.query(sql), 1000).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.rows.into_iter().map(|row| Value::Array(row).to_string()).collect()
    }

    pub async fn create(&self, table: &str, definition: &TableDefinition) {
        self.warehouse().create(&self.table(table), definition).await.unwrap();
    }

    pub async fn definition(&self, table: &str) -> TableDefinition {
        self.warehouse().table(&self.table(table)).await.unwrap().unwrap().definition
    }

    /// A load into `t`, by the options of `common`.
    pub fn load(&self, files: Vec<PathBuf>, columns: &[&str]) -> Load {
        Load {
            files,
            objects: Vec::new(),
            table: self.table("t"),
            schema: LoadSchema::Given(fields(columns)),
            description: None,
            options: load_options(),
            added_columns: Vec::new(),
        }
    }
}

/// Whether a case ended as its line says.
pub async fn judge(declared: Verdict, case: JoinHandle<()>) {
    match (declared, case.await) {
        (Verdict::Agrees, ended) => ended.unwrap(),
        (Verdict::Differs(_), Err(_)) => {}
        (Verdict::Differs(how), Ok(())) => panic!("it no longer {how}: the line can say `Agrees`"),
    }
}

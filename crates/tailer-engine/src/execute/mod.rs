//! Executing runs. One executor for each kind of data operation, joined to its kind by one line in [`executor_of`]; the
//! [`driver`] takes a run through its tasks and knows no kind.
//!
//! A task's effect can be done again with the same result (`architecture.md`, invariant 3): its warehouse job has an id made of
//! run, task and attempt, and the attempt rises only after a recorded failure, never by a takeover.

mod attempt;
mod buckets;
pub(crate) mod driver;
mod expectation;
mod exports;
mod fan_out;
pub(crate) mod files;
pub(crate) mod log;
mod meter;
pub(crate) mod places;
mod progress;
mod staging;
pub(crate) mod stops;
mod storage_to_storage;
mod storage_to_tables;
mod table_to_storage;
mod table_to_table;
mod transfer;

pub(crate) use buckets::address as bucket_address;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tailer_model::{
    ConfigurationType, Criticality, ExecutionDate, TaskGraph, TaskId, operation::TaskEndurance, secret::Closed,
};
use tailer_store::{Durability, StoreError, logs, runs::RunRow};
use tailer_warehouse::{Job, Outcome, Query, Rows, TableName, Warehouse, WarehouseError, WarehouseJobId};

use crate::{
    cache::Loaded,
    catalog::written::TableChange,
    engine::Inner,
    error::{EngineError, TaskError},
};

/// One task of a run, as planned.
#[derive(Debug, Clone)]
pub(crate) struct PlannedTask {
    pub(crate) id: TaskId,
    pub(crate) task_type: String,
    pub(crate) criticality: Criticality,
    pub(crate) endurance: TaskEndurance,
    /// Who asks the warehouse, where the configuration says.
    pub(crate) credentials: Option<Closed>,
}

/// What a run will do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Same order as `graph.ids`.
    pub(crate) tasks: Vec<PlannedTask>,
    pub(crate) graph: TaskGraph,
    pub(crate) concurrency: usize,
}

/// A run and what its executor needs to know.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) inner: Arc<Inner>,
    pub(crate) run: RunRow,
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) log: log::RunLog,
}

impl RunContext {
    pub(crate) fn execution_date(&self) -> ExecutionDate {
        self.run.execution_date
    }

    /// Parameters of the launch; none for runs that nobody launched.
    pub(crate) fn parameters(&self) -> Map<String, Value> {
        self.run.parameters.as_object().cloned().unwrap_or_default()
    }
}

/// One attempt at one task.
#[derive(Debug)]
pub(crate) struct TaskContext {
    pub(crate) run: Arc<RunContext>,
    pub(crate) task: PlannedTask,
    pub(crate) position: usize,
    pub(crate) attempt: u32,
    /// The SQL that the task ran, for the run's details; kept also when it fails.
    sql: Mutex<Option<String>>,
    /// Where a job of this task may be running.
    jobs: Mutex<Vec<(Arc<dyn Warehouse>, WarehouseJobId)>>,
    /// Of its statements so far, where they have a price.
    cost: Mutex<Option<f64>>,
}

impl TaskContext {
    pub(crate) fn new(run: Arc<RunContext>, task: PlannedTask, position: usize, attempt: u32) -> Self {
        Self { run, task, position, attempt, sql: Mutex::default(), jobs: Mutex::default(), cost: Mutex::default() }
    }

    pub(crate) fn info(&self, message: impl Into<String>) {
        self.run.log.push("INFO", Some(&self.task.id), message.into());
    }

    /// Logs a line that survives a power loss, and with it all that was recorded of the run before.
    pub(crate) async fn settle(&self, message: &str) -> Result<(), StoreError> {
        let RunContext { inner, run, .. } = self.run.as_ref();
        let line = log::line(inner.now(), "INFO", Some(&self.task.id), message.to_owned());
        let run = run.run_id.clone();
        inner.parts.store.write(Durability::Synced, move |tx| logs::append(tx, &run, &[line])).await
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.run.log.push("WARNING", Some(&self.task.id), message.into());
    }

    /// Notes the SQL that is about to run.
    pub(crate) fn show_sql(&self, sql: &str) {
        *self.sql.lock() = Some(sql.to_owned());
    }

    pub(crate) fn sql(&self) -> Option<String> {
        self.sql.lock().clone()
    }

    /// The id of this attempt's warehouse job: the same after a takeover.
    pub(crate) fn job_id(&self) -> WarehouseJobId {
        job_id(&self.run.run, &self.task.id, self.attempt)
    }

    pub(crate) fn warehouse(&self, project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        self.run.inner.parts.warehouses.open_as(project, self.task.credentials.as_ref())
    }

    /// Submits the job of this attempt (`part` tells several jobs of one task apart) and waits for its end.
    pub(crate) async fn job(&self, project: &str, part: &str, job: Job) -> Result<Outcome, TaskError> {
        let warehouse = self.warehouse(project)?;
        let mut id = self.job_id();
        id.0.push_str(part);
        self.jobs.lock().push((warehouse.clone(), id.clone()));
        warehouse.submit_labelled(&id, job, &self.labels()).await?;
        let outcome = warehouse.wait(&id).await?;
        self.spend(outcome.statistics.more.get("cost").and_then(Value::as_f64));
        Ok(outcome)
    }

    /// Runs a query without effect.
    pub(crate) async fn read(
        &self,
        warehouse: &dyn Warehouse,
        query: Query,
        limit: usize,
    ) -> Result<Rows, WarehouseError> {
        let rows = warehouse.read_labelled(query, limit, &self.labels()).await?;
        self.spend(rows.cost);
        Ok(rows)
    }

    fn spend(&self, cost: Option<f64>) {
        if let Some(cost) = cost {
            *self.cost.lock().get_or_insert_default() += cost;
        }
    }

    /// What all statements of this attempt have cost, in the currency of the price.
    pub(crate) fn cost(&self) -> Option<f64> {
        *self.cost.lock()
    }

    /// Tells, at the warehouse, where a job comes from.
    fn labels(&self) -> BTreeMap<String, String> {
        let run = &self.run.run;
        BTreeMap::from([
            ("tailer_run_id".to_owned(), run.run_id.to_string()),
            ("tailer_task_id".to_owned(), self.task.id.to_string()),
            ("tailer_configuration_id".to_owned(), run.identity.configuration_id.to_string()),
        ])
    }

    /// Really stops whatever this task has running in a warehouse. Answers whether there was anything.
    pub(crate) async fn stop_jobs(&self) -> bool {
        let jobs = self.jobs.lock().clone();
        for (warehouse, id) in &jobs {
            if let Err(error) = warehouse.cancel(id).await {
                tracing::warn!(job = id.0, %error, "a statement could not be cancelled");
            }
        }
        !jobs.is_empty()
    }
}

pub(crate) fn job_id(run: &RunRow, task: &TaskId, attempt: u32) -> WarehouseJobId {
    WarehouseJobId(format!("{}_{task}_{attempt}", run.run_id))
}

/// What a task that succeeded tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskDone {
    pub(crate) statistics: Value,
    /// What became of tables.
    pub(crate) tables: Vec<TableChange>,
}

impl TaskDone {
    pub(crate) fn told(statistics: Value) -> Self {
        Self { statistics, tables: Vec::new() }
    }

    /// Statistics of a warehouse job: rows, bytes, what was rejected, each statement of a script.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let statistics = &outcome.statistics;
        let mut shown = Map::new();
        if let Some(rows) = statistics.rows {
            shown.insert("rows".into(), rows.into());
        }
        if let Some(bytes) = statistics.bytes {
            shown.insert("bytes".into(), bytes.into());
        }
        if statistics.rejected_rows > 0 {
            shown.insert("rejected_rows".into(), statistics.rejected_rows.into());
            shown.insert("rejected".into(), json!(outcome.rejected));
        }
        if outcome.statements.len() > 1 {
            shown.insert("statements".into(), json!(outcome.statements));
        }
        if let Some(sql) = &statistics.executed_sql {
            shown.insert("executed_sql".into(), sql.clone().into());
        }
        shown.extend(statistics.more.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self::told(Value::Object(shown))
    }

    /// With a table that was written, by as many rows as the statistics say.
    pub(crate) fn wrote(mut self, table: &TableName) -> Self {
        let rows = self.statistics.get("rows").and_then(Value::as_u64);
        self.tables.push(TableChange::written(table, rows));
        self
    }
}

/// What one kind of data operation does in a run.
#[async_trait]
pub(crate) trait Executor: Send + Sync {
    /// The tasks of a run. Deterministic: a takeover plans again and must get the same.
    fn plan(&self, loaded: &Loaded, run: &RunRow) -> Result<Plan, EngineError>;

    /// Does one task. May be called again for the same attempt after a crash, at any point of the first call.
    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError>;

    /// After the last task, whatever became of the run: removes what was temporary. Never fails the run.
    async fn clean_up(&self, _run: &RunContext) {}
}

/// The registry: kind of operation to executor.
pub(crate) fn executor_of(kind: ConfigurationType) -> Option<&'static dyn Executor> {
    match kind {
        ConfigurationType::TableToTable => Some(&table_to_table::TableToTableExecutor),
        ConfigurationType::TableToStorage => Some(&table_to_storage::TableToStorageExecutor),
        ConfigurationType::StorageToStorage => Some(&storage_to_storage::StorageToStorageExecutor),
        ConfigurationType::StorageToTables => Some(&storage_to_tables::StorageToTablesExecutor),
        ConfigurationType::Workflow | ConfigurationType::Context | ConfigurationType::VmLauncher => None,
    }
}

//! The application: deploy, launch, execute, reconcile. Decides; the store records, the storages and warehouses act.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tailer_model::{
    AccountId, ConfigurationType, Environment, ExecutionDate, Identity, JobId, Problem, RunId, RunStatus, TaskId,
};

/// Time, injected so that tests turn it.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> Timestamp;
}

/// Run ids and worker names, injected so that tests foresee them.
pub trait Ids: Send + Sync + fmt::Debug {
    fn uuid(&self) -> uuid::Uuid;
}

#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Name of this worker, unique per process.
    pub worker: String,
    pub lease: Duration,
    /// How often reconcilers run without being poked.
    pub reconcile_every: Duration,
    /// How often folders that cannot be watched are listed.
    pub poll_every: Duration,
    /// A local file is taken when size and mtime have not changed for so long.
    pub file_rest: Duration,
    /// Runs executed at once by this server.
    pub max_running: usize,
    /// Scratch folder for staging.
    pub scratch: PathBuf,
    /// No other server shares the store (SQLite: the data folder is locked), so leases left by others are void and their
    /// runs are taken over at start, without waiting for the leases to pass.
    pub exclusive: bool,
    /// Whether this server executes (role all, worker) or only answers (role api).
    pub executes: bool,
}

/// What the engine stands on; wired by the binary.
#[derive(Debug, Clone)]
pub struct EngineParts {
    pub store: tailer_store::Store,
    pub storages: Arc<dyn Storages>,
    pub warehouses: Arc<dyn Warehouses>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub settings: EngineSettings,
}

/// Finds what stands behind a bucket: the settings say.
pub trait Storages: Send + Sync + fmt::Debug {
    fn open(
        &self,
        address: &tailer_model::operation::storage_to_storage::StorageAddress,
    ) -> Result<Arc<dyn tailer_storage::Storage>, EngineError>;
}

/// Finds the warehouse of a project.
pub trait Warehouses: Send + Sync + fmt::Debug {
    fn open(&self, project: &str) -> Result<Arc<dyn tailer_warehouse::Warehouse>, EngineError>;
    /// Every warehouse opened so far, for expiry.
    fn all(&self) -> Vec<Arc<dyn tailer_warehouse::Warehouse>>;
}

/// Everything that can go wrong with a request, in words for the client; the server maps it to HTTP in one place.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// 404
    #[error("{message}")]
    NotFound { code: &'static str, message: String },
    /// 409
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// 400
    #[error("{message}")]
    Invalid { code: &'static str, message: String },
    /// 422
    #[error("{message}")]
    Mismatch { code: &'static str, message: String },
    /// 400 with `data.problems`
    #[error("the configuration has {} problem(s)", .0.len())]
    Problems(Vec<Problem>),
    /// 503: draining
    #[error("the server is stopping")]
    Stopping,
    /// 500: logged, opaque to the client
    #[error("{0}")]
    Internal(String),
}

/// How a request names a configuration: resolved to a deployed one with or without the environment suffix.
#[derive(Debug, Clone)]
pub struct ConfigurationRef {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
}

#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// JSON text of the configuration, so that syntax errors have places.
    pub configuration: String,
    /// Name shown in problems.
    pub file_name: Option<String>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub context: Option<String>,
    pub run: bool,
    pub by: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Deployed {
    pub configuration_id: String,
    pub version: u32,
    pub warnings: Vec<Problem>,
    /// RFC 3339, UTC.
    pub next_ticks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

#[derive(Debug, Clone)]
pub struct LaunchRequest {
    pub configuration: ConfigurationRef,
    pub job_id: Option<String>,
    pub execution_date: Option<ExecutionDate>,
    /// `{}` when absent.
    pub parameters: serde_json::Map<String, Value>,
    pub tasks: Option<Vec<TaskId>>,
    pub idempotency: Option<Idempotency>,
    pub by: String,
    /// `api`, `cli` or `backfill`.
    pub trigger: &'static str,
}

#[derive(Debug, Clone)]
pub struct Idempotency {
    pub key: String,
    /// Hash of the request's body.
    pub body_hash: String,
}

/// A run as the API shows it. `configuration_type` is the canonical one; the server writes the caller's spelling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    pub account: AccountId,
    pub configuration_id: String,
    pub configuration_type: ConfigurationType,
    pub duration: String,
    pub environment: Environment,
    pub job_id: JobId,
    pub last_update_date: String,
    pub run_id: RunId,
    pub start_execution_date: String,
    pub status: String,
    pub sub_status: String,
    pub execution_date: ExecutionDate,
    pub error: Option<String>,
    pub trigger: Value,
    /// Why it waits, for queued runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct RunDetails {
    #[serde(flatten)]
    pub run: RunView,
    pub tasks: Vec<TaskView>,
    pub configuration_version: u32,
}

#[derive(Debug, Clone, Serialize)]
pub struct TaskView {
    pub task_id: TaskId,
    pub task_type: String,
    pub status: String,
    pub criticality: String,
    pub attempt: u32,
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    pub statistics: Value,
    pub sql: Option<String>,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    pub account: Option<AccountId>,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub configuration: Option<ConfigurationRef>,
    pub job_id: Option<String>,
    pub status: Option<RunStatus>,
    /// Day (UTC) the run started.
    pub execution_date: Option<ExecutionDate>,
    /// 1 to 1000.
    pub limit: u32,
}

#[derive(Debug, Clone, Serialize)]
pub struct LogsView {
    pub results: Vec<LogView>,
    /// Give it back as `after` to read on.
    pub after: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct LogView {
    pub date: String,
    pub level: String,
    pub task_id: Option<TaskId>,
    pub message: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct WorkflowView {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_id: String,
    pub activated: bool,
    pub generation: i64,
    pub last_reset_date: Option<String>,
    pub awaited: Vec<AwaitedView>,
    pub firings: Vec<FiringView>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AwaitedView {
    pub job_id: JobId,
    pub arrived: bool,
    pub run_id: Option<RunId>,
    pub date: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FiringView {
    pub generation: i64,
    pub date: String,
    pub run_id: RunId,
    pub triggered_by: Vec<RunId>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ConfigurationView {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
    pub activated: bool,
    pub archived: bool,
    pub version: u32,
    /// Only in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunView>,
}

/// The application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {}

#[allow(unused_variables, clippy::unused_async)]
impl Engine {
    /// Starts the reconcilers when `settings.executes`. Runs on the current tokio runtime.
    pub async fn start(parts: EngineParts) -> Result<Self, EngineError> {
        unimplemented!()
    }
    /// Stops taking work, gives running work `grace` to end, hands leases back.
    pub async fn drain(&self, grace: Duration) {
        unimplemented!()
    }
    /// True once the store answers and reconcilers run.
    pub async fn ready(&self) -> Result<(), EngineError> {
        unimplemented!()
    }

    pub async fn deploy(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        unimplemented!()
    }
    /// As `deploy`, without effect; also what `tailerd check` runs.
    pub async fn check(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        unimplemented!()
    }
    pub async fn launch(&self, request: LaunchRequest) -> Result<RunId, EngineError> {
        unimplemented!()
    }
    /// `job_id` must belong to the configuration (400 otherwise); 404 when the run does not exist or is another's.
    pub async fn run_status(
        &self,
        configuration: &ConfigurationRef,
        job_id: Option<&str>,
        run: &RunId,
    ) -> Result<RunView, EngineError> {
        unimplemented!()
    }
    pub async fn runs(&self, query: RunQuery) -> Result<Vec<RunView>, EngineError> {
        unimplemented!()
    }
    pub async fn run_details(&self, configuration: &ConfigurationRef, run: &RunId) -> Result<RunDetails, EngineError> {
        unimplemented!()
    }
    /// The run by id alone, for callers that then check the account (`tailerd status RUN_ID`).
    pub async fn find_run(&self, run: &RunId) -> Result<RunView, EngineError> {
        unimplemented!()
    }
    /// Waits up to `wait` for lines after the cursor, or for the run's end.
    pub async fn run_logs(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<&str>,
        wait: Duration,
    ) -> Result<LogsView, EngineError> {
        unimplemented!()
    }
    pub async fn set_run_status(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        status: RunStatus,
        by: &str,
    ) -> Result<(), EngineError> {
        unimplemented!()
    }
    pub async fn cancel_run(&self, configuration: &ConfigurationRef, run: &RunId, by: &str) -> Result<(), EngineError> {
        unimplemented!()
    }
    pub async fn reset_workflow(&self, configuration: &ConfigurationRef, by: &str) -> Result<(), EngineError> {
        unimplemented!()
    }
    pub async fn workflow_status(&self, configuration: &ConfigurationRef) -> Result<WorkflowView, EngineError> {
        unimplemented!()
    }
    /// `None` leaves a flag as it is. The server has checked that un-archiving is asked by an admin
    /// (see `configuration_status` for the flag before).
    pub async fn set_configuration_status(
        &self,
        configuration: &ConfigurationRef,
        activated: Option<bool>,
        archived: Option<bool>,
        by: &str,
    ) -> Result<(), EngineError> {
        unimplemented!()
    }
    pub async fn configuration_status(
        &self,
        configuration: &ConfigurationRef,
    ) -> Result<ConfigurationView, EngineError> {
        unimplemented!()
    }
    pub async fn list_configurations(
        &self,
        account: &AccountId,
        environment: Option<Environment>,
        kind: Option<ConfigurationType>,
        archived: Option<bool>,
    ) -> Result<Vec<ConfigurationView>, EngineError> {
        unimplemented!()
    }
    /// Gauges and counters for `/metrics`: (name, labels, value).
    pub async fn metrics(&self) -> Vec<(String, Vec<(String, String)>, f64)> {
        unimplemented!()
    }
    /// The configuration row that a reference resolves to, for callers that need the deployed id.
    pub async fn resolve(&self, configuration: &ConfigurationRef) -> Result<Identity, EngineError> {
        unimplemented!()
    }
}

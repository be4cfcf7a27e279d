//! What the engine answers: the shapes of `spec/api.md`, ready to be written as JSON.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;
use tailer_model::{
    AccountId, ConfigurationType, Environment, ExecutionDate, JobId, Problem, RunId, RunStatus, TaskId,
    monitoring::Channel,
};

use crate::DeployedContext;

#[derive(Debug, Clone, Serialize)]
pub struct Deployed {
    pub configuration_id: String,
    pub version: u32,
    /// The context that it was filled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<DeployedContext>,
    pub warnings: Vec<Problem>,
    /// RFC 3339, UTC.
    pub next_ticks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
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
    /// How long it took, or takes so far; never negative. Not part of the API's answer, like what follows.
    #[serde(skip)]
    pub took: SignedDuration,
    /// What its tasks counted together, once it has ended.
    #[serde(skip)]
    pub rows: Option<u64>,
    #[serde(skip)]
    pub bytes: Option<u64>,
    /// How many notes there are about it, where a list says so.
    #[serde(skip)]
    pub notes: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct RunDetails {
    #[serde(flatten)]
    pub run: RunView,
    pub tasks: Vec<TaskView>,
    /// Who was told, or is to be told, what became of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertView>,
    pub configuration_version: u32,
    /// What it was launched with; not part of the API's answer.
    #[serde(skip)]
    pub parameters: Value,
    /// How far a copy is, once it takes time: `bytes`, `total`, and `destinations` that have the whole file; null before.
    pub progress: Value,
    /// The context that this version was deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<DeployedContext>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TaskView {
    pub task_id: TaskId,
    pub task_type: String,
    pub status: String,
    pub criticality: String,
    pub attempt: u32,
    /// When the next attempt begins, while the task waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// The attempts that failed, of a task with retries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptView>,
    pub start_date: Option<String>,
    pub end_date: Option<String>,
    pub statistics: Value,
    pub sql: Option<String>,
    pub error: Option<String>,
}

/// An alert of a run.
#[derive(Debug, Clone, Serialize)]
pub struct AlertView {
    /// `email`, `webhook` or `slack`.
    pub channel: Channel,
    /// Where it goes; of a webhook, its host.
    pub to: String,
    /// The outcome that it tells of.
    pub status: RunStatus,
    /// `WAITING`, `SENT` or `FAILED`.
    pub state: &'static str,
    pub attempts: u32,
    /// Last change.
    pub date: String,
    /// When it is tried next, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// Why it was not sent, not yet, or not to all.
    pub error: Option<String>,
}

impl RunDetails {
    /// What its tasks have cost, where statements have a price: in the currency of that.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        let costs = self.tasks.iter().filter_map(|task| task.statistics.get("cost")?.as_f64());
        costs.reduce(|sum, cost| sum + cost)
    }
}

/// An attempt at a task that failed.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    pub attempt: u32,
    pub start_date: Option<String>,
    pub end_date: String,
    pub error: String,
}

/// What one CALL of an expectation task found.
#[derive(Debug, Clone, Serialize)]
pub struct ExpectationView {
    pub run_id: RunId,
    pub task_id: TaskId,
    pub attempt: u32,
    pub date: String,
    pub criticality: String,
    pub passed: bool,
    /// Line of the CALL in its file.
    pub line: u32,
    pub message: String,
    /// As in the project's table of results.
    pub expectation_result: Value,
    /// Some of the rejected rows, `columns` and `rows`; null when none were.
    pub rejected: Value,
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

/// Threads of notes about something, the newest first.
#[derive(Debug, Clone, Serialize)]
pub struct NotesView {
    pub threads: Vec<ThreadView>,
    /// All notes about it, replies and other pages included.
    pub count: u64,
    /// Give it back as `before` to read on; none at the end.
    pub before: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ThreadView {
    pub first: NoteView,
    /// Oldest first.
    pub replies: Vec<NoteView>,
}

/// What somebody wrote.
#[derive(Debug, Clone, Serialize)]
pub struct NoteView {
    pub note: i64,
    /// The first note of its thread, for a reply.
    pub thread: Option<i64>,
    /// As tokens and users are named, such as `user:ada`.
    pub author: String,
    pub date: String,
    pub edited_date: Option<String>,
    /// Taken away: it has no text.
    pub removed: bool,
    /// Markdown.
    pub text: String,
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

/// A run that was missing.
#[derive(Debug, Clone, Serialize)]
pub struct BackfillView {
    pub execution_date: ExecutionDate,
    /// RFC 3339, UTC.
    pub tick: String,
    /// What was created for it; none in a dry run.
    pub run_id: Option<RunId>,
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
    /// The context that this version was deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<DeployedContext>,
    /// Only in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunView>,
}

/// One version of a configuration as it was deployed. Secrets are hidden.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigurationDocument {
    /// Its `version` and `context` are those of this version.
    #[serde(flatten)]
    pub of: ConfigurationView,
    /// With `"***"` for every secret.
    pub configuration: Value,
    /// Names of the files that came with it.
    pub files: Vec<String>,
    /// RFC 3339, UTC.
    pub deploy_date: String,
    pub deployed_by: String,
}

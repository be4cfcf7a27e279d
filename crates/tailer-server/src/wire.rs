//! What answers look like in JSON (`spec/api.md`). Views of the engine become these, with the caller's own spelling of the
//! configuration type; their schemas are the OpenAPI document's.

mod notes;

use serde::Serialize;
use serde_json::Value;
use tailer_engine::{
    AlertView, AttemptView, AwaitedView, BackfillView, ConfigurationDocument, ConfigurationView, DeployedContext,
    ExpectationView, FiringView, LogView, RunDetails, RunView, TaskView, WorkflowView,
};
use tailer_model::{
    AccountId, ConfigurationType, Environment, ExecutionDate, JobId, RunId, RunStatus, TaskId, monitoring::Channel,
};
use utoipa::ToSchema;

mod audit;

pub(crate) use audit::{AuditBody, AuditLogBody};
pub(crate) use notes::{NoteBody, NotesBody, ThreadBody, WrittenNote};

/// The answer of every list.
#[derive(Debug, Serialize)]
pub(crate) struct Results<T> {
    pub(crate) results: Vec<T>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Launched {
    #[schema(value_type = String)]
    pub(crate) run_id: RunId,
}

/// The answer of actions that only do something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done<T> {
    pub(crate) code: u16,
    pub(crate) data: T,
    pub(crate) message: &'static str,
}

impl<T> Done<T> {
    pub(crate) fn with(data: T) -> Self {
        Self { code: 200, data, message: "ok" }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunBody<'a> {
    #[schema(value_type = String)]
    account: &'a AccountId,
    configuration_id: &'a str,
    /// As the request spelled it.
    configuration_type: &'a str,
    /// As Python prints a timedelta: `0:01:24.002519`; so far, while it runs.
    duration: &'a str,
    #[schema(value_type = String)]
    environment: Environment,
    #[schema(value_type = String)]
    job_id: &'a JobId,
    last_update_date: &'a str,
    #[schema(value_type = String)]
    run_id: &'a RunId,
    start_execution_date: &'a str,
    /// `RUNNING`, `SUCCESS`, `FAILED`, `NO_MATCH` or `CHECKED`.
    status: &'a str,
    /// The finer outcome, such as `QUEUED`, `WARNING` or `CANCELLED`.
    sub_status: &'a str,
    #[schema(value_type = String)]
    execution_date: ExecutionDate,
    error: Option<&'a str>,
    /// What started it.
    trigger: &'a Value,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> RunBody<'a> {
    pub(crate) fn new(run: &'a RunView, spelled: &'a str) -> Self {
        Self {
            account: &run.account,
            configuration_id: &run.configuration_id,
            configuration_type: spelled,
            duration: &run.duration,
            environment: run.environment,
            job_id: &run.job_id,
            last_update_date: &run.last_update_date,
            run_id: &run.run_id,
            start_execution_date: &run.start_execution_date,
            status: &run.status,
            sub_status: &run.sub_status,
            execution_date: run.execution_date,
            error: run.error.as_deref(),
            trigger: &run.trigger,
            reason: run.reason.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunDetails)]
pub(crate) struct RunDetailsBody<'a> {
    #[serde(flatten)]
    run: RunBody<'a>,
    tasks: Vec<TaskBody<'a>>,
    /// Who was told, or is to be told, what became of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<AlertBody<'a>>,
    configuration_version: u32,
    /// How far a copy is, once it takes time: `bytes`, `total`, and `destinations` that have the whole file; null before.
    progress: &'a Value,
    /// What its statements have cost on BigQuery, where the settings name a price: in the currency of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
    /// The context that this version was deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ContextSchema>)]
    context: Option<&'a DeployedContext>,
}

impl<'a> RunDetailsBody<'a> {
    pub(crate) fn new(details: &'a RunDetails, spelled: &'a str) -> Self {
        Self {
            run: RunBody::new(&details.run, spelled),
            tasks: details.tasks.iter().map(TaskBody::new).collect(),
            alerts: details.alerts.iter().map(AlertBody::new).collect(),
            configuration_version: details.configuration_version,
            progress: &details.progress,
            cost: details.cost(),
            context: details.context.as_ref(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertBody<'a> {
    /// `email`, `webhook` or `slack`.
    #[schema(value_type = String)]
    channel: Channel,
    /// Where it goes; of a webhook, its host.
    to: &'a str,
    /// The outcome that it tells of.
    #[schema(value_type = String)]
    status: RunStatus,
    /// `WAITING`, `SENT` or `FAILED`.
    state: &'a str,
    attempts: u32,
    /// Last change.
    date: &'a str,
    /// When it is tried next, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<&'a str>,
    /// Why it was not sent, not yet, or not to all.
    error: Option<&'a str>,
}

impl<'a> AlertBody<'a> {
    fn new(alert: &'a AlertView) -> Self {
        Self {
            channel: alert.channel,
            to: &alert.to,
            status: alert.status,
            state: alert.state,
            attempts: alert.attempts,
            date: &alert.date,
            due_date: alert.due_date.as_deref(),
            error: alert.error.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody<'a> {
    #[schema(value_type = String)]
    task_id: &'a TaskId,
    task_type: &'a str,
    /// `PENDING`, `RUNNING`, `SUCCESS`, `FAILED`, `SKIPPED` or `CANCELLED`.
    status: &'a str,
    criticality: &'a str,
    attempt: u32,
    /// When the next attempt begins, while the task waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<&'a str>,
    /// The attempts that failed, of a task with retries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptBody<'a>>,
    start_date: Option<&'a str>,
    end_date: Option<&'a str>,
    statistics: &'a Value,
    /// As it was run.
    sql: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> TaskBody<'a> {
    fn new(task: &'a TaskView) -> Self {
        Self {
            task_id: &task.task_id,
            task_type: &task.task_type,
            status: &task.status,
            criticality: &task.criticality,
            attempt: task.attempt,
            due_date: task.due_date.as_deref(),
            attempts: task.attempts.iter().map(AttemptBody::new).collect(),
            start_date: task.start_date.as_deref(),
            end_date: task.end_date.as_deref(),
            statistics: &task.statistics,
            sql: task.sql.as_deref(),
            error: task.error.as_deref(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptBody<'a> {
    attempt: u32,
    start_date: Option<&'a str>,
    end_date: &'a str,
    error: &'a str,
}

impl<'a> AttemptBody<'a> {
    fn new(attempt: &'a AttemptView) -> Self {
        Self {
            attempt: attempt.attempt,
            start_date: attempt.start_date.as_deref(),
            end_date: &attempt.end_date,
            error: &attempt.error,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Logs)]
pub(crate) struct LogsBody<'a> {
    pub(crate) results: Vec<LogBody<'a>>,
    /// To be given back as `after` to read on.
    pub(crate) after: &'a str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogLine)]
pub(crate) struct LogBody<'a> {
    date: &'a str,
    level: &'a str,
    #[schema(value_type = Option<String>)]
    task_id: Option<&'a TaskId>,
    message: &'a str,
}

impl<'a> LogBody<'a> {
    pub(crate) fn new(line: &'a LogView) -> Self {
        Self { date: &line.date, level: &line.level, task_id: line.task_id.as_ref(), message: &line.message }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Expectation)]
pub(crate) struct ExpectationBody<'a> {
    #[schema(value_type = String)]
    run_id: &'a RunId,
    #[schema(value_type = String)]
    task_id: &'a TaskId,
    attempt: u32,
    date: &'a str,
    criticality: &'a str,
    passed: bool,
    /// Line of the CALL in its file.
    line: u32,
    message: &'a str,
    /// As in `tailer_common.expectation_results`.
    #[schema(value_type = Object)]
    expectation_result: &'a Value,
    /// Up to ten of the rejected rows, `columns` and `rows`; null when none were.
    #[schema(value_type = Option<Object>)]
    rejected: &'a Value,
}

impl<'a> ExpectationBody<'a> {
    pub(crate) fn new(found: &'a ExpectationView) -> Self {
        Self {
            run_id: &found.run_id,
            task_id: &found.task_id,
            attempt: found.attempt,
            date: &found.date,
            criticality: &found.criticality,
            passed: found.passed,
            line: found.line,
            message: &found.message,
            expectation_result: &found.expectation_result,
            rejected: &found.rejected,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Configuration)]
pub(crate) struct ConfigurationBody<'a> {
    #[schema(value_type = String)]
    account: &'a AccountId,
    #[schema(value_type = String)]
    environment: Environment,
    configuration_type: &'a str,
    configuration_id: &'a str,
    activated: bool,
    archived: bool,
    version: u32,
    /// The context that this version was deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ContextSchema>)]
    context: Option<&'a DeployedContext>,
    /// In lists: its newest run, or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RunBody<'static>>)]
    last_run: Option<Option<RunBody<'a>>>,
}

impl<'a> ConfigurationBody<'a> {
    pub(crate) fn one(view: &'a ConfigurationView, spelled: &'a str) -> Self {
        Self {
            account: &view.account,
            environment: view.environment,
            configuration_type: spelled,
            configuration_id: &view.configuration_id,
            activated: view.activated,
            archived: view.archived,
            version: view.version,
            context: view.context.as_ref(),
            last_run: None,
        }
    }

    /// `spelled` is `None` when the caller named no type.
    pub(crate) fn listed(view: &'a ConfigurationView, spelled: Option<&'a str>) -> Self {
        let spelled = spelled.unwrap_or(ConfigurationType::as_str(view.configuration_type));
        let last_run = view.last_run.as_ref().map(|run| RunBody::new(run, spelled));
        Self { last_run: Some(last_run), ..Self::one(view, spelled) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigurationDocument)]
pub(crate) struct ConfigurationDocumentBody<'a> {
    #[serde(flatten)]
    of: ConfigurationBody<'a>,
    /// As deployed, with its context filled in; every secret is `***`.
    configuration: &'a Value,
    /// Names of the files that came with it.
    files: &'a [String],
    /// RFC 3339, UTC.
    deploy_date: &'a str,
    deployed_by: &'a str,
}

impl<'a> ConfigurationDocumentBody<'a> {
    pub(crate) fn new(document: &'a ConfigurationDocument, spelled: &'a str) -> Self {
        Self {
            of: ConfigurationBody::one(&document.of, spelled),
            configuration: &document.configuration,
            files: &document.files,
            deploy_date: &document.deploy_date,
            deployed_by: &document.deployed_by,
        }
    }
}

/// Documents [`DeployedContext`].
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeployedContext)]
pub(crate) struct ContextSchema {
    /// `<account>_<context id>`
    id: String,
    version: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Workflow)]
pub(crate) struct WorkflowBody<'a> {
    #[schema(value_type = String)]
    account: &'a AccountId,
    #[schema(value_type = String)]
    environment: Environment,
    configuration_id: &'a str,
    activated: bool,
    /// Rises with each firing.
    generation: i64,
    last_reset_date: Option<&'a str>,
    awaited: Vec<AwaitedBody<'a>>,
    /// The last ten, newest first.
    firings: Vec<FiringBody<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MissingRun)]
pub(crate) struct BackfillBody<'a> {
    #[schema(value_type = String)]
    execution_date: ExecutionDate,
    /// When the schedule would have started it; midnight for an operation without a schedule.
    tick: &'a str,
    /// What was created; null in a dry run.
    #[schema(value_type = Option<String>)]
    run_id: Option<&'a RunId>,
}

impl<'a> BackfillBody<'a> {
    pub(crate) fn new(view: &'a BackfillView) -> Self {
        Self { execution_date: view.execution_date, tick: &view.tick, run_id: view.run_id.as_ref() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Awaited)]
pub(crate) struct AwaitedBody<'a> {
    #[schema(value_type = String)]
    job_id: &'a JobId,
    arrived: bool,
    #[schema(value_type = Option<String>)]
    run_id: Option<&'a RunId>,
    date: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Firing)]
pub(crate) struct FiringBody<'a> {
    generation: i64,
    date: &'a str,
    #[schema(value_type = String)]
    run_id: &'a RunId,
    #[schema(value_type = Vec<String>)]
    triggered_by: &'a [RunId],
}

impl<'a> WorkflowBody<'a> {
    pub(crate) fn new(view: &'a WorkflowView) -> Self {
        let awaited = |job: &'a AwaitedView| AwaitedBody {
            job_id: &job.job_id,
            arrived: job.arrived,
            run_id: job.run_id.as_ref(),
            date: job.date.as_deref(),
        };
        let firing = |firing: &'a FiringView| FiringBody {
            generation: firing.generation,
            date: &firing.date,
            run_id: &firing.run_id,
            triggered_by: &firing.triggered_by,
        };
        Self {
            account: &view.account,
            environment: view.environment,
            configuration_id: &view.configuration_id,
            activated: view.activated,
            generation: view.generation,
            last_reset_date: view.last_reset_date.as_deref(),
            awaited: view.awaited.iter().map(awaited).collect(),
            firings: view.firings.iter().map(firing).collect(),
        }
    }
}

/// Documents [`tailer_engine::Deployed`].
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deployed)]
pub(crate) struct DeployedSchema {
    configuration_id: String,
    version: u32,
    /// The context that it was filled with.
    context: Option<ContextSchema>,
    warnings: Vec<ProblemSchema>,
    /// RFC 3339, UTC.
    next_ticks: Vec<String>,
    /// When a run was asked for.
    run_id: Option<String>,
}

/// Documents [`tailer_model::Problem`].
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemSchema {
    file: Option<String>,
    /// Such as `$.workflow[2].sql_file`.
    path: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

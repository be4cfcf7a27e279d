//! `POST /v1/dag/status`: what became of runs (`spec/api.md`). Their log lines are in `run_logs`.

use tailer_engine::{ConfigurationRef, RunQuery, RunView};
use tailer_model::{AccountId, Environment, ExecutionDate, RunId, RunStatus, TaskId};

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Kind, Limit, Name, RunTarget, Target},
    wire::{Results, RunBody, RunDetailsBody},
};

/// Runs answered when the request sets no `limit`.
const DEFAULT_LIMIT: u32 = 10;

request! {
    /// `check_run_status`, `get_run_details`
    OneRun {
        target: RunTarget,
        run_id: RunId,
        /// Must belong to the configuration.
        job_id: Option<Name>,
    }
}

request! {
    /// `cancel_run`
    CancelRun {
        target: RunTarget,
        run_id: RunId,
        /// Must belong to the configuration.
        job_id: Option<Name>,
        /// Stops this task only; the run goes on as if it had failed.
        task_id: Option<TaskId>,
    }
}

request! {
    /// `get_last_status`
    LastRuns {
        target: Target,
        /// Only runs of this job; `<type>|<configuration_id>` means every job of the configuration.
        job_id: Option<Name>,
        /// Only runs that started on this day (UTC).
        execution_date: Option<ExecutionDate>,
        status: Option<RunStatus>,
        limit: Option<Limit>,
    }
}

request! {
    /// `get_by_status`
    RunsByStatus {
        /// Account whose runs are listed.
        account: AccountId,
        /// Kind of data operation.
        configuration_type: Kind,
        environment: Option<Environment>,
        /// Needs `environment` beside it.
        configuration_id: Option<Name>,
        status: Option<RunStatus>,
        /// Only runs that started on this day (UTC).
        execution_date: Option<ExecutionDate>,
        limit: Option<Limit>,
    }
}

request! {
    /// `set_run_status`
    SetStatus {
        target: RunTarget,
        run_id: RunId,
        /// The new status.
        status: RunStatus,
        /// Must belong to the configuration.
        job_id: Option<Name>,
    }
}

pub(super) async fn check_run_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let OneRun { target, run_id, job_id } = OneRun::read(fields)?;
    let target = target.authorized(call, &run_id).await?;
    let job_id = job_id.as_ref().map(|name| name.0.as_str());
    let run = call.app.engine.run_status(&target.configuration, job_id, &run_id).await?;
    runs(&[run], &target.spelled)
}

pub(super) async fn get_last_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let LastRuns { target, job_id, execution_date, status, limit } = LastRuns::read(fields)?;
    call.authorize(&target.configuration.account)?;
    let query = RunQuery {
        account: Some(target.configuration.account.clone()),
        environment: Some(target.configuration.environment),
        configuration_type: Some(target.configuration.configuration_type),
        configuration: Some(target.configuration),
        job_id: job_id.map(|name| name.0),
        status,
        execution_date,
        limit: limit.map_or(DEFAULT_LIMIT, |limit| limit.0),
        ..RunQuery::default()
    };
    runs(&call.app.engine.runs(query).await?, &target.spelled)
}

pub(super) async fn get_by_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let request = RunsByStatus::read(fields)?;
    let RunsByStatus { account, configuration_type: Kind { kind, spelled }, environment, configuration_id, .. } =
        request;
    let configuration = match (configuration_id, environment) {
        (None, _) => None,
        (Some(Name(configuration_id)), Some(environment)) => {
            Some(ConfigurationRef { account: account.clone(), environment, configuration_type: kind, configuration_id })
        }
        (Some(_), None) => {
            fields.missing("environment", "the environment of `configuration_id`");
            return Err(fields.error());
        }
    };
    call.authorize(&account)?;
    let query = RunQuery {
        account: Some(account),
        environment,
        configuration_type: Some(kind),
        configuration,
        status: request.status,
        execution_date: request.execution_date,
        limit: request.limit.map_or(DEFAULT_LIMIT, |limit| limit.0),
        ..RunQuery::default()
    };
    runs(&call.app.engine.runs(query).await?, &spelled)
}

pub(super) async fn set_run_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let SetStatus { target, run_id, status, job_id } = SetStatus::read(fields)?;
    let target = target.authorized(call, &run_id).await?;
    require_job(call, &target, job_id, &run_id).await?;
    call.app.engine.set_run_status(&target.configuration, &run_id, status, &call.actor()).await?;
    Answer::done()
}

pub(super) async fn cancel_run(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let CancelRun { target, run_id, job_id, task_id } = CancelRun::read(fields)?;
    let target = target.authorized(call, &run_id).await?;
    require_job(call, &target, job_id, &run_id).await?;
    let (engine, by) = (&call.app.engine, &call.actor());
    match task_id {
        Some(task) => engine.cancel_task(&target.configuration, &run_id, &task, by).await?,
        None => engine.cancel_run(&target.configuration, &run_id, by).await?,
    }
    Answer::done()
}

pub(super) async fn get_run_details(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let OneRun { target, run_id, job_id } = OneRun::read(fields)?;
    let target = target.authorized(call, &run_id).await?;
    require_job(call, &target, job_id, &run_id).await?;
    let details = call.app.engine.run_details(&target.configuration, &run_id).await?;
    Answer::json(&Results { results: vec![RunDetailsBody::new(&details, &target.spelled)] })
}

/// A `job_id` that is given must be one of the configuration's, and the run's.
pub(super) async fn require_job(
    call: &Call<'_>,
    target: &Target,
    job_id: Option<Name>,
    run_id: &RunId,
) -> Result<(), ApiError> {
    if let Some(Name(job_id)) = job_id {
        call.app.engine.run_status(&target.configuration, Some(&job_id), run_id).await?;
    }
    Ok(())
}

fn runs(runs: &[RunView], spelled: &str) -> Result<Answer, ApiError> {
    Answer::json(&Results { results: runs.iter().map(|run| RunBody::new(run, spelled)).collect() })
}

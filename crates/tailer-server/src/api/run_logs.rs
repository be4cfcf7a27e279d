//! `get_run_logs`: the log lines of a run, read on from a cursor, waiting for new ones if asked to (`spec/api.md`).

use std::time::Duration;

use tailer_model::{RunId, TaskId};

use super::{Answer, Call, runs::require_job};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Cursor, Name, RunTarget, WaitSeconds},
    wire::{LogBody, LogsBody},
};

request! {
    /// `get_run_logs`
    RunLogs {
        target: RunTarget,
        run_id: RunId,
        /// Must belong to the configuration.
        job_id: Option<Name>,
        /// Only lines of this task.
        task_id: Option<TaskId>,
        /// The `after` of the answer before.
        after: Option<Cursor>,
        /// How long to wait for a line or the run's end when there is none yet.
        wait_seconds: Option<WaitSeconds>,
    }
}

/// A server that drains does not let its waiting readers wait on.
pub(super) async fn get_run_logs(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let RunLogs { target, run_id, job_id, task_id, after, wait_seconds } = RunLogs::read(fields)?;
    let target = target.authorized(call, &run_id).await?;
    require_job(call, &target, job_id, &run_id).await?;
    let after = after.as_ref().map(|cursor| cursor.0.as_str());
    let read = |wait| call.app.engine.run_logs(&target.configuration, &run_id, task_id.as_ref(), after, wait);
    let wait = wait_seconds.map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.0.into()));
    let logs = tokio::select! {
        logs = read(wait) => logs?,
        () = call.app.stopping.cancelled(), if !wait.is_zero() => read(Duration::ZERO).await?,
    };
    Answer::json(&LogsBody { results: logs.results.iter().map(LogBody::new).collect(), after: &logs.after })
}

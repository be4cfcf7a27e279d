//! `get_expectations`: what the expectation tasks of a run, or of the latest runs of a data operation, found.

use tailer_model::{RunId, TaskId};

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Limit, RunTarget},
    wire::{ExpectationBody, Results},
};

/// Results answered when the request sets no `limit`.
const DEFAULT_LIMIT: u32 = 100;

request! {
    /// `get_expectations`
    Expectations {
        target: RunTarget,
        /// Only results of this run, in the order they were found; otherwise the newest come first.
        run_id: Option<RunId>,
        /// Only results of this task.
        task_id: Option<TaskId>,
        /// 100 when absent.
        limit: Option<Limit>,
    }
}

pub(super) async fn get_expectations(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let Expectations { target, run_id, task_id, limit } = Expectations::read(fields)?;
    let target = match (target, &run_id) {
        (target, Some(run_id)) => target.authorized(call, run_id).await?,
        (RunTarget::Configuration(target), None) => {
            call.authorize(&target.configuration.account)?;
            target
        }
        // The account alone says enough only beside a run.
        (RunTarget::Account(_), None) => {
            fields.missing("run_id", "the run, when the configuration is not named");
            return Err(fields.error());
        }
    };
    let limit = limit.map_or(DEFAULT_LIMIT, |limit| limit.0);
    let found = call.app.engine.expectations(&target.configuration, run_id.as_ref(), task_id.as_ref(), limit).await?;
    Answer::json(&Results { results: found.iter().map(ExpectationBody::new).collect() })
}

//! `backfill` of `POST /v1/dag/launch`: the missing runs of a range of days (ours beyond the documents).

use tailer_engine::BackfillRequest;
use tailer_model::ExecutionDate;

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::Target,
    wire::{BackfillBody, Results},
};

request! {
    /// `backfill`
    BackfillRuns {
        target: Target,
        /// First day, included.
        from: ExecutionDate,
        /// Last day, included.
        to: ExecutionDate,
        /// Lists the missing runs and creates none.
        dry_run: Option<bool>,
    }
}

/// Answers once all runs are durably recorded. Repeating it creates what is still missing.
pub(super) async fn backfill(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let BackfillRuns { target, from, to, dry_run } = BackfillRuns::read(fields)?;
    call.authorize(&target.configuration.account)?;
    let request = BackfillRequest {
        configuration: target.configuration,
        from,
        to,
        dry_run: dry_run == Some(true),
        by: call.actor(),
    };
    let missing = call.app.engine.backfill(request).await?;
    Answer::json(&Results { results: missing.iter().map(BackfillBody::new).collect() })
}

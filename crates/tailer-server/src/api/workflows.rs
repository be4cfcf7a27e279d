//! `POST /v1/workflow/status` (`spec/api.md`).

use tailer_model::ConfigurationType;

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::Target,
    wire::{Results, WorkflowBody},
};

request! {
    /// `reset_workflow_status`, `get_workflow_status`
    OneWorkflow {
        target: Target,
    }
}

/// Forgets every job that already counted, as if the workflow had just been deployed.
pub(super) async fn reset_workflow_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let target = read(call, fields)?;
    call.app.engine.reset_workflow(&target.configuration, &call.actor()).await?;
    Answer::done()
}

pub(super) async fn get_workflow_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let target = read(call, fields)?;
    let workflow = call.app.engine.workflow_status(&target.configuration).await?;
    Answer::json(&Results { results: vec![WorkflowBody::new(&workflow)] })
}

fn read(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Target, ApiError> {
    let OneWorkflow { target } = OneWorkflow::read(fields)?;
    if target.configuration.configuration_type != ConfigurationType::Workflow {
        return Err(fields.unfit("configuration_type", "\"workflow\"", &format!("{:?}", target.spelled)));
    }
    call.authorize(&target.configuration.account)?;
    Ok(target)
}

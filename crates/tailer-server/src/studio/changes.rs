//! What visitors change: POST forms, each with the CSRF token, each through the same engine functions as the API, each
//! held to the role that `access.rs` gives to the API's action of the same effect.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Path, State},
    response::Redirect,
};
use serde::Deserialize;
use tailer_engine::{ConfigurationRef, LaunchRequest};
use tailer_model::{RunStatus, TaskId};

use super::{
    error::PageError,
    filters,
    pages::{configuration, operations, run as run_page},
    visitor::{Visitor, safe_path},
};
use crate::{access::Role, app::App};

/// Fields of all forms; each reads its own.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Fields {
    csrf: String,
    /// Where to go afterwards instead of the page of what was changed.
    back: String,
    /// The task that is meant, of a run.
    task: String,
}

/// `POST /operations/{account}/{environment}/{kind}/{id}/{change}`
pub(super) async fn operation(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((account, environment, kind, id, change)): Path<(String, String, String, String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, PageError> {
    visitor.genuine(&fields.csrf)?;
    let wanted = configuration::named((account, environment, kind, id))?;
    let needed = if change == "unarchive" { Role::Admin } else { Role::Operator };
    visitor.require(needed, &wanted.account, &change)?;
    let by = &visitor.actor();
    let (activated, archived) = match change.as_str() {
        "reset" => {
            app.engine.reset_workflow(&wanted, by).await?;
            return Ok(Redirect::to(&filters::address("/workflows", &[("account", wanted.account.as_str())])));
        }
        "disable" => (Some(false), None),
        "enable" => (Some(true), None),
        "archive" => (None, Some(true)),
        "unarchive" => (None, Some(false)),
        _ => return Err(PageError::not_found("such change of a data operation")),
    };
    app.engine.set_configuration_status(&wanted, activated, archived, by).await?;
    if let Some(back) = safe_path(&fields.back) {
        return Ok(Redirect::to(back));
    }
    let ConfigurationRef { account, environment, configuration_type, configuration_id } = &wanted;
    Ok(Redirect::to(&operations::path_of(account.as_str(), *environment, *configuration_type, configuration_id)))
}

/// `POST /runs/{run}/{change}`
pub(super) async fn run(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((id, change)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, PageError> {
    visitor.genuine(&fields.csrf)?;
    let (run, configuration) = run_page::found(&app, &visitor, &id).await?;
    visitor.require(Role::Operator, &run.account, &change)?;
    let by = &visitor.actor();
    let shown = match change.as_str() {
        "cancel" => {
            match filters::read::<TaskId>("task", &fields.task)? {
                Some(task) => app.engine.cancel_task(&configuration, &run.run_id, &task, by).await?,
                None => app.engine.cancel_run(&configuration, &run.run_id, by).await?,
            }
            run.run_id
        }
        "check" => {
            app.engine.set_run_status(&configuration, &run.run_id, RunStatus::Checked, by).await?;
            run.run_id
        }
        "relaunch" | "resume" => {
            let details = app.engine.run_details(&configuration, &run.run_id).await?;
            let left = details.tasks.iter().filter(|task| task.status != "SUCCESS");
            let left: Vec<TaskId> = left.map(|task| task.task_id.clone()).collect();
            let request = LaunchRequest {
                configuration,
                job_id: None,
                execution_date: Some(run.execution_date),
                parameters: details.parameters.as_object().cloned().unwrap_or_default(),
                tasks: (change == "resume").then_some(left),
                idempotency: None,
                repeats: Some(run.run_id),
                by: by.clone(),
            };
            app.engine.launch(request).await?
        }
        _ => return Err(PageError::not_found("such change of a run")),
    };
    Ok(Redirect::to(&format!("/runs/{shown}")))
}

/// `POST /runs/checked`: sets all marked runs to CHECKED. All are looked up before the first is changed.
pub(super) async fn checked(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Redirect, PageError> {
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value);
    visitor.genuine(field("csrf"))?;
    let mut marked = Vec::new();
    for (_, id) in fields.iter().filter(|(name, _)| name == "run") {
        let (run, configuration) = run_page::found(&app, &visitor, id).await?;
        visitor.require(Role::Operator, &run.account, "setting runs to CHECKED")?;
        marked.push((run, configuration));
    }
    for (run, configuration) in marked {
        let by = &visitor.actor();
        app.engine.set_run_status(&configuration, &run.run_id, RunStatus::Checked, by).await?;
    }
    Ok(Redirect::to(safe_path(field("back")).unwrap_or("/runs")))
}

//! `/runs`: runs newest first, filtered, page by page. The next page goes on after the last run of this one.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tailer_engine::{ConfigurationRef, RunQuery, RunView};
use tailer_model::{ConfigurationType, Environment, RunStatus};

use crate::{
    app::App,
    studio::{error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

const PAGE: u32 = 50;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    environment: String,
    kind: String,
    /// Of a configuration; needs `environment` and `kind` beside it.
    id: String,
    status: String,
    date: String,
    run: String,
    after: String,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Runs {
    frame: Frame,
    asked: Asked,
    runs: Vec<RunView>,
    /// Address of the next page.
    next: Option<String>,
    environments: [Environment; 4],
    kinds: [ConfigurationType; 7],
    statuses: &'static [RunStatus],
}

/// `GET /runs`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    if !asked.run.trim().is_empty() {
        return Ok(Redirect::to(&format!("/runs/{}", filters::encoded(asked.run.trim()))).into_response());
    }
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Runs", "/runs", &account)?;
    let (environment, kind) = (filters::read("environment", &asked.environment)?, filters::read("kind", &asked.kind)?);
    let configuration = match (environment, kind, asked.id.trim()) {
        (_, _, "") => None,
        (Some(environment), Some(configuration_type), id) => Some(ConfigurationRef {
            account: account.clone(),
            environment,
            configuration_type,
            configuration_id: id.to_owned(),
        }),
        (_, _, id) => return Err(PageError::unreadable("id", id, "choose its environment and its kind too")),
    };
    let query = RunQuery {
        account: Some(account.clone()),
        environment,
        configuration_type: kind,
        configuration,
        job_id: None,
        status: filters::read("status", &asked.status)?,
        execution_date: filters::read("date", &asked.date)?,
        after: filters::read("after", &asked.after)?,
        limit: PAGE,
    };
    let runs = app.engine.runs(query).await?;
    let next = runs.last().filter(|_| u32::try_from(runs.len()).is_ok_and(|count| count == PAGE)).map(|last| {
        let Asked { environment, kind, id, status, date, .. } = &asked;
        filters::address(
            "/runs",
            &[
                ("account", account.as_str()),
                ("environment", environment),
                ("kind", kind),
                ("id", id),
                ("status", status),
                ("date", date),
                ("after", last.run_id.as_str()),
            ],
        )
    });
    let page = Runs {
        frame,
        asked,
        runs,
        next,
        environments: Environment::ALL,
        kinds: ConfigurationType::ALL,
        statuses: RunStatus::ALL,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

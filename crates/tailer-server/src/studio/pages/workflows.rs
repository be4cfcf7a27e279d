//! `/workflows`: of each workflow, which jobs have arrived, since when and by which run, which are awaited, and its firings.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{OperationQuery, OperationView, WorkflowView};
use tailer_model::ConfigurationType;

use super::operations;
use crate::{
    app::App,
    studio::{error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

const PAGE: usize = 25;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    q: String,
    page: String,
}

#[derive(Template)]
#[template(path = "workflows.html")]
struct Workflows {
    frame: Frame,
    asked: Asked,
    /// With their addresses.
    workflows: Vec<(WorkflowView, String)>,
    total: usize,
    next: Option<String>,
}

/// `GET /workflows`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Workflows", "/workflows", &account)?;
    let number = filters::read::<usize>("page", &asked.page)?.unwrap_or(1).max(1);
    let query = OperationQuery {
        configuration_type: Some(ConfigurationType::Workflow),
        search: asked.q.trim().to_owned(),
        skip: (number - 1).saturating_mul(PAGE),
        limit: PAGE,
        ..OperationQuery::of(account.clone())
    };
    let found = app.engine.operations(query).await?;
    let mut workflows = Vec::new();
    for OperationView { of, .. } in found.operations {
        let path = operations::path(&of);
        let wanted = tailer_engine::ConfigurationRef {
            account: of.account,
            environment: of.environment,
            configuration_type: of.configuration_type,
            configuration_id: of.configuration_id,
        };
        workflows.push((app.engine.workflow_status(&wanted).await?, path));
    }
    let next = (number.saturating_mul(PAGE) < found.total).then(|| {
        let number = (number + 1).to_string();
        filters::address("/workflows", &[("account", account.as_str()), ("q", &asked.q), ("page", &number)])
    });
    let page = Workflows { frame, asked, workflows, total: found.total, next };
    Ok(frame::render(StatusCode::OK, &page))
}

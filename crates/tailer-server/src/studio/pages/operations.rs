//! `/operations`: data operations by kind and environment with their latest runs.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{ConfigurationView, OperationQuery};
use tailer_model::{ConfigurationType, Environment};

use crate::{
    app::App,
    studio::{
        charts::{self, RunMark},
        error::PageError,
        filters, frame,
        frame::Frame,
        visitor::Visitor,
    },
};

const PAGE: usize = 100;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    environment: String,
    kind: String,
    q: String,
    archived: String,
    page: String,
}

struct Operation {
    of: ConfigurationView,
    path: String,
    /// Oldest first.
    latest: Vec<RunMark>,
}

#[derive(Template)]
#[template(path = "operations.html")]
struct Operations {
    frame: Frame,
    asked: Asked,
    operations: Vec<Operation>,
    total: usize,
    previous: Option<String>,
    next: Option<String>,
    environments: [Environment; 4],
    kinds: [ConfigurationType; 7],
}

/// Where a data operation is shown.
pub(in crate::studio) fn path(of: &ConfigurationView) -> String {
    path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id)
}

pub(in crate::studio) fn path_of(account: &str, environment: Environment, kind: ConfigurationType, id: &str) -> String {
    format!("/operations/{account}/{environment}/{kind}/{}", filters::encoded(id))
}

/// `GET /operations`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Data operations", "/operations", &account)?;
    let number = filters::read::<usize>("page", &asked.page)?.unwrap_or(1).max(1);
    let query = OperationQuery {
        account: account.clone(),
        environment: filters::read("environment", &asked.environment)?,
        configuration_type: filters::read("kind", &asked.kind)?,
        archived: !asked.archived.is_empty(),
        search: asked.q.trim().to_owned(),
        skip: (number - 1).saturating_mul(PAGE),
        limit: PAGE,
        runs: 12,
    };
    let found = app.engine.operations(query).await?;
    let address = |number: usize| {
        let Asked { environment, kind, q, archived, .. } = &asked;
        let number = number.to_string();
        let parameters = [
            ("account", account.as_str()),
            ("environment", environment),
            ("kind", kind),
            ("q", q),
            ("archived", archived),
            ("page", &number),
        ];
        filters::address("/operations", &parameters)
    };
    let previous = (number > 1).then(|| address(number - 1));
    let next = (number.saturating_mul(PAGE) < found.total).then(|| address(number + 1));
    let operations = found.operations.into_iter().map(|(of, runs)| Operation {
        path: path(&of),
        latest: runs.iter().rev().map(charts::mark).collect(),
        of,
    });
    let page = Operations {
        frame,
        operations: operations.collect(),
        total: found.total,
        previous,
        next,
        asked,
        environments: Environment::ALL,
        kinds: ConfigurationType::ALL,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

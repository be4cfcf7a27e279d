//! One data operation: its parameters, task graph, latest runs, versions, and what can be done with it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use tailer_engine::{ConfigurationDocument, ConfigurationRef, ConfigurationView, RunQuery, RunView};
use tailer_model::{Problems, TaskGraph, TaskId};

use crate::{
    app::App,
    studio::{charts, error::PageError, filters, frame, frame::Frame, pages::operations, visitor::Visitor},
};

/// The segments of a data operation's address.
pub(in crate::studio) type Segments = (String, String, String, String);

#[derive(Deserialize)]
pub(in crate::studio) struct Asked {
    #[serde(default)]
    version: String,
}

#[derive(Template)]
#[template(path = "configuration.html")]
struct Configuration {
    frame: Frame,
    /// As it is now; `document` may be an older version.
    of: ConfigurationView,
    path: String,
    document: ConfigurationDocument,
    parameters: Vec<(String, String)>,
    graph: String,
    json: String,
    runs: Vec<RunView>,
    versions: Vec<u32>,
}

/// The operation that an address names.
///
/// # Errors
/// 404 when it cannot be one.
pub(in crate::studio) fn named(segments: Segments) -> Result<ConfigurationRef, PageError> {
    let (account, environment, kind, configuration_id) = segments;
    let unknown = || PageError::not_found("such data operation");
    Ok(ConfigurationRef {
        account: account.parse().map_err(|_| unknown())?,
        environment: environment.parse().map_err(|_| unknown())?,
        configuration_type: kind.parse().map_err(|_| unknown())?,
        configuration_id,
    })
}

/// The task graph of a deployed document, if it has one.
pub(in crate::studio) fn graph_of(document: &Value) -> Option<TaskGraph> {
    let tasks = document.get("workflow")?.as_array()?;
    let id = |task: &Value| task.get("id").and_then(Value::as_str).and_then(|id| id.parse::<TaskId>().ok());
    let ids = tasks.iter().filter_map(id).collect::<Vec<_>>();
    let lines = document.get("task_dependencies").and_then(Value::as_array);
    let lines: Option<Vec<String>> =
        lines.map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    match lines {
        Some(lines) => TaskGraph::parse(ids, &lines, "task_dependencies", &mut Problems::default()),
        None => Some(TaskGraph::chain(ids)),
    }
}

/// `GET /operations/{account}/{environment}/{kind}/{id}`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segments): Path<Segments>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let wanted = named(segments)?;
    let frame = Frame::new(&visitor, wanted.configuration_id.clone(), "/operations", &wanted.account)?;
    let of = app.engine.configuration_status(&wanted).await?;
    let document = app.engine.configuration_document(&wanted, filters::read("version", &asked.version)?).await?;
    let query = RunQuery { configuration: Some(wanted), limit: 20, ..RunQuery::default() };
    let runs = app.engine.runs(query).await?;
    let graph = graph_of(&document.configuration).map(|graph| charts::graph(&graph, &|_| None)).unwrap_or_default();
    let page = Configuration {
        frame,
        path: operations::path(&of),
        parameters: parameters(&document.configuration),
        graph,
        json: serde_json::to_string_pretty(&document.configuration).unwrap_or_default(),
        runs,
        versions: (1..=of.version).rev().take(50).collect(),
        of,
        document,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

/// The plain parameters; what is nested is in the JSON.
fn parameters(document: &Value) -> Vec<(String, String)> {
    let Some(object) = document.as_object() else { return Vec::new() };
    let shown = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    object.iter().filter_map(|(name, value)| Some((name.clone(), shown(value)?))).collect()
}

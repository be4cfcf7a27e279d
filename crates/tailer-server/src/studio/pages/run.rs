//! One run: what became of it and why, its tasks as graph and over time, its statements, its log.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use tailer_engine::{ConfigurationRef, LogView, RunDetails, RunView, TaskView};
use tailer_model::RunId;

use super::{configuration::graph_of, operations};
use crate::{
    app::App,
    studio::{charts, error::PageError, frame, frame::Frame, visitor::Visitor},
};

/// A line of a statement.
struct Line {
    number: usize,
    text: String,
    /// Whether the error points at it.
    marked: bool,
}

struct Task {
    of: TaskView,
    /// Statistics as name and value.
    statistics: Vec<(String, String)>,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "run.html")]
struct Run {
    frame: Frame,
    run: RunView,
    details: RunDetails,
    operation: String,
    tasks: Vec<Task>,
    graph: String,
    gantt: String,
    log: Vec<LogView>,
    /// Ids of the runs that triggered it.
    triggered_by: Vec<String>,
    trigger: String,
    parameters: String,
    launchable: bool,
}

/// The run of an address and the operation it belongs to, if the visitor may see it.
///
/// # Errors
/// 404 for one that is unknown, or of an account that the visitor does not see.
pub(in crate::studio) async fn found(
    app: &App,
    visitor: &Visitor,
    run: &str,
) -> Result<(RunView, ConfigurationRef), PageError> {
    let unknown = || PageError::not_found("such run");
    let id: RunId = run.parse().map_err(|_| unknown())?;
    let run = app.engine.find_run(&id).await?;
    visitor.principal.role_on(&run.account).ok_or_else(unknown)?;
    let configuration = ConfigurationRef {
        account: run.account.clone(),
        environment: run.environment,
        configuration_type: run.configuration_type,
        configuration_id: run.configuration_id.clone(),
    };
    Ok((run, configuration))
}

/// `GET /runs/{run}`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (run, configuration) = found(&app, &visitor, &id).await?;
    let frame = Frame::new(&visitor, format!("Run {}", run.run_id), "/runs", &run.account)?;
    let details = app.engine.run_details(&configuration, &run.run_id).await?;
    let log = app.engine.run_logs(&configuration, &run.run_id, None, None, Duration::ZERO).await?.results;
    let document = app.engine.configuration_document(&configuration, Some(details.configuration_version)).await?;
    let status =
        |id: &str| details.tasks.iter().find(|task| task.task_id.as_str() == id).map(|task| task.status.clone());
    let graph = graph_of(&document.configuration).map(|graph| charts::graph(&graph, &status)).unwrap_or_default();
    let operation =
        operations::path_of(run.account.as_str(), run.environment, run.configuration_type, &run.configuration_id);
    let ids = run.trigger["run_ids"].as_array().into_iter().flatten();
    let page = Run {
        frame,
        operation,
        graph,
        gantt: charts::gantt(&details.tasks, app.clock.now()),
        tasks: details.tasks.iter().cloned().map(task).collect(),
        triggered_by: ids.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        trigger: ["type", "by"].iter().filter_map(|key| run.trigger[*key].as_str()).collect::<Vec<_>>().join(" by "),
        parameters: match &details.parameters {
            serde_json::Value::Object(given) if !given.is_empty() => details.parameters.to_string(),
            _ => String::new(),
        },
        launchable: run.configuration_type.is_launchable(),
        log,
        run,
        details,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn task(of: TaskView) -> Task {
    let statistics = of.statistics.as_object().into_iter().flatten();
    let statistics = statistics.filter(|(_, value)| value.is_number() || value.is_string());
    let statistics = statistics.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), value)
    });
    let wrong = of.error.as_deref().and_then(line_of);
    let sql = of.sql.as_deref().unwrap_or_default();
    let lines = sql.lines().zip(1..).map(|(text, number)| Line {
        number,
        text: text.to_owned(),
        marked: wrong == Some(number),
    });
    Task { statistics: statistics.collect(), lines: lines.collect(), of }
}

/// The line that an error points at: `[3:14]` or `line 3`.
fn line_of(error: &str) -> Option<usize> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let bracket = error.split('[').skip(1).find_map(|rest| {
        let (place, _) = rest.split_once(']')?;
        let (line, column) = place.split_once(':')?;
        column.parse::<usize>().ok()?;
        line.parse().ok()
    });
    bracket.or_else(|| error.split("line ").skip(1).find_map(digits))
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn errors_point_at_lines() {
        for (error, expect) in [
            ("Table not found: x at [3:14]", Some(3)),
            ("[query.sql] syntax error at [12:1]", Some(12)),
            ("line 7, column 3: unexpected", Some(7)),
            ("no place", None),
        ] {
            assert_eq!(line_of(error), expect, "{error}");
        }
    }
}

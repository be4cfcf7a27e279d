//! One run: what became of it and why, its tasks as graph and over time, their statements, what they moved, what stands beside it,
//! its log.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use tailer_engine::{ConfigurationRef, NoteSubject, RelativesView, RunDetails, RunView};
use tailer_model::RunId;

use super::{configuration::graph_of, operations};
use crate::{
    app::App,
    studio::{
        charts::{self, RunMark},
        error::PageError,
        frame,
        frame::Frame,
        notes::{self, Notes},
        visitor::Visitor,
    },
};

pub(in crate::studio) mod log;
mod tasks;

use log::LogPart;
use tasks::Task;

#[derive(Template)]
#[template(path = "run.html")]
struct Run {
    frame: Frame,
    run: RunView,
    details: RunDetails,
    operation: String,
    tasks: Vec<Task>,
    /// What all tasks counted together, as name and figure.
    totals: Vec<(&'static str, String)>,
    graph: String,
    gantt: String,
    log: LogPart,
    relatives: RelativesView,
    /// Runs of the same operation around this one, oldest first; the one that is `None` is this one.
    strip: Vec<Option<RunMark>>,
    trigger: String,
    parameters: String,
    launchable: bool,
    notes: Notes,
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
    Query(asked): Query<log::Asked>,
    Query(asked_notes): Query<notes::Asked>,
) -> Result<Response, PageError> {
    let (run, configuration) = found(&app, &visitor, &id).await?;
    let frame = Frame::new(&visitor, format!("Run {}", run.run_id), "/runs", &run.account)?;
    let details = app.engine.run_details(&configuration, &run.run_id).await?;
    let log = LogPart::read(&app, &details, asked).await?;
    let subject = NoteSubject::Run(run.account.clone(), run.run_id.clone());
    let notes = Notes::of(&app, &visitor, &subject, &asked_notes).await?;
    let relatives = app.engine.run_relatives(&run.run_id).await?;
    let document = app.engine.configuration_document(&configuration, Some(details.configuration_version)).await?;
    let of = |id: &str| details.tasks.iter().find(|task| task.task_id.as_str() == id);
    let graph = graph_of(&document.configuration);
    let drawn = graph.as_ref().map(|graph| {
        let status = |id: &str| of(id).map(|task| task.status.clone());
        charts::graph(graph, &status, &|id| of(id).map(|task| format!("#task-{}", task.task_id)))
    });
    let operation =
        operations::path_of(run.account.as_str(), run.environment, run.configuration_type, &run.configuration_id);
    let strip = relatives.earlier.iter().rev().map(|run| Some(charts::mark(run)));
    let strip = strip.chain([None]).chain(relatives.later.iter().map(|run| Some(charts::mark(run)))).collect();
    let began = run.start_execution_date.parse().ok();
    let running = run.status == "RUNNING";
    let page = Run {
        frame,
        operation,
        graph: drawn.unwrap_or_default(),
        gantt: charts::gantt(&details.tasks, graph.as_ref(), began, app.clock.now()),
        totals: tasks::totals(&details.tasks),
        tasks: details.tasks.iter().cloned().map(|of| Task::new(of, running)).collect(),
        trigger: trigger(&run),
        parameters: match &details.parameters {
            serde_json::Value::Object(given) if !given.is_empty() => details.parameters.to_string(),
            _ => String::new(),
        },
        launchable: run.configuration_type.is_launchable(),
        log,
        relatives,
        strip,
        run,
        details,
        notes,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

/// What started the run, in words; the runs that did are listed beside it.
fn trigger(run: &RunView) -> String {
    let of = |name: &str| run.trigger[name].as_str().unwrap_or_default();
    match of("type") {
        "workflow" => format!("the workflow {}", of("workflow")),
        "file" => format!("the file {}", of("file")),
        "schedule" => "its schedule".to_owned(),
        "backfill" => format!("a backfill by {}", of("by")),
        "cli" => format!("{}, on the command line", of("by")),
        "api" => format!("{}, through the API or the Studio", of("by")),
        other => other.to_owned(),
    }
}

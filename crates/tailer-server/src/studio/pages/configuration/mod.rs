//! One data operation: what it does and what starts it, its latest runs on its task graph, its parameters and files, its versions, and
//! what can be done with it.
//!
//! `parts` has its tasks and tables with their files, `launch` the form that starts it, `versions` what changed when.

pub(in crate::studio) mod launch;
mod parts;
pub(in crate::studio) mod versions;

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tailer_engine::{
    ConfigurationDocument, ConfigurationRef, ConfigurationView, NoteSubject, RelationsView, RunDetails, RunQuery,
    RunView, VersionLine, VersionView,
};
use tailer_model::{
    ConfigurationType, Identity, JobId, JobMatch, Problems, TaskGraph, TaskId,
    operation::describe::{Origin, Section},
};

use self::{
    launch::LaunchForm,
    parts::{Content, PartView},
};
use crate::{
    app::App,
    studio::{
        charts::{self, RunMark},
        error::PageError,
        filters, frame,
        frame::Frame,
        highlight,
        markdown::SafeHtml,
        notes::{self, Notes},
        pages::operations::{self, Starts, Strip},
        visitor::Visitor,
    },
};

/// The segments of a data operation's address.
pub(in crate::studio) type Segments = (String, String, String, String);

/// Runs of the strip, and of them in the table.
const RUNS: u32 = 30;
const LISTED: usize = 10;
/// Versions on the page itself; all are a page of their own.
const VERSIONS: u32 = 5;

#[derive(Deserialize)]
pub(in crate::studio) struct Asked {
    #[serde(default)]
    version: String,
}

/// Another operation, as a link.
struct Other {
    id: String,
    kind: ConfigurationType,
    environment: String,
    path: String,
}

/// How the operation stands to others.
struct Relations {
    /// Workflows that await it, each with what it launches.
    awaited_by: Vec<(Other, Option<Other>)>,
    /// Jobs that it awaits, each with whose it is and the filename template that it is of, if any.
    awaits: Vec<(String, Option<(Other, String)>)>,
    /// What it launches, as written.
    target: Option<(String, Option<Other>)>,
    /// Who is deployed with it, and with which version of it.
    used_by: Vec<(Other, u32)>,
}

#[derive(Template)]
#[template(path = "configuration.html")]
struct Configuration {
    frame: Frame,
    /// As it is now; `document` may be an older version.
    of: ConfigurationView,
    path: String,
    document: ConfigurationDocument,
    deployed: String,
    short_description: Option<String>,
    /// The documentation of the operation.
    documentation: Option<SafeHtml>,
    starts: Starts,
    strip: Strip,
    runs: Vec<RunView>,
    /// All of its runs.
    all_runs: String,
    graph: String,
    /// The run that the graph is coloured by.
    coloured: Option<RunMark>,
    relations: Relations,
    sections: Vec<Section>,
    /// What its parts are called.
    parts_name: &'static str,
    parts: Vec<PartView>,
    json: Vec<String>,
    versions: Vec<VersionLine>,
    launch: LaunchForm,
    now: Timestamp,
    notes: Notes,
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
    Query(asked_notes): Query<notes::Asked>,
) -> Result<Response, PageError> {
    let wanted = named(segments)?;
    let version = filters::read("version", &asked.version)?;
    let page = gather(&app, &visitor, wanted, version, LaunchForm::default(), &asked_notes).await?;
    Ok(frame::render(StatusCode::OK, &page))
}

/// Everything that the page shows. The launch form keeps what it holds already.
async fn gather(
    app: &App,
    visitor: &Visitor,
    wanted: ConfigurationRef,
    version: Option<u32>,
    launch: LaunchForm,
    asked_notes: &notes::Asked,
) -> Result<Configuration, PageError> {
    let frame = Frame::new(visitor, wanted.configuration_id.clone(), "/operations", &wanted.account)?;
    let of = app.engine.configuration_status(&wanted).await?;
    let VersionView { document, description, graph, files } = app.engine.version(&wanted, version).await?;
    let relations = app.engine.relations(&wanted).await?;
    let query = RunQuery { configuration: Some(wanted.clone()), limit: RUNS, ..RunQuery::default() };
    let mut runs = app.engine.runs(query).await?;
    let latest = match runs.first() {
        Some(run) => Some(app.engine.run_details(&wanted, &run.run_id).await?),
        None => None,
    };
    let versions = app.engine.versions(&wanted, None, VERSIONS).await?;
    let notes = Notes::of(app, visitor, &NoteSubject::Operation(wanted), asked_notes).await?;
    let now = app.clock.now();
    let strip = Strip::of(&runs, now);
    runs.truncate(LISTED);
    let text = |name: &str| document.configuration.get(name).and_then(Value::as_str).map(str::to_owned);
    let documentation = text("doc_md")
        .and_then(|name| parts::text_of(&files, &name))
        .map(|text| parts::documentation(text, 2, "about-"));
    let all_runs = [
        ("account", of.account.as_str()),
        ("environment", of.environment.as_str()),
        ("kind", of.configuration_type.as_str()),
        ("id", &of.configuration_id),
    ];
    Ok(Configuration {
        frame,
        path: operations::path(&of),
        deployed: charts::moment(&document.deploy_date),
        short_description: text("short_description"),
        documentation,
        starts: Starts::of(of.configuration_type, &relations.starts, now),
        strip,
        runs,
        all_runs: filters::address("/runs", &all_runs),
        coloured: latest.as_ref().map(|run| charts::mark(&run.run)),
        graph: graph.map(|graph| drawn(&graph, latest.as_ref())).unwrap_or_default(),
        relations: related(relations),
        launch: launch.offered(&of, &description, &files, latest.as_ref()),
        parts_name: parts::name_of(of.configuration_type),
        parts: description.parts.into_iter().map(|part| parts::view(part, &files)).collect(),
        sections: description.sections,
        json: highlight::plain(&serde_json::to_string_pretty(&document.configuration).unwrap_or_default()),
        versions,
        of,
        document,
        now,
        notes,
    })
}

/// The task graph, coloured by a run, each task a link to its part of the page.
fn drawn(graph: &TaskGraph, run: Option<&RunDetails>) -> String {
    let status = |id: &str| run?.tasks.iter().find(|task| task.task_id.as_str() == id).map(|task| task.status.clone());
    charts::graph(graph, &status, &|id| Some(format!("#part-{id}")))
}

fn related(relations: RelationsView) -> Relations {
    let other = |of: Identity| Other {
        path: operations::path_to(&of),
        id: of.configuration_id,
        kind: of.configuration_type,
        environment: of.environment.to_string(),
    };
    let awaited = |(job, of): (JobId, Option<Identity>)| {
        let whose = of.map(|of| match job.belongs_to(&of) {
            JobMatch::Template(template) => (other(of), template),
            JobMatch::Whole | JobMatch::No => (other(of), String::new()),
        });
        (job.0, whose)
    };
    Relations {
        awaited_by: relations.awaited_by.into_iter().map(|(of, target)| (other(of), target.map(other))).collect(),
        awaits: relations.awaits.into_iter().map(awaited).collect(),
        target: relations.target.map(|(written, of)| (written, of.map(other))),
        used_by: relations.used_by.into_iter().map(|(of, version)| (other(of), version)).collect(),
    }
}

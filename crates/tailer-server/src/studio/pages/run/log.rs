//! The log of a run: its end on the page, what comes after it line by line for whoever follows, and all of it as text.

use std::{convert::Infallible, fmt::Write as _, sync::Arc};

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use tailer_engine::{LogQuery, LogTail, LogView, RunDetails};
use tailer_model::{RunId, TaskId};

use super::found;
use crate::{
    app::App,
    studio::{error::PageError, filters, frame, visitor::Visitor},
};

/// Lines of a page, and of one answer to whoever follows.
const LINES: u32 = 500;
/// Lines that are read at once for a download.
const READ: u32 = 5_000;
/// Where an answer says how far it came.
const CURSOR: &str = "tailerd-log-cursor";

/// Which lines, as it stands in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    pub(super) task: String,
    pub(super) level: String,
    /// The last lines before this cursor.
    before: String,
    /// The lines that follow this cursor.
    after: String,
}

impl Asked {
    fn query(&self) -> Result<LogQuery, PageError> {
        let levels: &[&str] = match self.level.as_str() {
            "" => &[],
            "WARNING" => &["WARNING", "ERROR"],
            "ERROR" => &["ERROR"],
            other => return Err(PageError::unreadable("level", other, "expected WARNING or ERROR")),
        };
        Ok(LogQuery {
            task: filters::read::<TaskId>("task", &self.task)?,
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
            after: filters::read("after", &self.after)?,
            before: filters::read("before", &self.before)?,
            limit: LINES,
        })
    }

    fn address(&self, path: &str, before: &str) -> String {
        filters::address(path, &[("task", &self.task), ("level", &self.level), ("before", before)])
    }
}

/// The log as a part of its run's page.
pub(super) struct LogPart {
    pub(super) asked: Asked,
    pub(super) tail: LogTail,
    /// Where the lines before these are.
    pub(super) earlier: Option<String>,
    /// Where the last lines are, when these are not.
    pub(super) latest: Option<String>,
    /// Where what comes is asked for; nothing when older lines are shown.
    pub(super) more: Option<String>,
    pub(super) download: String,
    /// The tasks to choose from.
    pub(super) tasks: Vec<TaskId>,
    pub(super) running: bool,
}

impl LogPart {
    pub(super) async fn read(app: &App, details: &RunDetails, asked: Asked) -> Result<Self, PageError> {
        let run = &details.run.run_id;
        let query = LogQuery { after: None, ..asked.query()? };
        let tail = app.engine.run_log(run, query).await?;
        let page = format!("/runs/{run}");
        let older = !asked.before.is_empty();
        Ok(Self {
            earlier: tail.earlier.then(|| format!("{}#log", asked.address(&page, &tail.first.to_string()))),
            latest: older.then(|| format!("{}#log", asked.address(&page, ""))),
            more: (!older).then(|| asked.address(&format!("{page}/log"), "")),
            download: asked.address(&format!("{page}/log.txt"), ""),
            tasks: details.tasks.iter().map(|task| task.task_id.clone()).collect(),
            running: details.run.status == "RUNNING",
            asked,
            tail,
        })
    }
}

#[derive(Template)]
#[template(path = "run/lines.html")]
struct Lines {
    lines: Vec<LogView>,
}

/// `GET /runs/{run}/log`: the lines after a cursor, as the page shows them.
pub(in crate::studio) async fn following(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (run, _) = found(&app, &visitor, &id).await?;
    let query = asked.query()?;
    let query = LogQuery { after: query.after.or(Some(0)), before: None, ..query };
    let tail = app.engine.run_log(&run.run_id, query).await?;
    let mut response = frame::render(StatusCode::OK, &Lines { lines: tail.lines });
    if let Ok(cursor) = HeaderValue::from_str(&tail.last.to_string()) {
        response.headers_mut().insert(CURSOR, cursor);
    }
    Ok(response)
}

/// `GET /runs/{run}/log.txt`: the whole log, or what the filters leave of it.
pub(in crate::studio) async fn text(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let (run, _) = found(&app, &visitor, &id).await?;
    let run = run.run_id;
    let query = LogQuery { after: Some(0), before: None, limit: READ, ..asked.query()? };
    let name = format!("attachment; filename=\"{run}.log\"");
    // Whoever compresses it asks once more at its end.
    let parts = stream::unfold(Some(query), move |query| part(app.clone(), run.clone(), query)).fuse();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// The next lines of a download, so that a long log is never in memory as a whole.
async fn part(
    app: Arc<App>,
    run: RunId,
    query: Option<LogQuery>,
) -> Option<(Result<Bytes, Infallible>, Option<LogQuery>)> {
    let query = query?;
    let tail = match app.engine.run_log(&run, query.clone()).await {
        Ok(tail) => tail,
        Err(error) => {
            tracing::warn!(%run, %error, "a log could not be read to its end");
            return Some((Ok("the rest of the log could not be read\n".into()), None));
        }
    };
    if tail.lines.is_empty() {
        return None;
    }
    let mut text = String::new();
    for line in &tail.lines {
        let task = line.task_id.as_ref().map(|task| format!(" [{task}]")).unwrap_or_default();
        let _infallible = writeln!(text, "{} {}{task} {}", line.date, line.level, line.message);
    }
    Some((Ok(text.into()), Some(LogQuery { after: Some(tail.last), ..query })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stands_for_itself_and_what_is_worse() {
        let levels = |level: &str| Asked { level: level.into(), ..Asked::default() }.query().map(|query| query.levels);
        assert_eq!(levels("").unwrap(), Vec::<String>::new());
        assert_eq!(levels("WARNING").unwrap(), ["WARNING", "ERROR"]);
        assert!(levels("LOUD").is_err());
    }
}

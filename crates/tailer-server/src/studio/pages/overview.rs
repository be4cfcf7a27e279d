//! `/`: what failed and nobody has checked, what runs and waits and for what, and the last 24 hours.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{RunQuery, RunView};
use tailer_model::RunStatus;

use crate::{
    app::App,
    studio::{charts, error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

/// Most runs that the last 24 hours are drawn from.
const DRAWN: u32 = 1000;

#[derive(Deserialize)]
pub(in crate::studio) struct Asked {
    #[serde(default)]
    account: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    /// Of the last 24 hours: class, sign, status, count.
    counts: Vec<(&'static str, &'static str, String, usize)>,
    /// Whether there were more runs than were counted.
    more: bool,
    failed: Vec<RunView>,
    active: Vec<RunView>,
    timeline: String,
}

/// `GET /`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Overview", "/", &account)?;
    let list = |status, limit| {
        app.engine.runs(RunQuery { account: Some(account.clone()), status, limit, ..RunQuery::default() })
    };
    let failed = list(Some(RunStatus::Failed), 20).await?;
    let active = list(Some(RunStatus::Running), 50).await?;
    let now = app.clock.now();
    let mut recent = list(None, DRAWN).await?;
    let read = recent.len();
    recent.retain(|run| {
        let start = run.start_execution_date.parse::<jiff::Timestamp>();
        start.is_ok_and(|start| now.as_second() - start.as_second() < 24 * 3600)
    });
    let more = read == recent.len() && u32::try_from(read).is_ok_and(|read| read == DRAWN);
    let mut counts = BTreeMap::new();
    for run in &recent {
        *counts.entry(charts::mark(run).shown).or_insert(0) += 1;
    }
    let counts = counts.into_iter().map(|(status, count)| {
        let (class, sign) = charts::look(&status);
        (class, sign, status, count)
    });
    let page =
        Overview { frame, counts: counts.collect(), more, failed, active, timeline: charts::timeline(&recent, now) };
    Ok(frame::render(StatusCode::OK, &page))
}

//! `/workflows`: of each workflow how much of its set has arrived, since when and by which run, what it starts, its firings.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{WorkflowCard, WorkflowQuery, WorkflowState};
use tailer_model::ConfigurationType;

use super::operations;
use crate::{
    app::App,
    studio::{
        error::PageError,
        filters, frame,
        frame::Frame,
        pager::{Beside, Pager},
        visitor::Visitor,
    },
};

/// Workflows of a page: each is a card.
const CARDS: usize = 25;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    q: String,
    state: String,
    page: String,
}

/// What may be asked for as `state`, and in words.
const STATES: [(&str, &str); 4] = [
    ("waiting", "some jobs have arrived"),
    ("complete", "complete, but its target cannot start"),
    ("empty", "nothing has arrived"),
    ("disabled", "disabled"),
];

/// A workflow with its addresses.
struct Card {
    of: WorkflowCard,
    path: String,
    target: String,
}

#[derive(Template)]
#[template(path = "workflows.html")]
struct Workflows {
    frame: Frame,
    asked: Asked,
    workflows: Vec<Card>,
    total: usize,
    beside: Beside,
    states: [(&'static str, &'static str); 4],
}

/// `GET /workflows`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Workflows", "/workflows", &account)?;
    let pager = Pager::read(&asked.page, CARDS)?;
    let (state, activated) = match asked.state.as_str() {
        "" => (None, None),
        "waiting" => (Some(WorkflowState::Waiting), None),
        "complete" => (Some(WorkflowState::Complete), None),
        "empty" => (Some(WorkflowState::Empty), None),
        "disabled" => (None, Some(false)),
        other => {
            return Err(PageError::unreadable("state", other, "expected waiting, complete, empty or disabled"));
        }
    };
    let query = WorkflowQuery {
        account: account.clone(),
        search: asked.q.trim().to_owned(),
        state,
        activated,
        skip: pager.skip(),
        limit: CARDS,
    };
    let found = app.engine.workflows(query).await?;
    let card = |of: WorkflowCard| {
        let view = &of.of;
        let path = |kind, id: &str| operations::path_of(view.account.as_str(), view.environment, kind, id);
        Card {
            path: path(ConfigurationType::Workflow, &view.configuration_id),
            target: path(of.target.configuration_type, &of.target.configuration_id),
            of,
        }
    };
    let address = |number: &str| {
        let parameters = [("account", account.as_str()), ("q", &asked.q), ("state", &asked.state), ("page", number)];
        filters::address("/workflows", &parameters)
    };
    let page = Workflows {
        frame,
        beside: pager.beside(found.total, address),
        workflows: found.workflows.into_iter().map(card).collect(),
        total: found.total,
        states: STATES,
        asked,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

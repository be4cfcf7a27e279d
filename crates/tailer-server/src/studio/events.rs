//! News as server-sent events: one stream for a page, one event `changed` for all that changed within a moment.
//!
//! The page then loads its live part again, so that a storm of changes costs one load a second and not one each. The
//! stream says nothing of what changed: whoever may not see it learns nothing. It ends when the server drains.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream;

use super::visitor::Visitor;
use crate::app::App;

/// Changes within this time are told as one.
const GATHER: Duration = Duration::from_millis(700);

/// `GET /events`
pub(super) async fn stream(State(app): State<Arc<App>>, _visitor: Visitor) -> Response {
    let (news, stopping) = (app.engine.news(), app.stopping.clone());
    let events = stream::unfold((news, stopping), |(mut news, stopping)| async move {
        tokio::select! {
            () = stopping.cancelled() => return None,
            changed = news.changed() => changed.ok()?,
        }
        tokio::select! {
            () = stopping.cancelled() => return None,
            () = tokio::time::sleep(GATHER) => {}
        }
        news.mark_unchanged();
        // Browsers tell nobody of an event without data.
        Some((Ok::<_, Infallible>(Event::default().event("changed").data("news")), (news, stopping)))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

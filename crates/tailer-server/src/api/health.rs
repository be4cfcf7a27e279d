//! `/healthz`: the process answers. `/readyz`: it can work. Neither needs a token, neither says more.

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use serde_json::json;

use super::Answer;
use crate::{
    app::App,
    errors::{self, ApiError},
};

pub(crate) async fn healthz() -> Result<impl IntoResponse, ApiError> {
    Answer::json(&json!({"status": "ok"}))
}

/// 503 until the store answers and the reconcilers run, and again while the server drains.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<impl IntoResponse, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(errors::stopping());
    }
    if let Err(error) = app.engine.ready().await {
        tracing::warn!(%error, "not ready");
        return Err(ApiError::unavailable("not_ready", "the server is not ready yet"));
    }
    Answer::json(&json!({"status": "ready"}))
}

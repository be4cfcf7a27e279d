//! `POST /v1/storage/notifications`: storages push that objects were written.
//!
//! Answers at once: a notification only makes a watcher look, and what it finds is recorded then. Objects in folders that no
//! operation watches are no error, since buckets tell of everything in them; they are counted (`/metrics`).
//!
//! The sender is a service that cannot always set headers, so the token may also stand in the address, as `?token=…`.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::notices::{self, Notices};
use crate::{
    access::NOTIFY,
    app::App,
    auth::Principal,
    body::{self, Incoming},
    errors::ApiError,
    json,
};

/// Largest body in bytes: Pub/Sub sends up to 10 MB, of which notifications are a few hundred bytes.
const BODY_LIMIT: usize = 1 << 20;

/// What a notification was good for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notified)]
pub(crate) struct NotifiedBody {
    /// Objects that were written, as the notification says.
    objects: usize,
    /// Those in a folder that an operation watches.
    watched: usize,
}

#[derive(Serialize)]
struct Accepted {
    code: u16,
    data: NotifiedBody,
    message: &'static str,
}

pub(crate) async fn notifications(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::new(&parts.headers, body);
    match answer(&app, &parts.uri, &parts.headers, &mut incoming).await {
        Ok(data) => {
            let body = Accepted { code: 202, data, message: "accepted" };
            (StatusCode::ACCEPTED, axum::Json(body)).into_response()
        }
        Err(error) => {
            incoming.discard(BODY_LIMIT, Duration::from_secs(2)).await;
            error.into_response()
        }
    }
}

async fn answer(app: &App, uri: &Uri, headers: &HeaderMap, incoming: &mut Incoming) -> Result<NotifiedBody, ApiError> {
    let principal = authenticate(app, uri, headers).await?;
    let _in_flight = app.limiter.admit(&principal.allowance, app.clock.now())?;
    body::require_json_or_text(headers)?;
    let accounts = principal.accounts(NOTIFY.1, NOTIFY.0)?;
    let body = incoming.read(BODY_LIMIT, app.settings.timeouts.body).await?;
    let body: Value = json::read_value(&body)?;
    let Notices { objects, confirm } = notices::read(&body)?;
    if let Some(address) = confirm {
        // Not visited by ourselves: whoever holds a token would choose where this machine goes.
        tracing::warn!(address, "a notification service waits for its subscription to be confirmed: visit the address");
    }
    let all = objects.len();
    let watched = app.engine.notify(objects, accounts).await?;
    Ok(NotifiedBody { objects: all, watched })
}

/// By the `Authorization` header, or without one by the address.
async fn authenticate(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Arc<Principal>, ApiError> {
    let query = uri.query().unwrap_or_default();
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).filter(|token| !token.is_empty());
    match token {
        Some(token) if !headers.contains_key(header::AUTHORIZATION) => {
            let token = percent_decode_str(token).decode_utf8_lossy();
            app.authenticator.authenticate_token(&token, &app.limiter).await
        }
        _ => app.authenticator.authenticate(headers, &app.limiter).await,
    }
}

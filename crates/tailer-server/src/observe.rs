//! Around every request: its id, its log line, its place in the metrics; and what a panic becomes.
//!
//! A caller's `x-request-id` is kept when it is a plain word of at most 128 characters; otherwise the request gets a fresh
//! one. It goes into every log line of the request and back in the answer. Answers that are errors are logged at `info`
//! (`error` from 500 on), others at `debug`: thousands of status reads a second are not news.

use std::{any::Any, net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use crate::{app::App, errors::ApiError};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The other end of the connection, put into each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The middleware.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    async move {
        let start = Instant::now();
        let mut response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), start.elapsed());
        app.traffic.count(&path, status, took);
        match status {
            500.. => tracing::error!(%method, path, status, ?took, "answered"),
            400.. => tracing::info!(%method, path, status, ?took, "answered"),
            _ => tracing::debug!(%method, path, status, ?took, "answered"),
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
    .instrument(span)
    .await
}

fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=128).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
    });
    match given {
        Some(id) => id.clone(),
        None => HeaderValue::try_from(uuid::Uuid::new_v4().simple().to_string())
            .unwrap_or(HeaderValue::from_static("unknown")),
    }
}

/// The answer to a request whose handler panicked; what it said goes to the log only.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> HttpResponse<axum::body::Body> {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("something that is no text"), "a request's handler panicked");
    ApiError::opaque().into_response()
}

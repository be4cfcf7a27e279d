//! What every handler shares, and the router over it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, Uri},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tailer_engine::{Clock, Engine};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    access::{NOTIFICATIONS, Route},
    api,
    auth::{Authenticator, Oidc, Sessions},
    errors::ApiError,
    limits::Limiter,
    observe::{observe, panicked},
    settings::ServerSettings,
    studio::{self, Doorkeeper},
    traffic::Traffic,
};

/// Shared by all requests.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authenticator: Authenticator,
    pub(crate) sessions: Sessions,
    pub(crate) oidc: Option<Arc<Oidc>>,
    pub(crate) doorkeeper: Doorkeeper,
    pub(crate) limiter: Limiter,
    pub(crate) traffic: Traffic,
    pub(crate) settings: ServerSettings,
    /// Cancelled when the server drains: whoever waits, answers.
    pub(crate) stopping: CancellationToken,
}

/// All endpoints with what surrounds each of them.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz))
        .route("/metrics", get(api::metrics::metrics));
    if !app.settings.api {
        return around(router.fallback(only_executes), app);
    }
    router = router.route("/openapi.json", get(api::openapi::openapi));
    for route in Route::ALL {
        let endpoint = move |State(app): State<Arc<App>>, request: Request| async move {
            api::endpoint(&app, route, request).await
        };
        router = router.route(route.path(), post(endpoint));
    }
    let all = router.merge(studio::router()).route(NOTIFICATIONS, post(api::notifications::notifications));
    around(all.fallback(unknown_path), app)
}

/// What surrounds every endpoint.
fn around(router: Router<Arc<App>>, app: &Arc<App>) -> Router {
    router
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(app), observe))
        .with_state(Arc::clone(app))
}

async fn only_executes() -> Response {
    let message = "this server only executes (role worker): ask one with the role all or api";
    ApiError::new(StatusCode::NOT_FOUND, "unknown_path", message).into_response()
}

async fn unknown_path(uri: Uri) -> Response {
    let paths: Vec<_> = Route::ALL.into_iter().map(Route::path).chain([NOTIFICATIONS]).collect();
    let message = match uri.path().strip_suffix('/').filter(|path| paths.contains(path)) {
        Some(path) => format!("there is nothing at this path; without the slash at its end it is {path}"),
        None => format!("there is nothing at this path; the endpoints are {}", paths.join(", ")),
    };
    ApiError::new(StatusCode::NOT_FOUND, "unknown_path", message).into_response()
}

/// The router adds `Allow`.
async fn wrong_method(request: Request) -> Response {
    let path = request.uri().path();
    let allowed = match path {
        studio::SIGN_IN => "GET and POST",
        studio::SIGN_OUT => "POST",
        _ if path.starts_with("/v1/") => "POST",
        _ => "GET",
    };
    let message = format!("{} takes {allowed}, not {}", request.uri().path(), request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message).into_response()
}

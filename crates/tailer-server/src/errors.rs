//! The one error type that becomes an HTTP answer (`spec/api.md`, Errors).
//!
//! Belongs here: anything that a client is told. Errors of the engine and the store are converted here and nowhere else;
//! whatever the client could not have foreseen is logged and becomes an opaque 500. Errors of starting the server are
//! [`crate::ServeError`].

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tailer_engine::EngineError;
use tailer_model::Problem;
use tailer_store::StoreError;

/// An error answer: `{"code", "error", "message", "data"}`. Boxed inside, so that results stay small.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    error: &'static str,
    message: String,
    data: Map<String, Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The JSON body of every error.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody<'a> {
    /// The HTTP status.
    code: u16,
    /// Stable, snake case: what programs branch on.
    error: &'a str,
    /// What is wrong and what to do, for people.
    message: &'a str,
    /// Details by error: `line` and `column`, `fields`, `problems`, `actions`, `ignored`.
    data: &'a Map<String, Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Parts { status, error, message: message.into(), data: Map::new(), header: None }))
    }

    pub(crate) fn bad_request(error: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 401 with the challenge of RFC 6750.
    pub(crate) fn unauthorized(error: &'static str, message: &str) -> Self {
        let challenge = if error == "missing_token" {
            "Bearer realm=\"tailerd\"".to_owned()
        } else {
            format!("Bearer realm=\"tailerd\", error=\"invalid_token\", error_description=\"{message}\"")
        };
        let challenge =
            HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer realm=\"tailerd\""));
        Self::new(StatusCode::UNAUTHORIZED, error, message).with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// 429; `seconds` is when another try may succeed, at least one.
    pub(crate) fn too_many_requests(message: &str, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// 503 with `Retry-After`.
    pub(crate) fn unavailable(error: &'static str, message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, message)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
    }

    /// Logs what happened and tells the client nothing of it. The log line carries the request id of the span around it.
    pub(crate) fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %what, "unforeseen error");
        Self::opaque()
    }

    /// The 500 that says nothing, for what has been logged already.
    pub(crate) fn opaque() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "something unforeseen went wrong; the server's log tells more under the x-request-id of this answer",
        )
    }

    #[must_use]
    pub(crate) fn with_data(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.data.insert(key.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Names the fields of the request that nothing read, if there are any.
    #[must_use]
    pub(crate) fn with_ignored(self, ignored: Vec<String>) -> Self {
        if ignored.is_empty() || self.0.data.contains_key("ignored") {
            self
        } else {
            self.with_data("ignored", ignored)
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound { code, message } => Self::new(StatusCode::NOT_FOUND, code, message),
            EngineError::Conflict { code, message } => Self::new(StatusCode::CONFLICT, code, message),
            EngineError::Invalid { code, message } => Self::bad_request(code, message),
            EngineError::Mismatch { code, message } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message),
            EngineError::Problems(problems) => invalid_configuration(&problems),
            EngineError::Stopping => stopping(),
            EngineError::Internal(what) => Self::internal(&what),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_temporary() {
            tracing::error!(%error, "the store cannot answer now");
            return Self::unavailable("unavailable", "the server cannot do this at the moment; try again in a moment");
        }
        Self::internal(&error)
    }
}

/// 400 with every problem of a configuration in `data.problems`.
fn invalid_configuration(problems: &[Problem]) -> ApiError {
    let first = problems.first().map(|p| format!(": {}: {}", p.path, p.message)).unwrap_or_default();
    let more = match problems.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more in data.problems)", n - 1),
    };
    ApiError::bad_request("invalid_configuration", format!("the configuration cannot be deployed{first}{more}"))
        .with_data("problems", json!(problems))
}

/// 503 while the server drains.
pub(crate) fn stopping() -> ApiError {
    ApiError::unavailable("stopping", "the server is stopping; try again in a moment")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Parts { status, error, message, data, header } = *self.0;
        let body = ErrorBody { code: status.as_u16(), error, message: &message, data: &data };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

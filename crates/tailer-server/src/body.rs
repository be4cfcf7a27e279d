//! Receives a request's body: its content type, its size, and how long it may take.
//!
//! A body gets [`Timeouts::body`](crate::Timeouts) to begin with and a second more for each 64 KiB received, so a large
//! deployment over a slow line arrives while a client that drips bytes does not hold a connection for long.
//! When a request is refused before its body was read, what is already on its way is read and thrown away for a moment:
//! otherwise the connection would be reset and many clients would never see the answer.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::errors::ApiError;

/// What a body must arrive with to go on, in bytes a second.
const SLOWEST: u64 = 64 << 10;

/// Refuses anything but JSON in UTF-8.
///
/// # Errors
/// 415 `unsupported_media_type`.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if given.is_some_and(is_json) { Ok(()) } else { Err(unsupported(given)) }
}

/// Also takes JSON that is declared to be plain text, as Amazon's notification service sends it.
///
/// # Errors
/// 415 `unsupported_media_type`.
pub(crate) fn require_json_or_text(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let plain =
        |given: &str| given.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"));
    if given.is_some_and(|given| is_json(given) || plain(given)) { Ok(()) } else { Err(unsupported(given)) }
}

fn unsupported(given: Option<&str>) -> ApiError {
    let found = given.map_or_else(|| "it has none".to_owned(), |given| format!("it has {given:?}"));
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!("the request needs the header `content-type: application/json`; {found}"),
    )
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let json = kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    })
}

/// A request's body while it is being received.
#[derive(Debug)]
pub(crate) struct Incoming {
    body: Body,
    declared: Option<u64>,
    /// The client waits for a go-ahead: nothing is on its way yet.
    expects_continue: bool,
}

impl Incoming {
    pub(crate) fn new(headers: &HeaderMap, body: Body) -> Self {
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        Self { body, declared, expects_continue: headers.contains_key(header::EXPECT) }
    }

    /// All of it.
    ///
    /// # Errors
    /// 413 beyond `limit` bytes, 408 when it takes too long, 400 when the client breaks off.
    pub(crate) async fn read(&mut self, limit: usize, patience: Duration) -> Result<Bytes, ApiError> {
        if self.declared.is_some_and(|declared| declared > limit as u64) {
            return Err(too_large(limit));
        }
        let start = Instant::now();
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        loop {
            let received = first.len() + all.len();
            let deadline = start + patience + Duration::from_secs(received as u64 / SLOWEST);
            let data = match timeout_at(deadline, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
                Ok(Some(Err(_))) => return Err(ApiError::bad_request("broken_body", "the body broke off")),
                Ok(None) if all.is_empty() => return Ok(first),
                Ok(None) => return Ok(all.freeze()),
                Err(_) => return Err(too_slow()),
            };
            if received + data.len() > limit {
                return Err(too_large(limit));
            }
            if received == 0 {
                first = data; // nearly always the only one: kept without copying
            } else {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&data);
            }
        }
    }

    /// Reads on and forgets, so that the client gets to see the answer: at most `most` bytes and for `patience`.
    pub(crate) async fn discard(mut self, most: usize, patience: Duration) {
        if self.expects_continue {
            return;
        }
        let deadline = Instant::now() + patience;
        let mut seen = 0;
        while seen < most {
            match timeout_at(deadline, self.body.frame()).await {
                Ok(Some(Ok(frame))) => seen += frame.data_ref().map_or(0, Bytes::len),
                _ => return,
            }
        }
    }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("the body is larger than the {} MiB that this endpoint takes", limit >> 20),
    )
    .with_data("limit", limit)
}

fn too_slow() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive in time; send it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for (given, expect) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/problem+json", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(is_json(given), expect, "{given}");
        }
    }

    #[tokio::test]
    async fn bodies_in_pieces_come_out_whole_and_long_ones_are_refused() {
        let pieces = ["{\"a\"", ": 1", "}"].map(|piece| Ok::<_, String>(Bytes::from(piece)));
        let body = || Body::from_stream(futures::stream::iter(pieces.clone()));
        let read =
            |limit| async move { Incoming::new(&HeaderMap::new(), body()).read(limit, Duration::from_secs(5)).await };
        assert_eq!(read(8).await.unwrap(), "{\"a\": 1}");
        assert_eq!(read(7).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_times_out() {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let error = Incoming::new(&HeaderMap::new(), body).read(8, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::REQUEST_TIMEOUT);
    }
}

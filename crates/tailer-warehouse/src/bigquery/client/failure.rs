//! What went wrong between here and BigQuery, and whether sending again may help: exactly the reasons for which its
//! documentation says so, and lost connections.

use std::{fmt, sync::LazyLock, time::Duration};

use regex::Regex;
use serde::Deserialize;

use super::super::wire::ErrorProto;
use crate::WarehouseError;

/// Reasons that pass by themselves.
const PASSING: &[&str] = &[
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "rateLimitExceeded",
    "jobRateLimitExceeded",
];

/// Whether a job that ended for this reason may be run again.
pub(crate) fn is_passing(reason: &str) -> bool {
    PASSING.contains(&reason)
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// `None`: no answer came.
    pub(crate) status: Option<u16>,
    /// BigQuery's word, such as `invalidQuery`; empty when it gave none.
    pub(crate) reason: String,
    pub(crate) message: String,
    /// How long to wait before asking again, in BigQuery's word.
    pub(crate) retry_after: Option<Duration>,
    passes: bool,
    denied: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    error: Body,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    message: String,
    errors: Vec<ErrorProto>,
}

impl Failure {
    /// Never sent, or not understood: the same again would not help.
    pub(crate) fn refused(message: String) -> Self {
        Self { status: None, reason: String::new(), message, retry_after: None, passes: false, denied: false }
    }

    /// There are no credentials, or none that can be used.
    pub(super) fn denied(message: String) -> Self {
        Self { denied: true, ..Self::refused(message) }
    }

    pub(crate) fn passing(message: String) -> Self {
        Self { passes: true, ..Self::refused(message) }
    }

    pub(super) fn lost(error: &reqwest::Error) -> Self {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::passing(format!("no answer from BigQuery: {cause}"))
    }

    /// Reads an answer that is not a success.
    pub(super) fn answered(status: u16, body: &[u8]) -> Self {
        let Body { message, errors } = serde_json::from_slice::<Answer>(body).unwrap_or_default().error;
        let first = errors.into_iter().next().unwrap_or_default();
        let message = [message, first.message].into_iter().find(|text| !text.is_empty());
        let message = message.unwrap_or_else(|| format!("BigQuery answered with status {status}"));
        // A reason decides; without one, or with one that says nothing of the request, the status does.
        let passes = is_passing(&first.reason) || status == 429 || matches!(status, 500 | 502 | 503 | 504);
        let message =
            if status == 401 { format!("BigQuery does not let these credentials in: {message}") } else { message };
        Self { status: Some(status), reason: first.reason, message, retry_after: None, passes, denied: status == 401 }
    }

    /// Whether the same request may succeed later.
    pub(crate) fn passes(&self) -> bool {
        self.passes
    }

    pub(crate) fn is_duplicate(&self) -> bool {
        self.status == Some(409)
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.status == Some(404)
    }
}

impl From<Failure> for WarehouseError {
    fn from(failure: Failure) -> Self {
        let Failure { status, reason, message, passes, denied, .. } = failure;
        match status {
            _ if passes => Self::Transient(message),
            _ if denied => Self::Denied(message),
            Some(404) => Self::NotFound(stripped(&message, "Not found: ")),
            Some(409) => Self::AlreadyExists(stripped(&message, "Already Exists: ")),
            _ => Self::from(ErrorProto { reason, message }),
        }
    }
}

fn stripped(message: &str, prefix: &str) -> String {
    message.strip_prefix(prefix).unwrap_or(message).to_owned()
}

impl From<ErrorProto> for WarehouseError {
    /// Why a job failed, in the words of BigQuery, with the place it names.
    fn from(error: ErrorProto) -> Self {
        let ErrorProto { reason, message } = error;
        match reason.as_str() {
            // Whoever cancelled it through us knows that: this is somebody else, or a limit of time.
            "stopped" => Self::Invalid { message: format!("stopped at BigQuery: {message}"), line: None, column: None },
            "notFound" => Self::NotFound(stripped(&message, "Not found: ")),
            "duplicate" => Self::AlreadyExists(stripped(&message, "Already Exists: ")),
            "accessDenied" => Self::Denied(format!("access denied: {message}")),
            reason if is_passing(reason) => Self::Transient(message),
            _ => {
                let (message, place) = placed(&message);
                Self::Invalid { message, line: place.map(|p| p.0), column: place.map(|p| p.1) }
            }
        }
    }
}

/// Takes `at [3:14]` off a message.
fn placed(message: &str) -> (String, Option<(usize, usize)>) {
    #[expect(clippy::expect_used, reason = "a constant pattern")]
    static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" at \[(\d+):(\d+)\]").expect("a good pattern"));
    let Some(found) = PLACE.captures(message) else { return (message.to_owned(), None) };
    let number = |n: usize| found.get(n).and_then(|digits| digits.as_str().parse().ok());
    match (number(1), number(2)) {
        (Some(line), Some(column)) => (PLACE.replace(message, "").into_owned(), Some((line, column))),
        _ => (message.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_documentation_names_is_sent_again() {
        let check = |status: u16, reason: &str, expect: bool| {
            let body = serde_json::json!({"error": {"message": "m", "errors": [{"reason": reason, "message": "m"}]}});
            let failure = Failure::answered(status, body.to_string().as_bytes());
            assert_eq!(failure.passes(), expect, "{status} {reason}");
        };
        check(400, "invalidQuery", false);
        check(404, "notFound", false);
        check(403, "accessDenied", false);
        check(403, "quotaExceeded", false);
        check(409, "duplicate", false);
        check(403, "rateLimitExceeded", true);
        check(400, "jobRateLimitExceeded", true);
        check(503, "backendError", true);
        check(429, "", true);
        check(502, "", true);
        check(501, "notImplemented", false);
    }

    #[test]
    fn who_is_not_let_in_is_told_so() {
        let check = |status: u16, reason: &str, expect: &str| {
            let body = serde_json::json!({"error": {"message": "m", "errors": [{"reason": reason, "message": "m"}]}});
            let error = WarehouseError::from(Failure::answered(status, body.to_string().as_bytes()));
            assert!(matches!(&error, WarehouseError::Denied(message) if message == expect), "{error:?}");
        };
        check(401, "authError", "BigQuery does not let these credentials in: m");
        check(403, "accessDenied", "access denied: m");
    }

    #[test]
    fn the_place_in_the_text_is_read() {
        let error = WarehouseError::from(ErrorProto {
            reason: "invalidQuery".into(),
            message: "Unrecognized name: x at [3:14]".into(),
        });
        let WarehouseError::Invalid { message, line, column } = error else { panic!("{error}") };
        assert_eq!((message.as_str(), line, column), ("Unrecognized name: x", Some(3), Some(14)));
    }
}

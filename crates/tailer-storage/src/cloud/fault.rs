//! What can go wrong between here and a service, before it is told with a storage and a path.
//!
//! Decides what may be tried again: loss of connection, timeouts, `429`, `5xx` and the services' own words for them, nothing
//! else. What a service says is quoted (its first line); addresses are not, because they may be signed.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

use crate::StorageError;

/// Longest quotation of a service's message, in characters.
const QUOTED: usize = 300;
/// How far two clocks may be apart before a refusal is put down to it; the services allow five minutes or more.
const CLOCKS_APART: Duration = Duration::from_secs(240);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No answer, or half of one: connection, time.
    Lost(String),
    /// We are not let in: credentials, certificates.
    Denied(String),
    NoBucket,
    /// The service answered, and not what was asked for.
    Refused(Refusal),
    /// What arrived is not what was sent.
    Mismatch(String),
    /// An answer that is not of the protocol, or a setting that cannot be sent.
    Invalid(String),
}

/// A service's answer instead of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The service's own word such as `AccessDenied`; empty where it gave none.
    pub(super) code: String,
    pub(super) message: String,
    /// What to do about it, where that is known.
    pub(super) hint: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    /// Of an answer's status and headers; what its body says is the service's to read.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, code: String, message: &str) -> Self {
        let line = message.lines().next().unwrap_or_default().trim();
        let hint = if matches!(status.as_u16(), 400 | 401 | 403) { clock_hint(headers) } else { None };
        Self { status, code, message: line.chars().take(QUOTED).collect(), hint, retry_after: retry_after(headers) }
    }

    fn is_transient(&self) -> bool {
        const WORDS: [&str; 9] = [
            "RequestTimeout",
            "SlowDown",
            "InternalError",
            "ServiceUnavailable",
            "OperationAborted",
            "ServerBusy",
            "OperationTimedOut",
            "rateLimitExceeded",
            "backendError",
        ];
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504) || WORDS.contains(&self.code.as_str())
    }

    fn text(&self) -> String {
        let mut text = format!("the service answered {}", self.status.as_u16());
        for (lead, part) in [(" ", &self.code), (": ", &self.message)] {
            if !part.is_empty() {
                text.push_str(lead);
                text.push_str(part);
            }
        }
        if let Some(hint) = &self.hint {
            text.push_str("; ");
            text.push_str(hint);
        }
        text
    }
}

impl Fault {
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused(refusal) => refusal.is_transient(),
            _ => false,
        }
    }

    /// A missing object, where the service did not say it in these words.
    pub(super) fn missing() -> Self {
        Self::Refused(Refusal {
            status: StatusCode::NOT_FOUND,
            code: String::new(),
            message: String::new(),
            hint: None,
            retry_after: None,
        })
    }

    /// The service compared, and refused what arrived.
    pub(super) fn damaged() -> Self {
        Self::Mismatch("what arrived at the service is not what was sent".to_owned())
    }

    /// How long the service asks us to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if let Self::Refused(refusal) = self { refusal.retry_after } else { None }
    }

    pub(super) fn is_status(&self, status: StatusCode) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == status)
    }

    pub(super) fn is_code(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }

    /// The same with a word on how often it was tried.
    pub(super) fn after(self, attempts: u32) -> Self {
        let tried = |text: String| format!("{text} (tried {attempts} times)");
        match self {
            Self::Lost(message) if attempts > 1 => Self::Lost(tried(message)),
            Self::Refused(mut refusal) if attempts > 1 && refusal.is_transient() => {
                refusal.message = tried(refusal.message);
                Self::Refused(refusal)
            }
            other => other,
        }
    }

    /// The error for whoever asked the storage.
    pub(super) fn told(self, location: String) -> StorageError {
        let transient = self.is_transient();
        match self {
            Self::Lost(message) => StorageError::Transient { location, message },
            Self::Denied(message) => StorageError::Denied { location, message },
            Self::NoBucket => StorageError::Denied {
                location,
                message: "there is no such bucket or container: make it, or correct its name".to_owned(),
            },
            Self::Mismatch(message) => StorageError::Mismatch { location, message },
            Self::Invalid(message) => StorageError::Refused { location, message },
            Self::Refused(refusal) => {
                let message = refusal.text();
                match refusal.status {
                    _ if transient => StorageError::Transient { location, message },
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => StorageError::Denied {
                        location,
                        message: if refusal.hint.is_some() {
                            message
                        } else {
                            format!("{message}; check the credentials and what they may do")
                        },
                    },
                    StatusCode::NOT_FOUND => StorageError::NotFound { location },
                    _ => StorageError::Refused { location, message },
                }
            }
        }
    }
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => http_date(value)?.duration_since(Timestamp::now()).try_into().ok(),
    }
}

/// Signatures carry a time: when the service's clock is far from ours, that is why they are refused.
fn clock_hint(headers: &HeaderMap) -> Option<String> {
    let theirs = http_date(headers.get(header::DATE)?.to_str().ok()?)?;
    let apart = Timestamp::now().duration_since(theirs);
    (apart.unsigned_abs() > CLOCKS_APART).then(|| {
        let minutes = apart.unsigned_abs().as_secs() / 60;
        let direction = if apart.is_positive() { "ahead of" } else { "behind" };
        format!("the clock of this machine is {minutes} minutes {direction} the service's: set it right")
    })
}

/// A time of an HTTP header.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str, headers: &[(&'static str, &str)]) -> Fault {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Fault::Refused(Refusal::of(status, &map, code.to_owned(), "what it says\nRequestId: 1"))
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        let check = |status: u16, code: &str, expect: bool| {
            assert_eq!(refusal(status, code, &[]).is_transient(), expect, "{status} {code}");
        };
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, "", true);
        }
        for status in [301, 400, 401, 403, 404, 409, 412, 416, 501] {
            check(status, "", false);
        }
        check(400, "RequestTimeout", true);
        check(409, "OperationAborted", true);
        check(200, "InternalError", true);
        check(403, "AccessDenied", false);
        assert!(Fault::Lost(String::new()).is_transient());
        assert!(!Fault::Denied(String::new()).is_transient());
    }

    #[test]
    fn errors_say_what_to_do() {
        let check = |fault: Fault, expect: &str| {
            assert_eq!(fault.told("s3://b/a".to_owned()).to_string(), format!("s3://b/a: {expect}"));
        };
        check(
            refusal(403, "AccessDenied", &[]),
            "the service answered 403 AccessDenied: what it says; check the credentials and what they may do",
        );
        check(refusal(404, "NoSuchKey", &[]), "not found");
        check(
            refusal(503, "SlowDown", &[]).after(7),
            "the service answered 503 SlowDown: what it says (tried 7 times)",
        );
        check(refusal(501, "", &[]).after(1), "the service answered 501: what it says");
        check(Fault::NoBucket, "there is no such bucket or container: make it, or correct its name");
        check(Fault::Lost("no answer".into()).after(1), "no answer");
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let text = refusal(403, "RequestTimeTooSkewed", &[("date", "Thu, 01 Jan 1970 00:00:00 GMT")]);
        let text = text.told("gs://b".to_owned()).to_string();
        assert!(text.contains("minutes ahead of the service's: set it right"), "{text}");
    }

    #[test]
    fn services_say_how_long_to_wait() {
        assert_eq!(refusal(503, "", &[("retry-after", "7")]).retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(refusal(503, "", &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]).retry_after(), None);
        let later = jiff::fmt::rfc2822::to_string(
            &(Timestamp::now() + Duration::from_secs(600)).to_zoned(jiff::tz::TimeZone::UTC),
        );
        let wait = refusal(503, "", &[("retry-after", &later.unwrap())]).retry_after().unwrap();
        assert!(wait > Duration::from_secs(500) && wait <= Duration::from_secs(600), "{wait:?}");
        assert_eq!(refusal(503, "", &[("retry-after", "soon")]).retry_after(), None);
    }
}

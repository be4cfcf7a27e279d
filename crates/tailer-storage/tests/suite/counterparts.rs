//! Servers that `.ci/counterparts` has started, found in variables: JSON objects.
//!
//! Tests elsewhere take this file by its path.

use serde::de::DeserializeOwned;

/// What a variable such as `TAILERD_TEST_S3` says. Without it the test is to be skipped, which this says; on CI nothing is.
#[expect(clippy::print_stderr, reason = "whoever runs tests by hand is told what was not tried")]
pub(crate) fn counterpart<T: DeserializeOwned>(variable: &str) -> Option<T> {
    let Ok(text) = std::env::var(variable) else {
        assert!(std::env::var_os("TAILERD_TEST_ALL").is_none(), "{variable} is not set: run through .ci/counterparts");
        eprintln!("skipped: {variable} is not set: run through .ci/counterparts");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

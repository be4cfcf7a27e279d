//! What stands behind the question mark of an address: an empty filter is none, one that cannot be read is an error.

use std::{fmt::Display, str::FromStr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tailer_model::AccountId;

use super::{error::PageError, visitor::Visitor};

/// Everything that could mean something in an address.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A filter's value.
///
/// # Errors
/// 400 when there is one that cannot be read.
pub(super) fn read<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<Option<T>, PageError> {
    match value.trim() {
        "" => Ok(None),
        value => value.parse().map(Some).map_err(|why| PageError::unreadable(name, value, why)),
    }
}

/// The account that a page shows: the one named, or the first that the visitor sees.
///
/// # Errors
/// 400 for a name that is none; 403 for a visitor without any account.
pub(super) fn account(visitor: &Visitor, named: &str) -> Result<AccountId, PageError> {
    if let Some(account) = read("account", named)? {
        return Ok(account);
    }
    visitor.accounts().into_iter().next().ok_or_else(|| {
        PageError::new(
            axum::http::StatusCode::FORBIDDEN,
            "you have no role on any account: ask an administrator for one",
        )
    })
}

/// A text as one segment or value of an address.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// An address with those parameters that are not empty.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_leave_out_what_is_empty_and_encode_the_rest() {
        assert_eq!(address("/runs", &[("q", ""), ("status", "")]), "/runs");
        assert_eq!(address("/runs", &[("q", "a b&c"), ("status", "FAILED")]), "/runs?q=a%20b%26c&status=FAILED");
    }

    #[test]
    fn empty_filters_are_none_and_bad_ones_are_named() {
        assert_eq!(read::<u32>("limit", " ").unwrap(), None);
        assert_eq!(read::<u32>("limit", "7").unwrap(), Some(7));
        assert!(format!("{:?}", read::<u32>("limit", "x").unwrap_err()).contains("limit"));
    }
}

//! Errors of the translator: short constructors that always carry the place in the user's text.

use sqlparser::{
    ast::{Expr, Spanned},
    tokenizer::{Location, Span},
};

use crate::WarehouseError;

pub(super) type Result<T> = std::result::Result<T, WarehouseError>;

/// Where something stands in the user's text; `0` lines are unknown.
pub(super) type At = Location;

/// The place of an expression's first token. Walking the tree for it costs time, so it is done on errors only.
pub(super) fn place(expr: &Expr) -> At {
    expr.span().start
}

pub(super) fn start(span: Span) -> At {
    span.start
}

pub(super) fn nowhere() -> At {
    Location { line: 0, column: 0 }
}

/// Wrong for BigQuery too.
pub(super) fn invalid(message: impl Into<String>, at: At) -> WarehouseError {
    let (line, column) = position(at);
    WarehouseError::Invalid { message: message.into(), line, column }
}

/// Right for BigQuery (or unknown to us), not done here.
pub(super) fn unsupported(what: impl Into<String>, at: At) -> WarehouseError {
    let (line, column) = position(at);
    WarehouseError::Unsupported { what: what.into(), line, column }
}

/// Gives an error without place the place of what encloses it.
pub(super) fn located(error: WarehouseError, at: impl FnOnce() -> At) -> WarehouseError {
    match error {
        WarehouseError::Invalid { message, line: None, .. } => invalid(message, at()),
        WarehouseError::Unsupported { what, line: None, .. } => unsupported(what, at()),
        other => other,
    }
}

fn position(at: At) -> (Option<usize>, Option<usize>) {
    if at.line == 0 {
        return (None, None);
    }
    (usize::try_from(at.line).ok(), usize::try_from(at.column).ok())
}

/// The nearest of some names, when one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|c| !c.is_empty())
        .map(|c| (strsim::damerau_levenshtein(&wanted, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= 1 + c.len().max(wanted.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// `; did you mean X?` or nothing.
pub(super) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map(|c| format!("; did you mean {c}?")).unwrap_or_default()
}

//! DuckDB's errors in the user's words: no paths of this machine, no internal names, no caret drawings.

use super::messages;
use crate::{
    WarehouseError,
    googlesql::{Statement, explain},
};

pub(crate) fn invalid(message: impl Into<String>) -> WarehouseError {
    WarehouseError::Invalid { message: message.into(), line: None, column: None }
}

pub(crate) fn unsupported(what: impl Into<String>) -> WarehouseError {
    WarehouseError::Unsupported { what: what.into(), line: None, column: None }
}

/// Gives an error the place of its statement in the user's file, unless it has a better one.
pub(crate) fn at_statement(error: WarehouseError, statement: &Statement) -> WarehouseError {
    match error {
        WarehouseError::Invalid { message, line: None, .. } => {
            WarehouseError::Invalid { message, line: Some(statement.line), column: Some(statement.column) }
        }
        WarehouseError::Unsupported { what, line: None, .. } => {
            WarehouseError::Unsupported { what, line: Some(statement.line), column: Some(statement.column) }
        }
        other => other,
    }
}

/// What the caller may do about a DuckDB error decides its variant: wrong statements and data are `Invalid`, conflicts
/// between transactions `Transient`.
pub(crate) fn from_duckdb(error: &duckdb::Error) -> WarehouseError {
    let text = match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    from_text(&text)
}

fn from_text(text: &str) -> WarehouseError {
    if let Some(message) = explain(text) {
        return invalid(message);
    }
    let (kind, message) = match text.split_once(": ") {
        Some((kind, message)) if kind.ends_with("Error") => (kind, message),
        _ => ("", text),
    };
    match kind {
        "INTERRUPT Error" => WarehouseError::Cancelled,
        "TransactionContext Error" => WarehouseError::Transient(format!(
            "another job changed the same table at the same time: {}",
            readable(message)
        )),
        "Out of Memory Error" => WarehouseError::Internal(
            "the embedded warehouse ran out of memory: raise its memory limit or make the query smaller".to_owned(),
        ),
        "IO Error" | "HTTP Error" => WarehouseError::Internal(io(message)),
        "INTERNAL Error" | "FATAL Error" => {
            tracing::error!(error = text, "the embedded warehouse failed");
            WarehouseError::Internal("the embedded warehouse failed: its log says more".to_owned())
        }
        "Not implemented Error" if !message.contains("Unknown TimeZone") => unsupported(readable(message)),
        "Permission Error" => invalid("SQL may not read or write files of the server"),
        "Constraint Error" => invalid(constraint(message)),
        _ => messages::explained(kind, &readable(message)),
    }
}

fn io(message: &str) -> String {
    if message.contains("Could not set lock") {
        "its database file is in use by another process".to_owned()
    } else if message.contains("No space left") {
        "no space left on the warehouse's disk".to_owned()
    } else {
        tracing::error!(error = message, "the embedded warehouse could not read or write its files");
        "the embedded warehouse could not read or write its files: its log says more".to_owned()
    }
}

/// `NOT NULL constraint failed: t.a` names the column after the table.
fn constraint(message: &str) -> String {
    match message.split_once("NOT NULL constraint failed: ") {
        Some((_, column)) => {
            let column = column.lines().next().unwrap_or(column);
            let column = column.rsplit('.').next().unwrap_or(column);
            format!("column `{column}` is REQUIRED and got NULL")
        }
        None => readable(message),
    }
}

/// The sentence itself: without the drawing of the translated SQL, guesses about names and quotes around every part.
fn readable(message: &str) -> String {
    let mut kept = Vec::new();
    for line in message.lines() {
        let drawing = line.starts_with("LINE ") || line.trim_start().starts_with('^');
        if drawing {
            break;
        }
        if !line.trim().is_empty() && !line.starts_with("Did you mean") {
            kept.push(line.trim());
        }
    }
    kept.join(" ").replace("\".\"", ".").replace("main.", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_for_the_user() {
        for (duckdb, expect) in [
            (
                "Binder Error: Referenced column \"x\" not found in FROM clause!\nCandidate bindings: \"a\"\n\nLINE 1: SELECT x\n               ^",
                "not supported by the embedded warehouse: this statement (Referenced column \"x\" not found in FROM clause! Candidate bindings: \"a\")",
            ),
            (
                "Catalog Error: Table with name t does not exist!\nDid you mean \"tailerd_internal.jobs\"?",
                "not found: Table t",
            ),
            ("Constraint Error: NOT NULL constraint failed: t.a", "column `a` is REQUIRED and got NULL"),
            ("Conversion Error: Could not convert string 'googlesql: division by zero' to DOUBLE", "division by zero"),
            ("INTERRUPT Error: Interrupted!", "cancelled"),
            ("IO Error: Could not set lock on file \"/x/y.duckdb\"", "its database file is in use by another process"),
            ("Permission Error: Cannot access file \"/etc/passwd\"", "SQL may not read or write files of the server"),
        ] {
            assert_eq!(from_text(duckdb).to_string(), expect);
        }
    }
}

//! Errors on their way out of a script, and what handlers see of them.

use serde::{Deserialize, Serialize};

use crate::{WarehouseError, googlesql::Statement};

/// Characters of a statement that an error shows.
const SHOWN: usize = 80;

/// Why a script does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// A handler may catch it.
    Raised(Box<Raised>),
    /// Nobody may.
    Fatal(WarehouseError),
}

/// An error with all that `@@error` tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Raised {
    pub(super) message: String,
    /// The statement that failed.
    pub(super) statement: String,
    /// Where: first in the innermost procedure, last in the script.
    pub(super) trace: Vec<Place>,
    /// Where exactly in the failing statement, when that is known; in the same text as the trace's first place.
    pub(super) exact: Option<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The procedure's name; empty for the script.
    pub(super) procedure: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Stop {
    /// An error of a statement. Only what is about the script itself can be caught.
    pub(super) fn of(error: WarehouseError, statement: &Statement, procedure: &str) -> Self {
        let (message, exact) = match error {
            WarehouseError::Invalid { message, line, column } => (message, line.zip(column)),
            WarehouseError::NotFound(_) | WarehouseError::AlreadyExists(_) => (error.to_string(), None),
            WarehouseError::Unsupported { what, line, column } => {
                let (what, line, column) = match procedure {
                    "" => (what, line.unwrap_or(statement.line), column.unwrap_or(statement.column)),
                    name => (format!("{what} (in procedure {name})"), statement.line, statement.column),
                };
                return Self::Fatal(WarehouseError::Unsupported { what, line: Some(line), column: Some(column) });
            }
            other => return Self::Fatal(other),
        };
        let place = Place { procedure: procedure.to_owned(), line: statement.line, column: statement.column };
        Self::Raised(Box::new(Raised { message, statement: statement.sql.clone(), trace: vec![place], exact }))
    }

    /// The error as the job's own, naming the statement where there are several.
    pub(super) fn into_error(self, names_statement: bool) -> WarehouseError {
        match self {
            Self::Fatal(error) => error,
            Self::Raised(raised) => raised.into_error(names_statement),
        }
    }
}

impl Raised {
    fn into_error(self, names_statement: bool) -> WarehouseError {
        let outermost = self.trace.last();
        let is_direct = self.trace.len() == 1;
        let place = self.exact.filter(|_| is_direct).or(outermost.map(|place| (place.line, place.column)));
        let mut inside = String::new();
        for place in self.trace.iter().filter(|place| !place.procedure.is_empty()) {
            inside
                .push_str(&format!(" in procedure {}, line {}, column {};", place.procedure, place.line, place.column));
        }
        let inside = inside.trim_end_matches(';');
        let statement = match names_statement {
            true => format!(" (statement: {})", shortened(&self.statement)),
            false => String::new(),
        };
        WarehouseError::Invalid {
            message: format!("{}{inside}{statement}", self.message),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
        }
    }

    /// `@@error.formatted_stack_trace`
    pub(super) fn formatted_trace(&self) -> String {
        let line = |place: &Place| format!("At {}[{}:{}]", place.procedure, place.line, place.column);
        self.trace.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A statement on one line, cut where it gets long.
pub(super) fn shortened(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN).chain(['…']).collect()
}

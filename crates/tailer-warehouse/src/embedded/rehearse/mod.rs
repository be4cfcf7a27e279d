//! Rehearsals: SQL is read and bound against the tables that will be there, statement by statement, and nothing runs.
//!
//! Promises to report all problems with their places, and none that only follows from another: what reads a table of which nobody
//! knows what it will look like is not judged. Values are not known, so every branch of a script is looked into, each loop once,
//! and SQL that is put together at run time is passed over.

mod catalog;
mod statements;
mod variables;

use self::variables::Scopes;
use super::session::Session;
use crate::{
    Query, WarehouseError,
    googlesql::{Scope, Statement, Translated, script, script::Node},
    rehearsal::{Overlay, Rehearsed},
};

/// Procedures within procedures are followed so deep.
const DEEPEST: usize = 10;

/// What a rehearsal knows at one point of the script.
struct Rehearsal<'s> {
    session: &'s Session<'s>,
    scope: Scope<'s>,
    before: &'s Overlay,
    scopes: Scopes,
    done: Rehearsed,
    /// Inside of procedures: problems are theirs who wrote those.
    depth: usize,
}

/// Rehearses a query over tables that will be there.
pub(crate) fn run(session: &Session<'_>, query: &Query, before: &Overlay) -> Result<Rehearsed, WarehouseError> {
    let nodes = match script::parse(&query.sql) {
        Ok(nodes) => nodes,
        Err(error) => {
            let changes = Overlay { is_open: true, ..Overlay::default() };
            return Ok(Rehearsed { problems: vec![error], changes, ..Rehearsed::default() });
        }
    };
    let mut rehearsal = Rehearsal {
        session,
        scope: Scope { project: &query.project, dataset: query.dataset.as_deref() },
        before,
        scopes: Scopes::default().with_system(),
        done: Rehearsed { gives_no_rows: true, ..Rehearsed::default() },
        depth: 0,
    };
    rehearsal.list(&nodes, true)?;
    Ok(rehearsal.done)
}

/// What came of one statement.
enum Bound {
    Good(Box<Translated>),
    /// It reads something that is not known.
    Unclear,
    /// It is wrong, which is noted.
    Wrong,
}

impl Rehearsal<'_> {
    fn problem(&mut self, error: WarehouseError, statement: &Statement) -> Result<(), WarehouseError> {
        match error {
            WarehouseError::Invalid { .. } | WarehouseError::Unsupported { .. } => {
                if self.depth == 0 {
                    self.done.problems.push(super::errors::at_statement(error, statement));
                }
                Ok(())
            }
            WarehouseError::NotFound(_) | WarehouseError::AlreadyExists(_) => {
                let (line, column) = (Some(statement.line), Some(statement.column));
                self.done.problems.push(WarehouseError::Invalid { message: error.to_string(), line, column });
                Ok(())
            }
            error => Err(error),
        }
    }

    fn list(&mut self, nodes: &[Node], is_last: bool) -> Result<(), WarehouseError> {
        for (index, node) in nodes.iter().enumerate() {
            self.session.check()?;
            self.node(node, is_last && index + 1 == nodes.len())?;
        }
        Ok(())
    }
}

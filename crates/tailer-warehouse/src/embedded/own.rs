//! What is a session's own: temporary tables and temporary functions. They end with it.
//!
//! Statements about them leave no record: a script that goes on after a crash makes them again, in their place.

use std::cell::RefCell;

use super::{errors::unsupported, session::Session};
use crate::{
    TableName, WarehouseError,
    googlesql::{FunctionAction, TEMPORARY, Translated, UserFunction},
};

/// Temporary objects of one session.
#[derive(Debug, Default)]
pub(crate) struct Own {
    tables: RefCell<Vec<String>>,
    functions: RefCell<Vec<UserFunction>>,
}

impl Own {
    /// Whether the connection has to be closed with the session.
    pub(crate) fn has_tables(&self) -> bool {
        !self.tables.borrow().is_empty()
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.tables.borrow().iter().any(|table| table.eq_ignore_ascii_case(name))
    }

    pub(crate) fn tables(&self) -> Vec<String> {
        self.tables.borrow().clone()
    }

    pub(crate) fn function(&self, name: &str) -> Option<UserFunction> {
        self.functions.borrow().iter().find(|function| function.name.eq_ignore_ascii_case(name)).cloned()
    }
}

/// Whether a table is a session's own.
pub(crate) fn is_own(table: &TableName) -> bool {
    (table.project.as_str(), table.dataset.as_str()) == TEMPORARY
}

/// Whether a statement concerns the session's own objects only.
pub(crate) fn concerns(translated: &Translated) -> bool {
    match &translated.function {
        Some(change) => change.home.is_none(),
        None => translated.writes.as_ref().is_some_and(is_own),
    }
}

/// Runs a statement on the session's own objects; the rows it changed.
pub(crate) fn run(session: &Session<'_>, translated: &Translated) -> Result<u64, WarehouseError> {
    let own = session.own();
    if let Some(change) = &translated.function {
        let mut functions = own.functions.borrow_mut();
        let found = functions.iter().position(|function| function.name.eq_ignore_ascii_case(&change.name));
        match (&change.action, found) {
            (FunctionAction::Create { if_not_exists: true, .. }, Some(_)) => {}
            (FunctionAction::Create { or_replace: false, .. }, Some(_)) => {
                return Err(WarehouseError::AlreadyExists(format!("function {}", change.name)));
            }
            (FunctionAction::Create { function, .. }, found) => {
                found.map(|at| functions.remove(at));
                functions.push(function.clone());
            }
            (FunctionAction::Drop { .. }, Some(at)) => drop(functions.remove(at)),
            (FunctionAction::Drop { if_exists: true }, None) => {}
            (FunctionAction::Drop { .. }, None) => {
                return Err(WarehouseError::NotFound(format!("function {}", change.name)));
            }
        }
        return Ok(0);
    }
    let Some(table) = &translated.writes else {
        return Err(unsupported("a statement that changes neither a table nor a dataset"));
    };
    if translated.definition.as_ref().is_some_and(|definition| definition.partitioning.is_some()) {
        return Err(unsupported("partitions of temporary tables"));
    }
    let rows = session.execute(&translated.sql, [])?;
    let mut tables = own.tables.borrow_mut();
    tables.retain(|name| !name.eq_ignore_ascii_case(&table.table));
    if !translated.sql.starts_with("DROP") {
        tables.push(table.table.clone());
    }
    Ok(rows)
}

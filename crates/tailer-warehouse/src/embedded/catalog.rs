//! What the translator may ask about tables, answered from a job's own connection (so a script sees what it made).

use std::{cell::RefCell, collections::HashMap};

use super::{facts, functions, ingestion, own, session::Session, tables};
use crate::{
    Column, TableName, WarehouseError,
    googlesql::{Catalog, TEMPORARY, TableFacts, UserFunction},
};

/// Answers of one translation, kept so that a table is described once.
#[derive(Debug)]
pub(crate) struct SessionCatalog<'a> {
    session: &'a Session<'a>,
    known: RefCell<HashMap<TableName, Option<Vec<Column>>>>,
    failed: RefCell<Option<WarehouseError>>,
}

impl<'a> SessionCatalog<'a> {
    pub(crate) fn new(session: &'a Session<'_>) -> Self {
        Self { session, known: RefCell::default(), failed: RefCell::default() }
    }

    /// The failure that the trait has no way to tell, such as a cancel.
    pub(crate) fn finish(&self) -> Result<(), WarehouseError> {
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }

    fn find(&self, table: &TableName) -> Result<Option<Vec<Column>>, WarehouseError> {
        let exists = match own::is_own(table) {
            true => self.session.own().has_table(&table.table),
            false => tables::lookup(self.session, table)?.is_some(),
        };
        if !exists {
            return Ok(None);
        }
        let columns = tables::columns(self.session, table)?;
        let column = |c: tables::StoredColumn| Column { name: c.name, column_type: c.column_type.to_string() };
        Ok(Some(columns.into_iter().map(column).collect()))
    }

    fn keep<T: Default>(&self, result: Result<T, WarehouseError>) -> T {
        result.unwrap_or_else(|error| {
            self.failed.borrow_mut().get_or_insert(error);
            T::default()
        })
    }
}

impl Catalog for SessionCatalog<'_> {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        if let Some(known) = self.known.borrow().get(table) {
            return known.clone();
        }
        let found = self.keep(self.find(table));
        self.known.borrow_mut().insert(table.clone(), found.clone());
        found
    }

    fn tables(&self, project: &str, dataset: &str) -> Vec<String> {
        if (project, dataset) == TEMPORARY {
            return self.session.own().tables();
        }
        self.keep(tables::names(self.session, project, dataset))
    }

    fn facts(&self, table: &TableName) -> Option<TableFacts> {
        self.keep(facts::of(self.session, table))
    }

    fn ingested(&self, table: &TableName) -> Option<String> {
        if own::is_own(table) {
            return None;
        }
        let found = self.keep(tables::lookup(self.session, table))?;
        ingestion::is_ingestion_time(&found.definition).then(|| tables::storage(table, &found.definition))
    }

    fn datasets(&self, project: &str) -> Vec<String> {
        self.keep(facts::datasets(self.session, project))
    }

    fn temporary_function(&self, name: &str) -> Option<UserFunction> {
        self.session.own().function(name)
    }

    fn function(&self, name: &TableName) -> Option<UserFunction> {
        self.keep(functions::find(self.session, name))
    }
}

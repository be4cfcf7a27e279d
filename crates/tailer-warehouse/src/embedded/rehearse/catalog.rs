//! The catalogue of a rehearsal: what will be over what is.

use std::cell::Cell;

use crate::{
    Column, TableName,
    embedded::catalog::SessionCatalog,
    googlesql::{Catalog, TableFacts, UserFunction},
    rehearsal::{Expected, Overlay},
};

#[derive(Debug)]
pub(super) struct Imagined<'a> {
    pub(super) real: &'a SessionCatalog<'a>,
    pub(super) before: &'a Overlay,
    pub(super) now: &'a Overlay,
    /// Whether a table was asked for of which nobody knows what it will look like.
    pub(super) met_unknown: Cell<bool>,
}

impl Imagined<'_> {
    fn expected(&self, table: &TableName) -> Option<&Expected> {
        self.now.tables.get(table).or_else(|| self.before.tables.get(table))
    }
}

impl Catalog for Imagined<'_> {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        match self.expected(table) {
            Some(Expected::Columns(columns)) => Some(columns.clone()),
            Some(Expected::Gone) => None,
            Some(Expected::Unknown) => {
                self.met_unknown.set(true);
                None
            }
            None => {
                let found = self.real.columns(table);
                if found.is_none() && (self.now.is_open || self.before.is_open) {
                    self.met_unknown.set(true);
                }
                found
            }
        }
    }

    fn tables(&self, project: &str, dataset: &str) -> Vec<String> {
        let mut names = self.real.tables(project, dataset);
        for (table, expected) in self.before.tables.iter().chain(&self.now.tables) {
            if table.project == project && table.dataset == dataset {
                names.retain(|name| *name != table.table);
                if *expected != Expected::Gone {
                    names.push(table.table.clone());
                }
            }
        }
        names
    }

    fn facts(&self, table: &TableName) -> Option<TableFacts> {
        self.expected(table).is_none().then(|| self.real.facts(table)).flatten()
    }

    fn ingested(&self, table: &TableName) -> Option<String> {
        self.expected(table).is_none().then(|| self.real.ingested(table)).flatten()
    }

    fn datasets(&self, project: &str) -> Vec<String> {
        self.real.datasets(project)
    }

    fn temporary_function(&self, name: &str) -> Option<UserFunction> {
        let key = name.to_lowercase();
        self.now.functions.get(&key).cloned().or_else(|| self.real.temporary_function(name))
    }

    fn function(&self, name: &TableName) -> Option<UserFunction> {
        let key = name.to_string().to_lowercase();
        let made = self.now.functions.get(&key).or_else(|| self.before.functions.get(&key));
        made.cloned().or_else(|| self.real.function(name))
    }
}

//! What SQL would find and leave behind, without running it: for checking a whole pipeline before any of it runs.

use std::collections::BTreeMap;

use crate::{
    Column, TableName, WarehouseError,
    googlesql::{TEMPORARY, UserFunction},
};

/// What is known of a table that does not have to be there yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// It will have these columns.
    Columns(Vec<Column>),
    /// It will be there; what it will look like depends on something that is wrong or not known.
    Unknown,
    /// It will not be there any more.
    Gone,
}

/// The world as it will be at some point of a pipeline, over the one that is there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlay {
    pub tables: BTreeMap<TableName, Expected>,
    /// `CREATE PROCEDURE` texts by `project.dataset.name`, the name in lower case.
    pub procedures: BTreeMap<String, String>,
    /// Functions by `project.dataset.name`, or `name` when temporary, in lower case.
    pub functions: BTreeMap<String, UserFunction>,
    /// Some SQL is put together while it runs: tables may be there that nothing here knows of.
    pub is_open: bool,
}

impl Overlay {
    /// Adds what is so afterwards.
    pub fn extend(&mut self, later: &Overlay) {
        // What is temporary ends with its script.
        let stay = later.tables.iter().filter(|(name, _)| (name.project.as_str(), name.dataset.as_str()) != TEMPORARY);
        self.tables.extend(stay.map(|(name, expected)| (name.clone(), expected.clone())));
        let stay = later.functions.iter().filter(|(name, _)| name.contains('.'));
        self.functions.extend(stay.map(|(name, function)| (name.clone(), function.clone())));
        self.procedures.extend(later.procedures.iter().map(|(name, text)| (name.clone(), text.clone())));
        self.is_open |= later.is_open;
    }
}

/// What a rehearsal found.
#[derive(Debug, Clone, Default)]
pub struct Rehearsed {
    /// All that is wrong, with places in the text that was given.
    pub problems: Vec<WarehouseError>,
    /// What the SQL changes.
    pub changes: Overlay,
    /// Columns that the last statement gives; `None` when it gives none or they are not known.
    pub columns: Option<Vec<Column>>,
    /// Whether the last statement is known to give no rows.
    pub gives_no_rows: bool,
}

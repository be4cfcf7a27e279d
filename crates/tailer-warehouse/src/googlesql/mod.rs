//! GoogleSQL for DuckDB: the seam behind which the dialect lives (a later change makes it complete).
//!
//! [`split`] cuts a script into statements, [`translate`] turns one statement into DuckDB SQL. Whatever is not known
//! to mean the same is refused with [`WarehouseError::Unsupported`](crate::WarehouseError::Unsupported): a wrong answer without an error is the worst defect.

use crate::{Column, TableName, WarehouseError};

/// One statement of a script, with its place in the user's text (one-based).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sql: String,
    pub line: usize,
    pub column: usize,
}

/// What the translator may ask about tables. Types are BigQuery's.
pub trait Catalog {
    /// Columns of a table or view; `None` when there is none.
    fn columns(&self, table: &TableName) -> Option<Vec<Column>>;
    /// Names of tables in a dataset: for wildcard tables and nearest-name hints.
    fn tables(&self, project: &str, dataset: &str) -> Vec<String>;
}

/// Where unqualified names are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub project: &'a str,
    pub dataset: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// DuckDB SQL. Tables are `"project"."dataset"."table"`: one attached database per project.
    pub sql: String,
    pub kind: StatementKind,
    /// Output columns with BigQuery types, for queries, where known.
    pub columns: Option<Vec<Column>>,
    pub reads: Vec<TableName>,
    pub writes: Option<TableName>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// Gives rows, has no effect.
    Query,
    /// INSERT, UPDATE, DELETE, MERGE, TRUNCATE.
    Dml,
    /// CREATE, DROP, ALTER.
    Ddl,
}

// CONTRACT (helper googlesql):
// pub fn split(script: &str) -> Result<Vec<Statement>, WarehouseError>
// pub fn translate(statement: &Statement, scope: Scope<'_>, catalog: &dyn Catalog) -> Result<Translated, WarehouseError>
// /// DuckDB macros to be run once on every connection/instance, as SQL statements.
// pub fn prelude() -> &'static [&'static str]
// /// Names as they stand in DuckDB: "project"."dataset"."table", quotes doubled.
// pub fn quote_table(table: &TableName) -> String;  pub fn quote(identifier: &str) -> String

//! GoogleSQL for DuckDB: the seam behind which the dialect lives.
//!
//! [`split()`] cuts a script into statements, [`translate`] turns one statement into DuckDB SQL. The parser is `sqlparser`'s
//! for BigQuery over tokens of our own ([`lexer`]); the generator is a whitelist over its tree that resolves every
//! name against the catalogue and knows every expression's type. Whatever is not known to mean the same in DuckDB is refused
//! with [`WarehouseError::Unsupported`](crate::WarehouseError::Unsupported): a wrong answer without an error is the worst defect.
//!
//! How a statement travels: [`lexer`] → parser → [`query`]/[`dml`]/[`ddl`] → [`from`] and [`select`] → [`expressions`],
//! which asks [`scope`] for names, [`types`] and [`coerce`] for types and [`functions`] for calls. What DuckDB lacks stands in
//! [`install`]'s macros named `gs_…` and Rust functions named `gsn_…`.

use tailer_model::operation::ddl::TableDefinition;

use crate::{Column, TableName};

mod aggregates;
mod arrays;
mod assign;
mod cast;
mod coerce;
mod columns;
mod compare;
mod ddl;
mod dialect;
mod dml;
mod error;
mod expressions;
mod frames;
mod from;
mod functions;
mod grouping;
mod lexer;
mod like;
mod listings;
mod literals;
mod native;
mod operators;
mod ordering;
mod paths;
mod pipes;
mod pivot;
mod prelude;
mod prelude_rows;
mod query;
mod references;
mod rewrite;
mod routines;
mod scope;
pub mod script;
mod select;
mod set_modes;
mod split;
mod statement;
mod temporal;
mod translator;
mod types;
mod variables;
mod walk;
mod windows;

pub(crate) use native::decimal::{bignumeric_text, bignumeric_units};
pub use prelude::{explain, install, set_time_zone};
pub use references::{References, TablePath, references};
pub use routines::{FunctionAction, FunctionChange, UserFunction};
pub use split::split;
pub use statement::translate;
pub use variables::{Constant, NoVariables, Variables, positional, translate_type, translate_value, translate_with};

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
    /// A function of the session's own.
    fn temporary_function(&self, _name: &str) -> Option<UserFunction> {
        None
    }
    /// A function of a dataset, whose name is the table's.
    fn function(&self, _name: &TableName) -> Option<UserFunction> {
        None
    }
    /// What INFORMATION_SCHEMA says of a table beyond its columns.
    fn facts(&self, _table: &TableName) -> Option<TableFacts> {
        None
    }
    /// Where a table that is partitioned by ingestion time has its rows, with their `_PARTITIONTIME`: quoted.
    fn ingested(&self, _table: &TableName) -> Option<String> {
        None
    }
    /// Names of a project's datasets.
    fn datasets(&self, _project: &str) -> Vec<String> {
        Vec::new()
    }
}

/// What INFORMATION_SCHEMA and `__TABLES__` say of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    pub is_view: bool,
    pub rows: u64,
    /// Columns that are REQUIRED.
    pub required: Vec<String>,
    /// The column that the table is partitioned by.
    pub partitioned_by: Option<String>,
    pub clustered_by: Vec<String>,
    /// Ids of partitions and their rows.
    pub partitions: Vec<(String, u64)>,
}

/// The project and dataset under which a session's temporary tables are known.
pub const TEMPORARY: (&str, &str) = ("temp", "main");

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
    /// Output columns with BigQuery types, for queries and `CREATE … AS`. Columns without a name are `f0_`, `f1_`, ….
    pub columns: Option<Vec<Column>>,
    /// Tables and views that are read, each once, in order of appearance.
    pub reads: Vec<TableName>,
    pub writes: Option<TableName>,
    /// What `CREATE TABLE` says, with what DuckDB's statement cannot: partitions, clustering, descriptions.
    pub definition: Option<TableDefinition>,
    /// What becomes of the user's functions; then there is no SQL.
    pub function: Option<FunctionChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// Gives rows, has no effect.
    Query,
    /// INSERT, UPDATE, DELETE, MERGE, TRUNCATE.
    Dml,
    /// CREATE, DROP, ALTER.
    Ddl,
}

/// An identifier as it stands in DuckDB's SQL: quoted, quotes doubled.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A table as it stands in DuckDB's SQL, `"project"."dataset"."table"`. A decorator is no part of it.
pub fn quote_table(table: &TableName) -> String {
    format!("{}.{}.{}", quote(&table.project), quote(&table.dataset), quote(&table.table))
}

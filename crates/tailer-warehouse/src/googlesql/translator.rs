//! The state that one statement's translation carries along.

use std::collections::HashMap;

use super::{
    Catalog, Scope,
    error::{At, Result, hint, invalid, unsupported},
    paths,
    types::Type,
    variables::{NoVariables, Variables},
};
use crate::{TableName, WarehouseError};
use sqlparser::ast::{ObjectName, Spanned};

/// Beyond this depth a statement is refused, so that no input exhausts the stack.
const DEEPEST: usize = 120;

/// A common table expression in sight.
#[derive(Debug, Clone)]
pub(super) struct Cte {
    pub(super) name: String,
    /// Its name in the generated SQL.
    pub(super) alias: String,
    pub(super) columns: Vec<OutputColumn>,
    pub(super) is_value: bool,
}

/// A column that a query gives.
#[derive(Debug, Clone)]
pub(super) struct OutputColumn {
    /// As the user knows it; empty when it has no name.
    pub(super) name: String,
    /// Its name in the generated SQL: unique in the query.
    pub(super) alias: String,
    pub(super) ty: Type,
    pub(super) literal: super::scope::Literal,
}

/// A translated query.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) sql: String,
    pub(super) columns: Vec<OutputColumn>,
    /// `SELECT AS STRUCT` and `AS VALUE`: rows are values, in the only column.
    pub(super) is_value: bool,
}

pub(super) struct Translator<'a> {
    pub(super) catalog: &'a dyn Catalog,
    pub(super) scope: Scope<'a>,
    /// Variables of the script and parameters, which names mean that mean nothing else.
    pub(super) variables: &'a dyn Variables,
    /// Whether one of them was used.
    pub(super) uses_variables: bool,
    pub(super) reads: Vec<TableName>,
    pub(super) ctes: Vec<Cte>,
    aliases: usize,
    cte_aliases: Vec<String>,
    depth: usize,
    /// Aggregate and window calls met so far in the query that is being translated.
    pub(super) aggregates: usize,
    pub(super) windows: usize,
    /// Whether aggregate functions may stand here; why not, otherwise.
    pub(super) no_aggregates: Option<&'static str>,
    /// The rows that aggregates of a PIVOT see.
    pub(super) pivot_filter: Option<String>,
    /// Whether a table of the session's own was read.
    pub(super) uses_temporary: bool,
    /// Set operations by name.
    pub(super) matchings: super::set_modes::Matchings,
}

impl<'a> Translator<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog, scope: Scope<'a>) -> Translator<'a> {
        Translator {
            catalog,
            scope,
            variables: &NoVariables,
            uses_variables: false,
            reads: Vec::new(),
            ctes: Vec::new(),
            aliases: 0,
            cte_aliases: Vec::new(),
            depth: 0,
            aggregates: 0,
            windows: 0,
            no_aggregates: None,
            pivot_filter: None,
            matchings: HashMap::new(),
            uses_temporary: false,
        }
    }

    /// A fresh alias for a FROM item.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A name for a common table expression that no other has.
    pub(super) fn cte_alias(&mut self, name: &str) -> String {
        let mut alias = name.to_string();
        let mut n = 1;
        while self.cte_aliases.iter().any(|a| a.eq_ignore_ascii_case(&alias)) {
            n += 1;
            alias = format!("{name}_{n}");
        }
        self.cte_aliases.push(alias.clone());
        alias
    }

    /// Runs one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        at: impl FnOnce() -> At,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.depth >= DEEPEST {
            return Err(unsupported("expressions nested this deeply", at()));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Runs where aggregate functions are not allowed.
    pub(super) fn without_aggregates<T>(
        &mut self,
        place: &'static str,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.no_aggregates.replace(place);
        let result = work(self);
        self.no_aggregates = before;
        result
    }

    /// The table that a path means: a temporary one before others.
    pub(super) fn known_table(&self, name: &ObjectName) -> Result<TableName> {
        let parts = paths::parts(name)?;
        let temporary = match parts.as_slice() {
            [table] => Some(table),
            [session, table] if session.eq_ignore_ascii_case("_SESSION") => Some(table),
            _ => None,
        };
        if let Some(table) = temporary.map(|t| paths::temporary(t)).filter(|t| self.catalog.columns(t).is_some()) {
            return Ok(table);
        }
        paths::table(name, self.scope)
    }

    /// The table that a path means, which has to exist, and its columns.
    pub(super) fn existing_table(&mut self, name: &ObjectName) -> Result<(TableName, Vec<(String, Type)>)> {
        let table = self.known_table(name)?;
        let at = name.span().start;
        if table.decorator.is_some() {
            return Err(invalid(
                format!(
                    "{table}: a partition decorator cannot stand in a statement; filter on the partitioning column"
                ),
                at,
            ));
        }
        let Some(columns) = self.catalog.columns(&table) else { return Err(self.no_table(&table, at)) };
        let columns = columns.into_iter().map(|c| (c.name, Type::parse(&c.column_type))).collect();
        Ok((table, columns))
    }

    pub(super) fn read(&mut self, table: TableName) {
        self.uses_temporary |= table.project == super::TEMPORARY.0;
        if table.project != super::TEMPORARY.0 && !self.reads.contains(&table) {
            self.reads.push(table);
        }
    }

    fn no_table(&self, table: &TableName, at: At) -> WarehouseError {
        let tables = self.catalog.tables(&table.project, &table.dataset);
        let ctes = self.ctes.iter().map(|c| c.name.as_str());
        let hint = hint(&table.table, tables.iter().map(String::as_str).chain(ctes));
        invalid(format!("not found: table {}.{}.{}{hint}", table.project, table.dataset, table.table), at)
    }
}

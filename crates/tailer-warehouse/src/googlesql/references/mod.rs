//! Which tables a script reads and writes, told from its text alone: for lineage, where no catalogue is at hand and nothing is run.
//!
//! Names of CTEs, temporary tables and arrays of a row (`FROM t, t.items`) are no tables. Every branch of a script counts. What cannot
//! be told is said: SQL that is put together at run time, procedures that are called. A statement that the parser refuses, which
//! BigQuery may well run, is gone through word by word instead, which finds the tables after `FROM`, `JOIN`, `INTO` and the like.

mod words;

use std::collections::{BTreeSet, HashSet};

use sqlparser::ast;

use super::{
    Scope, Statement, paths,
    script::{self, Kind, Node},
    statement::{parse, with_lexemes},
    walk::Walk,
};
use crate::{WarehouseError, expectations::Expectation};

/// Literal SQL within literal SQL is followed so deep.
const DEEPEST: usize = 8;

/// A table as SQL names it, completed with what the scope says. Nothing is checked; a wildcard's name ends with `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TablePath {
    pub project: String,
    pub dataset: String,
    /// Without a decorator.
    pub table: String,
}

/// What a script touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    pub reads: BTreeSet<TablePath>,
    /// Written by DML, or made by DDL. A table that is only dropped is not among them.
    pub writes: BTreeSet<TablePath>,
    /// What could not be told, in words.
    pub unclear: Vec<String>,
}

/// Goes through a script.
#[must_use]
pub fn references(sql: &str, scope: Scope<'_>) -> References {
    let mut collector = Collector { scope, temporary: HashSet::new(), found: References::default(), depth: 0 };
    collector.script(sql);
    collector.found
}

pub(super) struct Collector<'a> {
    scope: Scope<'a>,
    /// Temporary tables made so far, in lower case.
    temporary: HashSet<String>,
    found: References,
    depth: usize,
}

impl Collector<'_> {
    fn script(&mut self, sql: &str) {
        match script::parse(sql) {
            Ok(nodes) => self.nodes(&nodes),
            Err(error) => self.by_words(&Statement { sql: sql.to_owned(), line: 1, column: 1 }, &error),
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        nodes.iter().for_each(|node| self.node(node));
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            Kind::Sql => self.statement(&node.statement),
            Kind::Declare { default, .. } => default.iter().for_each(|default| self.expression(default)),
            Kind::Set { value, .. } => self.expression(value),
            Kind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.expression(condition);
                    self.nodes(body);
                }
                self.nodes(otherwise);
            }
            Kind::Case { operand, branches, otherwise } => {
                operand.iter().for_each(|operand| self.expression(operand));
                for (condition, body) in branches {
                    self.expression(condition);
                    self.nodes(body);
                }
                self.nodes(otherwise);
            }
            Kind::Loop { body, .. } => self.nodes(body),
            Kind::While { condition, body, .. } => {
                self.expression(condition);
                self.nodes(body);
            }
            Kind::Repeat { body, until, .. } => {
                self.nodes(body);
                self.expression(until);
            }
            Kind::For { query, body, .. } => {
                self.statement(query);
                self.nodes(body);
            }
            Kind::Block { body, handler, .. } => {
                self.nodes(body);
                self.nodes(handler.as_deref().unwrap_or_default());
            }
            Kind::Raise(message) => message.iter().for_each(|message| self.expression(message)),
            Kind::Assert { condition, .. } => self.expression(condition),
            Kind::ExecuteImmediate { sql, using, .. } => {
                using.iter().for_each(|(value, _)| self.expression(value));
                match script::string_literal(&sql.sql) {
                    Some(text) if self.depth < DEEPEST => {
                        self.depth += 1;
                        self.script(&text);
                        self.depth -= 1;
                    }
                    _ => self.unclear(&node.statement, "SQL that is put together at run time"),
                }
            }
            Kind::Call(call) => {
                call.arguments.iter().for_each(|argument| self.expression(argument));
                match Expectation::of(call, &node.statement) {
                    Ok(Some(expectation)) => self.expectation(&expectation),
                    _ => self.unclear(&node.statement, &format!("what procedure {} does", call.path.join("."))),
                }
            }
            // It is run where it is called.
            Kind::CreateProcedure(_)
            | Kind::Break(_)
            | Kind::Continue(_)
            | Kind::Return
            | Kind::DropProcedure { .. }
            | Kind::BeginTransaction
            | Kind::CommitTransaction
            | Kind::RollbackTransaction => {}
        }
    }

    /// The tables that a check looks at, where their names are written out.
    fn expectation(&mut self, expectation: &Expectation) {
        match expectation.tables(self.scope.project) {
            Some(tables) => self.found.reads.extend(tables),
            None => self.unclear(&expectation.statement, "which table is checked"),
        }
    }

    fn unclear(&mut self, statement: &Statement, what: &str) {
        self.found.unclear.push(format!("line {}: {what} cannot be told", statement.line));
    }

    fn statement(&mut self, statement: &Statement) {
        if is_function(&statement.sql) {
            return;
        }
        let read = with_lexemes(statement, |lexemes| {
            let (parsed, _) = parse(lexemes, |parser| parser.parse_statement())?;
            let mut walk = Walk::new(self);
            walk.statement(&parsed);
            Ok(())
        });
        if let Err(error) = read {
            self.by_words(statement, &error);
        }
    }

    /// Only subqueries read tables.
    fn expression(&mut self, expression: &Statement) {
        if !expression.sql.to_ascii_uppercase().contains("FROM") {
            return;
        }
        let read = with_lexemes(expression, |lexemes| {
            let (parsed, _) = parse(lexemes, |parser| parser.parse_expr())?;
            Walk::new(self).expression(&parsed);
            Ok(())
        });
        if let Err(error) = read {
            self.by_words(expression, &error);
        }
    }

    fn by_words(&mut self, statement: &Statement, error: &WarehouseError) {
        let line = match error {
            WarehouseError::Invalid { line: Some(line), .. } | WarehouseError::Unsupported { line: Some(line), .. } => {
                *line
            }
            _ => statement.line,
        };
        self.found.unclear.push(format!("line {line}: {error}; its tables are taken from the words alone"));
        for (path, is_written) in words::tables(statement) {
            let found = self.completed(path);
            match is_written {
                true => self.found.writes.extend(found),
                false => self.found.reads.extend(found),
            }
        }
    }

    pub(super) fn reads(&mut self, name: &ast::ObjectName) {
        let path = self.path(name);
        self.found.reads.extend(path);
    }

    pub(super) fn writes(&mut self, name: &ast::ObjectName) {
        let path = self.path(name);
        self.found.writes.extend(path);
    }

    pub(super) fn temporary(&mut self, name: &ast::ObjectName) {
        let last = paths::parts(name).ok().and_then(|parts| parts.into_iter().next_back());
        self.temporary.extend(last.map(|name| name.to_lowercase()));
    }

    fn path(&self, name: &ast::ObjectName) -> Option<TablePath> {
        self.completed(paths::parts(name).ok()?)
    }

    /// `None` for what is no table of a dataset.
    fn completed(&self, parts: Vec<String>) -> Option<TablePath> {
        let special = |part: &String| {
            ["INFORMATION_SCHEMA", "__TABLES__", "_SESSION"].iter().any(|name| part.eq_ignore_ascii_case(name))
        };
        if parts.iter().any(|part| part.is_empty() || special(part)) {
            return None;
        }
        let (project, dataset, table) = match parts.as_slice() {
            [table] if self.temporary.contains(&table.to_lowercase()) => return None,
            [table] => (self.scope.project, self.scope.dataset?, table),
            [dataset, table] => (self.scope.project, dataset.as_str(), table),
            [project, dataset, table] => (project.as_str(), dataset.as_str(), table),
            _ => return None,
        };
        let table = table.split_once('$').map_or(table.as_str(), |(table, _)| table);
        let path = TablePath { project: project.to_owned(), dataset: dataset.to_owned(), table: table.to_owned() };
        (!path.table.is_empty()).then_some(path)
    }
}

/// Bodies of functions are not part of what a script does.
fn is_function(sql: &str) -> bool {
    let words = sql.split_whitespace().take(5).map(str::to_ascii_uppercase);
    let words: Vec<String> = words.collect();
    words.first().is_some_and(|word| word == "CREATE" || word == "DROP") && words.iter().any(|word| word == "FUNCTION")
}

#[cfg(test)]
mod tests;

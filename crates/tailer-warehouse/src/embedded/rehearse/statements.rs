//! What each statement of a script would do.

use std::cell::Cell;

use super::{Bound, DEEPEST, Rehearsal, catalog::Imagined, variables::stand_in};
use crate::{
    Column, TableName, WarehouseError,
    embedded::{catalog::SessionCatalog, errors::invalid, script::kept_procedure},
    expectations::{Expectation, Known},
    googlesql::{
        self, Catalog, FunctionAction, Statement, StatementKind, Translated, positional,
        script::{self, Call, Kind, Mode, Node},
    },
    rehearsal::Expected,
};

impl Rehearsal<'_> {
    pub(super) fn node(&mut self, node: &Node, is_last: bool) -> Result<(), WarehouseError> {
        let mark = self.scopes.mark();
        match &node.kind {
            Kind::Sql => self.sql(&node.statement, is_last)?,
            Kind::Declare { names, data_type, default } => {
                self.declare(node, names, data_type.as_ref(), default.as_ref())?
            }
            Kind::Set { targets, is_tuple, value } => {
                let wanted = match targets.as_slice() {
                    [target] if !is_tuple && !target.starts_with("@@") => {
                        let known = self.scopes.column_type(target).map(str::to_owned);
                        if known.is_none() {
                            self.problem(invalid(format!("variable {target} is not declared")), &node.statement)?;
                        }
                        known
                    }
                    _ => None,
                };
                self.value(value, wanted.as_deref())?;
            }
            Kind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.value(condition, Some("BOOL"))?;
                    self.list(body, is_last)?;
                }
                self.list(otherwise, is_last)?;
            }
            Kind::Case { operand, branches, otherwise } => {
                if let Some(operand) = operand {
                    self.value(operand, None)?;
                }
                for (condition, body) in branches {
                    self.value(condition, operand.is_none().then_some("BOOL"))?;
                    self.list(body, is_last)?;
                }
                self.list(otherwise, is_last)?;
            }
            Kind::Loop { body, .. } => self.list(body, false)?,
            Kind::While { condition, body, .. } => {
                self.value(condition, Some("BOOL"))?;
                self.list(body, false)?;
            }
            Kind::Repeat { body, until, .. } => {
                self.list(body, false)?;
                self.value(until, Some("BOOL"))?;
            }
            Kind::For { variable, query, body, .. } => {
                match self.bound(query)? {
                    Bound::Good(translated) => {
                        let fields: Vec<String> = translated
                            .columns
                            .iter()
                            .flatten()
                            .map(|column| format!("`{}` {}", column.name, column.column_type))
                            .collect();
                        self.scopes.declare(variable, &format!("STRUCT<{}>", fields.join(", ")));
                        self.list(body, false)?;
                    }
                    // Whatever the body makes cannot be told.
                    Bound::Unclear | Bound::Wrong => self.done.changes.is_open = true,
                }
            }
            Kind::Block { body, handler, .. } => {
                self.list(body, is_last)?;
                self.scopes.reset(mark);
                self.list(handler.as_deref().unwrap_or_default(), is_last)?;
            }
            Kind::Raise(message) => {
                if let Some(message) = message {
                    self.value(message, Some("STRING"))?;
                }
            }
            Kind::Assert { condition, .. } => self.value(condition, Some("BOOL")).map(drop)?,
            Kind::ExecuteImmediate { sql, using, .. } => self.execute_immediate(sql, using)?,
            Kind::Call(call) => self.call(&node.statement, call)?,
            Kind::CreateProcedure(create) => {
                let name = self.routine(&create.path);
                self.done.changes.procedures.insert(name, node.statement.sql.clone());
            }
            Kind::Break(_)
            | Kind::Continue(_)
            | Kind::Return
            | Kind::DropProcedure { .. }
            | Kind::BeginTransaction
            | Kind::CommitTransaction
            | Kind::RollbackTransaction => {}
        }
        if !matches!(node.kind, Kind::Declare { .. }) {
            self.scopes.reset(mark);
        }
        Ok(())
    }

    /// Binds a statement; problems are noted unless they follow from what is not known.
    fn bind(
        &mut self,
        statement: &Statement,
        translate: impl FnOnce(&Self, &dyn Catalog) -> Result<Translated, WarehouseError>,
    ) -> Result<Bound, WarehouseError> {
        let real = SessionCatalog::new(self.session);
        let (result, met_unknown) = {
            let imagined =
                Imagined { real: &real, before: self.before, now: &self.done.changes, met_unknown: Cell::new(false) };
            (translate(self, &imagined), imagined.met_unknown.get())
        };
        real.finish()?;
        match result {
            Ok(translated) => Ok(Bound::Good(Box::new(translated))),
            Err(_) if met_unknown => Ok(Bound::Unclear),
            Err(error) => {
                self.problem(error, statement)?;
                Ok(Bound::Wrong)
            }
        }
    }

    fn bound(&mut self, statement: &Statement) -> Result<Bound, WarehouseError> {
        self.bind(statement, |this, catalog| googlesql::translate_with(statement, this.scope, catalog, &this.scopes))
    }

    /// The type of an expression, where it can be told.
    fn value(&mut self, expression: &Statement, wanted: Option<&str>) -> Result<Option<String>, WarehouseError> {
        let bound = self.bind(expression, |this, catalog| {
            googlesql::translate_value(expression, wanted, None, this.scope, catalog, &this.scopes)
        })?;
        Ok(match bound {
            Bound::Good(translated) => {
                translated.columns.and_then(|columns| columns.into_iter().next()).map(|column| column.column_type)
            }
            Bound::Unclear | Bound::Wrong => None,
        })
    }

    fn declare(
        &mut self,
        node: &Node,
        names: &[String],
        data_type: Option<&Statement>,
        default: Option<&Statement>,
    ) -> Result<(), WarehouseError> {
        let mut column_type = None;
        if let Some(written) = data_type {
            match googlesql::translate_type(written) {
                Ok((name, _)) => column_type = Some(name),
                Err(error) => self.problem(error, &node.statement)?,
            }
        }
        if let Some(default) = default {
            let found = self.value(default, column_type.as_deref())?;
            column_type = column_type.or(found);
        }
        for name in names {
            // Of what type ever: that it is missing would only be a second problem.
            self.scopes.declare(name, column_type.as_deref().unwrap_or("STRING"));
        }
        Ok(())
    }

    fn sql(&mut self, statement: &Statement, is_last: bool) -> Result<(), WarehouseError> {
        let bound = self.bound(statement)?;
        let translated = match bound {
            Bound::Good(translated) => translated,
            Bound::Unclear | Bound::Wrong => {
                self.unclear(statement);
                if is_last {
                    (self.done.columns, self.done.gives_no_rows) = (None, false);
                }
                return Ok(());
            }
        };
        if is_last {
            let is_query = translated.kind == StatementKind::Query;
            self.done.gives_no_rows = !is_query;
            self.done.columns = translated.columns.clone().filter(|_| is_query);
        }
        if let Some(change) = &translated.function
            && let FunctionAction::Create { function, .. } = &change.action
        {
            let key = change.home.as_ref().map_or_else(|| change.name.clone(), ToString::to_string);
            self.done.changes.functions.insert(key.to_lowercase(), function.clone());
        }
        if translated.kind == StatementKind::Ddl
            && let Some(table) = &translated.writes
        {
            let expected = self.after_ddl(&translated, table);
            self.done.changes.tables.insert(table.clone(), expected);
        }
        Ok(())
    }

    /// What a statement that could not be bound makes will be there, in whatever form.
    fn unclear(&mut self, statement: &Statement) {
        let words: Vec<String> = statement.sql.split_whitespace().take(8).map(str::to_ascii_uppercase).collect();
        if words.first().is_some_and(|word| word == "CREATE") {
            let probe = before_as(&statement.sql)
                .map(|head| Statement { sql: format!("{head} AS SELECT 1 AS x"), ..statement.clone() });
            let real = SessionCatalog::new(self.session);
            let made = probe.and_then(|probe| {
                googlesql::translate_with(&probe, self.scope, &real, &self.scopes).ok().and_then(|t| t.writes)
            });
            match made {
                Some(table) => drop(self.done.changes.tables.insert(table, Expected::Unknown)),
                None => self.done.changes.is_open = true,
            }
        }
    }

    fn after_ddl(&self, translated: &Translated, table: &TableName) -> Expected {
        let sql = translated.sql.trim_start();
        if sql.starts_with("DROP") {
            return Expected::Gone;
        }
        if !sql.starts_with("CREATE") {
            return Expected::Unknown;
        }
        let keeps = sql.contains("IF NOT EXISTS");
        let before = self.done.changes.tables.get(table).or_else(|| self.before.tables.get(table));
        match (keeps, before) {
            (true, Some(expected)) if *expected != Expected::Gone => return expected.clone(),
            (true, None) => {
                let real = SessionCatalog::new(self.session);
                if let Some(columns) = real.columns(table) {
                    return Expected::Columns(columns);
                }
            }
            _ => {}
        }
        if let Some(columns) = &translated.columns {
            return Expected::Columns(columns.clone());
        }
        match &translated.definition {
            Some(definition) => Expected::Columns(crate::embedded::types::columns_of(definition)),
            None => Expected::Unknown,
        }
    }

    fn execute_immediate(
        &mut self,
        sql: &Statement,
        using: &[(Statement, Option<String>)],
    ) -> Result<(), WarehouseError> {
        self.value(sql, Some("STRING"))?;
        let mut parameters = Vec::new();
        for (index, (value, name)) in using.iter().enumerate() {
            let name = name.as_ref().map_or_else(|| positional(index + 1), |name| format!("@{name}"));
            let column_type = self.value(value, None)?.unwrap_or_else(|| "STRING".into());
            parameters.extend(stand_in(&column_type).map(|value| (name, value)));
        }
        let Some(text) = script::string_literal(&sql.sql) else {
            self.done.changes.is_open = true;
            return Ok(());
        };
        // Places in that text are not places of the file.
        match script::parse(&text) {
            Ok(nodes) => {
                let before = std::mem::replace(&mut self.scopes.parameters, parameters);
                for node in &nodes {
                    let here = Statement { sql: node.statement.sql.clone(), line: sql.line, column: sql.column };
                    self.sql(&here, false)?;
                }
                self.scopes.parameters = before;
                Ok(())
            }
            Err(_) => self.problem(invalid("the SQL of EXECUTE IMMEDIATE cannot be read"), sql),
        }
    }

    /// A procedure's full name, whose last part does not distinguish case.
    fn routine(&self, path: &[String]) -> String {
        match path {
            [dataset, name] => format!("{}.{dataset}.{}", self.scope.project, name.to_ascii_lowercase()),
            [name] => {
                let dataset = self.scope.dataset.unwrap_or_default();
                format!("{}.{dataset}.{}", self.scope.project, name.to_ascii_lowercase())
            }
            [project, dataset, name] => format!("{project}.{dataset}.{}", name.to_ascii_lowercase()),
            path => path.join("."),
        }
    }

    fn call(&mut self, statement: &Statement, call: &Call) -> Result<(), WarehouseError> {
        match Expectation::of(call, statement) {
            Ok(Some(expectation)) => return self.expect(&expectation),
            Ok(None) => {}
            Err(error) => return self.problem(error, statement),
        }
        let name = self.routine(&call.path);
        let known = self.done.changes.procedures.get(&name).or_else(|| self.before.procedures.get(&name)).cloned();
        let kept = match known {
            Some(text) => Some(text),
            None => kept_procedure(self.session, &name)?,
        };
        let Some(text) = kept else {
            return self.problem(WarehouseError::NotFound(format!("procedure {}", call.path.join("."))), statement);
        };
        let Ok(definition) = script::parse_procedure(&text) else { return Ok(()) };
        if definition.parameters.len() != call.arguments.len() {
            let (wanted, given) = (definition.parameters.len(), call.arguments.len());
            let message = format!("procedure {} takes {wanted} arguments, not {given}", call.path.join("."));
            return self.problem(invalid(message), statement);
        }
        let mut types = Vec::new();
        for (parameter, argument) in definition.parameters.iter().zip(&call.arguments) {
            let wanted =
                parameter.data_type.as_ref().and_then(|ty| googlesql::translate_type(ty).ok()).map(|(ty, _)| ty);
            let given = match parameter.mode {
                Mode::In => self.value(argument, wanted.as_deref())?,
                _ => None,
            };
            types.push((parameter.name.clone(), wanted.or(given).unwrap_or_else(|| "STRING".into())));
        }
        if self.depth >= DEEPEST {
            return Ok(());
        }
        // What is wrong inside is not this file's; what it makes is there afterwards.
        let (mark, base) = (self.scopes.mark(), self.scopes.base);
        self.scopes.base = mark;
        types.iter().for_each(|(name, ty)| self.scopes.declare(name, ty));
        self.depth += 1;
        let result = self.list(&definition.body, false);
        self.depth -= 1;
        self.scopes.base = base;
        self.scopes.reset(mark);
        result
    }

    fn expect(&mut self, expectation: &Expectation) -> Result<(), WarehouseError> {
        let mut texts = Vec::new();
        for (argument, literal) in expectation.texts() {
            self.value(argument, Some("STRING"))?;
            let Some(text) = literal else { return Ok(()) };
            texts.push(text);
        }
        let statement = &expectation.statement;
        let known = match (expectation.wants_columns(), expectation.table(self.scope.project, &texts)) {
            (_, Err(error)) => return self.problem(error, statement),
            (false, Ok(_)) => Vec::new(),
            (true, Ok(table)) => match self.known(&table)? {
                Some(known) => known,
                None => return Ok(()),
            },
        };
        let check = match expectation.check(self.scope.project, &texts, &known) {
            Ok(check) => check,
            Err(error) => return self.problem(error, statement),
        };
        let query = Statement { sql: check.sql, ..statement.clone() };
        let before = self.done.problems.len();
        self.bound(&query)?;
        // Places in the generated query are nobody's.
        for problem in self.done.problems.iter_mut().skip(before) {
            if let WarehouseError::Invalid { line, column, .. } | WarehouseError::Unsupported { line, column, .. } =
                problem
            {
                (*line, *column) = (Some(statement.line), Some(statement.column));
            }
        }
        Ok(())
    }

    /// Columns of a table; `None` when they cannot be told. Descriptions are known of tables that are there.
    fn known(&mut self, table: &TableName) -> Result<Option<Vec<Known>>, WarehouseError> {
        match self.done.changes.tables.get(table).or_else(|| self.before.tables.get(table)) {
            Some(Expected::Columns(columns)) => {
                let known =
                    |c: &Column| Known { name: c.name.clone(), column_type: c.column_type.clone(), description: None };
                let known: Vec<Known> = columns.iter().map(known).collect();
                // A key may be told by its description, which is not known here.
                Ok(Some(known).filter(|known| known.iter().any(|c| c.name.to_ascii_uppercase().starts_with("PK"))))
            }
            Some(_) => Ok(None),
            None => Ok(crate::embedded::tables::info(self.session, table)?.map(|info| Known::of(&info))),
        }
    }
}

/// `CREATE TABLE t` of `CREATE TABLE t AS …`.
fn before_as(sql: &str) -> Option<&str> {
    let is_as = |at: &usize| {
        let around = sql.get(at.saturating_sub(1)..at + 3).map(str::as_bytes);
        matches!(around, Some([before, b'A' | b'a', b'S' | b's', after])
            if before.is_ascii_whitespace() && (after.is_ascii_whitespace() || *after == b'('))
    };
    (1..sql.len()).find(is_as).and_then(|at| sql.get(..at))
}

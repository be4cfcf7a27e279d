//! Statements without others in them: SQL, variables, errors.

use std::time::Instant;

use super::{
    Interpreter, Tail,
    evaluate::fetch_rows,
    frames::{Sight, Variable},
    raised::{Raised, Stop},
    steps::Step,
    values::null,
};
use crate::{
    Column, Outcome, Rows, Statistics, WarehouseError,
    embedded::{
        errors::{at_statement, invalid},
        own,
        query::{self, Setting, result_columns},
    },
    googlesql::{
        Constant, Statement, StatementKind, Translated,
        script::{Kind, Node},
        translate_type,
    },
};

/// What a statement that was run turned out to be.
struct Ran {
    outcome: Outcome,
    has_effect: bool,
    /// Its effect is gone when the session is: never told of, so that it is done again.
    ends_with_session: bool,
    rows: Option<Rows>,
}

impl Interpreter<'_> {
    /// Runs a statement; whether it still has to be told of.
    pub(super) fn leaf(&mut self, node: &Node, is_last: bool) -> Result<bool, Stop> {
        self.leaf_by_kind(node, is_last).map_err(|stop| match (stop, &node.kind) {
            // An error of one of its expressions is an error of the statement.
            (
                Stop::Raised(raised),
                Kind::Declare { .. } | Kind::Set { .. } | Kind::Assert { .. } | Kind::Raise(Some(_)) | Kind::Call(_),
            ) if raised.trace.len() == 1 => {
                Stop::Raised(Box::new(Raised { statement: node.statement.sql.clone(), ..*raised }))
            }
            (stop, _) => stop,
        })
    }

    fn leaf_by_kind(&mut self, node: &Node, is_last: bool) -> Result<bool, Stop> {
        let statement = &node.statement;
        match &node.kind {
            Kind::Sql => self.sql(statement, &[], is_last).map(|()| false),
            Kind::ExecuteImmediate { sql, into, using } => {
                self.execute_immediate(statement, sql, into, using, is_last).map(|()| false)
            }
            Kind::Declare { names, data_type, default } => {
                self.declare(statement, names, data_type.as_ref(), default.as_ref()).map(|()| true)
            }
            Kind::Set { targets, is_tuple, value } => self.set(statement, targets, *is_tuple, value).map(|()| true),
            Kind::Assert { condition, message } => match self.holds(condition)? {
                true => Ok(true),
                false => {
                    let message = message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
                    Err(self.raised(format!("assertion failed{message}"), statement))
                }
            },
            Kind::Raise(message) => Err(self.raise(statement, message.as_ref())?),
            Kind::Call(call) => self.call(statement, call).map(|()| true),
            Kind::CreateProcedure(create) => self.create_procedure(statement, create).map(|()| true),
            Kind::DropProcedure { if_exists, path } => self.drop_procedure(statement, *if_exists, path).map(|()| true),
            Kind::BeginTransaction => self.begin_transaction(statement).map(|()| true),
            Kind::CommitTransaction => self.commit_transaction(statement).map(|()| true),
            Kind::RollbackTransaction => self.rollback_transaction(statement).map(|()| true),
            _ => Err(Stop::Fatal(WarehouseError::Internal("a control statement is not run as one".into()))),
        }
    }

    /// A query, DML or DDL.
    pub(super) fn sql(&mut self, statement: &Statement, parameters: &[Variable], is_last: bool) -> Result<(), Stop> {
        let clock = Instant::now();
        let (number, recorded) = self.steps.begin();
        match recorded {
            Some(Step::Done(outcome)) => {
                self.done(&outcome, statement, is_last, clock);
                return Ok(());
            }
            Some(Step::Failed(raised)) => return Err(Stop::Raised(Box::new(raised))),
            Some(Step::Values { .. }) | None => {}
        }
        self.system.set_job(self.steps.job_id(number), self.steps.count());
        let ran = self.run_sql(number, statement, parameters, is_last);
        let ran = ran.map_err(|error| self.failed(number, error, statement))?;
        let is_query = ran.rows.is_some();
        match (&mut self.tail, ran.rows) {
            (Tail::Rows(_, kept), Some(rows)) => **kept = rows,
            (Tail::Rows(_, kept), None) if !is_query => **kept = Rows::default(),
            _ => {}
        }
        if ran.ends_with_session {
            // Neither noted nor written.
        } else if !ran.has_effect {
            let rows = Statistics { rows: ran.outcome.statistics.rows, ..Statistics::default() };
            self.steps.note(number, Step::Done(Outcome { statistics: rows, ..Outcome::default() }));
        } else if let Some(transaction) = &mut self.transaction {
            transaction.effects.push((number, Step::Done(ran.outcome.clone())));
        } else {
            self.steps.written();
        }
        self.done(&ran.outcome, statement, is_last, clock);
        Ok(())
    }

    fn run_sql(
        &mut self,
        number: u64,
        statement: &Statement,
        parameters: &[Variable],
        is_last: bool,
    ) -> Result<Ran, WarehouseError> {
        let (session, steps) = (self.session, &self.steps);
        let id = steps.job_id(number);
        let joins = self.transaction.is_some();
        // A transaction writes what is pending when it commits.
        let along = |project: &str| if joins { Ok(()) } else { steps.write(session, project, number) };
        let sight = Sight { parameters, ..self.sight() };
        let setting = Setting { id: id.as_ref(), scope: self.scope(), variables: &sight, along: &along };
        let translated = query::translate(session, statement, &setting)?;
        self.check_transaction(&translated)?;
        let destination = self.destination(is_last);
        let has_effect = translated.kind != StatementKind::Query || destination.is_some();
        let mut rows = None;
        let mut handed = false;
        let outcome = match (&translated.kind, &self.tail) {
            (StatementKind::Query, Tail::Rows(limit, _)) => {
                let found = read_rows(session, &translated, *limit);
                let found = found.inspect_err(|_| self.break_transaction()).map_err(|e| at_statement(e, statement))?;
                let statistics = Statistics { rows: Some(found.rows.len() as u64), ..Statistics::default() };
                rows = Some(found);
                Outcome { statistics, ..Outcome::default() }
            }
            (StatementKind::Query, Tail::HandOver(_)) if is_last => {
                handed = true;
                Outcome::default()
            }
            (_, Tail::HandOver(_)) if is_last => {
                return Err(invalid("the statement gives no rows to export: it has to be a SELECT"));
            }
            _ => query::run_translated(session, &setting, &translated, statement, destination)
                .inspect_err(|_| self.break_transaction())?,
        };
        let makes_function = translated.kind == StatementKind::Ddl && statement.sql.to_uppercase().contains("FUNCTION");
        self.system.has_functions |= makes_function;
        let ends_with_session = own::concerns(&translated);
        if has_effect && let Some(transaction) = &mut self.transaction {
            transaction.project = translated.writes.as_ref().map(|t| t.project.clone()).or(transaction.project.take());
        }
        if handed && let Tail::HandOver(place) = &mut self.tail {
            **place = Some((statement.clone(), translated));
        }
        Ok(Ran { outcome, has_effect, ends_with_session, rows })
    }

    /// What follows from a statement that is done, now or in an earlier try.
    fn done(&mut self, outcome: &Outcome, statement: &Statement, is_last: bool, clock: Instant) {
        let first = statement.sql.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_ascii_uppercase();
        if matches!(first.as_str(), "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE") {
            self.system.set_row_count(outcome.statistics.rows);
        }
        self.served |= is_last;
        self.note(outcome, statement, clock);
    }

    fn declare(
        &mut self,
        statement: &Statement,
        names: &[String],
        data_type: Option<&Statement>,
        default: Option<&Statement>,
    ) -> Result<(), Stop> {
        let wanted = data_type.map(translate_type).transpose();
        let wanted = wanted.map_err(|error| Stop::of(error, statement, &self.frame().procedure))?;
        let value = match (default, &wanted) {
            (Some(default), wanted) => self.value(default, wanted.as_ref().map(|(name, _)| name.as_str()))?,
            (None, Some((name, _))) => null(name).map_err(Stop::Fatal)?,
            (None, None) => return Err(self.raised("DECLARE wants a type or DEFAULT".into(), statement)),
        };
        for name in names {
            let is_free = self.frames.last_mut().is_some_and(|frame| frame.declare(name, value.clone()));
            if !is_free {
                return Err(self.raised(format!("variable {name} is declared already"), statement));
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        statement: &Statement,
        targets: &[String],
        is_tuple: bool,
        value: &Statement,
    ) -> Result<(), Stop> {
        let [target] = targets else { return self.set_several(statement, targets, value) };
        if target.starts_with("@@") {
            return self.set_system(statement, target, value);
        }
        let wanted = self.type_of(target, statement)?;
        if is_tuple {
            // `SET (a) = …` takes a STRUCT of one field as well as the value itself.
            let given = self.value(value, None)?;
            let field = given.fields.first().filter(|_| given.fields.len() == 1).cloned();
            return self.assign(target, field.unwrap_or(given), statement);
        }
        let value = self.value(value, Some(&wanted))?;
        self.put(target, value);
        Ok(())
    }

    /// `SET (a, b) = (…)`; a NULL STRUCT makes them all NULL.
    fn set_several(&mut self, statement: &Statement, targets: &[String], value: &Statement) -> Result<(), Stop> {
        let mut types = Vec::with_capacity(targets.len());
        for target in targets {
            types.push(self.type_of(target, statement)?);
        }
        let value = self.value(value, None)?;
        if value.column_type.starts_with("STRUCT<") && value.fields.is_empty() {
            for (target, column_type) in targets.iter().zip(&types) {
                self.put(target, null(column_type).map_err(Stop::Fatal)?);
            }
            return Ok(());
        }
        if value.fields.len() != targets.len() {
            let message = format!("{} variables cannot be set to a {}", targets.len(), value.column_type);
            return Err(self.raised(message, statement));
        }
        let mut values = Vec::with_capacity(targets.len());
        for (field, wanted) in value.fields.into_iter().zip(&types) {
            values.push(self.converted(field, wanted, statement)?);
        }
        for (target, value) in targets.iter().zip(values) {
            self.put(target, value);
        }
        Ok(())
    }

    /// Sets a variable to a value that becomes of its type.
    pub(super) fn assign(&mut self, target: &str, value: Constant, statement: &Statement) -> Result<(), Stop> {
        let wanted = self.type_of(target, statement)?;
        let value = self.converted(value, &wanted, statement)?;
        self.put(target, value);
        Ok(())
    }

    fn put(&mut self, target: &str, value: Constant) {
        if let Some(frame) = self.frames.last_mut() {
            frame.set(target, value);
        }
    }

    /// The type of a variable that has to be there.
    pub(super) fn type_of(&self, name: &str, statement: &Statement) -> Result<String, Stop> {
        if let Some(value) = self.frame().find(name) {
            return Ok(value.column_type.clone());
        }
        let near = self.frame().scopes.iter().flatten().map(|variable| variable.name.as_str());
        let near = tailer_model::suggest::nearest(name, near).map(|near| format!("; did you mean {near}?"));
        Err(self.raised(format!("variable {name} is not declared{}", near.unwrap_or_default()), statement))
    }

    /// `RAISE` as the error that it is.
    fn raise(&mut self, statement: &Statement, message: Option<&Statement>) -> Result<Stop, Stop> {
        let Some(message) = message else {
            return Ok(match self.system.error() {
                Some(handled) => Stop::Raised(Box::new(handled.clone())),
                None => {
                    self.raised("RAISE without a message stands outside of any exception handler".into(), statement)
                }
            });
        };
        let text = self.value(message, Some("STRING"))?.text;
        let stop = self.raised(text.unwrap_or_else(|| "RAISE with a message that is NULL".into()), statement);
        Ok(match stop {
            Stop::Raised(raised) => Stop::Raised(Box::new(Raised { exact: None, ..*raised })),
            stop => stop,
        })
    }
}

fn read_rows(
    session: &crate::embedded::session::Session<'_>,
    translated: &Translated,
    limit: usize,
) -> Result<Rows, WarehouseError> {
    let columns = result_columns(session, translated)?;
    let rows = fetch_rows(session, &translated.sql, &columns, limit)?;
    let columns = columns.into_iter().map(|(name, ty)| Column { name, column_type: ty.to_string() }).collect();
    Ok(Rows { columns, rows, cost: None })
}

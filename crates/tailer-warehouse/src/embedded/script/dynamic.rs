//! `EXECUTE IMMEDIATE`, and system variables that can be set.

use std::time::Instant;

use super::{
    Interpreter,
    frames::{Sight, Variable},
    raised::{Place, Stop},
    system::WRITABLE,
    values::null,
};
use crate::{
    WarehouseError,
    embedded::{instance::text, query::checked},
    googlesql::{
        self, Statement, positional,
        script::{self, Kind},
    },
};

impl Interpreter<'_> {
    pub(super) fn execute_immediate(
        &mut self,
        statement: &Statement,
        sql: &Statement,
        into: &[String],
        using: &[(Statement, Option<String>)],
        is_last: bool,
    ) -> Result<(), Stop> {
        let Some(text) = self.value(sql, Some("STRING"))?.text else {
            return Err(self.raised("the SQL that EXECUTE IMMEDIATE is to run is NULL".into(), statement));
        };
        let mut parameters = Vec::with_capacity(using.len());
        for (index, (value, name)) in using.iter().enumerate() {
            let value = self.value(value, None)?;
            let name = name.as_ref().map_or_else(|| positional(index + 1), |name| format!("@{name}"));
            parameters.push(Variable { name, value });
        }
        let inside = |stop| inside(stop, statement, &self.frame().procedure);
        let nodes =
            script::parse(&text).map_err(|error| inside(Stop::of(error, statement, &self.frame().procedure)))?;
        let [node] = nodes.as_slice() else {
            return Err(self.raised(format!("EXECUTE IMMEDIATE runs one statement, not {}", nodes.len()), statement));
        };
        if node.kind != Kind::Sql {
            let message = "EXECUTE IMMEDIATE runs queries, DML and DDL, no statements of the procedural language";
            return Err(self.raised(message.into(), statement));
        }
        let procedure = self.frame().procedure.clone();
        let result = match into {
            [] => self.sql(&node.statement, &parameters, is_last),
            into => self.select_into(&node.statement, &parameters, into, statement),
        };
        result.map_err(|stop| self::inside(stop, statement, &procedure))
    }

    /// The only row of a query, into variables; NULLs when there is none.
    fn select_into(
        &mut self,
        query: &Statement,
        parameters: &[Variable],
        into: &[String],
        statement: &Statement,
    ) -> Result<(), Stop> {
        let clock = Instant::now();
        let mut types = Vec::with_capacity(into.len());
        for name in into {
            types.push(self.type_of(name, statement)?);
        }
        let table = self.step(query, |interpreter, session| {
            let sight = Sight { parameters, ..interpreter.sight() };
            let translated = checked(session, query, |catalog| {
                googlesql::translate_with(query, interpreter.scope(), catalog, &sight)
            })?;
            let columns = translated.columns.as_ref().filter(|_| translated.kind == googlesql::StatementKind::Query);
            let given = columns.map(Vec::len);
            if given != Some(into.len()) {
                let given = given.map_or("no query".to_owned(), |n| format!("a query of {n} columns"));
                let message = format!("INTO names {} variables, but the SQL is {given}", into.len());
                return Err(crate::embedded::errors::invalid(message));
            }
            interpreter.read(session, translated, 2)
        })?;
        let values = match table.rows.as_slice() {
            [] => types.iter().map(|ty| null(ty)).collect::<Result<Vec<_>, _>>().map_err(Stop::Fatal)?,
            [row] => table.constants(row).map_err(Stop::Fatal)?,
            _ => return Err(self.raised("EXECUTE IMMEDIATE … INTO wants one row at most, and got more".into(), query)),
        };
        for (name, value) in into.iter().zip(values) {
            self.assign(name, value, statement)?;
        }
        self.tell(query, Some(table.rows.len() as u64), clock);
        Ok(())
    }

    pub(super) fn set_system(&mut self, statement: &Statement, name: &str, value: &Statement) -> Result<(), Stop> {
        let Some(name) = WRITABLE.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            let message = match self.system.find(name) {
                Some(_) => format!("system variable {name} cannot be set"),
                None => format!("there is no system variable {name}"),
            };
            return Err(self.raised(message, statement));
        };
        let value = self.value(value, Some("STRING"))?;
        match (*name, value.text.clone()) {
            ("@@time_zone", Some(zone)) => self.set_time_zone(statement, &zone)?,
            ("@@time_zone", None) => return Err(self.raised("@@time_zone cannot be NULL".into(), statement)),
            ("@@dataset_id", dataset) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.dataset = dataset;
                }
            }
            ("@@dataset_project_id", project) => {
                let default = self.project.to_owned();
                if let Some(frame) = self.frames.last_mut() {
                    frame.project = project.unwrap_or(default);
                }
            }
            _ => {}
        }
        self.system.set(name, value);
        Ok(())
    }

    fn set_time_zone(&mut self, statement: &Statement, zone: &str) -> Result<(), Stop> {
        // What DuckDB does not know as a zone fails here instead of somewhere later.
        let probe = format!("SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' AT TIME ZONE {}", text(zone));
        if let Err(error) = self.session.rows(&probe, [], |_| Ok(())) {
            return Err(match error {
                WarehouseError::Invalid { .. } => self.raised(format!("there is no time zone {zone:?}"), statement),
                other => Stop::Fatal(other),
            });
        }
        self.session.execute(&googlesql::set_time_zone(zone), []).map_err(Stop::Fatal)?;
        self.system.zone_is_set = true;
        Ok(())
    }

    /// Leaves the session as others expect it.
    pub(super) fn restore_time_zone(&mut self) {
        if std::mem::take(&mut self.system.zone_is_set) {
            self.session.reset_time_zone();
        }
    }
}

/// An error of the SQL that `EXECUTE IMMEDIATE` ran: its place in that SQL becomes part of the message, and the place of
/// the statement is what the user's file has.
fn inside(stop: Stop, statement: &Statement, procedure: &str) -> Stop {
    match stop {
        Stop::Raised(mut raised) => {
            if let Some((line, column)) = raised.exact.take() {
                raised
                    .message
                    .push_str(&format!(" (line {line}, column {column} of the SQL that EXECUTE IMMEDIATE ran)"));
            }
            let place = Place { procedure: procedure.to_owned(), line: statement.line, column: statement.column };
            raised.trace = vec![place];
            Stop::Raised(raised)
        }
        Stop::Fatal(WarehouseError::Unsupported { what, .. }) => Stop::Fatal(WarehouseError::Unsupported {
            what: format!("{what} (in the SQL that EXECUTE IMMEDIATE ran)"),
            line: Some(statement.line),
            column: Some(statement.column),
        }),
        stop => stop,
    }
}

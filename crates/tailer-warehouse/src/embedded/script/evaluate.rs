//! Expressions and queries whose values the script itself uses.

use serde_json::Value;

use super::{
    Interpreter,
    frames::{Sight, Variable},
    raised::Stop,
    steps::Step,
    values::constant,
};
use crate::{
    WarehouseError,
    embedded::{
        cells,
        query::{checked, result_columns},
        session::Session,
        types::Type,
    },
    googlesql::{self, Constant, Statement, Translated},
};

/// Words that make a value differ from one time to the next.
const VOLATILE: &[&str] = &[
    "RAND",
    "GENERATE_UUID",
    "CURRENT_DATE",
    "CURRENT_DATETIME",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "SESSION_USER",
    "FROM",
    "CALL",
    "@@SCRIPT",
    "@@CURRENT_JOB_ID",
    "@@LAST_JOB_ID",
];

/// Rows with the names and BigQuery types of their columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, String)>,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Table {
    /// The values of one row.
    pub(super) fn constants(&self, row: &[Value]) -> Result<Vec<Constant>, WarehouseError> {
        let typed = self.columns.iter().zip(row);
        typed
            .map(|((_, column_type), value)| constant(value, &Type::from_bigquery(column_type)?, column_type))
            .collect()
    }
}

impl Interpreter<'_> {
    /// The value of an expression, as `wanted` where that is given.
    pub(super) fn value(&mut self, expression: &Statement, wanted: Option<&str>) -> Result<Constant, Stop> {
        self.computed(expression, wanted, None)
    }

    /// Whether a condition holds; NULL does not.
    pub(super) fn holds(&mut self, condition: &Statement) -> Result<bool, Stop> {
        Ok(self.value(condition, Some("BOOL"))?.text.as_deref() == Some("true"))
    }

    /// Whether a value equals an expression's.
    pub(super) fn equals(&mut self, value: &Constant, expression: &Statement) -> Result<bool, Stop> {
        Ok(self.computed(expression, None, Some(value))?.text.as_deref() == Some("true"))
    }

    fn computed(
        &mut self,
        expression: &Statement,
        wanted: Option<&str>,
        equal_to: Option<&Constant>,
    ) -> Result<Constant, Stop> {
        const OPERAND: &str = "@@case";
        let parameters: Vec<Variable> =
            equal_to.map(|value| Variable { name: OPERAND.into(), value: value.clone() }).into_iter().collect();
        let table = self.step(expression, |interpreter, session| {
            let sight = Sight { parameters: &parameters, ..interpreter.sight() };
            let operand = equal_to.map(|_| OPERAND);
            let translated = checked(session, expression, |catalog| {
                googlesql::translate_value(expression, wanted, operand, interpreter.scope(), catalog, &sight)
            })?;
            interpreter.read(session, translated, 1)
        })?;
        let row = table.rows.first().map(Vec::as_slice).unwrap_or_default();
        let value = table.constants(row).map_err(Stop::Fatal)?.into_iter().next();
        value.ok_or_else(|| Stop::Fatal(WarehouseError::Internal("an expression gave no value".into())))
    }

    /// All rows of a query.
    pub(super) fn rows(&mut self, query: &Statement) -> Result<Table, Stop> {
        self.step(query, |interpreter, session| {
            let translated = checked(session, query, |catalog| {
                googlesql::translate_with(query, interpreter.scope(), catalog, &interpreter.sight())
            })?;
            interpreter.read(session, translated, usize::MAX)
        })
    }

    /// The value as one of another type, by the rules for assignments.
    pub(super) fn converted(&self, value: Constant, wanted: &str, at: &Statement) -> Result<Constant, Stop> {
        if value.column_type == wanted {
            return Ok(value);
        }
        const VALUE: &str = "@value";
        let expression = Statement { sql: VALUE.into(), ..at.clone() };
        let parameters = [Variable { name: VALUE.into(), value }];
        let sight = Sight { parameters: &parameters, ..self.sight() };
        let convert = || {
            let translated = checked(self.session, &expression, |catalog| {
                googlesql::translate_value(&expression, Some(wanted), None, self.scope(), catalog, &sight)
            })?;
            let (table, _) = self.read(self.session, translated, 1)?;
            let row = table.rows.first().map(Vec::as_slice).unwrap_or_default();
            table.constants(row)
        };
        let mut values = convert().map_err(|error| Stop::of(error, at, &self.frame().procedure))?;
        values.pop().ok_or_else(|| Stop::Fatal(WarehouseError::Internal("a conversion gave no value".into())))
    }

    /// One numbered look at the warehouse: taken from the records, or done and noted when it could come out differently
    /// another time.
    pub(super) fn step(
        &mut self,
        statement: &Statement,
        look: impl FnOnce(&Self, &Session<'_>) -> Result<(Table, Vec<crate::TableName>), WarehouseError>,
    ) -> Result<Table, Stop> {
        let stop = |stop: WarehouseError| Stop::Fatal(stop);
        self.session.check().map_err(stop)?;
        let (number, recorded) = self.steps.begin();
        match recorded {
            Some(Step::Values { types, rows }) => return Ok(Table { columns: types, rows }),
            Some(Step::Failed(raised)) => return Err(Stop::Raised(Box::new(raised))),
            Some(Step::Done(_)) | None => {}
        }
        match look(self, self.session) {
            Ok((table, reads)) => {
                if !reads.is_empty() || is_volatile(&statement.sql) || self.system.has_functions {
                    let step = Step::Values { types: table.columns.clone(), rows: table.rows.clone() };
                    self.steps.note(number, step);
                }
                Ok(table)
            }
            Err(error) => Err(self.failed(number, error, statement)),
        }
    }

    /// Notes that a step has failed; the error on its way.
    pub(super) fn failed(&mut self, number: u64, error: WarehouseError, statement: &Statement) -> Stop {
        let error = match self.session.check() {
            Err(cancelled) => cancelled,
            Ok(()) => error,
        };
        let stop = Stop::of(error, statement, &self.frame().procedure);
        if let Stop::Raised(raised) = &stop {
            self.steps.note(number, Step::Failed(raised.as_ref().clone()));
        }
        stop
    }

    /// Reads rows; an error inside a transaction ends that.
    pub(super) fn read(
        &self,
        session: &Session<'_>,
        translated: Translated,
        limit: usize,
    ) -> Result<(Table, Vec<crate::TableName>), WarehouseError> {
        self.check_transaction(&translated)?;
        let fetch = || {
            let columns = result_columns(session, &translated)?;
            let names = match &translated.columns {
                Some(named) => named.iter().map(|c| (c.name.clone(), c.column_type.clone())).collect(),
                None => columns.iter().map(|(name, ty)| (name.clone(), ty.to_string())).collect(),
            };
            Ok(Table { columns: names, rows: fetch_rows(session, &translated.sql, &columns, limit)? })
        };
        let table = fetch().inspect_err(|_: &WarehouseError| self.break_transaction())?;
        Ok((table, translated.reads))
    }
}

/// Rows of translated SQL as JSON, at most `limit`.
pub(crate) fn fetch_rows(
    session: &Session<'_>,
    sql: &str,
    columns: &[(String, Type)],
    limit: usize,
) -> Result<Vec<Vec<Value>>, WarehouseError> {
    let mut rows = Vec::new();
    session.stream(&cells::projected(sql, columns), |batch| {
        for row in 0..duckdb::arrow::array::Array::len(batch) {
            if rows.len() == limit {
                return Ok(false);
            }
            if let Value::Array(values) = cells::structure(batch, row, columns)? {
                rows.push(values);
            }
        }
        Ok(rows.len() < limit)
    })?;
    Ok(rows)
}

/// Whether a text could give another value another time. Words inside of strings count too: noting too much costs
/// a little, noting too little would be wrong.
pub(super) fn is_volatile(sql: &str) -> bool {
    let words = sql.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '@'));
    words.into_iter().any(|word| VOLATILE.iter().any(|volatile| word.eq_ignore_ascii_case(volatile)))
}

//! `` CALL `<project>.expect.<procedure>`(…) `` in a script: the expectation's query, whose result is the rows of the call.
//!
//! As with the stored procedures of that name, an expectation that is not met is a result and no error.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Interpreter, Tail, evaluate::Table, raised::Stop};
use crate::{
    Column, Rows, TableName, WarehouseError,
    embedded::{query::checked, session::Session, tables},
    expectations::{Expectation, Known},
    googlesql::{self, Statement},
};

/// The only column of a call's result.
const RESULT: &str = "expectation_result";

impl Interpreter<'_> {
    pub(super) fn expect(&mut self, statement: &Statement, expectation: &Expectation) -> Result<(), Stop> {
        let mut texts = Vec::new();
        for (argument, literal) in expectation.texts() {
            texts.push(match literal {
                Some(text) => text,
                None => self.value(argument, Some("STRING"))?.text.unwrap_or_default(),
            });
        }
        let table = self.step(statement, |interpreter, session| {
            let result = interpreter.met(session, expectation, &texts, statement);
            // Places in the generated query are nobody's.
            result.map(|table| (table, Vec::new())).map_err(|error| match error {
                WarehouseError::Invalid { message, .. } => {
                    WarehouseError::Invalid { message, line: Some(statement.line), column: Some(statement.column) }
                }
                other => other,
            })
        })?;
        let text = table.rows.first().and_then(|row| row.first()).cloned().unwrap_or_default();
        if let Tail::Rows(_, kept) = &mut self.tail {
            let columns = vec![Column { name: RESULT.into(), column_type: "STRING".into() }];
            **kept = Rows { columns, rows: vec![vec![text.clone()]], cost: None };
        }
        let result: Value = text.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let results = self.outcome.statistics.more.entry("expectations".into()).or_insert_with(|| json!([]));
        if let Value::Array(results) = results {
            results.push(result);
        }
        Ok(())
    }

    fn met(
        &self,
        session: &Session<'_>,
        expectation: &Expectation,
        texts: &[String],
        statement: &Statement,
    ) -> Result<Table, WarehouseError> {
        let started = Timestamp::now();
        let project = &self.frame().project;
        let known = match expectation.wants_columns() {
            true => known(session, &expectation.table(project, texts)?)?,
            false => Vec::new(),
        };
        let check = expectation.check(project, texts, &known)?;
        let query = Statement { sql: check.sql.clone(), ..statement.clone() };
        let sight = self.sight();
        let translated =
            checked(session, &query, |catalog| googlesql::translate_with(&query, self.scope(), catalog, &sight))?;
        let (table, _) = self.read(session, translated, 1)?;
        let columns = table.columns.iter();
        let columns = columns.map(|(name, ty)| Column { name: name.clone(), column_type: ty.clone() }).collect();
        let result = check.result(&Rows { columns, rows: table.rows, cost: None }, started, Timestamp::now())?;
        let text = Value::String(result.result.to_string());
        Ok(Table { columns: vec![(RESULT.into(), "STRING".into())], rows: vec![vec![text]] })
    }
}

fn known(session: &Session<'_>, table: &TableName) -> Result<Vec<Known>, WarehouseError> {
    let Some(info) = tables::info(session, table)? else {
        return Err(WarehouseError::NotFound(format!("table {table}")));
    };
    Ok(Known::of(&info))
}

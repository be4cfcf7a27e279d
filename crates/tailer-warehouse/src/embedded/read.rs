//! Reading rows for people and tests, as JSON values (the form of `tailerd sql --batch`).

use serde_json::Value;

use super::{
    cells::{self, Form},
    errors::{at_statement, invalid},
    query::{self, result_columns},
    session::Session,
};
use crate::{
    Column, Query, Rows, WarehouseError,
    googlesql::{self, StatementKind},
};

/// Runs every statement; at most `limit` rows of the last one. A statement that changes something gives no rows.
pub(crate) fn run(session: &Session<'_>, query: &Query, limit: usize) -> Result<Rows, WarehouseError> {
    let statements = googlesql::split(&query.sql)?;
    let Some((last, before)) = statements.split_last() else {
        return Err(invalid("there is no SQL statement"));
    };
    for statement in before {
        query::run_statement(session, None, statement, query, None)?;
    }
    let translated = query::translate(session, last, query)?;
    if translated.kind != StatementKind::Query {
        query::run_statement(session, None, last, query, None)?;
        return Ok(Rows::default());
    }
    let fetch = || {
        let columns = result_columns(session, &translated)?;
        let mut rows = Vec::new();
        session.stream(&cells::projected(&translated.sql, &columns), |batch| {
            for row in 0..duckdb::arrow::array::Array::len(batch) {
                if rows.len() == limit {
                    return Ok(false);
                }
                if let Value::Array(values) = cells::structure(batch, row, &columns, Form::Batch)? {
                    rows.push(values);
                }
            }
            Ok(rows.len() < limit)
        })?;
        let column =
            |(name, column_type): (String, super::types::Type)| Column { name, column_type: column_type.to_string() };
        Ok(Rows { columns: columns.into_iter().map(column).collect(), rows })
    };
    fetch().map_err(|error| at_statement(error, last))
}

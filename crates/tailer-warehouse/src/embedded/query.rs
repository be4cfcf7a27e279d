//! Query jobs: a statement or a script of several, translated one by one, each effect in its own transaction together
//! with its record.

use std::time::Instant;

use jiff::Timestamp;

use super::{
    catalog::SessionCatalog,
    ddl,
    errors::{at_statement, invalid, unsupported},
    job_table,
    session::Session,
    tables,
    types::Type,
    write::{self, Source, Target},
};
use crate::{
    Destination, Outcome, Query, StatementOutcome, Statistics, TableName, WarehouseError, WarehouseJobId,
    googlesql::{self, Scope, Statement, StatementKind, Translated},
};

/// Runs a query job. Statements of a script are jobs of their own, `<id>_<n>`, so that a script that was interrupted
/// goes on behind the last statement that had its effect.
pub(crate) fn run(session: &Session<'_>, id: &WarehouseJobId, query: &Query) -> Result<Outcome, WarehouseError> {
    let started = Timestamp::now();
    let statements = googlesql::split(&query.sql)?;
    let mut outcome = match statements.as_slice() {
        [] => return Err(invalid("there is no SQL statement in the file")),
        [only] => run_statement(session, Some(id), only, query, query.destination.as_ref())?,
        script => run_script(session, id, script, query)?,
    };
    outcome.statistics.started.get_or_insert(started);
    outcome.statistics.ended.get_or_insert_with(Timestamp::now);
    Ok(outcome)
}

fn run_script(
    session: &Session<'_>,
    id: &WarehouseJobId,
    script: &[Statement],
    query: &Query,
) -> Result<Outcome, WarehouseError> {
    let mut whole = Outcome::default();
    for (index, statement) in script.iter().enumerate() {
        let part = part(id, index);
        let destination = query.destination.as_ref().filter(|_| index + 1 == script.len());
        let outcome = run_statement(session, Some(&part), statement, query, destination)?;
        whole.statistics.rows = outcome.statistics.rows;
        let executed = whole.statistics.executed_sql.get_or_insert_default();
        executed.push_str(outcome.statistics.executed_sql.as_deref().unwrap_or_default());
        executed.push_str(";\n");
        whole.statements.extend(outcome.statements);
    }
    Ok(whole)
}

/// The job id of a script's statement.
pub(crate) fn part(id: &WarehouseJobId, index: usize) -> WarehouseJobId {
    WarehouseJobId(format!("{}_{}", id.0, index + 1))
}

/// Runs one statement, once per id. Without an id the once-only promise is off.
pub(crate) fn run_statement(
    session: &Session<'_>,
    id: Option<&WarehouseJobId>,
    statement: &Statement,
    query: &Query,
    destination: Option<&Destination>,
) -> Result<Outcome, WarehouseError> {
    let clock = Instant::now();
    let translated = match translate(session, statement, query) {
        Ok(translated) => translated,
        // What the statement needs may be gone because its effect took place.
        Err(error) => return recorded(session, id)?.ok_or(error),
    };
    let run = || match (&translated.kind, destination) {
        (StatementKind::Query, None) => count_rows(session, &translated),
        (StatementKind::Query, Some(destination)) => fill(session, id, &translated, destination, statement, clock),
        (_, Some(destination)) => Err(invalid(format!(
            "the statement gives no rows for table {}: end with a SELECT, or leave the table out",
            destination.table
        ))),
        (_, None) => change(session, id, &translated, statement, clock),
    };
    let mut outcome = run().map_err(|error| at_statement(error, statement))?;
    if outcome.statements.is_empty() {
        outcome.statements.push(statement_outcome(statement, outcome.statistics.rows, clock));
        outcome.statistics.executed_sql = Some(translated.sql);
    }
    Ok(outcome)
}

pub(crate) fn translate(
    session: &Session<'_>,
    statement: &Statement,
    query: &Query,
) -> Result<Translated, WarehouseError> {
    let scope = Scope { project: &query.project, dataset: query.dataset.as_deref() };
    let catalog = SessionCatalog::new(session);
    let translated = googlesql::translate(statement, scope, &catalog);
    // A cancel or a failure of the catalogue looks like a missing table to the translator.
    catalog.finish()?;
    let translated = translated.map_err(|error| at_statement(error, statement))?;
    let touched = translated.reads.iter().chain(&translated.writes);
    if let Some(table) = touched.into_iter().find(|table| table.dataset.eq_ignore_ascii_case(job_table::INTERNAL)) {
        return Err(at_statement(WarehouseError::NotFound(format!("table {table}")), statement));
    }
    Ok(translated)
}

fn recorded(session: &Session<'_>, id: Option<&WarehouseJobId>) -> Result<Option<Outcome>, WarehouseError> {
    id.map_or(Ok(None), |id| job_table::find(session, id))
}

fn statement_outcome(statement: &Statement, rows: Option<u64>, clock: Instant) -> StatementOutcome {
    let milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
    StatementOutcome { sql: statement.sql.clone(), line: statement.line, rows, milliseconds }
}

/// A SELECT that goes nowhere is run for its errors and its number of rows.
fn count_rows(session: &Session<'_>, translated: &Translated) -> Result<Outcome, WarehouseError> {
    let mut rows = 0;
    session.stream(&translated.sql, |batch| {
        rows += duckdb::arrow::array::Array::len(batch) as u64;
        Ok(true)
    })?;
    Ok(rows_outcome(rows))
}

fn rows_outcome(rows: u64) -> Outcome {
    Outcome { statistics: Statistics { rows: Some(rows), ..Statistics::default() }, ..Outcome::default() }
}

/// The columns that a query gives, with BigQuery's names and types.
pub(crate) fn result_columns(
    session: &Session<'_>,
    translated: &Translated,
) -> Result<Vec<(String, Type)>, WarehouseError> {
    if let Some(columns) = &translated.columns {
        return columns.iter().map(|c| Ok((c.name.clone(), Type::from_bigquery(&c.column_type)?))).collect();
    }
    let described = tables::describe(session, &translated.sql)?;
    Ok(write::column_names(described.into_iter().map(|column| (column.name, column.column_type)).collect()))
}

/// Rows of a SELECT into a table.
fn fill(
    session: &Session<'_>,
    id: Option<&WarehouseJobId>,
    translated: &Translated,
    destination: &Destination,
    statement: &Statement,
    clock: Instant,
) -> Result<Outcome, WarehouseError> {
    let target = Target {
        table: &destination.table,
        disposition: destination.write_disposition,
        replace_schema: destination.replace_schema,
        expires_after: destination.expires_after,
    };
    once(session, id, "query", &destination.table, || {
        let source = Source { sql: &translated.sql, columns: result_columns(session, translated)? };
        let rows = write::write_query(session, &source, &target)?;
        let mut outcome = rows_outcome(rows);
        outcome.statements.push(statement_outcome(statement, Some(rows), clock));
        outcome.statistics.executed_sql = Some(translated.sql.clone());
        Ok(outcome)
    })
}

/// DML and DDL.
fn change(
    session: &Session<'_>,
    id: Option<&WarehouseJobId>,
    translated: &Translated,
    statement: &Statement,
    clock: Instant,
) -> Result<Outcome, WarehouseError> {
    let (table, on_table) = match &translated.writes {
        Some(table) => (table.clone(), true),
        None => match ddl::dataset(translated)? {
            Some(dataset) => (dataset, false),
            None => return Err(unsupported("a statement that changes neither a table nor a dataset")),
        },
    };
    once(session, id, "statement", &table, || {
        let rows = match translated.kind {
            _ if !on_table => ddl::run_on_dataset(session, translated, &table)?,
            StatementKind::Ddl => ddl::run(session, translated, &table)?,
            _ => {
                ddl::refuse_ingestion_time(session, &table)?;
                session.execute(&translated.sql, [])?
            }
        };
        let mut outcome = rows_outcome(rows);
        outcome.statements.push(statement_outcome(statement, Some(rows), clock));
        outcome.statistics.executed_sql = Some(translated.sql.clone());
        Ok(outcome)
    })
}

/// Runs an effect on a table in one transaction with its record; an id already recorded answers without running.
pub(crate) fn once(
    session: &Session<'_>,
    id: Option<&WarehouseJobId>,
    kind: &str,
    table: &TableName,
    effect: impl Fn() -> Result<Outcome, WarehouseError>,
) -> Result<Outcome, WarehouseError> {
    table.check()?;
    session.instance.ensure_project(&table.project)?;
    let _lock = session.instance.lock_table(table, session)?;
    session.transaction(|| {
        if let Some(id) = id
            && let Some(outcome) = job_table::find_in(session, &table.project, id)?
        {
            return Ok(outcome);
        }
        let started = Timestamp::now();
        let mut outcome = effect()?;
        outcome.statistics.started = Some(started);
        outcome.statistics.ended = Some(Timestamp::now());
        if let Some(id) = id {
            job_table::record(session, &table.project, id, kind, &outcome)?;
        }
        Ok(outcome)
    })
}

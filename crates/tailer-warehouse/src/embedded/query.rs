//! Query jobs: statements are translated and run, each effect in one transaction together with its record. Scripts take their
//! statements here one by one, see [`super::script`].

use std::time::Instant;

use jiff::Timestamp;

use super::{
    catalog::SessionCatalog,
    ddl,
    errors::{at_statement, invalid, unsupported},
    functions, job_table, own,
    script::Tail,
    session::Session,
    tables,
    types::Type,
    write::{self, Source, Target},
};
use crate::{
    Destination, Outcome, Query, StatementOutcome, Statistics, TableName, WarehouseError, WarehouseJobId,
    googlesql::{
        self, NoVariables, Scope, Statement, StatementKind, Translated, Variables,
        script::{self, Kind, Node},
    },
};

/// Runs a query job: one statement under the job's own id, or a script, whose statements are jobs of their own.
pub(crate) fn run(session: &Session<'_>, id: &WarehouseJobId, query: &Query) -> Result<Outcome, WarehouseError> {
    let started = Timestamp::now();
    let nodes = script::parse(&query.sql)?;
    let mut outcome = match nodes.as_slice() {
        [] => return Err(invalid("there is no SQL statement in the file")),
        [Node { statement, kind: Kind::Sql }] => {
            let setting = Setting { id: Some(id), ..Setting::of(query) };
            match run_statement(session, &setting, statement, query.destination.as_ref()) {
                // What the statement needs may be gone because its effect took place.
                Err(error) => job_table::find(session, id)?.ok_or(error)?,
                Ok(outcome) => outcome,
            }
        }
        _ => {
            let tail = match &query.destination {
                Some(destination) => Tail::Into(destination),
                None => Tail::Count,
            };
            super::script::run(session, Some(id), query, &nodes, tail)?
        }
    };
    outcome.statistics.started.get_or_insert(started);
    outcome.statistics.ended.get_or_insert_with(Timestamp::now);
    Ok(outcome)
}

/// What a statement runs with.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// Without one the once-only promise is off.
    pub(crate) id: Option<&'a WarehouseJobId>,
    pub(crate) scope: Scope<'a>,
    pub(crate) variables: &'a dyn Variables,
    /// Run in the transaction of the statement's effect, with the project that it writes.
    pub(crate) along: &'a dyn Fn(&str) -> Result<(), WarehouseError>,
}

impl<'a> Setting<'a> {
    /// Of a statement that is no part of a script.
    pub(crate) fn of(query: &'a Query) -> Self {
        let scope = Scope { project: &query.project, dataset: query.dataset.as_deref() };
        Self { id: None, scope, variables: &NoVariables, along: &|_| Ok(()) }
    }
}

/// Runs one statement, once per id.
pub(crate) fn run_statement(
    session: &Session<'_>,
    setting: &Setting<'_>,
    statement: &Statement,
    destination: Option<&Destination>,
) -> Result<Outcome, WarehouseError> {
    let translated = translate(session, statement, setting)?;
    run_translated(session, setting, &translated, statement, destination)
}

/// As [`run_statement`], when the statement has been translated.
pub(crate) fn run_translated(
    session: &Session<'_>,
    setting: &Setting<'_>,
    translated: &Translated,
    statement: &Statement,
    destination: Option<&Destination>,
) -> Result<Outcome, WarehouseError> {
    let clock = Instant::now();
    let run = || match (&translated.kind, destination) {
        (StatementKind::Query, None) => count_rows(session, translated),
        (StatementKind::Query, Some(destination)) => fill(session, setting, translated, destination, statement, clock),
        (_, Some(destination)) => Err(invalid(format!(
            "the statement gives no rows for table {}: end with a SELECT, or leave the table out",
            destination.table
        ))),
        (_, None) => change(session, setting, translated, statement, clock),
    };
    let mut outcome = run().map_err(|error| at_statement(error, statement))?;
    if outcome.statements.is_empty() {
        outcome.statements.push(statement_outcome(statement, outcome.statistics.rows, clock));
        outcome.statistics.executed_sql = Some(translated.sql.clone());
    }
    Ok(outcome)
}

pub(crate) fn translate(
    session: &Session<'_>,
    statement: &Statement,
    setting: &Setting<'_>,
) -> Result<Translated, WarehouseError> {
    checked(session, statement, |catalog| {
        googlesql::translate_with(statement, setting.scope, catalog, setting.variables)
    })
}

/// A translation over the session's catalogue, without what is nobody's business.
pub(crate) fn checked(
    session: &Session<'_>,
    statement: &Statement,
    translate: impl FnOnce(&SessionCatalog<'_>) -> Result<Translated, WarehouseError>,
) -> Result<Translated, WarehouseError> {
    let catalog = SessionCatalog::new(session);
    let translated = translate(&catalog);
    // A cancel or a failure of the catalogue looks like a missing table to the translator.
    catalog.finish()?;
    let translated = translated.map_err(|error| at_statement(error, statement))?;
    let touched = translated.reads.iter().chain(&translated.writes);
    if let Some(table) = touched.into_iter().find(|table| table.dataset.eq_ignore_ascii_case(job_table::INTERNAL)) {
        return Err(at_statement(WarehouseError::NotFound(format!("table {table}")), statement));
    }
    Ok(translated)
}

pub(crate) fn statement_outcome(statement: &Statement, rows: Option<u64>, clock: Instant) -> StatementOutcome {
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
    setting: &Setting<'_>,
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
    once(session, setting.id, "query", &destination.table, || {
        let source = Source { sql: &translated.sql, columns: result_columns(session, translated)? };
        let rows = write::write_query(session, &source, &target)?;
        let mut outcome = rows_outcome(rows);
        outcome.statements.push(statement_outcome(statement, Some(rows), clock));
        outcome.statistics.executed_sql = Some(translated.sql.clone());
        (setting.along)(&destination.table.project)?;
        Ok(outcome)
    })
}

/// DML and DDL.
fn change(
    session: &Session<'_>,
    setting: &Setting<'_>,
    translated: &Translated,
    statement: &Statement,
    clock: Instant,
) -> Result<Outcome, WarehouseError> {
    if own::concerns(translated) {
        let mut outcome = rows_outcome(own::run(session, translated)?);
        outcome.statistics.executed_sql = Some(translated.sql.clone());
        outcome.statements.push(statement_outcome(statement, outcome.statistics.rows, clock));
        return Ok(outcome);
    }
    if let Some((change, name)) = translated.function.as_ref().and_then(|f| Some((f, f.home.as_ref()?))) {
        return once(session, setting.id, "statement", name, || {
            functions::change(session, name, change)?;
            let mut outcome = rows_outcome(0);
            outcome.statements.push(statement_outcome(statement, Some(0), clock));
            (setting.along)(&name.project)?;
            Ok(outcome)
        });
    }
    let (table, on_table) = match &translated.writes {
        Some(table) => (table.clone(), true),
        None => match ddl::dataset(translated)? {
            Some(dataset) => (dataset, false),
            None => return Err(unsupported("a statement that changes neither a table nor a dataset")),
        },
    };
    once(session, setting.id, "statement", &table, || {
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
        (setting.along)(&table.project)?;
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
    let _lock = session.lock(table)?;
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

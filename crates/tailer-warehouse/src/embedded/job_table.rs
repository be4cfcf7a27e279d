//! What jobs did, recorded in the project's own database in the transaction of their effect: a job id submitted again
//! after a crash answers from here instead of running twice (`architecture.md`, The warehouse).
//!
//! DuckDB writes one database per transaction, hence one table per project: a job's row is in the project it wrote.

use jiff::Timestamp;

use super::{instance::Instance, session::Session};
use crate::{Outcome, WarehouseError, WarehouseJobId, googlesql::quote};

/// The schema that users never see: job rows and what DuckDB cannot say about tables.
pub(crate) const INTERNAL: &str = "tailerd_internal";

/// Rows removed by one pruning step, to keep it short.
const PRUNE_STEP: u32 = 1000;

/// SQL that makes the internal tables of a project.
pub(crate) fn schema(project: &str) -> String {
    let schema = format!("{}.{INTERNAL}", quote(project));
    format!(
        "CREATE SCHEMA IF NOT EXISTS {schema};
         CREATE TABLE IF NOT EXISTS {schema}.jobs (
             id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, outcome VARCHAR NOT NULL, created TIMESTAMPTZ NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.tables (
             dataset VARCHAR NOT NULL, table_name VARCHAR NOT NULL, definition VARCHAR NOT NULL, expires TIMESTAMPTZ,
             PRIMARY KEY (dataset, table_name));
         CREATE TABLE IF NOT EXISTS {schema}.procedures (
             dataset VARCHAR NOT NULL, name VARCHAR NOT NULL, definition VARCHAR NOT NULL,
             PRIMARY KEY (dataset, name));
         CREATE TABLE IF NOT EXISTS {schema}.functions (
             dataset VARCHAR NOT NULL, name VARCHAR NOT NULL, definition VARCHAR NOT NULL,
             PRIMARY KEY (dataset, name));"
    )
}

/// The recorded outcome of a job that wrote `project`.
pub(crate) fn find_in(
    session: &Session<'_>,
    project: &str,
    id: &WarehouseJobId,
) -> Result<Option<Outcome>, WarehouseError> {
    let sql = format!("SELECT outcome FROM {}.{INTERNAL}.jobs WHERE id = ?", quote(project));
    let rows = session.rows(&sql, [&id.0], |row| row.get::<_, String>(0))?;
    rows.first().map(|json| parse(id, json)).transpose()
}

/// The recorded outcome of a job, whatever project it wrote.
pub(crate) fn find(session: &Session<'_>, id: &WarehouseJobId) -> Result<Option<Outcome>, WarehouseError> {
    for project in session.instance.projects() {
        if let Some(outcome) = find_in(session, &project, id)? {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// Records a job inside the running transaction.
pub(crate) fn record(
    session: &Session<'_>,
    project: &str,
    id: &WarehouseJobId,
    kind: &str,
    outcome: &Outcome,
) -> Result<(), WarehouseError> {
    let json = serde_json::to_string(outcome)
        .map_err(|error| WarehouseError::Internal(format!("cannot record job {}: {error}", id.0)))?;
    record_text(session, project, id, kind, &json)
}

/// Everything recorded of a script's steps, whatever projects they wrote: what follows the script's id and `-`, the kind and the
/// record.
pub(crate) fn steps(
    session: &Session<'_>,
    script: &WarehouseJobId,
) -> Result<Vec<(String, String, String)>, WarehouseError> {
    // `.` is what follows `-`: together they bound everything that begins with the prefix.
    let (prefix, after) = (format!("{}-", script.0), format!("{}.", script.0));
    let mut steps = Vec::new();
    for project in session.instance.projects() {
        let sql = format!("SELECT id, kind, outcome FROM {}.{INTERNAL}.jobs WHERE id >= ? AND id < ?", quote(&project));
        let rows = session.rows(&sql, [&prefix, &after], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        steps.extend(rows.into_iter().map(|(id, kind, record)| (id.replacen(&prefix, "", 1), kind, record)));
    }
    Ok(steps)
}

/// Records what is no job's outcome, inside the running transaction.
pub(crate) fn record_text(
    session: &Session<'_>,
    project: &str,
    id: &WarehouseJobId,
    kind: &str,
    text: &str,
) -> Result<(), WarehouseError> {
    let sql = format!("INSERT INTO {}.{INTERNAL}.jobs VALUES (?, ?, ?, now())", quote(project));
    session.execute(&sql, [id.0.as_str(), kind, text])?;
    Ok(())
}

/// Forgets jobs that ended before `before`, in short steps.
pub(crate) fn prune(instance: &Instance, session: &Session<'_>, before: Timestamp) -> Result<(), WarehouseError> {
    for project in instance.projects() {
        let jobs = format!("{}.{INTERNAL}.jobs", quote(&project));
        let sql = format!(
            "DELETE FROM {jobs} WHERE id IN (SELECT id FROM {jobs} WHERE created < ?::TIMESTAMPTZ LIMIT {PRUNE_STEP})"
        );
        while session.execute(&sql, [before.to_string()])? == u64::from(PRUNE_STEP) {}
    }
    Ok(())
}

fn parse(id: &WarehouseJobId, json: &str) -> Result<Outcome, WarehouseError> {
    serde_json::from_str(json)
        .map_err(|error| WarehouseError::Internal(format!("the record of job {} cannot be read: {error}", id.0)))
}

//! What removes data: dropping a table, emptying a partition, and the periodic expiry of tables, partitions and job
//! records. All of it may be done again.

use jiff::{SignedDuration, Timestamp};

use super::{
    instance::Instance,
    job_table::{self, INTERNAL},
    partition, query,
    session::Session,
    tables,
};
use crate::{Outcome, TableName, WarehouseError, googlesql::quote};

/// A job submitted again is a matter of hours; its record is kept for longer than anybody comes back.
const JOBS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Drops a table; a missing one is no error.
pub(crate) fn drop_table(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    table.check()?;
    if tables::lookup(session, table)?.is_none() {
        return Ok(());
    }
    query::once(session, None, "drop", table, || tables::drop_table(session, table).map(|_| Outcome::default()))?;
    Ok(())
}

/// Deletes the rows of the partition that the decorator names. Nothing there is no error; a decorator that does not fit
/// the table is.
pub(crate) fn empty_partition(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    table.check()?;
    if tables::lookup(session, table)?.is_none() {
        return Ok(());
    }
    query::once(session, None, "empty", table, || {
        let Some(registered) = tables::lookup(session, table)? else { return Ok(Outcome::default()) };
        let Some(partition) = partition::named(table, &registered.definition)? else {
            return Err(super::errors::invalid(format!("`{table}` names no partition: write it as `name$20240223`")));
        };
        let storage = tables::storage(table, &registered.definition);
        session.execute(&format!("DELETE FROM {storage} WHERE {}", partition.condition), [])?;
        Ok(Outcome::default())
    })?;
    Ok(())
}

/// Drops tables and partitions whose time has come and forgets old jobs; the number of tables dropped.
pub(crate) fn run(instance: &Instance, session: &Session<'_>, now: Timestamp) -> Result<u64, WarehouseError> {
    let mut dropped = 0;
    for project in instance.projects() {
        for table in registered_with_an_end(session, &project)? {
            let outcome = query::once(session, None, "expire", &table, || expire_one(session, &table, now))?;
            dropped += outcome.statistics.rows.unwrap_or(0);
        }
    }
    if let Ok(before) = now.checked_sub(JOBS_KEPT) {
        job_table::prune(instance, session, before)?;
    }
    Ok(dropped)
}

/// Tables that expire, or whose partitions do.
fn registered_with_an_end(session: &Session<'_>, project: &str) -> Result<Vec<TableName>, WarehouseError> {
    let sql = format!(
        "SELECT dataset, table_name FROM {}.{INTERNAL}.tables
         WHERE expires IS NOT NULL OR definition LIKE '%\"expiration_ms\":_%' AND definition NOT LIKE '%\"expiration_ms\":null%'",
        quote(project)
    );
    session.rows(&sql, [], |row| {
        Ok(TableName { project: project.to_owned(), dataset: row.get(0)?, table: row.get(1)?, decorator: None })
    })
}

fn expire_one(session: &Session<'_>, table: &TableName, now: Timestamp) -> Result<Outcome, WarehouseError> {
    let mut outcome = Outcome::default();
    let Some(registered) = tables::lookup(session, table)? else { return Ok(outcome) };
    if registered.expires.is_some_and(|expires| expires <= now) {
        tables::drop_table(session, table)?;
        outcome.statistics.rows = Some(1);
    } else if let Some(condition) = partition::expired(&registered.definition, now) {
        let storage = tables::storage(table, &registered.definition);
        session.execute(&format!("DELETE FROM {storage} WHERE {condition}"), [])?;
    }
    Ok(outcome)
}

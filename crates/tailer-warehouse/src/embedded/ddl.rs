//! CREATE, ALTER and DROP in the user's SQL: the statement itself, what DuckDB cannot hold of it, and the register.

use super::{
    errors::{invalid, unsupported},
    ingestion,
    instance::text,
    job_table::INTERNAL,
    session::Session,
    tables,
};
use crate::{
    TableName, WarehouseError,
    googlesql::{Translated, quote_table},
};

/// Runs one DDL statement inside the running transaction; the rows it wrote (`CREATE … AS`).
pub(crate) fn run(session: &Session<'_>, translated: &Translated, table: &TableName) -> Result<u64, WarehouseError> {
    let sql = translated.sql.trim_start();
    let starts = |words: &str| sql.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words));
    if starts("DROP TABLE") && is_ingestion_time(session, table)? {
        tables::drop_table(session, table)?;
        return Ok(0);
    }
    if !starts("CREATE") {
        refuse_ingestion_time(session, table)?;
        session.execute(sql, [])?;
        tables::after_ddl(session, table, false)?;
        return Ok(0);
    }
    tables::ensure_dataset(session, table)?;
    tables::refuse_other_case(session, table)?;
    let replace = starts("CREATE OR REPLACE");
    if is_ingestion_time(session, table)? && replace {
        tables::drop_table(session, table)?;
    }
    let existed = tables::lookup(session, table)?.is_some();
    match &translated.definition {
        Some(definition) if !existed && ingestion::is_ingestion_time(definition) => {
            if translated.columns.is_some() {
                return Err(unsupported("CREATE TABLE ... AS with partitions by ingestion time"));
            }
            tables::create(session, table, definition, None)?;
            Ok(0)
        }
        Some(definition) if !existed || replace => {
            if ingestion::is_ingestion_time(definition) {
                return Err(unsupported("CREATE OR REPLACE TABLE with partitions by ingestion time"));
            }
            tables::check_definition(table, definition)?;
            let rows = session.execute(sql, [])?;
            match starts("CREATE VIEW") || starts("CREATE OR REPLACE VIEW") {
                true => describe_view(session, table, definition.description.as_deref())?,
                false => tables::describe_table(session, &quote_table(table), definition)?,
            }
            tables::register(session, table, definition, None)?;
            Ok(rows)
        }
        _ => {
            let rows = session.execute(sql, [])?;
            tables::after_ddl(session, table, replace)?;
            Ok(rows)
        }
    }
}

fn describe_view(session: &Session<'_>, table: &TableName, description: Option<&str>) -> Result<(), WarehouseError> {
    if let Some(description) = description {
        session.execute(&format!("COMMENT ON VIEW {} IS {}", quote_table(table), text(description)), [])?;
    }
    Ok(())
}

/// The dataset that CREATE SCHEMA or DROP SCHEMA names, as a table name for what is done once per dataset. The
/// translator writes `… "project"."dataset" …`.
pub(crate) fn dataset(translated: &Translated) -> Result<Option<TableName>, WarehouseError> {
    let mut quoted = translated.sql.split('"').skip(1).step_by(2);
    let (Some(project), Some(dataset)) = (quoted.next(), quoted.next()) else { return Ok(None) };
    if dataset.eq_ignore_ascii_case(INTERNAL) {
        return Err(invalid(format!("dataset `{INTERNAL}` is the warehouse's own: leave it alone")));
    }
    TableName::new(project, dataset, "_").map(Some)
}

/// Runs CREATE SCHEMA or DROP SCHEMA inside the running transaction.
pub(crate) fn run_on_dataset(
    session: &Session<'_>,
    translated: &Translated,
    dataset: &TableName,
) -> Result<u64, WarehouseError> {
    session.execute(&translated.sql, [])?;
    tables::forget_missing_datasets(session, &dataset.project)?;
    Ok(0)
}

fn is_ingestion_time(session: &Session<'_>, table: &TableName) -> Result<bool, WarehouseError> {
    Ok(tables::lookup(session, table)?.is_some_and(|found| ingestion::is_ingestion_time(&found.definition)))
}

/// Users' SQL sees such a table as a view, which it cannot change.
pub(crate) fn refuse_ingestion_time(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    match is_ingestion_time(session, table)? {
        true => Err(unsupported(format!(
            "SQL that changes {table}, which is partitioned by ingestion time (write to it as a destination)"
        ))),
        false => Ok(()),
    }
}

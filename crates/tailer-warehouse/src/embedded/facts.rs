//! What INFORMATION_SCHEMA says of a table beyond its columns.

use tailer_model::operation::ddl::{PartitionUnit, Partitioning, TableDefinition};

use super::{ingestion, session::Session, tables};
use crate::{
    TableName, WarehouseError,
    googlesql::{TableFacts, quote, quote_table},
};

/// The facts of a registered table; `None` when there is none.
pub(crate) fn of(session: &Session<'_>, table: &TableName) -> Result<Option<TableFacts>, WarehouseError> {
    let Some(registered) = tables::lookup(session, table)? else { return Ok(None) };
    let definition = registered.definition;
    // Users see a table that is partitioned by ingestion time as a table, though it is a view here.
    let is_view = tables::is_view(session, table)? && !ingestion::is_ingestion_time(&definition);
    let count = format!("SELECT count(*) FROM {}", quote_table(table));
    let rows = session.rows(&count, [], |row| row.get::<_, u64>(0))?.first().copied().unwrap_or(0);
    let columns = tables::columns(session, table)?;
    let partitioned_by = match &definition.partitioning {
        Some(Partitioning::Time { field, .. }) => field.clone(),
        Some(Partitioning::Range { field, .. }) => Some(field.clone()),
        None => None,
    };
    Ok(Some(TableFacts {
        is_view,
        rows,
        required: columns.into_iter().filter(|column| column.required).map(|column| column.name).collect(),
        partitioned_by,
        clustered_by: definition.clustering.clone(),
        partitions: if is_view { Vec::new() } else { partitions(session, table, &definition, rows)? },
    }))
}

/// Names of a project's datasets, sorted.
pub(crate) fn datasets(session: &Session<'_>, project: &str) -> Result<Vec<String>, WarehouseError> {
    session.rows(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND NOT internal
           AND schema_name NOT IN ('main', 'tailerd_internal') ORDER BY schema_name",
        [project],
        |row| row.get(0),
    )
}

fn partitions(
    session: &Session<'_>,
    table: &TableName,
    definition: &TableDefinition,
    rows: u64,
) -> Result<Vec<(String, u64)>, WarehouseError> {
    let id = match &definition.partitioning {
        // A table without partitions counts as one, which has no id.
        None => return Ok(vec![(String::new(), rows)]),
        Some(Partitioning::Time { field, unit, .. }) => {
            let format = match unit {
                PartitionUnit::Hour => "%Y%m%d%H",
                PartitionUnit::Day => "%Y%m%d",
                PartitionUnit::Month => "%Y%m",
                PartitionUnit::Year => "%Y",
            };
            let column = quote(field.as_deref().unwrap_or(ingestion::COLUMN));
            format!("coalesce(strftime(CAST({column} AS TIMESTAMP), '{format}'), '__NULL__')")
        }
        Some(Partitioning::Range { field, start, end, interval }) => {
            let column = quote(field);
            format!(
                "CASE WHEN {column} IS NULL THEN '__NULL__' WHEN {column} < {start} OR {column} >= {end} THEN '__UNPARTITIONED__'
                 ELSE CAST({start} + ({column} - {start}) // {interval} * {interval} AS VARCHAR) END"
            )
        }
    };
    let storage = tables::storage(table, definition);
    let sql = format!("SELECT {id} AS id, count(*) FROM {storage} GROUP BY id ORDER BY id");
    session.rows(&sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?)))
}

//! Ingestion-time partitioned tables: `PARTITION BY` without a column. BigQuery gives them a column that `SELECT *` does
//! not show; DuckDB has no such columns, so the rows live in a table of the internal schema that has it, and users see
//! a view without it. Writes by jobs go to the hidden table; SQL that changes rows is refused
//! by name, never answered wrongly. `_PARTITIONTIME` and `_PARTITIONDATE` are read from the hidden table.

use tailer_model::operation::ddl::{Partitioning, TableDefinition};

use super::{job_table::INTERNAL, session::Session};
use crate::{
    TableName, WarehouseError,
    googlesql::{quote, quote_table},
};

/// The hidden column: start of the partition, UTC.
pub(crate) const COLUMN: &str = "_PARTITIONTIME";

pub(crate) fn is_ingestion_time(definition: &TableDefinition) -> bool {
    matches!(definition.partitioning, Some(Partitioning::Time { field: None, .. }))
}

/// Name of the hidden table within the internal schema. Dataset names have no dot, so no two tables share one.
pub(crate) fn storage_name(table: &TableName) -> String {
    format!("{}.{}", table.dataset, table.table)
}

/// Makes or remakes the view that users see, inside the running transaction.
pub(crate) fn make_view(
    session: &Session<'_>,
    table: &TableName,
    definition: &TableDefinition,
) -> Result<(), WarehouseError> {
    let columns: Vec<_> = definition.schema.iter().map(|field| quote(&field.name)).collect();
    let sql = format!(
        "CREATE OR REPLACE VIEW {} AS SELECT {} FROM {}.{INTERNAL}.{}",
        quote_table(&table.without_decorator()),
        columns.join(", "),
        quote(&table.project),
        quote(&storage_name(table))
    );
    session.execute(&sql, [])?;
    Ok(())
}

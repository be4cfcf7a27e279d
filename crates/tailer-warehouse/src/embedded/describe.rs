//! Datasets and tables for people who look through them. Reads DuckDB's own catalogue and the register; never waits for a job:
//! readers see the last committed state.
//!
//! Rows are counted where that takes no time, otherwise told as DuckDB keeps them, which includes rows that were deleted and not
//! swept yet. Bytes are worked out from where the pieces of a table stand in its file: DuckDB packs them into blocks and notes
//! where each begins, not where it ends. When a table was made or changed is not recorded here.

use std::collections::BTreeSet;

use super::{
    errors::{invalid, unsupported},
    ingestion,
    instance::text,
    job_table::INTERNAL,
    script::fetch_rows,
    session::Session,
    tables,
};
use crate::{
    Column, Count, Listed, Rows, TableDescription, TableKind, TableName, WarehouseError,
    googlesql::{quote, quote_table},
};

/// Counting so many takes DuckDB a few milliseconds.
const COUNTED_UP_TO: u64 = 10_000_000;

/// DuckDB's block.
const BLOCK: u64 = 262_144;

/// Names of a project's datasets, sorted.
pub(super) fn datasets(session: &Session<'_>, project: &str) -> Result<Vec<String>, WarehouseError> {
    if !session.instance.has_project(project) {
        return Ok(Vec::new());
    }
    super::facts::datasets(session, project)
}

pub(super) fn list(session: &Session<'_>, project: &str, dataset: &str) -> Result<Vec<Listed>, WarehouseError> {
    let names = tables::names(session, project, dataset)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let views: BTreeSet<String> = session
        .rows(
            "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND schema_name = ?",
            [project, dataset],
            |row| row.get(0),
        )?
        .into_iter()
        .collect();
    // What is partitioned by ingestion time is a table to its users, though they see it through a view.
    let hidden: BTreeSet<String> = session
        .rows(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?",
            [project, INTERNAL],
            |row| row.get(0),
        )?
        .into_iter()
        .collect();
    let listed = |name: String| {
        let is_view = views.contains(&name) && !hidden.contains(&format!("{dataset}.{name}"));
        Listed { kind: if is_view { TableKind::View } else { TableKind::Table }, name }
    };
    Ok(names.into_iter().map(listed).collect())
}

pub(super) fn describe(session: &Session<'_>, wanted: &[TableName]) -> Result<Vec<TableDescription>, WarehouseError> {
    let mut found = Vec::new();
    for table in wanted {
        session.check()?;
        found.extend(one(session, &table.without_decorator())?);
    }
    Ok(found)
}

fn one(session: &Session<'_>, table: &TableName) -> Result<Option<TableDescription>, WarehouseError> {
    let Some(registered) = tables::lookup(session, table)? else { return Ok(None) };
    let expires = registered.expires;
    let ingested = ingestion::is_ingestion_time(&registered.definition);
    let is_view = !ingested && tables::is_view(session, table)?;
    let definition = match tables::definition(session, table, registered.clone()) {
        // A view whose tables are gone: it is there all the same.
        Err(error) if is_view && !matches!(error, WarehouseError::Cancelled) => registered.definition,
        definition => definition?,
    };
    let (rows, bytes) = match is_view {
        true => (None, None),
        false => {
            let storage = tables::storage(table, &definition);
            let hidden = ingested.then(|| (INTERNAL.to_owned(), ingestion::storage_name(table)));
            let (schema, name) = hidden.unwrap_or_else(|| (table.dataset.clone(), table.table.clone()));
            let rows = rows(session, [&table.project, &schema, &name], &storage)?;
            (rows, Some(Count::About(bytes(session, &storage)?)))
        }
    };
    let kind = if is_view { TableKind::View } else { TableKind::Table };
    Ok(Some(TableDescription {
        name: table.clone(),
        kind,
        definition,
        rows,
        bytes,
        created: None,
        modified: None,
        expires,
    }))
}

fn rows(session: &Session<'_>, place: [&String; 3], storage: &str) -> Result<Option<Count>, WarehouseError> {
    let about = session.rows(
        "SELECT estimated_size FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
        place,
        |row| row.get::<_, Option<u64>>(0),
    )?;
    let Some(about) = about.into_iter().next().flatten() else { return Ok(None) };
    if about > COUNTED_UP_TO {
        return Ok(Some(Count::About(about)));
    }
    let counted = session.rows(&format!("SELECT count(*) FROM {storage}"), [], |row| row.get(0))?;
    Ok(counted.first().copied().map(Count::Exact))
}

/// Each piece reaches to the next of the same table in its block. The last of a block is taken for as long as its values are
/// uncompressed, if that fits; a text for half of the longest. Pieces that are not written to the file yet count the same way.
fn bytes(session: &Session<'_>, storage: &str) -> Result<u64, WarehouseError> {
    let sql = format!(
        "SELECT CAST(coalesce(sum(
             CASE WHEN compression IN ('Constant', 'Empty Validity') THEN 0
                  WHEN NOT persistent THEN plain
                  WHEN next IS NOT NULL THEN next - block_offset
                  ELSE least(plain, {BLOCK} - block_offset) END
             + {BLOCK} * len(coalesce(additional_block_ids, []))), 0) AS UBIGINT)
         FROM (
             SELECT *, lead(block_offset) OVER (PARTITION BY persistent, block_id ORDER BY block_offset) AS next,
                 count * CASE WHEN segment_type IN ('VALIDITY', 'BOOLEAN') THEN 0.125 WHEN segment_type = 'VARCHAR' THEN 4 + longest / 2
                              WHEN segment_type IN ('INTEGER', 'DATE', 'FLOAT') THEN 4
                              WHEN segment_type IN ('HUGEINT', 'INTERVAL', 'BLOB') THEN 16 ELSE 8 END AS plain
             FROM (SELECT *, coalesce(TRY_CAST(regexp_extract(stats, 'Max String Length: ([0-9]+)', 1) AS BIGINT), 24) AS longest
                   FROM pragma_storage_info({})))",
        text(storage)
    );
    Ok(session.rows(&sql, [], |row| row.get(0))?.first().copied().unwrap_or(0))
}

pub(super) fn preview(
    session: &Session<'_>,
    table: &TableName,
    columns: &[String],
    limit: usize,
) -> Result<Rows, WarehouseError> {
    let Some(described) = one(session, &table.without_decorator())? else {
        return Err(WarehouseError::NotFound(format!("table {table}")));
    };
    if !described.kind.has_rows() {
        return Err(unsupported(format!("showing rows of a {}", described.kind.as_str())));
    }
    if columns.is_empty() {
        return Ok(Rows::default());
    }
    let stored = tables::columns(session, &described.name)?;
    let mut wanted = Vec::with_capacity(columns.len());
    for column in columns {
        let found = stored.iter().find(|stored| stored.name == *column);
        let found = found.ok_or_else(|| invalid(format!("table {table} has no column `{column}`")))?;
        wanted.push((found.name.clone(), found.column_type.clone()));
    }
    let names: Vec<String> = columns.iter().map(|column| quote(column)).collect();
    let sql = format!("SELECT {} FROM {} LIMIT {limit}", names.join(", "), quote_table(&described.name));
    let rows = fetch_rows(session, &sql, &wanted, limit)?;
    let columns = wanted.into_iter().map(|(name, of)| Column { name, column_type: of.to_string() });
    Ok(Rows { columns: columns.collect(), rows, cost: None })
}

//! Tables and what is known of them. DuckDB keeps columns, NOT NULL and comments; what it has no word for
//! (partitioning, clustering, nested descriptions, expiry) stands in the project's internal `tables`, written in the
//! same transaction. That register also holds every table's exact name: BigQuery's names are case-sensitive, DuckDB's
//! are not.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::operation::ddl::{Field, Mode, Partitioning, TableDefinition};

use super::{
    errors::{invalid, unsupported},
    ingestion,
    instance::text,
    job_table::INTERNAL,
    session::Session,
    types::Type,
};
use crate::{
    TableInfo, TableName, WarehouseError,
    googlesql::{quote, quote_table},
};

/// A table's line in the register.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) definition: TableDefinition,
    pub(crate) expires: Option<Timestamp>,
}

/// A column as DuckDB stores it.
#[derive(Debug, Clone)]
pub(crate) struct StoredColumn {
    pub(crate) name: String,
    pub(crate) column_type: Type,
    pub(crate) required: bool,
}

/// The register's line of a table or view, by its exact name.
pub(crate) fn lookup(session: &Session<'_>, table: &TableName) -> Result<Option<Registered>, WarehouseError> {
    if !session.instance.has_project(&table.project) || table.dataset.eq_ignore_ascii_case(INTERNAL) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT definition, epoch_ms(expires) FROM {}.{INTERNAL}.tables WHERE dataset = ? AND table_name = ?",
        quote(&table.project)
    );
    let rows = session.rows(&sql, [&table.dataset, &table.table], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
    })?;
    let Some((definition, expires)) = rows.into_iter().next() else { return Ok(None) };
    let definition = serde_json::from_str(&definition)
        .map_err(|error| WarehouseError::Internal(format!("the definition of {table} cannot be read: {error}")))?;
    let expires = expires.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
    Ok(Some(Registered { definition, expires }))
}

/// Columns of a table or view, in order.
pub(crate) fn columns(session: &Session<'_>, table: &TableName) -> Result<Vec<StoredColumn>, WarehouseError> {
    describe(session, &quote_table(table))
}

/// Columns of anything that DESCRIBE takes: a quoted table or a query.
pub(crate) fn describe(session: &Session<'_>, what: &str) -> Result<Vec<StoredColumn>, WarehouseError> {
    let raw = session.rows(&format!("DESCRIBE {what}"), [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
    })?;
    raw.into_iter()
        .map(|(name, duckdb_type, null)| {
            let column_type = Type::from_duckdb(&duckdb_type)?;
            Ok(StoredColumn { name, column_type, required: null.as_deref() == Some("NO") })
        })
        .collect()
}

/// Names of a dataset's tables and views, sorted.
pub(crate) fn names(session: &Session<'_>, project: &str, dataset: &str) -> Result<Vec<String>, WarehouseError> {
    if !session.instance.has_project(project) {
        return Ok(Vec::new());
    }
    let sql =
        format!("SELECT table_name FROM {}.{INTERNAL}.tables WHERE dataset = ? ORDER BY table_name", quote(project));
    session.rows(&sql, [dataset], |row| row.get(0))
}

/// Everything known of a table, its rows counted.
pub(crate) fn info(session: &Session<'_>, table: &TableName) -> Result<Option<TableInfo>, WarehouseError> {
    let Some(registered) = lookup(session, table)? else { return Ok(None) };
    let expires = registered.expires;
    let definition = definition(session, table, registered)?;
    let counted = session.rows(&format!("SELECT count(*) FROM {}", quote_table(table)), [], |row| row.get(0))?;
    let rows = counted.first().copied().unwrap_or(0);
    Ok(Some(TableInfo { name: table.without_decorator(), definition, rows, expires }))
}

/// What a registered table looks like by now.
pub(crate) fn definition(
    session: &Session<'_>,
    table: &TableName,
    registered: Registered,
) -> Result<TableDefinition, WarehouseError> {
    let (description, comments) = comments(session, table, &registered.definition)?;
    let ingested = ingestion::is_ingestion_time(&registered.definition);
    let stored = match ingested {
        true => describe(session, &storage(table, &registered.definition))?,
        false => columns(session, table)?,
    };
    let schema = stored
        .into_iter()
        .filter(|column| !(ingested && column.name == ingestion::COLUMN))
        .map(|column| field(column, &registered.definition, &comments))
        .collect();
    Ok(TableDefinition { description, schema, ..registered.definition })
}

/// One stored column as a DDL file would declare it. What was declared nested is kept as long as the type still fits.
fn field(column: StoredColumn, declared: &TableDefinition, comments: &HashMap<String, String>) -> Field {
    let declared =
        declared.schema.iter().find(|field| field.name == column.name && Type::of_field(field) == column.column_type);
    let mut field = declared.cloned().unwrap_or_else(|| column.column_type.to_field(&column.name));
    if field.mode != Mode::Repeated {
        field.mode = if column.required { Mode::Required } else { Mode::Nullable };
    }
    field.description = comments.get(&column.name).cloned();
    field
}

type Comments = (Option<String>, HashMap<String, String>);

fn comments(
    session: &Session<'_>,
    table: &TableName,
    definition: &TableDefinition,
) -> Result<Comments, WarehouseError> {
    let (schema, name) = match ingestion::is_ingestion_time(definition) {
        true => (INTERNAL.to_owned(), ingestion::storage_name(table)),
        false => (table.dataset.clone(), table.table.clone()),
    };
    let place = "database_name = ? AND schema_name = ?";
    let of_table = session.rows(
        &format!(
            "SELECT comment FROM duckdb_tables() WHERE {place} AND table_name = ?
             UNION ALL SELECT comment FROM duckdb_views() WHERE {place} AND view_name = ?"
        ),
        [&table.project, &schema, &name, &table.project, &schema, &name],
        |row| row.get::<_, Option<String>>(0),
    )?;
    let of_columns = session.rows(
        &format!(
            "SELECT column_name, comment FROM duckdb_columns()
             WHERE {place} AND table_name = ? AND comment IS NOT NULL"
        ),
        [&table.project, &schema, &name],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?)),
    )?;
    let of_columns = of_columns.into_iter().filter_map(|(name, comment)| Some((name, comment?))).collect();
    Ok((of_table.into_iter().next().flatten(), of_columns))
}

/// The SQL name of where a table's rows are: the table itself, or the hidden one behind an ingestion-time view.
pub(crate) fn storage(table: &TableName, definition: &TableDefinition) -> String {
    match ingestion::is_ingestion_time(definition) {
        true => format!("{}.{INTERNAL}.{}", quote(&table.project), quote(&ingestion::storage_name(table))),
        false => quote_table(&table.without_decorator()),
    }
}

/// Makes an empty table, and its dataset, inside the running transaction.
pub(crate) fn create(
    session: &Session<'_>,
    table: &TableName,
    definition: &TableDefinition,
    expires: Option<Timestamp>,
) -> Result<(), WarehouseError> {
    check_definition(table, definition)?;
    ensure_dataset(session, table)?;
    refuse_other_case(session, table)?;
    let mut columns: Vec<_> = definition.schema.iter().map(column_sql).collect();
    let ingested = ingestion::is_ingestion_time(definition);
    if ingested {
        columns.push(format!("{} TIMESTAMPTZ", quote(ingestion::COLUMN)));
    }
    let storage = storage(table, definition);
    session.execute(&format!("CREATE TABLE {storage} ({})", columns.join(", ")), [])?;
    if ingested {
        ingestion::make_view(session, table, definition)?;
    }
    describe_table(session, &storage, definition)?;
    register(session, table, definition, expires)
}

/// Gives a table and its columns their descriptions.
pub(crate) fn describe_table(
    session: &Session<'_>,
    storage: &str,
    definition: &TableDefinition,
) -> Result<(), WarehouseError> {
    if let Some(description) = &definition.description {
        session.execute(&format!("COMMENT ON TABLE {storage} IS {}", text(description)), [])?;
    }
    definition.schema.iter().try_for_each(|field| comment_column(session, storage, field))
}

pub(crate) fn comment_column(session: &Session<'_>, storage: &str, field: &Field) -> Result<(), WarehouseError> {
    if let Some(description) = &field.description {
        let column = format!("{storage}.{}", quote(&field.name));
        session.execute(&format!("COMMENT ON COLUMN {column} IS {}", text(description)), [])?;
    }
    Ok(())
}

pub(crate) fn column_sql(field: &Field) -> String {
    let required = if field.mode == Mode::Required { " NOT NULL" } else { "" };
    format!("{} {}{required}", quote(&field.name), Type::of_field(field).to_duckdb())
}

/// Sees to it that the running transaction has the dataset of a table.
pub(crate) fn ensure_dataset(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    if table.dataset.eq_ignore_ascii_case(INTERNAL) {
        return Err(invalid(format!("dataset `{INTERNAL}` is the warehouse's own: choose another name")));
    }
    let found = session.rows(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND lower(schema_name) = lower(?)",
        [&table.project, &table.dataset],
        |row| row.get::<_, String>(0),
    )?;
    match found.first() {
        Some(name) if *name == table.dataset || matches!(name.as_str(), "main" | "pg_catalog") => Ok(()),
        Some(other) => Err(unsupported(format!(
            "datasets that differ in letter case only: `{other}` and `{}` of project `{}`",
            table.dataset, table.project
        ))),
        None => session.make_dataset(&table.project, &table.dataset),
    }
}

/// DuckDB would take `Sales` for `sales` and overwrite it; BigQuery has both.
pub(crate) fn refuse_other_case(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    let sql = format!(
        "SELECT table_name FROM {}.{INTERNAL}.tables
         WHERE dataset = ? AND lower(table_name) = lower(?) AND table_name <> ?",
        quote(&table.project)
    );
    let found = session.rows(&sql, [&table.dataset, &table.table, &table.table], |row| row.get::<_, String>(0))?;
    match found.first() {
        Some(other) => Err(unsupported(format!(
            "tables that differ in letter case only: `{other}` and `{}` of dataset `{}`",
            table.table, table.dataset
        ))),
        None => Ok(()),
    }
}

/// Writes a table's line in the register, replacing an older one.
pub(crate) fn register(
    session: &Session<'_>,
    table: &TableName,
    definition: &TableDefinition,
    expires: Option<Timestamp>,
) -> Result<(), WarehouseError> {
    let json = serde_json::to_string(definition)
        .map_err(|error| WarehouseError::Internal(format!("cannot record the definition of {table}: {error}")))?;
    let sql =
        format!("INSERT OR REPLACE INTO {}.{INTERNAL}.tables VALUES (?, ?, ?, ?::TIMESTAMPTZ)", quote(&table.project));
    session.execute(&sql, duckdb::params![table.dataset, table.table, json, expires.map(|at| at.to_string())])?;
    Ok(())
}

pub(crate) fn unregister(session: &Session<'_>, table: &TableName) -> Result<(), WarehouseError> {
    let sql = format!("DELETE FROM {}.{INTERNAL}.tables WHERE dataset = ? AND table_name = ?", quote(&table.project));
    session.execute(&sql, [&table.dataset, &table.table])?;
    Ok(())
}

/// Drops a registered table inside the running transaction; `false` when there is none.
pub(crate) fn drop_table(session: &Session<'_>, table: &TableName) -> Result<bool, WarehouseError> {
    let Some(registered) = lookup(session, table)? else { return Ok(false) };
    let name = quote_table(&table.without_decorator());
    if is_view(session, table)? {
        session.execute(&format!("DROP VIEW IF EXISTS {name}"), [])?;
    }
    session.execute(&format!("DROP TABLE IF EXISTS {}", storage(table, &registered.definition)), [])?;
    unregister(session, table)?;
    Ok(true)
}

/// Takes tables of datasets that are gone off the register, and their procedures with them.
pub(crate) fn forget_missing_datasets(session: &Session<'_>, project: &str) -> Result<(), WarehouseError> {
    let procedures = format!(
        "DELETE FROM {}.{INTERNAL}.procedures
         WHERE dataset NOT IN (SELECT schema_name FROM duckdb_schemas() WHERE database_name = ?)",
        quote(project)
    );
    session.execute(&procedures, [project])?;
    let sql = format!(
        "SELECT dataset, table_name FROM {}.{INTERNAL}.tables
         WHERE dataset NOT IN (SELECT schema_name FROM duckdb_schemas() WHERE database_name = ?)",
        quote(project)
    );
    let gone = session.rows(&sql, [project], |row| {
        Ok(TableName { project: project.to_owned(), dataset: row.get(0)?, table: row.get(1)?, decorator: None })
    })?;
    for table in gone {
        if let Some(registered) = lookup(session, &table)?
            && ingestion::is_ingestion_time(&registered.definition)
        {
            session.execute(&format!("DROP TABLE IF EXISTS {}", storage(&table, &registered.definition)), [])?;
        }
        unregister(session, &table)?;
    }
    Ok(())
}

pub(crate) fn is_view(session: &Session<'_>, table: &TableName) -> Result<bool, WarehouseError> {
    let found = session.rows(
        "SELECT 1 FROM duckdb_views() WHERE database_name = ? AND schema_name = ? AND view_name = ?",
        [&table.project, &table.dataset, &table.table],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(!found.is_empty())
}

/// Brings the register in line after a DDL statement of the user's.
pub(crate) fn after_ddl(session: &Session<'_>, table: &TableName, made_anew: bool) -> Result<(), WarehouseError> {
    let exists = match describe(session, &quote_table(table)) {
        Ok(_) => true,
        // A column type that only DuckDB has: refused, so that the statement leaves nothing behind.
        Err(error @ (WarehouseError::Unsupported { .. } | WarehouseError::Cancelled)) => return Err(error),
        Err(_) => false,
    };
    match (exists, lookup(session, table)?) {
        (false, _) => unregister(session, table),
        (true, Some(_)) if !made_anew => Ok(()),
        (true, _) => {
            refuse_other_case(session, table)?;
            register(session, table, &TableDefinition::default(), None)
        }
    }
}

pub(crate) fn check_definition(table: &TableName, definition: &TableDefinition) -> Result<(), WarehouseError> {
    if definition.schema.is_empty() {
        return Err(invalid(format!("table {table} would have no columns")));
    }
    let mut seen = HashMap::new();
    for field in &definition.schema {
        if let Some(other) = seen.insert(field.name.to_lowercase(), &field.name) {
            return Err(invalid(format!("table {table} has column `{}` twice (also `{other}`)", field.name)));
        }
        check_field(field)?;
    }
    for name in &definition.clustering {
        if !seen.contains_key(&name.to_lowercase()) {
            return Err(invalid(format!("table {table} is clustered by `{name}`, which is not one of its columns")));
        }
    }
    let field = |name: &String| definition.schema.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    let partitioned_by = match &definition.partitioning {
        None | Some(Partitioning::Time { field: None, .. }) => return Ok(()),
        Some(Partitioning::Time { field, .. }) => field.iter().next(),
        Some(Partitioning::Range { field, .. }) => Some(field),
    };
    let Some(name) = partitioned_by else { return Ok(()) };
    match field(name) {
        Some(field) => super::partition::check_column(table, field, definition),
        None => Err(invalid(format!("table {table} is partitioned by `{name}`, which is not one of its columns"))),
    }
}

fn check_field(field: &Field) -> Result<(), WarehouseError> {
    use tailer_model::operation::ddl::FieldType;
    if field.name.is_empty() || field.name.len() > 300 {
        return Err(invalid(format!("`{}` is not a column name: 1 to 300 characters", field.name)));
    }
    if field.name.starts_with("_PARTITION") || field.name.starts_with("_TABLE_") {
        return Err(invalid(format!("`{}` is not a column name: that prefix is reserved", field.name)));
    }
    match (field.field_type, field.fields.is_empty()) {
        (FieldType::Record, true) => Err(invalid(format!("RECORD column `{}` has no `fields`", field.name))),
        _ => field.fields.iter().try_for_each(check_field),
    }
}

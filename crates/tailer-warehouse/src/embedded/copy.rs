//! Copying a table: rows, and for a table made by it also the description, schema, partitioning and clustering.

use tailer_model::operation::WriteDisposition;

use super::{
    ingestion,
    query::once,
    session::Session,
    tables::{self, Registered},
    write::{self, Source, Target},
};
use crate::{
    Copy, Outcome, Statistics, TableInfo, WarehouseError, WarehouseJobId,
    googlesql::{quote, quote_table},
};

/// Runs a copy job. `WRITE_TRUNCATE` replaces the destination with its schema, as BigQuery's copies do.
pub(crate) fn run(session: &Session<'_>, id: &WarehouseJobId, copy: &Copy) -> Result<Outcome, WarehouseError> {
    copy.source.check()?;
    once(session, Some(id), "copy", &copy.destination, || {
        let missing = || WarehouseError::NotFound(format!("table {}", copy.source));
        let registered = tables::lookup(session, &copy.source)?.ok_or_else(missing)?;
        let info = tables::info(session, &copy.source)?.ok_or_else(missing)?;
        let rows = copy_rows(session, copy, &registered, &info)?;
        let statistics = Statistics { rows: Some(rows), ..Statistics::default() };
        Ok(Outcome { statistics, ..Outcome::default() })
    })
}

fn copy_rows(
    session: &Session<'_>,
    copy: &Copy,
    registered: &Registered,
    info: &TableInfo,
) -> Result<u64, WarehouseError> {
    let onto_itself = copy.source.without_decorator() == copy.destination.without_decorator();
    if onto_itself {
        return Err(super::errors::invalid(format!("table {} cannot be copied onto itself", copy.source)));
    }
    if !ingestion::is_ingestion_time(&info.definition) && tables::is_view(session, &copy.source)? {
        return Err(super::errors::invalid(format!("{} is a view: copies are made of tables", copy.source)));
    }
    let sql = source_sql(copy, registered)?;
    let target = Target {
        table: &copy.destination,
        disposition: copy.write_disposition,
        replace_schema: copy.write_disposition == WriteDisposition::Truncate,
        expires_after: None,
    };
    let whole = copy.destination.decorator.is_none();
    let replaced = whole && target.replace_schema && tables::drop_table(session, &copy.destination)?;
    let exists = !replaced && tables::lookup(session, &copy.destination)?.is_some();
    if whole && !exists {
        tables::create(session, &copy.destination, &info.definition, None)?;
        if ingestion::is_ingestion_time(&info.definition) {
            return copy_ingested(session, copy, registered, info);
        }
    }
    let columns = tables::columns(session, &copy.source)?;
    let columns = columns.into_iter().map(|column| (column.name, column.column_type)).collect();
    let target = Target { replace_schema: false, ..target };
    write::write_query(session, &Source { sql: &sql, columns }, &target)
}

fn source_sql(copy: &Copy, registered: &Registered) -> Result<String, WarehouseError> {
    let columns: Vec<_> = registered.definition.schema.iter().map(|field| quote(&field.name)).collect();
    Ok(match super::partition::named(&copy.source, &registered.definition)? {
        None => format!("SELECT * FROM {}", quote_table(&copy.source)),
        Some(partition) => {
            let storage = tables::storage(&copy.source, &registered.definition);
            let columns = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
            format!("SELECT {columns} FROM {storage} WHERE {}", partition.condition)
        }
    })
}

/// Rows keep the partitions they had.
fn copy_ingested(
    session: &Session<'_>,
    copy: &Copy,
    registered: &Registered,
    info: &TableInfo,
) -> Result<u64, WarehouseError> {
    let condition = super::partition::named(&copy.source, &registered.definition)?;
    let sql = format!(
        "INSERT INTO {} BY NAME SELECT * FROM {} WHERE {}",
        tables::storage(&copy.destination, &info.definition),
        tables::storage(&copy.source, &registered.definition),
        condition.map_or("true".to_owned(), |partition| partition.condition)
    );
    session.execute(&sql, [])
}

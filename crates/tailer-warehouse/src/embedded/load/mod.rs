//! Load jobs: files into a table, all or nothing, in the transaction that also records the job.
//!
//! CSV and JSON lines are read here, by BigQuery's rules, so that an error names file, line and column; DuckDB gets
//! typed batches. Parquet is DuckDB's. AVRO is not supported.

mod batch;
mod builder;
mod csv;
mod input;
mod json;
mod parquet;
mod parse;
mod rows;
mod schema;
mod target;

use std::fs;

use tailer_model::operation::{ddl::Field, storage_to_tables::SourceFormat};

use super::{
    errors::unsupported,
    ingestion,
    query::once,
    session::Session,
    write::{self, Target},
};
use crate::{Load, Outcome, RejectedLine, Statistics, WarehouseError, WarehouseJobId, googlesql::quote};

/// A table by the names that DuckDB's appender takes.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) project: String,
    pub(crate) schema: String,
    pub(crate) table: String,
}

/// What loading files came to.
#[derive(Debug, Default)]
struct Loaded {
    rows: u64,
    bad: u64,
    rejected: Vec<RejectedLine>,
}

/// Runs a load job.
pub(crate) fn run(session: &Session<'_>, id: &WarehouseJobId, load: &Load) -> Result<Outcome, WarehouseError> {
    once(session, Some(id), "load", &load.table, || {
        let loaded = match load.options.source_format {
            SourceFormat::Csv => csv_files(session, load)?,
            SourceFormat::Json => json_files(session, load)?,
            SourceFormat::Parquet => parquet::load(session, load)?,
            SourceFormat::Avro => {
                return Err(unsupported("loading AVRO files (convert them to CSV, JSON lines or Parquet)"));
            }
        };
        let bytes = load.files.iter().filter_map(|path| fs::metadata(path).ok()).map(|data| data.len()).sum();
        let statistics = Statistics {
            rows: Some(loaded.rows),
            bytes: Some(bytes),
            rejected_rows: loaded.bad,
            ..Statistics::default()
        };
        Ok(Outcome { statistics, rejected: loaded.rejected, ..Outcome::default() })
    })
}

fn csv_files(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let options = &load.options;
    let dialect =
        csv::Dialect::new(&options.field_delimiter, options.quote_character.as_deref(), options.allow_quoted_newlines)?;
    let first = load.files.first().map(std::path::PathBuf::as_path);
    let schema = schema::of_csv(&load.schema, first, dialect, options)?;
    into_table(session, load, &schema.fields, |batcher| rows::load_csv(batcher, load, &schema, dialect))
}

fn json_files(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let fields = json::schema(load)?;
    into_table(session, load, &fields, |batcher| json::load(batcher, load, &fields))
}

/// Makes or opens the table, lets `read` append the files' rows, and settles what was there before.
fn into_table(
    session: &Session<'_>,
    load: &Load,
    fields: &[Field],
    read: impl FnOnce(&mut batch::Batcher<'_>) -> Result<(), WarehouseError>,
) -> Result<Loaded, WarehouseError> {
    let mut fields = fields.to_vec();
    fields.extend(load.added_columns.iter().map(|(field, _)| field.clone()));
    let opened = target::open(session, load, &fields)?;
    let place = target::place(&load.table, &opened);
    let columns = target::columns(&fields, &opened)?;
    let mut batcher = batch::Batcher::new(session, &place, columns, load.options.max_bad_records)?;
    read(&mut batcher)?;
    batcher.finish()?;
    let loaded = Loaded { rows: batcher.rows, bad: batcher.bad, rejected: std::mem::take(&mut batcher.rejected) };
    drop(batcher);
    if let Some(at) = &opened.ingested_at {
        let column = quote(ingestion::COLUMN);
        session.execute(&format!("UPDATE {} SET {column} = {at} WHERE {column} IS NULL", opened.storage), [])?;
    }
    write::finish(session, &opened, &destination(load))?;
    Ok(loaded)
}

fn destination(load: &Load) -> Target<'_> {
    Target {
        table: &load.table,
        disposition: load.options.write_disposition,
        replace_schema: false,
        expires_after: None,
    }
}

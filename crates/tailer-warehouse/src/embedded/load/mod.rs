//! Load jobs: files into a table, all or nothing, in the transaction that also records the job.
//!
//! CSV and JSON lines are read here, by BigQuery's rules, so that an error names file, line and column; DuckDB's threads call
//! the reader and get typed batches (see [`feed`]). Parquet is DuckDB's to read, Avro is [`avro`]'s; what their columns
//! become is decided in [`columnar`].

mod avro;
mod blocks;
mod builder;
mod columnar;
pub(crate) mod csv;
mod csv_rows;
mod detect;
pub(crate) mod feed;
pub(crate) mod input;
mod json;
mod moments;
mod parquet;
mod parse;
mod reader;
mod rejects;
pub(crate) mod schema;
mod target;

use std::{fs, sync::Arc};

use tailer_model::operation::{ddl::Field, storage_to_tables::SourceFormat};

use self::{
    blocks::{Blocks, Framing},
    csv_rows::CsvRows,
    feed::Feed,
    json::JsonRows,
    reader::{Format, Reader},
};
use super::{
    errors::invalid,
    instance::text,
    query::once,
    session::Session,
    types::Type,
    write::{self, Source, Target},
};
use crate::{Load, LoadSchema, Outcome, RejectedLine, Statistics, WarehouseError, WarehouseJobId};

/// What loading files came to.
#[derive(Debug, Default)]
struct Loaded {
    rows: u64,
    bad: u64,
    rejected: Vec<RejectedLine>,
}

/// Runs a load job.
pub(crate) fn run(session: &Session<'_>, id: &WarehouseJobId, load: &Load) -> Result<Outcome, WarehouseError> {
    if let Some(object) = load.objects.first() {
        return Err(invalid(format!("the embedded warehouse reads files of this machine, not {}", object.location)));
    }
    once(session, Some(id), "load", &load.table, || {
        let loaded = match load.options.source_format {
            SourceFormat::Csv => csv_files(session, load)?,
            SourceFormat::Json => json_files(session, load)?,
            SourceFormat::Parquet => parquet::load(session, load)?,
            SourceFormat::Avro => avro::load(session, load)?,
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
    if let Some(nested) =
        schema.fields.iter().find(|field| matches!(Type::of_field(field), Type::Array(_) | Type::Struct(_)))
    {
        return Err(invalid(format!(
            "column `{}` is {}, which a CSV file cannot hold: load JSON, Avro or Parquet",
            nested.name,
            Type::of_field(nested)
        )));
    }
    let blocks = Blocks::new(&load.files, schema::framing(dialect), schema.skip);
    into_table(session, load, &schema.fields, blocks, CsvRows::new(dialect, options))
}

fn json_files(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let fields = match (&load.schema, load.files.first()) {
        (LoadSchema::Given(fields), _) => fields.clone(),
        (LoadSchema::Header, _) => {
            return Err(invalid("JSON files have no header line: give a schema, or `autodetect`"));
        }
        (LoadSchema::Autodetect, Some(path)) => detect::json_schema(path)?,
        (LoadSchema::Autodetect, None) => return Err(invalid("there is no file to detect the schema from")),
    };
    let blocks = Blocks::new(&load.files, Framing::Lines, 0);
    let format = JsonRows { ignore_unknown_values: load.options.ignore_unknown_values };
    into_table(session, load, &fields, blocks, format)
}

/// Makes or opens the table, fills it with the files' rows, and settles what was there before.
fn into_table<F: Format + 'static>(
    session: &Session<'_>,
    load: &Load,
    fields: &[Field],
    blocks: Blocks,
    format: F,
) -> Result<Loaded, WarehouseError> {
    let opened = target::open(session, load, &with_added(load, fields))?;
    let columns = target::columns(fields, &opened);
    let mut source: Vec<_> = columns.iter().map(|column| (column.name.clone(), Type::of_field(column))).collect();
    let reader = Arc::new(Reader::new(format, blocks, columns, load.options.max_bad_records)?);
    let feed = Feed::new(reader.clone());
    let sql = feed.query(&format!("f.*{}", added(load, &mut source)));
    let inserted = write::insert(session, &Source { sql: &sql, columns: source }, &opened, &load.table);
    let rows = inserted.map_err(|error| feed.failure().unwrap_or(error))?;
    let (bad, rejected) = reader.settle()?;
    write::finish(session, &opened, &destination(load))?;
    Ok(Loaded { rows, bad, rejected })
}

/// The load's fields and the constant columns behind them.
fn with_added(load: &Load, fields: &[Field]) -> Vec<Field> {
    fields.iter().chain(load.added_columns.iter().map(|(field, _)| field)).cloned().collect()
}

/// The constant columns as SQL, to be selected behind the others; they are entered in `columns`.
fn added(load: &Load, columns: &mut Vec<(String, Type)>) -> String {
    let mut selected = String::new();
    for (field, constant) in &load.added_columns {
        let column_type = Type::of_field(field);
        selected.push_str(&format!(", CAST({} AS {})", text(constant), column_type.to_duckdb()));
        columns.push((field.name.clone(), column_type));
    }
    selected
}

fn destination(load: &Load) -> Target<'_> {
    Target {
        table: &load.table,
        disposition: load.options.write_disposition,
        replace_schema: false,
        expires_after: None,
    }
}

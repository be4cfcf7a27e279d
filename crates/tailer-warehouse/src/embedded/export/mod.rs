//! Export jobs: a query's rows into numbered files of a folder, in BigQuery's text forms.
//!
//! Files are written in the warehouse's scratch folder and moved when they are whole, so a failed export leaves nothing
//! behind and a repeated one overwrites. DuckDB writes Parquet itself; CSV, JSON lines and Avro are encoded here, by several
//! threads, in the order of the query (see [`pipeline`]).

mod avro;
mod cell;
mod csv;
pub(crate) mod files;
mod json;
mod parquet;
mod pipeline;
pub(crate) mod text;

use std::thread;

use tailer_model::operation::table_to_storage::{Compression, DestinationFormat};

use self::{
    csv::Csv,
    files::{Part, Plain, Scratch, Splitter},
    json::Json,
};
use super::{
    EmbeddedSettings, cells,
    errors::{at_statement, invalid},
    query::result_columns,
    script::{self, Tail},
    session::Session,
    types::Type,
};
use crate::{
    Export, Outcome, Statistics, WarehouseError, WarehouseJobId,
    googlesql::{self, Statement, Translated},
};

/// BigQuery splits "near 1 GB".
const FILE_BYTES: u64 = 1_000_000_000;

/// A query that is ready to be written.
#[derive(Debug)]
struct Content<'a> {
    sql: &'a str,
    columns: &'a [(String, Type)],
}

/// Runs an export job. The query may be a script, whose statements have their effects once each; the rows of the last
/// one are exported.
pub(crate) fn run(
    session: &Session<'_>,
    id: &WarehouseJobId,
    export: &Export,
    settings: &EmbeddedSettings,
) -> Result<Outcome, WarehouseError> {
    check(export)?;
    let (statement, translated) = last_query(session, id, export)?;
    let started = jiff::Timestamp::now();
    let write = || {
        let columns = result_columns(session, &translated)?;
        let content = Content { sql: &translated.sql, columns: &columns };
        let scratch = Scratch::new(session.instance)?;
        let limit = settings.export_file_bytes.unwrap_or(FILE_BYTES);
        let parts = match export.format {
            DestinationFormat::Parquet => parquet::write(session, export.compression, &content, &scratch, limit)?,
            _ => records(session, id, export, &content, &scratch, settings)?,
        };
        session.check()?;
        scratch.publish(parts, export)
    };
    let files = write().map_err(|error| at_statement(error, &statement))?;
    let statistics = Statistics {
        rows: Some(files.iter().map(|file| file.rows).sum()),
        bytes: Some(files.iter().map(|file| file.bytes).sum()),
        started: Some(started),
        ended: Some(jiff::Timestamp::now()),
        executed_sql: Some(translated.sql.clone()),
        ..Statistics::default()
    };
    Ok(Outcome { statistics, files, ..Outcome::default() })
}

fn last_query(
    session: &Session<'_>,
    id: &WarehouseJobId,
    export: &Export,
) -> Result<(Statement, Translated), WarehouseError> {
    let nodes = googlesql::script::parse(&export.query.sql)?;
    if nodes.is_empty() {
        return Err(invalid("there is no SQL statement in the file"));
    }
    let mut last = None;
    script::run(session, Some(id), &export.query, &nodes, Tail::HandOver(&mut last))?;
    last.ok_or_else(|| invalid("the script's last statement gives no rows to export: it has to be a SELECT"))
}

/// What no warehouse can write.
pub(crate) fn check(export: &Export) -> Result<(), WarehouseError> {
    let name = &export.file_name;
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name.starts_with('.') {
        return Err(invalid(format!("`{name}` is not a file name")));
    }
    match (export.format, export.compression) {
        (DestinationFormat::Csv | DestinationFormat::NewlineDelimitedJson, Compression::Snappy) => {
            Err(invalid("SNAPPY compresses AVRO and PARQUET only: use GZIP or None"))
        }
        (DestinationFormat::Avro, Compression::Gzip) => Err(invalid("GZIP does not compress AVRO: use SNAPPY or None")),
        _ => Ok(()),
    }
}

/// Files of records that are encoded here.
fn records(
    session: &Session<'_>,
    id: &WarehouseJobId,
    export: &Export,
    content: &Content<'_>,
    scratch: &Scratch,
    settings: &EmbeddedSettings,
) -> Result<Vec<Part>, WarehouseError> {
    let threads = match settings.threads {
        Some(threads) => threads as usize,
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let limit = settings.export_file_bytes.unwrap_or(FILE_BYTES);
    let gzip = export.compression == Compression::Gzip;
    let columns = content.columns;
    let sql = cells::projected(content.sql, columns);
    let plain = |head| Splitter::new(scratch, Plain { head }, limit, gzip);
    match export.format {
        DestinationFormat::Csv => {
            let csv = Csv::new(columns, &export.field_delimiter)?;
            let mut files = plain(if export.print_header { csv.header() } else { Vec::new() })?;
            pipeline::run(session, &sql, &csv, threads, |records| files.write(records))?;
            files.finish()
        }
        DestinationFormat::NewlineDelimitedJson => {
            let mut files = plain(Vec::new())?;
            pipeline::run(session, &sql, &Json::new(columns), threads, |records| files.write(records))?;
            files.finish()
        }
        DestinationFormat::Avro => {
            let blocks = avro::Blocks::new(&avro::schema(columns)?, export.compression, id);
            let mut files = Splitter::new(scratch, blocks, limit, false)?;
            pipeline::run(session, &sql, &avro::Rows { columns }, threads, |records| files.write(records))?;
            files.finish()
        }
        DestinationFormat::Parquet => Err(WarehouseError::Internal("Parquet is no file of records".to_owned())),
    }
}

/// What BigQuery calls a field without a name.
fn nameless(index: usize) -> String {
    format!("_field_{}", index + 1)
}

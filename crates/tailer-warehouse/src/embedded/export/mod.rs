//! Export jobs: a query's rows into numbered files of a folder, in BigQuery's text forms.
//!
//! Files are written in the warehouse's scratch folder and moved when they are whole, so a failed export leaves nothing
//! behind and a repeated one overwrites. DuckDB writes CSV and Parquet itself; JSON lines are ours, see [`json`].

mod csv;
mod files;
mod json;

use tailer_model::operation::{
    ddl::FieldType,
    table_to_storage::{Compression, DestinationFormat},
};

use self::files::Scratch;
use super::{
    EmbeddedSettings,
    errors::{at_statement, invalid, unsupported},
    instance::text,
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
            DestinationFormat::Csv => csv::write(session, export, &content, &scratch, limit)?,
            DestinationFormat::NewlineDelimitedJson => json::write(session, export, &content, &scratch, limit)?,
            DestinationFormat::Parquet => parquet(session, export, &content, &scratch)?,
            DestinationFormat::Avro => return Err(unsupported("exporting AVRO")),
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

fn check(export: &Export) -> Result<(), WarehouseError> {
    let name = &export.file_name;
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name.starts_with('.') {
        return Err(invalid(format!("`{name}` is not a file name")));
    }
    match (export.format, export.compression) {
        (DestinationFormat::Csv | DestinationFormat::NewlineDelimitedJson, Compression::Snappy) => {
            Err(invalid("SNAPPY compresses AVRO and PARQUET only: use GZIP or None"))
        }
        _ => Ok(()),
    }
}

/// One file: its rows are in groups that readers can skip, and splitting it gains nothing below a gigabyte.
fn parquet(
    session: &Session<'_>,
    export: &Export,
    content: &Content<'_>,
    scratch: &Scratch,
) -> Result<Vec<files::Part>, WarehouseError> {
    let path = scratch.path(0);
    let codec = match export.compression {
        Compression::None => "uncompressed",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
    };
    if let Some((name, column_type)) = content.columns.iter().find(|(_, t)| t.holds_nested(FieldType::BigNumeric)) {
        return Err(unsupported(format!("column `{name}` of type {column_type} in a Parquet file")));
    }
    let places: Vec<_> = (0..content.columns.len()).map(|index| format!("c{index}")).collect();
    let values: Vec<_> = content
        .columns
        .iter()
        .zip(&places)
        .map(|((name, column_type), place)| {
            let value = match column_type {
                Type::Scalar(FieldType::BigNumeric) => format!("gs_bignumeric_to_decimal(q.{place})"),
                other => format!("CAST(q.{place} AS {})", other.to_duckdb()),
            };
            format!("{value} AS {}", googlesql::quote(name))
        })
        .collect();
    let sql = format!(
        "COPY (SELECT {} FROM (\n{}\n) AS q({})) TO {} (FORMAT parquet, COMPRESSION {codec})",
        values.join(", "),
        content.sql,
        places.join(", "),
        text(&path.to_string_lossy())
    );
    let rows = session.execute(&sql, [])?;
    Ok(vec![files::Part { path, rows }])
}

//! Parquet, written by DuckDB: one file, or several when it would be too large.

use tailer_model::operation::{ddl::FieldType, table_to_storage::Compression};

use super::{
    Content,
    files::{Part, Scratch, failed},
};
use crate::{
    WarehouseError,
    embedded::{errors::unsupported, instance::text, session::Session, types::Type},
    googlesql::quote,
};

pub(super) fn write(
    session: &Session<'_>,
    compression: Compression,
    content: &Content<'_>,
    scratch: &Scratch,
    limit: u64,
) -> Result<Vec<Part>, WarehouseError> {
    let codec = match compression {
        Compression::None => "uncompressed",
        Compression::Gzip => "gzip",
        Compression::Snappy => "snappy",
    };
    let copy = |query: &str, number: usize| {
        let path = scratch.path(number);
        let file = text(&path.to_string_lossy());
        let rows = session.execute(&format!("COPY ({query}) TO {file} (FORMAT parquet, COMPRESSION {codec})"), [])?;
        Ok::<_, WarehouseError>(Part { path, rows })
    };
    let whole = copy(&projected(content)?, 0)?;
    let bytes = whole.path.metadata().map_err(failed)?.len();
    let files = bytes.div_ceil(limit.max(1)).min(whole.rows);
    if files <= 1 {
        return Ok(vec![whole]);
    }
    // In the order of the query, which DuckDB's own splitting would not keep.
    let each = whole.rows.div_ceil(files);
    let from = text(&whole.path.to_string_lossy());
    let mut parts = Vec::new();
    for first in (0..whole.rows).step_by(usize::try_from(each).unwrap_or(usize::MAX)) {
        let query = format!(
            "SELECT * EXCLUDE (file_row_number) FROM read_parquet({from}, file_row_number = true) \
             WHERE file_row_number >= {first} AND file_row_number < {}",
            first + each
        );
        parts.push(copy(&query, parts.len() + 1)?);
    }
    std::fs::remove_file(&whole.path).map_err(failed)?;
    Ok(parts)
}

/// The query with every column in the type that a Parquet file has for it.
fn projected(content: &Content<'_>) -> Result<String, WarehouseError> {
    let places: Vec<_> = (0..content.columns.len()).map(|index| format!("c{index}")).collect();
    let mut values = Vec::with_capacity(places.len());
    for ((name, column_type), place) in content.columns.iter().zip(&places) {
        if column_type.holds_nested(FieldType::BigNumeric) {
            return Err(unsupported(format!("column `{name}` of type {column_type} in a Parquet file")));
        }
        let value = match column_type {
            Type::Scalar(FieldType::BigNumeric) => format!("gs_bignumeric_to_decimal(q.{place})"),
            Type::Scalar(FieldType::Json | FieldType::Geography | FieldType::Interval) => {
                format!("CAST(q.{place} AS VARCHAR)")
            }
            // BigQuery has no NULL arrays where anybody can see them.
            array @ Type::Array(_) => format!("coalesce(CAST(q.{place} AS {}), [])", array.to_duckdb()),
            other => format!("CAST(q.{place} AS {})", other.to_duckdb()),
        };
        values.push(format!("{value} AS {}", quote(name)));
    }
    Ok(format!("SELECT {} FROM (\n{}\n) AS q({})", values.join(", "), content.sql, places.join(", ")))
}

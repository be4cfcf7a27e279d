//! Newline-delimited JSON as BigQuery exports it: INT64 as strings, NULLs left out, `<`, `>` and `&` as `\u00XX`.

use duckdb::arrow::array::Array;
use tailer_model::operation::table_to_storage::Compression;

use super::{
    Content,
    files::{Part, Scratch, Splitter},
};
use crate::{
    Export, WarehouseError,
    embedded::{
        cells::{self, Form},
        session::Session,
    },
};

pub(super) fn write(
    session: &Session<'_>,
    export: &Export,
    content: &Content<'_>,
    scratch: &Scratch,
    limit: u64,
) -> Result<Vec<Part>, WarehouseError> {
    let gzip = export.compression == Compression::Gzip;
    let mut splitter = Splitter::new(scratch, Vec::new(), limit, gzip)?;
    let mut line = Vec::new();
    session.stream(&cells::projected(content.sql, content.columns), |batch| {
        for row in 0..batch.len() {
            let object = cells::structure(batch, row, content.columns, Form::Export)?;
            line.clear();
            escape(&object.to_string(), &mut line);
            line.push(b'\n');
            splitter.record(&line)?;
        }
        Ok(true)
    })?;
    splitter.finish()
}

/// In JSON text these characters stand inside strings only.
fn escape(json: &str, line: &mut Vec<u8>) {
    for byte in json.bytes() {
        match byte {
            b'<' => line.extend_from_slice(b"\\u003c"),
            b'>' => line.extend_from_slice(b"\\u003e"),
            b'&' => line.extend_from_slice(b"\\u0026"),
            other => line.push(other),
        }
    }
}

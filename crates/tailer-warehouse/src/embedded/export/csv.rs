//! CSV as BigQuery exports it, written by DuckDB's own COPY: only types whose text differs are cast in the query.
//! NULL is empty, an empty string is `""`, nested columns are refused.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use flate2::{Compression as Level, write::GzEncoder};
use tailer_model::operation::{ddl::FieldType, table_to_storage::Compression};

use super::{
    Content,
    files::{Part, Scratch, Splitter, failed},
};
use crate::{
    Export, WarehouseError,
    embedded::{errors::invalid, instance::text, session::Session, types::Type},
    googlesql::quote,
};

pub(super) fn write(
    session: &Session<'_>,
    export: &Export,
    content: &Content<'_>,
    scratch: &Scratch,
    limit: u64,
) -> Result<Vec<Part>, WarehouseError> {
    let delimiter = delimiter(&export.field_delimiter)?;
    let whole = scratch.path(0);
    let sql = format!(
        "COPY ({}) TO {} (FORMAT csv, HEADER {}, DELIMITER {}, QUOTE '\"', ESCAPE '\"', NULLSTR '', COMPRESSION none)",
        projected(content)?,
        text(&whole.to_string_lossy()),
        export.print_header,
        text(&delimiter)
    );
    let rows = session.execute(&sql, [])?;
    let bytes = whole.metadata().map_err(failed)?.len();
    let gzip = export.compression == Compression::Gzip;
    if bytes > limit {
        return split(session, export, scratch, limit, gzip);
    }
    if !gzip {
        return Ok(vec![Part { path: whole, rows }]);
    }
    let packed = scratch.path(1);
    let pack = || {
        let mut encoder = GzEncoder::new(File::create(&packed)?, Level::default());
        std::io::copy(&mut File::open(&whole)?, &mut encoder)?;
        encoder.finish().map(drop)
    };
    pack().map_err(failed)?;
    Ok(vec![Part { path: packed, rows }])
}

/// One character, or `\t` spelled out.
fn delimiter(given: &str) -> Result<String, WarehouseError> {
    let delimiter = if given == "\\t" { "\t" } else { given };
    let mut chars = delimiter.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => Ok(delimiter.to_owned()),
        _ => Err(invalid(format!("`{given}` is not a field delimiter: one character, or `\\t`"))),
    }
}

/// The query with every column in BigQuery's text form.
fn projected(content: &Content<'_>) -> Result<String, WarehouseError> {
    let mut values = Vec::with_capacity(content.columns.len());
    for (index, (name, column_type)) in content.columns.iter().enumerate() {
        let Type::Scalar(scalar) = column_type else {
            return Err(invalid(format!(
                "column `{name}` is {column_type}, which a CSV file cannot hold: export NEWLINE_DELIMITED_JSON, or flatten it"
            )));
        };
        values.push(format!("{} AS {}", as_text(*scalar, &format!("q.c{index}")), quote(name)));
    }
    let places: Vec<_> = (0..content.columns.len()).map(|index| format!("c{index}")).collect();
    Ok(format!("SELECT {} FROM (\n{}\n) AS q({})", values.join(", "), content.sql, places.join(", ")))
}

fn as_text(scalar: FieldType, place: &str) -> String {
    match scalar {
        // A whole number has no `.0`; beyond the exact integers DuckDB's shortest form stands.
        FieldType::Float64 => format!(
            "CASE WHEN {place} = trunc({place}) AND abs({place}) < 1e15 THEN CAST(CAST({place} AS BIGINT) AS VARCHAR) \
             ELSE CAST({place} AS VARCHAR) END"
        ),
        FieldType::Numeric => {
            format!("rtrim(rtrim(CAST(CAST({place} AS DECIMAL(38,9)) AS VARCHAR), '0'), '.')")
        }
        FieldType::BigNumeric => format!("gs_bignumeric_to_string({place})"),
        FieldType::Bytes => format!("to_base64({place})"),
        FieldType::Timestamp => {
            format!("replace(CAST(CAST({place} AS TIMESTAMPTZ) AS VARCHAR), '+00', ' UTC')")
        }
        FieldType::DateTime => format!("replace(CAST(CAST({place} AS TIMESTAMP) AS VARCHAR), ' ', 'T')"),
        FieldType::Geography | FieldType::Interval => format!("CAST({place} AS VARCHAR)"),
        _ => place.to_owned(),
    }
}

/// Cuts the file that DuckDB wrote between records.
fn split(
    session: &Session<'_>,
    export: &Export,
    scratch: &Scratch,
    limit: u64,
    gzip: bool,
) -> Result<Vec<Part>, WarehouseError> {
    let mut records =
        Records { input: BufReader::with_capacity(1 << 18, File::open(scratch.path(0)).map_err(failed)?) };
    let mut record = Vec::new();
    if export.print_header {
        records.next(&mut record)?;
    }
    let mut splitter = Splitter::new(scratch, std::mem::take(&mut record), limit, gzip)?;
    let mut count = 0_u64;
    while records.next(&mut record)? {
        splitter.record(&record)?;
        count += 1;
        if count.is_multiple_of(10_000) {
            session.check()?;
        }
    }
    splitter.finish()
}

/// Records of well-formed CSV: lines, as long as no quotes are open.
struct Records {
    input: BufReader<File>,
}

impl Records {
    fn next(&mut self, record: &mut Vec<u8>) -> Result<bool, WarehouseError> {
        record.clear();
        let mut quotes = 0;
        loop {
            let start = record.len();
            if self.input.read_until(b'\n', record).map_err(failed)? == 0 {
                return Ok(!record.is_empty());
            }
            quotes += record.iter().skip(start).filter(|byte| **byte == b'"').count();
            if quotes % 2 == 0 {
                return Ok(true);
            }
        }
    }
}

//! CSV as BigQuery exports it: NULL is empty, an empty string is `""`, what holds a delimiter, a quote or a line end is
//! quoted, nested columns are refused.

use duckdb::arrow::array::{Array, StructArray};

use super::{
    cell::{self, Cells},
    pipeline::{Encode, Encoded},
};
use crate::{
    WarehouseError,
    embedded::{errors::invalid, types::Type},
};

pub(super) struct Csv<'a> {
    columns: &'a [(String, Type)],
    delimiter: String,
    /// Bytes that make a value be quoted.
    special: [bool; 256],
}

impl<'a> Csv<'a> {
    pub(super) fn new(columns: &'a [(String, Type)], delimiter: &str) -> Result<Self, WarehouseError> {
        if let Some((name, nested)) = columns.iter().find(|(_, found)| !matches!(found, Type::Scalar(_))) {
            return Err(invalid(format!(
                "column `{name}` is {nested}, which a CSV file cannot hold: export NEWLINE_DELIMITED_JSON, AVRO or PARQUET, or flatten it"
            )));
        }
        let delimiter = character(delimiter)?;
        let mut special = [false; 256];
        for byte in delimiter.bytes().take(1).chain(*b"\"\r\n") {
            if let Some(special) = special.get_mut(usize::from(byte)) {
                *special = true;
            }
        }
        Ok(Self { columns, delimiter, special })
    }

    /// The line of names.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, (name, _)) in self.columns.iter().enumerate() {
            if index > 0 {
                line.extend_from_slice(self.delimiter.as_bytes());
            }
            let start = line.len();
            line.extend_from_slice(name.as_bytes());
            self.quote_from(start, &mut line);
        }
        line.push(b'\n');
        line
    }

    /// Quotes what stands behind `start` if it has to be.
    fn quote_from(&self, start: usize, out: &mut Vec<u8>) {
        let is_special = |byte: &u8| self.special.get(usize::from(*byte)).copied().unwrap_or_default();
        let content = out.get(start..).unwrap_or_default();
        if !content.iter().any(is_special) {
            return;
        }
        let content = content.to_vec();
        out.truncate(start);
        out.push(b'"');
        for byte in content {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    }
}

/// One character, or `\t` spelled out.
fn character(given: &str) -> Result<String, WarehouseError> {
    let delimiter = if given == "\\t" { "\t" } else { given };
    let mut chars = delimiter.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !matches!(c, '"' | '\n' | '\r') => Ok(delimiter.to_owned()),
        _ => Err(invalid(format!("`{given}` is not a field delimiter: one character, or `\\t`"))),
    }
}

impl Encode for Csv<'_> {
    fn encode(&self, batch: &StructArray, out: &mut Encoded) -> Result<(), WarehouseError> {
        let columns = cell::columns(batch, self.columns)?;
        for row in 0..batch.len() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.bytes.extend_from_slice(self.delimiter.as_bytes());
                }
                if column.is_null(row) {
                    continue;
                }
                let start = out.bytes.len();
                column.write(row, &mut out.bytes)?;
                if out.bytes.len() == start && matches!(column, Cells::Text(_) | Cells::Bytes(_)) {
                    out.bytes.extend_from_slice(b"\"\"");
                } else {
                    self.quote_from(start, &mut out.bytes);
                }
            }
            out.bytes.push(b'\n');
            out.ends.push(out.bytes.len());
        }
        Ok(())
    }
}

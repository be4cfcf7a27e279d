//! Newline-delimited JSON as BigQuery exports it: INT64 as strings, NULLs left out, `<`, `>` and `&` as `\u00XX`.

use duckdb::arrow::array::{Array, StructArray};

use super::{
    cell::{self, Cells},
    pipeline::{Encode, Encoded},
};
use crate::{WarehouseError, embedded::types::Type};

pub(super) struct Json {
    /// Of the row.
    shape: Vec<Member>,
    columns: Vec<(String, Type)>,
}

/// A member of an object: its name with quotes and colon, and what of its value is nested.
struct Member {
    key: Vec<u8>,
    inner: Vec<Member>,
}

impl Json {
    pub(super) fn new(columns: &[(String, Type)]) -> Self {
        Self { shape: members(columns), columns: columns.to_vec() }
    }
}

fn members(fields: &[(String, Type)]) -> Vec<Member> {
    let member = |(index, (name, column_type)): (usize, &(String, Type))| {
        let mut key = Vec::new();
        match name.as_str() {
            "" => string(&super::nameless(index), &mut key),
            name => string(name, &mut key),
        }
        key.push(b':');
        Member { key, inner: inner(column_type) }
    };
    fields.iter().enumerate().map(member).collect()
}

fn inner(column_type: &Type) -> Vec<Member> {
    match column_type {
        Type::Scalar(_) => Vec::new(),
        Type::Array(element) => inner(element),
        Type::Struct(fields) => members(fields),
    }
}

impl Encode for Json {
    fn encode(&self, batch: &StructArray, out: &mut Encoded) -> Result<(), WarehouseError> {
        let columns = cell::columns(batch, &self.columns)?;
        for row in 0..batch.len() {
            object(&columns, &self.shape, row, &mut out.bytes)?;
            out.bytes.push(b'\n');
            out.ends.push(out.bytes.len());
        }
        Ok(())
    }
}

fn object(columns: &[Cells<'_>], shape: &[Member], row: usize, out: &mut Vec<u8>) -> Result<(), WarehouseError> {
    out.push(b'{');
    let mut first = true;
    for (column, member) in columns.iter().zip(shape) {
        // BigQuery has no NULL arrays where anybody can see them.
        if column.is_null(row) && !matches!(column, Cells::List(..)) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        out.extend_from_slice(&member.key);
        value(column, &member.inner, row, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn value(column: &Cells<'_>, shape: &[Member], row: usize, out: &mut Vec<u8>) -> Result<(), WarehouseError> {
    match column {
        Cells::List(list, elements) => {
            out.push(b'[');
            let range = Cells::elements(list, row);
            for item in range.clone() {
                if item > range.start {
                    out.push(b',');
                }
                match elements.is_null(item) {
                    true => out.extend_from_slice(b"null"),
                    false => value(elements, shape, item, out)?,
                }
            }
            out.push(b']');
            Ok(())
        }
        Cells::Struct(_, members) => object(members, shape, row, out),
        Cells::Bool(_) => column.write(row, out),
        Cells::Float64(numbers) if numbers.value(row).is_finite() => {
            let written = serde_json::to_writer(out, &numbers.value(row));
            written.map_err(|error| WarehouseError::Internal(format!("a number cannot be written: {error}")))
        }
        Cells::Text(texts) => {
            string(texts.value(row), out);
            Ok(())
        }
        Cells::Json(texts) => {
            document(texts.value(row), out);
            Ok(())
        }
        // Numbers and moments need no escapes.
        _ => {
            out.push(b'"');
            column.write(row, out)?;
            out.push(b'"');
            Ok(())
        }
    }
}

/// A JSON string.
fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'<' | b'>' | b'&' | 0..0x20 | 0x7f => escape(byte, out),
            other => out.push(other),
        }
    }
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    out.extend_from_slice(b"\\u00");
    out.push(digit(byte >> 4));
    out.push(digit(byte & 15));
}

/// A JSON document on one line, its numbers as they are.
fn document(json: &str, out: &mut Vec<u8>) {
    let (mut inside, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            b'<' | b'>' | b'&' => escape(byte, out),
            b' ' | b'\n' | b'\r' | b'\t' if !inside => {}
            other => out.push(other),
        }
        inside ^= byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_documents_stay_on_their_line() {
        let mut out = Vec::new();
        string("a\"\\\n\u{1}<é>", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#""a\"\\\n\u0001\u003cé\u003e""#);
        let mut out = Vec::new();
        document("{\"a b\": [1.0,\n 2e5],\t\"q\\\" \": \"x & y\"}", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a b":[1.0,2e5],"q\" ":"x \u0026 y"}"#);
    }
}

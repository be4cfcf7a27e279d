//! Avro object container files as BigQuery exports them: every column but arrays may be null, moments have their logical
//! types, what Avro has no type for is text that says so.

use std::io::{self, Write};

use duckdb::arrow::array::{Array, StructArray};
use flate2::Crc;
use num_bigint::BigInt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tailer_model::operation::{ddl::FieldType, table_to_storage::Compression};

use super::{
    cell::{self, Cells},
    files::Container,
    pipeline::{Encode, Encoded},
};
use crate::{
    WarehouseError, WarehouseJobId,
    embedded::{
        errors::{invalid, unsupported},
        types::Type,
    },
    googlesql,
};

const MAGIC: &[u8] = b"Obj\x01";

/// The branches of a union with null, as they are written.
const NULL: u8 = 0;
const PRESENT: u8 = 2;

/// The schema of the rows.
pub(super) fn schema(columns: &[(String, Type)]) -> Result<Value, WarehouseError> {
    record("Root", columns)
}

fn record(name: &str, fields: &[(String, Type)]) -> Result<Value, WarehouseError> {
    let mut members = Vec::with_capacity(fields.len());
    for (index, (field, column_type)) in fields.iter().enumerate() {
        let field = if field.is_empty() { super::nameless(index) } else { field.clone() };
        let starts = field.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(invalid(format!(
                "column `{field}` cannot have that name in an Avro file: ASCII letters, digits and underscores (write AS in the query)"
            )));
        }
        let inner = format!("{name}_{field}");
        let avro = match column_type {
            Type::Array(element) => json!({ "type": "array", "items": item(&inner, element)? }),
            other => json!(["null", item(&inner, other)?]),
        };
        members.push(json!({ "name": field, "type": avro }));
    }
    Ok(json!({ "type": "record", "name": name, "fields": members }))
}

fn item(name: &str, column_type: &Type) -> Result<Value, WarehouseError> {
    Ok(match column_type {
        Type::Struct(fields) => record(name, fields)?,
        Type::Array(_) => return Err(unsupported("an array of arrays")),
        Type::Scalar(scalar) => match scalar {
            FieldType::Bool => json!("boolean"),
            FieldType::Int64 => json!("long"),
            FieldType::Float64 => json!("double"),
            FieldType::String => json!("string"),
            FieldType::Bytes => json!("bytes"),
            FieldType::Numeric => json!({ "type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9 }),
            FieldType::BigNumeric => json!({ "type": "bytes", "logicalType": "decimal", "precision": 77, "scale": 38 }),
            FieldType::Date => json!({ "type": "int", "logicalType": "date" }),
            FieldType::Time => json!({ "type": "long", "logicalType": "time-micros" }),
            FieldType::Timestamp => json!({ "type": "long", "logicalType": "timestamp-micros" }),
            FieldType::DateTime => json!({ "type": "string", "logicalType": "datetime" }),
            FieldType::Json | FieldType::Geography | FieldType::Interval => {
                json!({ "type": "string", "sqlType": scalar.as_str() })
            }
            FieldType::Record => return Err(unsupported("a RECORD without fields")),
        },
    })
}

/// Writes rows as Avro's binary records.
pub(super) struct Rows<'a> {
    pub(super) columns: &'a [(String, Type)],
}

impl Encode for Rows<'_> {
    fn encode(&self, batch: &StructArray, out: &mut Encoded) -> Result<(), WarehouseError> {
        let columns = cell::columns(batch, self.columns)?;
        let mut text = Vec::new();
        for row in 0..batch.len() {
            members(&columns, row, &mut out.bytes, &mut text)?;
            out.ends.push(out.bytes.len());
        }
        Ok(())
    }
}

fn members(columns: &[Cells<'_>], row: usize, out: &mut Vec<u8>, text: &mut Vec<u8>) -> Result<(), WarehouseError> {
    for column in columns {
        if let Cells::List(list, elements) = column {
            let range = Cells::elements(list, row);
            if !range.is_empty() {
                long(range.len().try_into().unwrap_or(i64::MAX), out);
                for element in range {
                    if elements.is_null(element) {
                        return Err(invalid("an array holds NULL, which BigQuery does not export"));
                    }
                    value(elements, element, out, text)?;
                }
            }
            long(0, out);
        } else if column.is_null(row) {
            out.push(NULL);
        } else {
            out.push(PRESENT);
            value(column, row, out, text)?;
        }
    }
    Ok(())
}

fn value(column: &Cells<'_>, row: usize, out: &mut Vec<u8>, text: &mut Vec<u8>) -> Result<(), WarehouseError> {
    match column {
        Cells::Bool(array) => out.push(u8::from(array.value(row))),
        Cells::Int64(array) => long(array.value(row), out),
        Cells::Float64(array) => out.extend_from_slice(&array.value(row).to_le_bytes()),
        Cells::Numeric(array) => bytes(shortest(&array.value(row).to_be_bytes()), out),
        Cells::BigNumeric(array) => {
            let shown = cell::bignumeric(array.value(row))?;
            let units = googlesql::bignumeric_units(&shown).and_then(|units| units.parse::<BigInt>().ok());
            let units = units.ok_or_else(|| WarehouseError::Internal(format!("{shown} is no BIGNUMERIC")))?;
            bytes(&units.to_signed_bytes_be(), out);
        }
        Cells::Bytes(array) => bytes(array.value(row), out),
        Cells::Text(array) | Cells::Json(array) => bytes(array.value(row).as_bytes(), out),
        Cells::Date(array) => long(array.value(row).into(), out),
        Cells::Time(array) => long(array.value(row), out),
        Cells::Timestamp(array) => long(array.value(row), out),
        Cells::DateTime(_) | Cells::Interval(_) => {
            text.clear();
            column.write(row, text)?;
            bytes(text, out);
        }
        Cells::Struct(_, inner) => members(inner, row, out, text)?,
        Cells::List(..) => return Err(unsupported("an array of arrays")),
    }
    Ok(())
}

/// A whole number, small ones in few bytes whatever their sign.
fn long(number: i64, out: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

fn bytes(content: &[u8], out: &mut Vec<u8>) {
    long(content.len().try_into().unwrap_or(i64::MAX), out);
    out.extend_from_slice(content);
}

/// A two's complement number without the leading bytes that only repeat its sign.
fn shortest(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [first, second, ..] = rest {
        let repeats = (*first == 0 && second & 0x80 == 0) || (*first == 0xff && second & 0x80 != 0);
        if !repeats {
            break;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    rest
}

/// A file of blocks, each with its marker behind.
pub(super) struct Blocks {
    head: Vec<u8>,
    marker: [u8; 16],
    snappy: bool,
    block: Vec<u8>,
}

impl Blocks {
    /// The marker that separates blocks is made of the job's id: the same export gives the same bytes.
    pub(super) fn new(schema: &Value, compression: Compression, id: &WarehouseJobId) -> Self {
        let mut marker = [0; 16];
        marker.iter_mut().zip(Sha256::digest(&id.0)).for_each(|(byte, hashed)| *byte = hashed);
        let snappy = compression == Compression::Snappy;
        let mut head = MAGIC.to_vec();
        long(2, &mut head);
        for (key, value) in
            [("avro.schema", schema.to_string()), ("avro.codec", if snappy { "snappy" } else { "null" }.to_owned())]
        {
            bytes(key.as_bytes(), &mut head);
            bytes(value.as_bytes(), &mut head);
        }
        long(0, &mut head);
        head.extend_from_slice(&marker);
        Self { head, marker, snappy, block: Vec::new() }
    }
}

impl Container for Blocks {
    fn head(&self) -> &[u8] {
        &self.head
    }

    fn write(&mut self, records: &[u8], count: usize, file: &mut dyn Write) -> io::Result<()> {
        self.block.clear();
        long(count.try_into().unwrap_or(i64::MAX), &mut self.block);
        if self.snappy {
            let mut packed = snap::raw::Encoder::new().compress_vec(records).map_err(io::Error::other)?;
            let mut check = Crc::new();
            check.update(records);
            packed.extend_from_slice(&check.sum().to_be_bytes());
            bytes(&packed, &mut self.block);
        } else {
            bytes(records, &mut self.block);
        }
        self.block.extend_from_slice(&self.marker);
        file.write_all(&self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, expect) in [(0, vec![0]), (-1, vec![1]), (1, vec![2]), (-64, vec![127]), (64, vec![128, 1])] {
            let mut out = Vec::new();
            long(number, &mut out);
            assert_eq!(out, expect, "{number}");
        }
        for (number, expect) in
            [(0_i128, vec![0]), (127, vec![127]), (128, vec![0, 128]), (-128, vec![128]), (-129, vec![255, 127])]
        {
            assert_eq!(shortest(&number.to_be_bytes()), expect, "{number}");
        }
    }
}

//! Columns under construction: values from text or JSON, collected as Arrow arrays for DuckDB's appender.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use duckdb::arrow::{
    array::{
        ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
        ListArray, StringBuilder, StructArray, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, Field as ArrowField, Fields},
};
use jiff::civil;
use serde_json::Value;
use tailer_model::operation::ddl::FieldType;

use super::parse;
use crate::{
    WarehouseError,
    embedded::{errors::unsupported, types::Type},
    googlesql,
};

/// Why a value does not fit its column: `'abc' is not an INT64`.
pub(crate) type Reason = String;

#[derive(Debug)]
pub(crate) enum Builder {
    String(StringBuilder),
    Json(StringBuilder),
    Bytes(BinaryBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Numeric(Decimal128Builder),
    /// Units as text: Arrow has no integer that wide that DuckDB reads.
    BigNumeric(StringBuilder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    DateTime(TimestampMicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    List {
        element: Box<Builder>,
        lengths: Vec<usize>,
        valid: Vec<bool>,
    },
    Struct {
        members: Vec<(String, Builder)>,
        valid: Vec<bool>,
    },
}

impl Builder {
    pub(crate) fn new(column_type: &Type) -> Result<Self, WarehouseError> {
        Ok(match column_type {
            Type::Array(element) => {
                Self::List { element: Box::new(Self::new(element)?), lengths: Vec::new(), valid: Vec::new() }
            }
            Type::Struct(fields) => {
                let member = |(name, inner): &(String, Type)| Ok((name.clone(), Self::new(inner)?));
                let members = fields.iter().map(member).collect::<Result<_, WarehouseError>>()?;
                Self::Struct { members, valid: Vec::new() }
            }
            Type::Scalar(scalar) => Self::scalar(*scalar)?,
        })
    }

    fn scalar(scalar: FieldType) -> Result<Self, WarehouseError> {
        Ok(match scalar {
            FieldType::String | FieldType::Geography => Self::String(StringBuilder::new()),
            FieldType::Json => Self::Json(StringBuilder::new()),
            FieldType::Bytes => Self::Bytes(BinaryBuilder::new()),
            FieldType::Int64 => Self::Int64(Int64Builder::new()),
            FieldType::Float64 => Self::Float64(Float64Builder::new()),
            FieldType::Numeric => Self::Numeric(Decimal128Builder::new().with_data_type(DataType::Decimal128(38, 9))),
            FieldType::BigNumeric => Self::BigNumeric(StringBuilder::new()),
            FieldType::Bool => Self::Bool(BooleanBuilder::new()),
            FieldType::Date => Self::Date(Date32Builder::new()),
            FieldType::Time => Self::Time(Time64MicrosecondBuilder::new()),
            FieldType::DateTime => Self::DateTime(TimestampMicrosecondBuilder::new()),
            FieldType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            FieldType::Interval | FieldType::Record => {
                return Err(unsupported("loading a column of type INTERVAL"));
            }
        })
    }

    pub(crate) fn null(&mut self) {
        match self {
            Self::String(b) | Self::Json(b) => b.append_null(),
            Self::Bytes(b) => b.append_null(),
            Self::Int64(b) => b.append_null(),
            Self::Float64(b) => b.append_null(),
            Self::Numeric(b) => b.append_null(),
            Self::BigNumeric(b) => b.append_null(),
            Self::Bool(b) => b.append_null(),
            Self::Date(b) => b.append_null(),
            Self::Time(b) => b.append_null(),
            Self::DateTime(b) | Self::Timestamp(b) => b.append_null(),
            // A NULL array is an empty one.
            Self::List { lengths, valid, .. } => {
                lengths.push(0);
                valid.push(true);
            }
            Self::Struct { members, valid } => {
                members.iter_mut().for_each(|(_, member)| member.null());
                valid.push(false);
            }
        }
    }

    /// Appends exactly one value given as text: NULL when it does not fit, with the reason.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Reason> {
        self.fitting_text(text).inspect_err(|_| self.null())
    }

    fn fitting_text(&mut self, text: &str) -> Result<(), Reason> {
        let wrong = |name: &str| format!("'{}' is not {name}", shortened(text));
        match self {
            Self::String(b) => b.append_value(text),
            Self::Json(b) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Ok(_) => b.append_value(text),
                Err(_) => return Err(wrong("JSON")),
            },
            Self::Bytes(b) => b.append_value(STANDARD.decode(text.trim()).map_err(|_| wrong("base64 of BYTES"))?),
            Self::Int64(b) => b.append_value(parse::int64(text).ok_or_else(|| wrong("an INT64"))?),
            Self::Float64(b) => b.append_value(parse::float64(text).ok_or_else(|| wrong("a FLOAT64"))?),
            Self::Numeric(b) => b.append_value(parse::decimal(text, 9).ok_or_else(|| wrong("a NUMERIC"))?),
            Self::BigNumeric(b) => {
                b.append_value(googlesql::bignumeric_units(text).ok_or_else(|| wrong("a BIGNUMERIC"))?);
            }
            Self::Bool(b) => b.append_value(parse::boolean(text).ok_or_else(|| wrong("a BOOL"))?),
            Self::Date(b) => b.append_value(days(parse::date(text).ok_or_else(|| wrong("a DATE"))?)),
            Self::Time(b) => b.append_value(micros_of_day(parse::time(text).ok_or_else(|| wrong("a TIME"))?)),
            Self::DateTime(b) => {
                let at = parse::datetime(text).ok_or_else(|| wrong("a DATETIME"))?;
                b.append_value(i64::from(days(at.date())) * 86_400_000_000 + micros_of_day(at.time()));
            }
            Self::Timestamp(b) => {
                b.append_value(parse::timestamp(text).ok_or_else(|| wrong("a TIMESTAMP"))?.as_microsecond());
            }
            Self::List { .. } | Self::Struct { .. } => return Err(wrong("a nested value")),
        }
        Ok(())
    }

    /// Appends exactly one value given as JSON: something else of the same shape when it does not fit, with the reason.
    pub(crate) fn json(&mut self, value: &Value, ignore_unknown: bool) -> Result<(), Reason> {
        match (&mut *self, value) {
            (Self::Json(b), Value::Null) => {
                b.append_null();
                Ok(())
            }
            (Self::Json(b), value) => {
                b.append_value(value.to_string());
                Ok(())
            }
            (_, Value::Null) => {
                self.null();
                Ok(())
            }
            (Self::List { element, lengths, valid }, Value::Array(items)) => {
                lengths.push(items.len());
                valid.push(true);
                let mut result = Ok(());
                for item in items {
                    result = result.and(element.json(item, ignore_unknown));
                }
                let has_null = items.iter().any(Value::is_null);
                if has_null { Err("an array holds null, which BigQuery does not store".to_owned()) } else { result }
            }
            (Self::Struct { members, valid }, Value::Object(object)) => {
                valid.push(true);
                let mut result = unknown_member(members, object, ignore_unknown);
                for (name, member) in members {
                    let value = member_of(object, name).unwrap_or(&Value::Null);
                    result =
                        result.and(member.json(value, ignore_unknown).map_err(|reason| format!("{name}: {reason}")));
                }
                result
            }
            _ => self.json_scalar(value).inspect_err(|_| self.null()),
        }
    }

    fn json_scalar(&mut self, value: &Value) -> Result<(), Reason> {
        match (&mut *self, value) {
            (Self::List { .. }, _) => Err(format!("{} is not an array", shortened(&value.to_string()))),
            (Self::Struct { .. }, _) => Err(format!("{} is not an object", shortened(&value.to_string()))),
            (Self::Timestamp(b), Value::Number(seconds)) => match seconds.as_f64() {
                #[expect(clippy::cast_possible_truncation, reason = "checked to be far within an i64")]
                Some(seconds) if seconds.abs() < 2.6e11 => {
                    b.append_value((seconds * 1e6).round() as i64);
                    Ok(())
                }
                _ => Err(format!("{seconds} is not a TIMESTAMP")),
            },
            (builder, Value::String(text)) => builder.fitting_text(text),
            (builder, Value::Number(number)) => builder.fitting_text(&number.to_string()),
            (builder @ (Self::Bool(_) | Self::String(_)), Value::Bool(truth)) => {
                builder.fitting_text(&truth.to_string())
            }
            (_, value) => Err(format!("{} does not fit the column's type", shortened(&value.to_string()))),
        }
    }

    /// The array so far; the builder begins anew.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, WarehouseError> {
        let broken = |error: duckdb::arrow::error::ArrowError| {
            WarehouseError::Internal(format!("the loaded rows cannot be put together: {error}"))
        };
        Ok(match self {
            Self::String(b) | Self::Json(b) => Arc::new(b.finish()),
            Self::Bytes(b) => Arc::new(b.finish()),
            Self::Int64(b) => Arc::new(b.finish()),
            Self::Float64(b) => Arc::new(b.finish()),
            Self::Numeric(b) => Arc::new(b.finish()),
            Self::BigNumeric(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Date(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::DateTime(b) | Self::Timestamp(b) => Arc::new(b.finish()),
            Self::List { element, lengths, valid } => {
                let items = element.finish()?;
                let field = Arc::new(ArrowField::new("item", items.data_type().clone(), true));
                let offsets = OffsetBuffer::from_lengths(std::mem::take(lengths));
                let nulls = NullBuffer::from(std::mem::take(valid));
                Arc::new(ListArray::try_new(field, offsets, items, Some(nulls)).map_err(broken)?)
            }
            Self::Struct { members, valid } => {
                let mut fields = Vec::new();
                let mut arrays = Vec::new();
                for (name, member) in members {
                    let array = member.finish()?;
                    fields.push(ArrowField::new(name.clone(), array.data_type().clone(), true));
                    arrays.push(array);
                }
                let nulls = NullBuffer::from(std::mem::take(valid));
                Arc::new(StructArray::try_new(Fields::from(fields), arrays, Some(nulls)).map_err(broken)?)
            }
        })
    }
}

fn days(date: civil::Date) -> i32 {
    date.since(civil::date(1970, 1, 1)).map_or(0, |span| span.get_days())
}

fn micros_of_day(time: civil::Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
}

fn member_of<'a>(object: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn unknown_member(
    members: &[(String, Builder)],
    object: &serde_json::Map<String, Value>,
    ignore_unknown: bool,
) -> Result<(), Reason> {
    let known = |key: &String| members.iter().any(|(name, _)| name.eq_ignore_ascii_case(key));
    match object.keys().find(|key| !ignore_unknown && !known(key)) {
        Some(key) => Err(format!("there is no field `{key}`")),
        None => Ok(()),
    }
}

pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

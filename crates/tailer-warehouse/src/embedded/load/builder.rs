//! Columns under construction: values from text or JSON, collected as Arrow arrays for DuckDB's appender.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use duckdb::arrow::{
    array::{
        ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
        IntervalMonthDayNanoBuilder, ListArray, StringBuilder, StructArray, Time64MicrosecondBuilder,
        TimestampMicrosecondBuilder,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, Field as ArrowField, Fields, IntervalMonthDayNano},
};
use serde_json::value::RawValue;
use tailer_model::operation::ddl::{Field, FieldType, Mode};

use super::{
    json::{Json, Members},
    moments, parse,
};
use crate::{WarehouseError, embedded::errors::unsupported, googlesql};

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
    Interval(IntervalMonthDayNanoBuilder),
    List {
        element: Box<Builder>,
        lengths: Vec<usize>,
        valid: Vec<bool>,
    },
    Struct {
        members: Vec<Member>,
        valid: Vec<bool>,
    },
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    required: bool,
    builder: Builder,
}

impl Member {
    fn json(&mut self, value: Option<&RawValue>, ignore_unknown: bool) -> Result<(), Reason> {
        match value.filter(|value| value.get() != "null") {
            Some(value) => {
                self.builder.json(value, ignore_unknown).map_err(|reason| format!("{}: {reason}", self.name))
            }
            None => {
                self.builder.null();
                if !self.required {
                    return Ok(());
                }
                Err(format!("{}: the field is REQUIRED and the value is missing", self.name))
            }
        }
    }
}

impl Builder {
    pub(crate) fn of_field(field: &Field) -> Result<Self, WarehouseError> {
        let element = match field.field_type {
            FieldType::Record if !field.fields.is_empty() => {
                let member = |field: &Field| {
                    let required = field.mode == Mode::Required;
                    Ok(Member { name: field.name.clone(), required, builder: Self::of_field(field)? })
                };
                let members = field.fields.iter().map(member).collect::<Result<_, WarehouseError>>()?;
                Self::Struct { members, valid: Vec::new() }
            }
            scalar => Self::scalar(scalar)?,
        };
        Ok(match field.mode {
            Mode::Repeated => Self::List { element: Box::new(element), lengths: Vec::new(), valid: Vec::new() },
            Mode::Nullable | Mode::Required => element,
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
            FieldType::Interval => Self::Interval(IntervalMonthDayNanoBuilder::new()),
            FieldType::Record => return Err(unsupported("a RECORD without fields")),
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
            Self::Interval(b) => b.append_null(),
            // A NULL array is an empty one.
            Self::List { lengths, valid, .. } => {
                lengths.push(0);
                valid.push(true);
            }
            Self::Struct { members, valid } => {
                members.iter_mut().for_each(|member| member.builder.null());
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
            Self::Date(b) => b.append_value(moments::days(text).ok_or_else(|| wrong("a DATE"))?),
            Self::Time(b) => b.append_value(moments::micros_of_day(text).ok_or_else(|| wrong("a TIME"))?),
            Self::DateTime(b) => b.append_value(moments::civil_micros(text).ok_or_else(|| wrong("a DATETIME"))?),
            Self::Timestamp(b) => b.append_value(moments::micros(text).ok_or_else(|| wrong("a TIMESTAMP"))?),
            Self::Interval(b) => {
                let (months, days, nanoseconds) = moments::interval(text).ok_or_else(|| wrong("an INTERVAL"))?;
                b.append_value(IntervalMonthDayNano::new(months, days, nanoseconds));
            }
            Self::List { .. } | Self::Struct { .. } => return Err(wrong("a nested value")),
        }
        Ok(())
    }

    /// Appends exactly one value given as JSON: something else of the same shape when it does not fit, with the reason.
    pub(crate) fn json(&mut self, raw: &RawValue, ignore_unknown: bool) -> Result<(), Reason> {
        let value = match Json::of(raw) {
            Ok(value) => value,
            Err(error) => {
                self.null();
                return Err(format!("{} cannot be read: {error}", shortened(raw.get())));
            }
        };
        match (&mut *self, value) {
            (_, Json::Null) => {
                self.null();
                Ok(())
            }
            (Self::Json(b), _) => {
                b.append_value(raw.get());
                Ok(())
            }
            (Self::List { element, lengths, valid }, Json::Array(items)) => {
                lengths.push(items.len());
                valid.push(true);
                let mut result = Ok(());
                for item in items {
                    let null = item.get() == "null";
                    result = result.and(element.json(item, ignore_unknown));
                    if null {
                        result = Err("an array holds null, which BigQuery does not store".to_owned());
                    }
                }
                result
            }
            (Self::Struct { members, valid }, Json::Object(object)) => {
                valid.push(true);
                let mut result = unknown_member(members, &object, ignore_unknown);
                for (index, member) in members.iter_mut().enumerate() {
                    let given = member.json(object.get(&member.name, index), ignore_unknown);
                    result = result.and(given);
                }
                result
            }
            (_, value) => self.json_scalar(&value, raw).inspect_err(|_| self.null()),
        }
    }

    fn json_scalar(&mut self, value: &Json<'_>, raw: &RawValue) -> Result<(), Reason> {
        match (&mut *self, value) {
            (Self::List { .. }, _) => Err(format!("{} is not an array", shortened(raw.get()))),
            (Self::Struct { .. }, _) => Err(format!("{} is not an object", shortened(raw.get()))),
            (Self::Timestamp(b), Json::Number(seconds)) => {
                b.append_value(moments::epoch(seconds).ok_or_else(|| format!("{seconds} is not a TIMESTAMP"))?);
                Ok(())
            }
            (builder, Json::Text(text)) => builder.fitting_text(text),
            (builder, Json::Number(number)) => builder.fitting_text(number),
            (builder @ (Self::Bool(_) | Self::String(_)), Json::Bool(truth)) => {
                builder.fitting_text(if *truth { "true" } else { "false" })
            }
            _ => Err(format!("{} does not fit the column's type", shortened(raw.get()))),
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
            Self::Interval(b) => Arc::new(b.finish()),
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
                for member in members {
                    let array = member.builder.finish()?;
                    fields.push(ArrowField::new(member.name.clone(), array.data_type().clone(), true));
                    arrays.push(array);
                }
                let nulls = NullBuffer::from(std::mem::take(valid));
                Arc::new(StructArray::try_new(Fields::from(fields), arrays, Some(nulls)).map_err(broken)?)
            }
        })
    }
}

fn unknown_member(members: &[Member], object: &Members<'_>, ignore_unknown: bool) -> Result<(), Reason> {
    let known = |key: &str| members.iter().any(|member| member.name.eq_ignore_ascii_case(key));
    match object.0.iter().find(|(key, _)| !ignore_unknown && !known(key)) {
        Some((key, _)) => Err(format!("there is no field `{key}`")),
        None => Ok(()),
    }
}

pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

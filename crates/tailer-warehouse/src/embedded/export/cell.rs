//! Values of Arrow batches, seen by their BigQuery type, and their text in BigQuery's forms: what CSV and JSON have in
//! common. Columns have to be cast to their types' own DuckDB form first, see [`crate::embedded::cells::projected`].

use base64::{Engine, engine::general_purpose::STANDARD};
use duckdb::arrow::{
    array::{Array, AsArray, BinaryArray, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, IntervalMonthDayNanoType, Time64MicrosecondType,
        TimestampMicrosecondType,
    },
};
use tailer_model::operation::ddl::FieldType;

use super::text;
use crate::{
    WarehouseError,
    embedded::{cells, types::Type},
    googlesql,
};

/// A column of a batch.
#[derive(Debug)]
pub(super) enum Cells<'a> {
    Bool(&'a BooleanArray),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Numeric(&'a PrimitiveArray<Decimal128Type>),
    BigNumeric(&'a BinaryArray),
    /// STRING and GEOGRAPHY.
    Text(&'a StringArray),
    Json(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time64MicrosecondType>),
    DateTime(&'a PrimitiveArray<TimestampMicrosecondType>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    Interval(&'a PrimitiveArray<IntervalMonthDayNanoType>),
    List(&'a ListArray, Box<Cells<'a>>),
    Struct(&'a StructArray, Vec<Cells<'a>>),
}

/// The columns of a batch.
pub(super) fn columns<'a>(batch: &'a StructArray, types: &[(String, Type)]) -> Result<Vec<Cells<'a>>, WarehouseError> {
    batch.columns().iter().zip(types).map(|(array, (_, column_type))| Cells::of(array.as_ref(), column_type)).collect()
}

impl<'a> Cells<'a> {
    fn of(array: &'a dyn Array, column_type: &Type) -> Result<Self, WarehouseError> {
        let found = match column_type {
            Type::Array(element) => match array.as_list_opt::<i32>() {
                Some(list) => Some(Self::List(list, Box::new(Self::of(list.values().as_ref(), element)?))),
                None => None,
            },
            Type::Struct(fields) => match array.as_struct_opt() {
                Some(members) => Some(Self::Struct(members, columns(members, fields)?)),
                None => None,
            },
            Type::Scalar(scalar) => Self::scalar(array, *scalar),
        };
        found.ok_or_else(|| {
            tracing::error!(arrow = %array.data_type(), %column_type, "a result column has an unexpected type");
            WarehouseError::Internal(format!("a column of type {column_type} cannot be read"))
        })
    }

    fn scalar(array: &'a dyn Array, scalar: FieldType) -> Option<Self> {
        Some(match scalar {
            FieldType::Bool => Self::Bool(array.as_boolean_opt()?),
            FieldType::Int64 => Self::Int64(array.as_primitive_opt()?),
            FieldType::Float64 => Self::Float64(array.as_primitive_opt()?),
            FieldType::Numeric if matches!(array.data_type(), DataType::Decimal128(_, 9)) => {
                Self::Numeric(array.as_primitive_opt()?)
            }
            FieldType::BigNumeric => Self::BigNumeric(array.as_binary_opt()?),
            FieldType::String | FieldType::Geography => Self::Text(array.as_string_opt()?),
            FieldType::Json => Self::Json(array.as_string_opt()?),
            FieldType::Bytes => Self::Bytes(array.as_binary_opt()?),
            FieldType::Date => Self::Date(array.as_primitive_opt()?),
            FieldType::Time => Self::Time(array.as_primitive_opt()?),
            FieldType::DateTime => Self::DateTime(array.as_primitive_opt()?),
            FieldType::Timestamp => Self::Timestamp(array.as_primitive_opt()?),
            FieldType::Interval => Self::Interval(array.as_primitive_opt()?),
            FieldType::Numeric | FieldType::Record => return None,
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bool(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Numeric(array) => array.is_null(row),
            Self::BigNumeric(array) | Self::Bytes(array) => array.is_null(row),
            Self::Text(array) | Self::Json(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Time(array) => array.is_null(row),
            Self::DateTime(array) | Self::Timestamp(array) => array.is_null(row),
            Self::Interval(array) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::Struct(array, _) => array.is_null(row),
        }
    }

    /// The rows of the elements of one row's array: none when it is NULL.
    pub(super) fn elements(list: &ListArray, row: usize) -> std::ops::Range<usize> {
        let offsets = list.value_offsets();
        let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or_default();
        if list.is_null(row) { 0..0 } else { at(row)..at(row + 1) }
    }

    /// Appends a value that is not NULL and not nested, without quotes or escapes.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), WarehouseError> {
        match self {
            Self::Bool(array) => out.extend_from_slice(if array.value(row) { b"true" } else { b"false" }),
            Self::Int64(array) => text::whole(array.value(row), out),
            Self::Float64(array) => text::float(array.value(row), out),
            Self::Numeric(array) => text::numeric(array.value(row), out),
            Self::BigNumeric(array) => out.extend_from_slice(bignumeric(array.value(row))?.as_bytes()),
            Self::Text(array) | Self::Json(array) => out.extend_from_slice(array.value(row).as_bytes()),
            Self::Bytes(array) => out.extend_from_slice(STANDARD.encode(array.value(row)).as_bytes()),
            Self::Date(array) => text::date(i64::from(array.value(row)), out),
            Self::Time(array) => text::clock(array.value(row), out),
            Self::DateTime(array) => text::moment(array.value(row), b'T', out),
            Self::Timestamp(array) => {
                text::moment(array.value(row), b' ', out);
                out.extend_from_slice(b" UTC");
            }
            Self::Interval(array) => {
                let span = array.value(row);
                out.extend_from_slice(cells::interval(span.months, span.days, span.nanoseconds).as_bytes());
            }
            Self::List(..) | Self::Struct(..) => {
                return Err(WarehouseError::Internal("a nested value has no text".to_owned()));
            }
        }
        Ok(())
    }
}

/// The text of a stored BIGNUMERIC.
pub(super) fn bignumeric(stored: &[u8]) -> Result<String, WarehouseError> {
    googlesql::bignumeric_text(stored)
        .ok_or_else(|| WarehouseError::Internal("a BIGNUMERIC value cannot be read".to_owned()))
}

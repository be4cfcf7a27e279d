//! Values on their way between DuckDB's vectors and the bodies of functions.

use std::sync::Arc;

use duckdb::arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, Float64Array, Int64Array, Int64Builder, ListBuilder,
        StringArray, StringBuilder,
    },
    datatypes::{DataType, Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType},
};

use super::Gives;

/// A value as DuckDB holds it. Which GoogleSQL type it has, the function knows or is told.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01, of a civil time or in UTC.
    Moment(i64),
    List(Vec<Value>),
    /// Fields in order.
    Row(Vec<(String, Value)>),
}

impl Value {
    /// The value of one row of an array.
    pub(super) fn read(array: &dyn Array, row: usize) -> Result<Value, String> {
        if array.is_null(row) {
            return Ok(Value::Null);
        }
        Ok(match array.data_type() {
            DataType::Null => Value::Null,
            DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
            DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
            DataType::Int32 => {
                Value::Int(array.as_primitive::<duckdb::arrow::datatypes::Int32Type>().value(row).into())
            }
            DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::Binary => Value::Bytes(array.as_binary::<i32>().value(row).to_vec()),
            DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Time64(_) => Value::Time(array.as_primitive::<Time64MicrosecondType>().value(row)),
            DataType::Timestamp(_, _) => Value::Moment(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                let items = (0..items.len()).map(|i| Value::read(items.as_ref(), i));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            DataType::Struct(fields) => {
                let members = array.as_struct();
                let pairs = fields.iter().zip(members.columns());
                let pairs = pairs.map(|(field, column)| Ok((field.name().clone(), Value::read(column.as_ref(), row)?)));
                Value::Row(pairs.collect::<Result<_, String>>()?)
            }
            other => return Err(format!("a value of DuckDB type {other} cannot be handed to a function")),
        })
    }

    pub(in super::super) fn text(&self) -> Result<&str, String> {
        match self {
            Value::Text(text) => Ok(text),
            other => Err(other.unexpected("a STRING")),
        }
    }

    pub(in super::super) fn bytes(&self) -> Result<&[u8], String> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Text(text) => Ok(text.as_bytes()),
            other => Err(other.unexpected("BYTES")),
        }
    }

    pub(in super::super) fn int(&self) -> Result<i64, String> {
        match self {
            Value::Int(number) => Ok(*number),
            other => Err(other.unexpected("an INT64")),
        }
    }

    pub(in super::super) fn float(&self) -> Result<f64, String> {
        match self {
            Value::Float(number) => Ok(*number),
            other => Err(other.unexpected("a FLOAT64")),
        }
    }

    pub(in super::super) fn bool(&self) -> Result<bool, String> {
        match self {
            Value::Bool(truth) => Ok(*truth),
            other => Err(other.unexpected("a BOOL")),
        }
    }

    pub(in super::super) fn list(&self) -> Result<&[Value], String> {
        match self {
            Value::List(items) => Ok(items),
            other => Err(other.unexpected("an ARRAY")),
        }
    }

    pub(in super::super) fn row(&self) -> Result<&[(String, Value)], String> {
        match self {
            Value::Row(fields) => Ok(fields),
            other => Err(other.unexpected("a STRUCT")),
        }
    }

    fn unexpected(&self, wanted: &str) -> String {
        format!("internal: {wanted} was expected, found {self:?}")
    }
}

/// An argument of a call.
pub(in super::super) fn arg(args: &[Value], index: usize) -> Result<&Value, String> {
    args.get(index).ok_or_else(|| format!("internal: argument {index} is missing"))
}

/// Answers as an array of the type that a function gives.
pub(super) fn collect(answers: &[Value], gives: Gives) -> Result<ArrayRef, String> {
    fn each<T>(answers: &[Value], read: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<Option<T>>, String> {
        answers.iter().map(|a| if *a == Value::Null { Ok(None) } else { read(a).map(Some) }).collect()
    }
    Ok(match gives {
        Gives::Bool => Arc::new(BooleanArray::from(each(answers, Value::bool)?)),
        Gives::Int64 => Arc::new(Int64Array::from(each(answers, Value::int)?)),
        Gives::Float64 => Arc::new(Float64Array::from(each(answers, Value::float)?)),
        Gives::Text => Arc::new(StringArray::from(each(answers, |a| a.text().map(str::to_owned))?)),
        Gives::Bytes => {
            let mut builder = BinaryBuilder::new();
            each(answers, |a| a.bytes().map(<[u8]>::to_vec))?.into_iter().for_each(|b| builder.append_option(b));
            Arc::new(builder.finish())
        }
        Gives::Texts => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for items in each(answers, |a| a.list()?.iter().map(optional_text).collect::<Result<Vec<_>, _>>())? {
                builder.append_option(items);
            }
            Arc::new(builder.finish())
        }
        Gives::AllBytes => {
            let mut builder = ListBuilder::new(BinaryBuilder::new());
            for items in each(answers, |a| a.list()?.iter().map(optional_bytes).collect::<Result<Vec<_>, _>>())? {
                builder.append_option(items);
            }
            Arc::new(builder.finish())
        }
        Gives::Integers => {
            let mut builder = ListBuilder::new(Int64Builder::new());
            for items in each(answers, |a| a.list()?.iter().map(|i| i.int().map(Some)).collect::<Result<Vec<_>, _>>())?
            {
                builder.append_option(items);
            }
            Arc::new(builder.finish())
        }
    })
}

fn optional_text(value: &Value) -> Result<Option<String>, String> {
    if *value == Value::Null { Ok(None) } else { value.text().map(|text| Some(text.to_owned())) }
}

fn optional_bytes(value: &Value) -> Result<Option<Vec<u8>>, String> {
    if *value == Value::Null { Ok(None) } else { value.bytes().map(|bytes| Some(bytes.to_vec())) }
}

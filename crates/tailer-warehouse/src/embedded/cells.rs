//! Values out of DuckDB's Arrow batches, as JSON in the form that `tailerd sql --batch` prints: INT64 as numbers, structs as
//! arrays. Columns have to be cast to their types' own DuckDB form first, see [`projected`]. (Exports write text of their own.)

use base64::{Engine, engine::general_purpose::STANDARD};
use duckdb::arrow::array::{Array, AsArray, StructArray};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use jiff::{Span, civil};
use serde_json::Value;
use tailer_model::operation::ddl::FieldType;

use super::types::Type;
use crate::{WarehouseError, googlesql};

/// A query over `sql` whose columns have exactly the DuckDB types that [`value`] reads.
pub(crate) fn projected(sql: &str, columns: &[(String, Type)]) -> String {
    let places: Vec<_> = (0..columns.len()).map(|index| format!("c{index}")).collect();
    let values: Vec<_> = columns
        .iter()
        .zip(&places)
        .map(|((_, column_type), place)| {
            let readable = match column_type {
                Type::Scalar(FieldType::Geography | FieldType::Json) => "VARCHAR".to_owned(),
                other => other.to_duckdb(),
            };
            format!("CAST(q.{place} AS {readable}) AS {place}")
        })
        .collect();
    format!("SELECT {} FROM (\n{sql}\n) AS q({})", values.join(", "), places.join(", "))
}

/// The value of one row of a column.
pub(crate) fn value(array: &dyn Array, row: usize, column_type: &Type) -> Result<Value, WarehouseError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    match column_type {
        Type::Array(element) => {
            let list = array.as_list_opt::<i32>().ok_or_else(|| unreadable(array, column_type))?;
            let items = list.value(row);
            (0..items.len())
                .map(|item| value(items.as_ref(), item, element))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        Type::Struct(fields) => {
            let members = array.as_struct_opt().ok_or_else(|| unreadable(array, column_type))?;
            structure(members, row, fields)
        }
        Type::Scalar(scalar) => plain(array, row, *scalar).ok_or_else(|| unreadable(array, column_type)),
    }
}

/// The members of one row, in order.
pub(crate) fn structure(members: &StructArray, row: usize, fields: &[(String, Type)]) -> Result<Value, WarehouseError> {
    let pairs = members.columns().iter().zip(fields);
    let values = pairs.map(|(array, (_, inner))| value(array.as_ref(), row, inner));
    values.collect::<Result<_, _>>().map(Value::Array)
}

fn unreadable(array: &dyn Array, column_type: &Type) -> WarehouseError {
    tracing::error!(arrow = %array.data_type(), %column_type, "a result column has an unexpected type");
    WarehouseError::Internal(format!("a column of type {column_type} cannot be read"))
}

fn plain(array: &dyn Array, row: usize, scalar: FieldType) -> Option<Value> {
    Some(match (scalar, array.data_type()) {
        (FieldType::Bool, DataType::Boolean) => array.as_boolean().value(row).into(),
        (FieldType::Int64, DataType::Int64) => {
            let number = array.as_primitive::<Int64Type>().value(row);
            number.into()
        }
        (FieldType::Float64, DataType::Float64) => float(array.as_primitive::<Float64Type>().value(row)),
        (FieldType::BigNumeric, DataType::Binary) => {
            googlesql::bignumeric_text(array.as_binary::<i32>().value(row))?.into()
        }
        (FieldType::Numeric, DataType::Decimal128(_, scale)) => {
            decimal(array.as_primitive::<Decimal128Type>().value(row), u32::try_from(*scale).ok()?).into()
        }
        (FieldType::Bytes, DataType::Binary) => STANDARD.encode(array.as_binary::<i32>().value(row)).into(),
        (FieldType::Date, DataType::Date32) => date(array.as_primitive::<Date32Type>().value(row))?.to_string().into(),
        (FieldType::Time, DataType::Time64(_)) => time(array.as_primitive::<Time64MicrosecondType>().value(row)).into(),
        (FieldType::DateTime, DataType::Timestamp(_, _)) => {
            let at = moment(array.as_primitive::<TimestampMicrosecondType>().value(row))?;
            format!("{}T{}", at.date(), clock(at.time())).into()
        }
        (FieldType::Timestamp, DataType::Timestamp(_, _)) => {
            let at = moment(array.as_primitive::<TimestampMicrosecondType>().value(row))?;
            format!("{} {}+00", at.date(), clock(at.time())).into()
        }
        (FieldType::Interval, DataType::Interval(_)) => {
            let span = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            interval(span.months, span.days, span.nanoseconds).into()
        }
        (_, DataType::Utf8) => array.as_string::<i32>().value(row).into(),
        _ => return None,
    })
}

fn float(number: f64) -> Value {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        number.into()
    }
}

/// `unscaled` over ten to the power of `scale`, without zeros at the end.
fn decimal(unscaled: i128, scale: u32) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let one = 10_u128.pow(scale);
    let (whole, fraction) = (unscaled.unsigned_abs() / one, unscaled.unsigned_abs() % one);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{fraction:0width$}", width = scale as usize);
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

fn date(days: i32) -> Option<civil::Date> {
    civil::date(1970, 1, 1).checked_add(Span::new().try_days(i64::from(days)).ok()?).ok()
}

fn moment(microseconds: i64) -> Option<civil::DateTime> {
    // Not by way of a moment, whose range ends a day before BigQuery's.
    let days = i32::try_from(microseconds.div_euclid(86_400_000_000)).ok()?;
    let clock = civil::Time::midnight().checked_add(Span::new().microseconds(microseconds.rem_euclid(86_400_000_000)));
    Some(date(days)?.to_datetime(clock.ok()?))
}

fn time(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    let hms = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    hms + &fraction(microseconds % 1_000_000)
}

fn clock(time: civil::Time) -> String {
    let hms = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    hms + &fraction(i64::from(time.subsec_nanosecond()) / 1000)
}

fn fraction(microseconds: i64) -> String {
    if microseconds == 0 { String::new() } else { format!(".{microseconds:06}") }
}

/// `Y-M D H:M:S[.F]`, each part with its own sign.
pub(super) fn interval(months: i32, days: i32, nanoseconds: i64) -> String {
    let sign = |negative: bool| if negative { "-" } else { "" };
    let (m, micros) = (months.unsigned_abs(), (nanoseconds / 1000).unsigned_abs());
    let seconds = micros / 1_000_000;
    format!(
        "{}{}-{} {days} {}{}:{}:{}{}",
        sign(months < 0),
        m / 12,
        m % 12,
        sign(nanoseconds < 0),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        fraction((micros % 1_000_000).cast_signed())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_only_zeros() {
        for (unscaled, expect) in
            [(1_500_000_000, "1.5"), (-1, "-0.000000001"), (0, "0"), (10_000_000_000, "10"), (-2_500_000_000, "-2.5")]
        {
            assert_eq!(decimal(unscaled, 9), expect);
        }
    }

    #[test]
    fn times_and_intervals_have_bigquery_forms() {
        assert_eq!(time(3_723_000_000), "01:02:03");
        assert_eq!(time(3_723_123_000), "01:02:03.123000");
        assert_eq!(interval(14, 0, 0), "1-2 0 0:0:0");
        assert_eq!(interval(-14, 3, -14_706_789_000_000), "-1-2 3 -4:5:6.789000");
        assert_eq!(date(19_753).unwrap().to_string(), "2024-01-31");
    }
}

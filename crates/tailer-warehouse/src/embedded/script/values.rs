//! Values between rows of JSON, as they are read and recorded, and constants, as they enter SQL.

use serde_json::Value;
use tailer_model::operation::ddl::FieldType;

use crate::{
    WarehouseError,
    embedded::{
        instance::text,
        types::{Type, member_names},
    },
    googlesql::{Constant, quote},
};

/// NULL of a BigQuery type.
pub(super) fn null(column_type: &str) -> Result<Constant, WarehouseError> {
    constant(&Value::Null, &Type::from_bigquery(column_type)?, column_type)
}

/// A STRING.
pub(super) fn string(value: &str) -> Constant {
    let sql = string_literal(value);
    Constant { column_type: "STRING".into(), sql, text: Some(value.to_owned()), fields: Vec::new() }
}

/// A STRING that is NULL.
pub(super) fn absent_string() -> Constant {
    Constant { column_type: "STRING".into(), sql: "CAST(NULL AS VARCHAR)".into(), text: None, fields: Vec::new() }
}

/// An INT64, or NULL.
pub(super) fn integer(value: Option<u64>) -> Constant {
    let sql = value.map_or_else(|| "CAST(NULL AS BIGINT)".to_owned(), |n| format!("{n}::BIGINT"));
    Constant { column_type: "INT64".into(), sql, text: value.map(|n| n.to_string()), fields: Vec::new() }
}

/// A value as [`cells`](crate::embedded::cells) writes it for `tailerd sql --batch`. `column_type` is how BigQuery writes the type.
pub(super) fn constant(value: &Value, ty: &Type, column_type: &str) -> Result<Constant, WarehouseError> {
    let mut fields = Vec::new();
    if let (Type::Struct(members), Value::Array(values)) = (ty, value) {
        for ((_, inner), value) in members.iter().zip(values) {
            fields.push(constant(value, inner, &inner.to_string())?);
        }
    }
    let text = match (ty, value) {
        (Type::Scalar(FieldType::String), Value::String(text)) => Some(text.clone()),
        (Type::Scalar(FieldType::Bool | FieldType::Int64), value) if !value.is_null() => Some(value.to_string()),
        _ => None,
    };
    Ok(Constant { column_type: column_type.to_owned(), sql: literal(value, ty)?, text, fields })
}

/// DuckDB SQL of exactly the type.
fn literal(value: &Value, ty: &Type) -> Result<String, WarehouseError> {
    let duckdb = ty.to_duckdb();
    Ok(match (ty, value) {
        (_, Value::Null) => format!("CAST(NULL AS {duckdb})"),
        (Type::Array(element), Value::Array(values)) => {
            let values = values.iter().map(|value| literal(value, element)).collect::<Result<Vec<_>, _>>()?;
            format!("CAST([{}] AS {duckdb})", values.join(", "))
        }
        (Type::Struct(members), Value::Array(values)) => {
            let mut packed = Vec::with_capacity(members.len());
            for ((name, (_, inner)), value) in member_names(members).iter().zip(members).zip(values) {
                packed.push(format!("{} := {}", quote(name), literal(value, inner)?));
            }
            format!("struct_pack({})", packed.join(", "))
        }
        (Type::Scalar(FieldType::Bool), Value::Bool(value)) => value.to_string(),
        (Type::Scalar(FieldType::Int64), value) => format!("'{value}'::BIGINT"),
        (Type::Scalar(FieldType::Float64), Value::Number(number)) => {
            format!("'{:?}'::DOUBLE", number.as_f64().unwrap_or_default())
        }
        (Type::Scalar(FieldType::String), Value::String(value)) => string_literal(value),
        (Type::Scalar(FieldType::Bytes), Value::String(base64)) => format!("from_base64({})", text(base64)),
        (Type::Scalar(FieldType::BigNumeric), Value::String(digits)) => {
            format!("gs_string_to_bignumeric({})", text(digits))
        }
        (Type::Scalar(FieldType::Interval), Value::String(value)) => interval(value).ok_or_else(|| unreadable(ty))?,
        (Type::Scalar(_), Value::String(value)) => format!("CAST({} AS {duckdb})", text(value)),
        _ => return Err(unreadable(ty)),
    })
}

fn string_literal(value: &str) -> String {
    // DuckDB's text ends at a NUL.
    let parts: Vec<String> = value.split('\0').map(text).collect();
    match parts.as_slice() {
        [only] => only.clone(),
        _ => format!("concat({})", parts.join(", chr(0), ")),
    }
}

/// `Y-M D H:M:S[.F]`, each part with its own sign.
fn interval(value: &str) -> Option<String> {
    let mut parts = value.split(' ');
    let (sign, years) = signed(parts.next()?);
    let (years, months) = years.split_once('-')?;
    let months = sign * (years.parse::<i64>().ok()? * 12 + months.parse::<i64>().ok()?);
    let days: i64 = parts.next()?.parse().ok()?;
    let (sign, clock) = signed(parts.next()?);
    let mut clock = clock.split(':');
    let (hours, minutes) = (clock.next()?.parse::<i64>().ok()?, clock.next()?.parse::<i64>().ok()?);
    let (seconds, fraction) = match clock.next()?.split_once('.') {
        Some((seconds, fraction)) => (seconds.to_owned(), format!("{fraction:0<6}")),
        None => (value.rsplit(':').next()?.to_owned(), "0".to_owned()),
    };
    let seconds = (hours * 60 + minutes) * 60 + seconds.parse::<i64>().ok()?;
    let microseconds = sign * (seconds * 1_000_000 + fraction.parse::<i64>().ok()?);
    Some(format!("(to_months({months}) + to_days({days}) + to_microseconds({microseconds}))"))
}

fn signed(text: &str) -> (i64, &str) {
    text.strip_prefix('-').map_or((1, text), |rest| (-1, rest))
}

fn unreadable(ty: &Type) -> WarehouseError {
    WarehouseError::Internal(format!("a value of type {ty} cannot be kept in a variable"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_typed_constants() {
        for (value, column_type, expect) in [
            (json!(null), "ARRAY<INT64>", "CAST(NULL AS BIGINT[])"),
            (json!(true), "BOOL", "true"),
            (json!(-9_223_372_036_854_775_808_i64), "INT64", "'-9223372036854775808'::BIGINT"),
            (json!(1e300), "FLOAT64", "'1e300'::DOUBLE"),
            (json!("NaN"), "FLOAT64", "CAST('NaN' AS DOUBLE)"),
            (json!("it's"), "STRING", "'it''s'"),
            (json!("a\0b"), "STRING", "concat('a', chr(0), 'b')"),
            (json!("AP8="), "BYTES", "from_base64('AP8=')"),
            (json!("1.5"), "NUMERIC", "CAST('1.5' AS DECIMAL(38,9))"),
            (
                json!([[1, "x"]]),
                "ARRAY<STRUCT<a INT64, STRING>>",
                "CAST([struct_pack(\"a\" := '1'::BIGINT, \"_field_2\" := 'x')] AS STRUCT(\"a\" BIGINT, \"_field_2\" VARCHAR)[])",
            ),
            (
                json!("-1-2 3 -4:5:6.789000"),
                "INTERVAL",
                "(to_months(-14) + to_days(3) + to_microseconds(-14706789000))",
            ),
        ] {
            let ty = Type::from_bigquery(column_type).unwrap();
            assert_eq!(constant(&value, &ty, column_type).unwrap().sql, expect);
        }
    }
}

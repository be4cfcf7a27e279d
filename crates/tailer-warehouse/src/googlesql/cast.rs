//! `CAST` and `SAFE_CAST`.

use sqlparser::ast::{CastFormat, CastKind, DataType, Expr};

use super::{
    coerce,
    error::{At, Result, invalid, place, unsupported},
    functions::formats,
    scope::{Env, Ex, Literal},
    temporal,
    translator::Translator,
    types::{Parameters, Type, from_ast, without_parameters},
};

impl Translator<'_> {
    pub(super) fn cast(
        &mut self,
        kind: &CastKind,
        expr: &Expr,
        data_type: &DataType,
        format: Option<&CastFormat>,
        env: &Env<'_>,
    ) -> Result<Ex> {
        let at = place(expr);
        let safe = match kind {
            CastKind::Cast => false,
            CastKind::SafeCast => true,
            CastKind::TryCast | CastKind::DoubleColon => {
                return Err(invalid("write CAST(x AS type) or SAFE_CAST(x AS type)", at));
            }
        };
        if let (plain, Some(parameters)) = without_parameters(data_type) {
            let cast = self.cast(kind, expr, &plain, format, env)?;
            let limit = |sql: &str| limited(sql, &cast.ty, parameters, at);
            let sql = if safe {
                safely(&[&cast], &|args| limit(args.first().map(String::as_str).unwrap_or_default()))?
            } else {
                limit(&cast.sql)?
            };
            return Ok(Ex::new(sql, cast.ty.clone()));
        }
        let to = from_ast(data_type, at)?;
        let ex = self.expr(expr, env)?;
        if let Some(format) = format {
            return self.cast_format(ex, &to, format, safe, at, env);
        }
        if matches!(ex.literal, Literal::Null | Literal::EmptyArray) && coerce::can(&ex, &to) {
            return Ok(Ex::new(coerce::to(ex, &to, at)?, to));
        }
        if let (Literal::Text(value), true) =
            (&ex.literal, matches!(to, Type::Date | Type::Datetime | Type::Timestamp | Type::Time))
        {
            return match temporal::literal(value, &to, at) {
                Ok(sql) => Ok(Ex::new(sql, to)),
                Err(_) if safe => Ok(Ex::new(format!("CAST(NULL AS {})", to.duckdb()), to)),
                Err(error) => Err(error),
            };
        }
        if let (Literal::Int(_) | Literal::Float(_), Type::Numeric | Type::BigNumeric) = (&ex.literal, &to) {
            return Ok(Ex::new(coerce::to(ex, &to, at)?, to));
        }
        if !safe || ex.ty == to {
            return Ok(Ex::new(convert(&ex.sql, &ex.ty, &to, at)?, to));
        }
        let sql = safely(&[&ex], &|args| {
            let [arg] = args else { return Err(invalid("CAST takes one value", at)) };
            convert(arg, &ex.ty, &to, at)
        })?;
        Ok(Ex::new(sql, to))
    }
}

impl Translator<'_> {
    /// `CAST(x AS type FORMAT 'format' [AT TIME ZONE 'zone'])`.
    fn cast_format(&mut self, ex: Ex, to: &Type, format: &CastFormat, safe: bool, at: At, env: &Env<'_>) -> Result<Ex> {
        let literal = |value: &sqlparser::ast::ValueWithSpan| Expr::Value(value.clone());
        let (pattern, zone) = match format {
            CastFormat::Value(pattern) => (literal(pattern), None),
            CastFormat::ValueAtTimeZone(pattern, zone) => (literal(pattern), Some(literal(zone))),
        };
        let pattern = self.expr(&pattern, env)?;
        let pattern = coerce::to(pattern, &Type::String, at)?;
        let zone = match zone {
            Some(zone) => coerce::to(self.expr(&zone, env)?, &Type::String, at)?,
            None => "gs_zone()".to_owned(),
        };
        let from = if ex.is_null() { to.clone() } else { ex.ty.clone() };
        let call = |value: &str| -> Result<String> {
            match (&from, to) {
                (Type::Bytes, Type::String) => Ok(format!("gsn_cast_bytes_text({value}, {pattern})")),
                (Type::String, Type::Bytes) => Ok(format!("gsn_cast_text_bytes({value}, {pattern})")),
                (Type::Date | Type::Time | Type::Datetime | Type::Timestamp, Type::String) => {
                    let (local, offset, _) = formats::civil(value, &from, &zone);
                    Ok(format!("gsn_cast_time_text({local}, {pattern}, '{from}', {offset})"))
                }
                (Type::String, Type::Date | Type::Time | Type::Datetime | Type::Timestamp) => {
                    let parsed = format!("gsn_cast_text_time({value}, {pattern}, '{to}', gs_to_local(now(), {zone}))");
                    formats::read(&parsed, to, &zone).ok_or_else(|| no_cast(&from, to, at))
                }
                _ => Err(unsupported(format!("CAST of {from} AS {to} with FORMAT"), at)),
            }
        };
        let typed = Ex { sql: coerce::to(ex.clone(), &from, at)?, ..ex };
        if !safe {
            return Ok(Ex::new(call(&typed.sql)?, to.clone()));
        }
        let sql = safely(&[&typed], &|args| call(args.first().map(String::as_str).unwrap_or_default()))?;
        Ok(Ex::new(sql, to.clone()))
    }
}

/// A value within the parameters of its type: texts are never cut, decimals are rounded.
fn limited(sql: &str, ty: &Type, parameters: Parameters, at: At) -> Result<String> {
    match (ty, parameters) {
        (Type::String | Type::Bytes, Parameters::Length(length)) if length > 0 => {
            let name = if *ty == Type::String { "gs_limited_string" } else { "gs_limited_bytes" };
            Ok(format!("{name}({sql}, {length}, '{ty}({length})')"))
        }
        (Type::Numeric | Type::BigNumeric, Parameters::Digits(precision, scale)) => {
            let (most, whole) = if *ty == Type::Numeric { (9, 29) } else { (38, 38) };
            let whole_digits = i64::try_from(precision).unwrap_or(i64::MAX) - scale;
            let fits = (0..=most).contains(&scale) && precision > 0 && (0..=whole).contains(&whole_digits);
            if !fits {
                return Err(invalid(format!("{ty}({precision}, {scale}) is no type"), at));
            }
            let (kind, duckdb) = if *ty == Type::Numeric { ('n', "DECIMAL(38,9)") } else { ('b', "BIGNUM") };
            let text = format!("CAST({sql} AS VARCHAR)");
            Ok(format!(
                "CAST(gsn_decimal_constrain('{kind}', {text}, {precision}::BIGINT, {scale}::BIGINT) AS {duckdb})"
            ))
        }
        _ => Err(invalid(format!("{ty} does not take such parameters"), at)),
    }
}

/// Wraps a call so that its own errors give NULL, and those of its arguments do not.
pub(super) fn safely(args: &[&Ex], call: &dyn Fn(&[String]) -> Result<String>) -> Result<String> {
    let simple = args.iter().all(|a| !matches!(a.literal, Literal::No | Literal::Part(_)) || is_plain_column(&a.sql));
    let sql: Vec<String> = args.iter().map(|a| a.sql.clone()).collect();
    if simple {
        return Ok(format!("TRY({})", call(&sql)?));
    }
    let packed: Vec<String> = sql.iter().enumerate().map(|(i, s)| format!("a{i} := {s}")).collect();
    let names: Vec<String> = (0..sql.len()).map(|i| format!("struct_extract(c, 'a{i}')")).collect();
    Ok(format!("list_transform([struct_pack({})], lambda c: TRY({}))[1]", packed.join(", "), call(&names)?))
}

fn is_plain_column(sql: &str) -> bool {
    !sql.contains('(')
}

/// An explicit cast of any value to a type.
pub(super) fn convert(sql: &str, from: &Type, to: &Type, at: At) -> Result<String> {
    if from == to {
        return Ok(sql.to_string());
    }
    let plain = || Ok(format!("CAST({sql} AS {})", to.duckdb()));
    let macro_call = |name: &str| Ok(format!("{name}({sql})"));
    use Type::{
        Array, BigNumeric, Bool, Bytes, Date, Datetime, Float64, Int64, Numeric, String, Struct, Time, Timestamp,
    };
    match (from, to) {
        (Int64, Bool | Float64 | Numeric | String) | (Bool, Int64 | String) | (Numeric, Float64) => plain(),
        (Int64, BigNumeric) => macro_call("gs_int_to_bignumeric"),
        (Numeric, BigNumeric) => macro_call("gs_numeric_to_bignumeric"),
        (Float64, BigNumeric) => macro_call("gs_float_to_bignumeric"),
        (String, BigNumeric) => macro_call("gs_string_to_bignumeric"),
        (BigNumeric, Int64) => macro_call("gs_bignumeric_to_int"),
        (BigNumeric, Numeric) => macro_call("gs_bignumeric_to_numeric"),
        (BigNumeric, Float64) => macro_call("gs_bignumeric_to_float"),
        (BigNumeric, String) => macro_call("gs_bignumeric_to_string"),
        (Numeric | BigNumeric | Float64, Bool) => Err(no_cast(from, to, at)),
        (Float64, Int64) => macro_call("gs_float_to_int"),
        (Float64, Numeric) => macro_call("gs_float_to_numeric"),
        (Float64, String) => macro_call("gs_float_to_string"),
        (Numeric, Int64) => macro_call("gs_numeric_to_int"),
        (Numeric, String) => macro_call("gs_numeric_to_string"),
        (String, Int64) => macro_call("gs_string_to_int"),
        (String, Float64) => macro_call("gs_string_to_float"),
        (String, Numeric) => macro_call("gs_string_to_numeric"),
        (String, Bool) => macro_call("gs_string_to_bool"),
        (String, Bytes) => macro_call("encode"),
        (Bytes, String) => macro_call("gsn_decode"),
        (String, Date) => macro_call("gs_string_to_date"),
        (String, Time) => macro_call("gs_string_to_time"),
        (String, Datetime) => macro_call("gs_string_to_datetime"),
        (String, Timestamp) => macro_call("gs_string_to_timestamp"),
        (Date, String) => macro_call("gs_date_to_string"),
        (Time, String) => macro_call("gs_time_to_string"),
        (Datetime, String) => macro_call("gs_datetime_to_string"),
        (Timestamp, String) => macro_call("gs_timestamp_to_string"),
        (Date, Datetime) | (Datetime, Date | Time) => plain(),
        (Date, Timestamp) => Ok(format!("(CAST({sql} AS TIMESTAMP) AT TIME ZONE gs_zone())")),
        (Datetime, Timestamp) => Ok(format!("({sql} AT TIME ZONE gs_zone())")),
        (Timestamp, Datetime) => Ok(format!("({sql} AT TIME ZONE gs_zone())")),
        (Timestamp, Date | Time) => Ok(format!("CAST(({sql} AT TIME ZONE gs_zone()) AS {})", to.duckdb())),
        (Struct(f), Struct(t)) if f.len() == t.len() => {
            coerce::rebuild_struct(sql, from, to, &|s, f, t| convert(s, f, t, at))
        }
        (Array(f), Array(t)) => Ok(format!("list_transform({sql}, lambda e: {})", convert("e", f, t, at)?)),
        (Type::Interval, String) => macro_call("gs_interval_to_string"),
        (String, Type::Interval) => Ok(format!("gs_interval(gsn_interval_parse({sql}))")),
        _ if !from.is_known() || !to.is_known() => Err(unsupported(format!("CAST of {from} AS {to}"), at)),
        _ => Err(no_cast(from, to, at)),
    }
}

fn no_cast(from: &Type, to: &Type, at: At) -> crate::WarehouseError {
    invalid(format!("invalid cast from {from} to {to}"), at)
}

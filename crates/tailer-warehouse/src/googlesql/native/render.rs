//! Values of any type as JSON and as text: for TO_JSON, TO_JSON_STRING and FORMAT's `%t` and `%T`.
//!
//! A value comes as DuckDB holds it, with its GoogleSQL type described beside it. NUMERIC, BIGNUMERIC, INTERVAL and JSON
//! come as text.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Value, civil, intervals, json::Json};
use crate::googlesql::types::{StructField, Type};

/// A value and its type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed<'v> {
    pub(super) value: &'v Value,
    pub(super) ty: &'v Type,
}

thread_local! {
    static DESCRIBED: RefCell<HashMap<String, Rc<Type>>> = RefCell::default();
}

/// The type that [`describe`] wrote.
pub(super) fn described(text: &str) -> Result<Rc<Type>, String> {
    if let Some(found) = DESCRIBED.with_borrow(|all| all.get(text).cloned()) {
        return Ok(found);
    }
    let ty = Type::parse(text);
    if !ty.is_known() {
        return Err(format!("internal: the type {text} is not known"));
    }
    let ty = Rc::new(ty);
    DESCRIBED.with_borrow_mut(|all| {
        if all.len() > 256 {
            all.clear();
        }
        all.insert(text.to_owned(), Rc::clone(&ty));
    });
    Ok(ty)
}

/// A type with its fields' names in backticks, so that every name can be read again.
pub(in super::super) fn describe(ty: &Type) -> String {
    match ty {
        Type::Array(element) => format!("ARRAY<{}>", describe(element)),
        Type::Struct(fields) => {
            let field = |f: &StructField| match f.name.as_str() {
                "" => describe(&f.field_type),
                name => format!("`{}` {}", name.replace('`', ""), describe(&f.field_type)),
            };
            format!("STRUCT<{}>", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Types of a STRUCT's fields.
pub(super) fn fields(ty: &Type) -> Result<impl Iterator<Item = &Type>, String> {
    match ty {
        Type::Struct(fields) => Ok(fields.iter().map(|f| &f.field_type)),
        other => Err(format!("internal: a STRUCT was expected, found {other}")),
    }
}

/// How numbers are written that a FLOAT64 does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    /// Rounded to what JSON holds.
    Number,
    Text,
    /// TO_JSON_STRING: as text where a FLOAT64 would lose something, as they are otherwise.
    AsNeeded,
}

pub(super) fn json(typed: &Typed<'_>, wide: Wide) -> Result<Json, String> {
    let of = |value, ty| json(&Typed { value, ty }, wide);
    Ok(match (typed.value, typed.ty) {
        (Value::Null, _) => Json::Null,
        (Value::Bool(truth), _) => Json::Bool(*truth),
        (Value::Int(n), _) => {
            let fits = n.unsigned_abs() <= 1 << 53;
            let text = n.to_string();
            if fits || wide == Wide::Number { Json::Number(text) } else { Json::Text(text) }
        }
        (Value::Float(n), _) if n.is_nan() => Json::Text("NaN".into()),
        (Value::Float(n), _) if n.is_infinite() => Json::Text(if *n > 0.0 { "Infinity" } else { "-Infinity" }.into()),
        (Value::Float(n), _) if wide == Wide::AsNeeded => Json::Number(float(*n)),
        (Value::Float(n), _) => Json::float(*n),
        (Value::Text(text), Type::Numeric | Type::BigNumeric) => decimal(text, wide)?,
        (Value::Text(text), Type::Interval) => Json::Text(intervals::iso(text)?),
        (Value::Text(text), Type::Json) => Json::parse(text)?,
        (Value::Text(text), _) => Json::Text(text.clone()),
        (Value::Bytes(bytes), _) => Json::Text(STANDARD.encode(bytes)),
        (Value::Date(days), _) => Json::Text(civil::date_text((*days).into())?),
        (Value::Time(micros), _) => Json::Text(civil::time_text(*micros)),
        (Value::Moment(micros), Type::Timestamp) => Json::Text(format!("{}Z", civil::moment_text(*micros, 'T')?)),
        (Value::Moment(micros), _) => Json::Text(civil::moment_text(*micros, 'T')?),
        (Value::List(items), Type::Array(element)) => {
            Json::Array(items.iter().map(|item| of(item, element)).collect::<Result<_, _>>()?)
        }
        (Value::Row(row), Type::Struct(fields)) => {
            let members = row.iter().zip(fields).map(|((_, v), f)| Ok((f.name.clone(), of(v, &f.field_type)?)));
            Json::Object(members.collect::<Result<_, String>>()?)
        }
        (value, ty) => return Err(format!("internal: {value:?} is no {ty}")),
    })
}

fn decimal(text: &str, wide: Wide) -> Result<Json, String> {
    let shortest = plain_decimal(text);
    let number: f64 = shortest.parse().map_err(|_| format!("internal: {text} is no number"))?;
    // Every digit survives when the shortest text of the FLOAT64 says the same.
    let back = format!("{number}");
    let exact = plain_decimal(&back) == shortest && (number.fract() != 0.0 || number.abs() <= 9_007_199_254_740_992.0);
    Ok(match wide {
        Wide::Number if shortest.contains('.') || number.abs() >= 9.2e18 => Json::float(number),
        Wide::Number => Json::Number(shortest),
        _ if exact => Json::Number(shortest),
        _ => Json::Text(shortest),
    })
}

fn plain_decimal(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// As CAST gives it: fifteen digits where they are enough, seventeen otherwise.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    if number == 0.0 {
        return "0".into();
    }
    let short = super::printf::general(number, 15, false);
    if short.parse() == Ok(number) { short } else { super::printf::general(number, 17, false) }
}

/// `%t`: as a cast would have it; strings inside of arrays, too, without quotes.
pub(super) fn text(typed: &Typed<'_>) -> Result<String, String> {
    let of = |value, ty| text(&Typed { value, ty });
    Ok(match (typed.value, typed.ty) {
        (Value::Null, _) => "NULL".into(),
        (Value::Bool(truth), _) => truth.to_string(),
        (Value::Int(n), _) => n.to_string(),
        (Value::Float(n), _) => pointed(float(*n)),
        (Value::Text(text), Type::Numeric | Type::BigNumeric) => {
            let shortest = plain_decimal(text);
            if !shortest.contains('.') {
                return Err("FORMAT of a whole NUMERIC is not supported by the embedded warehouse".into());
            }
            shortest
        }
        (Value::Text(text), _) => text.clone(),
        (Value::Bytes(bytes), _) => escaped_bytes(bytes, None),
        (Value::Date(days), _) => civil::date_text((*days).into())?,
        (Value::Time(micros), _) => civil::time_text(*micros),
        (Value::Moment(micros), _) => civil::moment_text(*micros, ' ')?,
        (Value::List(items), Type::Array(element)) => {
            let items = items.iter().map(|item| of(item, element)).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(", "))
        }
        (Value::Row(row), Type::Struct(fields)) => structure(row, fields, &text)?,
        (value, ty) => return Err(format!("internal: {value:?} is no {ty}")),
    })
}

/// `%T`: as a literal that gives the value again.
pub(super) fn literal(typed: &Typed<'_>) -> Result<String, String> {
    let of = |value, ty| literal(&Typed { value, ty });
    let plain = || text(typed);
    Ok(match (typed.value, typed.ty) {
        (Value::Float(n), _) if !n.is_finite() => format!("CAST(\"{}\" AS FLOAT64)", float(*n)),
        (Value::Text(text), Type::String) => quoted(text),
        (Value::Bytes(bytes), _) => {
            let quote = if bytes.contains(&b'"') && !bytes.contains(&b'\'') { '\'' } else { '"' };
            format!("b{quote}{}{quote}", escaped_bytes(bytes, Some(quote)))
        }
        (Value::Text(_), Type::Numeric) => format!("NUMERIC \"{}\"", plain()?),
        (Value::Text(_), Type::BigNumeric) => format!("BIGNUMERIC \"{}\"", plain()?),
        (Value::Text(text), Type::Interval) => format!("INTERVAL \"{text}\" YEAR TO SECOND"),
        (Value::Text(text), Type::Json) => format!("JSON {}", quoted(text)),
        (Value::Text(text), Type::Timestamp) => format!("TIMESTAMP \"{text}\""),
        (Value::Date(_), _) => format!("DATE \"{}\"", plain()?),
        (Value::Time(_), _) => format!("TIME \"{}\"", plain()?),
        (Value::Moment(_), _) => format!("DATETIME \"{}\"", plain()?),
        (Value::List(items), Type::Array(element)) => {
            let items = items.iter().map(|item| of(item, element)).collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", items.join(", "))
        }
        (Value::Row(row), Type::Struct(fields)) => structure(row, fields, &literal)?,
        _ => plain()?,
    })
}

/// `(a, b)`; `STRUCT(a)` when there is one field only.
fn structure(
    row: &[(String, Value)],
    fields: &[StructField],
    write: &dyn Fn(&Typed<'_>) -> Result<String, String>,
) -> Result<String, String> {
    let values = row.iter().zip(fields).map(|((_, value), f)| write(&Typed { value, ty: &f.field_type }));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    let name = if values.len() == 1 { "STRUCT" } else { "" };
    Ok(format!("{name}({})", values.join(", ")))
}

/// A number that could be taken for an integer gets `.0`.
fn pointed(number: String) -> String {
    let whole = number.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if whole { number + ".0" } else { number }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn escaped_bytes(bytes: &[u8], quote: Option<char>) -> String {
    let mut out = String::new();
    for byte in bytes {
        match char::from(*byte) {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if Some(c) == quote => {
                out.push('\\');
                out.push(c);
            }
            c @ ' '..='~' => out.push(c),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

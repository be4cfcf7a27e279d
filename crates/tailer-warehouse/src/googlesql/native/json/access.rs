//! Parts of JSON: JSON_VALUE, JSON_QUERY, their arrays, subscripts, keys and types.
//!
//! The first argument is JSON, or a STRING that may be no JSON at all: then the answer is NULL.

use super::{
    super::{Answer, Gives, Native, Value, values::arg},
    Json, Number,
    path::{Step, follow, parse},
};

/// `(json, is a STRING, path, old way of paths)`: the part, or nothing.
fn part(args: &[Value]) -> Result<Option<Json>, String> {
    let (text, is_string) = (arg(args, 0)?.text()?, arg(args, 1)?.bool()?);
    let steps = parse(arg(args, 2)?.text()?, arg(args, 3)?.bool()?)?;
    let json = match Json::parse(text) {
        Ok(json) if is_string => json,
        Ok(json) => json.normal()?,
        Err(_) if is_string => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(follow(&json, &steps).cloned())
}

fn text(text: String) -> Value {
    Value::Text(text)
}

/// A scalar as plain text; nothing for what is none.
fn scalar(json: Json) -> Value {
    match json {
        Json::Text(plain) | Json::Number(plain) => text(plain),
        Json::Bool(truth) => text(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
    }
}

fn value(args: &[Value]) -> Answer {
    Ok(part(args)?.map_or(Value::Null, scalar))
}

fn query(args: &[Value]) -> Answer {
    let is_string = arg(args, 1)?.bool()?;
    Ok(match part(args)? {
        // A JSON null in a STRING is no text.
        Some(Json::Null) if is_string => Value::Null,
        Some(json) => text(json.write()),
        None => Value::Null,
    })
}

fn query_array(args: &[Value]) -> Answer {
    Ok(match part(args)? {
        Some(Json::Array(items)) => Value::List(items.iter().map(|item| text(item.write())).collect()),
        _ => Value::Null,
    })
}

/// NULL when an element is no scalar.
fn value_array(args: &[Value]) -> Answer {
    let Some(Json::Array(items)) = part(args)? else { return Ok(Value::Null) };
    if items.iter().any(|item| matches!(item, Json::Array(_) | Json::Object(_))) {
        return Ok(Value::Null);
    }
    Ok(Value::List(items.into_iter().map(scalar).collect()))
}

/// `json[key]` and `json[index]`.
fn subscript(args: &[Value]) -> Answer {
    let json = Json::parse(arg(args, 0)?.text()?)?;
    let step = match arg(args, 1)? {
        Value::Int(index) => match usize::try_from(*index) {
            Ok(index) => Step::Index(index),
            Err(_) => return Ok(Value::Null),
        },
        key => Step::Key(key.text()?.to_owned()),
    };
    Ok(follow(&json, &[step]).map_or(Value::Null, |found| text(found.write())))
}

fn json_type(args: &[Value]) -> Answer {
    let name = match Json::parse(arg(args, 0)?.text()?)? {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::Text(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    Ok(text(name.to_owned()))
}

/// `(json, deepest level, mode)`: paths of keys, each once, in order. Arrays are looked into where the mode says.
fn keys(args: &[Value]) -> Answer {
    let (depth, mode) = (arg(args, 1)?.int()?, arg(args, 2)?.text()?);
    if depth < 1 {
        return Err("max_depth must be positive".to_owned());
    }
    let (lax, recursive) = match mode.to_ascii_lowercase().as_str() {
        "strict" => (false, false),
        "lax" => (true, false),
        "lax recursive" => (true, true),
        _ => return Err(format!("invalid JSON mode: {mode}")),
    };
    let mut found = std::collections::BTreeSet::new();
    let looked = Looked { lax, recursive };
    looked.collect(&Json::parse(arg(args, 0)?.text()?)?, "", depth, 0, &mut found);
    Ok(Value::List(found.into_iter().map(text).collect()))
}

struct Looked {
    lax: bool,
    recursive: bool,
}

impl Looked {
    fn collect(
        &self,
        json: &Json,
        prefix: &str,
        depth: i64,
        arrays: usize,
        found: &mut std::collections::BTreeSet<String>,
    ) {
        match json {
            Json::Object(members) if depth > 0 => {
                for (key, value) in members {
                    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
                    let key = if plain { key.clone() } else { format!("\"{key}\"") };
                    let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                    self.collect(value, &path, depth - 1, 0, found);
                    found.insert(path);
                }
            }
            Json::Array(items) if self.recursive || self.lax && arrays == 0 => {
                items.iter().for_each(|item| self.collect(item, prefix, depth, arrays + 1, found));
            }
            _ => {}
        }
    }
}

fn flatten(args: &[Value]) -> Answer {
    fn leaves(json: Json, out: &mut Vec<Value>) {
        match json {
            Json::Array(items) => items.into_iter().for_each(|item| leaves(item, out)),
            other => out.push(text(other.write())),
        }
    }
    let mut out = Vec::new();
    leaves(Json::parse(arg(args, 0)?.text()?)?, &mut out);
    Ok(Value::List(out))
}

/// `(json, type)`: BOOL, INT64, FLOAT64 and STRING of JSON, exactly.
fn strict(args: &[Value], name: &str) -> Answer {
    let json = Json::parse(arg(args, 0)?.text()?)?;
    let wrong = || format!("the JSON value is no {name}");
    Ok(match (json, name) {
        (Json::Bool(truth), "BOOL") => Value::Bool(truth),
        (Json::Text(plain), "STRING") => text(plain),
        (Json::Number(number), "INT64") => match Number::read(&number)? {
            Number::Int(n) => Value::Int(n),
            Number::Float(n) => Value::Int(whole(n).ok_or_else(wrong)?),
            Number::Unsigned(_) => return Err(wrong()),
        },
        (Json::Number(number), "FLOAT64") => {
            let read = Number::read(&number)?;
            let exact = args.get(1).map(Value::text).transpose()?;
            match exact {
                None | Some("round") => {}
                Some("exact") => check_exact(read)?,
                Some(other) => return Err(format!("invalid wide_number_mode: {other}")),
            }
            Value::Float(read.float())
        }
        _ => return Err(wrong()),
    })
}

/// What fits into 64 bits.
const RANGE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;

/// A whole number of 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn whole(n: f64) -> Option<i64> {
    (n.fract() == 0.0 && RANGE.contains(&n)).then_some(n as i64)
}

/// Integers beyond 53 bits have no FLOAT64 of their own.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared with what it came from")]
fn check_exact(number: Number) -> Result<(), String> {
    let exact = match number {
        Number::Int(n) => number.float() as i128 == i128::from(n),
        Number::Unsigned(n) => number.float() as u128 == u128::from(n),
        Number::Float(_) => true,
    };
    if exact { Ok(()) } else { Err("the JSON number cannot be converted to FLOAT64 without loss".to_owned()) }
}

/// `LAX_…`: what can be converted is, everything else is NULL.
#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn lax(args: &[Value], name: &str) -> Answer {
    let json = Json::parse(arg(args, 0)?.text()?)?;
    let number = |text: &str| Number::read(text).ok();
    let rounded = |n: f64| {
        let n = n.round();
        RANGE.contains(&n).then_some(Value::Int(n as i64))
    };
    let answer = match (json, name) {
        (Json::Bool(truth), "BOOL") => Some(Value::Bool(truth)),
        (Json::Number(text), "BOOL") => number(&text).map(|n| Value::Bool(n.float() != 0.0)),
        (Json::Text(plain), "BOOL") => match plain.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        (Json::Bool(truth), "INT64") => Some(Value::Int(truth.into())),
        (Json::Number(text) | Json::Text(text), "INT64") => match number(text.trim()) {
            Some(Number::Int(n)) => Some(Value::Int(n)),
            Some(Number::Float(n)) => rounded(n),
            _ => None,
        },
        (Json::Bool(_), "FLOAT64") => None,
        (Json::Number(text), "FLOAT64") => number(&text).map(|n| Value::Float(n.float())),
        (Json::Text(plain), "FLOAT64") => special(plain.trim()),
        (Json::Bool(truth), "STRING") => Some(text(truth.to_string())),
        (Json::Number(number), "STRING") => Some(text(Number::read(&number)?.write())),
        (Json::Text(plain), "STRING") => Some(text(plain)),
        _ => None,
    };
    Ok(answer.unwrap_or(Value::Null))
}

fn special(plain: &str) -> Option<Value> {
    let number = match plain.to_ascii_lowercase().as_str() {
        "nan" => f64::NAN,
        "inf" | "+inf" | "infinity" | "+infinity" => f64::INFINITY,
        "-inf" | "-infinity" => f64::NEG_INFINITY,
        _ => plain.parse().ok().filter(|n: &f64| n.is_finite())?,
    };
    Some(Value::Float(number))
}

pub(in super::super) const FUNCTIONS: &[Native] = &[
    ("gsn_json_value", Gives::Text, value),
    ("gsn_json_query", Gives::Text, query),
    ("gsn_json_query_array", Gives::Texts, query_array),
    ("gsn_json_value_array", Gives::Texts, value_array),
    ("gsn_json_subscript", Gives::Text, subscript),
    ("gsn_json_type", Gives::Text, json_type),
    ("gsn_json_keys", Gives::Texts, keys),
    ("gsn_json_flatten", Gives::Texts, flatten),
    ("gsn_json_bool", Gives::Bool, |args| strict(args, "BOOL")),
    ("gsn_json_int64", Gives::Int64, |args| strict(args, "INT64")),
    ("gsn_json_float64", Gives::Float64, |args| strict(args, "FLOAT64")),
    ("gsn_json_string", Gives::Text, |args| strict(args, "STRING")),
    ("gsn_json_lax_bool", Gives::Bool, |args| lax(args, "BOOL")),
    ("gsn_json_lax_int64", Gives::Int64, |args| lax(args, "INT64")),
    ("gsn_json_lax_float64", Gives::Float64, |args| lax(args, "FLOAT64")),
    ("gsn_json_lax_string", Gives::Text, |args| lax(args, "STRING")),
];

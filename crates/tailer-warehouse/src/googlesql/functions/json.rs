//! JSON: parts, conversions, changes.

use super::{
    Call, Code,
    packing::{For, packed, single},
};
use crate::googlesql::{
    coerce,
    error::{Result, invalid},
    scope::{Ex, text},
    types::Type,
};

pub(super) const CODE: &[(&str, Code)] = &[
    ("JSON_VALUE", |c| scalar(c, "JSON_VALUE", false)),
    ("JSON_EXTRACT_SCALAR", |c| scalar(c, "JSON_EXTRACT_SCALAR", true)),
    ("JSON_QUERY", |c| query(c, "JSON_QUERY", false)),
    ("JSON_EXTRACT", |c| query(c, "JSON_EXTRACT", true)),
    ("JSON_QUERY_ARRAY", |c| query_array(c, "JSON_QUERY_ARRAY", false)),
    ("JSON_EXTRACT_ARRAY", |c| query_array(c, "JSON_EXTRACT_ARRAY", true)),
    ("JSON_VALUE_ARRAY", |c| value_array(c, "JSON_VALUE_ARRAY", false)),
    ("JSON_EXTRACT_STRING_ARRAY", |c| value_array(c, "JSON_EXTRACT_STRING_ARRAY", true)),
    ("PARSE_JSON", parse),
    ("TO_JSON", to_json),
    ("TO_JSON_STRING", to_json_string),
    ("JSON_OBJECT", object),
    ("JSON_ARRAY", array),
    ("JSON_SET", |c| change(c, "gsn_json_set", "create_if_missing")),
    ("JSON_ARRAY_APPEND", |c| change(c, "gsn_json_append", "append_each_element")),
    ("JSON_ARRAY_INSERT", |c| change(c, "gsn_json_insert", "insert_each_element")),
    ("JSON_REMOVE", remove),
    ("JSON_STRIP_NULLS", strip_nulls),
    ("JSON_KEYS", keys),
    ("JSON_TYPE", |c| of_json(c, "JSON_TYPE", "gsn_json_type", Type::String)),
    ("JSON_FLATTEN", |c| {
        let leaves = of_json(c, "JSON_FLATTEN", "gsn_json_flatten", Type::String)?;
        Ok(Ex::new(format!("CAST({} AS JSON[])", leaves.sql), Type::array(Type::Json)))
    }),
    ("BOOL", |c| of_json(c, "BOOL", "gsn_json_bool", Type::Bool)),
    ("INT64", |c| of_json(c, "INT64", "gsn_json_int64", Type::Int64)),
    ("FLOAT64", float64),
    ("DOUBLE", float64),
    ("LAX_BOOL", |c| of_json(c, "LAX_BOOL", "gsn_json_lax_bool", Type::Bool)),
    ("LAX_INT64", |c| of_json(c, "LAX_INT64", "gsn_json_lax_int64", Type::Int64)),
    ("LAX_FLOAT64", |c| of_json(c, "LAX_FLOAT64", "gsn_json_lax_float64", Type::Float64)),
    ("LAX_DOUBLE", |c| of_json(c, "LAX_DOUBLE", "gsn_json_lax_float64", Type::Float64)),
    ("LAX_STRING", |c| of_json(c, "LAX_STRING", "gsn_json_lax_string", Type::String)),
];

fn json(sql: String) -> Ex {
    Ex::new(format!("CAST({sql} AS JSON)"), Type::Json)
}

/// The arguments of a function that finds a part, and whether the value is JSON.
fn part(call: &Call, name: &str, old: bool) -> Result<(String, bool)> {
    call.expect(name, 1..=2)?;
    let value = call.arg(0)?;
    let is_json = match value.ty {
        Type::Json => true,
        Type::String => false,
        _ if value.is_null() => false,
        ref other => return Err(invalid(format!("{name} wants JSON or STRING, found {other}"), call.at)),
    };
    let value = coerce::to(value.clone(), if is_json { &Type::Json } else { &Type::String }, call.at)?;
    let path = if call.args.len() == 2 { call.typed(1, &Type::String)? } else { text("$") };
    Ok((format!("CAST({value} AS VARCHAR), {}, {path}, {old}", !is_json), is_json))
}

fn scalar(call: &Call, name: &str, old: bool) -> Result<Ex> {
    Ok(Ex::new(format!("gsn_json_value({})", part(call, name, old)?.0), Type::String))
}

fn query(call: &Call, name: &str, old: bool) -> Result<Ex> {
    let (args, is_json) = part(call, name, old)?;
    let sql = format!("gsn_json_query({args})");
    Ok(if is_json { json(sql) } else { Ex::new(sql, Type::String) })
}

fn query_array(call: &Call, name: &str, old: bool) -> Result<Ex> {
    let (args, is_json) = part(call, name, old)?;
    let sql = format!("gsn_json_query_array({args})");
    Ok(if is_json {
        Ex::new(format!("CAST({sql} AS JSON[])"), Type::array(Type::Json))
    } else {
        Ex::new(sql, Type::array(Type::String))
    })
}

fn value_array(call: &Call, name: &str, old: bool) -> Result<Ex> {
    Ok(Ex::new(format!("gsn_json_value_array({})", part(call, name, old)?.0), Type::array(Type::String)))
}

/// An argument of type JSON, as text.
fn json_text(call: &Call, index: usize, name: &str) -> Result<String> {
    let value = call.arg(index)?;
    if value.ty != Type::Json && !value.is_null() {
        return Err(invalid(format!("{name} wants JSON, found {}", value.ty), call.at));
    }
    Ok(format!("CAST({} AS VARCHAR)", value.sql))
}

fn of_json(call: &Call, name: &str, function: &str, ty: Type) -> Result<Ex> {
    call.expect(name, 1..=1)?;
    Ok(Ex::new(format!("{function}({})", json_text(call, 0, name)?), ty))
}

/// STRING(json), which shares its name with the function of dates.
pub(super) fn string(call: &Call) -> Result<Ex> {
    of_json(call, "STRING", "gsn_json_string", Type::String)
}

fn float64(call: &Call) -> Result<Ex> {
    call.expect("FLOAT64", 1..=1)?;
    let mode = named_text(call, "wide_number_mode", "round")?;
    Ok(Ex::new(format!("gsn_json_float64({}, {mode})", json_text(call, 0, "FLOAT64")?), Type::Float64))
}

fn named_text(call: &Call, name: &str, default: &str) -> Result<String> {
    call.named(name).map_or_else(|| Ok(text(default)), |ex| coerce::to(ex.clone(), &Type::String, call.at))
}

fn named_bool(call: &Call, name: &str, default: bool) -> Result<String> {
    call.named(name).map_or_else(|| Ok(default.to_string()), |ex| coerce::to(ex.clone(), &Type::Bool, call.at))
}

fn parse(call: &Call) -> Result<Ex> {
    call.expect("PARSE_JSON", 1..=1)?;
    let mode = named_text(call, "wide_number_mode", "exact")?;
    Ok(json(format!("gsn_parse_json({}, {mode})", call.typed(0, &Type::String)?)))
}

fn to_json(call: &Call) -> Result<Ex> {
    call.expect("TO_JSON", 1..=1)?;
    let wide = named_bool(call, "stringify_wide_numbers", false)?;
    Ok(json(format!("gsn_to_json({}, {wide})", single(call, 0, For::Json)?)))
}

fn to_json_string(call: &Call) -> Result<Ex> {
    call.expect("TO_JSON_STRING", 1..=2)?;
    let pretty = if call.args.len() == 2 { call.typed(1, &Type::Bool)? } else { "false".to_owned() };
    Ok(Ex::new(format!("gsn_to_json_string({}, {pretty})", single(call, 0, For::Json)?), Type::String))
}

fn array(call: &Call) -> Result<Ex> {
    if call.args.is_empty() {
        return Ok(json("'[]'".to_owned()));
    }
    Ok(json(format!("gsn_json_array({})", packed(&call.args, For::Json, call.at)?)))
}

/// `(key, value, …)`, or an array of each.
fn object(call: &Call) -> Result<Ex> {
    let is_array = |i: usize| call.args.get(i).is_some_and(|a| matches!(a.ty, Type::Array(_)));
    if call.args.len() == 2 && is_array(0) && is_array(1) {
        return Ok(json(format!("gsn_json_object_of_arrays({})", packed(&call.args, For::Json, call.at)?)));
    }
    if call.args.is_empty() {
        return Ok(json("'{}'".to_owned()));
    }
    if !call.args.len().is_multiple_of(2) {
        return Err(invalid("JSON_OBJECT takes pairs of keys and values", call.at));
    }
    if let Some(key) = call.args.iter().step_by(2).find(|k| k.ty != Type::String) {
        return Err(invalid(format!("a key of JSON_OBJECT is a STRING, found {}", key.ty), call.at));
    }
    Ok(json(format!("gsn_json_object({})", packed(&call.args, For::Json, call.at)?)))
}

/// `(json, path, value, …, option => …)`.
fn change(call: &Call, function: &str, option: &str) -> Result<Ex> {
    if call.args.len() < 3 || call.args.len().is_multiple_of(2) {
        return Err(invalid("this function takes JSON and pairs of a path and a value", call.at));
    }
    let document = json_text(call, 0, "this function")?;
    let pairs = call.args.get(1..).unwrap_or_default();
    if let Some(path) = pairs.iter().step_by(2).find(|p| p.ty != Type::String) {
        return Err(invalid(format!("a JSON path is a STRING, found {}", path.ty), call.at));
    }
    let option = named_bool(call, option, true)?;
    Ok(json(format!("{function}({}, {document}, {option})", packed(pairs, For::Json, call.at)?)))
}

fn remove(call: &Call) -> Result<Ex> {
    if call.args.len() < 2 {
        return Err(invalid("JSON_REMOVE takes JSON and paths", call.at));
    }
    let mut args = vec![json_text(call, 0, "JSON_REMOVE")?];
    for i in 1..call.args.len() {
        args.push(call.typed(i, &Type::String)?);
    }
    Ok(json(format!("gsn_json_remove({})", args.join(", "))))
}

fn strip_nulls(call: &Call) -> Result<Ex> {
    call.expect("JSON_STRIP_NULLS", 1..=2)?;
    let path = if call.args.len() == 2 { call.typed(1, &Type::String)? } else { text("$") };
    let arrays = named_bool(call, "include_arrays", true)?;
    let empty = named_bool(call, "remove_empty", false)?;
    Ok(json(format!("gsn_json_strip_nulls({}, {path}, {arrays}, {empty})", json_text(call, 0, "JSON_STRIP_NULLS")?)))
}

fn keys(call: &Call) -> Result<Ex> {
    call.expect("JSON_KEYS", 1..=2)?;
    let depth = if call.args.len() == 2 { call.typed(1, &Type::Int64)? } else { "9223372036854775807::BIGINT".into() };
    let mode = named_text(call, "mode", "strict")?;
    let sql = format!("gsn_json_keys({}, {depth}, {mode})", json_text(call, 0, "JSON_KEYS")?);
    Ok(Ex::new(sql, Type::array(Type::String)))
}

//! Values as JSON and back: PARSE_JSON, TO_JSON, TO_JSON_STRING, JSON_OBJECT, JSON_ARRAY.

use super::{
    super::{
        Answer, Gives, Native, Value,
        render::{self, Typed},
        values::arg,
    },
    Json, Number,
};

/// `(text, mode)`: `exact` refuses numbers that a FLOAT64 does not hold, `round` rounds them.
fn parse(args: &[Value]) -> Answer {
    let exact = match arg(args, 1)?.text()? {
        "exact" => true,
        "round" => false,
        other => return Err(format!("invalid wide_number_mode: {other}")),
    };
    let json = Json::parse(arg(args, 0)?.text()?)?;
    if exact {
        check(&json)?;
    }
    Ok(Value::Text(json.normal()?.write()))
}

fn check(json: &Json) -> Result<(), String> {
    match json {
        Json::Number(text) if digits(text) != digits(&Number::read(text)?.write()) => {
            Err(format!("the JSON number {text} cannot be stored without loss of precision"))
        }
        Json::Array(items) => items.iter().try_for_each(check),
        Json::Object(members) => members.iter().try_for_each(|(_, value)| check(value)),
        _ => Ok(()),
    }
}

/// A number as sign, digits and the power of ten they are multiplied by.
fn digits(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = all.trim_start_matches('0');
    let kept = significant.trim_end_matches('0');
    let dropped = i64::try_from(significant.len() - kept.len()).unwrap_or(0);
    let power = exponent.parse::<i64>().unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0) + dropped;
    let zero = kept.is_empty();
    (!zero && text.starts_with('-'), kept.to_owned(), if zero { 0 } else { power })
}

/// `({value}, type, wide numbers as texts)`.
fn to_json(args: &[Value]) -> Answer {
    let json = made(arg(args, 0)?, arg(args, 1)?.text()?, arg(args, 2)?.bool()?)?;
    Ok(Value::Text(json.normal()?.write()))
}

fn made(packed: &Value, described: &str, wide_as_text: bool) -> Result<Json, String> {
    let ty = render::described(described)?;
    let value = packed.row()?.first().map_or(&Value::Null, |(_, value)| value);
    render::json(&Typed { value, ty: &ty }, if wide_as_text { render::Wide::Text } else { render::Wide::Number })
}

/// `({value}, type, pretty)`.
fn to_json_string(args: &[Value]) -> Answer {
    let ty = render::described(arg(args, 1)?.text()?)?;
    let value = arg(args, 0)?.row()?.first().map_or(&Value::Null, |(_, value)| value);
    let json = render::json(&Typed { value, ty: &ty }, render::Wide::AsNeeded)?;
    Ok(Value::Text(if arg(args, 2)?.bool()? { json.pretty() } else { json.write() }))
}

/// `({keys and values}, type)`: the first of equal keys stays.
fn object(args: &[Value]) -> Answer {
    let mut members = Vec::new();
    let mut fields = all(args)?.into_iter();
    while let (Some(key), Some(value)) = (fields.next(), fields.next()) {
        let Json::Text(key) = key else {
            return Err("invalid input to JSON_OBJECT: a key cannot be NULL".to_owned());
        };
        members.push((key, value));
    }
    Ok(Value::Text(Json::Object(members).normal()?.write()))
}

fn array(args: &[Value]) -> Answer {
    Ok(Value::Text(Json::Array(all(args)?).normal()?.write()))
}

/// Every field of a packed STRUCT as JSON.
pub(super) fn all(args: &[Value]) -> Result<Vec<Json>, String> {
    let ty = render::described(arg(args, 1)?.text()?)?;
    let fields = arg(args, 0)?.row()?.iter().zip(render::fields(&ty)?);
    fields.map(|((_, value), ty)| render::json(&Typed { value, ty }, render::Wide::Number)).collect()
}

/// `({keys, values}, type)`, two arrays.
fn object_of_arrays(args: &[Value]) -> Answer {
    let parts = all(args)?;
    let row = arg(args, 0)?.row()?;
    let null = |i: usize| row.get(i).is_none_or(|(_, value)| *value == Value::Null);
    if null(0) || null(1) {
        let which = if null(0) { "keys" } else { "values" };
        return Err(format!("invalid input to JSON_OBJECT: the {which} array cannot be NULL"));
    }
    let [Json::Array(keys), Json::Array(values)] = parts.as_slice() else {
        return Err("invalid input to JSON_OBJECT: two arrays are wanted".to_owned());
    };
    if keys.len() != values.len() {
        return Err("invalid input to JSON_OBJECT: the numbers of keys and of values differ".to_owned());
    }
    let member = |(key, value): (&Json, &Json)| match key {
        Json::Text(key) => Ok((key.clone(), value.clone())),
        _ => Err("invalid input to JSON_OBJECT: a key cannot be NULL".to_owned()),
    };
    let members = keys.iter().zip(values).map(member).collect::<Result<_, String>>()?;
    Ok(Value::Text(Json::Object(members).normal()?.write()))
}

pub(in super::super) const FUNCTIONS: &[Native] = &[
    ("gsn_parse_json", Gives::Text, parse),
    ("gsn_to_json", Gives::Text, to_json),
    ("gsn_to_json_string", Gives::Text, to_json_string),
    ("gsn_json_object", Gives::Text, object),
    ("gsn_json_object_of_arrays", Gives::Text, object_of_arrays),
    ("gsn_json_array", Gives::Text, array),
];

//! Parameters of a launch: values whose text goes into SQL (`spec/api.md`, launch).
//!
//! A number that the usual types would round is refused instead: what is launched is what was written.

use serde_json::{Map, Number, Value, value::RawValue};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

use crate::{
    fields::{Field, Mistake},
    json::{Object, kind_of},
};

/// Values for `{{name}}` in SQL: scalars that keep their text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(pub(crate) Map<String, Value>);

impl Field for Parameters {
    const EXPECTED: &'static str = "an object of strings, numbers, booleans and nulls";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        let object: Object<'_> = serde_json::from_str(raw.get()).map_err(|_| Mistake::Value)?;
        let mut wrong = Vec::new();
        let mut parameters = Map::new();
        for (name, raw) in object.0 {
            match parameter(raw) {
                Ok(value) => drop(parameters.insert(name.into_owned(), value)),
                Err(expected) => wrong.push((format!(".{name}"), expected.to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self(parameters)) } else { Err(Mistake::Below(wrong)) }
    }
    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

/// One parameter. A number must survive as written, since its text goes into SQL.
fn parameter(raw: &RawValue) -> Result<Value, &'static str> {
    const SCALAR: &str = "a string, a number, a boolean or null (arrays and objects cannot go into SQL)";
    const EXACT: &str = "a number that 64 bits hold exactly; give it as a string to keep it as written";
    match kind_of(raw.get()) {
        "an array" | "an object" => Err(SCALAR),
        "a number" => match serde_json::from_str::<Number>(raw.get()) {
            Ok(number) if digits(&number.to_string()) == digits(raw.get()) => Ok(Value::Number(number)),
            _ => Err(EXACT),
        },
        _ => serde_json::from_str(raw.get()).map_err(|_| SCALAR),
    }
}

/// The significant digits of a number's mantissa, so that two spellings of one number compare equal.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let all: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    all.trim_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Parameters, Mistake> {
        Parameters::read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_parameter_keeps_its_text_or_is_refused() {
        for (json, fine) in [
            (r#"{"a": 1, "b": -2.50, "c": "x", "d": null, "e": true, "f": 1e3, "g": 0.1, "h": 0}"#, true),
            (r#"{"a": 18446744073709551615}"#, true),
            (r#"{"a": 123456789012345678901234567890}"#, false),
            (r#"{"a": 0.1234567890123456789012}"#, false),
            (r#"{"a": 1e999}"#, false),
            (r#"{"a": [1]}"#, false),
            (r#"{"a": {}}"#, false),
            (r#"{"a": 1, "a": 2}"#, false),
            ("[]", false),
        ] {
            assert_eq!(read(json).is_ok(), fine, "{json}");
        }
    }
}

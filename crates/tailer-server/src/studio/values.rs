//! A value of a table on one line: structs with the names of their fields, bytes in hexadecimal, everything cut to a sane length.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use tailer_model::operation::ddl::{Field, FieldType, Mode};

/// Characters of a value.
const LONGEST: usize = 160;
/// Elements of an array.
const ELEMENTS: usize = 10;
/// Bytes.
const BYTES: usize = 32;

/// A value as it is shown.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) is_null: bool,
    /// How its cell is set.
    pub(super) class: &'static str,
}

/// Characters that stay on one line.
const SHORT: usize = 32;

/// Whether values of a column are set as numbers are.
pub(super) fn is_number(field: &Field) -> bool {
    let number = [FieldType::Int64, FieldType::Float64, FieldType::Numeric, FieldType::BigNumeric];
    field.mode != Mode::Repeated && number.contains(&field.field_type)
}

pub(super) fn shown(value: &Value, field: &Field) -> Shown {
    let text = cut(&text(value, field));
    let class = match (is_number(field), text.chars().count() <= SHORT) {
        (true, _) => "number",
        (false, true) => "short",
        (false, false) => "long",
    };
    Shown { text, is_null: value.is_null(), class }
}

fn text(value: &Value, field: &Field) -> String {
    match value {
        Value::Array(items) if field.mode == Mode::Repeated => {
            let element = Field { mode: Mode::Nullable, ..field.clone() };
            let mut shown: Vec<String> = items.iter().take(ELEMENTS).map(|item| text(item, &element)).collect();
            if items.len() > ELEMENTS {
                shown.push(format!("… {} in all", items.len()));
            }
            format!("[{}]", shown.join(", "))
        }
        Value::Array(members) if field.field_type == FieldType::Record => {
            let members = members.iter().zip(&field.fields);
            let shown: Vec<String> = members.map(|(value, of)| format!("{}: {}", of.name, text(value, of))).collect();
            format!("{{{}}}", shown.join(", "))
        }
        Value::Null => "NULL".to_owned(),
        Value::String(encoded) if field.field_type == FieldType::Bytes => bytes(encoded),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn bytes(encoded: &str) -> String {
    let Ok(bytes) = BASE64_STANDARD.decode(encoded) else { return encoded.to_owned() };
    let hex: String = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > BYTES { format!("0x{hex}… {} bytes in all", bytes.len()) } else { format!("0x{hex}") }
}

/// Cut, and on one line.
fn cut(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            '\n' => '↵',
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, field_type: FieldType, mode: Mode, fields: Vec<Field>) -> Field {
        Field { name: name.into(), field_type, mode, description: None, fields }
    }

    #[test]
    fn values_are_readable() {
        let plain = |field_type| field("x", field_type, Mode::Nullable, vec![]);
        let inner = vec![plain(FieldType::String), field("b", FieldType::Bytes, Mode::Repeated, vec![])];
        let many: Vec<i64> = (1..=12).collect();
        for (value, of, expect) in [
            (json!(7), plain(FieldType::Int64), "7"),
            (json!(null), plain(FieldType::String), "NULL"),
            (json!("a\nb\u{7}"), plain(FieldType::String), "a↵b\u{fffd}"),
            (json!("AP8="), plain(FieldType::Bytes), "0x00ff"),
            (
                json!(BASE64_STANDARD.encode([1; 40])),
                plain(FieldType::Bytes),
                &format!("0x{}… 40 bytes in all", "01".repeat(32)),
            ),
            (json!([1, null]), field("x", FieldType::Int64, Mode::Repeated, vec![]), "[1, NULL]"),
            (
                json!(many),
                field("x", FieldType::Int64, Mode::Repeated, vec![]),
                "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, … 12 in all]",
            ),
            (
                json!([["s", ["AA=="]], null]),
                field("x", FieldType::Record, Mode::Repeated, inner),
                "[{x: s, b: [0x00]}, NULL]",
            ),
        ] {
            assert_eq!(shown(&value, &of).text, expect);
        }
        let long = shown(&json!("é".repeat(200)), &plain(FieldType::String)).text;
        assert_eq!((long.chars().count(), long.ends_with('…')), (161, true));
    }
}

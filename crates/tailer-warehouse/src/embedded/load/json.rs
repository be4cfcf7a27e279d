//! Newline-delimited JSON: one object a line, members meet columns by name.

use std::path::Path;

use serde_json::Value;
use tailer_model::operation::ddl::{Field, FieldType, Mode};

use super::{
    batch::{Bad, Batcher, bad_value},
    input::{Lines, file_name},
};
use crate::{
    Load, LoadSchema, WarehouseError,
    embedded::errors::{invalid, unsupported},
};

/// Lines that detection looks at.
const SAMPLE: usize = 500;

pub(crate) fn schema(load: &Load) -> Result<Vec<Field>, WarehouseError> {
    match &load.schema {
        LoadSchema::Given(fields) => Ok(fields.clone()),
        LoadSchema::Header => Err(invalid("JSON files have no header line: give a schema, or `autodetect`")),
        LoadSchema::Autodetect => match load.files.first() {
            Some(path) => detect(path),
            None => Err(invalid("there is no file to detect the schema from")),
        },
    }
}

pub(crate) fn load(batcher: &mut Batcher<'_>, load: &Load, fields: &[Field]) -> Result<(), WarehouseError> {
    for path in &load.files {
        let mut lines = Lines::open(path)?;
        let mut line = String::new();
        while next_line(&mut lines, &mut line)? {
            match serde_json::from_str::<Value>(&line) {
                Ok(Value::Object(object)) => {
                    let result = row(batcher, load, fields, &object);
                    batcher.end_row(result, lines.file_name(), lines.number, line.trim_end())?;
                }
                Ok(_) => {
                    let bad = Bad { column: None, reason: "the line is not a JSON object".to_owned() };
                    batcher.reject(bad, lines.file_name(), lines.number, line.trim_end())?;
                }
                Err(error) => {
                    let reason = format!("the line is not JSON (character {}): {error}", error.column());
                    let bad = Bad { column: None, reason };
                    batcher.reject(bad, lines.file_name(), lines.number, line.trim_end())?;
                }
            }
        }
    }
    Ok(())
}

/// The next line that is not blank.
fn next_line(lines: &mut Lines, line: &mut String) -> Result<bool, WarehouseError> {
    loop {
        line.clear();
        if !lines.next(line)? {
            return Ok(false);
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

fn row(
    batcher: &mut Batcher<'_>,
    load: &Load,
    fields: &[Field],
    object: &serde_json::Map<String, Value>,
) -> Result<(), Bad> {
    let ignore = load.options.ignore_unknown_values;
    let known = |key: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(key));
    let mut result = match object.keys().find(|key| !ignore && !known(key)) {
        Some(key) => {
            Err(bad_value(key, "there is no such column (bq_load_job_ignore_unknown_values drops it)".to_owned()))
        }
        None => Ok(()),
    };
    for (index, column) in batcher.columns.iter_mut().enumerate() {
        let added = index.checked_sub(fields.len()).and_then(|index| load.added_columns.get(index));
        let given = match (added, member(object, &column.name)) {
            (Some((_, constant)), _) => column.builder.text(constant),
            (None, Some(value)) if !value.is_null() => column.builder.json(value, ignore),
            (None, _) => {
                column.builder.null();
                if column.required { Err("the column is REQUIRED and the value is missing".to_owned()) } else { Ok(()) }
            }
        };
        result = result.and_then(|()| given.map_err(|reason| bad_value(&column.name, reason)));
    }
    result
}

fn member<'a>(object: &'a serde_json::Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Columns in order of appearance, with types that all sampled values have.
fn detect(path: &Path) -> Result<Vec<Field>, WarehouseError> {
    let mut lines = Lines::open(path)?;
    let mut line = String::new();
    let mut fields: Vec<Field> = Vec::new();
    for _ in 0..SAMPLE {
        if !next_line(&mut lines, &mut line)? {
            break;
        }
        let Ok(Value::Object(object)) = serde_json::from_str(&line) else {
            return Err(invalid(format!("{} line {}: the line is not a JSON object", lines.file_name(), lines.number)));
        };
        for (name, value) in &object {
            if value.is_null() {
                continue;
            }
            let found = field_of(name, value)?;
            match fields.iter_mut().find(|field| field.name.eq_ignore_ascii_case(name)) {
                Some(field) => field.field_type = common(field.field_type, found.field_type),
                None => fields.push(found),
            }
        }
    }
    if fields.is_empty() {
        return Err(invalid(format!("{}: there is nothing to detect a schema from", file_name(path))));
    }
    Ok(fields)
}

fn field_of(name: &str, value: &Value) -> Result<Field, WarehouseError> {
    let (field_type, mode) = match value {
        Value::Bool(_) => (FieldType::Bool, Mode::Nullable),
        Value::Number(number) if number.is_i64() => (FieldType::Int64, Mode::Nullable),
        Value::Number(_) => (FieldType::Float64, Mode::Nullable),
        Value::String(_) | Value::Null => (FieldType::String, Mode::Nullable),
        Value::Array(items) => {
            let first = items.first().map(|item| field_of(name, item)).transpose()?;
            (first.map_or(FieldType::String, |field| field.field_type), Mode::Repeated)
        }
        Value::Object(_) => {
            return Err(unsupported(format!("detecting the schema of nested JSON (field `{name}`): give a DDL file")));
        }
    };
    Ok(Field { name: name.to_owned(), field_type, mode, description: None, fields: Vec::new() })
}

fn common(one: FieldType, other: FieldType) -> FieldType {
    match (one, other) {
        _ if one == other => one,
        (FieldType::Int64, FieldType::Float64) | (FieldType::Float64, FieldType::Int64) => FieldType::Float64,
        _ => FieldType::String,
    }
}

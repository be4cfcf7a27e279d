//! Types from values, as BigQuery's detection finds them: the narrowest that all sampled values have. Also whole schemas
//! from JSON lines, nested and repeated as the values are.

use std::path::Path;

use serde_json::Value;
use tailer_model::operation::ddl::{Field, FieldType, Mode};

use super::{
    blocks::{Blocks, Framing},
    input::file_name,
    moments, parse,
};
use crate::{WarehouseError, embedded::errors::invalid};

/// Records that detection looks at, as BigQuery does.
pub(crate) const SAMPLE: usize = 500;

/// A type and whether a text is a value of it.
type Candidate = (FieldType, fn(&str) -> bool);

/// The type of a CSV column's values; STRING when there are none.
pub(crate) fn column<'a>(values: impl Iterator<Item = &'a String> + Clone) -> FieldType {
    let values = values.map(String::as_str).filter(|text| !text.is_empty());
    if values.clone().next().is_none() {
        return FieldType::String;
    }
    let all = |fits: fn(&str) -> bool| values.clone().all(fits);
    let types: [Candidate; 7] = [
        (FieldType::Bool, |text| ["true", "false"].iter().any(|word| text.trim().eq_ignore_ascii_case(word))),
        (FieldType::Int64, |text| parse::int64(text).is_some()),
        (FieldType::Float64, |text| parse::float64(text).is_some()),
        (FieldType::Date, |text| moments::days(text).is_some()),
        (FieldType::Time, |text| moments::micros_of_day(text).is_some()),
        (FieldType::DateTime, |text| moments::civil_micros(text).is_some()),
        (FieldType::Timestamp, |text| text.contains(':') && moments::micros(text).is_some()),
    ];
    types.into_iter().find(|(_, fits)| all(*fits)).map_or(FieldType::String, |(found, _)| found)
}

/// Columns of JSON lines in order of appearance.
pub(crate) fn json_schema(path: &Path) -> Result<Vec<Field>, WarehouseError> {
    let mut blocks = Blocks::new(&[path.to_owned()], Framing::Lines, 0);
    let mut columns = Columns::default();
    let mut lines = 0;
    while let Some(block) = blocks.next().map_err(|(_, error)| error)? {
        for line in block.bytes.split(|byte| *byte == b'\n') {
            if lines == SAMPLE {
                return columns.fields();
            }
            // Lines that are no objects are the reader's to complain about.
            if let Ok(Value::Object(object)) = serde_json::from_slice(line) {
                columns.add(&object);
                lines += 1;
            }
        }
    }
    if lines == 0 {
        return Err(invalid(format!("{}: there is nothing to detect a schema from", file_name(path))));
    }
    columns.fields()
}

/// What was seen of an object's members.
#[derive(Debug, Default, Clone, PartialEq)]
struct Columns(Vec<(String, Shape)>);

#[derive(Debug, Default, Clone, PartialEq)]
struct Shape {
    repeated: bool,
    element: Element,
}

#[derive(Debug, Default, Clone, PartialEq)]
enum Element {
    #[default]
    Unknown,
    Scalar(FieldType),
    Record(Columns),
}

impl Columns {
    fn add(&mut self, object: &serde_json::Map<String, Value>) {
        for (name, value) in object {
            match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, shape)) => shape.add(value),
                None => {
                    let mut shape = Shape::default();
                    shape.add(value);
                    self.0.push((name.clone(), shape));
                }
            }
        }
    }

    /// The columns that have a type; names that were always null are STRING.
    fn fields(&self) -> Result<Vec<Field>, WarehouseError> {
        self.0.iter().map(|(name, shape)| shape.field(name)).collect()
    }
}

impl Shape {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                self.repeated = true;
                items.iter().for_each(|item| self.element.add(item));
            }
            value => self.element.add(value),
        }
    }

    fn field(&self, name: &str) -> Result<Field, WarehouseError> {
        let (field_type, fields) = match &self.element {
            Element::Unknown => (FieldType::String, Vec::new()),
            Element::Scalar(scalar) => (*scalar, Vec::new()),
            Element::Record(columns) if columns.0.is_empty() => {
                return Err(invalid(format!("the objects of field `{name}` are empty: give a DDL file")));
            }
            Element::Record(columns) => (FieldType::Record, columns.fields()?),
        };
        let mode = if self.repeated { Mode::Repeated } else { Mode::Nullable };
        Ok(Field { name: name.to_owned(), field_type, mode, description: None, fields })
    }
}

impl Element {
    fn add(&mut self, value: &Value) {
        let scalar = match value {
            Value::Object(object) => {
                let mut columns = match std::mem::take(self) {
                    Self::Record(columns) => columns,
                    _ => Columns::default(),
                };
                columns.add(object);
                *self = Self::Record(columns);
                return;
            }
            Value::Null | Value::Array(_) => return,
            Value::Bool(_) => FieldType::Bool,
            Value::Number(number) if number.is_i64() => FieldType::Int64,
            Value::Number(_) => FieldType::Float64,
            Value::String(text) => moment(text),
        };
        *self = Self::Scalar(match &*self {
            Self::Scalar(known) => common(*known, scalar),
            _ => scalar,
        });
    }
}

/// Strings that are dates or moments; quoted numbers stay strings.
fn moment(text: &str) -> FieldType {
    match column(std::iter::once(&text.to_owned())) {
        found @ (FieldType::Date | FieldType::Time | FieldType::DateTime | FieldType::Timestamp) => found,
        _ => FieldType::String,
    }
}

fn common(one: FieldType, other: FieldType) -> FieldType {
    use FieldType::{Date, DateTime, Float64, Int64, Timestamp};
    match (one, other) {
        _ if one == other => one,
        (Int64, Float64) | (Float64, Int64) => Float64,
        (Date, DateTime) | (DateTime, Date) => DateTime,
        (Date | DateTime, Timestamp) | (Timestamp, Date | DateTime) => Timestamp,
        _ => FieldType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_the_narrowest() {
        for (values, expect) in [
            (vec!["1", "", "2"], FieldType::Int64),
            (vec!["1", "2.5"], FieldType::Float64),
            (vec!["true", "FALSE"], FieldType::Bool),
            (vec!["2024-01-01"], FieldType::Date),
            (vec!["2024-01-01", "2024-01-01 10:00:00"], FieldType::DateTime),
            (vec!["2024-01-01 10:00:00 UTC"], FieldType::Timestamp),
            (vec!["10:00:00"], FieldType::Time),
            (vec!["1", "x"], FieldType::String),
            (vec![""], FieldType::String),
        ] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            assert_eq!(column(values.iter()), expect, "{values:?}");
        }
    }

    #[test]
    fn json_shapes_grow() {
        let mut columns = Columns::default();
        for line in [
            r#"{"a": 1, "tags": ["x"], "who": {"name": "n"}}"#,
            r#"{"a": 1.5, "tags": [], "who": {"born": "2024-01-31", "kids": [{"n": 1}]}, "z": null}"#,
        ] {
            columns.add(serde_json::from_str::<Value>(line).unwrap().as_object().unwrap());
        }
        let shown: Vec<_> = columns.fields().unwrap().iter().map(show).collect();
        assert_eq!(
            shown,
            [
                "a FLOAT64",
                "tags STRING REPEATED",
                "who RECORD(name STRING, born DATE, kids RECORD REPEATED(n INT64))",
                "z STRING"
            ]
        );
    }

    fn show(field: &Field) -> String {
        let repeated = if field.mode == Mode::Repeated { " REPEATED" } else { "" };
        let inner: Vec<_> = field.fields.iter().map(show).collect();
        let inner = if inner.is_empty() { String::new() } else { format!("({})", inner.join(", ")) };
        format!("{} {}{repeated}{inner}", field.name, field.field_type)
    }
}

//! The schema of a CSV load: given, taken from the first line, or detected from the values.

use std::{collections::HashSet, path::Path};

use tailer_model::operation::{
    ddl::{Field, FieldType, Mode},
    storage_to_tables::LoadOptions,
};

use super::{
    blocks::{Blocks, Framing},
    csv::{self, Dialect, Ending},
    detect::{self, SAMPLE},
    input::{self, file_name},
};
use crate::{LoadSchema, WarehouseError, embedded::errors::invalid};

/// Columns of a CSV load and the number of leading records that are no data.
#[derive(Debug, Clone)]
pub(crate) struct CsvSchema {
    pub(crate) fields: Vec<Field>,
    pub(crate) skip: u64,
}

pub(crate) fn of_csv(
    schema: &LoadSchema,
    first: Option<&Path>,
    dialect: Dialect,
    options: &LoadOptions,
) -> Result<CsvSchema, WarehouseError> {
    let skip = options.skip_leading_rows;
    let first = || first.ok_or_else(|| invalid("there is no file to take the column names from"));
    match schema {
        LoadSchema::Given(fields) => Ok(CsvSchema { fields: fields.clone(), skip }),
        LoadSchema::Header => {
            let path = first()?;
            let names = sample(path, dialect, 1)?.into_iter().next().unwrap_or_default();
            let fields = header(&names, path)?.into_iter().map(|name| nullable(name, FieldType::String)).collect();
            Ok(CsvSchema { fields, skip: skip.max(1) })
        }
        LoadSchema::Autodetect => detect(first()?, dialect, skip),
    }
}

/// Names from the first line, made what BigQuery accepts: other characters become `_`, repeated names are numbered.
fn header(names: &[String], path: &Path) -> Result<Vec<String>, WarehouseError> {
    if names.is_empty() {
        return Err(invalid(format!("{}: the file is empty, so it has no header line", file_name(path))));
    }
    let mut seen = HashSet::new();
    Ok(names.iter().enumerate().map(|(index, name)| unique(sanitised(name, index), &mut seen)).collect())
}

fn sanitised(name: &str, index: usize) -> String {
    let name: String =
        name.trim().chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).take(300).collect();
    match name.chars().next() {
        None => format!("string_field_{index}"),
        Some(c) if c.is_numeric() => format!("_{name}"),
        Some(_) => name,
    }
}

fn unique(name: String, seen: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 1;
    while !seen.insert(candidate.to_lowercase()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

fn nullable(name: String, field_type: FieldType) -> Field {
    Field { name, field_type, mode: Mode::Nullable, description: None, fields: Vec::new() }
}

/// How the records of a file are told apart.
pub(crate) fn framing(dialect: Dialect) -> Framing {
    if dialect.spans_lines() { Framing::Quoted(dialect) } else { Framing::Lines }
}

/// The first records that are not blank.
fn sample(path: &Path, dialect: Dialect, records: usize) -> Result<Vec<Vec<String>>, WarehouseError> {
    let mut blocks = Blocks::new(&[path.to_owned()], framing(dialect), 0);
    let mut rows = Vec::new();
    while let Some(block) = blocks.next().map_err(|(_, error)| error)? {
        // What is not UTF-8 is the reader's to complain about.
        take(&String::from_utf8_lossy(&block.bytes), dialect, records, &mut rows);
        if rows.len() >= records {
            break;
        }
    }
    Ok(rows)
}

/// Adds records that are not blank to `rows`, until there are `most`.
fn take(text: &str, dialect: Dialect, most: usize, rows: &mut Vec<Vec<String>>) {
    let mut at = 0;
    while at < text.len() && rows.len() < most {
        let mut fields = Vec::new();
        let (end, ending) = csv::read(text.as_bytes(), at, dialect, &mut |field| {
            fields.push(field.text(text, dialect).into_owned());
        });
        let blank = text.get(at..end).unwrap_or_default().trim_matches(['\n', '\r']).is_empty();
        at = end;
        match ending {
            Ending::Malformed(_) | Ending::Open => {}
            Ending::Whole | Ending::Cut if blank => {}
            Ending::Whole | Ending::Cut => rows.push(fields),
        }
    }
}

/// Columns named by the first line of a file whose first bytes are known, all STRING.
pub(crate) fn of_head(head: &[u8], name: &str, dialect: Dialect) -> Result<Vec<Field>, WarehouseError> {
    let text = input::unpacked(head);
    let mut rows = Vec::new();
    take(&String::from_utf8_lossy(&text), dialect, 1, &mut rows);
    let names = header(&rows.pop().unwrap_or_default(), Path::new(name))?;
    Ok(names.into_iter().map(|name| nullable(name, FieldType::String)).collect())
}

/// Types from the first records. Names come from the last skipped one; without any to skip there is no header, as with
/// BigQuery, and columns are called by their types.
fn detect(path: &Path, dialect: Dialect, skip: u64) -> Result<CsvSchema, WarehouseError> {
    let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
    let rows = sample(path, dialect, SAMPLE.saturating_add(skipped))?;
    let data = rows.get(skipped..).unwrap_or_default();
    let header_row = skipped.checked_sub(1).and_then(|last| rows.get(last));
    let first = header_row.or(data.first());
    let first = first.ok_or_else(|| invalid(format!("{}: the file is empty", file_name(path))))?;
    let types = (0..first.len()).map(|index| detect::column(data.iter().filter_map(|row| row.get(index))));
    let names = match header_row {
        Some(names) => header(names, path)?,
        None => types.clone().enumerate().map(|(index, found)| format!("{}_{index}", type_word(found))).collect(),
    };
    let fields = names.into_iter().zip(types).map(|(name, found)| nullable(name, found)).collect();
    Ok(CsvSchema { fields, skip })
}

/// What BigQuery calls a nameless column of this type.
fn type_word(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Int64 => "int64_field",
        FieldType::Float64 => "double_field",
        FieldType::Bool => "bool_field",
        FieldType::Date => "date_field",
        FieldType::Time => "time_field",
        FieldType::DateTime => "datetime_field",
        FieldType::Timestamp => "timestamp_field",
        _ => "string_field",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_made_valid_and_unique() {
        let names = ["Store Number", "2020", "", "Été", "store_number", "a-b"].map(str::to_owned);
        let expect = ["Store_Number", "_2020", "string_field_2", "Été", "store_number_1", "a_b"];
        assert_eq!(header(&names, Path::new("f.csv")).unwrap(), expect);
    }
}

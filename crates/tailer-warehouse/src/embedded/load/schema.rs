//! The schema of a load: given, taken from the first line, or detected from the values; and how it meets a table that
//! exists.

use std::{collections::HashSet, path::Path};

use tailer_model::operation::{
    ddl::{Field, FieldType, Mode},
    storage_to_tables::LoadOptions,
};

use super::{
    csv::{self, Dialect, Read, Record},
    input::{Lines, file_name},
    parse,
};
use crate::{LoadSchema, WarehouseError, embedded::errors::invalid};

/// Records that detection looks at, as BigQuery does.
const SAMPLE: usize = 500;

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

fn sample(path: &Path, dialect: Dialect, records: usize) -> Result<Vec<Vec<String>>, WarehouseError> {
    let mut lines = Lines::open(path)?;
    let mut record = Record::default();
    let mut rows = Vec::new();
    while rows.len() < records {
        match csv::next(&mut lines, dialect, &mut record)? {
            Read::End => break,
            Read::Bad(reason) => {
                return Err(invalid(format!("{} line {}: {reason}", lines.file_name(), record.line)));
            }
            Read::Record if record.is_blank() => {}
            Read::Record => {
                let fields = (0..record.len()).filter_map(|index| record.field(index));
                rows.push(fields.map(|field| field.text.to_owned()).collect());
            }
        }
    }
    Ok(rows)
}

/// Types from the first records; names from the last skipped line, or from the first one when it looks like names.
fn detect(path: &Path, dialect: Dialect, skip: u64) -> Result<CsvSchema, WarehouseError> {
    let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
    let rows = sample(path, dialect, SAMPLE.saturating_add(skipped))?;
    let first = rows.first().ok_or_else(|| invalid(format!("{}: the file is empty", file_name(path))))?;
    let (names, data, skip) = if skipped > 0 {
        (rows.get(skipped - 1), rows.get(skipped..).unwrap_or_default(), skip)
    } else {
        let data = rows.get(1..).unwrap_or_default();
        let names_first = first.iter().all(|text| detected(std::iter::once(text.as_str())) == FieldType::String)
            && (0..first.len()).any(|index| column_type(data, index) != FieldType::String);
        if names_first { (Some(first), data, 1) } else { (None, rows.as_slice(), 0) }
    };
    let width = names.map_or(first.len(), Vec::len);
    let names = match names {
        Some(names) => header(names, path)?,
        None => (0..width).map(|index| format!("field_{index}")).collect(),
    };
    let fields = names.into_iter().enumerate().map(|(index, name)| nullable(name, column_type(data, index))).collect();
    Ok(CsvSchema { fields, skip })
}

fn column_type(rows: &[Vec<String>], index: usize) -> FieldType {
    detected(rows.iter().filter_map(|row| row.get(index)).map(String::as_str))
}

/// The narrowest type that all values have; STRING when there are none.
fn detected<'a>(values: impl Iterator<Item = &'a str> + Clone) -> FieldType {
    let mut values = values.filter(|text| !text.is_empty()).peekable();
    if values.peek().is_none() {
        return FieldType::String;
    }
    let all = |fits: fn(&str) -> bool| values.clone().all(fits);
    let word_bool = |text: &str| matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "false");
    let zoned = |text: &str| parse::timestamp(text).is_some() && text.contains(':');
    if all(word_bool) {
        FieldType::Bool
    } else if all(|text| parse::int64(text).is_some()) {
        FieldType::Int64
    } else if all(|text| parse::float64(text).is_some()) {
        FieldType::Float64
    } else if all(|text| parse::date(text).is_some()) {
        FieldType::Date
    } else if all(|text| parse::time(text).is_some()) {
        FieldType::Time
    } else if all(|text| parse::datetime(text).is_some()) {
        FieldType::DateTime
    } else if all(zoned) {
        FieldType::Timestamp
    } else {
        FieldType::String
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
            assert_eq!(detected(values.into_iter()), expect);
        }
    }
}

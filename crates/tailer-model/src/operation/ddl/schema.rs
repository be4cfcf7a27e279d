//! The columns of a DDL file: `name`, `type`, `mode`, `description`, nested `fields`.

use super::{Field, FieldType, Mode};
use crate::{json::describe, reader::Fields, suggest};

/// BigQuery's limit on RECORDs inside RECORDs.
const MAX_DEPTH: usize = 15;
const MAX_NAME: usize = 300;

/// Spellings beside the canonical ones.
const LEGACY_TYPES: &[(&str, FieldType)] = &[
    ("INTEGER", FieldType::Int64),
    ("INT", FieldType::Int64),
    ("SMALLINT", FieldType::Int64),
    ("BIGINT", FieldType::Int64),
    ("TINYINT", FieldType::Int64),
    ("BYTEINT", FieldType::Int64),
    ("FLOAT", FieldType::Float64),
    ("BOOLEAN", FieldType::Bool),
    ("STRUCT", FieldType::Record),
    ("DECIMAL", FieldType::Numeric),
    ("BIGDECIMAL", FieldType::BigNumeric),
];

impl FieldType {
    /// A type by any of its spellings; case does not count.
    #[must_use]
    pub fn from_any_spelling(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL
            .iter()
            .map(|kind| (kind.as_str(), *kind))
            .chain(LEGACY_TYPES.iter().copied())
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|(_, kind)| kind)
    }
}

/// A list of columns with at least one.
pub(super) fn read(fields: &Fields<'_>, name: &'static str) -> Option<Vec<Field>> {
    read_columns(fields, name, 1)
}

fn read_columns(fields: &Fields<'_>, name: &'static str, depth: usize) -> Option<Vec<Field>> {
    let entries = fields.objects(name)?;
    let mut columns: Vec<Field> = Vec::with_capacity(entries.len());
    let mut names = std::collections::BTreeSet::new();
    let mut all_read = fields.holds_only_objects(name);
    for entry in &entries {
        match read_column(entry, depth) {
            Some(column) if !names.insert(column.name.to_lowercase()) => {
                entry.error("name", format!("there is a column \"{}\" already (case does not count)", column.name));
                all_read = false;
            }
            Some(column) => columns.push(column),
            None => all_read = false,
        }
    }
    all_read.then_some(columns)
}

fn read_column(entry: &Fields<'_>, depth: usize) -> Option<Field> {
    // Accepted by the cloud's own schema files; nothing here depends on them.
    entry.ignore(&["policyTags", "maxLength", "precision", "scale", "defaultValueExpression", "collation"]);
    let name = entry.required("name", |f, name| f.checked(name, column_name));
    let field_type = entry.required("type", read_type);
    let mode = if entry.optional_text("mode").is_some() { entry.choice("mode") } else { Some(Mode::default()) };
    let description = entry.optional_text("description");
    let fields = match field_type {
        Some(FieldType::Record) if depth >= MAX_DEPTH => {
            entry.error("fields", format!("RECORDs can be nested {MAX_DEPTH} deep at most"));
            None
        }
        Some(FieldType::Record) => entry.required("fields", |f, name| read_columns(f, name, depth + 1)),
        Some(kind) => {
            entry.meaningless(&["fields"], &format!("for a {kind} column"));
            Some(Vec::new())
        }
        None => {
            entry.ignore(&["fields"]);
            None
        }
    };
    entry.finish();
    Some(Field { name: name?, field_type: field_type?, mode: mode?, description, fields: fields? })
}

/// A type, maybe with its parameters (`NUMERIC(10, 2)`), which BigQuery's schema files keep apart: they are dropped
/// with a warning.
fn read_type(entry: &Fields<'_>, name: &'static str) -> Option<FieldType> {
    let text = entry.text(name)?;
    let bare = match text.split_once('(') {
        Some((bare, rest)) if rest.trim_end().ends_with(')') => {
            entry.warn(name, format!("the parameters of \"{text}\" are not kept"));
            bare
        }
        _ => text.as_str(),
    };
    let found = FieldType::from_any_spelling(bare);
    if found.is_none() {
        let known: Vec<&str> = FieldType::ALL.iter().map(|kind| kind.as_str()).collect();
        let all = known.iter().copied().chain(LEGACY_TYPES.iter().map(|(name, _)| *name));
        let hint = suggest::hint(&text, all);
        let found = describe(&text.clone().into());
        entry.error(name, format!("expected a column type ({}), found {found}{hint}", known.join(", ")));
    }
    found
}

fn column_name(text: &str) -> Result<String, String> {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if starts && text.chars().all(|c| c.is_alphanumeric() || c == '_') && text.chars().count() <= MAX_NAME {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{text}\" is not a column name: letters, digits and underscores, starting with a letter or an underscore, \
             {MAX_NAME} characters at most"
        ))
    }
}

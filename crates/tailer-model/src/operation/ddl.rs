//! DDL files: a table's schema, description, partitioning and clustering, in two spellings: the create task's
//! (`bq_table_schema`, ...) and the load's (`{"schema": [...]}`) (`spec/data-operations.md`, table-to-table and
//! storage-to-tables).

mod schema;

use serde::{Deserialize, Serialize};

use crate::{
    Problems, json,
    reader::{Fields, Reader},
    text::text_enum,
};

/// Everything a create needs to know about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableDefinition {
    pub description: Option<String>,
    pub schema: Vec<Field>,
    pub clustering: Vec<String>,
    pub partitioning: Option<Partitioning>,
    pub require_partition_filter: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub field_type: FieldType,
    pub mode: Mode,
    pub description: Option<String>,
    /// Of a RECORD.
    pub fields: Vec<Field>,
}

text_enum! {
    /// BigQuery column types; legacy spellings (INTEGER, FLOAT, BOOLEAN, STRUCT, DECIMAL, BIGDECIMAL) fold into these.
    #[derive(Serialize, Deserialize)]
    pub enum FieldType {
        String = "STRING",
        Bytes = "BYTES",
        Int64 = "INT64",
        Float64 = "FLOAT64",
        Numeric = "NUMERIC",
        BigNumeric = "BIGNUMERIC",
        Bool = "BOOL",
        Timestamp = "TIMESTAMP",
        Date = "DATE",
        Time = "TIME",
        DateTime = "DATETIME",
        Interval = "INTERVAL",
        Geography = "GEOGRAPHY",
        Json = "JSON",
        Record = "RECORD",
    }
}

text_enum! {
    /// Whether a column may be null or holds an array.
    #[derive(Default, Serialize, Deserialize)]
    pub enum Mode {
        #[default]
        Nullable = "NULLABLE",
        Required = "REQUIRED",
        Repeated = "REPEATED",
    }
}

/// What a table is partitioned by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partitioning {
    /// `field: None` is ingestion time.
    Time { field: Option<String>, unit: PartitionUnit, expiration_ms: Option<u64> },
    /// From `start` (included) to `end` (excluded) in steps of `interval`.
    Range { field: String, start: i64, end: i64, interval: i64 },
}

text_enum! {
    /// How long a time partition is.
    #[derive(Default, Serialize, Deserialize)]
    pub enum PartitionUnit {
        Hour = "HOUR",
        #[default]
        Day = "DAY",
        Month = "MONTH",
        Year = "YEAR",
    }
}

/// BigQuery's limits.
const MAX_CLUSTERING_FIELDS: usize = 4;
const MAX_RANGE_PARTITIONS: i64 = 10_000;

/// A create task's DDL file. Problems carry JSON paths (and line and column for syntax); there is a definition exactly
/// when there are no errors.
#[must_use]
pub fn parse_create(text: &str) -> (Option<TableDefinition>, Problems) {
    parse(text, read_create)
}

/// A load's DDL file: its columns.
#[must_use]
pub fn parse_load(text: &str) -> (Option<Vec<Field>>, Problems) {
    parse(text, |fields| {
        // Loads never name or describe their table here, but files shared with a create may.
        fields.ignore(&["$schema", "description"]);
        fields.required("schema", schema::read)
    })
}

fn parse<T>(text: &str, read: impl FnOnce(&Fields<'_>) -> Option<T>) -> (Option<T>, Problems) {
    let mut problems = Problems::default();
    let Some(value) = json::parse(text, &mut problems) else { return (None, problems) };
    let reader = Reader::default();
    let parsed = reader.document(&value).and_then(|fields| {
        let parsed = read(&fields);
        fields.finish();
        parsed
    });
    let (more, _) = reader.into_parts();
    problems.errors.extend(more.errors);
    problems.warnings.extend(more.warnings);
    (parsed.filter(|_| problems.errors.is_empty()), problems)
}

fn read_create(fields: &Fields<'_>) -> Option<TableDefinition> {
    fields.ignore(&["$schema"]);
    let description = fields.required("bq_table_description", Fields::text);
    let schema = fields.required("bq_table_schema", schema::read);
    let known = schema.as_deref().unwrap_or_default();
    let partitioning = read_partitioning(fields, schema.as_deref());
    let clustering = read_clustering(fields, known, schema.is_some());
    let newer = fields.boolean("bq_table_require_partition_filter");
    let older = fields.boolean("bq_table_timepartitioning_require_partition_filter");
    let require_partition_filter = newer.or(older).unwrap_or(false);
    if require_partition_filter && matches!(partitioning, Some(None)) {
        fields.error("bq_table_require_partition_filter", "only a partitioned table can require a partition filter");
    }
    Some(TableDefinition {
        description: Some(description?),
        schema: schema?,
        clustering: clustering?,
        partitioning: partitioning?,
        require_partition_filter,
    })
}

/// `Some(None)` for a table without partitions; `schema` is `None` when it could not be read.
fn read_partitioning(fields: &Fields<'_>, schema: Option<&[Field]>) -> Option<Option<Partitioning>> {
    const TIME: &str = "bq_table_timepartitioning_field";
    const RANGE: &str = "bq_table_range_partitioning_field";
    let by_type = fields.has("bq_table_timepartitioning_type") || fields.has("bq_table_timepartitioning_expiration_ms");
    let time = fields.has(TIME) || by_type;
    if time && fields.has(RANGE) {
        fields.error(RANGE, format!("a table is partitioned by time (\"{TIME}\") or by range, not both"));
    }
    let by_time = if time { Some(read_time(fields, TIME, schema)) } else { None };
    let by_range = if fields.has(RANGE) { Some(read_range(fields, RANGE, schema)) } else { None };
    let of_range = [
        "bq_table_range_partitioning_start",
        "bq_table_range_partitioning_end",
        "bq_table_range_partitioning_interval",
    ];
    fields.meaningless(&of_range, &format!("without \"{RANGE}\""));
    fields.ignore(&[TIME, RANGE, "bq_table_timepartitioning_type", "bq_table_timepartitioning_expiration_ms"]);
    match by_time.or(by_range) {
        Some(read) => read.map(Some),
        None => Some(None),
    }
}

fn read_time(fields: &Fields<'_>, name: &'static str, schema: Option<&[Field]>) -> Option<Partitioning> {
    let unit = fields.choice("bq_table_timepartitioning_type").unwrap_or_default();
    let expiration_ms = fields
        .integer("bq_table_timepartitioning_expiration_ms", 1, i64::MAX)
        .and_then(|milliseconds| u64::try_from(milliseconds).ok());
    if !fields.has(name) {
        return Some(Partitioning::Time { field: None, unit, expiration_ms });
    }
    let field = fields.text(name)?;
    let fit = |kind| match kind {
        FieldType::Timestamp | FieldType::DateTime => true,
        FieldType::Date => unit != PartitionUnit::Hour,
        _ => false,
    };
    let expected = if unit == PartitionUnit::Hour { "TIMESTAMP or DATETIME" } else { "DATE, TIMESTAMP or DATETIME" };
    let field = partition_field(fields, name, field, schema, fit, expected)?;
    Some(Partitioning::Time { field: Some(field), unit, expiration_ms })
}

fn read_range(fields: &Fields<'_>, name: &'static str, schema: Option<&[Field]>) -> Option<Partitioning> {
    let bound = |name| fields.required(name, |f, name| f.integer(name, i64::MIN, i64::MAX));
    let start = bound("bq_table_range_partitioning_start");
    let end = bound("bq_table_range_partitioning_end");
    let interval = fields.required("bq_table_range_partitioning_interval", |f, name| f.integer(name, 1, i64::MAX));
    let field = fields.text(name)?;
    let field = partition_field(fields, name, field, schema, |kind| kind == FieldType::Int64, "INT64")?;
    let (start, end, interval) = (start?, end?, interval?);
    if start >= end {
        fields.error("bq_table_range_partitioning_end", format!("must be more than the start, {start}"));
        return None;
    }
    if i128::from(end) - i128::from(start) > i128::from(interval) * i128::from(MAX_RANGE_PARTITIONS) {
        fields.error(
            "bq_table_range_partitioning_interval",
            format!("gives more than {MAX_RANGE_PARTITIONS} partitions"),
        );
        return None;
    }
    Some(Partitioning::Range { field, start, end, interval })
}

/// The name as the schema spells it, when the column can be partitioned by.
fn partition_field(
    fields: &Fields<'_>,
    name: &'static str,
    field: String,
    schema: Option<&[Field]>,
    fit: impl Fn(FieldType) -> bool,
    expected: &str,
) -> Option<String> {
    let Some(schema) = schema else { return Some(field) };
    let column = column(fields, &fields.path_of(name), &field, schema)?;
    if column.mode == Mode::Repeated || !fit(column.field_type) {
        let mode = if column.mode == Mode::Repeated { "REPEATED " } else { "" };
        fields.error(name, format!("the column must be {expected}, \"{field}\" is {mode}{}", column.field_type));
        return None;
    }
    Some(column.name.clone())
}

fn read_clustering(fields: &Fields<'_>, schema: &[Field], schema_is_known: bool) -> Option<Vec<String>> {
    const NAME: &str = "bq_table_clustering_fields";
    if fields.value(NAME).is_none() {
        return Some(Vec::new());
    }
    let columns = fields.strings(NAME)?;
    if columns.len() > MAX_CLUSTERING_FIELDS {
        fields.error(
            NAME,
            format!("a table is clustered by at most {MAX_CLUSTERING_FIELDS} columns, found {}", columns.len()),
        );
    }
    if !schema_is_known {
        return Some(columns);
    }
    let read = columns.iter().enumerate().map(|(i, name)| {
        let path = format!("{}[{i}]", fields.path_of(NAME));
        let found = column(fields, &path, name, schema)?;
        let unfit = matches!(
            found.field_type,
            FieldType::Float64
                | FieldType::Bytes
                | FieldType::Json
                | FieldType::Record
                | FieldType::Interval
                | FieldType::Time
        );
        if unfit || found.mode == Mode::Repeated {
            fields
                .reader
                .error(path, format!("a table cannot be clustered by \"{name}\", a {} column", found.describe()));
            return None;
        }
        if columns.iter().take(i).any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            fields.reader.error(path, format!("\"{name}\" is named twice"));
            return None;
        }
        Some(found.name.clone())
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

impl Field {
    fn describe(&self) -> String {
        match self.mode {
            Mode::Repeated => format!("REPEATED {}", self.field_type),
            _ => self.field_type.to_string(),
        }
    }
}

/// A column of the schema by its name, whose case does not count.
fn column<'s>(fields: &Fields<'_>, path: &str, name: &str, schema: &'s [Field]) -> Option<&'s Field> {
    let found = schema.iter().find(|field| field.name.eq_ignore_ascii_case(name.trim()));
    if found.is_none() {
        let hint = crate::suggest::hint(name, schema.iter().map(|field| field.name.as_str()));
        fields.reader.error(path, format!("there is no column \"{name}\"{hint}"));
    }
    found
}

#[cfg(test)]
mod tests;

//! Rows of a query into a table, by the three write dispositions, whole or one partition, inside the running transaction.
//!
//! Columns meet by name. An existing table keeps its schema: a value is converted when nothing is lost by it (an INT64
//! into a NUMERIC, a whole FLOAT64 into an INT64), anything else is an error that names the column.

use std::{collections::HashSet, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tailer_model::operation::{
    WriteDisposition,
    ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition},
};

use super::{
    errors::invalid,
    ingestion,
    instance::text,
    partition::{self, Partition},
    session::Session,
    tables::{self, StoredColumn},
    types::Type,
};
use crate::{
    TableName, WarehouseError,
    googlesql::{quote, quote_table},
};

/// Rows to be written: DuckDB SQL and its columns, in order.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) sql: &'a str,
    pub(crate) columns: Vec<(String, Type)>,
}

impl Source<'_> {
    /// Of a table made for these rows.
    fn definition(&self) -> TableDefinition {
        let fields = self.columns.iter().map(|(name, column_type)| column_type.to_field(name)).collect();
        TableDefinition { schema: fields, ..TableDefinition::default() }
    }
}

/// Where rows go and what happens to those already there.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) disposition: WriteDisposition,
    pub(crate) replace_schema: bool,
    pub(crate) expires_after: Option<Duration>,
}

/// An existing table made ready to be written: what the rows go through, whichever way they come.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) storage: String,
    pub(crate) columns: Vec<StoredColumn>,
    pub(crate) definition: TableDefinition,
    pub(crate) partition: Option<Partition>,
    /// Value of the hidden column of an ingestion-time table, as SQL.
    pub(crate) ingested_at: Option<String>,
    /// Rows up to this row id were there before.
    last_row: Option<i64>,
}

/// Writes a query's rows; their number.
pub(crate) fn write_query(
    session: &Session<'_>,
    source: &Source<'_>,
    target: &Target<'_>,
) -> Result<u64, WarehouseError> {
    check_source(source, target.table)?;
    let replace = target.disposition == WriteDisposition::Truncate && target.replace_schema;
    if replace && target.table.decorator.is_none() && tables::lookup(session, target.table)?.is_some() {
        return replace_table(session, source, target);
    }
    let opened = match open(session, target)? {
        Some(opened) => opened,
        None => {
            tables::create(session, target.table, &source.definition(), None)?;
            just_created(session, target.table)?
        }
    };
    let rows = insert(session, source, &opened, target.table)?;
    finish(session, &opened, target)?;
    Ok(rows)
}

/// Makes the table anew beside the old one, which the query may be reading, then puts it in its place.
fn replace_table(session: &Session<'_>, source: &Source<'_>, target: &Target<'_>) -> Result<u64, WarehouseError> {
    let table = target.table;
    let beside = TableName { table: format!("{} {}", table.table, uuid::Uuid::new_v4()), ..table.clone() };
    let definition = source.definition();
    tables::create(session, &beside, &definition, None)?;
    let rows = insert(session, source, &just_created(session, &beside)?, table)?;
    tables::drop_table(session, table)?;
    session.execute(&format!("ALTER TABLE {} RENAME TO {}", quote_table(&beside), quote(&table.table)), [])?;
    tables::unregister(session, &beside)?;
    tables::register(session, table, &definition, None)?;
    finish(
        session,
        &just_created(session, table)?,
        &Target { disposition: WriteDisposition::Append, ..target.clone() },
    )?;
    Ok(rows)
}

/// Makes an existing table ready; `None` when it has to be made first.
pub(crate) fn open(session: &Session<'_>, target: &Target<'_>) -> Result<Option<Opened>, WarehouseError> {
    let table = target.table;
    let Some(registered) = tables::lookup(session, table)? else {
        return match &table.decorator {
            Some(_) => Err(WarehouseError::NotFound(format!(
                "table {} (a partition is written in a table that exists)",
                table.without_decorator()
            ))),
            None => Ok(None),
        };
    };
    let opened = open_registered(session, table, registered.definition)?;
    let condition = opened.partition.as_ref().map_or("true", |partition| partition.condition.as_str());
    if target.disposition == WriteDisposition::Empty {
        let sql = format!("SELECT 1 FROM {} WHERE {condition} LIMIT 1", opened.storage);
        if !session.rows(&sql, [], |_| Ok(()))?.is_empty() {
            return Err(invalid(format!(
                "already exists: table {table} has rows, and WRITE_EMPTY only fills an empty one"
            )));
        }
    }
    Ok(Some(opened))
}

/// A table that this transaction made.
pub(crate) fn just_created(session: &Session<'_>, table: &TableName) -> Result<Opened, WarehouseError> {
    match tables::lookup(session, table)? {
        Some(registered) => open_registered(session, table, registered.definition),
        None => Err(WarehouseError::Internal(format!("table {table} vanished while it was written"))),
    }
}

fn open_registered(
    session: &Session<'_>,
    table: &TableName,
    definition: TableDefinition,
) -> Result<Opened, WarehouseError> {
    let partition = partition::named(table, &definition)?;
    let ingested = ingestion::is_ingestion_time(&definition);
    let storage = tables::storage(table, &definition);
    let mut columns = tables::describe(session, &storage)?;
    columns.retain(|column| !(ingested && column.name == ingestion::COLUMN));
    if !ingested && tables::is_view(session, table)? {
        return Err(invalid(format!("{table} is a view: rows can only be written to tables")));
    }
    let last_row = session.rows(&format!("SELECT max(rowid) FROM {storage}"), [], |row| row.get(0))?;
    let ingested_at = ingested.then(|| ingestion_time(&definition, partition.as_ref()));
    Ok(Opened { storage, columns, partition, ingested_at, last_row: last_row.into_iter().next().flatten(), definition })
}

/// The partition named, or the one of now.
fn ingestion_time(definition: &TableDefinition, partition: Option<&Partition>) -> String {
    let unit = match &definition.partitioning {
        Some(Partitioning::Time { unit, .. }) => *unit,
        _ => PartitionUnit::Day,
    };
    let now = || partition::truncate(Timestamp::now().to_zoned(TimeZone::UTC).datetime(), unit);
    let at = partition.and_then(|partition| partition.start).unwrap_or_else(now);
    format!("TIMESTAMPTZ '{} {}+00'", at.date(), at.time())
}

/// After the rows are in: those of before leave, if so asked; the new ones are checked against their partition.
///
/// Old rows leave last, so that a query may read the table it replaces.
pub(crate) fn finish(session: &Session<'_>, opened: &Opened, target: &Target<'_>) -> Result<(), WarehouseError> {
    let table = target.table;
    let new = opened.last_row.map_or("true".to_owned(), |last| format!("rowid > {last}"));
    if let Some(partition) = &opened.partition {
        let sql =
            format!("SELECT 1 FROM {} WHERE {new} AND ({}) IS NOT TRUE LIMIT 1", opened.storage, partition.condition);
        if !session.rows(&sql, [], |_| Ok(()))?.is_empty() {
            return Err(invalid(format!("some rows do not belong to partition {table}: nothing was written")));
        }
    }
    if let (WriteDisposition::Truncate, Some(last)) = (target.disposition, opened.last_row) {
        let condition = opened.partition.as_ref().map_or("true", |partition| partition.condition.as_str());
        session.execute(&format!("DELETE FROM {} WHERE rowid <= {last} AND {condition}", opened.storage), [])?;
    }
    if let Some(after) = target.expires_after {
        tables::register(session, table, &opened.definition, Some(expiry(after)?))?;
    }
    Ok(())
}

fn expiry(after: Duration) -> Result<Timestamp, WarehouseError> {
    SignedDuration::try_from(after)
        .ok()
        .and_then(|after| Timestamp::now().checked_add(after).ok())
        .ok_or_else(|| invalid("the table would expire after the end of time"))
}

/// What BigQuery, too, refuses in a result that becomes a table.
fn check_source(source: &Source<'_>, table: &TableName) -> Result<(), WarehouseError> {
    let mut seen = HashSet::new();
    for (name, _) in &source.columns {
        if !seen.insert(name.to_lowercase()) {
            return Err(invalid(format!("the query gives column `{name}` twice: table {table} can have it once")));
        }
    }
    Ok(())
}

pub(crate) fn insert(
    session: &Session<'_>,
    source: &Source<'_>,
    opened: &Opened,
    table: &TableName,
) -> Result<u64, WarehouseError> {
    let mut names = Vec::new();
    let mut values = Vec::new();
    for (index, (name, given)) in source.columns.iter().enumerate() {
        let Some(column) = opened.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)) else {
            return Err(unknown_column(name, opened, table));
        };
        let place = format!("q.c{index}");
        let value = match convert(given, &column.column_type, &place) {
            Some(value) => value,
            None if *given == Type::Scalar(FieldType::Int64) => null_of(column, &place, table),
            None => return Err(invalid(wrong_type(column, given, table))),
        };
        names.push(quote(&column.name));
        values.push(value);
    }
    for column in &opened.columns {
        let given = source.columns.iter().any(|(name, _)| column.name.eq_ignore_ascii_case(name));
        if !given && column.required {
            return Err(invalid(format!(
                "column `{}` of table {table} is REQUIRED and the query does not give it",
                column.name
            )));
        }
        if !given && matches!(column.column_type, Type::Array(_)) {
            names.push(quote(&column.name));
            values.push("[]".to_owned());
        }
    }
    if let Some(at) = &opened.ingested_at {
        names.push(quote(ingestion::COLUMN));
        values.push(at.clone());
    }
    let places: Vec<_> = (0..source.columns.len()).map(|index| format!("c{index}")).collect();
    let sql = format!(
        "INSERT INTO {} ({}) SELECT {} FROM (\n{}\n) AS q({})",
        opened.storage,
        names.join(", "),
        values.join(", "),
        source.sql,
        places.join(", ")
    );
    session.execute(&sql, [])
}

fn unknown_column(name: &str, opened: &Opened, table: &TableName) -> WarehouseError {
    let nearest = opened
        .columns
        .iter()
        .map(|column| (strsim::jaro_winkler(&column.name.to_lowercase(), &name.to_lowercase()), &column.name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint = nearest.map(|(_, name)| format!(": did you mean `{name}`?")).unwrap_or_default();
    invalid(format!("the query gives column `{name}`, which table {table} does not have{hint}"))
}

fn wrong_type(column: &StoredColumn, given: &Type, table: &TableName) -> String {
    format!(
        "column `{0}` of table {table} is {1} and the query gives {given}: write CAST({0} AS {1}) in the query",
        column.name, column.column_type
    )
}

/// A bare `NULL`, which fits every column, cannot be told from an INT64 by its type: only values are an error.
fn null_of(column: &StoredColumn, place: &str, table: &TableName) -> String {
    let stored = column.column_type.to_duckdb();
    let null = if matches!(column.column_type, Type::Array(_)) { "[]" } else { "NULL" };
    let message = text(&wrong_type(column, &Type::Scalar(FieldType::Int64), table));
    format!("CASE WHEN {place} IS NULL THEN CAST({null} AS {stored}) ELSE CAST(error({message}) AS {stored}) END")
}

/// SQL that makes a stored value of a given one; `None` when the types do not fit.
fn convert(given: &Type, stored: &Type, place: &str) -> Option<String> {
    use FieldType::{BigNumeric, Date, DateTime, Float64, Int64, Numeric, Timestamp};
    let cast = format!("CAST({place} AS {})", stored.to_duckdb());
    match (given, stored) {
        // BigQuery stores a NULL array as an empty one.
        (Type::Array(given), Type::Array(element)) => fits(given, element).then(|| format!("coalesce({cast}, [])")),
        (Type::Struct(_), Type::Struct(_)) => fits(given, stored).then_some(cast),
        (Type::Scalar(BigNumeric), Type::Scalar(Int64)) => Some(format!("gs_bignumeric_to_whole({place})")),
        (Type::Scalar(BigNumeric), Type::Scalar(Numeric)) => Some(format!("gs_bignumeric_to_numeric({place})")),
        (Type::Scalar(BigNumeric), Type::Scalar(Float64)) => Some(format!("gs_bignumeric_to_float({place})")),
        (Type::Scalar(Int64), Type::Scalar(BigNumeric)) => Some(format!("gs_int_to_bignumeric({place})")),
        (Type::Scalar(Numeric), Type::Scalar(BigNumeric)) => Some(format!("gs_numeric_to_bignumeric({place})")),
        (Type::Scalar(Float64), Type::Scalar(BigNumeric)) => Some(format!("gs_float_to_bignumeric({place})")),
        (Type::Scalar(Float64 | Numeric), Type::Scalar(Int64)) => Some(format!(
            "CASE WHEN {place} = trunc({place}) OR {place} IS NULL THEN {cast} \
             ELSE error('a value with a fraction cannot be stored in an INT64 column: ' || CAST({place} AS VARCHAR)) END"
        )),
        (Type::Scalar(given), Type::Scalar(stored)) => (given == stored
            || matches!(
                (given, stored),
                (Int64 | Float64, Numeric) | (Int64 | Numeric, Float64) | (Date, DateTime | Timestamp)
            ))
        .then_some(cast),
        _ => None,
    }
}

/// Inside arrays and structs only what needs no check of values is converted; members meet by name.
fn fits(given: &Type, stored: &Type) -> bool {
    match (given, stored) {
        (Type::Array(given), Type::Array(stored)) => fits(given, stored),
        (Type::Struct(given), Type::Struct(stored)) => {
            given.len() == stored.len()
                && given.iter().all(|(name, given)| {
                    stored.iter().any(|(other, stored)| other.eq_ignore_ascii_case(name) && fits(given, stored))
                })
        }
        _ => given == stored || *given == Type::Scalar(FieldType::Int64) && *stored == Type::Scalar(FieldType::Numeric),
    }
}

/// Names that a result's columns have as a table: BigQuery calls the nameless `f0_`, `f1_`, ...
pub(crate) fn column_names(columns: Vec<(String, Type)>) -> Vec<(String, Type)> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-' | '$'))
    };
    let mut nameless = 0;
    let mut named = Vec::with_capacity(columns.len());
    for (name, column_type) in columns {
        if is_name(&name) {
            named.push((name, column_type));
        } else {
            named.push((format!("f{nameless}_"), column_type));
            nameless += 1;
        }
    }
    named
}

/// Whether a column may be left out of new rows.
pub(crate) fn may_be_absent(field: &Field) -> bool {
    field.mode != Mode::Required
}

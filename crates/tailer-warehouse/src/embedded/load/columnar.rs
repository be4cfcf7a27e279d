//! Files that have columns and types of their own (Parquet, Avro): columns meet by name, nested ones member by member, and
//! a value becomes the column's type only when nothing is lost or guessed by it.

use tailer_model::operation::ddl::{Field, FieldType, Mode};

use super::{Loaded, added, destination, target, with_added};
use crate::{
    Load, LoadSchema, WarehouseError,
    embedded::{
        errors::invalid,
        instance::text,
        session::Session,
        tables,
        types::Type,
        write::{self, Source},
    },
    googlesql::quote,
};

/// A column of the files.
#[derive(Debug)]
struct Found {
    name: String,
    /// Its value in SQL, over the row `f`.
    value: String,
    column_type: Type,
}

/// Loads what `query` selects from the row `f`. `instants` are columns that are moments though their type does not say so.
pub(crate) fn load(
    session: &Session<'_>,
    load: &Load,
    query: &dyn Fn(&str) -> String,
    instants: &[String],
) -> Result<Loaded, WarehouseError> {
    let found = found(session, query, instants)?;
    let fields = match &load.schema {
        LoadSchema::Given(fields) => fields.clone(),
        LoadSchema::Header => {
            let format = load.options.source_format;
            return Err(invalid(format!("{format} files have no header line: give a schema, or `autodetect`")));
        }
        LoadSchema::Autodetect => found.iter().map(|column| column.column_type.to_field(&column.name)).collect(),
    };
    let ignore = load.options.ignore_unknown_values;
    let is_known = |column: &&Found| fields.iter().any(|field| field.name.eq_ignore_ascii_case(&column.name));
    if let Some(unknown) = found.iter().find(|column| !ignore && !is_known(column)) {
        return Err(invalid(format!(
            "the file has column `{}`, which the schema does not (bq_load_job_ignore_unknown_values drops it)",
            unknown.name
        )));
    }
    let opened = target::open(session, load, &with_added(load, &fields))?;
    let (mut selected, mut source) = (Vec::new(), Vec::new());
    for field in target::columns(&fields, &opened) {
        // A column that the files lack is NULL, unless it is REQUIRED, which inserting finds out.
        if let Some(column) = found.iter().find(|column| column.name.eq_ignore_ascii_case(&field.name)) {
            let wanted = Type::of_field(&field);
            let converter = Converter { column: &field.name, ignore };
            selected.push(converter.value(&column.column_type, &field, &wanted, &column.value)?);
            source.push((field.name, wanted));
        }
    }
    let selected = match added(load, &mut source) {
        constants if selected.is_empty() => format!("NULL AS nothing{constants}"),
        constants => selected.join(", ") + &constants,
    };
    if source.is_empty() {
        return Err(invalid("the file has none of the schema's columns"));
    }
    let sql = query(&selected);
    let rows = write::insert(session, &Source { sql: &sql, columns: source }, &opened, &load.table)?;
    write::finish(session, &opened, &destination(load))?;
    Ok(Loaded { rows, ..Loaded::default() })
}

/// The files' columns, those of types that BigQuery lacks in the shape that it gives them.
fn found(
    session: &Session<'_>,
    query: &dyn Fn(&str) -> String,
    instants: &[String],
) -> Result<Vec<Found>, WarehouseError> {
    let described = session.rows(&format!("DESCRIBE {}", query("f.*")), [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut found = Vec::with_capacity(described.len());
    for (name, duckdb_type) in described {
        let place = format!("f.{}", quote(&name));
        let value = if duckdb_type.starts_with("MAP(") && duckdb_type.ends_with(')') {
            format!("map_entries({place})")
        } else if duckdb_type == "TIME WITH TIME ZONE" {
            format!("CAST({place} AS TIME)")
        } else if duckdb_type.starts_with("TIMESTAMP") && instants.contains(&name) {
            format!("CAST({place} AS TIMESTAMPTZ)")
        } else {
            place
        };
        let column_type = match tables::describe(session, &query(&value))?.into_iter().next() {
            Some(column) => column.column_type,
            None => continue,
        };
        found.push(Found { name, value, column_type });
    }
    Ok(found)
}

/// How the values of one column are converted.
struct Converter<'a> {
    column: &'a str,
    ignore: bool,
}

impl Converter<'_> {
    /// SQL of a value of type `wanted`, of which `field` knows the members' modes.
    fn value(&self, given: &Type, field: &Field, wanted: &Type, place: &str) -> Result<String, WarehouseError> {
        let cast = format!("CAST({place} AS {})", wanted.to_duckdb());
        match (given, wanted) {
            (Type::Array(given), Type::Array(element)) => {
                let inner = Field { mode: Mode::Nullable, ..field.clone() };
                let each = match given.as_ref() == element.as_ref() && !needs_check(given) {
                    true => cast,
                    false => {
                        format!("list_transform({place}, lambda e: {})", self.value(given, &inner, element, "e")?)
                    }
                };
                let message = self.message("an array holds null, which BigQuery does not store");
                // BigQuery stores a NULL array as an empty one.
                Ok(format!(
                    "CASE WHEN list_aggregate({place}, 'count') < len({place}) THEN error({message}) \
                     ELSE coalesce({each}, []) END"
                ))
            }
            (Type::Struct(given), Type::Struct(members)) => self.record(given, field, members, place),
            (Type::Scalar(given), Type::Scalar(wanted)) => {
                let converted = self.scalar(*given, *wanted, place, cast);
                converted.ok_or_else(|| self.mismatch(&Type::Scalar(*given), &Type::Scalar(*wanted)))
            }
            _ => Err(self.mismatch(given, wanted)),
        }
    }

    fn record(
        &self,
        given: &[(String, Type)],
        field: &Field,
        wanted: &[(String, Type)],
        place: &str,
    ) -> Result<String, WarehouseError> {
        let known = |name: &str| wanted.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !self.ignore && !known(name)) {
            return Err(invalid(format!(
                "column `{}` of the file has field `{unknown}`, which the schema does not (bq_load_job_ignore_unknown_values drops it)",
                self.column
            )));
        }
        let mut members = Vec::with_capacity(wanted.len());
        for ((name, wanted), inner) in wanted.iter().zip(&field.fields) {
            let found = given.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            let value = match found {
                Some((spelled, given)) => {
                    let value = self.value(given, inner, wanted, &format!("{place}.{}", quote(spelled)))?;
                    match inner.mode {
                        Mode::Required => {
                            let message =
                                self.message(&format!("{name}: the field is REQUIRED and the value is missing"));
                            format!("coalesce({value}, error({message}))")
                        }
                        Mode::Nullable | Mode::Repeated => value,
                    }
                }
                None if inner.mode == Mode::Required => {
                    return Err(invalid(format!(
                        "field `{name}` of column `{}` is REQUIRED and the file does not have it",
                        self.column
                    )));
                }
                None if inner.mode == Mode::Repeated => format!("CAST([] AS {})", wanted.to_duckdb()),
                None => format!("CAST(NULL AS {})", wanted.to_duckdb()),
            };
            members.push(format!("{} := {value}", quote(name)));
        }
        Ok(format!("CASE WHEN {place} IS NULL THEN NULL ELSE struct_pack({}) END", members.join(", ")))
    }

    fn scalar(&self, given: FieldType, wanted: FieldType, place: &str, cast: String) -> Option<String> {
        use FieldType::{
            BigNumeric, Bytes, Date, DateTime, Float64, Geography, Int64, Json, Numeric, String, Timestamp,
        };
        Some(match (given, wanted) {
            (Date, Date) => self.checked(place, "DATE", place, cast),
            (DateTime | Timestamp, DateTime | Timestamp) => {
                // In UTC the two differ in name only, and comparing needs no cast.
                let name = if given == Timestamp { "TIMESTAMPTZ" } else { "TIMESTAMP" };
                self.checked(place, name, place, cast)
            }
            (BigNumeric, Numeric) => {
                let message = self.message("a value has more digits than a NUMERIC");
                format!("CASE WHEN {cast} = {place} OR {place} IS NULL THEN {cast} ELSE error({message}) END")
            }
            // Files have decimals of DuckDB's kind, tables have units.
            (BigNumeric, BigNumeric) => format!("gs_string_to_bignumeric(CAST({place} AS VARCHAR))"),
            (Numeric, BigNumeric) => format!("gs_numeric_to_bignumeric(CAST({place} AS DECIMAL(38,9)))"),
            (Int64, BigNumeric) => format!("gs_int_to_bignumeric({place})"),
            (given, wanted) if given == wanted => cast,
            (Int64, Numeric | Float64) | (String, Json | Geography) => cast,
            (Bytes, String) => format!("decode({place})"),
            // Avro has no DATETIME: BigQuery, too, writes it as text.
            (String, DateTime) => {
                let message = self.message("a text is no DATETIME");
                let form = text(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?");
                format!(
                    "CASE WHEN regexp_full_match({place}, {form}) OR {place} IS NULL THEN {cast} ELSE error({message}) END"
                )
            }
            _ => return None,
        })
    }

    /// BigQuery's years are 1 to 9999.
    fn checked(&self, place: &str, literal: &str, shown: &str, cast: String) -> String {
        let (zone, last) = match literal {
            "DATE" => ("", "9999-12-31"),
            "TIMESTAMP" => ("", "9999-12-31 23:59:59.999999"),
            _ => ("+00", "9999-12-31 23:59:59.999999"),
        };
        let first = if literal == "DATE" { "0001-01-01" } else { "0001-01-01 00:00:00" };
        let message = self.message("out of BigQuery's range of years, 1 to 9999: ");
        format!(
            "CASE WHEN {place} BETWEEN {literal} '{first}{zone}' AND {literal} '{last}{zone}' OR {place} IS NULL THEN {cast} \
             ELSE error({message} || CAST({shown} AS VARCHAR)) END"
        )
    }

    fn message(&self, reason: &str) -> String {
        text(&format!("column `{}`: {reason}", self.column))
    }

    fn mismatch(&self, given: &Type, wanted: &Type) -> WarehouseError {
        invalid(format!("column `{}` of the file is {given} and the schema says {wanted}", self.column))
    }
}

/// Whether values of a type have to be looked at even when the column has the same.
fn needs_check(column_type: &Type) -> bool {
    match column_type {
        Type::Scalar(scalar) => {
            use FieldType::{BigNumeric, Date, DateTime, Timestamp};
            matches!(scalar, Date | DateTime | Timestamp | BigNumeric)
        }
        Type::Array(_) | Type::Struct(_) => true,
    }
}

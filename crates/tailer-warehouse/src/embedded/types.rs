//! Column types, between BigQuery's names and DuckDB's. One tree, [`Type`], parsed from either and written as either.
//!
//! NUMERIC is `DECIMAL(38,9)` and fits exactly. BIGNUMERIC is a `BIGNUM` of units of ten to the minus 38, exact too. TIMESTAMP is DuckDB's `TIMESTAMPTZ`, DATETIME its `TIMESTAMP`.

use std::fmt;

use tailer_model::operation::ddl::{Field, FieldType, Mode, TableDefinition};

use super::errors::{invalid, unsupported};
use crate::{Column, WarehouseError, googlesql::quote};

/// A BigQuery column type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Scalar(FieldType),
    Array(Box<Type>),
    Struct(Vec<(String, Type)>),
}

impl Type {
    /// Of a column as a DDL file declares it.
    pub(crate) fn of_field(field: &Field) -> Self {
        let element = match field.field_type {
            FieldType::Record => {
                Self::Struct(field.fields.iter().map(|inner| (inner.name.clone(), Self::of_field(inner))).collect())
            }
            scalar => Self::Scalar(scalar),
        };
        if field.mode == Mode::Repeated { Self::Array(Box::new(element)) } else { element }
    }

    /// The column of a DDL file that has this type and says nothing else.
    pub(crate) fn to_field(&self, name: &str) -> Field {
        let (element, mode) = match self {
            Self::Array(element) => (element.as_ref(), Mode::Repeated),
            other => (other, Mode::Nullable),
        };
        let (field_type, fields) = match element {
            Self::Scalar(scalar) => (*scalar, Vec::new()),
            Self::Struct(fields) => {
                (FieldType::Record, fields.iter().map(|(name, inner)| inner.to_field(name)).collect())
            }
            // An array of arrays cannot be made: parsing refuses it.
            Self::Array(_) => (FieldType::Record, Vec::new()),
        };
        Field { name: name.to_owned(), field_type, mode, description: None, fields }
    }

    /// As DuckDB writes it in DDL and casts.
    pub(crate) fn to_duckdb(&self) -> String {
        match self {
            Self::Scalar(scalar) => duckdb_name(*scalar).to_owned(),
            Self::Array(element) => format!("{}[]", element.to_duckdb()),
            Self::Struct(fields) => {
                let fields: Vec<_> = member_names(fields)
                    .iter()
                    .zip(fields)
                    .map(|(name, (_, inner))| format!("{} {}", quote(name), inner.to_duckdb()))
                    .collect();
                format!("STRUCT({})", fields.join(", "))
            }
        }
    }

    /// Whether a value of some type stands inside of an ARRAY or a STRUCT of this one.
    pub(crate) fn holds_nested(&self, scalar: FieldType) -> bool {
        let holds = |inner: &Self| *inner == Self::Scalar(scalar) || inner.holds_nested(scalar);
        match self {
            Self::Scalar(_) => false,
            Self::Array(element) => holds(element),
            Self::Struct(fields) => fields.iter().any(|(_, inner)| holds(inner)),
        }
    }

    /// Reads a type as DuckDB's DESCRIBE prints it. Integers of every width are INT64, as BigQuery has one.
    pub(crate) fn from_duckdb(text: &str) -> Result<Self, WarehouseError> {
        let mut parser = Parser { text, at: 0 };
        let found = parser.duckdb_type()?;
        parser.end()?;
        Ok(found)
    }

    /// Reads a BigQuery type such as `ARRAY<STRUCT<a INT64, b NUMERIC(10, 2)>>`; lengths and precisions are dropped.
    pub(crate) fn from_bigquery(text: &str) -> Result<Self, WarehouseError> {
        let mut parser = Parser { text, at: 0 };
        let found = parser.bigquery_type()?;
        parser.end()?;
        Ok(found)
    }
}

/// The columns of a table as its DDL declares them.
pub(crate) fn columns_of(definition: &TableDefinition) -> Vec<Column> {
    let column = |field: &Field| Column { name: field.name.clone(), column_type: Type::of_field(field).to_string() };
    definition.schema.iter().map(column).collect()
}

/// Names that DuckDB's struct has for a STRUCT's members: the translator, too, names the nameless and the repeated by place.
pub(crate) fn member_names(members: &[(String, Type)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(members.len());
    for (place, (name, _)) in members.iter().enumerate() {
        let taken = names.iter().any(|other| other.eq_ignore_ascii_case(name));
        names.push(if name.is_empty() || taken { format!("_field_{}", place + 1) } else { name.clone() });
    }
    names
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => f.write_str(bigquery_name(*scalar)),
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, (name, inner)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    let space = if name.is_empty() { "" } else { " " };
                    write!(f, "{comma}{name}{space}{inner}")?;
                }
                f.write_str(">")
            }
        }
    }
}

pub(crate) fn bigquery_name(scalar: FieldType) -> &'static str {
    match scalar {
        FieldType::String => "STRING",
        FieldType::Bytes => "BYTES",
        FieldType::Int64 => "INT64",
        FieldType::Float64 => "FLOAT64",
        FieldType::Numeric => "NUMERIC",
        FieldType::BigNumeric => "BIGNUMERIC",
        FieldType::Bool => "BOOL",
        FieldType::Timestamp => "TIMESTAMP",
        FieldType::Date => "DATE",
        FieldType::Time => "TIME",
        FieldType::DateTime => "DATETIME",
        FieldType::Interval => "INTERVAL",
        FieldType::Geography => "GEOGRAPHY",
        FieldType::Json => "JSON",
        FieldType::Record => "RECORD",
    }
}

fn duckdb_name(scalar: FieldType) -> &'static str {
    match scalar {
        FieldType::String => "VARCHAR",
        FieldType::Bytes => "BLOB",
        FieldType::Int64 => "BIGINT",
        FieldType::Float64 => "DOUBLE",
        FieldType::Numeric => "DECIMAL(38,9)",
        FieldType::BigNumeric => "BIGNUM",
        FieldType::Bool => "BOOLEAN",
        FieldType::Timestamp => "TIMESTAMP WITH TIME ZONE",
        FieldType::Date => "DATE",
        FieldType::Time => "TIME",
        FieldType::DateTime => "TIMESTAMP",
        FieldType::Interval => "INTERVAL",
        FieldType::Geography => "GEOMETRY",
        FieldType::Json => "JSON",
        // A RECORD without fields has no columns to hold.
        FieldType::Record => "STRUCT(_ VARCHAR)",
    }
}

fn duckdb_scalar(name: &str, scale: Option<(u32, u32)>) -> Option<FieldType> {
    Some(match name {
        "VARCHAR" | "UUID" | "CHAR" | "ENUM" => FieldType::String,
        "BLOB" => FieldType::Bytes,
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "UHUGEINT" | "\"NULL\"" | "NULL" => FieldType::Int64,
        "FLOAT" | "DOUBLE" => FieldType::Float64,
        "DECIMAL" => match scale {
            Some((precision, scale)) if scale <= 9 && precision.saturating_sub(scale) <= 29 => FieldType::Numeric,
            _ => FieldType::BigNumeric,
        },
        "BIGNUM" => FieldType::BigNumeric,
        "BOOLEAN" => FieldType::Bool,
        "TIMESTAMP WITH TIME ZONE" => FieldType::Timestamp,
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => FieldType::DateTime,
        "DATE" => FieldType::Date,
        "TIME" => FieldType::Time,
        "INTERVAL" => FieldType::Interval,
        "GEOMETRY" => FieldType::Geography,
        "JSON" => FieldType::Json,
        _ => return None,
    })
}

fn bigquery_scalar(name: &str) -> Option<FieldType> {
    Some(match name.to_ascii_uppercase().as_str() {
        "STRING" => FieldType::String,
        "BYTES" => FieldType::Bytes,
        "INT64" | "INT" | "INTEGER" | "SMALLINT" | "BIGINT" | "TINYINT" | "BYTEINT" => FieldType::Int64,
        "FLOAT64" | "FLOAT" => FieldType::Float64,
        "NUMERIC" | "DECIMAL" => FieldType::Numeric,
        "BIGNUMERIC" | "BIGDECIMAL" => FieldType::BigNumeric,
        "BOOL" | "BOOLEAN" => FieldType::Bool,
        "TIMESTAMP" => FieldType::Timestamp,
        "DATE" => FieldType::Date,
        "TIME" => FieldType::Time,
        "DATETIME" => FieldType::DateTime,
        "INTERVAL" => FieldType::Interval,
        "GEOGRAPHY" => FieldType::Geography,
        "JSON" => FieldType::Json,
        _ => return None,
    })
}

/// A cursor over a type's text.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.spaces();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), WarehouseError> {
        if self.take(token) { Ok(()) } else { Err(self.bad()) }
    }

    fn end(&mut self) -> Result<(), WarehouseError> {
        self.spaces();
        if self.rest().is_empty() { Ok(()) } else { Err(self.bad()) }
    }

    fn bad(&self) -> WarehouseError {
        invalid(format!("`{}` is not a column type", self.text))
    }

    /// A name: quoted (`"` doubled inside, or backticks) or a plain word.
    fn name(&mut self) -> Result<String, WarehouseError> {
        self.spaces();
        for mark in ['"', '`'] {
            if let Some(inner) = self.rest().strip_prefix(mark) {
                let mut name = String::new();
                let mut chars = inner.char_indices().peekable();
                while let Some((i, c)) = chars.next() {
                    if c != mark {
                        name.push(c);
                    } else if chars.peek().is_some_and(|(_, next)| *next == mark) {
                        name.push(mark);
                        chars.next();
                    } else {
                        self.at += 1 + i + 1;
                        return Ok(name);
                    }
                }
                return Err(self.bad());
            }
        }
        Ok(self.word().to_owned())
    }

    fn word(&mut self) -> &'a str {
        self.spaces();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn duckdb_type(&mut self) -> Result<Type, WarehouseError> {
        let mut found = self.duckdb_element()?;
        while self.take("[") {
            self.word();
            self.expect("]")?;
            if matches!(found, Type::Array(_)) {
                return Err(unsupported("an array of arrays (BigQuery has none: wrap the inner array in a STRUCT)"));
            }
            found = Type::Array(Box::new(found));
        }
        Ok(found)
    }

    fn duckdb_element(&mut self) -> Result<Type, WarehouseError> {
        if self.take("\"NULL\"") {
            return Ok(Type::Scalar(FieldType::Int64));
        }
        let name = self.word();
        if name == "STRUCT" && self.take("(") {
            return self.members(")", Self::duckdb_type);
        }
        if matches!(name, "TIMESTAMP" | "TIME") && self.take("WITH TIME ZONE") {
            return match name {
                "TIMESTAMP" => Ok(Type::Scalar(FieldType::Timestamp)),
                _ => Err(unsupported("a time with a time zone")),
            };
        }
        let scale = self.arguments()?;
        match duckdb_scalar(name, scale) {
            Some(scalar) => Ok(Type::Scalar(scalar)),
            None => Err(unsupported(format!("a column of type {name}"))),
        }
    }

    fn bigquery_type(&mut self) -> Result<Type, WarehouseError> {
        let name = self.word();
        if name.eq_ignore_ascii_case("ARRAY") {
            self.expect("<")?;
            let element = self.bigquery_type()?;
            self.expect(">")?;
            return Ok(Type::Array(Box::new(element)));
        }
        if name.eq_ignore_ascii_case("STRUCT") || name.eq_ignore_ascii_case("RECORD") {
            self.expect("<")?;
            return self.bigquery_members();
        }
        self.arguments()?;
        bigquery_scalar(name).map(Type::Scalar).ok_or_else(|| self.bad())
    }

    /// Members of a STRUCT, whose names BigQuery allows to be absent.
    fn bigquery_members(&mut self) -> Result<Type, WarehouseError> {
        let mut fields = Vec::new();
        while !self.take(">") {
            if !fields.is_empty() {
                self.expect(",")?;
            }
            let start = self.at;
            let name = self.name()?;
            self.spaces();
            let anonymous = matches!(self.rest().chars().next(), Some(',' | '>' | '<' | '('));
            if anonymous {
                self.at = start;
                fields.push((String::new(), self.bigquery_type()?));
            } else {
                fields.push((name, self.bigquery_type()?));
            }
        }
        Ok(Type::Struct(fields))
    }

    fn members(
        &mut self,
        close: &str,
        inner: fn(&mut Self) -> Result<Type, WarehouseError>,
    ) -> Result<Type, WarehouseError> {
        let mut fields = Vec::new();
        while !self.take(close) {
            if !fields.is_empty() {
                self.expect(",")?;
            }
            fields.push((self.name()?, inner(self)?));
        }
        Ok(Type::Struct(fields))
    }

    /// `(38,9)`, `(10)`, or an ENUM's `('a', 'b')`: the two numbers when there are.
    fn arguments(&mut self) -> Result<Option<(u32, u32)>, WarehouseError> {
        if !self.take("(") {
            return Ok(None);
        }
        let rest = self.rest();
        let end = rest.find(')').ok_or_else(|| self.bad())?;
        let inside = rest.get(..end).unwrap_or_default();
        self.at += end + 1;
        let mut numbers = inside.split(',').map(|n| n.trim().parse().ok());
        Ok(match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(precision), Some(scale)) => Some((precision, scale)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duckdb_types_have_bigquery_names() {
        for (duckdb, bigquery) in [
            ("BIGINT", "INT64"),
            ("HUGEINT", "INT64"),
            ("INTEGER[]", "ARRAY<INT64>"),
            ("DECIMAL(38,9)", "NUMERIC"),
            ("DECIMAL(18,3)", "NUMERIC"),
            ("DECIMAL(38,18)", "BIGNUMERIC"),
            ("DECIMAL(38,0)", "BIGNUMERIC"),
            ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
            ("TIMESTAMP", "DATETIME"),
            ("TIMESTAMP[]", "ARRAY<DATETIME>"),
            ("STRUCT(x BIGINT, \"a \"\"b\" VARCHAR[])[]", "ARRAY<STRUCT<x INT64, a \"b ARRAY<STRING>>>"),
            ("\"NULL\"", "INT64"),
            ("ENUM('a', 'b')", "STRING"),
        ] {
            assert_eq!(Type::from_duckdb(duckdb).unwrap().to_string(), bigquery);
        }
        for bad in ["MAP(VARCHAR, BIGINT)", "BIT", "INTEGER[][]", "STRUCT(a"] {
            Type::from_duckdb(bad).unwrap_err();
        }
    }

    #[test]
    fn bigquery_types_become_duckdb_types_and_fields() {
        for (bigquery, duckdb) in [
            ("STRING(10)", "VARCHAR"),
            ("numeric(10, 2)", "DECIMAL(38,9)"),
            ("ARRAY<STRUCT<a INT64, b ARRAY<DATE>>>", "STRUCT(\"a\" BIGINT, \"b\" DATE[])[]"),
            ("STRUCT<`my field` BOOL>", "STRUCT(\"my field\" BOOLEAN)"),
            ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
        ] {
            let parsed = Type::from_bigquery(bigquery).unwrap();
            assert_eq!(parsed.to_duckdb(), duckdb);
            assert_eq!(Type::of_field(&parsed.to_field("c")), parsed);
            assert_eq!(Type::from_duckdb(duckdb).unwrap(), parsed);
        }
        Type::from_bigquery("TEXT").unwrap_err();
    }
}

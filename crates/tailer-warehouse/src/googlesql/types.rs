//! BigQuery's types: read from the catalogue and from the parsed tree, written in BigQuery's and in DuckDB's words, and
//! the rules by which one type becomes another without a cast.
//!
//! BIGNUMERIC is a `BIGNUM` of its smallest units. GEOGRAPHY and RANGE have no exact counterpart in DuckDB: they are
//! [`Type::Other`], which no function accepts.

use std::fmt;

use sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, TimezoneInfo};

use super::error::{At, Result, unsupported};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int64,
    Float64,
    Numeric,
    BigNumeric,
    String,
    Bytes,
    Date,
    Time,
    Datetime,
    Timestamp,
    Interval,
    Json,
    Array(Box<Type>),
    Struct(Vec<StructField>),
    /// A type that the embedded warehouse can only pass along.
    Other(String),
}

/// A field of a STRUCT; its name is empty when it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StructField {
    pub(super) name: String,
    pub(super) field_type: Type,
}

impl Type {
    pub(super) fn array(element: Type) -> Type {
        Type::Array(Box::new(element))
    }

    /// DuckDB's name for it.
    pub(super) fn duckdb(&self) -> String {
        match self {
            Type::Bool => "BOOLEAN".into(),
            Type::Int64 => "BIGINT".into(),
            Type::Float64 => "DOUBLE".into(),
            Type::Numeric => "DECIMAL(38,9)".into(),
            Type::BigNumeric => "BIGNUM".into(),
            Type::String => "VARCHAR".into(),
            Type::Bytes => "BLOB".into(),
            Type::Date => "DATE".into(),
            Type::Time => "TIME".into(),
            Type::Datetime => "TIMESTAMP".into(),
            Type::Timestamp => "TIMESTAMPTZ".into(),
            Type::Interval => "INTERVAL".into(),
            Type::Json => "JSON".into(),
            Type::Array(element) => format!("{}[]", element.duckdb()),
            Type::Struct(fields) => {
                let names = duckdb_field_names(fields);
                let fields: Vec<String> = fields
                    .iter()
                    .zip(names)
                    .map(|(f, name)| format!("{} {}", super::quote(&name), f.field_type.duckdb()))
                    .collect();
                format!("STRUCT({})", fields.join(", "))
            }
            Type::Other(name) => name.clone(),
        }
    }

    /// Reads a type as [`crate::Column::column_type`] writes it. What is not understood becomes [`Type::Other`].
    pub(super) fn parse(text: &str) -> Type {
        let mut reader = Reader { rest: text.trim() };
        match reader.read() {
            Some(found) if reader.rest.trim().is_empty() => found,
            _ => Type::Other(text.to_string()),
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Type::Int64 | Type::Float64 | Type::Numeric | Type::BigNumeric)
    }

    pub(super) fn is_known(&self) -> bool {
        match self {
            Type::Other(_) => false,
            Type::Array(element) => element.is_known(),
            Type::Struct(fields) => fields.iter().all(|f| f.field_type.is_known()),
            _ => true,
        }
    }

    pub(super) fn can_group(&self) -> bool {
        match self {
            Type::Json | Type::Other(_) => false,
            Type::Array(element) => element.can_group(),
            Type::Struct(fields) => fields.iter().all(|f| f.field_type.can_group()),
            _ => true,
        }
    }

    pub(super) fn can_order(&self) -> bool {
        !matches!(self, Type::Json | Type::Other(_) | Type::Array(_) | Type::Struct(_))
    }
}

/// Names that DuckDB's struct has for a STRUCT's fields: DuckDB knows neither unnamed nor equal names.
pub(super) fn duckdb_field_names(fields: &[StructField]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let taken = names.iter().any(|n| n.eq_ignore_ascii_case(&field.name));
        names.push(if field.name.is_empty() || taken { format!("_field_{}", i + 1) } else { field.name.clone() });
    }
    names
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("BOOL"),
            Type::Int64 => f.write_str("INT64"),
            Type::Float64 => f.write_str("FLOAT64"),
            Type::Numeric => f.write_str("NUMERIC"),
            Type::BigNumeric => f.write_str("BIGNUMERIC"),
            Type::String => f.write_str("STRING"),
            Type::Bytes => f.write_str("BYTES"),
            Type::Date => f.write_str("DATE"),
            Type::Time => f.write_str("TIME"),
            Type::Datetime => f.write_str("DATETIME"),
            Type::Timestamp => f.write_str("TIMESTAMP"),
            Type::Interval => f.write_str("INTERVAL"),
            Type::Json => f.write_str("JSON"),
            Type::Array(element) => write!(f, "ARRAY<{element}>"),
            Type::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    if !field.name.is_empty() {
                        write!(f, "{} ", field.name)?;
                    }
                    write!(f, "{}", field.field_type)?;
                }
                f.write_str(">")
            }
            Type::Other(name) => f.write_str(name),
        }
    }
}

/// A small reader of `ARRAY<STRUCT<a INT64, STRING>>`.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn word(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        if let Some(quoted) = self.rest.strip_prefix('`') {
            let end = quoted.find('`')?;
            let word = quoted[..end].to_string();
            self.rest = &quoted[end + 1..];
            return Some(word);
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let word = self.rest[..end].to_string();
        self.rest = &self.rest[end..];
        (!word.is_empty()).then_some(word)
    }

    fn eat(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn read(&mut self) -> Option<Type> {
        let word = self.word()?;
        self.after(&word)
    }

    fn after(&mut self, word: &str) -> Option<Type> {
        let found = match word.to_ascii_uppercase().as_str() {
            "ARRAY" => {
                if !self.eat('<') {
                    return None;
                }
                let element = self.read()?;
                return self.eat('>').then(|| Type::array(element));
            }
            "STRUCT" | "RECORD" => {
                if !self.eat('<') {
                    return None;
                }
                let mut fields = Vec::new();
                while !self.eat('>') {
                    let word = self.word()?;
                    self.rest = self.rest.trim_start();
                    let unnamed = self.rest.starts_with(['<', '>', ',', '(']);
                    let (name, field_type) =
                        if unnamed { (String::new(), self.after(&word)?) } else { (word, self.read()?) };
                    fields.push(StructField { name, field_type });
                    self.eat(',');
                }
                return Some(Type::Struct(fields));
            }
            "BOOL" | "BOOLEAN" => Type::Bool,
            "INT64" | "INTEGER" | "INT" | "SMALLINT" | "BIGINT" | "TINYINT" | "BYTEINT" => Type::Int64,
            "FLOAT64" | "FLOAT" | "DOUBLE" => Type::Float64,
            "NUMERIC" | "DECIMAL" => Type::Numeric,
            "BIGNUMERIC" | "BIGDECIMAL" => Type::BigNumeric,
            "STRING" => Type::String,
            "BYTES" => Type::Bytes,
            "DATE" => Type::Date,
            "TIME" => Type::Time,
            "DATETIME" => Type::Datetime,
            "TIMESTAMP" => Type::Timestamp,
            "INTERVAL" => Type::Interval,
            "JSON" => Type::Json,
            _ => return None,
        };
        if self.eat('(') {
            let end = self.rest.find(')')?;
            self.rest = &self.rest[end + 1..];
        }
        Some(found)
    }
}

/// What stands in parentheses behind a type: `STRING(10)`, `NUMERIC(10, 2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameters {
    Length(u64),
    /// Digits in all, and behind the point.
    Digits(u64, i64),
}

/// A type without its parameters, and these.
pub(super) fn without_parameters(data_type: &DataType) -> (DataType, Option<Parameters>) {
    let digits = |info: &ExactNumberInfo| match info {
        ExactNumberInfo::Precision(precision) => Some(Parameters::Digits(*precision, 0)),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => Some(Parameters::Digits(*precision, *scale)),
        ExactNumberInfo::None => None,
    };
    match data_type {
        DataType::String(Some(length)) => (DataType::String(None), Some(Parameters::Length(*length))),
        DataType::Bytes(Some(length)) => (DataType::Bytes(None), Some(Parameters::Length(*length))),
        DataType::Numeric(info) | DataType::Decimal(info) => (DataType::Numeric(ExactNumberInfo::None), digits(info)),
        DataType::BigNumeric(info) | DataType::BigDecimal(info) => {
            (DataType::BigNumeric(ExactNumberInfo::None), digits(info))
        }
        other => (other.clone(), None),
    }
}

/// A type as it stands in the user's statement.
pub(super) fn from_ast(data_type: &DataType, at: At) -> Result<Type> {
    let no = |what: &str| Err(unsupported(format!("the type {what}"), at));
    Ok(match data_type {
        DataType::Bool | DataType::Boolean => Type::Bool,
        DataType::Int64
        | DataType::BigInt(None)
        | DataType::Integer(None)
        | DataType::Int(None)
        | DataType::SmallInt(None)
        | DataType::TinyInt(None) => Type::Int64,
        DataType::Float64 | DataType::Float(ExactNumberInfo::None) => Type::Float64,
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => Type::Numeric,
        DataType::BigNumeric(ExactNumberInfo::None) | DataType::BigDecimal(ExactNumberInfo::None) => Type::BigNumeric,
        DataType::String(None) => Type::String,
        DataType::Bytes(None) => Type::Bytes,
        DataType::Date => Type::Date,
        DataType::Time(None, TimezoneInfo::None) => Type::Time,
        DataType::Datetime(None) => Type::Datetime,
        DataType::Timestamp(None, TimezoneInfo::None) => Type::Timestamp,
        DataType::Interval { fields: None, precision: None } => Type::Interval,
        DataType::JSON => Type::Json,
        DataType::Array(ArrayElemTypeDef::AngleBracket(element)) => Type::array(from_ast(element, at)?),
        DataType::Struct(fields, _) => {
            let mut all = Vec::with_capacity(fields.len());
            for field in fields {
                all.push(StructField {
                    name: field.field_name.as_ref().map(|n| n.value.clone()).unwrap_or_default(),
                    field_type: from_ast(&field.field_type, at)?,
                });
            }
            Type::Struct(all)
        }
        DataType::Custom(name, modifiers) if modifiers.is_empty() => {
            match name.to_string().to_ascii_uppercase().as_str() {
                "BYTEINT" => Type::Int64,
                other => return no(other),
            }
        }
        other => return no(&other.to_string()),
    })
}

/// Whether a value of one type may stand where another is wanted, without a cast and without loss of meaning.
pub(super) fn coerces(from: &Type, to: &Type) -> bool {
    match (from, to) {
        _ if from == to => true,
        (Type::Int64, Type::Numeric | Type::BigNumeric | Type::Float64)
        | (Type::Numeric, Type::BigNumeric | Type::Float64)
        | (Type::BigNumeric, Type::Float64) => true,
        (Type::Date, Type::Datetime | Type::Timestamp) | (Type::Datetime, Type::Timestamp) => true,
        (Type::Struct(from), Type::Struct(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(f, t)| coerces(&f.field_type, &t.field_type))
        }
        (Type::Array(from), Type::Array(to)) => match (from.as_ref(), to.as_ref()) {
            (Type::Struct(_), Type::Struct(_)) => coerces(from, to),
            (from, to) => from == to,
        },
        _ => false,
    }
}

/// The narrowest type both become.
pub(super) fn supertype(a: &Type, b: &Type) -> Option<Type> {
    if let (Type::Struct(left), Type::Struct(right)) = (a, b) {
        if left.len() != right.len() {
            return None;
        }
        let mut fields = Vec::with_capacity(left.len());
        for (l, r) in left.iter().zip(right) {
            let field_type = supertype(&l.field_type, &r.field_type)?;
            fields.push(StructField { name: l.name.clone(), field_type });
        }
        return Some(Type::Struct(fields));
    }
    if coerces(a, b) {
        Some(b.clone())
    } else if coerces(b, a) {
        Some(a.clone())
    } else {
        None
    }
}

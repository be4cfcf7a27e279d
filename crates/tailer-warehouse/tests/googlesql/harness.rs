//! Runs GoogleSQL on a DuckDB of its own: a database in memory, one dataset, the translator, and values as JSON in the form of
//! the conformance cases.

use std::{cell::RefCell, collections::HashMap};

use duckdb::{Connection, types::Value};
use serde_json::{Value as Json, json};
use tailer_model::operation::ddl::{Field, Mode};
use tailer_warehouse::{
    Column, TableName, WarehouseError,
    googlesql::{
        Catalog, FunctionAction, Scope, StatementKind, UserFunction, install, set_time_zone, split, translate,
    },
};

pub(crate) struct Warehouse {
    connection: Connection,
    tables: RefCell<HashMap<TableName, Vec<Column>>>,
    /// By dataset, if any, and name.
    functions: RefCell<HashMap<(Option<TableName>, String), UserFunction>>,
}

impl Catalog for Warehouse {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        self.tables.borrow().get(table).cloned()
    }

    fn tables(&self, project: &str, dataset: &str) -> Vec<String> {
        let tables = self.tables.borrow();
        tables.keys().filter(|t| t.project == project && t.dataset == dataset).map(|t| t.table.clone()).collect()
    }

    fn temporary_function(&self, name: &str) -> Option<UserFunction> {
        self.functions.borrow().get(&(None, name.to_lowercase())).cloned()
    }

    fn function(&self, name: &TableName) -> Option<UserFunction> {
        self.functions.borrow().get(&(Some(name.clone()), name.table.to_lowercase())).cloned()
    }
}

/// The last statement's columns and rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Json>>,
    pub(crate) sql: String,
}

#[derive(Debug)]
pub(crate) enum Failure {
    Refused(WarehouseError),
    Engine { message: String, sql: String },
}

pub(crate) const SCOPE: Scope<'static> = Scope { project: "p-1", dataset: Some("d") };

impl Warehouse {
    pub(crate) fn new() -> Warehouse {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("SET TimeZone = 'UTC'; ATTACH ':memory:' AS \"p-1\"; CREATE SCHEMA \"p-1\".d")
            .unwrap();
        install(&connection).unwrap();
        Warehouse { connection, tables: RefCell::default(), functions: RefCell::default() }
    }

    pub(crate) fn set_time_zone(&self, zone: &str) {
        self.connection.execute_batch(&set_time_zone(zone)).unwrap();
    }

    /// Runs a script.
    pub(crate) fn run(&self, script: &str) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        for statement in split(script).map_err(Failure::Refused)? {
            let translated = translate(&statement, SCOPE, self).map_err(Failure::Refused)?;
            let sql = translated.sql.clone();
            let failed = |e: duckdb::Error| Failure::Engine { message: e.to_string(), sql: sql.clone() };
            if translated.kind != StatementKind::Query {
                self.connection.execute_batch(&translated.sql).map_err(failed)?;
                if let Some(change) = &translated.function
                    && let FunctionAction::Create { function, .. } = &change.action
                {
                    let key = (change.home.clone(), change.name.to_lowercase());
                    self.functions.borrow_mut().insert(key, function.clone());
                }
                self.note(&translated);
                continue;
            }
            let columns = translated.columns.clone().unwrap_or_default();
            let rows = self.rows(&translated.sql, &columns).map_err(failed)?;
            answer = Answer { columns, rows, sql: translated.sql };
        }
        Ok(answer)
    }

    fn note(&self, translated: &tailer_warehouse::googlesql::Translated) {
        let Some(table) = &translated.writes else { return };
        let mut tables = self.tables.borrow_mut();
        if translated.sql.starts_with("DROP") {
            tables.remove(table);
        } else if let Some(columns) = &translated.columns {
            tables.insert(table.clone(), columns.clone());
        } else if let Some(definition) = &translated.definition {
            let columns = definition.schema.iter().map(|f| Column { name: f.name.clone(), column_type: field_type(f) });
            tables.insert(table.clone(), columns.collect());
        }
    }

    fn rows(&self, sql: &str, columns: &[Column]) -> Result<Vec<Vec<Json>>, duckdb::Error> {
        let mut statement = self.connection.prepare(sql)?;
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let mut cells = Vec::new();
            for (i, column) in columns.iter().enumerate() {
                cells.push(json_of(&row.get::<_, Value>(i)?, &column.column_type));
            }
            rows.push(cells);
        }
        Ok(rows)
    }
}

fn field_type(field: &Field) -> String {
    let mut text = field.field_type.to_string();
    if !field.fields.is_empty() {
        let inner: Vec<String> = field.fields.iter().map(|f| format!("{} {}", f.name, field_type(f))).collect();
        text = format!("STRUCT<{}>", inner.join(", "));
    }
    if field.mode == Mode::Repeated { format!("ARRAY<{text}>") } else { text }
}

/// A value as the conformance cases write it.
fn json_of(value: &Value, ty: &str) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(b) => json!(b),
        Value::TinyInt(n) => json!(n),
        Value::SmallInt(n) => json!(n),
        Value::Int(n) => json!(n),
        Value::BigInt(n) if n.unsigned_abs() >= 1 << 53 => json!(n.to_string()),
        Value::BigInt(n) => json!(n),
        Value::HugeInt(n) => json!(format!("HUGEINT {n}")),
        Value::Double(d) if d.is_nan() => json!("NaN"),
        Value::Double(d) if d.is_infinite() => json!(if *d > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Double(d) => json!(d),
        Value::Decimal(d) => json!(d.to_string()),
        Value::Text(t) => json!(t),
        Value::Blob(b) if ty == "BIGNUMERIC" => json!(bignumeric(b)),
        Value::Blob(b) => json!(base64(b)),
        Value::Date32(days) => json!(date(i64::from(*days))),
        Value::Time64(unit, n) => json!(clock(unit.to_micros(*n))),
        Value::Timestamp(unit, n) => {
            let micros = unit.to_micros(*n);
            let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
            let (separator, zone) = if ty == "TIMESTAMP" { (" ", "+00") } else { ("T", "") };
            json!(format!("{}{separator}{}{zone}", date(days), clock(rest)))
        }
        Value::List(items) | Value::Array(items) => {
            let inner = ty.strip_prefix("ARRAY<").and_then(|t| t.strip_suffix('>')).unwrap_or_default();
            Json::Array(items.iter().map(|v| json_of(v, inner)).collect())
        }
        Value::Struct(fields) => {
            let types = struct_types(ty);
            let values = fields.iter().zip(types).map(|((_, v), ty)| json_of(v, &ty));
            Json::Array(values.collect())
        }
        Value::Interval { months, days, nanos } => {
            let sign = |negative: bool| if negative { "-" } else { "" };
            let (m, micros) = (months.unsigned_abs(), nanos.unsigned_abs() / 1000);
            let seconds = micros / 1_000_000;
            let fraction = match micros % 1_000_000 {
                0 => String::new(),
                n => format!(".{n:06}"),
            };
            json!(format!(
                "{}{}-{} {days} {}{}:{}:{}{fraction}",
                sign(*months < 0),
                m / 12,
                m % 12,
                sign(*nanos < 0),
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            ))
        }
        other => json!(format!("{other:?}")),
    }
}

/// DuckDB's BIGNUM: three bytes of sign and length, then the magnitude; all inverted when negative.
fn bignumeric(bytes: &[u8]) -> String {
    let negative = bytes[0] & 0x80 == 0;
    let digits: Vec<u8> = bytes[3..].iter().map(|b| if negative { !b } else { *b }).collect();
    let units = digits.iter().fold(num_bigint::BigUint::ZERO, |n, b| (n << 8) + *b).to_string();
    let padded = format!("{units:0>39}");
    let (whole, fraction) = padded.split_at(padded.len() - 38);
    let text = format!("{whole}.{fraction}");
    let sign = if negative { "-" } else { "" };
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Types of a STRUCT's fields.
fn struct_types(ty: &str) -> Vec<String> {
    let inner = ty.strip_prefix("STRUCT<").and_then(|t| t.strip_suffix('>')).unwrap_or_default();
    let (mut depth, mut start, mut fields) = (0, 0, Vec::new());
    for (i, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                fields.push(&inner[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    fields.push(&inner[start..]);
    let named = |f: &str| {
        let f = f.trim();
        let space = f.find(' ').filter(|s| !f[..*s].contains('<'));
        space.map_or(f, |s| &f[s + 1..]).to_string()
    };
    fields.into_iter().map(named).collect()
}

fn date(days: i64) -> String {
    let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn clock(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 {
        return whole;
    }
    let digits = format!("{fraction:06}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

//! Rust types as columns, both ways: [`Column`] reads them from a row, `From` makes [`Value`]s of them. The one place that
//! knows how an instant, a day, a flag, JSON or an identifier is kept.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use tailer_model::{
    AccountId, AuditAction, ConfigurationType, Criticality, Environment, ExecutionDate, JobId, RunId, RunStatus,
    SubStatus, TaskId, TaskStatus, TriggerType, Via, freshness::Arrivals, monitoring::Channel,
};

use crate::{
    StoreError,
    configurations::ConfigurationKey,
    tx::{Field, Value},
};

/// A type that a column can be read as.
pub trait Column: Sized {
    /// # Errors
    /// [`StoreError::Corrupt`] when the field holds something else.
    fn from_field(field: Field<'_>) -> Result<Self, StoreError>;
}

fn unexpected<T>(wanted: &str, field: Field<'_>) -> Result<T, StoreError> {
    let found = match field {
        Field::Null => "NULL".to_owned(),
        Field::Integer(n) => n.to_string(),
        Field::Text(text) => format!("{text:?}"),
        Field::Bytes(bytes) => format!("{} bytes", bytes.len()),
    };
    Err(StoreError::Corrupt(format!("expected {wanted}, found {found}")))
}

fn integer<T: TryFrom<i64>>(field: Field<'_>) -> Result<T, StoreError> {
    match field {
        Field::Integer(n) => T::try_from(n).or_else(|_| unexpected("a number within bounds", field)),
        _ => unexpected("a number", field),
    }
}

fn text(field: Field<'_>) -> Result<&str, StoreError> {
    match field {
        Field::Text(text) => Ok(text),
        _ => unexpected("text", field),
    }
}

fn parsed<T: FromStr>(field: Field<'_>) -> Result<T, StoreError>
where
    T::Err: Display,
{
    let text = text(field)?;
    text.parse().map_err(|e: T::Err| StoreError::Corrupt(format!("{text:?}: {e}")))
}

impl<T: Column> Column for Option<T> {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        match field {
            Field::Null => Ok(None),
            _ => T::from_field(field).map(Some),
        }
    }
}

impl Column for i64 {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        integer(field)
    }
}

impl Column for u64 {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        integer(field)
    }
}

impl Column for u32 {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        integer(field)
    }
}

impl Column for bool {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        match field {
            Field::Integer(0) => Ok(false),
            Field::Integer(1) => Ok(true),
            _ => unexpected("0 or 1", field),
        }
    }
}

impl Column for String {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        text(field).map(str::to_owned)
    }
}

impl Column for Vec<u8> {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        match field {
            Field::Bytes(bytes) => Ok(bytes.to_vec()),
            _ => unexpected("bytes", field),
        }
    }
}

impl Column for Timestamp {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        let micros = integer(field)?;
        Self::from_microsecond(micros).map_err(|e| StoreError::Corrupt(format!("instant {micros}: {e}")))
    }
}

impl Column for ExecutionDate {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        parsed(field)
    }
}

impl Column for serde_json::Value {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        serde_json::from_str(text(field)?).map_err(|e| StoreError::Corrupt(format!("JSON: {e}")))
    }
}

impl Column for ConfigurationKey {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        integer(field).map(Self)
    }
}

impl Column for JobId {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        String::from_field(field).map(Self)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Integer(at.as_microsecond())
    }
}

impl From<ExecutionDate> for Value<'_> {
    fn from(date: ExecutionDate) -> Self {
        Self::Text(date.to_string().into())
    }
}

impl From<&serde_json::Value> for Value<'_> {
    fn from(json: &serde_json::Value) -> Self {
        Self::Text(json.to_string().into())
    }
}

impl From<ConfigurationKey> for Value<'_> {
    fn from(key: ConfigurationKey) -> Self {
        Self::Integer(key.0)
    }
}

impl From<i64> for Value<'_> {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}

impl From<u32> for Value<'_> {
    fn from(n: u32) -> Self {
        Self::Integer(n.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.as_str().into())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<'a> From<&'a JobId> for Value<'a> {
    fn from(id: &'a JobId) -> Self {
        Self::Text(id.0.as_str().into())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Identifiers: text that parses back into the type.
macro_rules! identifiers {
    ($($t:ty),+) => { $(
        impl Column for $t {
            fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
                parsed(field)
            }
        }
        impl<'a> From<&'a $t> for Value<'a> {
            fn from(id: &'a $t) -> Self {
                Self::Text(id.as_str().into())
            }
        }
    )+ };
}
identifiers!(AccountId, RunId, TaskId);

impl Column for Arrivals {
    fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
        parsed(field)
    }
}

impl From<&Arrivals> for Value<'_> {
    fn from(arrivals: &Arrivals) -> Self {
        Self::Text(arrivals.to_string().into())
    }
}

/// Enums: the API's spelling.
macro_rules! enums {
    ($($t:ty),+) => { $(
        impl Column for $t {
            fn from_field(field: Field<'_>) -> Result<Self, StoreError> {
                parsed(field)
            }
        }
        impl From<$t> for Value<'_> {
            fn from(value: $t) -> Self {
                Self::Text(value.as_str().into())
            }
        }
    )+ };
}
enums!(
    AuditAction,
    Environment,
    ConfigurationType,
    Criticality,
    RunStatus,
    SubStatus,
    TaskStatus,
    TriggerType,
    Via,
    Channel
);

/// A list of identifiers in one column: a JSON array of strings.
pub(crate) fn list_to_json<T: Display>(items: &[T]) -> String {
    serde_json::Value::from_iter(items.iter().map(ToString::to_string)).to_string()
}

/// Reads what [`list_to_json`] wrote.
pub(crate) fn list_from_json<T: FromStr>(json: &str) -> Result<Vec<T>, StoreError>
where
    T::Err: Display,
{
    let texts: Vec<String> =
        serde_json::from_str(json).map_err(|e| StoreError::Corrupt(format!("list {json:?}: {e}")))?;
    texts.iter().map(|text| text.parse().map_err(|e: T::Err| StoreError::Corrupt(format!("{text:?}: {e}")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Column + std::fmt::Debug + PartialEq>(field: Field<'_>, expect: Result<T, &str>) {
        let expect = expect.map_err(|e| StoreError::Corrupt(e.into()));
        assert_eq!(T::from_field(field), expect, "{field:?}");
    }

    #[test]
    fn a_field_of_another_kind_is_named_not_guessed() {
        check(Field::Integer(7), Ok(7u32));
        check::<u32>(Field::Integer(-1), Err("expected a number within bounds, found -1"));
        check::<i64>(Field::Text("7"), Err("expected a number, found \"7\""));
        check::<bool>(Field::Integer(2), Err("expected 0 or 1, found 2"));
        check::<String>(Field::Null, Err("expected text, found NULL"));
        check::<Vec<u8>>(Field::Text("x"), Err("expected bytes, found \"x\""));
        check(Field::Null, Ok(None::<i64>));
        check::<Option<i64>>(Field::Bytes(b"ab"), Err("expected a number, found 2 bytes"));
        check::<AccountId>(Field::Text("1"), Err("\"1\": expected six digits in a string, such as \"000110\""));
    }

    #[test]
    fn instants_keep_their_microseconds_and_lose_the_rest() {
        let at: Timestamp = "2020-12-30T11:28:43.861340999Z".parse().unwrap();
        let Value::Integer(micros) = Value::from(at) else { panic!("an instant is a number") };
        check(Field::Integer(micros), Ok("2020-12-30T11:28:43.861340Z".parse::<Timestamp>().unwrap()));
        assert!(Timestamp::from_field(Field::Integer(i64::MAX)).is_err());
    }

    #[test]
    fn lists_come_back() {
        let ids: Vec<TaskId> = ["load", "sum"].map(|id| id.parse().unwrap()).into();
        assert_eq!(list_from_json::<TaskId>(&list_to_json(&ids)), Ok(ids));
        assert!(list_from_json::<TaskId>(r#"["_"]"#).is_err());
    }
}

//! The types that fields of requests have, each with the words for what it expects and its OpenAPI schema.

mod audit;
mod files;
mod freshness;
mod notes;
mod parameters;
mod run_target;

use std::{borrow::Cow, str::FromStr};

use serde_json::value::RawValue;
use tailer_engine::ConfigurationRef;
use tailer_model::{AccountId, ConfigurationType, Environment, ExecutionDate, RunId, RunStatus, TaskId};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, Type};

use crate::{
    fields::{Field, FieldDoc, Fields, Mistake, Slot},
    json::kind_of,
};

pub(crate) use files::Files;
pub(crate) use notes::{NoteId, NoteTarget, NoteText, is_table};
pub(crate) use parameters::Parameters;
pub(crate) use run_target::RunTarget;

/// The four fields that address a configuration, read together (`spec/api.md`, Identity).
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) configuration: ConfigurationRef,
    /// `configuration_type` as the caller wrote it, to be echoed.
    pub(crate) spelled: String,
}

impl Slot for Target {
    fn take(fields: &mut Fields<'_>, _: &'static str) -> Option<Self> {
        let account = fields.required("account");
        let environment = fields.required("environment");
        let kind = fields.required::<Kind>("configuration_type");
        let id = fields.required::<Name>("configuration_id");
        let (account, environment, kind, id) = (account?, environment?, kind?, id?);
        let configuration =
            ConfigurationRef { account, environment, configuration_type: kind.kind, configuration_id: id.0 };
        Some(Self { configuration, spelled: kind.spelled })
    }
    fn describe(_: &'static str, _: &'static str, into: &mut Vec<FieldDoc>) {
        <AccountId as Slot>::describe("account", "Account of the data operation.", into);
        <Environment as Slot>::describe("environment", "Environment it is deployed to.", into);
        <Kind as Slot>::describe("configuration_type", "Kind of data operation.", into);
        <Name as Slot>::describe("configuration_id", "Id, with or without the environment as suffix.", into);
    }
}

/// A configuration type with the spelling that the caller used.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) kind: ConfigurationType,
    pub(crate) spelled: String,
}

/// An id or another short text: not empty, no control characters.
#[derive(Debug, Clone)]
pub(crate) struct Name(pub(crate) String);

/// 1 to 1000.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) u32);

/// A version of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) u32);

/// 0 to 60 seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitSeconds(pub(crate) u8);

/// Where an earlier answer ended.
#[derive(Debug, Clone)]
pub(crate) struct Cursor(pub(crate) String);

/// The JSON text of an object, as written.
#[derive(Debug, Clone)]
pub(crate) struct ObjectText(pub(crate) String);

/// Task ids, at least one.
#[derive(Debug, Clone)]
pub(crate) struct Tasks(pub(crate) Vec<TaskId>);

const LONGEST_NAME: usize = 1_000;

fn string(raw: &RawValue) -> Result<Cow<'_, str>, Mistake> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(raw.get()).map(|text| text.0).map_err(|_| Mistake::Value)
}

fn parsed<T: FromStr>(raw: &RawValue) -> Result<T, Mistake> {
    string(raw)?.parse().map_err(|_| Mistake::Value)
}

fn integer(raw: &RawValue, least: u32, most: u32) -> Result<u32, Mistake> {
    raw.get().parse().ok().filter(|n| (least..=most).contains(n)).ok_or(Mistake::Value)
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of(values: impl IntoIterator<Item = &'static str>) -> Schema {
    text().enum_values(Some(values)).into()
}

impl Field for AccountId {
    const EXPECTED: &'static str = "six digits in a string, such as \"000110\"";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        text().pattern(Some("^[0-9]{6}$")).into()
    }
}

impl Field for Environment {
    const EXPECTED: &'static str = "one of PROD, PREPROD, STAGING, DEV";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        one_of(Self::ALL.map(Self::as_str))
    }
}

impl Field for Kind {
    const EXPECTED: &'static str = "one of table-to-table (or gbq-to-gbq), table-to-storage, storage-to-storage, \
                                    storage-to-tables (or storage-to-table), workflow, context, vm-launcher";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        Ok(Self { kind: parsed(raw)?, spelled: string(raw)?.into_owned() })
    }
    fn schema() -> Schema {
        one_of(
            ConfigurationType::ALL
                .map(ConfigurationType::as_str)
                .into_iter()
                .chain(["table-to-table", "storage-to-table"]),
        )
    }
}

impl Field for Name {
    const EXPECTED: &'static str = "a string that is not empty, has at most 1000 characters and no control characters";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        let text = string(raw)?;
        let fine = !text.trim().is_empty() && text.chars().count() <= LONGEST_NAME && !text.contains(char::is_control);
        fine.then(|| Self(text.into_owned())).ok_or(Mistake::Value)
    }
    fn schema() -> Schema {
        text().min_length(Some(1)).max_length(Some(LONGEST_NAME)).into()
    }
}

impl Field for RunId {
    const EXPECTED: &'static str = "a run id such as \"20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29\"";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        text().pattern(Some("^[0-9]{8}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")).into()
    }
}

impl Field for TaskId {
    const EXPECTED: &'static str = "a task id: letters, digits and underscores, starting with a letter";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        text().into()
    }
}

impl Field for Tasks {
    const EXPECTED: &'static str = "an array of task ids with at least one";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| Mistake::Value)?;
        if items.is_empty() {
            return Err(Mistake::Value);
        }
        let mut wrong = Vec::new();
        let mut tasks = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            match TaskId::read(item) {
                Ok(task) => tasks.push(task),
                Err(_) => wrong.push((format!("[{index}]"), TaskId::EXPECTED.to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self(tasks)) } else { Err(Mistake::Below(wrong)) }
    }
    fn schema() -> Schema {
        ArrayBuilder::new().items(text()).min_items(Some(1)).into()
    }
}

impl Field for RunStatus {
    const EXPECTED: &'static str = "one of RUNNING, SUCCESS, FAILED, NO_MATCH, CHECKED";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        one_of(Self::ALL.iter().map(|status| status.as_str()))
    }
}

impl Field for ExecutionDate {
    const EXPECTED: &'static str = "a date as YYYY-MM-DD, YYYY/MM/DD or RFC 3339";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        parsed(raw)
    }
    fn schema() -> Schema {
        text().examples(["2020-11-09"]).into()
    }
}

impl Field for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        raw.get().parse().map_err(|_| Mistake::Value)
    }
    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

impl Field for Limit {
    const EXPECTED: &'static str = "an integer from 1 to 1000";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        integer(raw, 1, 1000).map(Self)
    }
    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(1000))
            .default(Some(10.into()))
            .into()
    }
}

impl Field for Version {
    const EXPECTED: &'static str = "an integer above zero";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        integer(raw, 1, u32::MAX).map(Self)
    }
    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).into()
    }
}

impl Field for WaitSeconds {
    const EXPECTED: &'static str = "an integer from 0 to 60";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        integer(raw, 0, 60).map(|n| Self(u8::try_from(n).unwrap_or(60)))
    }
    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(60)).into()
    }
}

impl Field for Cursor {
    const EXPECTED: &'static str = "the `after` of an earlier answer";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        match kind_of(raw.get()) {
            "a number" => integer(raw, 0, u32::MAX).map(|n| Self(n.to_string())),
            _ => Name::read(raw).map(|name| Self(name.0)),
        }
    }
    fn schema() -> Schema {
        text().into()
    }
}

impl Field for ObjectText {
    const EXPECTED: &'static str = "a JSON object";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        if kind_of(raw.get()) == "an object" { Ok(Self(raw.get().to_owned())) } else { Err(Mistake::Value) }
    }
    fn schema() -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Field>(json: &str) -> Result<T, Mistake> {
        T::read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn integers_keep_to_their_range() {
        for (json, expect) in [
            ("1", Some(1)),
            ("1000", Some(1000)),
            ("0", None),
            ("1001", None),
            ("-1", None),
            ("1.5", None),
            ("\"5\"", None),
            ("1e2", None),
        ] {
            assert_eq!(read::<Limit>(json).ok().map(|l| l.0), expect, "{json}");
        }
    }

    #[test]
    fn names_have_no_control_characters() {
        for (json, fine) in [
            ("\"x|y Z\"", true),
            ("\"\"", false),
            ("\"  \"", false),
            ("\"a\\u0000b\"", false),
            ("\"\\ud800\"", false),
            ("7", false),
        ] {
            assert_eq!(read::<Name>(json).is_ok(), fine, "{json}");
        }
    }
}

//! What notes are about, and what they say.

use serde_json::value::RawValue;
use tailer_engine::{LONGEST_NOTE, NoteSubject};
use tailer_model::{AccountId, Environment, RunId};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::{Kind, Name, Target, string, text};
use crate::fields::{Field, FieldDoc, Fields, Mistake, Slot};

/// What a note is about: the run when there is a `run_id`, the table when there is a `table`, otherwise the operation.
#[derive(Debug, Clone)]
pub(crate) struct NoteTarget(pub(crate) NoteSubject);

/// `project.dataset.table`
#[derive(Debug, Clone)]
pub(crate) struct TableName(pub(crate) String);

/// The number of a note.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoteId(pub(crate) i64);

/// Any text; the engine says what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct NoteText(pub(crate) String);

impl Slot for NoteTarget {
    fn take(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        let subject = if fields.raw("run_id").is_some() {
            let (account, run) = (fields.required::<AccountId>("account"), fields.required::<RunId>("run_id"));
            NoteSubject::Run(account?, run?)
        } else if fields.raw("table").is_some() {
            let (account, table) = (fields.required::<AccountId>("account"), fields.required::<TableName>("table"));
            NoteSubject::Table(account?, table?.0)
        } else {
            NoteSubject::Operation(Target::take(fields, name)?.configuration)
        };
        Some(Self(subject))
    }

    fn describe(_: &'static str, _: &'static str, into: &mut Vec<FieldDoc>) {
        <AccountId as Slot>::describe("account", "Account of what the note is about.", into);
        <Option<RunId> as Slot>::describe("run_id", "About this run.", into);
        <Option<TableName> as Slot>::describe("table", "About this table, without `run_id`.", into);
        let operation = "About this operation, without `run_id` and `table`: all three are needed then.";
        <Option<Environment> as Slot>::describe("environment", operation, into);
        <Option<Kind> as Slot>::describe("configuration_type", operation, into);
        <Option<Name> as Slot>::describe("configuration_id", operation, into);
    }
}

/// Whether a text is `project.dataset.table`. A project's id may have dots of its own.
pub(crate) fn is_table(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '.');
    let fine = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "-_:.*".contains(c));
    name.len() <= 2_000 && parts.clone().count() == 3 && parts.all(fine)
}

impl Field for TableName {
    const EXPECTED: &'static str = "a table as \"project.dataset.table\"";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        let Name(name) = Name::read(raw)?;
        if is_table(&name) { Ok(Self(name)) } else { Err(Mistake::Value) }
    }
    fn schema() -> Schema {
        text().examples(["retail-demo.core.sales"]).into()
    }
}

impl Field for NoteId {
    const EXPECTED: &'static str = "the number of a note";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        raw.get().parse().ok().filter(|number| *number > 0).map(Self).ok_or(Mistake::Value)
    }
    fn schema() -> Schema {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).into()
    }
}

impl Field for NoteText {
    const EXPECTED: &'static str = "a text";
    fn read(raw: &RawValue) -> Result<Self, Mistake> {
        string(raw).map(|text| Self(text.into_owned()))
    }
    fn schema() -> Schema {
        text().min_length(Some(1)).max_length(Some(LONGEST_NOTE)).examples(["The partner sends *twice* today."]).into()
    }
}

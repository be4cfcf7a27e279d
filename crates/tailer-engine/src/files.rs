//! Files that arrive: which operation takes them, as which job, exactly once (`spec/semantics.md`, File arrival).
//!
//! The ledger row and the run it makes are one transaction: a file version is taken by a configuration once, however many
//! servers see it and however often.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tailer_model::{
    Configuration, ExecutionDate, RunStatus, SubStatus,
    operation::{
        Definition, storage_to_storage::EmptyFilePolicy, storage_to_storage::StorageAddress, storage_to_tables::DdlMode,
    },
    template::{self, Captures, FilenameTemplate},
};
use tailer_storage::{ObjectMeta, ObjectPath, PathError};
use tailer_store::{
    ConfigurationKey, Tx, configurations, files,
    runs::{self, NewRun},
};

use crate::{EngineError, alerts, engine::Inner, freshness, workflows};

/// The file that a run works on: what its `input` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileInput {
    /// Path inside the source storage.
    pub(crate) path: String,
    /// Address as people write it.
    pub(crate) location: String,
    pub(crate) version: String,
    pub(crate) size: u64,
    /// The filename template that it matched.
    pub(crate) template: String,
    pub(crate) date: Option<jiff::civil::Date>,
    pub(crate) table_name: Option<String>,
}

impl FileInput {
    /// `captures`: what the file's name told.
    pub(crate) fn new(
        file: &ObjectMeta,
        location: &str,
        template: Option<&FilenameTemplate>,
        captures: Captures,
    ) -> Self {
        Self {
            path: file.path.to_string(),
            location: location.to_owned(),
            version: file.version.clone(),
            size: file.size,
            template: template.map(|template| template.as_str().to_owned()).unwrap_or_default(),
            date: captures.date,
            table_name: captures.table_name,
        }
    }
}

/// The folder that a configuration watches.
pub(crate) fn source_of(configuration: &Configuration) -> Option<&StorageAddress> {
    match &configuration.definition {
        Definition::StorageToStorage(c) => Some(&c.source),
        Definition::StorageToTables(c) => Some(&c.source),
        _ => None,
    }
}

/// The folder that handled files are kept in.
pub(crate) fn archive_of(configuration: &Configuration) -> Option<&str> {
    match &configuration.definition {
        Definition::StorageToStorage(c) => c.archive_prefix.as_deref(),
        Definition::StorageToTables(c) => c.archive_prefix.as_deref(),
        _ => None,
    }
}

/// `<archive_prefix>/<YYYYMMDD from the name, or ALL>/<name>`.
///
/// # Errors
/// The path is longer than storages take.
pub(crate) fn archive_path(
    archive_prefix: &str,
    date: Option<jiff::civil::Date>,
    name: &str,
) -> Result<ObjectPath, PathError> {
    let day = date.map_or_else(|| "ALL".to_owned(), |date| template::render("{{FD_DATE}}", date, None, None));
    ObjectPath::parse(&format!("{}/{day}/{name}", archive_prefix.trim_matches('/')))
}

/// The first template, in file order, that a name matches.
pub(crate) fn matching<'a>(configuration: &'a Configuration, name: &str) -> Option<(&'a FilenameTemplate, Captures)> {
    let captures = |template: &'a FilenameTemplate| Some((template, template.matches(name)?));
    match &configuration.definition {
        Definition::StorageToStorage(c) => {
            if c.source_filename.as_ref().is_some_and(|only| only.matches(name).is_none()) {
                return None;
            }
            c.filename_templates.iter().map(|t| &t.template).find_map(captures)
        }
        Definition::StorageToTables(c) => c.tables.iter().map(|t| &t.template).find_map(captures),
        _ => None,
    }
}

/// Whether a name is no file to handle but belongs to one: a DDL file beside its data file.
pub(crate) fn is_companion(configuration: &Configuration, name: &str) -> bool {
    let Definition::StorageToTables(c) = &configuration.definition else { return false };
    let Some(data) = name.strip_suffix(".ddl.json") else { return false };
    c.tables.iter().any(|t| t.ddl == DdlMode::FileTemplate && t.template.matches(data).is_some())
}

/// Whether a file in the watched folder is one that a run is made of.
pub(crate) fn is_of_interest(configuration: &Configuration, file: &ObjectMeta) -> bool {
    let name = file.path.name();
    let left = match &configuration.definition {
        Definition::StorageToStorage(c) => file.size == 0 && c.empty_file_policy == EmptyFilePolicy::None,
        _ => false,
    };
    let left = left && matching(configuration, name).is_some();
    !left && !is_companion(configuration, name)
}

/// What becomes of an arrived file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    Run,
    /// Left where it is, without a trace.
    Leave,
    /// A run that is over at once.
    End(RunStatus, SubStatus, Option<String>),
}

fn decide(configuration: &Configuration, file: &ObjectMeta, matched: bool) -> Decision {
    if !matched {
        return Decision::End(RunStatus::NoMatch, SubStatus::NoMatch, None);
    }
    let Definition::StorageToStorage(c) = &configuration.definition else { return Decision::Run };
    if file.size > 0 {
        return Decision::Run;
    }
    match c.empty_file_policy {
        EmptyFilePolicy::None => Decision::Leave,
        EmptyFilePolicy::Process => Decision::Run,
        EmptyFilePolicy::TriggerFailedStatus => Decision::End(
            RunStatus::Failed,
            SubStatus::Failed,
            Some("the file is empty (empty_file_policy is TRIGGER_FAILED_STATUS)".into()),
        ),
        EmptyFilePolicy::TriggerSuccessStatus => Decision::End(RunStatus::Success, SubStatus::Success, None),
    }
}

/// Takes a file for a configuration, if nobody did. Answers whether a run now waits to be dispatched.
///
/// # Errors
/// What the store says.
pub(crate) fn take(
    inner: &Inner,
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    file: &ObjectMeta,
    location: &str,
    at: Timestamp,
) -> Result<bool, EngineError> {
    let Some(row) = configurations::get(tx, key)? else { return Ok(false) };
    if !row.activated || row.archived || files::seen(tx, key, location, &file.version)?.is_some() {
        return Ok(false);
    }
    let loaded = inner.cache.load(tx, key, row.version)?;
    let matched = matching(&loaded.configuration, file.path.name());
    let decision = decide(&loaded.configuration, file, matched.is_some());
    if decision == Decision::Leave {
        return Ok(false);
    }
    let run_id = inner.new_run_id();
    let (template, captures) = matched.map_or_else(Default::default, |(template, captures)| (Some(template), captures));
    let input = FileInput::new(file, location, template, captures);
    let run = NewRun {
        run_id: run_id.clone(),
        configuration: key,
        version: row.version,
        job_id: row.identity.job_id(template.map(FilenameTemplate::as_str)),
        execution_date: ExecutionDate::of(at),
        trigger: json!({"type": "file", "by": null, "run_ids": [], "file": location}),
        parameters: json!({}),
        tasks: None,
        at,
        input: serde_json::to_value(&input).unwrap_or(Value::Null),
    };
    match decision {
        Decision::End(status, sub_status, error) => {
            runs::create_ended(tx, &run, status, sub_status, error)?;
            files::take(tx, key, location, &file.version, &run_id, at)?;
            if status != RunStatus::NoMatch {
                freshness::began(tx, &row, &run_id, at)?;
            }
            if let Some(run) = runs::get(tx, &run_id)? {
                alerts::note(inner, tx, &run, status, at)?;
                if status == RunStatus::Success {
                    workflows::collect(inner, tx, &run, at)?;
                }
            }
            Ok(status == RunStatus::Success)
        }
        Decision::Run | Decision::Leave => {
            runs::create(tx, &run)?;
            freshness::began(tx, &row, &run_id, at)?;
            Ok(files::take(tx, key, location, &file.version, &run_id, at)?)
        }
    }
}

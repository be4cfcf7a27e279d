//! A person has one file handled again, or at once: a launch of an operation that files start, naming the file.
//!
//! The file lies in the watched folder, or in the archive, where it then stays. A file that a run works on already is not
//! launched beside it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::{ConfigurationType, ExecutionDate, RunId};
use tailer_storage::{ObjectMeta, ObjectPath, Storage};
use tailer_store::{
    Durability, Tx,
    configurations::ConfigurationRow,
    files,
    runs::{self, NewRun},
};

use crate::{
    Engine, EngineError, LaunchRequest,
    audit::record,
    cache::Loaded,
    configurations::{quoted, resolve},
    files::{FileInput, archive_of, archive_path, matching, source_of},
    runs::{already, job_of, remember, startable},
};

/// Names of the parameter that says which file.
const NAMES: [&str; 2] = ["file", "filename"];

/// A file that was found, and what it is for.
struct Found {
    row: ConfigurationRow,
    loaded: Arc<Loaded>,
    file: ObjectMeta,
    location: String,
}

/// What the launch asks for.
enum Asked {
    /// Launched before, by the same idempotency key.
    Before(RunId),
    File(ConfigurationRow, Arc<Loaded>),
}

impl Engine {
    /// [`Engine::launch`] for an operation that files start.
    pub(crate) async fn launch_file(&self, request: LaunchRequest) -> Result<RunId, EngineError> {
        let wanted = wanted_file(&request)?;
        let (inner, now) = (self.0.clone(), self.0.now());
        let (cache, asked) = (inner.clone(), request.clone());
        let asked = inner.parts.store.read(move |tx| {
            let row = resolve(tx, &asked.configuration)?;
            if let Some(before) = already(tx, &row, &asked, now)? {
                return Ok(Asked::Before(before));
            }
            startable(&row)?;
            let loaded = cache.cache.load(tx, row.key, row.version)?;
            Ok::<_, EngineError>(Asked::File(row, loaded))
        });
        let found = match asked.await? {
            Asked::Before(run) => return Ok(run),
            Asked::File(row, loaded) => self.find(row, loaded, &wanted).await?,
        };
        let run_id = inner.new_run_id();
        let run_id = inner
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                if let Some(before) = already(tx, &found.row, &request, now)? {
                    return Ok(before);
                }
                create(tx, &request, &found, run_id, now)
            })
            .await?;
        inner.runs_changed();
        Ok(run_id)
    }

    /// Looks for the file where it arrives, then in the archive.
    async fn find(&self, row: ConfigurationRow, loaded: Arc<Loaded>, wanted: &str) -> Result<Found, EngineError> {
        let address = source_of(&loaded.configuration)
            .ok_or_else(|| EngineError::Internal("an operation that files start has no source".into()))?;
        let storage = self.0.parts.storages.open(address)?;
        let folder = parse(&address.prefix)?;
        let archive = archive_of(&loaded.configuration).map(parse).transpose()?;
        for path in candidates(&loaded, storage.as_ref(), &folder, archive.as_ref(), wanted)? {
            let there = storage.stat(&path).await;
            let there = there.map_err(|e| EngineError::conflict("storage_unavailable", e.to_string()))?;
            if let Some(file) = there {
                let location = storage.location(&path);
                return Ok(Found { row, loaded, file, location });
            }
        }
        Err(EngineError::not_found(
            "unknown_file",
            format!("{} is neither in the source folder nor in the archive", quoted(wanted)),
        ))
    }
}

/// The file that the parameters name.
fn wanted_file(request: &LaunchRequest) -> Result<String, EngineError> {
    let kind: ConfigurationType = request.configuration.configuration_type;
    let given = NAMES.into_iter().find_map(|name| request.parameters.get(name));
    let Some(given) = given else {
        return Err(EngineError::invalid(
            "not_launchable",
            format!(
                "a {kind} is started by the files that arrive in its source, not by a call; to have one file handled \
                 again, launch it with the parameter `file`, the file's name or address"
            ),
        ));
    };
    if request.parameters.len() > 1 || request.tasks.is_some() {
        let message = format!("a {kind} launched for a file takes the parameter `file`, and nothing beside it");
        return Err(EngineError::invalid("invalid_parameters", message));
    }
    match given {
        Value::String(file) if !file.is_empty() => Ok(file.clone()),
        _ => Err(EngineError::invalid("invalid_parameters", "parameters.file: expected a file's name or address")),
    }
}

fn parse(path: &str) -> Result<ObjectPath, EngineError> {
    ObjectPath::parse(path).map_err(|e| EngineError::invalid("invalid_file", format!("parameters.file: {e}")))
}

/// Where the file may be: as named, and where it was archived.
fn candidates(
    loaded: &Loaded,
    storage: &dyn Storage,
    folder: &ObjectPath,
    archive: Option<&ObjectPath>,
    wanted: &str,
) -> Result<Vec<ObjectPath>, EngineError> {
    let bucket = storage.location(&ObjectPath::root());
    let path = match wanted.strip_prefix(&bucket).and_then(|rest| rest.strip_prefix('/')) {
        Some(path) => parse(path)?,
        None if wanted.contains("://") || wanted.contains('/') => return Err(foreign(storage, folder, wanted)),
        None => folder.join(wanted).map_err(|e| EngineError::invalid("invalid_file", e.to_string()))?,
    };
    let arrives = path.parent() == *folder;
    if !arrives && !archive.is_some_and(|archive| path.starts_with(archive)) {
        return Err(foreign(storage, folder, wanted));
    }
    let Some((_, captures)) = matching(&loaded.configuration, path.name()) else {
        let message = format!("no filename template of the operation matches {}", quoted(path.name()));
        return Err(EngineError::invalid("no_template", message));
    };
    let archived = archive.filter(|_| arrives).map(|archive| {
        archive_path(archive.as_str(), captures.date, path.name())
            .map_err(|e| EngineError::invalid("invalid_file", e.to_string()))
    });
    Ok([path].into_iter().chain(archived.transpose()?).collect())
}

fn foreign(storage: &dyn Storage, folder: &ObjectPath, wanted: &str) -> EngineError {
    let message = format!(
        "parameters.file: expected a name, or an address in {} or in the archive, found {}",
        storage.location(folder),
        quoted(wanted)
    );
    EngineError::invalid("foreign_file", message)
}

/// The run, with its row in the ledger, so that nothing else takes the file.
fn create(
    tx: &mut Tx<'_>,
    request: &LaunchRequest,
    found: &Found,
    run_id: RunId,
    now: Timestamp,
) -> Result<RunId, EngineError> {
    let Found { row, loaded, file, location } = found;
    startable(row)?;
    let earlier = files::seen(tx, row.key, location, &file.version)?;
    if let Some(before) = &earlier
        && runs::get(tx, before)?.is_some_and(|run| run.end.is_none())
    {
        return Err(EngineError::conflict("file_in_progress", format!("run {before} works on {location} already")));
    }
    let Some((template, captures)) = matching(&loaded.configuration, file.path.name()) else {
        return Err(EngineError::Internal("the file matches no template any more".into()));
    };
    let job_id = row.identity.job_id(Some(template.as_str()));
    if job_of(&row.identity, request.job_id.as_deref())?.is_some_and(|asked| asked != job_id) {
        let message = format!("{location} is a file of the job {}", quoted(job_id.as_str()));
        return Err(EngineError::invalid("foreign_job_id", message));
    }
    let input = FileInput::new(file, location, Some(template), captures);
    let run = NewRun {
        run_id: run_id.clone(),
        configuration: row.key,
        version: row.version,
        job_id,
        execution_date: request.execution_date.unwrap_or_else(|| ExecutionDate::of(now)),
        trigger: json!({"type": request.trigger(), "by": request.by.name, "run_ids": [], "file": location}),
        parameters: Value::Object(request.parameters.clone()),
        tasks: None,
        at: now,
        input: serde_json::to_value(input).unwrap_or(Value::Null),
    };
    runs::create(tx, &run)?;
    files::retake(tx, row.key, location, &file.version, &run_id, now)?;
    remember(tx, row, request, &run_id, now)?;
    record::retaken(tx, &request.by, now, row, location, (earlier.as_ref(), &run_id))?;
    Ok(run_id)
}

//! Runs: launch, look at, cancel, mark (`spec/api.md`, launch and status).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailer_model::{
    Actor, Configuration, ConfigurationType, ExecutionDate, Identity, JobId, JobMatch, RunId, RunStatus, TaskId,
    duration, operation::Definition, rfc3339_micros,
};
use tailer_store::{
    Durability, Tx,
    configurations::ConfigurationRow,
    idempotency, logs,
    runs::{self, NewRun, RunRow},
};

use crate::{
    ConfigurationRef, Engine, EngineError, LaunchRequest, LogView, LogsView, RunDetails, RunView, alerts,
    audit::record,
    configurations::{context_of, quoted, resolve},
    task_views, text,
};

/// Log lines that one answer holds.
const LINES: u32 = 1000;

/// A run as the API shows it.
pub(crate) fn view_of(tx: &mut Tx<'_>, run: RunRow, now: Timestamp) -> Result<RunView, EngineError> {
    let reason = runs::waiting_reason(tx, &run)?.or_else(|| run.reason.clone());
    Ok(RunView {
        account: run.identity.account,
        configuration_id: run.identity.configuration_id,
        configuration_type: run.identity.configuration_type,
        duration: duration::format(run.start, run.end.unwrap_or(now)),
        environment: run.identity.environment,
        job_id: run.job_id,
        last_update_date: rfc3339_micros(run.updated),
        run_id: run.run_id,
        start_execution_date: rfc3339_micros(run.start),
        status: run.status.to_string(),
        sub_status: run.sub_status.to_string(),
        execution_date: run.execution_date,
        error: run.error,
        trigger: run.trigger,
        reason,
        took: run.end.unwrap_or(now).duration_since(run.start).max(SignedDuration::ZERO),
        rows: run.rows,
        bytes: run.bytes,
        notes: 0,
    })
}

/// What a `job_id` of a request means for a configuration: all its jobs, or one.
pub(crate) fn job_of(identity: &Identity, job_id: Option<&str>) -> Result<Option<JobId>, EngineError> {
    let Some(text) = job_id else { return Ok(None) };
    let matched = JobId::parse(text).map(|job| job.belongs_to(identity));
    match matched {
        Ok(JobMatch::Whole) => Ok(None),
        Ok(JobMatch::Template(template)) => Ok(Some(identity.job_id(Some(&template)))),
        _ => Err(EngineError::invalid(
            "foreign_job_id",
            format!(
                "job_id {} does not belong to this configuration, whose job id is {}",
                quoted(text),
                quoted(identity.job_id(None).as_str())
            ),
        )),
    }
}

/// The run, if it belongs to the configuration.
pub(crate) fn run_of(tx: &mut Tx<'_>, row: &ConfigurationRow, run: &RunId) -> Result<RunRow, EngineError> {
    runs::get(tx, run)?.filter(|r| r.configuration == row.key).ok_or_else(|| unknown_run(run))
}

/// The run of a configuration that a request names, with one look where the request spells the id as it was deployed: then nothing
/// else can be meant ([`resolve`] tries that first).
fn wanted_run(tx: &mut Tx<'_>, wanted: &ConfigurationRef, run: &RunId) -> Result<RunRow, EngineError> {
    let ConfigurationRef { account, environment, configuration_type, configuration_id } = wanted;
    let found = runs::get(tx, run)?.filter(|run| {
        let of = &run.identity;
        (&of.account, of.environment, of.configuration_type, &of.configuration_id)
            == (account, *environment, *configuration_type, configuration_id)
    });
    match found {
        Some(found) => Ok(found),
        None => {
            let row = resolve(tx, wanted)?;
            run_of(tx, &row, run)
        }
    }
}

pub(crate) fn unknown_run(run: &RunId) -> EngineError {
    EngineError::not_found("unknown_run", format!("there is no run {run} of this configuration"))
}

fn task_ids(configuration: &Configuration) -> Vec<TaskId> {
    match &configuration.definition {
        Definition::TableToTable(c) => c.graph.ids.clone(),
        Definition::TableToStorage(c) => c.graph.ids.clone(),
        _ => Vec::new(),
    }
}

impl Engine {
    /// Starts a data operation. The run is durably recorded when this answers.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown operation, [`EngineError::Conflict`] for a disabled or archived one,
    /// [`EngineError::Invalid`] for one that files start unless `parameters` name a file of its, a foreign job id, bad
    /// parameters or unknown tasks,
    /// [`EngineError::Mismatch`] when the idempotency key was used for another request.
    pub async fn launch(&self, request: LaunchRequest) -> Result<RunId, EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let kind = request.configuration.configuration_type;
        if kind.is_started_by_files() {
            return self.launch_file(request).await;
        }
        launchable(&request)?;
        let (inner, now, run_id) = (self.0.clone(), self.0.now(), self.0.new_run_id());
        let run_id = self
            .0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &request.configuration)?;
                if let Some(earlier) = already(tx, &row, &request, now)? {
                    return Ok(earlier);
                }
                let loaded = inner.cache.load(tx, row.key, row.version)?;
                check_launch(&row, &request, &loaded.configuration)?;
                runs::create(
                    tx,
                    &NewRun {
                        run_id: run_id.clone(),
                        configuration: row.key,
                        version: row.version,
                        job_id: row.identity.job_id(None),
                        execution_date: request.execution_date.unwrap_or_else(|| ExecutionDate::of(now)),
                        trigger: json!({"type": request.trigger(), "by": request.by.name, "run_ids": []}),
                        parameters: Value::Object(request.parameters.clone()),
                        tasks: request.tasks.clone(),
                        at: now,
                        input: Value::Null,
                    },
                )?;
                remember(tx, &row, &request, &run_id, now)?;
                record::launched(tx, &request, &row, &run_id, now)?;
                Ok::<_, EngineError>(run_id)
            })
            .await?;
        self.0.runs_changed();
        Ok(run_id)
    }

    /// One run of a configuration.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for a foreign job id.
    pub async fn run_status(
        &self,
        configuration: &ConfigurationRef,
        job_id: Option<&str>,
        run: &RunId,
    ) -> Result<RunView, EngineError> {
        let (wanted, run, now) = (configuration.clone(), run.clone(), self.0.now());
        let job_id = job_id.map(str::to_owned);
        self.0
            .parts
            .store
            .read(move |tx| {
                let found = wanted_run(tx, &wanted, &run)?;
                if job_of(&found.identity, job_id.as_deref())?.is_some_and(|job| job != found.job_id) {
                    return Err(unknown_run(&run));
                }
                view_of(tx, found, now)
            })
            .await
    }

    /// A run with its tasks.
    ///
    /// # Errors
    /// As [`Engine::run_status`].
    pub async fn run_details(&self, configuration: &ConfigurationRef, run: &RunId) -> Result<RunDetails, EngineError> {
        let (wanted, run, now) = (configuration.clone(), run.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = run_of(tx, &row, &run)?;
                let (configuration_version, progress) = (found.version, found.progress.clone());
                let parameters = found.parameters.clone();
                let context = context_of(tx, row.key, configuration_version)?;
                let tasks = task_views::of_run(tx, &run)?;
                let alerts = alerts::views(tx, &run)?;
                Ok(RunDetails {
                    run: view_of(tx, found, now)?,
                    tasks,
                    alerts,
                    configuration_version,
                    parameters,
                    context,
                    progress,
                })
            })
            .await
    }

    /// A run by its id alone. The caller checks the account.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn find_run(&self, run: &RunId) -> Result<RunView, EngineError> {
        let (run, now) = (run.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let found = runs::get(tx, &run)?
                    .ok_or_else(|| EngineError::not_found("unknown_run", format!("there is no run {run}")))?;
                view_of(tx, found, now)
            })
            .await
    }

    /// Log lines after a cursor. Without any, waits up to `wait` for one, or for the run's end.
    ///
    /// # Errors
    /// As [`Engine::run_status`]; [`EngineError::Invalid`] for a cursor that this server did not give.
    pub async fn run_logs(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<&str>,
        wait: Duration,
    ) -> Result<LogsView, EngineError> {
        let after: i64 = after.unwrap_or("0").parse().map_err(|_| {
            EngineError::invalid("invalid_cursor", "after: expected the cursor that an earlier answer gave, or nothing")
        })?;
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let watcher = self.0.watch(run);
            let news = watcher.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let (view, ended) = self.logs_now(configuration, run, task, after).await?;
            if ended || !view.results.is_empty() || self.0.stopping.is_cancelled() {
                return Ok(view);
            }
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                return Ok(view);
            }
        }
    }

    async fn logs_now(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        task: Option<&TaskId>,
        after: i64,
    ) -> Result<(LogsView, bool), EngineError> {
        let (wanted, run, task) = (configuration.clone(), run.clone(), task.cloned());
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = run_of(tx, &row, &run)?;
                let lines = logs::read(tx, &run, task.as_ref(), after, LINES)?;
                let cursor = lines.last().map_or(after, |(cursor, _)| *cursor);
                let results = lines
                    .into_iter()
                    .map(|(_, line)| LogView {
                        date: rfc3339_micros(line.date),
                        level: line.level,
                        task_id: line.task_id,
                        message: line.message,
                    })
                    .collect();
                Ok((LogsView { results, after: cursor.to_string() }, found.end.is_some()))
            })
            .await
    }

    /// Marks a run, most often a failed one as `CHECKED`. One that has not ended is stopped by it.
    ///
    /// # Errors
    /// As [`Engine::run_status`]; [`EngineError::Conflict`] for an ended run that is to be `RUNNING`.
    pub async fn set_run_status(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        status: RunStatus,
        by: &Actor,
    ) -> Result<(), EngineError> {
        let (wanted, id, by, now) = (configuration.clone(), run.clone(), by.clone(), self.0.now());
        let inner = self.0.clone();
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = run_of(tx, &row, &id)?;
                if status == RunStatus::Running && found.end.is_some() {
                    return Err(EngineError::conflict(
                        "run_ended",
                        "the run has ended and cannot be set to RUNNING: launch a new one",
                    ));
                }
                runs::set_status(tx, &id, status, now)?;
                let after = runs::get(tx, &id)?.ok_or_else(|| unknown_run(&id))?;
                if (after.status, after.sub_status, after.end) == (found.status, found.sub_status, found.end) {
                    return Ok(());
                }
                alerts::note(&inner, tx, &found, status, now)?;
                record::status_set(tx, &by, now, &found, &after)?;
                let message = format!("status set to {status} by {}", by.name);
                logs::append(tx, &id, &[crate::execute::log::line(now, "INFO", None, message)])?;
                Ok(())
            })
            .await?;
        if status != RunStatus::Running {
            self.stop_driving(run);
        }
        self.0.announce(run);
        self.0.runs_changed();
        Ok(())
    }

    /// Stops the driver of a run when it is one of this process; another process's worker sees the request when it renews its lease.
    pub(crate) fn stop_driving(&self, run: &RunId) {
        if let Some(driven) = self.0.driven.lock().get(run) {
            driven.cancel.cancel();
        }
    }
}

/// The run that the request's idempotency key stands for, if it was used before.
pub(crate) fn already(
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    request: &LaunchRequest,
    now: Timestamp,
) -> Result<Option<RunId>, EngineError> {
    let Some(given) = &request.idempotency else { return Ok(None) };
    match idempotency::lookup(tx, &row.identity.account, &given.key, now)? {
        Some((hash, _)) if hash != given.body_hash => Err(key_reused(&given.key)),
        earlier => Ok(earlier.map(|(_, run)| run)),
    }
}

/// Records what the request's idempotency key stands for from now on.
pub(crate) fn remember(
    tx: &mut Tx<'_>,
    row: &ConfigurationRow,
    request: &LaunchRequest,
    run: &RunId,
    now: Timestamp,
) -> Result<(), EngineError> {
    if let Some(given) = &request.idempotency {
        idempotency::record(tx, &row.identity.account, &given.key, &given.body_hash, run, now)?;
    }
    Ok(())
}

fn key_reused(key: &str) -> EngineError {
    EngineError::Mismatch {
        code: "idempotency_key_reused",
        message: format!("the idempotency key {} was used for another request within 24 h: use a new one", quoted(key)),
    }
}

/// Whether anything may start it now.
pub(crate) fn startable(row: &ConfigurationRow) -> Result<(), EngineError> {
    if row.archived {
        return Err(EngineError::conflict("archived", format!("{} is archived", row.identity)));
    }
    if !row.activated {
        return Err(EngineError::conflict("disabled", format!("{} is disabled: enable it first", row.identity)));
    }
    Ok(())
}

/// Whether a request can start anything, as far as the request alone tells.
pub(crate) fn launchable(request: &LaunchRequest) -> Result<(), EngineError> {
    launchable_kind(request.configuration.configuration_type)?;
    text::check_parameters(&request.parameters)
}

/// Whether calls start operations of this kind.
pub(crate) fn launchable_kind(kind: ConfigurationType) -> Result<(), EngineError> {
    if !kind.is_launchable() {
        let why = if kind.is_started_by_files() {
            "is started by the files that arrive in its source, not by a call"
        } else {
            "is not something that runs"
        };
        return Err(EngineError::invalid("not_launchable", format!("a {kind} {why}")));
    }
    Ok(())
}

/// Whether a request can start this configuration.
pub(crate) fn check_launch(
    row: &ConfigurationRow,
    request: &LaunchRequest,
    configuration: &Configuration,
) -> Result<(), EngineError> {
    startable(row)?;
    job_of(&row.identity, request.job_id.as_deref())?;
    match &request.tasks {
        Some(wanted) => known_tasks(&task_ids(configuration), wanted),
        None => Ok(()),
    }
}

fn known_tasks(known: &[TaskId], wanted: &[TaskId]) -> Result<(), EngineError> {
    let unknown: Vec<&str> = wanted.iter().filter(|t| !known.contains(t)).map(TaskId::as_str).collect();
    if wanted.is_empty() {
        return Err(EngineError::invalid("unknown_tasks", "tasks: name at least one task, or leave it out to run all"));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = known.iter().map(TaskId::as_str).collect();
    Err(EngineError::invalid(
        "unknown_tasks",
        format!("tasks: the operation has no {}; it has {}", unknown.join(", "), known.join(", ")),
    ))
}

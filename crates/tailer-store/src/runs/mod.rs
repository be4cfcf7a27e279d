//! Runs: created once, claimed by one worker at a time, ended once.
//!
//! A run is *queued*, then *running*, then *ended*, and never goes back. That phase is the store's own; `status` and `sub_status`
//! are what people see, and on an ended run a person may change them without waking anything up.
//!
//! Whoever claims a run gets a fence with it, a number that rises with each claim, takeover and forced end. Every write of a
//! worker names its fence, and one that is not current any more is refused: `false`, and nothing is written. A worker that reads
//! `false` has lost the run and lets go of it.
//!
//! One file per matter: this one has creation and look-ups, [`list`](list()) the listings and `walks` how indices serve them, `claim`
//! how workers get and keep runs, `end` how runs end, `prune` how old ones are given up, `triggers` what triggered what, `slots` the
//! counters behind it all and `hours` those of each hour, `summary` what listings of operations say of runs.

use jiff::Timestamp;
use serde_json::Value as Json;
use tailer_model::{ExecutionDate, Identity, JobId, RunId, RunStatus, SubStatus, TaskId};

use crate::{
    StoreError, Tx,
    column::{list_from_json, list_to_json},
    configurations::{self, ConfigurationKey, read_identity},
    tx::Row,
};

mod claim;
#[cfg(test)]
mod cost;
mod end;
mod hours;
mod list;
mod position;
mod prune;
mod queues;
mod slots;
mod summary;
mod triggers;
mod walks;

pub(crate) use claim::held_sequence;
pub use claim::{
    Place, cancel_requested, claim, held, release, release_all, release_home, renew, set_progress, set_reason,
    take_over,
};
pub use end::{CancelOutcome, finish, request_cancel, set_status};
pub(crate) use hours::Moved;
pub use hours::{HourRow, hours, how_many};
pub use list::{RunFilter, RunPage, bounds, list, page, served_dates};
pub use position::Position;
pub use prune::{Pruned, Sight, beyond, older, oldest_in, prune};
pub use queues::{Queue, queues};
pub use summary::{failures, last_starts};
pub use triggers::triggered_by;
pub use walks::MOST_OPERATIONS;

/// What a trigger makes.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub run_id: RunId,
    pub configuration: ConfigurationKey,
    pub version: u32,
    pub job_id: JobId,
    pub execution_date: ExecutionDate,
    /// Who or what started it, as the API shows it.
    pub trigger: Json,
    /// An object, or null.
    pub parameters: Json,
    /// Only these tasks; all when `None`.
    pub tasks: Option<Vec<TaskId>>,
    pub at: Timestamp,
    /// The engine's own: the file that arrived, and the like.
    pub input: Json,
}

/// A run as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Order of creation.
    pub sequence: i64,
    pub run_id: RunId,
    pub configuration: ConfigurationKey,
    pub identity: Identity,
    pub version: u32,
    pub job_id: JobId,
    pub status: RunStatus,
    pub sub_status: SubStatus,
    pub execution_date: ExecutionDate,
    pub created: Timestamp,
    /// Equal to `created` while queued, then the time of the first claim; a takeover keeps it.
    pub start: Timestamp,
    pub end: Option<Timestamp>,
    /// Last time anything was recorded about it, a worker's sign of life included.
    pub updated: Timestamp,
    pub trigger: Json,
    pub parameters: Json,
    pub tasks: Option<Vec<TaskId>>,
    pub input: Json,
    /// What the worker noted last with [`set_progress`]; null until then.
    pub progress: Json,
    pub error: Option<String>,
    /// Why it does not go on, or ended otherwise than by its own work: words for a person.
    pub reason: Option<String>,
    /// Who holds it, or held it last.
    pub worker: Option<String>,
    pub fence: i64,
    pub lease_until: Option<Timestamp>,
    pub cancel_requested: bool,
    /// Rows that its tasks have counted, once it has ended; nothing where none counted.
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

impl RunRow {
    /// Where it stands in listings.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { started: self.start, sequence: self.sequence }
    }
}

const COLUMNS: &str = "sequence, run_id, configuration, account, environment, configuration_type, configuration_id, version, \
                       job_id, status, sub_status, execution_date, created, started, ended, updated, launched, parameters, \
                       tasks, input, progress, error, reason, worker, fence, lease_until, cancel_requested, \
                       rows_moved, bytes_moved";

fn read(row: &Row<'_>) -> Result<RunRow, StoreError> {
    Ok(RunRow {
        sequence: row.take()?,
        run_id: row.take()?,
        configuration: row.take()?,
        identity: read_identity(row)?,
        version: row.take()?,
        job_id: row.take()?,
        status: row.take()?,
        sub_status: row.take()?,
        execution_date: row.take()?,
        created: row.take()?,
        start: row.take()?,
        end: row.take()?,
        updated: row.take()?,
        trigger: row.take()?,
        parameters: row.take()?,
        tasks: row.take::<Option<String>>()?.map(|json| list_from_json(&json)).transpose()?,
        input: row.take()?,
        progress: row.take()?,
        error: row.take()?,
        reason: row.take()?,
        worker: row.take()?,
        fence: row.take()?,
        lease_until: row.take()?,
        cancel_requested: row.take()?,
        rows: row.take()?,
        bytes: row.take()?,
    })
}

/// Creates a run that waits for a slot: `RUNNING`, `QUEUED`.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such configuration; [`StoreError::Conflict`] when the run id is taken or the
/// version does not exist.
pub fn create(tx: &mut Tx<'_>, run: &NewRun) -> Result<(), StoreError> {
    let sequence = insert(tx, run, "queued", (RunStatus::Running, SubStatus::Queued), None)?;
    slots::enqueue(tx, run.configuration, sequence)
}

/// Creates a run that is over already, such as `NO_MATCH`: it starts and ends at `run.at`, and takes no slot.
///
/// # Errors
/// As [`create`].
pub fn create_ended(
    tx: &mut Tx<'_>,
    run: &NewRun,
    status: RunStatus,
    sub_status: SubStatus,
    error: Option<String>,
) -> Result<(), StoreError> {
    insert(tx, run, "ended", (status, sub_status), error.as_deref()).map(drop)
}

fn insert(
    tx: &mut Tx<'_>,
    run: &NewRun,
    phase: &str,
    (status, sub_status): (RunStatus, SubStatus),
    error: Option<&str>,
) -> Result<i64, StoreError> {
    let tasks = run.tasks.as_deref().map(list_to_json);
    let ended = (phase == "ended").then_some(run.at);
    let inserted = tx.query_one(
        "INSERT INTO runs (run_id, configuration, account, environment, configuration_type, configuration_id, version, job_id, \
             phase, status, sub_status, execution_date, created, started, ended, updated, launched, parameters, tasks, \
             input, error, trigger_type) \
         SELECT ?1, key, account, environment, configuration_type, configuration_id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, \
             ?9, ?11, ?12, ?13, ?14, ?15, ?16 \
         FROM configurations WHERE key = ?2 RETURNING sequence, account",
        &[
            (&run.run_id).into(),
            run.configuration.into(),
            run.version.into(),
            (&run.job_id).into(),
            phase.into(),
            status.into(),
            sub_status.into(),
            run.execution_date.into(),
            run.at.into(),
            ended.into(),
            (&run.trigger).into(),
            (&run.parameters).into(),
            tasks.as_deref().into(),
            (&run.input).into(),
            error.into(),
            triggers::type_of(&run.trigger).into(),
        ],
        |row| Ok((row.take()?, row.take()?)),
    )?;
    let (sequence, account) =
        inserted.ok_or_else(|| StoreError::Missing(format!("configuration {}", run.configuration.0)))?;
    slots::count(tx, run.configuration, None, (status, sub_status))?;
    if phase == "ended" {
        let counted = hours::Counted {
            account: &account,
            started: run.at,
            outcome: (status, sub_status),
            moved: Moved::default(),
        };
        hours::add(tx, &counted)?;
    }
    triggers::record(tx, sequence, &run.trigger)?;
    Ok(sequence)
}

/// A run by its id.
///
/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Option<RunRow>, StoreError> {
    tx.query_one(&format!("SELECT {COLUMNS} FROM runs WHERE run_id = ?1"), &[run_id.into()], read)
}

/// How many runs there are of each outcome. Reads counters, not runs: cheap however many there are.
///
/// # Errors
/// What the database says.
pub fn counts(tx: &mut Tx<'_>) -> Result<Vec<(RunStatus, SubStatus, u64)>, StoreError> {
    tx.query(
        "SELECT status, sub_status, CAST(SUM(runs) AS BIGINT) FROM run_counts \
         GROUP BY status, sub_status HAVING SUM(runs) > 0 ORDER BY status, sub_status",
        &[],
        |row| Ok((row.take()?, row.take()?, row.take()?)),
    )
}

/// How many runs named in a reason before the rest is only counted.
const NAMED: usize = 3;

/// Why a queued run does not run yet, in words for a person; `None` for one that is not queued.
///
/// # Errors
/// What the database says.
pub fn waiting_reason(tx: &mut Tx<'_>, run: &RunRow) -> Result<Option<String>, StoreError> {
    if run.end.is_some() || run.sub_status != SubStatus::Queued {
        return Ok(None);
    }
    let Some(configuration) = configurations::get(tx, run.configuration)? else { return Ok(None) };
    if configuration.archived {
        return Ok(Some("the operation is archived".into()));
    }
    if !configuration.activated {
        return Ok(Some("the operation is disabled".into()));
    }
    let running: Vec<RunId> = tx.query(
        "SELECT run_id FROM runs WHERE configuration = ?1 AND phase = 'running' ORDER BY sequence",
        &[run.configuration.into()],
        |row| row.take(),
    )?;
    let max = configuration.max_active_runs;
    if running.len() < usize::try_from(max).unwrap_or(usize::MAX) {
        return Ok(Some("waits for a free worker".into()));
    }
    let names: Vec<&str> = running.iter().take(NAMED).map(RunId::as_str).collect();
    let more = if running.len() > NAMED { ", …" } else { "" };
    Ok(Some(format!("waits for {} of {max} running: {}{more}", running.len(), names.join(", "))))
}

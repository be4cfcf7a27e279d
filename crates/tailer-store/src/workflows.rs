//! What workflows have collected: which of the awaited jobs have a successful run since the last firing or reset
//! (`spec/semantics.md`, Workflow).
//!
//! A firing is unique per workflow and generation, and raises the generation: however many completions race, one fires.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tailer_model::{AccountId, ConfigurationType, JobId, RunId};

use crate::{
    StoreError, Tx,
    column::{list_from_json, list_to_json},
    configurations::ConfigurationKey,
};

/// An awaited job that has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub job_id: JobId,
    /// The latest run that succeeded.
    pub run_id: RunId,
    pub date: Timestamp,
}

/// What a workflow has collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowState {
    /// Counts from 1; the next firing will be of this generation.
    pub generation: i64,
    pub last_reset: Option<Timestamp>,
    /// In the order of the awaited list.
    pub arrivals: Vec<Arrival>,
}

/// A launch of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    pub generation: i64,
    pub date: Timestamp,
    /// The target's run.
    pub run_id: RunId,
    /// The runs that completed the set, in the order of the awaited list.
    pub triggered_by: Vec<RunId>,
}

/// Sets what a workflow awaits. Begins with generation 1; deployed again, it keeps its generation, its firings, and the arrivals of
/// jobs that are still awaited. A job that is new to the list is awaited from `at` on.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such configuration.
pub fn deploy(tx: &mut Tx<'_>, key: ConfigurationKey, awaits: &[JobId], at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO workflows (configuration, generation) VALUES (?1, 1) ON CONFLICT (configuration) DO NOTHING",
        &[key.into()],
    )?;
    let before: BTreeMap<JobId, Timestamp> = tx
        .query("SELECT job_id, since FROM workflow_awaited WHERE configuration = ?1", &[key.into()], |row| {
            Ok((row.take()?, row.take()?))
        })?
        .into_iter()
        .collect();
    tx.execute("DELETE FROM workflow_awaited WHERE configuration = ?1", &[key.into()])?;
    for (position, job_id) in (0i64..).zip(awaits) {
        let since = before.get(job_id).copied().unwrap_or(at);
        tx.execute(
            "INSERT INTO workflow_awaited (configuration, job_id, position, since) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (configuration, job_id) DO NOTHING",
            &[key.into(), job_id.into(), position.into(), since.into()],
        )?;
    }
    tx.execute(
        "DELETE FROM workflow_arrivals WHERE configuration = ?1 \
         AND job_id NOT IN (SELECT job_id FROM workflow_awaited WHERE configuration = ?1)",
        &[key.into()],
    )?;
    Ok(())
}

/// The workflows that collect this job: activated, not archived.
///
/// # Errors
/// What the database says.
pub fn waiting_for(tx: &mut Tx<'_>, job_id: &JobId) -> Result<Vec<ConfigurationKey>, StoreError> {
    tx.query(
        "SELECT c.key FROM workflow_awaited w JOIN configurations c ON c.key = w.configuration \
         WHERE w.job_id = ?1 AND c.activated = 1 AND c.archived = 0 ORDER BY c.key",
        &[job_id.into()],
        |row| row.take(),
    )
}

/// What a workflow has collected; `None` for a configuration that is no workflow.
///
/// # Errors
/// What the database says.
pub fn state(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<Option<WorkflowState>, StoreError> {
    let found =
        tx.query_one("SELECT generation, last_reset FROM workflows WHERE configuration = ?1", &[key.into()], |row| {
            Ok(WorkflowState { generation: row.take()?, last_reset: row.take()?, arrivals: Vec::new() })
        })?;
    let Some(mut found) = found else { return Ok(None) };
    found.arrivals = tx.query(
        "SELECT a.job_id, a.run_id, a.arrived FROM workflow_arrivals a \
         JOIN workflow_awaited w ON w.configuration = a.configuration AND w.job_id = a.job_id \
         WHERE a.configuration = ?1 ORDER BY w.position",
        &[key.into()],
        |row| Ok(Arrival { job_id: row.take()?, run_id: row.take()?, date: row.take()? }),
    )?;
    Ok(Some(found))
}

/// The jobs that a workflow awaits, in the order deployed.
///
/// # Errors
/// What the database says.
pub fn awaited(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<Vec<JobId>, StoreError> {
    tx.query("SELECT job_id FROM workflow_awaited WHERE configuration = ?1 ORDER BY position", &[key.into()], |row| {
        row.take()
    })
}

/// Counts a run that succeeded at `at` towards a workflow; a second one of the same job replaces the first. A job that is not
/// awaited, or was not yet at that time, is left out without a word: the workflow may have been deployed anew meanwhile.
///
/// # Errors
/// What the database says.
pub fn arrive(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    job_id: &JobId,
    run_id: &RunId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO workflow_arrivals (configuration, job_id, run_id, arrived) \
         SELECT configuration, job_id, ?3, ?4 FROM workflow_awaited \
         WHERE configuration = ?1 AND job_id = ?2 AND since <= ?4 \
         ON CONFLICT (configuration, job_id) DO UPDATE SET run_id = excluded.run_id, arrived = excluded.arrived",
        &[key.into(), job_id.into(), run_id.into(), at.into()],
    )?;
    Ok(())
}

/// How much a workflow has collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    pub key: ConfigurationKey,
    pub awaited: u64,
    pub arrived: u64,
}

/// What the workflows of an account that are not archived have collected, in no order.
///
/// # Errors
/// What the database says.
pub fn collected(tx: &mut Tx<'_>, account: &AccountId) -> Result<Vec<Collected>, StoreError> {
    tx.query(
        "SELECT c.key, (SELECT COUNT(*) FROM workflow_awaited WHERE configuration = c.key), \
             (SELECT COUNT(*) FROM workflow_arrivals WHERE configuration = c.key) \
         FROM configurations c WHERE c.account = ?1 AND c.configuration_type = ?2 AND c.archived = 0",
        &[account.into(), ConfigurationType::Workflow.into()],
        |row| Ok(Collected { key: row.take()?, awaited: row.take()?, arrived: row.take()? }),
    )
}

/// The conditions of a complete set, for a workflow whose key is in the place given.
fn complete_set(key: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM workflow_awaited w WHERE w.configuration = {key}) \
         AND NOT EXISTS (SELECT 1 FROM workflow_awaited w WHERE w.configuration = {key} AND NOT EXISTS \
             (SELECT 1 FROM workflow_arrivals a WHERE a.configuration = w.configuration AND a.job_id = w.job_id))"
    )
}

/// Whether every awaited job has arrived. Nothing awaited is never complete.
///
/// # Errors
/// What the database says.
pub fn is_complete(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<bool, StoreError> {
    let condition = complete_set("f.configuration");
    let sql = format!("SELECT 1 FROM workflows f WHERE f.configuration = ?1 AND {condition}");
    Ok(tx.query_one(&sql, &[key.into()], |row| row.take::<i64>())?.is_some())
}

/// Fires: records that `run_id`, the target's run, was launched by what has arrived, clears the arrivals and raises the
/// generation. Answers `false`, and changes nothing, when the generation is not current or the set is not complete: somebody
/// else fired, or it was reset.
///
/// # Errors
/// What the database says.
pub fn fire(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    generation: i64,
    run_id: &RunId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let raised = tx.execute(
        &format!(
            "UPDATE workflows SET generation = generation + 1 WHERE configuration = ?1 AND generation = ?2 AND {}",
            complete_set("workflows.configuration")
        ),
        &[key.into(), generation.into()],
    )?;
    if raised == 0 {
        return Ok(false);
    }
    let arrivals = state(tx, key)?.map(|s| s.arrivals).unwrap_or_default();
    let triggered_by: Vec<RunId> = arrivals.into_iter().map(|a| a.run_id).collect();
    tx.execute(
        "INSERT INTO firings (configuration, generation, run_id, fired, triggered_by) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[key.into(), generation.into(), run_id.into(), at.into(), (&list_to_json(&triggered_by)).into()],
    )?;
    tx.execute("DELETE FROM workflow_arrivals WHERE configuration = ?1", &[key.into()])?;
    Ok(true)
}

/// The last `limit` firings, newest first.
///
/// # Errors
/// What the database says.
pub fn firings(tx: &mut Tx<'_>, key: ConfigurationKey, limit: u32) -> Result<Vec<Firing>, StoreError> {
    tx.query(
        "SELECT generation, fired, run_id, triggered_by FROM firings WHERE configuration = ?1 \
         ORDER BY generation DESC LIMIT ?2",
        &[key.into(), limit.into()],
        |row| {
            Ok(Firing {
                generation: row.take()?,
                date: row.take()?,
                run_id: row.take()?,
                triggered_by: list_from_json(&row.take::<String>()?)?,
            })
        },
    )
}

/// Forgets what has arrived, as if just deployed. The generation stays: nothing has fired.
///
/// # Errors
/// What the database says.
pub fn reset(tx: &mut Tx<'_>, key: ConfigurationKey, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM workflow_arrivals WHERE configuration = ?1", &[key.into()])?;
    tx.execute("UPDATE workflows SET last_reset = ?2 WHERE configuration = ?1", &[key.into(), at.into()])?;
    Ok(())
}

/// The workflows whose set is complete and that may fire: activated, not archived. For the firing reconciler.
///
/// # Errors
/// What the database says.
pub fn complete(tx: &mut Tx<'_>) -> Result<Vec<ConfigurationKey>, StoreError> {
    tx.query(
        &format!(
            "SELECT f.configuration FROM workflows f JOIN configurations c ON c.key = f.configuration \
             WHERE c.activated = 1 AND c.archived = 0 AND {} ORDER BY f.configuration",
            complete_set("f.configuration")
        ),
        &[],
        |row| row.take(),
    )
}

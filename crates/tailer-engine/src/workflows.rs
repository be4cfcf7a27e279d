//! Workflows: collecting successes, firing the target, resetting (`spec/semantics.md`, Workflow).
//!
//! A run's end and what it completes are one transaction ([`collect`] is called inside it), so no success can be lost
//! between the two and no firing doubled: a firing is unique by workflow and generation.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{Actor, ConfigurationType, ExecutionDate, JobId, RunId, operation::Definition, rfc3339_micros};
use tailer_store::{
    ConfigurationKey, Durability, Tx,
    configurations::{self, ConfigurationRow},
    runs::{self, NewRun, RunRow},
    workflows,
};

use crate::{
    AwaitedView, ConfigurationRef, Engine, EngineError, FiringView, WorkflowView, audit::record,
    configurations::resolve, engine::Inner, freshness,
};

#[cfg(test)]
mod model;

/// Counts a success towards every workflow of its account that awaits it, and fires those that it completes.
pub(crate) fn collect(inner: &Inner, tx: &mut Tx<'_>, run: &RunRow, at: Timestamp) -> Result<(), EngineError> {
    let template = match run.job_id.belongs_to(&run.identity) {
        tailer_model::JobMatch::Template(template) => Some(template),
        _ => None,
    };
    for job_id in JobId::spellings(&run.identity, template.as_deref()) {
        for key in workflows::waiting_for(tx, &job_id)? {
            let Some(workflow) = configurations::get(tx, key)? else { continue };
            let short = job_id.as_str().matches('|').count() == 1;
            let elsewhere = short
                && run.identity.configuration_type != ConfigurationType::TableToTable
                && workflow.identity.environment != run.identity.environment;
            if workflow.identity.account != run.identity.account || elsewhere {
                continue;
            }
            workflows::arrive(tx, key, &job_id, &run.run_id, at)?;
            fire_if_complete(inner, tx, key, at)?;
        }
    }
    Ok(())
}

/// Launches the target of a workflow whose set is complete. Does nothing when it is not, or when the target cannot be
/// started now: the set stays complete, and the reconciler tries again when something is enabled or deployed.
///
/// Answers whether it fired.
pub(crate) fn fire_if_complete(
    inner: &Inner,
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    at: Timestamp,
) -> Result<bool, EngineError> {
    if !workflows::is_complete(tx, key)? {
        return Ok(false);
    }
    let (Some(row), Some(state)) = (configurations::get(tx, key)?, workflows::state(tx, key)?) else {
        return Ok(false);
    };
    if !row.activated || row.archived {
        return Ok(false);
    }
    let loaded = inner.cache.load(tx, key, row.version)?;
    let Definition::Workflow(definition) = &loaded.configuration.definition else { return Ok(false) };
    let identity = &row.identity;
    let target = configurations::resolve(
        tx,
        &identity.account,
        identity.environment,
        definition.target_type,
        &definition.target_id,
    )?;
    let Some(target) = target.filter(|t| t.activated && !t.archived) else {
        tracing::info!(workflow = %identity, target = definition.target_id, "complete; its target is missing or disabled");
        return Ok(false);
    };
    let run_id = inner.new_run_id();
    if !workflows::fire(tx, key, state.generation, &run_id, at)? {
        return Ok(false);
    }
    let run_ids: Vec<&RunId> = state.arrivals.iter().map(|arrival| &arrival.run_id).collect();
    freshness::began(tx, &target, &run_id, at)?;
    runs::create(
        tx,
        &NewRun {
            run_id,
            configuration: target.key,
            version: target.version,
            job_id: target.identity.job_id(None),
            execution_date: ExecutionDate::of(at),
            trigger: json!({"type": "workflow", "by": null, "run_ids": run_ids, "workflow": identity.configuration_id}),
            parameters: json!({}),
            tasks: None,
            at,
            input: json!(null),
        },
    )?;
    Ok(true)
}

impl Engine {
    /// Forgets every job that already counted, as if the workflow had just been deployed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for another kind of operation.
    pub async fn reset_workflow(&self, configuration: &ConfigurationRef, by: &Actor) -> Result<(), EngineError> {
        only_workflows(configuration)?;
        let (wanted, by, now) = (configuration.clone(), by.clone(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &wanted)?;
                let before = workflows::state(tx, row.key)?;
                workflows::reset(tx, row.key, now)?;
                record::reset(tx, &by, now, &row, before.as_ref())?;
                tracing::info!(workflow = %row.identity, by = by.name, "reset");
                Ok::<_, EngineError>(())
            })
            .await?;
        self.look_again();
        Ok(())
    }

    /// What has arrived, what is awaited, and the last ten firings.
    ///
    /// # Errors
    /// As [`Engine::reset_workflow`].
    pub async fn workflow_status(&self, configuration: &ConfigurationRef) -> Result<WorkflowView, EngineError> {
        only_workflows(configuration)?;
        let wanted = configuration.clone();
        self.0.parts.store.read(move |tx| resolve(tx, &wanted).and_then(|row| status_of(tx, row))).await
    }
}

/// What a workflow has collected and awaits, and its last ten firings.
pub(crate) fn status_of(tx: &mut Tx<'_>, row: ConfigurationRow) -> Result<WorkflowView, EngineError> {
    let state = workflows::state(tx, row.key)?
        .ok_or_else(|| EngineError::Internal(format!("{} has no workflow state", row.identity)))?;
    let awaited = workflows::awaited(tx, row.key)?
        .into_iter()
        .map(|job_id| {
            let arrival = state.arrivals.iter().find(|arrival| arrival.job_id == job_id);
            AwaitedView {
                arrived: arrival.is_some(),
                run_id: arrival.map(|a| a.run_id.clone()),
                date: arrival.map(|a| rfc3339_micros(a.date)),
                job_id,
            }
        })
        .collect();
    let firings = workflows::firings(tx, row.key, 10)?
        .into_iter()
        .map(|firing| FiringView {
            generation: firing.generation,
            date: rfc3339_micros(firing.date),
            run_id: firing.run_id,
            triggered_by: firing.triggered_by,
        })
        .collect();
    Ok(WorkflowView {
        account: row.identity.account,
        environment: row.identity.environment,
        configuration_id: row.identity.configuration_id,
        activated: row.activated,
        generation: state.generation,
        last_reset_date: state.last_reset.map(rfc3339_micros),
        awaited,
        firings,
    })
}

fn only_workflows(configuration: &ConfigurationRef) -> Result<(), EngineError> {
    if configuration.configuration_type == ConfigurationType::Workflow {
        return Ok(());
    }
    Err(EngineError::invalid(
        "not_a_workflow",
        format!(
            "configuration_type is {}; only a workflow has a state to see or reset",
            configuration.configuration_type
        ),
    ))
}

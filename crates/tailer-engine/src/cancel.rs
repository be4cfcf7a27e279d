//! Cancelling: a run, or one of its tasks (`spec/api.md`, `cancel_run`).
//!
//! The wish is recorded before anybody is told, so a worker that dies with it leaves it to the one that takes over.

use tailer_model::{Actor, RunId, RunStatus, TaskId};
use tailer_store::{
    Durability, logs,
    runs::{self, CancelOutcome},
    tasks::{self, TaskCancel},
};

use crate::{
    ConfigurationRef, Engine, EngineError, alerts,
    audit::record,
    configurations::resolve,
    execute::log::line,
    runs::{run_of, unknown_run},
};

impl Engine {
    /// Stops a run: a queued one ends at once, the statements of a running one are really stopped.
    ///
    /// # Errors
    /// As [`Engine::run_status`]; [`EngineError::Conflict`] for one that has ended.
    pub async fn cancel_run(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
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
                let outcome = runs::request_cancel(tx, &id, now)?;
                match outcome {
                    CancelOutcome::NotFound => return Err(unknown_run(&id)),
                    CancelOutcome::AlreadyEnded => {
                        return Err(EngineError::conflict("run_ended", "the run has ended already"));
                    }
                    CancelOutcome::EndedQueued => alerts::note(&inner, tx, &found, RunStatus::Failed, now)?,
                    CancelOutcome::Requested if found.cancel_requested => return Ok(()),
                    CancelOutcome::Requested => {}
                }
                record::cancelled(tx, &by, now, &found, outcome)?;
                let told = line(now, "INFO", None, format!("cancelled by {}", by.name));
                Ok(logs::append(tx, &id, &[told])?)
            })
            .await?;
        self.stop_driving(run);
        self.0.announce(run);
        self.0.runs_changed();
        Ok(())
    }

    /// Stops one task of a running run, which goes on: the task counts as failed, with what its criticality makes of that, and is
    /// not tried again. One that has not started never does.
    ///
    /// # Errors
    /// As [`Engine::run_status`]; [`EngineError::NotFound`] for a task that the run does not have, or not yet;
    /// [`EngineError::Conflict`] for one that has ended, and when the run has.
    pub async fn cancel_task(
        &self,
        configuration: &ConfigurationRef,
        run: &RunId,
        task: &TaskId,
        by: &Actor,
    ) -> Result<(), EngineError> {
        let (wanted, id, asked, actor, now) =
            (configuration.clone(), run.clone(), task.clone(), by.clone(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = run_of(tx, &row, &id)?;
                match tasks::request_cancel(tx, &id, &asked, &actor.name)? {
                    TaskCancel::Unknown => {
                        let message = format!("the run has no task {asked}, or has not begun");
                        return Err(EngineError::not_found("unknown_task", message));
                    }
                    TaskCancel::Ended => {
                        return Err(EngineError::conflict("task_ended", format!("the task {asked} has ended already")));
                    }
                    TaskCancel::Already => return Ok(()),
                    TaskCancel::Requested => {}
                }
                record::task_cancelled(tx, &actor, now, &found, &asked)?;
                let told = line(now, "INFO", Some(&asked), format!("cancelled by {}", actor.name));
                Ok(logs::append(tx, &id, &[told])?)
            })
            .await?;
        if let Some(driven) = self.0.driven.lock().get(run) {
            driven.stops.want(task.clone(), by.name.clone());
        }
        self.0.runs_changed();
        Ok(())
    }
}

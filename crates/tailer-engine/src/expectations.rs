//! Results of expectations for those who ask: of one run, or the latest of a configuration.

use tailer_model::{RunId, TaskId, rfc3339_micros};
use tailer_store::{expectations, runs};

use crate::{ConfigurationRef, Engine, EngineError, ExpectationView, configurations::resolve};

/// Results that are looked through for those of one task.
const LOOKED_THROUGH: u32 = 10_000;

impl Engine {
    /// Results of one run in the order they were found, or the latest of all runs of a configuration, newest first.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown configuration, or a run that is none of its.
    pub async fn expectations(
        &self,
        configuration: &ConfigurationRef,
        run: Option<&RunId>,
        task: Option<&TaskId>,
        limit: u32,
    ) -> Result<Vec<ExpectationView>, EngineError> {
        let (wanted, run, task) = (configuration.clone(), run.cloned(), task.cloned());
        // Of one task there are fewer than of all: more are looked through.
        let read = if task.is_some() { limit.max(LOOKED_THROUGH) } else { limit };
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = match &run {
                    Some(run) => {
                        let known = runs::get(tx, run)?.filter(|found| found.configuration == row.key);
                        known.ok_or_else(|| {
                            EngineError::not_found(
                                "unknown_run",
                                format!("there is no run {run} of this configuration"),
                            )
                        })?;
                        expectations::of_run(tx, run, read)?
                    }
                    None => expectations::of_configuration(tx, row.key, read)?,
                };
                let of_task = |id: &TaskId| task.as_ref().is_none_or(|task| task == id);
                let found = found.into_iter().filter(|row| of_task(&row.task_id));
                Ok(found.take(usize::try_from(limit).unwrap_or(usize::MAX)).map(view).collect())
            })
            .await
    }
}

pub(crate) fn view(row: expectations::ExpectationRow) -> ExpectationView {
    ExpectationView {
        run_id: row.run_id,
        task_id: row.task_id,
        attempt: row.attempt,
        date: rfc3339_micros(row.checked),
        criticality: row.criticality.to_string(),
        passed: row.found.passed,
        line: row.found.line,
        message: row.found.message,
        expectation_result: row.found.result,
        rejected: row.found.rejected,
    }
}

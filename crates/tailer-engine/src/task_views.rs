//! The tasks of a run as the API shows them (`spec/api.md`, `get_run_details`).

use tailer_model::{RunId, rfc3339_micros};
use tailer_store::{Tx, tasks};

use crate::{AttemptView, EngineError, TaskView};

/// In the order of the configuration.
pub(crate) fn of_run(tx: &mut Tx<'_>, run: &RunId) -> Result<Vec<TaskView>, EngineError> {
    let mut attempts = tasks::attempts(tx, run)?;
    let view = |task: tasks::TaskRow| {
        let own = attempts.extract_if(.., |attempt| attempt.task_id == task.task_id).map(attempt_view).collect();
        task_view(task, own)
    };
    Ok(tasks::list(tx, run)?.into_iter().map(view).collect())
}

fn attempt_view(attempt: tasks::AttemptRow) -> AttemptView {
    AttemptView {
        attempt: attempt.attempt,
        start_date: attempt.start.map(rfc3339_micros),
        end_date: rfc3339_micros(attempt.end),
        error: attempt.error,
    }
}

fn task_view(task: tasks::TaskRow, attempts: Vec<AttemptView>) -> TaskView {
    TaskView {
        task_id: task.task_id,
        task_type: task.task_type,
        status: task.status.to_string(),
        criticality: task.criticality.to_string(),
        attempt: task.attempt,
        due_date: task.due.map(rfc3339_micros),
        attempts,
        start_date: task.start.map(rfc3339_micros),
        end_date: task.end.map(rfc3339_micros),
        statistics: task.statistics,
        sql: task.sql,
        error: task.error,
    }
}

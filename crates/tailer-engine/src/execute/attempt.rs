//! One attempt at a task, from its start to its end: by itself, by its timeout, or because the run is stopped.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::TaskStatus;
use tailer_store::tasks::TaskEnd;
use tokio_util::sync::CancellationToken;

use super::{Executor, TaskContext, TaskDone};
use crate::{catalog::written::TableChange, error::TaskError};

/// How long a stopped run waits for the answer of a statement that it stops.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);

/// A task's attempt that is over.
pub(super) struct Ended {
    pub(super) task: usize,
    pub(super) end: TaskEnd,
    /// What became of tables, of one that succeeded.
    pub(super) tables: Vec<TableChange>,
}

impl Ended {
    /// Of a task that never began.
    pub(super) fn without_work(task: usize, status: TaskStatus, at: Timestamp) -> Self {
        let end = TaskEnd { status, statistics: Value::Null, sql: None, error: None, at };
        Self { task, end, tables: Vec::new() }
    }
}

/// Runs one attempt to its end.
pub(super) async fn run(executor: &'static dyn Executor, context: TaskContext, cancel: CancellationToken) -> Ended {
    let result = result(executor, &context, &cancel).await;
    let at = context.run.inner.now();
    let sql = context.sql();
    let (status, done, error) = match result {
        Ok(done) => (TaskStatus::Success, done, None),
        Err(TaskError::Cancelled) => (TaskStatus::Cancelled, TaskDone::default(), Some("cancelled".to_owned())),
        Err(TaskError::Failed(message)) => (TaskStatus::Failed, TaskDone::default(), Some(message)),
    };
    let TaskDone { statistics, tables } = done;
    let statistics = with_cost(statistics, context.cost());
    Ended { task: context.position, end: TaskEnd { status, statistics, sql, error, at }, tables }
}

/// Says what all statements have cost, also of a task that failed after some.
fn with_cost(statistics: Value, cost: Option<f64>) -> Value {
    match (statistics, cost) {
        (Value::Object(mut told), Some(cost)) => {
            told.insert("cost".to_owned(), cost.into());
            Value::Object(told)
        }
        (Value::Null, Some(cost)) => json!({ "cost": cost }),
        (statistics, _) => statistics,
    }
}

async fn result(
    executor: &'static dyn Executor,
    context: &TaskContext,
    cancel: &CancellationToken,
) -> Result<TaskDone, TaskError> {
    // A defect in an executor fails its task, not the server.
    let work = AssertUnwindSafe(executor.execute(context)).catch_unwind().map(|result| {
        result.unwrap_or_else(|_| Err(TaskError::Failed("internal error; the server's log has the details".into())))
    });
    tokio::pin!(work);
    let limit = context.task.endurance.timeout;
    let expired = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = &mut work => return result,
        () = cancel.cancelled() => {
            // A statement is stopped where it runs and then answers; anything else stops by being dropped.
            if context.stop_jobs().await {
                let _stopped = tokio::time::timeout(ANSWER, work).await;
            }
            return Err(TaskError::Cancelled);
        }
        () = expired => {}
    }
    // Another attempt may follow, so the statement's answer is waited for: what had its effect at the last moment counts.
    if context.stop_jobs().await
        && let Ok(done) = work.await
    {
        return Ok(done);
    }
    if cancel.is_cancelled() {
        return Err(TaskError::Cancelled);
    }
    Err(TaskError::Failed(format!("timed out after {} s", limit.unwrap_or_default().as_secs())))
}

//! The log of a run. Lines wait in memory for the driver's next transaction; when a task runs for long without one, they are
//! written by themselves, so that a person who follows sees them.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use tailer_model::{RunId, TaskId};
use tailer_store::{
    Durability, StoreError,
    logs::{self, LogLine},
};

use crate::engine::Inner;

/// How long a line may wait for a transaction that takes it along.
const PATIENCE: Duration = Duration::from_millis(100);

pub(crate) fn line(date: Timestamp, level: &str, task_id: Option<&TaskId>, message: String) -> LogLine {
    LogLine { date, level: level.to_owned(), task_id: task_id.cloned(), message }
}

#[derive(Debug, Clone)]
pub(crate) struct RunLog(Arc<Pending>);

#[derive(Debug)]
struct Pending {
    inner: Weak<Inner>,
    run: RunId,
    lines: Mutex<Vec<LogLine>>,
}

impl RunLog {
    pub(crate) fn new(inner: &Arc<Inner>, run: RunId) -> Self {
        Self(Arc::new(Pending { inner: Arc::downgrade(inner), run, lines: Mutex::default() }))
    }

    pub(crate) fn push(&self, level: &str, task: Option<&TaskId>, message: String) {
        let Some(inner) = self.0.inner.upgrade() else { return };
        let first = {
            let mut lines = self.0.lines.lock();
            lines.push(line(inner.now(), level, task, message));
            lines.len() == 1
        };
        if first {
            let pending = self.0.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                pending.write().await;
            });
        }
    }

    /// Takes what is pending, for the caller's own transaction.
    pub(crate) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut self.0.lines.lock())
    }
}

impl Pending {
    async fn write(&self) {
        let lines = std::mem::take(&mut *self.lines.lock());
        let Some(inner) = self.inner.upgrade().filter(|_| !lines.is_empty()) else { return };
        let run = self.run.clone();
        let written = inner
            .parts
            .store
            .write::<_, StoreError>(Durability::Relaxed, move |tx| logs::append(tx, &run, &lines))
            .await;
        match written {
            Ok(()) => inner.announce(&self.run),
            Err(error) => tracing::warn!(run = %self.run, %error, "log lines could not be written"),
        }
    }
}

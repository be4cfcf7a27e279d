//! Tasks that somebody wants stopped, while their run goes on.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tailer_model::TaskId;
use tokio::sync::Notify;

/// What the driver of a run is told by others: which tasks, and on whose word.
#[derive(Debug, Default)]
pub(crate) struct Stops {
    wanted: Mutex<BTreeMap<TaskId, String>>,
    told: Notify,
}

impl Stops {
    /// Wants a task stopped. Said again, it changes nothing.
    pub(crate) fn want(&self, task: TaskId, by: String) {
        self.wanted.lock().entry(task).or_insert(by);
        self.told.notify_one();
    }

    /// Waits until something is wanted that was not when this was asked last.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    /// All that is wanted.
    pub(super) fn wanted(&self) -> Vec<TaskId> {
        self.wanted.lock().keys().cloned().collect()
    }

    /// Whoever wants this task stopped.
    pub(super) fn of(&self, task: &TaskId) -> Option<String> {
        self.wanted.lock().get(task).cloned()
    }
}

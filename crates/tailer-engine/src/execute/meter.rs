//! How many bytes of a file have been copied, for people who watch (`get_run_details`, `tailerd status`, the run's log).
//!
//! Notes are throttled and only hints: losing them costs nothing but a look, or a copy made again after a crash.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tailer_model::TaskId;
use tailer_store::{Durability, StoreError, runs};

use super::{RunContext, TaskContext};

/// Between two notes on the run.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// Between two lines in the log.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Files from this size on, in bytes: a takeover should know which destinations have theirs.
const LARGE: u64 = 16 << 20;

/// What the run's `progress` holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Noted {
    /// Bytes read from the source so far.
    pub(super) bytes: u64,
    pub(super) total: u64,
    /// Destinations that have the whole file: address and version.
    #[serde(default)]
    pub(super) destinations: BTreeMap<String, String>,
}

/// What was noted before an interruption.
pub(super) fn noted(run: &RunContext) -> Noted {
    serde_json::from_value(run.run.progress.clone()).unwrap_or_default()
}

/// Counts and notes. Cloning shares it.
#[derive(Debug, Clone)]
pub(super) struct Meter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    run: Arc<RunContext>,
    task: TaskId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    noted: Noted,
    note_due: Instant,
    line_due: Instant,
}

impl Meter {
    /// `total`: bytes of the file.
    pub(super) fn new(task: &TaskContext, total: u64) -> Self {
        let now = Instant::now();
        let state = State {
            noted: Noted { total, ..Noted::default() },
            note_due: now + NOTE_EVERY,
            line_due: now + LINE_EVERY,
        };
        Self(Arc::new(Shared { run: task.run.clone(), task: task.task.id.clone(), state: Mutex::new(state) }))
    }

    /// The file is read from its beginning, once more perhaps.
    pub(super) fn restart(&self) {
        self.0.state.lock().noted.bytes = 0;
    }

    /// So many bytes more were read.
    pub(super) fn add(&self, bytes: usize) {
        let (note, line) = {
            let mut state = self.0.state.lock();
            state.noted.bytes += bytes as u64;
            let now = Instant::now();
            let (note_is_due, line_is_due) = (now >= state.note_due, now >= state.line_due);
            if note_is_due {
                state.note_due = now + NOTE_EVERY;
            }
            if line_is_due {
                state.line_due = now + LINE_EVERY;
            }
            let line = format!("{} of {} bytes copied", state.noted.bytes, state.noted.total);
            (note_is_due.then(|| state.noted.clone()), line_is_due.then_some(line))
        };
        if let Some(line) = line {
            self.0.run.log.push("INFO", Some(&self.0.task), line);
        }
        if let Some(note) = note {
            let run = self.0.run.clone();
            tokio::spawn(async move { write(&run, note).await });
        }
    }

    /// A destination has the whole file. Noted at once when that saves much after a crash.
    pub(super) async fn arrived(&self, destination: String, version: String) {
        let note = {
            let mut state = self.0.state.lock();
            state.noted.destinations.insert(destination, version);
            (state.noted.total >= LARGE).then(|| state.noted.clone())
        };
        if let Some(note) = note {
            write(&self.0.run, note).await;
        }
    }
}

async fn write(run: &RunContext, note: Noted) {
    let (id, fence) = (run.run.run_id.clone(), run.run.fence);
    let Ok(note) = serde_json::to_value(note) else { return };
    let noting = run
        .inner
        .parts
        .store
        .write::<_, StoreError>(Durability::Relaxed, move |tx| runs::set_progress(tx, &id, fence, note));
    if let Err(error) = noting.await {
        tracing::warn!(run = %run.run.run_id, %error, "its progress could not be noted");
    }
}

//! Jobs of this process: running ones to attach to and to stop, and the results of the last ended ones.
//!
//! What must outlive the process is in the job table; this is only its memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::session::Stopper;
use crate::{Outcome, WarehouseError, WarehouseJobId};

/// Results kept of jobs that have ended.
const REMEMBERED: usize = 4096;

/// How often a job that is to stop is interrupted again, see [`Stopper::stop`].
const INTERRUPT_EVERY: Duration = Duration::from_millis(10);

type JobResult = Result<Outcome, WarehouseError>;

#[derive(Debug)]
pub(crate) struct JobHandle {
    result: watch::Sender<Option<JobResult>>,
    pub(crate) stopper: Arc<Stopper>,
}

impl JobHandle {
    fn new() -> Arc<Self> {
        Arc::new(Self { result: watch::Sender::new(None), stopper: Arc::default() })
    }

    /// Waits for the job's end.
    pub(crate) async fn wait(&self) -> JobResult {
        let mut result = self.result.subscribe();
        let ended = result.wait_for(Option::is_some).await;
        let vanished = || Err(WarehouseError::Internal("the job ended without a result".to_owned()));
        ended.ok().and_then(|result| result.clone()).unwrap_or_else(vanished)
    }

    /// Stops the job and waits until it has stopped.
    pub(crate) async fn stop(&self) {
        let mut result = self.result.subscribe();
        loop {
            self.stopper.stop();
            let ended = tokio::time::timeout(INTERRUPT_EVERY, result.wait_for(Option::is_some)).await.is_ok();
            if ended {
                return;
            }
        }
    }

    fn failed_in_passing(&self) -> bool {
        matches!(&*self.result.borrow(), Some(Err(WarehouseError::Transient(_))))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Jobs {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<WarehouseJobId, Arc<JobHandle>>,
    ended: VecDeque<WarehouseJobId>,
}

impl Jobs {
    /// Enters a new job; `None` when the id is known and the caller is to attach. One that failed in passing is begun
    /// anew.
    pub(crate) fn begin(&self, id: &WarehouseJobId) -> Option<Arc<JobHandle>> {
        let mut state = self.state.lock();
        if state.known.get(id).is_some_and(|known| !known.failed_in_passing()) {
            return None;
        }
        state.ended.retain(|ended| ended != id);
        let handle = JobHandle::new();
        state.known.insert(id.clone(), Arc::clone(&handle));
        Some(handle)
    }

    pub(crate) fn get(&self, id: &WarehouseJobId) -> Option<Arc<JobHandle>> {
        self.state.lock().known.get(id).cloned()
    }

    pub(crate) fn end(&self, id: &WarehouseJobId, handle: &JobHandle, result: JobResult) {
        handle.result.send_replace(Some(result));
        let mut state = self.state.lock();
        state.ended.push_back(id.clone());
        while state.ended.len() > REMEMBERED {
            if let Some(oldest) = state.ended.pop_front() {
                state.known.remove(&oldest);
            }
        }
    }

    /// Asks every running job to stop, without waiting.
    pub(crate) fn stop_all(&self) {
        for handle in self.state.lock().known.values() {
            handle.stopper.stop();
        }
    }
}

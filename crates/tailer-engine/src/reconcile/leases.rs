//! Leases: renews those of the runs that this process drives, stops runs that somebody wants stopped, and takes over runs
//! whose worker gave no sign of life for the length of a lease.

use std::sync::Arc;

use tailer_store::{Durability, StoreError, runs, tasks};

use crate::{EngineError, engine::Inner, execute::driver};

/// Runs taken over in one transaction.
const BATCH: usize = 64;

pub(super) async fn run(inner: &Arc<Inner>) -> Result<(), EngineError> {
    let settings = &inner.parts.settings;
    let now = inner.now();
    let lease_until = inner.lease_until(now);
    if !inner.driven.lock().is_empty() {
        let worker = settings.worker.clone();
        let (runs, tasks) = inner
            .parts
            .store
            .write(Durability::Relaxed, move |tx| {
                runs::renew(tx, &worker, now, lease_until)?;
                Ok::<_, StoreError>((runs::cancel_requested(tx, &worker)?, tasks::cancels_wanted(tx, &worker)?))
            })
            .await?;
        let driven = inner.driven.lock();
        for driven in runs.iter().filter_map(|run| driven.get(run)) {
            driven.cancel.cancel();
        }
        for (run, task, by) in tasks {
            if let Some(driven) = driven.get(&run) {
                driven.stops.want(task, by);
            }
        }
    }
    loop {
        let free = settings.max_running.saturating_sub(inner.driven.lock().len()).min(BATCH);
        if free == 0 || inner.stopping.is_cancelled() {
            return Ok(());
        }
        let (worker, place) = (settings.worker.clone(), settings.place);
        let taken = inner
            .parts
            .store
            .write(Durability::Relaxed, move |tx| runs::take_over(tx, &worker, now, lease_until, free, place))
            .await?;
        let more = taken.len() == free;
        for run in taken {
            tracing::info!(run = %run.run_id, "taken over: its worker is gone");
            driver::spawn(inner, run);
        }
        if !more {
            return Ok(());
        }
    }
}

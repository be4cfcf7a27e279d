//! Dispatch: queued runs get slots, in order of arrival, under `max_active_runs` of their configuration and under this
//! server's own limit. Taking the slot, and the lease with it, is one transaction.

use std::sync::Arc;

use tailer_store::{Durability, runs};

use crate::{EngineError, engine::Inner, execute::driver};

/// Runs taken in one transaction.
const BATCH: usize = 64;

pub(super) async fn run(inner: &Arc<Inner>) -> Result<(), EngineError> {
    let settings = &inner.parts.settings;
    loop {
        let free = settings.max_running.saturating_sub(inner.driven.lock().len());
        let limit = free.min(BATCH);
        if limit == 0 || inner.stopping.is_cancelled() {
            return Ok(());
        }
        let (worker, max_running, now) = (settings.worker.clone(), settings.max_running, inner.now());
        let (lease_until, place) = (inner.lease_until(now), settings.place);
        let claimed = inner
            .parts
            .store
            .write(Durability::Relaxed, move |tx| runs::claim(tx, &worker, now, lease_until, limit, max_running, place))
            .await?;
        let more = claimed.len() == limit;
        for run in claimed {
            driver::spawn(inner, run);
        }
        if !more {
            return Ok(());
        }
    }
}

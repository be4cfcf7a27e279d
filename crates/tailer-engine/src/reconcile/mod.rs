//! Background activities. Each file is one idempotent function without input that looks at the state and mends it.
//!
//! A reconciler is woken by a poke and also every `reconcile_every`, so a lost poke delays and never loses; whatever it does is
//! guarded by a unique key in the store, so that two servers may do it at once (`architecture.md`, invariants 2 and 5).

pub(crate) mod alerts;
mod arrivals;
mod dispatch;
mod expiry;
pub(crate) mod firings;
mod history;
mod leases;
mod resets;
pub(crate) mod ticks;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{EngineError, engine::Inner};

/// Starts all of them on the current runtime. They end when the engine stops.
pub(crate) fn start(inner: &Arc<Inner>) {
    spawn(inner, |i| &i.pokes.dispatch, every, |i| async move { dispatch::run(&i).await.map(|()| None) });
    spawn(
        inner,
        |i| &i.pokes.ticks,
        every,
        |i| async move {
            let due = [ticks::run(&i).await?, resets::run(&i).await?];
            Ok(due.into_iter().flatten().min())
        },
    );
    spawn(inner, |i| &i.pokes.firings, every, |i| async move { firings::run(&i).await.map(|()| None) });
    spawn(
        inner,
        |i| &i.pokes.leases,
        |i| i.parts.settings.lease / 3,
        |i| async move { leases::run(&i).await.map(|()| None) },
    );
    spawn(
        inner,
        |i| &i.pokes.expiry,
        |_| Duration::from_secs(60),
        |i| async move { expiry::run(&i).await.map(|()| None) },
    );
    spawn(
        inner,
        |i| &i.pokes.history,
        |_| Duration::from_secs(60),
        |i| async move { history::run(&i).await.map(|()| None) },
    );
    spawn(inner, |i| &i.pokes.alerts, every, |i| async move { alerts::run(&i).await });
    arrivals::start(inner);
}

fn every(inner: &Inner) -> Duration {
    inner.parts.settings.reconcile_every
}

/// Runs `reconcile` now, when poked, after `period` at the latest, and when it asked to be run again.
fn spawn<F, R>(inner: &Arc<Inner>, poke: fn(&Inner) -> &Notify, period: fn(&Inner) -> Duration, reconcile: R)
where
    F: Future<Output = Result<Option<Timestamp>, EngineError>> + Send + 'static,
    R: Fn(Arc<Inner>) -> F + Send + Sync + 'static,
{
    let inner = inner.clone();
    inner.clone().tasks.spawn(async move {
        loop {
            let due = match reconcile(inner.clone()).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "a background activity failed; it is tried again");
                    None
                }
            };
            let wait = due.map_or(period(&inner), |due| until(&inner, due).min(period(&inner)));
            tokio::select! {
                () = poke(&inner).notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = inner.stopping.cancelled() => return,
            }
        }
    });
}

/// Time left until `due`; nothing when it has passed.
fn until(inner: &Inner, due: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(inner.now())).unwrap_or_default()
}

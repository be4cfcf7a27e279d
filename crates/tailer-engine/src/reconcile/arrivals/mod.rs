//! Arrivals: files in watched folders become runs (`spec/semantics.md`, File arrival).
//!
//! Each operation that files start has a watcher of its own ([`watcher`]), so that a slow storage delays nobody else's files. This
//! keeps the watchers what the deployed operations ask for: one for each that is enabled, anew with each version.
//!
//! A watcher looks when something tells that the folder may have changed (the storage's own watch, or a notification that was
//! pushed), when a file rests by now, and every `poll_every`; [`look`] is what it then does. Whatever told, the ledger decides.

mod look;
mod rest;
mod watcher;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tailer_store::{ConfigurationKey, configurations, runs::Place};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::{EngineError, engine::Inner};
use watcher::{Watched, Watcher};

/// Looks into local folders at once: they cost the disk and the processor.
const LOCAL_LOOKS: usize = 2;
/// Looks into remote storages at once: they mostly wait, and one that hangs takes nobody's turn but other remote ones'.
const REMOTE_LOOKS: usize = 32;

/// How many looks there may be at once.
#[derive(Debug, Clone)]
struct Turns {
    local: Arc<Semaphore>,
    remote: Arc<Semaphore>,
}

/// Ends with its handle.
type Running = HashMap<(ConfigurationKey, u32), AbortOnDropHandle<()>>;

pub(super) fn start(inner: &Arc<Inner>) {
    let inner = inner.clone();
    inner.clone().tasks.spawn(async move {
        let turns =
            Turns { local: Arc::new(Semaphore::new(LOCAL_LOOKS)), remote: Arc::new(Semaphore::new(REMOTE_LOOKS)) };
        let mut running = Running::new();
        loop {
            if let Err(error) = keep(&inner, &turns, &mut running).await {
                tracing::error!(%error, "the operations that files start could not be read; it is tried again");
            }
            tokio::select! {
                () = inner.stopping.cancelled() => return,
                () = inner.pokes.arrivals.notified() => {}
                () = tokio::time::sleep(inner.parts.settings.reconcile_every) => {}
            }
        }
    });
}

/// Starts the watchers that are missing and ends those that nothing asks for any more.
async fn keep(inner: &Arc<Inner>, turns: &Turns, running: &mut Running) -> Result<(), EngineError> {
    let (engine, home) = (inner.clone(), inner.parts.settings.place == Place::Home);
    let watched = inner
        .parts
        .store
        .read(move |tx| {
            let mut watched = Vec::new();
            for row in configurations::all(tx)? {
                let here = home || row.roams;
                if here && row.activated && row.identity.configuration_type.is_started_by_files() {
                    watched.push(Watched { loaded: engine.cache.load(tx, row.key, row.version)?, row });
                }
            }
            Ok::<_, EngineError>(watched)
        })
        .await?;
    let wanted: HashSet<(ConfigurationKey, u32)> = watched.iter().map(|w| (w.row.key, w.row.version)).collect();
    running.retain(|one, task| wanted.contains(one) && !task.is_finished());
    inner.hints.keep(|key| wanted.iter().any(|(wanted, _)| wanted == key));
    for one in watched {
        running.entry((one.row.key, one.row.version)).or_insert_with(|| {
            let watcher = Watcher::new(inner, turns.clone(), one);
            AbortOnDropHandle::new(inner.tasks.spawn(watcher.run()))
        });
    }
    Ok(())
}

//! Watches one folder for one operation: decides when to look, and at what.
//!
//! What tells of changes only wakes; looks decide. A folder that takes long to look at is looked at less often, so that a
//! very large one costs a bounded part of the machine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tailer_storage::{LocalStorage, ObjectPath, Storage, WatchGuard};
use tailer_store::configurations::ConfigurationRow;
use tokio::sync::Semaphore;

use super::{Turns, look::Look, rest::Resting};
use crate::{
    cache::Loaded,
    engine::Inner,
    files::source_of,
    hints::{Asked, Hint},
    reconcile::until,
};

/// A look that nobody asked for comes after so many times what the last one took: it costs a twentieth at most.
const PERIOD_FACTOR: u32 = 20;
/// A look that was asked for comes after so many times what the last one took.
const ASKED_FACTOR: u32 = 3;
/// Longest time between two tries at a storage that does not answer.
const SLOWEST_RETRY: Duration = Duration::from_secs(60);
/// More files than this that are due at once are looked for in a listing of the folder.
const SINGLY: usize = 200;

/// An operation that files start.
pub(super) struct Watched {
    pub(super) row: ConfigurationRow,
    pub(super) loaded: Arc<Loaded>,
}

pub(super) struct Watcher {
    inner: Arc<Inner>,
    turns: Turns,
    watched: Watched,
    hint: Arc<Hint>,
    resting: Option<Resting>,
    guard: Option<WatchGuard>,
    /// Whether a watch was tried for, with success or not.
    tried: bool,
    /// When the last look at the whole folder ended, and how long it took.
    last: Option<(Instant, Duration)>,
    failures: u32,
}

/// What to look at now.
enum Next {
    All,
    Files(Vec<ObjectPath>),
    /// Nothing for so long, unless somebody asks.
    Wait(Duration),
}

impl Watcher {
    pub(super) fn new(inner: &Arc<Inner>, turns: Turns, watched: Watched) -> Self {
        let hint = inner.hints.of(watched.row.key);
        let inner = inner.clone();
        Self { inner, turns, watched, hint, resting: None, guard: None, tried: false, last: None, failures: 0 }
    }

    /// Never ends by itself, but when there is nothing to watch.
    pub(super) async fn run(mut self) {
        let mut asked = Asked { all: true, ..Asked::default() };
        loop {
            match self.next(&mut asked) {
                Next::Wait(time) => {
                    tokio::select! {
                        () = self.inner.stopping.cancelled() => return,
                        // Who waits to look at all needs no further telling.
                        () = self.hint.told(), if !asked.all => {}
                        () = tokio::time::sleep(time) => {}
                    }
                    asked.add(self.hint.take());
                }
                next => match self.look(next).await {
                    Ok(()) => self.failures = 0,
                    Err(error) => {
                        tracing::warn!(operation = %self.watched.row.identity, error,
                            "its source cannot be looked into; it is tried again");
                        // What was asked for may have been a file that nobody will tell of again.
                        asked.all = true;
                        self.failures = self.failures.saturating_add(1);
                        let every = self.inner.parts.settings.reconcile_every;
                        let pause = every.saturating_mul(1 << self.failures.min(10)).min(SLOWEST_RETRY.max(every));
                        tokio::select! {
                            () = self.inner.stopping.cancelled() => return,
                            () = tokio::time::sleep(pause) => {}
                        }
                    }
                },
            }
        }
    }

    fn next(&self, asked: &mut Asked) -> Next {
        let poll_every = self.inner.parts.settings.poll_every;
        let (period, soon) = match self.last {
            Some((ended, took)) => {
                let left = |pause: Duration| pause.saturating_sub(ended.elapsed());
                (left(poll_every.max(took * PERIOD_FACTOR)), left(took * ASKED_FACTOR))
            }
            None => (Duration::ZERO, Duration::ZERO),
        };
        let now = self.inner.now();
        if !asked.all && !period.is_zero() {
            let due = self.resting.as_ref().map_or_else(|| Some(Vec::new()), |resting| resting.due(now));
            match due {
                Some(due) if due.len() + asked.files.len() <= SINGLY => asked.files.extend(due),
                // Too many to ask for one by one.
                _ => asked.all = true,
            }
        }
        if period.is_zero() || (asked.all && soon.is_zero()) {
            *asked = Asked::default();
            Next::All
        } else if asked.all {
            Next::Wait(soon)
        } else if asked.files.is_empty() {
            let due = self.resting.as_ref().and_then(|resting| resting.next(now));
            let due = due.map_or(period, |due| until(&self.inner, due).max(Duration::from_millis(1)));
            Next::Wait(due.min(period))
        } else {
            Next::Files(asked.files.drain().collect())
        }
    }

    async fn look(&mut self, what: Next) -> Result<(), String> {
        let Some(address) = source_of(&self.watched.loaded.configuration) else { return Ok(()) };
        let storage = self.inner.parts.storages.open(address).map_err(|e| e.to_string())?;
        let folder = ObjectPath::parse(&address.prefix).map_err(|e| e.to_string())?;
        let local = storage.as_any().is::<LocalStorage>();
        let turns: &Semaphore = if local { &self.turns.local } else { &self.turns.remote };
        let _turn = turns.acquire().await.map_err(|e| e.to_string())?;
        let started = Instant::now();
        let all = matches!(what, Next::All);
        if all {
            // Before the listing, so that what appears in a folder that was made meanwhile is listed or told.
            watch(&mut self.guard, &mut self.tried, &self.watched, &self.hint, storage.as_ref(), &folder);
        }
        if !storage.appears_whole() && self.resting.is_none() {
            self.resting = Some(Resting::new(self.inner.parts.settings.file_rest, local));
        }
        let look = Look {
            inner: &self.inner,
            watched: &self.watched,
            storage: &storage,
            folder: &folder,
            resting: self.resting.as_mut(),
        };
        let looked = match what {
            Next::Files(paths) => look.at(paths.into_iter().filter(|path| path.parent() == folder).collect()).await,
            Next::All | Next::Wait(_) => look.at_all().await,
        };
        if all {
            let ended = Instant::now();
            self.last = Some((ended, ended - started));
        }
        looked
    }
}

/// Watches the folder, anew when another must be watched by now.
fn watch(
    guard: &mut Option<WatchGuard>,
    tried: &mut bool,
    watched: &Watched,
    hint: &Arc<Hint>,
    storage: &dyn Storage,
    folder: &ObjectPath,
) {
    if *tried && guard.as_ref().is_none_or(WatchGuard::covers) {
        return;
    }
    *tried = true;
    let hint = Arc::clone(hint);
    *guard = storage.watch(folder, Arc::new(move || hint.changed())).unwrap_or_else(|error| {
        tracing::warn!(operation = %watched.row.identity, %error, "cannot be watched; its folder is polled");
        None
    });
}

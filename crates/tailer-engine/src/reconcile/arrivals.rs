//! Arrivals: files in watched folders become runs (`spec/semantics.md`, File arrival).
//!
//! Folders that can be watched poke when something changes; all are listed every `poll_every`. A file is taken when it
//! rests: its modification, or its first sight when its clock is ahead of ours, lies `file_rest` back. Only files directly in
//! the source folder count, so an archive below it is never watched.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use tailer_storage::{Depth, ObjectMeta, ObjectPath, Storage, WatchGuard};
use tailer_store::{
    ConfigurationKey, Durability,
    configurations::{self, ConfigurationRow},
    files,
};
use tokio::sync::Notify;

use super::until;
use crate::{
    EngineError,
    cache::Loaded,
    engine::Inner,
    files::{is_companion, source_of, take},
};

/// Files taken in one transaction.
const BATCH: usize = 100;

/// What the reconciler remembers between two looks. Losing it costs time, never a file.
#[derive(Default)]
struct Memory {
    watches: HashMap<ConfigurationKey, (u32, Option<WatchGuard>)>,
    /// When to look again into a folder with files that do not rest yet.
    due: HashMap<ConfigurationKey, Timestamp>,
    /// Files that do not rest yet: version, and when it was first seen.
    unrested: HashMap<(ConfigurationKey, String), (String, Timestamp)>,
    /// Files that were handled and are still there.
    handled: HashSet<(ConfigurationKey, String, String)>,
}

/// What the watches tell. Apart from the engine's own pokes, which ask for a look at everything: one must not pass for the
/// other when both come at once.
#[derive(Default)]
struct Changes {
    keys: Mutex<HashSet<ConfigurationKey>>,
    told: Notify,
}

impl Changes {
    fn tell(&self, key: ConfigurationKey) {
        self.keys.lock().insert(key);
        self.told.notify_one();
    }
}

struct Watched {
    row: ConfigurationRow,
    loaded: Arc<Loaded>,
}

pub(super) fn start(inner: &Arc<Inner>) {
    let inner = inner.clone();
    inner.clone().tasks.spawn(async move {
        let mut memory = Memory::default();
        let changes = Arc::new(Changes::default());
        let period = inner.parts.settings.poll_every;
        // The first look, and one every `period`, is at everything; the others at what is said to have changed and at what
        // rests by now.
        let mut all = true;
        let mut looked_at_all = Instant::now();
        loop {
            if all {
                looked_at_all = Instant::now();
            }
            let mut only = std::mem::take(&mut *changes.keys.lock());
            let now = inner.now();
            only.extend(memory.due.iter().filter(|(_, due)| **due <= now).map(|(key, _)| *key));
            if let Err(error) = look(&inner, &mut memory, &changes, (!all).then_some(&only)).await {
                tracing::error!(%error, "arrivals could not be looked for; it is tried again");
                tokio::select! {
                    () = inner.stopping.cancelled() => return,
                    () = tokio::time::sleep(inner.parts.settings.reconcile_every) => {}
                }
                // What was told is forgotten by now.
                all = true;
                continue;
            }
            let left = period.saturating_sub(looked_at_all.elapsed());
            let due = memory.due.values().min().map(|due| until(&inner, *due).max(Duration::from_millis(1)));
            tokio::select! {
                // In this order: when several are ready, the look at everything comes first.
                biased;
                () = inner.stopping.cancelled() => return,
                () = inner.pokes.arrivals.notified() => all = true,
                () = changes.told.notified() => all = looked_at_all.elapsed() >= period,
                () = tokio::time::sleep(due.unwrap_or(left).min(left)) => all = looked_at_all.elapsed() >= period,
            }
        }
    });
}

/// Looks into all watched folders, or `only` those of some configurations.
async fn look(
    inner: &Arc<Inner>,
    memory: &mut Memory,
    changes: &Arc<Changes>,
    only: Option<&HashSet<ConfigurationKey>>,
) -> Result<(), EngineError> {
    let engine = inner.clone();
    let watched = inner
        .parts
        .store
        .read(move |tx| {
            let mut watched = Vec::new();
            for row in configurations::all(tx)? {
                if row.activated && row.identity.configuration_type.is_started_by_files() {
                    watched.push(Watched { loaded: engine.cache.load(tx, row.key, row.version)?, row });
                }
            }
            Ok::<_, EngineError>(watched)
        })
        .await?;
    let keys: HashSet<ConfigurationKey> = watched.iter().map(|w| w.row.key).collect();
    memory.watches.retain(|key, _| keys.contains(key));
    memory.due.retain(|key, _| keys.contains(key));
    for one in watched.iter().filter(|w| only.is_none_or(|only| only.contains(&w.row.key))) {
        memory.due.remove(&one.row.key);
        match look_into(inner, memory, changes, one).await {
            Ok(Some(due)) => drop(memory.due.insert(one.row.key, due)),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(operation = %one.row.identity, error, "its source cannot be looked into; it is tried again");
                // What was due may have been a file that nobody will tell of again.
                let again = inner.now().checked_add(inner.parts.settings.reconcile_every);
                memory.due.extend(again.ok().map(|again| (one.row.key, again)));
            }
        }
    }
    Ok(())
}

/// Looks into one folder; answers when a file there will rest.
async fn look_into(
    inner: &Arc<Inner>,
    memory: &mut Memory,
    changes: &Arc<Changes>,
    watched: &Watched,
) -> Result<Option<Timestamp>, String> {
    let (key, configuration) = (watched.row.key, &watched.loaded.configuration);
    let Some(address) = source_of(configuration) else { return Ok(None) };
    let storage = inner.parts.storages.open(address).map_err(|e| e.to_string())?;
    let folder = ObjectPath::parse(&address.prefix).map_err(|e| e.to_string())?;
    watch(memory, changes, watched, storage.as_ref(), &folder);
    let mut listed = storage.list(&folder, Depth::Folder).await.map_err(|e| e.to_string())?;
    let mut next: Option<Timestamp> = None;
    let mut batch = Vec::new();
    let mut present = HashSet::new();
    while let Some(file) = listed.next().await {
        let file = file.map_err(|e| e.to_string())?;
        if is_companion(configuration, file.path.name()) {
            continue;
        }
        let location = storage.location(&file.path);
        let identity = (key, location.clone(), file.version.clone());
        present.insert(location.clone());
        if memory.handled.contains(&identity) {
            continue;
        }
        match rests_at(inner, memory, key, &location, &file) {
            Some(due) => next = next.into_iter().chain([due]).min(),
            None => batch.push((file, location)),
        }
        if batch.len() == BATCH {
            take_all(inner, memory, key, std::mem::take(&mut batch)).await.map_err(|e| e.to_string())?;
        }
    }
    take_all(inner, memory, key, batch).await.map_err(|e| e.to_string())?;
    memory.handled.retain(|(k, location, _)| *k != key || present.contains(location));
    memory.unrested.retain(|(k, location), _| *k != key || present.contains(location));
    Ok(next)
}

/// When the file will rest; `None` when it does already.
fn rests_at(
    inner: &Inner,
    memory: &mut Memory,
    key: ConfigurationKey,
    location: &str,
    file: &ObjectMeta,
) -> Option<Timestamp> {
    let (now, rest) = (inner.now(), inner.parts.settings.file_rest);
    let seen = memory.unrested.entry((key, location.to_owned())).or_insert_with(|| (file.version.clone(), now));
    if seen.0 != file.version {
        *seen = (file.version.clone(), now);
    }
    let since = if file.modified <= now { file.modified } else { seen.1 };
    let due = since.checked_add(rest).unwrap_or(now);
    (due > now).then_some(due)
}

async fn take_all(
    inner: &Arc<Inner>,
    memory: &mut Memory,
    key: ConfigurationKey,
    batch: Vec<(ObjectMeta, String)>,
) -> Result<(), EngineError> {
    if batch.is_empty() {
        return Ok(());
    }
    let (engine, now) = (inner.clone(), inner.now());
    let (runs, handled) = inner
        .parts
        .store
        .write(Durability::Relaxed, move |tx| {
            let (mut runs, mut handled) = (false, Vec::new());
            for (file, location) in batch {
                runs |= take(&engine, tx, key, &file, &location, now)?;
                if files::seen(tx, key, &location, &file.version)?.is_some() {
                    handled.push((key, location, file.version));
                }
            }
            Ok::<_, EngineError>((runs, handled))
        })
        .await?;
    for identity in handled {
        memory.unrested.remove(&(key, identity.1.clone()));
        memory.handled.insert(identity);
    }
    if runs {
        inner.runs_changed();
    }
    Ok(())
}

/// Keeps one watch for each configuration, made anew with a new version or when another folder must be watched. Called
/// before each listing, so that what appears in a folder that was made meanwhile is listed or told.
fn watch(memory: &mut Memory, changes: &Arc<Changes>, watched: &Watched, storage: &dyn Storage, folder: &ObjectPath) {
    let key = watched.row.key;
    let kept = memory.watches.get(&key).is_some_and(|(version, guard)| {
        *version == watched.row.version && guard.as_ref().is_none_or(WatchGuard::covers)
    });
    if kept {
        return;
    }
    let told = changes.clone();
    let poke = move || told.tell(key);
    let guard = storage.watch(folder, Arc::new(poke)).unwrap_or_else(|error| {
        tracing::warn!(operation = %watched.row.identity, %error, "cannot be watched; its folder is polled");
        None
    });
    memory.watches.insert(key, (watched.row.version, guard));
}

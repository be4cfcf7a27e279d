//! Being told of changes below a folder, by the operating system.
//!
//! A hint, never the truth: whoever is poked lists the folder. So events are not told apart beyond leaving out those
//! that change nothing, and running out of watches means polling, not failure.

use std::sync::Arc;

use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

use super::resolve::Root;
use crate::{ObjectPath, StorageError, WatchGuard};

pub(super) fn start(
    root: &Arc<Root>,
    prefix: &ObjectPath,
    poke: Arc<dyn Fn() + Send + Sync>,
) -> Result<Option<WatchGuard>, StorageError> {
    let folder = nearest_folder(root, prefix)?;
    let known = Arc::clone(root);
    let on_event = move |event: notify::Result<Event>| {
        // An error (a queue that overflowed) may stand for any change.
        if event.is_ok_and(|event| !concerns(&known, &event)) {
            return;
        }
        poke();
    };
    // Links are not followed, so that nothing outside the bucket is watched.
    let watching =
        RecommendedWatcher::new(on_event, Config::default().with_follow_symlinks(false)).and_then(|mut watcher| {
            watcher.watch(&folder, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
    match watching {
        Ok(watcher) => Ok(Some(WatchGuard(Box::new(watcher)))),
        Err(error) => {
            tracing::warn!(folder = root.location(prefix), %error, "cannot be watched: new files are seen by polling");
            Ok(None)
        }
    }
}

/// The folder itself, or while it is missing the nearest one above it, where its creation will show.
fn nearest_folder(root: &Root, prefix: &ObjectPath) -> Result<std::path::PathBuf, StorageError> {
    let mut path = prefix.clone();
    loop {
        match root.existing(&path)? {
            Some(folder) if folder.is_dir() => return Ok(folder),
            _ if path.is_root() => return Err(root.not_found(&path)),
            _ => path = path.parent(),
        }
    }
}

/// Reading changes nothing, and unfinished writes are nobody's concern until they are renamed out of staging.
fn concerns(root: &Root, event: &Event) -> bool {
    let changes = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    changes && (event.paths.is_empty() || event.paths.iter().any(|path| !root.is_staging(path)))
}

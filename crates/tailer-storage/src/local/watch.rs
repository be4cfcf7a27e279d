//! Being told of changes below a folder, by the operating system.
//!
//! A hint, never the truth: whoever is poked lists the folder. So events are not told apart beyond leaving out those
//! that bring no file, and running out of watches means polling, not failure.
//!
//! One folder is watched, not what lies below it: a recursive watch learns of a new folder only after files may have been
//! put into it. Instead the guard tells when another folder should be watched by now, and its holder watches anew.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind, RemoveKind, RenameMode},
};
use parking_lot::Mutex;

use super::resolve::Root;
use crate::{ObjectPath, StorageError, WatchGuard};

pub(super) fn start(
    root: &Arc<Root>,
    prefix: &ObjectPath,
    poke: Arc<dyn Fn() + Send + Sync>,
) -> Result<Option<WatchGuard>, StorageError> {
    let known = Arc::clone(root);
    let current = Arc::new(Mutex::new(PathBuf::new()));
    let watched_now = Arc::clone(&current);
    let on_event = move |event: notify::Result<Event>| {
        // An error (a queue that overflowed) may stand for any change.
        if event.is_ok_and(|event| !concerns(&known, &watched_now.lock(), &event)) {
            return;
        }
        poke();
    };
    // Links are not followed, so that nothing outside the bucket is watched.
    let watching = RecommendedWatcher::new(on_event, Config::default().with_follow_symlinks(false))
        .map_err(|error| error.to_string())
        .and_then(|watcher| {
            settle(watcher, &current, || nearest_folder(root, prefix).map_err(|error| error.to_string()))
        });
    let (watcher, watched) = match watching {
        Ok(watching) => watching,
        Err(error) => {
            root.existing(prefix)?;
            tracing::warn!(folder = root.location(prefix), error, "cannot be watched: new files are seen by polling");
            return Ok(None);
        }
    };
    let (root, prefix) = (Arc::clone(root), prefix.clone());
    Ok(Some(WatchGuard::new(move || {
        let _keeps_watching = &watcher;
        nearest_folder(&root, &prefix).is_ok_and(|now| now == watched)
    })))
}

/// Watches the nearest folder, until it still is the nearest once it is watched: a folder made between the two would
/// go unseen.
fn settle(
    mut watcher: RecommendedWatcher,
    current: &Mutex<PathBuf>,
    nearest: impl Fn() -> Result<Watched, String>,
) -> Result<(RecommendedWatcher, Watched), String> {
    let mut watched = nearest()?;
    loop {
        current.lock().clone_from(&watched.folder);
        watcher.watch(&watched.folder, RecursiveMode::NonRecursive).map_err(|error| error.to_string())?;
        let now = nearest()?;
        if now == watched {
            return Ok((watcher, watched));
        }
        // It may have vanished, and its watch with it.
        drop(watcher.unwatch(&watched.folder));
        watched = now;
    }
}

/// A folder as it is now: another one that takes its name has another inode.
#[derive(Debug, PartialEq, Eq)]
struct Watched {
    folder: PathBuf,
    device: u64,
    inode: u64,
}

/// The folder itself, or while it is missing the nearest one above it, where its creation will show.
fn nearest_folder(root: &Root, prefix: &ObjectPath) -> Result<Watched, StorageError> {
    let mut path = prefix.clone();
    loop {
        let metadata = root.existing(&path)?.and_then(|folder| Some((fs::metadata(&folder).ok()?, folder)));
        match metadata {
            Some((metadata, folder)) if metadata.is_dir() => {
                return Ok(Watched { folder, device: metadata.dev(), inode: metadata.ino() });
            }
            _ if path.is_root() => return Err(root.not_found(&path)),
            _ => path = path.parent(),
        }
    }
}

/// Reading changes nothing, nor does what leaves the folder bring a file; what is being written is told when it is closed. And
/// unfinished writes are nobody's concern until they are renamed out of staging.
fn concerns(root: &Root, watched: &Path, event: &Event) -> bool {
    let brings = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Data(_)) => false,
        // That of the folder itself means that another one must be watched.
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(RemoveKind::File) => {
            event.paths.iter().any(|path| path == watched)
        }
        _ => true,
    };
    brings && (event.paths.is_empty() || event.paths.iter().any(|path| !root.is_staging(path)))
}

//! Listing a folder as a stream: a thread walks, the reader takes, and a small queue between them bounds the memory.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{
    describe,
    resolve::{Root, is_missing},
};
use crate::{Depth, Listing, ObjectMeta, ObjectPath, StorageError};

/// Entries that the walking thread may be ahead of the reader.
const AHEAD: usize = 1024;

type Entries = mpsc::Sender<Result<ObjectMeta, StorageError>>;

/// What lies in `folder`, which is where `prefix` lies. Ends early when the stream is dropped.
pub(super) fn walk(root: Arc<Root>, prefix: ObjectPath, folder: PathBuf, depth: Depth) -> Listing {
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut pending = vec![(prefix, folder)];
        while let Some((path, folder)) = pending.pop() {
            if walk_folder(&root, &path, &folder, &mut pending, &sender).is_err() {
                return;
            }
            if depth == Depth::Folder {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

/// The reader has dropped the stream.
struct Abandoned;

fn walk_folder(
    root: &Root,
    path: &ObjectPath,
    folder: &Path,
    pending: &mut Vec<(ObjectPath, PathBuf)>,
    sender: &Entries,
) -> Result<(), Abandoned> {
    let send = |entry| sender.blocking_send(entry).map_err(|_| Abandoned);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return send(Err(root.io(path, error))),
    };
    for entry in entries {
        match entry.and_then(|entry| classify(root, path, &entry)) {
            Ok(Found::Object(meta)) => send(Ok(meta))?,
            Ok(Found::Folder(path, folder)) => pending.push((path, folder)),
            Ok(Found::Nothing) => {}
            Err(error) if is_missing(&error) => {}
            Err(error) => send(Err(root.io(path, error)))?,
        }
    }
    Ok(())
}

enum Found {
    Object(ObjectMeta),
    Folder(ObjectPath, PathBuf),
    Nothing,
}

fn classify(root: &Root, folder: &ObjectPath, entry: &fs::DirEntry) -> io::Result<Found> {
    let file = entry.path();
    if root.is_staging(&file) {
        return Ok(Found::Nothing);
    }
    let name = entry.file_name();
    let path = match name.to_str().map(|name| folder.join(name)) {
        Some(Ok(path)) => path,
        Some(Err(error)) => return Ok(skip(root, folder, &file, &error.to_string())),
        None => return Ok(skip(root, folder, &file, "the name is not UTF-8")),
    };
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return Ok(Found::Folder(path, file));
    }
    if kind.is_symlink() {
        // A link to a folder is not walked: links may form circles. One to a file is an object if the file is in the bucket.
        return Ok(match root.file(&path) {
            Ok(Some((_, metadata))) => Found::Object(describe(&path, &metadata)),
            Ok(None) => Found::Nothing,
            Err(error) => skip(root, folder, &file, &error.to_string()),
        });
    }
    Ok(if kind.is_file() { Found::Object(describe(&path, &entry.metadata()?)) } else { Found::Nothing })
}

fn skip(root: &Root, folder: &ObjectPath, file: &Path, reason: &str) -> Found {
    tracing::warn!(folder = root.location(folder), file = %file.display(), reason, "not listed");
    Found::Nothing
}

//! Unfinished writes: content lands in the staging folder, is synced, and appears in the bucket by one rename.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{CHUNK, abandon::Abandoned, describe, resolve::Root};
use crate::{Content, ObjectMeta, ObjectPath, StorageError, WriteOptions};

/// A staged file older than this was left by a server that died: no single write takes a day.
const ABANDONED: Duration = Duration::from_hours(24);

/// Bytes copied between two looks at whether somebody still waits for the copy.
const STRETCH: u64 = 64 << 20;

/// A temporary file, removed when dropped before [`Staged::publish`].
#[derive(Debug)]
pub(super) struct Staged {
    file: PathBuf,
}

impl Staged {
    /// An empty staged file for `path`. Refuses a path that could not be published before anything is written.
    pub(super) fn create(root: &Root, path: &ObjectPath) -> Result<Self, StorageError> {
        check_target(root, path)?;
        let staged = Self::reserve(root).map_err(|error| root.io(path, error))?;
        fs::File::create_new(&staged.file).map_err(|error| root.io(path, error))?;
        Ok(staged)
    }

    /// A staged copy of a file. The content stays in the kernel, and the file system shares the blocks where it can.
    pub(super) fn copy_of(
        root: &Root,
        source: &Path,
        to: &ObjectPath,
        abandoned: &Abandoned,
    ) -> Result<Self, StorageError> {
        check_target(root, to)?;
        let copy = || {
            let staged = Self::reserve(root)?;
            let (mut source, mut target) = (fs::File::open(source)?, fs::File::create_new(&staged.file)?);
            while io::copy(&mut source.by_ref().take(STRETCH), &mut target)? > 0 {
                abandoned.check()?;
            }
            Ok(staged)
        };
        copy().map_err(|error| root.io(to, error))
    }

    fn reserve(root: &Root) -> io::Result<Self> {
        Ok(Self { file: root.staging()?.join(uuid::Uuid::new_v4().to_string()) })
    }

    /// Writes a stream into the staged file.
    pub(super) async fn fill(
        self,
        root: &Root,
        path: &ObjectPath,
        mut content: Content,
        options: WriteOptions,
    ) -> Result<Self, StorageError> {
        let mut written = 0;
        let failed = |error| root.io(path, error);
        let file = tokio::fs::OpenOptions::new().write(true).open(&self.file).await.map_err(failed)?;
        let mut writer = tokio::io::BufWriter::with_capacity(CHUNK, file);
        while let Some(chunk) = content.next().await {
            let chunk = chunk?;
            written += chunk.len() as u64;
            writer.write_all(&chunk).await.map_err(failed)?;
        }
        writer.flush().await.map_err(failed)?;
        options.check(written, || root.location(path))?;
        Ok(self)
    }

    /// Syncs the content, renames it into place and syncs the folder; unless nobody waits for it any more.
    pub(super) fn publish(
        self,
        root: &Root,
        path: &ObjectPath,
        abandoned: &Abandoned,
    ) -> Result<ObjectMeta, StorageError> {
        check_target(root, path)?;
        let folder = root.folder(&path.parent())?;
        let publish = || {
            let file = fs::File::open(&self.file)?;
            file.sync_all()?;
            // Rename changes neither size, mtime nor inode, so this is the published object's description.
            let metadata = file.metadata()?;
            abandoned.check()?;
            fs::rename(&self.file, folder.join(path.name()))?;
            root.sync_folder(&folder)?;
            Ok(describe(path, &metadata))
        };
        publish().map_err(|error: io::Error| {
            if error.kind() == io::ErrorKind::IsADirectory {
                root.refused(path, "is a folder")
            } else {
                root.io(path, error)
            }
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already once published.
        let _ = fs::remove_file(&self.file);
    }
}

pub(super) fn check_target(root: &Root, path: &ObjectPath) -> Result<(), StorageError> {
    if path.is_root() {
        return Err(root.refused(path, "an object needs a name"));
    }
    match root.existing(path)? {
        Some(found) if found.is_dir() => Err(root.refused(path, "is a folder")),
        _ => Ok(()),
    }
}

/// Removes what servers that died have left. Best effort: what cannot be removed only takes space.
pub(super) fn sweep(root: &Root) {
    let Ok(entries) = root.staging().and_then(fs::read_dir) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        if let Ok(Ok(age)) = age
            && age > ABANDONED
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

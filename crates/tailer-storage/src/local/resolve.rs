//! From a path in the bucket to a file of this machine that provably lies in the bucket's folder.
//!
//! Symbolic links are followed as long as they end inside the bucket; one that leads out is refused.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::sync::FolderSyncs;
use crate::{ObjectPath, StorageError};

/// The folder at the bucket's root where unfinished writes live. Not part of the bucket's content.
pub(super) const STAGING: &str = ".tailerd-tmp";

/// The bucket's folder, with every link on the way to it resolved.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
    display: String,
    syncs: FolderSyncs,
}

impl Root {
    pub(super) fn open(folder: &Path, display: String) -> Result<Self, StorageError> {
        let canonical = fs::create_dir_all(folder).and_then(|()| fs::canonicalize(folder));
        match canonical {
            Ok(canonical) => Ok(Self { folder: canonical, display, syncs: FolderSyncs::default() }),
            Err(source) => Err(StorageError::Io { location: format!("{display} ({})", folder.display()), source }),
        }
    }

    pub(super) fn location(&self, path: &ObjectPath) -> String {
        if path.is_root() { self.display.clone() } else { format!("{}/{path}", self.display) }
    }

    /// Where `path` really is; `None` when nothing is there.
    pub(super) fn existing(&self, path: &ObjectPath) -> Result<Option<PathBuf>, StorageError> {
        self.check_reserved(path)?;
        match fs::canonicalize(self.folder.join(path.as_str())) {
            Ok(found) => self.inside(path, found).map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.io(path, error)),
        }
    }

    /// The regular file at `path`; `None` when there is none (a folder, a pipe or a device is none).
    pub(super) fn file(&self, path: &ObjectPath) -> Result<Option<(PathBuf, fs::Metadata)>, StorageError> {
        let Some(found) = self.existing(path)? else { return Ok(None) };
        match fs::metadata(&found) {
            Ok(metadata) => Ok(metadata.is_file().then_some((found, metadata))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.io(path, error)),
        }
    }

    /// The folder `path`, created durably where it is missing. Looks at one segment after the other, so that no folder is
    /// ever created behind a link that leads out.
    pub(super) fn folder(&self, path: &ObjectPath) -> Result<PathBuf, StorageError> {
        self.check_reserved(path)?;
        let mut folder = self.folder.clone();
        for segment in path.segments() {
            let next = folder.join(segment);
            match fs::create_dir(&next) {
                Ok(()) => self.sync_folder(&folder).map_err(|error| self.io(path, error))?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(self.io(path, error)),
            }
            folder = self.inside(path, fs::canonicalize(&next).map_err(|error| self.io(path, error))?)?;
            if !folder.is_dir() {
                return Err(self.refused(path, &format!("{segment:?} is a file, not a folder")));
            }
        }
        Ok(folder)
    }

    /// The folder of unfinished writes. It lies in the bucket, so that the rename into place stays on one file system.
    pub(super) fn staging(&self) -> io::Result<PathBuf> {
        let staging = self.folder.join(STAGING);
        match fs::create_dir(&staging) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if fs::symlink_metadata(&staging)?.is_dir() {
            Ok(staging)
        } else {
            Err(io::Error::other(format!("{} is not a folder", staging.display())))
        }
    }

    /// Makes names created, renamed or removed in a folder survive a power loss.
    pub(super) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.syncs.sync(folder)
    }

    /// Whether a file of this machine is the staging folder or in it.
    pub(super) fn is_staging(&self, file: &Path) -> bool {
        file.strip_prefix(&self.folder).is_ok_and(|below| below.starts_with(STAGING))
    }

    /// Refuses a canonical path outside the bucket or among its unfinished writes.
    fn inside(&self, path: &ObjectPath, canonical: PathBuf) -> Result<PathBuf, StorageError> {
        if !canonical.starts_with(&self.folder) {
            return Err(self.refused(path, "a symbolic link leads out of the bucket"));
        }
        if self.is_staging(&canonical) { Err(self.reserved(path)) } else { Ok(canonical) }
    }

    fn check_reserved(&self, path: &ObjectPath) -> Result<(), StorageError> {
        if path.segments().next() == Some(STAGING) { Err(self.reserved(path)) } else { Ok(()) }
    }

    fn reserved(&self, path: &ObjectPath) -> StorageError {
        self.refused(path, &format!("the folder {STAGING} is reserved for unfinished writes"))
    }

    pub(super) fn not_found(&self, path: &ObjectPath) -> StorageError {
        StorageError::NotFound { location: self.location(path) }
    }

    pub(super) fn refused(&self, path: &ObjectPath, message: &str) -> StorageError {
        StorageError::Refused { location: self.location(path), message: message.to_owned() }
    }

    pub(super) fn io(&self, path: &ObjectPath, source: io::Error) -> StorageError {
        StorageError::Io { location: self.location(path), source }
    }
}

/// Nothing is there, or a file stands where a folder on the way would be.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

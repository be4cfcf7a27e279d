//! Objects in storages: one trait, [`Storage`], for local folders, GCS, S3, Azure and SFTP.
//!
//! A storage is one bucket (or container, or host). Paths inside it are [`ObjectPath`]s, validated before they
//! reach any implementation, so that no name can climb out of a bucket. Writes appear whole or not at all: that is what
//! lets an executor repeat a step after a crash (ARCHITECTURE.md, "Effects are repeatable").
//!
//! Every implementation passes the suite of `tests/suite`.

use std::{any::Any, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

mod checksum;
pub mod cloud;
pub mod local;
pub mod path;
mod retry;
pub mod sftp;

pub use checksum::Checksummer;
pub use cloud::{
    AzureStorage, GcsStorage, S3Storage,
    settings::{
        AzureCredentials, AzureSettings, GcsCredentials, GcsSettings, Jitter, Limits, S3Credentials, S3Settings,
    },
};
pub use local::LocalStorage;
pub use path::{ObjectPath, PathError};
pub use sftp::SftpStorage;

/// A stream of an object's content.
pub type Content = BoxStream<'static, Result<Bytes, StorageError>>;

/// A stream of what a folder holds.
pub type Listing = BoxStream<'static, Result<ObjectMeta, StorageError>>;

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    pub path: ObjectPath,
    /// Bytes.
    pub size: u64,
    /// Changes whenever the content is rewritten: generation, ETag, or size and mtime (nanoseconds) and inode.
    pub version: String,
    pub modified: Timestamp,
    /// What the storage itself says of the content.
    pub checksums: Checksums,
}

/// Checksums that a storage keeps beside an object; none where it keeps none (local folders, SFTP).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checksums {
    pub md5: Option<[u8; 16]>,
    /// CRC-32C (Castagnoli), as GCS keeps it.
    pub crc32c: Option<u32>,
}

/// How deep a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only objects directly in the folder.
    Folder,
    /// Everything below it.
    Below,
}

/// What a writer may know of the content before it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Bytes to come, where known: a storage that uploads in parts chooses their size by it. Content of another length is
    /// an error and nothing appears.
    pub size: Option<u64>,
    /// A missing folder is an error instead of being made: SFTP, where folders have owners and permissions. The other
    /// storages take no notice.
    pub folder_must_exist: bool,
}

impl WriteOptions {
    /// Compares what came with what was announced.
    ///
    /// # Errors
    /// `Mismatch` when another number of bytes came.
    pub fn check(self, written: u64, location: impl FnOnce() -> String) -> Result<(), StorageError> {
        match self.size {
            Some(size) if size != written => Err(StorageError::Mismatch {
                location: location(),
                message: format!("{written} bytes came where {size} were announced"),
            }),
            _ => Ok(()),
        }
    }
}

/// Errors name the storage and the path. `Transient` may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("{location}: not found")]
    NotFound { location: String },
    /// The storage could do it but must not: a way out of the bucket, a folder where an object is meant.
    #[error("{location}: {message}")]
    Refused { location: String, message: String },
    #[error("{location}: {source}")]
    Io { location: String, source: std::io::Error },
    /// The storage does not let us in: credentials, permissions, an unknown host key. Trying again gives the same.
    #[error("{location}: {message}")]
    Denied { location: String, message: String },
    /// What arrived is not what was sent: size or checksum differ.
    #[error("{location}: {message}")]
    Mismatch { location: String, message: String },
    #[error("{location}: {message}")]
    Transient { location: String, message: String },
}

/// One bucket.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// The address of a path as people write it, such as `gs://bucket/folder/name.csv`.
    fn location(&self, path: &ObjectPath) -> String;

    /// This storage as itself, for [`Storage::copy_from`].
    fn as_any(&self) -> &dyn Any;

    /// Whether an object appears only when it is complete, whoever writes it. Where not (folders, SFTP), a file may be
    /// half written when it is seen: the reader waits until size and modification rest.
    fn appears_whole(&self) -> bool;

    /// Objects whose path lies in folder `prefix`, page by page, in no promised order. A missing folder is empty.
    /// Temporary files of unfinished writes are not listed. An object that vanishes meanwhile may or may not be.
    ///
    /// # Errors
    /// The folder cannot be read; a part of it that cannot be is an error in the stream, which then goes on.
    async fn list(&self, prefix: &ObjectPath, depth: Depth) -> Result<Listing, StorageError>;

    /// `None` when there is no such object; a folder is none.
    ///
    /// # Errors
    /// The storage cannot tell, or refuses the path.
    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError>;

    /// Content from the beginning, in chunks.
    ///
    /// # Errors
    /// `NotFound` when there is no such object.
    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError>;

    /// Writes an object, creating folders; an existing one is replaced. A reader sees the old object or the new one,
    /// never a part; if the stream fails, or the future is dropped, nothing appears and what was uploaded is removed.
    /// Durable on return, and compared: size, and the storage's own checksum where it keeps one, with what was sent.
    ///
    /// # Errors
    /// The first error of `content`, `Mismatch`, or what the storage says.
    async fn write(
        &self,
        path: &ObjectPath,
        content: Content,
        options: WriteOptions,
    ) -> Result<ObjectMeta, StorageError>;

    /// Copy inside the storage, as whole as `write`.
    ///
    /// # Errors
    /// `NotFound` when there is no object at `from`.
    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError>;

    /// Copies an object of another storage without reading it through this program, as whole as `write`.
    /// `None` when the two are not of one service with the same credentials: then the caller streams.
    ///
    /// # Errors
    /// `NotFound` when there is no object at `from`.
    async fn copy_from(
        &self,
        source: &dyn Storage,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError>;

    /// Moves an object inside the storage in one step, replacing what is at `to`, if it still has this `version`. The
    /// moved object has a version of its own, so that one that somebody brings back counts as new.
    /// `None` where there is no such step (object stores, or a link): then the caller copies and deletes.
    ///
    /// # Errors
    /// `NotFound` when there is no object at `from`, `Mismatch` when it has another version: then it stays.
    async fn rename(
        &self,
        _from: &ObjectPath,
        _to: &ObjectPath,
        _version: &str,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        Ok(None)
    }

    /// Deletes an object; a missing one is no error. Folders stay.
    ///
    /// # Errors
    /// The storage cannot, or refuses the path.
    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError>;

    /// `gs://bucket/name` by which services of Google Cloud find the object, whatever configurations call the bucket. `None` where it
    /// lies elsewhere.
    fn google_address(&self, path: &ObjectPath) -> Option<String> {
        let _ = path;
        None
    }

    /// A file of this machine that holds the object, where there is one: saves a copy when a local engine reads it.
    fn local_path(&self, path: &ObjectPath) -> Option<PathBuf>;

    /// Calls `poke` whenever a file directly in folder `prefix` may have appeared or changed, until the guard is dropped.
    /// `None` where the storage cannot tell: then the caller polls. A poke may come for nothing.
    /// `poke` is called from a thread of the watch and must not block.
    ///
    /// A change is never missed by a caller that, at each poke and before each listing, makes a new watch when
    /// [`WatchGuard::covers`] says no: a folder that did not exist yet, or was replaced, is watched from then on.
    ///
    /// # Errors
    /// The storage refuses the path.
    fn watch(&self, prefix: &ObjectPath, poke: Arc<dyn Fn() + Send + Sync>)
    -> Result<Option<WatchGuard>, StorageError>;
}

/// Ends its watch when dropped.
pub struct WatchGuard {
    covers: Box<dyn Fn() -> bool + Send + Sync>,
}

impl WatchGuard {
    /// `covers` owns whatever keeps the watch going.
    pub fn new(covers: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { covers: Box::new(covers) }
    }

    /// Whether what is watched still is the folder that was asked for. Looks at the file system.
    #[must_use]
    pub fn covers(&self) -> bool {
        (self.covers)()
    }
}

impl fmt::Debug for WatchGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchGuard")
    }
}

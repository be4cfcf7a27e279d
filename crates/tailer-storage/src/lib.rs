//! Objects in storages: one trait, [`Storage`], that a local folder implements today and GCS, S3, Azure and SFTP will.
//!
//! A storage is one bucket (or container, or host). Paths inside it are [`ObjectPath`]s, validated before they
//! reach any implementation, so that no name can climb out of a bucket. Writes appear whole or not at all: that is what
//! lets an executor repeat a step after a crash (ARCHITECTURE.md, "Effects are repeatable").
//!
//! Every implementation passes the suite of `tests/suite`.

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

pub mod local;
pub mod path;

pub use local::LocalStorage;
pub use path::{ObjectPath, PathError};

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
    #[error("{location}: {message}")]
    Transient { location: String, message: String },
}

/// One bucket.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// The address of a path as people write it, such as `gs://bucket/folder/name.csv`.
    fn location(&self, path: &ObjectPath) -> String;

    /// Objects whose path lies in folder `prefix` (recursively), in no promised order. A missing folder is empty.
    /// Temporary files of unfinished writes are not listed. An object that vanishes meanwhile may or may not be.
    ///
    /// # Errors
    /// The folder cannot be read; a part of it that cannot be is an error in the stream, which then goes on.
    async fn list(&self, prefix: &ObjectPath) -> Result<Listing, StorageError>;

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
    /// never a part; if the stream fails nothing appears. Durable on return.
    ///
    /// # Errors
    /// The first error of `content`, or what the storage says.
    async fn write(&self, path: &ObjectPath, content: Content) -> Result<ObjectMeta, StorageError>;

    /// Copy inside the storage, as whole as `write`.
    ///
    /// # Errors
    /// `NotFound` when there is no object at `from`.
    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError>;

    /// Deletes an object; a missing one is no error. Folders stay.
    ///
    /// # Errors
    /// The storage cannot, or refuses the path.
    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError>;

    /// A file of this machine that holds the object, where there is one: saves a copy when a local engine reads it.
    fn local_path(&self, path: &ObjectPath) -> Option<PathBuf>;

    /// Calls `poke` whenever something below `prefix` may have changed, until the guard is dropped.
    /// `None` where the storage cannot tell: then the caller polls. A poke may be lost or come for nothing.
    /// `poke` is called from a thread of the watch and must not block.
    ///
    /// # Errors
    /// The storage refuses the path.
    fn watch(&self, prefix: &ObjectPath, poke: Arc<dyn Fn() + Send + Sync>)
    -> Result<Option<WatchGuard>, StorageError>;
}

/// Ends its watch when dropped.
pub struct WatchGuard(#[allow(dead_code, reason = "held for its Drop")] pub Box<dyn Send + Sync>);

impl fmt::Debug for WatchGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchGuard")
    }
}

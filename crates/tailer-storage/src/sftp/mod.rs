//! A folder of an SFTP server as a storage.
//!
//! Promises what [`Storage`] promises as far as the protocol (version 3, with OpenSSH's extensions where the server has
//! them) can give it: a write lands under a hidden temporary name in the folder where it is to appear, is synced
//! (`fsync@openssh.com`), compared by length and renamed (`posix-rename@openssh.com`). Without that extension an existing file is
//! removed before the new one gets its name, so that for a moment there is none. Renaming is not synced: the protocol has
//! no way to ask for it. There are no checksums.
//!
//! One connection is shared by everything that goes on. When it is lost, reads and writes go on over another one where they
//! stopped.

mod connect;
mod download;
mod failure;
mod folder;
mod host_keys;
mod list;
mod pem;
mod pool;
mod rename;
mod session;
mod settings;
mod upload;
mod window;

use std::{any::Any, path::PathBuf, sync::Arc};

use async_trait::async_trait;

pub use host_keys::HostKeys;
pub use settings::{SftpCredentials, SftpSettings};

use crate::{Content, Depth, Listing, ObjectMeta, ObjectPath, Storage, StorageError, WatchGuard, WriteOptions};
use download::Download;
use failure::Failure;
use pool::{Lease, Pool};
use upload::Upload;

/// An account on an SFTP server, from a folder on. Cheap to clone; connects when first used.
#[derive(Debug, Clone)]
pub struct SftpStorage {
    pool: Arc<Pool>,
}

impl SftpStorage {
    /// Does not connect: what is wrong with the settings shows when the storage is used.
    #[must_use]
    pub fn new(settings: SftpSettings) -> Self {
        Self { pool: Arc::new(Pool::new(settings)) }
    }

    fn at<T>(&self, path: &ObjectPath, result: Result<T, Failure>) -> Result<T, StorageError> {
        result.map_err(|failure| failure.at(self.pool.location(path)))
    }

    /// Publishes what was written well, and removes what was not.
    async fn settle(
        &self,
        to: &ObjectPath,
        upload: Upload,
        written: Result<(), StorageError>,
    ) -> Result<ObjectMeta, StorageError> {
        match written {
            Ok(()) => self.at(to, upload.publish().await),
            Err(error) => {
                upload.discard().await;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Storage for SftpStorage {
    fn location(&self, path: &ObjectPath) -> String {
        self.pool.location(path)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn appears_whole(&self) -> bool {
        false
    }

    async fn list(&self, prefix: &ObjectPath, depth: Depth) -> Result<Listing, StorageError> {
        self.at(prefix, list::walk(&self.pool, prefix, depth).await)
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
        let found = self.pool.run(async |lease: Arc<Lease>| folder::file(&lease, path).await).await;
        Ok(self.at(path, found)?.map(|attributes| folder::describe(path.clone(), &attributes)))
    }

    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError> {
        let download = self.at(path, Download::open(&self.pool, path).await)?;
        Ok(download.content(self.pool.location(path)))
    }

    async fn write(
        &self,
        path: &ObjectPath,
        content: Content,
        options: WriteOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let mut upload = self.at(path, Upload::create(&self.pool, path, options).await)?;
        let written = upload.fill(content, options).await;
        self.settle(path, upload, written).await
    }

    /// On the server where it can (`copy-data`), else through this program.
    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        let source = self.at(from, Download::open(&self.pool, from).await)?;
        let options = WriteOptions { size: Some(source.size()), ..WriteOptions::default() };
        let mut upload = self.at(to, Upload::create(&self.pool, to, options).await)?;
        let copied = match upload.copy_of(from, source.size()).await {
            Some(copied) => self.at(to, copied),
            None => upload.fill(source.content(self.pool.location(from)), options).await,
        };
        self.settle(to, upload, copied).await
    }

    async fn copy_from(
        &self,
        source: &dyn Storage,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        match source.as_any().downcast_ref::<Self>() {
            Some(source) if Arc::ptr_eq(&source.pool, &self.pool) => self.copy(from, to).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn rename(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        version: &str,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        let renamed = match self.pool.lease().await {
            Ok(lease) => {
                let lease = Arc::new(lease);
                let renamed = rename::rename(&lease, from, to, version).await;
                self.pool.discard_after(&lease, &renamed);
                renamed
            }
            Err(failure) => Err(failure),
        };
        self.at(from, renamed)
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        let deleted = self.pool.run(async |lease: Arc<Lease>| {
            folder::check_name(path)?;
            let full = lease.full(path.as_str());
            match lease.sftp.remove(full.as_str()).await.map_err(Failure::from) {
                Ok(_) | Err(Failure::Missing) => Ok(()),
                Err(failure) if failure.is_transient() => Err(failure),
                // Folders stay, and servers have different words for that.
                Err(failure) => match lease.entry(&full).await? {
                    Some(entry) if !session::is_folder(&entry) => Err(failure),
                    _ => Ok(()),
                },
            }
        });
        self.at(path, deleted.await)
    }

    fn local_path(&self, _: &ObjectPath) -> Option<PathBuf> {
        None
    }

    fn watch(&self, _: &ObjectPath, _: Arc<dyn Fn() + Send + Sync>) -> Result<Option<WatchGuard>, StorageError> {
        Ok(None)
    }
}

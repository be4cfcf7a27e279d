//! Object stores: S3, Google Cloud Storage and Azure Blob, and the servers that speak their protocols.
//!
//! Constructors and settings only: the protocols follow, until then every operation is refused.

use std::{any::Any, marker::PhantomData, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{Content, Depth, Listing, ObjectMeta, ObjectPath, Storage, StorageError, WatchGuard, WriteOptions};

pub mod settings;

use settings::{AzureSettings, GcsSettings, S3Settings};

/// A bucket of an object store.
#[derive(Debug, Clone)]
pub struct Cloud<S> {
    display: String,
    service: PhantomData<S>,
}

/// A bucket of S3.
pub type S3Storage = Cloud<S3>;
/// A bucket of Google Cloud Storage.
pub type GcsStorage = Cloud<Gcs>;
/// A container of Azure Blob Storage.
pub type AzureStorage = Cloud<Azure>;

/// S3's protocol.
#[derive(Debug, Clone)]
pub struct S3;
/// Google Cloud Storage's JSON protocol.
#[derive(Debug, Clone)]
pub struct Gcs;
/// Azure Blob Storage's protocol.
#[derive(Debug, Clone)]
pub struct Azure;

impl Cloud<S3> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: S3Settings) -> Result<Self, StorageError> {
        Ok(Self { display: settings.display, service: PhantomData })
    }
}

impl Cloud<Gcs> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: GcsSettings) -> Result<Self, StorageError> {
        Ok(Self { display: settings.display, service: PhantomData })
    }
}

impl Cloud<Azure> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: AzureSettings) -> Result<Self, StorageError> {
        Ok(Self { display: settings.display, service: PhantomData })
    }
}

impl<S> Cloud<S> {
    fn refused<T>(&self, path: &ObjectPath) -> Result<T, StorageError> {
        let location = format!("{}/{path}", self.display);
        Err(StorageError::Refused { location, message: "this build does not speak the service's protocol".to_owned() })
    }
}

#[async_trait]
impl<S: std::fmt::Debug + Send + Sync + 'static> Storage for Cloud<S> {
    fn location(&self, path: &ObjectPath) -> String {
        if path.is_root() { self.display.clone() } else { format!("{}/{path}", self.display) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn appears_whole(&self) -> bool {
        true
    }

    async fn list(&self, prefix: &ObjectPath, _: Depth) -> Result<Listing, StorageError> {
        self.refused(prefix)
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
        self.refused(path)
    }

    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError> {
        self.refused(path)
    }

    async fn write(&self, path: &ObjectPath, _: Content, _: WriteOptions) -> Result<ObjectMeta, StorageError> {
        self.refused(path)
    }

    async fn copy(&self, from: &ObjectPath, _: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        self.refused(from)
    }

    async fn copy_from(
        &self,
        _: &dyn Storage,
        from: &ObjectPath,
        _: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        self.refused(from)
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.refused(path)
    }

    fn local_path(&self, _: &ObjectPath) -> Option<PathBuf> {
        None
    }

    fn watch(&self, _: &ObjectPath, _: Arc<dyn Fn() + Send + Sync>) -> Result<Option<WatchGuard>, StorageError> {
        Ok(None)
    }
}

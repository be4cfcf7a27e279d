//! A bucket that behaves as a service elsewhere: objects appear whole, nothing tells of them, nothing is copied inside the
//! service, and operations on names with certain words in them go wrong as networks do.

use std::{any::Any, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use futures::StreamExt as _;
use tailer_storage::{
    Content, Depth, Listing, LocalStorage, ObjectMeta, ObjectPath, Storage, StorageError, WatchGuard, WriteOptions,
};

#[derive(Debug)]
pub(crate) struct Remote(LocalStorage);

impl Remote {
    pub(crate) fn new(storage: LocalStorage) -> Self {
        Self(storage)
    }
}

#[async_trait]
impl Storage for Remote {
    fn location(&self, path: &ObjectPath) -> String {
        self.0.location(path)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn appears_whole(&self) -> bool {
        true
    }
    /// A folder whose name has `hangs` in it is never listed to its end.
    async fn list(&self, prefix: &ObjectPath, depth: Depth) -> Result<Listing, StorageError> {
        if prefix.as_str().contains("hangs") {
            futures::future::pending::<()>().await;
        }
        self.0.list(prefix, depth).await
    }
    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
        self.0.stat(path).await
    }
    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError> {
        self.0.read(path).await
    }
    /// A folder whose name has `refuses` in it takes nothing; one with `stuck` in it never finishes taking:
    /// once it has some of a file it says so in folder `begun`.
    async fn write(
        &self,
        path: &ObjectPath,
        mut content: Content,
        options: WriteOptions,
    ) -> Result<ObjectMeta, StorageError> {
        if path.as_str().contains("refuses") {
            return Err(StorageError::Denied { location: self.location(path), message: "not for you".into() });
        }
        if path.as_str().contains("stuck") {
            content.next().await.transpose()?;
            let begun = ObjectPath::parse(&format!("begun/{}", path.name())).unwrap();
            self.0.write(&begun, futures::stream::empty().boxed(), WriteOptions::default()).await?;
            futures::future::pending::<()>().await;
        }
        self.0.write(path, content, options).await
    }
    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        self.0.copy(from, to).await
    }
    async fn copy_from(
        &self,
        _: &dyn Storage,
        _: &ObjectPath,
        _: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        Ok(None)
    }
    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.0.delete(path).await
    }
    fn local_path(&self, _: &ObjectPath) -> Option<PathBuf> {
        None
    }
    fn watch(&self, _: &ObjectPath, _: Arc<dyn Fn() + Send + Sync>) -> Result<Option<WatchGuard>, StorageError> {
        Ok(None)
    }
}

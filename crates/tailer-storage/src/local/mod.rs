//! A bucket as a folder of this machine: the stand-in for every bucket of a fresh install.
//!
//! Promises what [`Storage`] promises, on a local file system: writes are staged in a hidden folder of the bucket, synced
//! and renamed into place. Nothing outside the bucket's folder is read or written, whatever symbolic links lie in it.
//! It does not defend against someone who swaps folders for links while it works: who can write to the data
//! folder owns the server anyway.

mod abandon;
mod list;
mod rename;
mod resolve;
mod stage;
mod sync;
mod watch;

use std::{
    any::Any,
    fs,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::{
    Checksums, Content, Depth, Listing, ObjectMeta, ObjectPath, Storage, StorageError, WatchGuard, WriteOptions,
};
use abandon::Abandoned;
use resolve::Root;

/// Bytes of one chunk of [`Storage::read`].
const CHUNK: usize = 512 * 1024;

/// A folder that is a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    root: Arc<Root>,
}

impl LocalStorage {
    /// `root`: the folder that is the bucket, created when missing; it may itself be a link to a folder elsewhere.
    /// `display`: prefix of its locations such as `gs://bucket`.
    ///
    /// # Errors
    /// The folder cannot be created or read.
    pub fn open(root: PathBuf, display: String) -> Result<Self, StorageError> {
        let opened = Root::open(&root, display)?;
        stage::sweep(&opened);
        Ok(Self { root: Arc::new(opened) })
    }

    async fn copy_file(
        &self,
        source: Arc<Root>,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<ObjectMeta, StorageError> {
        let from = from.clone();
        let (abandoned, _guard) = Abandoned::new();
        self.blocking(to, move |root, to| {
            let (file, _) = source.file(&from)?.ok_or_else(|| source.not_found(&from))?;
            stage::Staged::copy_of(root, &file, to, &abandoned)?.publish(root, to, &abandoned)
        })
        .await
    }

    /// Runs file system calls on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        path: &ObjectPath,
        work: impl FnOnce(&Root, &ObjectPath) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (root, owned) = (Arc::clone(&self.root), path.clone());
        tokio::task::spawn_blocking(move || work(&root, &owned))
            .await
            .map_err(|join| self.root.io(path, io::Error::other(join)))?
    }
}

#[async_trait]
impl Storage for LocalStorage {
    fn location(&self, path: &ObjectPath) -> String {
        self.root.location(path)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn appears_whole(&self) -> bool {
        false
    }

    async fn list(&self, prefix: &ObjectPath, depth: Depth) -> Result<Listing, StorageError> {
        let folder = self.blocking(prefix, Root::existing).await?;
        Ok(match folder {
            Some(folder) if folder.is_dir() => list::walk(Arc::clone(&self.root), prefix.clone(), folder, depth),
            _ => stream::empty().boxed(),
        })
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
        self.blocking(path, |root, path| Ok(root.file(path)?.map(|(_, metadata)| describe(path, &metadata)))).await
    }

    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError> {
        let file = self
            .blocking(path, |root, path| {
                let (file, _) = root.file(path)?.ok_or_else(|| root.not_found(path))?;
                fs::File::open(file).map_err(|error| root.io(path, error))
            })
            .await?;
        let (storage, path) = (self.clone(), path.clone());
        Ok(
            stream::try_unfold(file, move |file| {
                let (storage, path) = (storage.clone(), path.clone());
                async move {
                    storage.blocking(&path, |root, path| next_chunk(file).map_err(|error| root.io(path, error))).await
                }
            })
            .boxed(),
        )
    }

    async fn write(
        &self,
        path: &ObjectPath,
        content: Content,
        options: WriteOptions,
    ) -> Result<ObjectMeta, StorageError> {
        let staged = self.blocking(path, stage::Staged::create).await?;
        let staged = staged.fill(&self.root, path, content, options).await?;
        let (abandoned, _guard) = Abandoned::new();
        self.blocking(path, move |root, path| staged.publish(root, path, &abandoned)).await
    }

    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        self.copy_file(Arc::clone(&self.root), from, to).await
    }

    async fn copy_from(
        &self,
        source: &dyn Storage,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        let Some(source) = source.as_any().downcast_ref::<Self>() else { return Ok(None) };
        self.copy_file(Arc::clone(&source.root), from, to).await.map(Some)
    }

    async fn rename(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        version: &str,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        let (from, version) = (from.clone(), version.to_owned());
        self.blocking(to, move |root, to| rename::rename(root, &from, to, &version)).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.blocking(path, |root, path| {
            let Some(folder) = root.existing(&path.parent())? else { return Ok(()) };
            // The entry itself, not what it links to.
            let entry = folder.join(path.name());
            match fs::symlink_metadata(&entry) {
                Ok(metadata) if metadata.is_dir() => return Ok(()),
                Ok(_) => {}
                Err(error) if resolve::is_missing(&error) => return Ok(()),
                Err(error) => return Err(root.io(path, error)),
            }
            match fs::remove_file(&entry) {
                Err(error) if !resolve::is_missing(&error) => Err(root.io(path, error)),
                _ => root.sync_folder(&folder).map_err(|error| root.io(path, error)),
            }
        })
        .await
    }

    fn local_path(&self, path: &ObjectPath) -> Option<PathBuf> {
        self.root.file(path).ok().flatten().map(|(file, _)| file)
    }

    fn watch(
        &self,
        prefix: &ObjectPath,
        poke: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Option<WatchGuard>, StorageError> {
        watch::start(&self.root, prefix, poke)
    }
}

/// The next full chunk, or what is left; `None` at the end.
fn next_chunk(mut file: fs::File) -> io::Result<Option<(Bytes, fs::File)>> {
    let mut buffer = Vec::with_capacity(CHUNK);
    file.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
    Ok(if buffer.is_empty() { None } else { Some((Bytes::from(buffer), file)) })
}

/// The inode tells a file replaced by rename from the one before it, even within the clock's grain.
fn describe(path: &ObjectPath, metadata: &fs::Metadata) -> ObjectMeta {
    ObjectMeta {
        path: path.clone(),
        size: metadata.len(),
        version: format!("{}-{}.{:09}-{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino()),
        modified: i32::try_from(metadata.mtime_nsec())
            .ok()
            .and_then(|nanoseconds| Timestamp::new(metadata.mtime(), nanoseconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
        checksums: Checksums::default(),
    }
}

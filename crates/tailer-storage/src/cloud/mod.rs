//! Object stores: S3, Google Cloud Storage and Azure Blob, and the servers that speak their protocols.
//!
//! Three thin clients over one HTTP layer, each behind [`service::Service`]; [`Cloud`] makes a [`Storage`] of any of them. The
//! crate `object_store` finds the credentials and makes the signatures; the protocols are spoken here because the contract
//! of [`Storage`] asks for more than that crate gives: copies between buckets, comparison with the services' checksums, reads that
//! go on after an interruption, names that are no paths, uploads to Google's JSON protocol.
//!
//! Objects appear whole by nature of the services. What is deliberately missing: versioned buckets (the current version is the
//! object), access control, storage classes.

use std::{
    any::Any,
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use parking_lot::Mutex;

use crate::{Content, Depth, Listing, ObjectMeta, ObjectPath, Storage, StorageError, WatchGuard, WriteOptions};

mod address;
mod azure;
mod fault;
mod gcs;
mod parts;
mod payload;
mod read;
mod s3;
mod service;
pub mod settings;
mod transport;
mod upload;
mod xml;

use fault::Fault;
use service::{Facts, Page, Service};
use settings::{AzureSettings, GcsSettings, S3Settings};
use upload::Failure;

/// A bucket of S3.
pub type S3Storage = Cloud<s3::S3>;
/// A bucket of Google Cloud Storage.
pub type GcsStorage = Cloud<gcs::Gcs>;
/// A container of Azure Blob Storage.
pub type AzureStorage = Cloud<azure::Azure>;

/// Names that are no paths are warned of once each, and no more than so many of them.
const WARNINGS: usize = 1000;

/// A bucket of an object store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cloud<S> {
    service: S,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    display: String,
    /// Whether the bucket was seen to exist: then a missing object is just that.
    bucket_seen: AtomicBool,
    warned: Mutex<HashSet<String>>,
}

impl Cloud<s3::S3> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: S3Settings) -> Result<Self, StorageError> {
        let display = settings.display.clone();
        Self::of(s3::S3::open(settings), display)
    }
}

impl Cloud<gcs::Gcs> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: GcsSettings) -> Result<Self, StorageError> {
        let display = settings.display.clone();
        Self::of(gcs::Gcs::open(settings), display)
    }
}

impl Cloud<azure::Azure> {
    /// Sends nothing yet.
    ///
    /// # Errors
    /// `Refused` or `Denied`: settings that cannot be right.
    pub fn open(settings: AzureSettings) -> Result<Self, StorageError> {
        let display = settings.display.clone();
        Self::of(azure::Azure::open(settings), display)
    }
}

impl<S> Cloud<S> {
    fn of(service: Result<S, Fault>, display: String) -> Result<Self, StorageError> {
        let service = service.map_err(|fault| fault.told(display.clone()))?;
        let shared = Shared { display, bucket_seen: AtomicBool::new(false), warned: Mutex::default() };
        Ok(Self { service, shared: Arc::new(shared) })
    }

    fn place(&self, path: &ObjectPath) -> String {
        if path.is_root() { self.shared.display.clone() } else { format!("{}/{path}", self.shared.display) }
    }

    fn named(&self, path: &ObjectPath) -> Result<(), StorageError> {
        if path.is_root() {
            let message = "an object needs a name".to_owned();
            return Err(StorageError::Refused { location: self.place(path), message });
        }
        Ok(())
    }

    /// The path of a listed name; `None` for folders' placeholders, for what lies deeper than was asked for, and for names
    /// that are no paths, which nothing here could address.
    fn path_of(&self, name: &str, prefix: &str, depth: Depth) -> Option<ObjectPath> {
        let rest = name.strip_prefix(prefix)?;
        if name.ends_with('/') || (depth == Depth::Folder && rest.contains('/')) {
            return None;
        }
        match ObjectPath::parse(name) {
            Ok(path) if path.as_str() == name => Some(path),
            other => {
                let reason = other.err().map_or_else(|| "it begins with a slash".to_owned(), |error| error.to_string());
                let mut warned = self.shared.warned.lock();
                if warned.len() < WARNINGS && warned.insert(name.to_owned()) {
                    tracing::warn!(
                        bucket = self.shared.display,
                        reason,
                        "an object is passed over: its name is no path"
                    );
                }
                None
            }
        }
    }
}

#[expect(private_bounds, reason = "the services are this module's own: what they share is nobody else's to call")]
impl<S: Service> Cloud<S> {
    fn told(&self, path: &ObjectPath, fault: Fault) -> StorageError {
        fault.told(self.place(path))
    }

    /// A missing object, or rather a missing bucket.
    async fn missing(&self) -> Result<(), Fault> {
        if self.shared.bucket_seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !self.service.bucket_exists().await? {
            return Err(Fault::NoBucket);
        }
        self.shared.bucket_seen.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn explained(&self, fault: Fault) -> Fault {
        if !fault.is_status(StatusCode::NOT_FOUND) {
            return fault;
        }
        self.missing().await.err().unwrap_or(fault)
    }

    async fn facts(&self, path: &ObjectPath) -> Result<Option<Facts>, Fault> {
        let found = match self.service.head(path.as_str()).await {
            Err(fault) => return Err(self.explained(fault).await),
            Ok(found) => found,
        };
        if found.is_none() {
            self.missing().await?;
        }
        Ok(found)
    }

    async fn page(&self, prefix: &str, depth: Depth, token: Option<&str>) -> Result<Page, Fault> {
        let page = self.service.page(prefix, depth, token).await;
        // A missing folder is an empty page: what is missing is the bucket.
        page.map_err(|fault| if fault.is_status(StatusCode::NOT_FOUND) { Fault::NoBucket } else { fault })
    }

    async fn copied(&self, source: &Self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        source.named(from)?;
        self.named(to)?;
        match self.service.copy(&source.service, from.as_str(), to.as_str()).await {
            Ok(facts) => Ok(facts.at(to.clone())),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => {
                self.missing().await.map_err(|fault| self.told(to, fault))?;
                Err(source.told(from, source.explained(fault).await))
            }
            Err(fault) => Err(self.told(to, fault)),
        }
    }
}

/// Where a listing stands.
enum Turn {
    /// A page that was read and not handed out yet.
    Read(Page),
    /// The name of the page to read.
    To(String),
    End,
}

#[async_trait]
impl<S: Service> Storage for Cloud<S> {
    fn location(&self, path: &ObjectPath) -> String {
        self.place(path)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn appears_whole(&self) -> bool {
        true
    }

    async fn list(&self, prefix: &ObjectPath, depth: Depth) -> Result<Listing, StorageError> {
        let folder = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let first = self.page(&folder, depth, None).await.map_err(|fault| self.told(prefix, fault))?;
        let (storage, prefix) = (self.clone(), prefix.clone());
        let pages = stream::try_unfold(Turn::Read(first), move |turn| {
            let (storage, folder, prefix) = (storage.clone(), folder.clone(), prefix.clone());
            async move {
                let page = match turn {
                    Turn::Read(page) => page,
                    Turn::To(token) => {
                        let next = storage.page(&folder, depth, Some(&token)).await;
                        next.map_err(|fault| storage.told(&prefix, fault))?
                    }
                    Turn::End => return Ok(None),
                };
                let next = page.next.map_or(Turn::End, Turn::To);
                let objects = page.objects.into_iter();
                let metas: Vec<_> = objects
                    .filter_map(|(name, facts)| Some(Ok(facts.at(storage.path_of(&name, &folder, depth)?))))
                    .collect();
                Ok(Some((stream::iter(metas), next)))
            }
        });
        Ok(pages.try_flatten().boxed())
    }

    async fn stat(&self, path: &ObjectPath) -> Result<Option<ObjectMeta>, StorageError> {
        if path.is_root() {
            return Ok(None);
        }
        let found = self.facts(path).await.map_err(|fault| self.told(path, fault))?;
        Ok(found.map(|facts| facts.at(path.clone())))
    }

    async fn read(&self, path: &ObjectPath) -> Result<Content, StorageError> {
        self.named(path)?;
        match self.service.get(path.as_str(), None).await {
            Ok(opened) => Ok(read::content(self.service.clone(), path.to_string(), self.place(path), opened)),
            Err(fault) => Err(self.told(path, self.explained(fault).await)),
        }
    }

    async fn write(
        &self,
        path: &ObjectPath,
        content: Content,
        options: WriteOptions,
    ) -> Result<ObjectMeta, StorageError> {
        self.named(path)?;
        match upload::write(&self.service, path.as_str(), content, options, self.place(path)).await {
            Ok(facts) => Ok(facts.at(path.clone())),
            Err(Failure::Content(error)) => Err(error),
            Err(Failure::Service(fault)) => Err(self.told(path, self.explained(fault).await)),
        }
    }

    async fn copy(&self, from: &ObjectPath, to: &ObjectPath) -> Result<ObjectMeta, StorageError> {
        self.copied(self, from, to).await
    }

    async fn copy_from(
        &self,
        source: &dyn Storage,
        from: &ObjectPath,
        to: &ObjectPath,
    ) -> Result<Option<ObjectMeta>, StorageError> {
        match source.as_any().downcast_ref::<Self>() {
            Some(source) if self.service.reaches(&source.service) => self.copied(source, from, to).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.named(path)?;
        match self.service.delete(path.as_str()).await {
            Ok(()) => Ok(()),
            Err(fault) => {
                let fault = self.explained(fault).await;
                if fault.is_status(StatusCode::NOT_FOUND) { Ok(()) } else { Err(self.told(path, fault)) }
            }
        }
    }

    fn google_address(&self, path: &ObjectPath) -> Option<String> {
        self.service.google_bucket().map(|bucket| format!("gs://{bucket}/{path}").trim_end_matches('/').to_owned())
    }

    fn local_path(&self, _: &ObjectPath) -> Option<PathBuf> {
        None
    }

    fn watch(&self, _: &ObjectPath, _: Arc<dyn Fn() + Send + Sync>) -> Result<Option<WatchGuard>, StorageError> {
        Ok(None)
    }
}

//! What stands behind each bucket, container and SFTP host that configurations name: what the settings say
//! (`spec/data-operations.md`, Where data lives).
//!
//! Credentials are opened here only, at the moment a service is used for the first time; behind a local folder never. Two
//! configurations share a client when bucket and credentials are the same, and only then. Clients that nobody uses are
//! let go.

mod credentials;
mod local;
mod service;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tailer_engine::{EngineError, Storages};
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::Storage;

use crate::{
    data_folder::DataFolder,
    secrets::SecretOpener,
    settings::{
        Settings,
        storage::{Place, StorageSettings},
    },
};
use credentials::Credentials;

/// A client that nobody has used for so long is closed.
const UNUSED: Duration = Duration::from_secs(600);

/// See the module.
#[derive(Debug)]
pub(crate) struct Buckets {
    settings: StorageSettings,
    secrets: SecretOpener,
    /// Holds a folder for each local bucket.
    folder: PathBuf,
    opened: Mutex<BTreeMap<Key, Opened>>,
}

/// Who asks where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: StorageKind,
    bucket: String,
    /// SFTP only: from the server's root instead of from the user's folder.
    absolute: bool,
    /// Of the credentials; empty where none are used.
    fingerprint: Vec<u8>,
}

#[derive(Debug)]
struct Opened {
    storage: Arc<dyn Storage>,
    used: Instant,
}

impl Buckets {
    pub(crate) fn new(folder: &DataFolder, settings: &Settings) -> Self {
        Self {
            settings: settings.storage.clone(),
            secrets: SecretOpener::of(folder, settings),
            folder: folder.buckets(),
            opened: Mutex::default(),
        }
    }

    /// The opened storage of a key, or what `open` makes. Closes what nobody has used for long.
    fn shared(
        &self,
        key: Key,
        open: impl FnOnce() -> Result<Arc<dyn Storage>, EngineError>,
    ) -> Result<Arc<dyn Storage>, EngineError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        opened.retain(|_, opened| Arc::strong_count(&opened.storage) > 1 || now - opened.used < UNUSED);
        if let Some(found) = opened.get_mut(&key) {
            found.used = now;
            return Ok(Arc::clone(&found.storage));
        }
        let storage = open()?;
        opened.insert(key, Opened { storage: Arc::clone(&storage), used: now });
        Ok(storage)
    }
}

impl Storages for Buckets {
    fn is_local(&self, address: &StorageAddress) -> bool {
        !matches!(self.settings.of(address.kind, &address.bucket), Some((Place::Service(_), _)))
    }

    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
        let mut key =
            Key { kind: address.kind, bucket: address.bucket.clone(), absolute: false, fingerprint: Vec::new() };
        let service = match self.settings.of(address.kind, &address.bucket) {
            None => return self.shared(key, || local::open(self.folder.join(local::name(&address.bucket)?), address)),
            Some((Place::Local(folder), own)) => {
                let folder = match folder {
                    Some(folder) if own => folder.clone(),
                    Some(folder) => folder.join(local::name(&address.bucket)?),
                    None => self.folder.join(local::name(&address.bucket)?),
                };
                return self.shared(key, || local::open(folder, address));
            }
            Some((Place::Service(service), _)) => service,
        };
        let credentials = Credentials::new(address, service, &self.secrets);
        key.absolute = address.kind == StorageKind::Sftp && address.absolute;
        key.fingerprint = credentials.fingerprint()?;
        self.shared(key, || service::open(address, service, &credentials))
    }
}

//! What tells that files may have arrived: watches of storages, and notifications that storages push.
//!
//! Only hints: they are kept in memory, losing one delays a file until the folder is polled. The watcher of an operation takes
//! them (`reconcile/arrivals`); where nothing watches, they are forgotten.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use tailer_storage::ObjectPath;
use tailer_store::ConfigurationKey;
use tokio::sync::Notify;

/// More files than this asked for one by one are a look at the whole folder.
const FILES: usize = 1000;

/// The hints for all operations.
#[derive(Debug, Default)]
pub(crate) struct Hints(Mutex<HashMap<ConfigurationKey, Arc<Hint>>>);

impl Hints {
    /// Those for one operation.
    pub(crate) fn of(&self, key: ConfigurationKey) -> Arc<Hint> {
        self.0.lock().entry(key).or_default().clone()
    }

    /// Hints that a file may have arrived for an operation, if it is watched here.
    pub(crate) fn tell(&self, key: ConfigurationKey, file: ObjectPath) {
        if let Some(hint) = self.0.lock().get(&key) {
            hint.arrived(file);
        }
    }

    /// Forgets the operations that nobody watches.
    pub(crate) fn keep(&self, watched: impl Fn(&ConfigurationKey) -> bool) {
        self.0.lock().retain(|key, _| watched(key));
    }
}

/// What was told since it was last taken.
#[derive(Debug, Default)]
pub(crate) struct Hint {
    asked: Mutex<Asked>,
    told: Notify,
}

/// What to look at.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The whole folder.
    pub(crate) all: bool,
    pub(crate) files: HashSet<ObjectPath>,
}

impl Asked {
    pub(crate) fn add(&mut self, other: Self) {
        self.all |= other.all;
        self.files.extend(other.files);
        if self.files.len() > FILES {
            self.all = true;
        }
        if self.all {
            self.files.clear();
        }
    }
}

impl Hint {
    /// Something in the folder may have changed.
    pub(crate) fn changed(&self) {
        self.asked.lock().add(Asked { all: true, files: HashSet::new() });
        self.told.notify_one();
    }

    /// A file may have arrived.
    pub(crate) fn arrived(&self, file: ObjectPath) {
        self.asked.lock().add(Asked { all: false, files: HashSet::from([file]) });
        self.told.notify_one();
    }

    /// Waits until something is told; what was told before and not waited for counts.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    pub(crate) fn take(&self) -> Asked {
        std::mem::take(&mut *self.asked.lock())
    }
}

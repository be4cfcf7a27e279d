//! Notifications that storages push: an object was written (`spec/semantics.md`, File arrival).
//!
//! A notification says where to look, nothing else. The watcher of the operation looks at that file and the ledger decides,
//! so one that comes twice, late or never changes nothing but the time at which a file is taken. Hence it is not recorded
//! before it is acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use tailer_model::{AccountId, operation::storage_to_storage::StorageKind};
use tailer_storage::ObjectPath;
use tailer_store::{StoreError, configurations};

use crate::{Engine, EngineError, configurations::folder_text};

/// An object that a storage says it has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectNotice {
    pub kind: StorageKind,
    pub bucket: String,
    /// As the storage writes it; one that no storage of ours would take is of no interest.
    pub path: String,
}

/// How many notifications came for what is watched, and how many for anything else.
#[derive(Debug, Default)]
pub(crate) struct NoticeCounts {
    watched: AtomicU64,
    unknown: AtomicU64,
}

impl NoticeCounts {
    /// For `/metrics`: outcome and count.
    pub(crate) fn read(&self) -> [(&'static str, u64); 2] {
        [("watched", self.watched.load(Ordering::Relaxed)), ("unknown", self.unknown.load(Ordering::Relaxed))]
    }
}

impl Engine {
    /// Has the operations of these accounts look at objects that were written. Answers how many of the objects lie in a
    /// folder that one of them watches.
    ///
    /// # Errors
    /// [`EngineError::Stopping`]; what the store says.
    pub async fn notify(&self, notices: Vec<ObjectNotice>, accounts: Vec<AccountId>) -> Result<usize, EngineError> {
        let inner = &self.0;
        if inner.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let all = notices.len();
        let watched: Vec<_> = inner
            .parts
            .store
            .read(move |tx| {
                let mut watched = Vec::new();
                for notice in notices {
                    let Ok(path) = ObjectPath::parse(&notice.path) else { continue };
                    let folder = folder_text(notice.kind, &notice.bucket, path.parent().as_str());
                    let keys: Vec<_> = configurations::watchers(tx, &folder)?
                        .into_iter()
                        .filter(|row| accounts.contains(&row.identity.account))
                        .map(|row| row.key)
                        .collect();
                    if !keys.is_empty() {
                        watched.push((path, keys));
                    }
                }
                Ok::<_, StoreError>(watched)
            })
            .await?;
        let counts = &inner.notices;
        counts.watched.fetch_add(watched.len() as u64, Ordering::Relaxed);
        counts.unknown.fetch_add((all - watched.len()) as u64, Ordering::Relaxed);
        for (path, keys) in &watched {
            for key in keys {
                inner.hints.tell(*key, path.clone());
            }
        }
        Ok(watched.len())
    }
}

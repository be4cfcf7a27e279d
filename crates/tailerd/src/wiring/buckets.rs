//! Local stand-ins for every bucket, container and SFTP host: a folder each below `DATA/buckets`
//! (`spec/data-operations.md`, Where data lives). Credentials in configurations are not opened.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tailer_engine::{EngineError, Storages};
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::{LocalStorage, Storage};

/// Opened storages by kind and bucket; two kinds with one bucket name share the folder, as the layout of the data folder
/// has it, but show their own addresses.
#[derive(Debug)]
pub(crate) struct LocalBuckets {
    folder: PathBuf,
    opened: Mutex<BTreeMap<(StorageKind, String), Arc<dyn Storage>>>,
}

impl LocalBuckets {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, opened: Mutex::default() }
    }
}

impl Storages for LocalBuckets {
    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
        let bucket = address.bucket.as_str();
        let key = (address.kind, bucket.to_owned());
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(storage) = opened.get(&key) {
            return Ok(Arc::clone(storage));
        }
        let folder = folder_of(&self.folder, bucket)?;
        let storage = LocalStorage::open(folder, format!("{}://{bucket}", scheme(address.kind)))
            .map_err(|error| EngineError::Internal(format!("bucket {bucket}: {error}")))?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        opened.insert(key, Arc::clone(&storage));
        Ok(storage)
    }
}

/// A bucket's folder. Names are checked, because a configuration chooses them: none may lead out of the folder.
fn folder_of(buckets: &Path, bucket: &str) -> Result<PathBuf, EngineError> {
    let fine = !bucket.is_empty()
        && bucket.len() <= 255
        && !bucket.starts_with('.')
        && bucket.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fine {
        Ok(buckets.join(bucket))
    } else {
        Err(EngineError::Invalid {
            code: "invalid_bucket",
            message: format!(
                "{bucket:?} cannot be a local bucket: use letters, digits, dots, dashes and underscores, not starting with a dot"
            ),
        })
    }
}

/// How people write the address.
fn scheme(kind: StorageKind) -> &'static str {
    match kind {
        StorageKind::Gcs => "gs",
        StorageKind::S3 => "s3",
        StorageKind::Azure => "azure",
        StorageKind::Sftp => "sftp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_stay_inside_the_folder() {
        let check = |bucket: &str, fine: bool| {
            let folder = folder_of(Path::new("/data/buckets"), bucket);
            assert_eq!(folder.is_ok(), fine, "{bucket}");
        };
        for good in ["mirador-retail", "a.b_c", "sftp.example.com", "42"] {
            check(good, true);
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a\0b", "a b", "host:22"] {
            check(bad, false);
        }
    }

    #[test]
    fn one_storage_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = LocalBuckets::new(folder.path().to_owned());
        let address = |kind| StorageAddress {
            kind,
            bucket: "b".into(),
            prefix: String::new(),
            credentials: serde_json::Map::new(),
        };
        let first = buckets.open(&address(StorageKind::Gcs)).unwrap();
        let again = buckets.open(&address(StorageKind::Gcs)).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let path = tailer_storage::ObjectPath::parse("in/x.csv").unwrap();
        assert_eq!(first.location(&path), "gs://b/in/x.csv");
        assert_eq!(buckets.open(&address(StorageKind::S3)).unwrap().location(&path), "s3://b/in/x.csv");
    }
}

//! A local stand-in: a folder that is the bucket.

use std::{path::PathBuf, sync::Arc};

use tailer_engine::EngineError;
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::{LocalStorage, Storage};

pub(super) fn open(folder: PathBuf, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
    let bucket = &address.bucket;
    let storage = LocalStorage::open(folder, format!("{}://{bucket}", scheme(address.kind)))
        .map_err(|error| EngineError::Internal(format!("bucket {bucket}: {error}")))?;
    Ok(Arc::new(storage))
}

/// A bucket's name as the name of a folder. Names are checked, because a configuration chooses them: none may lead out
/// of the folder that holds it.
pub(super) fn name(bucket: &str) -> Result<&str, EngineError> {
    let fine = !bucket.is_empty()
        && bucket.len() <= 255
        && !bucket.starts_with('.')
        && bucket.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if fine {
        Ok(bucket)
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
        for good in ["mirador-retail", "a.b_c", "sftp.example.com", "42"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a\0b", "a b", "host:22", &"x".repeat(1000)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}

//! Buckets between a task and a warehouse that reads and writes buckets itself: whether a file lies where it can be fetched,
//! and the staging folder for those that do not.
//!
//! What is staged has the name of the task's job: done again it replaces itself. It goes with the task; what a crash leaves
//! goes with the next attempt of the same job, or by the bucket's own rules.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::Map;
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::{Depth, ObjectPath, Storage};
use tailer_warehouse::Warehouse;

use super::TaskContext;
use crate::error::TaskError;

/// A bucket of Google Cloud Storage, or what stands for it.
pub(crate) fn address(bucket: &str) -> StorageAddress {
    StorageAddress {
        kind: StorageKind::Gcs,
        bucket: bucket.to_owned(),
        prefix: String::new(),
        absolute: false,
        credentials: Map::new(),
    }
}

/// Where a warehouse finds what this server does; `None` where it cannot. A star in a name would be one of the warehouse's.
pub(super) fn shared(warehouse: &dyn Warehouse, storage: &dyn Storage, path: &ObjectPath) -> Option<String> {
    let address = if warehouse.reaches_buckets() { storage.google_address(path) } else { None };
    address.filter(|address| !address.contains('*'))
}

/// A folder for one job's files.
pub(super) struct StagingFolder {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) folder: ObjectPath,
    /// Without a slash at the end.
    pub(super) address: String,
}

impl StagingFolder {
    /// `None`: the warehouse has none.
    ///
    /// # Errors
    /// When the setting names what is no bucket in the cloud.
    pub(super) fn of(task: &TaskContext, warehouse: &dyn Warehouse) -> Result<Option<Self>, TaskError> {
        let Some(place) = warehouse.staging() else { return Ok(None) };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place.as_str(), ""));
        let storage = task.run.inner.parts.storages.open(&address(bucket))?;
        let folder = ObjectPath::parse(&format!("{prefix}/{}", task.job_id().0))?;
        let address = shared(warehouse, storage.as_ref(), &folder).ok_or_else(|| {
            TaskError::Failed(format!(
                "the staging bucket {bucket} is no bucket of Google Cloud Storage, where the warehouse would find something: its \
                 settings have to say service = \"gcs\""
            ))
        })?;
        Ok(Some(Self { storage, folder, address }))
    }

    /// Removes what is in it.
    pub(super) async fn clear(&self) -> Result<(), TaskError> {
        let mut paths = Vec::new();
        let mut listed = self.storage.list(&self.folder, Depth::Below).await?;
        while let Some(object) = listed.next().await {
            paths.push(object?.path);
        }
        for path in &paths {
            self.storage.delete(path).await?;
        }
        Ok(())
    }

    /// [`Self::clear`] at the end, where a failure changes nothing.
    pub(super) async fn leave(&self) {
        if let Err(error) = self.clear().await {
            tracing::warn!(folder = self.address, %error, "staged files could not be removed");
        }
    }
}

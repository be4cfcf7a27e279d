//! What a load reads. For a warehouse on this machine a file of it: a local object as it is, any other copied to the scratch
//! folder first, piece by piece, and removed afterwards; what a crash leaves there goes when the server starts. For one that
//! fetches from buckets itself the object as it is, or its copy in the staging bucket; without such a bucket a file, which the
//! warehouse uploads.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use tailer_storage::{ObjectPath, WriteOptions};
use tailer_warehouse::{ObjectFile, Warehouse};
use tokio::{fs, io::AsyncWriteExt};

use super::{
    TaskContext,
    buckets::{StagingFolder, shared},
    files::Source,
};
use crate::error::TaskError;

/// A DDL file beside the data is not larger.
const LONGEST_TEXT: usize = 10 << 20;

/// A line of names is not longer.
const LONGEST_HEAD: usize = 1 << 20;

/// The run's object where a warehouse finds it.
pub(super) enum Found {
    File(Staged),
    Object { object: ObjectFile, copy: Option<StagingFolder> },
}

impl Found {
    /// The object as it was when it arrived; an error when it is not that any more. `with_head`: its first line is needed.
    pub(super) async fn new(
        task: &TaskContext,
        source: &Source,
        warehouse: &dyn Warehouse,
        with_head: bool,
    ) -> Result<Self, TaskError> {
        if let Some(location) = shared(warehouse, source.storage.as_ref(), &source.path) {
            source.unchanged().await?;
            let object = ObjectFile { location, head: head(source, with_head).await? };
            return Ok(Self::Object { object, copy: None });
        }
        let staging = if warehouse.reaches_buckets() { StagingFolder::of(task, warehouse)? } else { None };
        match staging {
            Some(staging) => {
                let head = head(source, with_head).await?;
                let location = copied(task, source, &staging).await?;
                Ok(Self::Object { object: ObjectFile { location, head }, copy: Some(staging) })
            }
            None => Ok(Self::File(Staged::new(task, source).await?)),
        }
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::File(staged) => vec![staged.path().to_owned()],
            Self::Object { .. } => Vec::new(),
        }
    }

    pub(super) fn objects(&self) -> Vec<ObjectFile> {
        match self {
            Self::File(_) => Vec::new(),
            Self::Object { object, .. } => vec![object.clone()],
        }
    }

    /// Removes the copy, if one was made.
    pub(super) async fn leave(self) {
        if let Self::Object { copy: Some(copy), .. } = self {
            copy.leave().await;
        }
    }
}

/// Copies the object into the staging bucket; where it is then.
async fn copied(task: &TaskContext, source: &Source, staging: &StagingFolder) -> Result<String, TaskError> {
    let meta = source.unchanged().await?;
    let to = staging.folder.join(&source.path.name().replace('*', "_"))?;
    let copied = staging.storage.copy_from(source.storage.as_ref(), &source.path, &to).await?;
    if copied.is_none() {
        let content = source.storage.read(&source.path).await?;
        staging.storage.write(&to, content, WriteOptions { size: Some(meta.size), ..WriteOptions::default() }).await?;
    }
    // Rewritten while it was read, it would be neither the old nor the new one.
    source.unchanged().await?;
    let location = format!("{}/{}", staging.address, to.name());
    task.info(format!("{} bytes of {} staged as {location}", meta.size, source.input.location));
    Ok(location)
}

/// The first bytes of the source, when they are wanted.
async fn head(source: &Source, is_wanted: bool) -> Result<Vec<u8>, TaskError> {
    let mut bytes = Vec::new();
    if is_wanted {
        let mut content = source.storage.read(&source.path).await?;
        while bytes.len() < LONGEST_HEAD
            && let Some(chunk) = content.next().await
        {
            bytes.extend_from_slice(&chunk?);
        }
    }
    Ok(bytes)
}

/// A file with the content of the run's object.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    /// The folder made for it, removed with it.
    folder: Option<PathBuf>,
}

impl Staged {
    /// The object as it was when it arrived; an error when it is not that any more.
    pub(super) async fn new(task: &TaskContext, source: &Source) -> Result<Self, TaskError> {
        // Archiving comes after every load is recorded, so an interrupted load always finds its file.
        let meta = source.unchanged().await?;
        if let Some(path) = source.storage.local_path(&source.path) {
            return Ok(Self { path, folder: None });
        }
        let location = &source.input.location;
        let failed = |error: std::io::Error| TaskError::Failed(format!("cannot stage {location}: {error}"));
        // A folder of its own, so that the file keeps its name, which errors mention.
        let folder = task.run.inner.parts.settings.scratch.join(task.job_id().0);
        fs::create_dir_all(&folder).await.map_err(failed)?;
        let staged = Self { path: folder.join(source.path.name()), folder: Some(folder) };
        let mut file = fs::File::create(&staged.path).await.map_err(failed)?;
        let mut content = source.storage.read(&source.path).await?;
        let mut bytes = 0;
        while let Some(chunk) = content.next().await {
            let chunk = chunk?;
            bytes += chunk.len() as u64;
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        if bytes != meta.size {
            return Err(TaskError::Failed(format!("{location}: {bytes} of its {} bytes were read", meta.size)));
        }
        // Rewritten while it was read, it would be neither the old nor the new one.
        source.unchanged().await?;
        task.info(format!("{bytes} bytes of {location} fetched"));
        Ok(staged)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            tracing::warn!(path = %folder.display(), %error, "a staged file could not be removed");
        }
    }
}

/// A small object beside the source's, as text.
pub(super) async fn text(source: &Source, path: &ObjectPath, location: &str) -> Result<String, TaskError> {
    let mut content = source.storage.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > LONGEST_TEXT {
            return Err(TaskError::Failed(format!("{location} is longer than 10 MB: it is no DDL file")));
        }
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        TaskError::Failed(format!("{location} is not UTF-8: bad byte at offset {at}"))
    })
}

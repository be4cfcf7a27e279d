//! What a load reads as a file of this machine: a local object as it is, any other copied to the scratch folder first, piece
//! by piece, and removed afterwards. What a crash leaves there goes when the server starts.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use tailer_storage::ObjectPath;
use tokio::{fs, io::AsyncWriteExt};

use super::{TaskContext, files::Source};
use crate::error::TaskError;

/// A DDL file beside the data is not larger.
const LONGEST_TEXT: usize = 10 << 20;

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

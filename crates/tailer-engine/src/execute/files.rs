//! What both kinds of file operation do: find the run's file again, archive it, remove it.
//!
//! In the order copy, archive, remove, and each step harmless when done again: a crash at any point loses nothing and is completed
//! by the takeover (`spec/data-operations.md`, storage-to-storage).

use std::sync::Arc;

use tailer_model::{TaskId, template};
use tailer_storage::{ObjectMeta, ObjectPath, Storage};

use super::{RunContext, TaskContext};
use crate::{
    error::{EngineError, TaskError},
    files::{FileInput, source_of},
};

/// A task id that this program makes up.
pub(super) fn task_id(text: &str) -> Result<TaskId, EngineError> {
    text.parse().map_err(|e| EngineError::Internal(format!("task id {text}: {e}")))
}

pub(super) fn input(run: &RunContext) -> Result<FileInput, TaskError> {
    serde_json::from_value(run.run.input.clone())
        .map_err(|e| TaskError::Failed(format!("the run does not say which file it is for: {e}")))
}

pub(super) struct Source {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) path: ObjectPath,
    pub(super) input: FileInput,
}

impl Source {
    pub(super) fn of(task: &TaskContext) -> Result<Self, TaskError> {
        let input = input(&task.run)?;
        let address = source_of(&task.run.loaded.configuration)
            .ok_or_else(|| TaskError::Failed("the operation has no source".into()))?;
        let storage = task.run.inner.parts.storages.open(address)?;
        Ok(Self { storage, path: ObjectPath::parse(&input.path)?, input })
    }

    /// The file, as it was when it arrived.
    pub(super) async fn unchanged(&self) -> Result<ObjectMeta, TaskError> {
        let Some(now) = self.storage.stat(&self.path).await? else {
            return Err(TaskError::Failed(format!(
                "{} is gone: bring it again to have it handled",
                self.input.location
            )));
        };
        if now.version != self.input.version {
            return Err(TaskError::Failed(format!(
                "{} was rewritten before it was handled; the new content has a run of its own",
                self.input.location
            )));
        }
        Ok(now)
    }

    /// `<archive_prefix>/<YYYYMMDD from the name, or ALL>/<name>`.
    fn archive_path(&self, archive_prefix: &str, name: &str) -> Result<ObjectPath, TaskError> {
        let day =
            self.input.date.map_or_else(|| "ALL".to_owned(), |date| template::render("{{FD_DATE}}", date, None, None));
        Ok(ObjectPath::parse(&format!("{}/{day}/{name}", archive_prefix.trim_matches('/')))?)
    }

    /// Copies the file into the archive. Done already when the file is gone and its copy there.
    pub(super) async fn archive(&self, task: &TaskContext, archive_prefix: &str) -> Result<ObjectPath, TaskError> {
        let to = self.archive_path(archive_prefix, self.path.name())?;
        match self.storage.stat(&self.path).await? {
            None if self.storage.stat(&to).await?.is_some() => {}
            _ => {
                self.unchanged().await?;
                self.storage.copy(&self.path, &to).await?;
            }
        }
        task.info(format!("archived as {}", self.storage.location(&to)));
        Ok(to)
    }

    /// Removes the file from the source folder, unless a newer one has taken its place.
    pub(super) async fn remove(&self, task: &TaskContext) -> Result<(), TaskError> {
        match self.storage.stat(&self.path).await? {
            Some(now) if now.version != self.input.version => {
                task.info(format!("{} was rewritten meanwhile: the new content stays", self.input.location));
            }
            Some(_) => self.storage.delete(&self.path).await?,
            None => {}
        }
        Ok(())
    }
}

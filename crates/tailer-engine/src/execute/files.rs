//! What both kinds of file operation do: find the run's file again, archive it, remove it.
//!
//! In the order copy, archive, remove, and each step harmless when done again: a crash at any point loses nothing and is completed
//! by the takeover (`spec/data-operations.md`, storage-to-storage).

use std::sync::Arc;

use tailer_model::TaskId;
use tailer_storage::{ObjectMeta, ObjectPath, Storage};

use super::{RunContext, TaskContext};
use crate::{
    error::{EngineError, TaskError},
    files::{FileInput, archive_path, source_of},
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
    /// The folder that the operation watches.
    folder: ObjectPath,
}

impl Source {
    pub(super) fn of(task: &TaskContext) -> Result<Self, TaskError> {
        let input = input(&task.run)?;
        let address = source_of(&task.run.loaded.configuration)
            .ok_or_else(|| TaskError::Failed("the operation has no source".into()))?;
        let storage = task.run.inner.parts.storages.open(address)?;
        let folder = ObjectPath::parse(&address.prefix)?;
        Ok(Self { storage, path: ObjectPath::parse(&input.path)?, input, folder })
    }

    /// The file, as it was when it arrived.
    pub(super) async fn unchanged(&self) -> Result<ObjectMeta, TaskError> {
        let Some(now) = self.storage.stat(&self.path).await? else { return Err(self.gone()) };
        if now.version != self.input.version {
            return Err(self.rewritten());
        }
        Ok(now)
    }

    /// The file, as it was when it arrived; or its archived copy, when it has gone there already and only the record of what
    /// was done before was lost.
    pub(super) async fn find(&self, archive_prefix: Option<&str>) -> Result<ObjectMeta, TaskError> {
        match (self.storage.stat(&self.path).await?, archive_prefix) {
            (Some(now), _) if now.version == self.input.version => Ok(now),
            (Some(_), _) => Err(self.rewritten()),
            (None, Some(prefix)) => self.archived(&self.archive_path(prefix)?).await?.ok_or_else(|| self.gone()),
            (None, None) => Err(self.gone()),
        }
    }

    fn gone(&self) -> TaskError {
        TaskError::Failed(format!("{} is gone: bring it again to have it handled", self.input.location))
    }

    fn rewritten(&self) -> TaskError {
        TaskError::Failed(format!(
            "{} was rewritten before it was handled; the new content has a run of its own",
            self.input.location
        ))
    }

    /// Whether it lies where files arrive. A file that a person launched from elsewhere, such as the archive, stays there.
    fn has_arrived(&self) -> bool {
        self.path.parent() == self.folder
    }

    /// `<archive_prefix>/<YYYYMMDD from the name, or ALL>/<name>`.
    fn archive_path(&self, archive_prefix: &str) -> Result<ObjectPath, TaskError> {
        Ok(archive_path(archive_prefix, self.input.date, self.path.name())?)
    }

    /// The archived copy, if it is one of this file.
    async fn archived(&self, to: &ObjectPath) -> Result<Option<ObjectMeta>, TaskError> {
        Ok(self.storage.stat(to).await?.filter(|copy| copy.size == self.input.size))
    }

    /// Brings the file into the archive: moved in one step where the storage can, else copied. Done already when the file is
    /// gone, or another by now, and its copy there.
    pub(super) async fn archive(&self, task: &TaskContext, archive_prefix: &str) -> Result<ObjectPath, TaskError> {
        if !self.has_arrived() {
            return Ok(self.path.clone());
        }
        let to = self.archive_path(archive_prefix)?;
        match self.storage.stat(&self.path).await? {
            Some(now) if now.version == self.input.version => self.bring(&now, &to).await?,
            other if self.archived(&to).await?.is_none() => {
                return Err(if other.is_some() { self.rewritten() } else { self.gone() });
            }
            _ => {}
        }
        task.info(format!("archived as {}", self.storage.location(&to)));
        Ok(to)
    }

    async fn bring(&self, now: &ObjectMeta, to: &ObjectPath) -> Result<(), TaskError> {
        if self.storage.rename(&self.path, to, &self.input.version).await?.is_some() {
            return Ok(());
        }
        let copy = self.storage.copy(&self.path, to).await?;
        if copy.size != now.size || !copy.checksums.agree(&now.checksums) {
            return Err(TaskError::Failed(format!(
                "{} is not the same as {}: the file stays where it is",
                self.storage.location(to),
                self.input.location
            )));
        }
        Ok(())
    }

    /// Removes the file from the source folder, unless a newer one has taken its place.
    pub(super) async fn remove(&self, task: &TaskContext) -> Result<(), TaskError> {
        if !self.has_arrived() {
            return Ok(());
        }
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

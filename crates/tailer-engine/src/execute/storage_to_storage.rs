//! storage-to-storage: one task a destination, then archive, then remove (`spec/data-operations.md`, storage-to-storage).

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::json;
use tailer_model::{
    Criticality, TaskGraph,
    operation::{Definition, StorageToStorage, storage_to_storage::Destination, storage_to_storage::TopFile},
};
use tailer_storage::{ObjectPath, WriteOptions};
use tailer_store::runs::RunRow;

use super::{
    Executor, Plan, PlannedTask, TaskContext, TaskDone,
    files::{Source, task_id},
};
use crate::{
    cache::Loaded,
    error::{EngineError, TaskError},
};

pub(super) struct StorageToStorageExecutor;

fn definition(loaded: &Loaded) -> Result<&StorageToStorage, EngineError> {
    match &loaded.configuration.definition {
        Definition::StorageToStorage(definition) => Ok(definition),
        _ => Err(EngineError::Internal("not a storage-to-storage".into())),
    }
}

#[async_trait]
impl Executor for StorageToStorageExecutor {
    /// `copy_1`, `copy_2`... side by side, then `archive` when asked for, then `remove`.
    fn plan(&self, loaded: &Loaded, _run: &RunRow) -> Result<Plan, EngineError> {
        let definition = definition(loaded)?;
        let copies = definition.destinations.len();
        let mut names: Vec<(String, &str)> = (1..=copies).map(|n| (format!("copy_{n}"), "copy")).collect();
        let mut parents = vec![Vec::new(); copies];
        let mut before: Vec<usize> = (0..copies).collect();
        let last = definition.archive_prefix.iter().map(|_| "archive").chain(["remove"]);
        for step in last {
            parents.push(before);
            before = vec![names.len()];
            names.push((step.to_owned(), step));
        }
        let mut tasks = Vec::new();
        for (id, task_type) in names {
            let (id, task_type) = (task_id(&id)?, task_type.to_owned());
            tasks.push(PlannedTask { id, task_type, criticality: Criticality::Critical });
        }
        let ids = tasks.iter().map(|t| t.id.clone()).collect();
        Ok(Plan { tasks, graph: TaskGraph { ids, parents }, concurrency: copies.max(1) })
    }

    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError> {
        let definition = definition(&task.run.loaded)?;
        let source = Source::of(task)?;
        match task.task.task_type.as_str() {
            "archive" => {
                let prefix = definition.archive_prefix.as_deref().unwrap_or_default();
                let archived = source.archive(task, prefix).await?;
                Ok(TaskDone { statistics: json!({"archive": source.storage.location(&archived)}) })
            }
            "remove" => source.remove(task).await.map(|()| TaskDone::default()),
            _ => {
                let destination = definition
                    .destinations
                    .get(task.position)
                    .ok_or_else(|| TaskError::Failed("the configuration has no such destination any more".into()))?;
                copy(task, &source, destination).await
            }
        }
    }
}

async fn copy(task: &TaskContext, source: &Source, destination: &Destination) -> Result<TaskDone, TaskError> {
    let storage = task.run.inner.parts.storages.open(&destination.address)?;
    let folder = ObjectPath::parse(&destination.address.prefix)?;
    let to = folder.join(source.path.name())?;
    let found = source.unchanged().await?;
    let content = source.storage.read(&source.path).await?;
    let written = storage.write(&to, content, WriteOptions::default()).await?;
    if written.size != found.size {
        return Err(TaskError::Failed(format!(
            "{} has {} bytes, its source {}: the source changed while it was copied",
            storage.location(&to),
            written.size,
            found.size
        )));
    }
    if let Some(kind) = destination.top_file {
        let top = folder.join(&top_name(source.path.name(), kind))?;
        storage.write(&top, stream::iter([Ok(Bytes::new())]).boxed(), WriteOptions::default()).await?;
    }
    task.info(format!("copied {} bytes to {}", written.size, storage.location(&to)));
    Ok(TaskDone { statistics: json!({"bytes": written.size, "destination": storage.location(&to)}) })
}

fn top_name(name: &str, kind: TopFile) -> String {
    match (kind, name.rsplit_once('.')) {
        (TopFile::ReplaceExtension, Some((stem, _))) if !stem.is_empty() => format!("{stem}.top"),
        _ => format!("{name}.top"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_files_are_named_after_their_file() {
        for (name, kind, expected) in [
            ("a.csv", TopFile::ReplaceExtension, "a.top"),
            ("a.csv.gz", TopFile::ReplaceExtension, "a.csv.top"),
            ("a", TopFile::ReplaceExtension, "a.top"),
            (".hidden", TopFile::ReplaceExtension, ".hidden.top"),
            ("a.csv", TopFile::AddExtension, "a.csv.top"),
        ] {
            assert_eq!(top_name(name, kind), expected);
        }
    }
}

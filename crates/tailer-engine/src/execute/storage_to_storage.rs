//! storage-to-storage: copy to every destination, then archive, then remove (`spec/data-operations.md`, storage-to-storage).

use async_trait::async_trait;
use serde_json::json;
use tailer_model::{
    Criticality, TaskGraph,
    operation::{Definition, Endurance, StorageToStorage},
};
use tailer_store::runs::RunRow;

use super::{
    Executor, Plan, PlannedTask, TaskContext, TaskDone,
    files::{Source, task_id},
    transfer,
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
    /// `copy`, then `archive` when asked for, then `remove`.
    fn plan(&self, loaded: &Loaded, _run: &RunRow) -> Result<Plan, EngineError> {
        let archive = definition(loaded)?.archive_prefix.as_ref().map(|_| "archive");
        let endurance = loaded.configuration.header.endurance.of_task(&Endurance::default());
        let mut tasks = Vec::new();
        for step in ["copy"].into_iter().chain(archive).chain(["remove"]) {
            let task_type = step.to_owned();
            let (id, criticality) = (task_id(step)?, Criticality::Critical);
            tasks.push(PlannedTask { id, task_type, criticality, endurance, credentials: None });
        }
        let ids = tasks.iter().map(|t| t.id.clone()).collect();
        let parents = (0..tasks.len()).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        Ok(Plan { tasks, graph: TaskGraph { ids, parents }, concurrency: 1 })
    }

    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError> {
        let definition = definition(&task.run.loaded)?;
        let source = Source::of(task)?;
        match (task.task.task_type.as_str(), &definition.archive_prefix) {
            ("copy", _) => transfer::copy(task, &source, definition).await,
            ("archive", Some(prefix)) => {
                let archived = source.archive(task, prefix).await?;
                Ok(TaskDone::told(json!({"archive": source.storage.location(&archived)})))
            }
            (_, archive) => {
                if archive.is_none() {
                    // With the file gone, only the record says that its copies were made: it must not be lost.
                    task.settle("every copy is recorded: the file may go").await.map_err(EngineError::from)?;
                }
                source.remove(task).await.map(|()| TaskDone::default())
            }
        }
    }
}

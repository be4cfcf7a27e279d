//! table-to-storage: each task a query, written to files in a bucket (`spec/data-operations.md`, table-to-storage).

use async_trait::async_trait;
use tailer_model::{
    operation::{
        Definition, TableToStorage, WriteDisposition,
        table_to_storage::{CopyTable, Export},
    },
    template,
};
use tailer_store::runs::RunRow;
use tailer_warehouse::{Destination, Job, Query, TableName};

use super::{Executor, Plan, PlannedTask, TaskContext, TaskDone, exports};
use crate::{
    cache::Loaded,
    catalog::written::by_sql,
    error::{EngineError, TaskError},
    text::render_sql,
};

pub(super) struct TableToStorageExecutor;

fn definition(loaded: &Loaded) -> Result<&TableToStorage, EngineError> {
    match &loaded.configuration.definition {
        Definition::TableToStorage(definition) => Ok(definition),
        _ => Err(EngineError::Internal("not a table-to-storage".into())),
    }
}

#[async_trait]
impl Executor for TableToStorageExecutor {
    fn plan(&self, loaded: &Loaded, _run: &RunRow) -> Result<Plan, EngineError> {
        let definition = definition(loaded)?;
        let planned = |export: &Export| PlannedTask {
            id: export.id.clone(),
            task_type: "export".to_owned(),
            criticality: export.criticality,
            endurance: loaded.configuration.header.endurance.of_task(&export.endurance),
            credentials: export.credentials.clone(),
        };
        Ok(Plan {
            tasks: definition.exports.iter().map(planned).collect(),
            graph: definition.graph.clone(),
            concurrency: definition.task_concurrency.max(1) as usize,
        })
    }

    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError> {
        let definition = definition(&task.run.loaded)?;
        let export = definition
            .exports
            .iter()
            .find(|e| e.id == task.task.id)
            .ok_or_else(|| TaskError::Failed("the configuration has no such task any more".into()))?;
        let run = &task.run;
        let date = export.current_date_template.then(|| run.execution_date());
        let file = &export.sql_file;
        let sql = render_sql(run.loaded.text(file)?, &run.parameters(), date).map_err(|e| format!("{file}: {e}"))?;
        task.show_sql(&sql);
        let written = by_sql(sql.as_str().into(), &export.project, None).await;
        let query = Query { sql, project: export.project.clone(), dataset: None, destination: None, use_cache: None };
        let (query, copy) = match &export.copy_table {
            Some(copy) => {
                let (query, table) = copied(task, query, copy).await?;
                (query, Some(table))
            }
            None => (query, None),
        };
        let done = exports::write(task, export, query).await.map_err(|error| match error {
            TaskError::Failed(message) => TaskError::Failed(format!("{file}: {message}")),
            TaskError::Cancelled => TaskError::Cancelled,
        })?;
        let mut done = copy.iter().fold(done, TaskDone::wrote);
        done.tables.extend(written);
        Ok(done)
    }
}

/// Runs the query into the table that keeps a copy; the export then reads that table, so that both hold the same rows.
async fn copied(task: &TaskContext, query: Query, copy: &CopyTable) -> Result<(Query, TableName), TaskError> {
    let mut table = template::render(&copy.table, task.run.execution_date().0, None, None);
    if copy.date_suffix {
        table.push_str(&format!("_{}", task.run.execution_date().compact()));
    }
    let table = TableName::new(&copy.project, &copy.dataset, &table)?;
    let read = format!("SELECT * FROM `{}.{}.{}`", table.project, table.dataset, table.table);
    let destination = Destination {
        table: table.clone(),
        write_disposition: WriteDisposition::Truncate,
        replace_schema: true,
        expires_after: None,
    };
    let project = query.project.clone();
    let job = Query { destination: Some(destination), ..query };
    task.job(&project, "_copy", Job::Query(job)).await?;
    task.info(format!("copied to {table}"));
    Ok((Query { sql: read, project, dataset: None, destination: None, use_cache: None }, table))
}

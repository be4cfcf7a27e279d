//! table-to-table: SQL, tables created, copied and deleted, in the order of the task graph (`spec/data-operations.md`, table-to-table).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tailer_model::{
    operation::{
        Definition, TableToTable, WriteDisposition,
        ddl::{PartitionUnit, Partitioning, TableDefinition, parse_create},
        table_to_table::{Action, Task},
    },
    template,
};
use tailer_store::runs::RunRow;
use tailer_warehouse::{Copy, Destination, Job, Query, TableName};

use super::{Executor, Plan, PlannedTask, RunContext, TaskContext, TaskDone};
use crate::{
    cache::Loaded,
    catalog::written::{TableChange, by_sql},
    error::{EngineError, TaskError},
    text::render_sql,
};

/// A temporary table goes after this time, whatever happens to its run.
const TEMPORARY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct TableToTableExecutor;

fn definition(loaded: &Loaded) -> Result<&TableToTable, EngineError> {
    match &loaded.configuration.definition {
        Definition::TableToTable(definition) => Ok(definition),
        _ => Err(EngineError::Internal("not a table-to-table".into())),
    }
}

#[async_trait]
impl Executor for TableToTableExecutor {
    fn plan(&self, loaded: &Loaded, _run: &RunRow) -> Result<Plan, EngineError> {
        let definition = definition(loaded)?;
        let planned = |task: &Task| PlannedTask {
            id: task.id.clone(),
            task_type: task.task_type.clone(),
            criticality: task.criticality,
            endurance: loaded.configuration.header.endurance.of_task(&task.endurance),
            credentials: definition.credentials.clone(),
        };
        Ok(Plan {
            tasks: definition.tasks.iter().map(planned).collect(),
            graph: definition.graph.clone(),
            concurrency: definition.task_concurrency.max(1) as usize,
        })
    }

    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError> {
        let definition = definition(&task.run.loaded)?;
        let wanted = definition
            .tasks
            .iter()
            .find(|t| t.id == task.task.id)
            .ok_or_else(|| TaskError::Failed("the configuration has no such task any more".into()))?;
        match &wanted.action {
            Action::Sql { .. } => sql(task, wanted).await,
            Action::CreateTable { .. } => create(task, wanted).await,
            Action::CopyTable { .. } => copy(task, wanted).await,
            Action::DeleteTable { table } => delete(task, wanted, table).await,
            Action::Expectation { sql_file } => super::expectation::run(task, wanted, sql_file).await,
        }
    }

    /// Drops the temporary tables, whatever became of the run.
    async fn clean_up(&self, run: &RunContext) {
        let Ok(definition) = definition(&run.loaded) else { return };
        for task in &definition.tasks {
            let Action::Sql { temporary_table: true, table_name: Some(table), .. } = &task.action else { continue };
            let dropped = async {
                let name = named(run, task, table)?;
                let warehouse = run.inner.parts.warehouses.open_as(&name.project, definition.credentials.as_ref())?;
                Ok::<_, TaskError>(warehouse.drop_table(&name).await?)
            };
            if let Err(error) = dropped.await {
                run.log.push(
                    "WARNING",
                    Some(&task.id),
                    format!("the temporary table {table} was not dropped: {error}"),
                );
            }
        }
    }
}

/// A table of the task, its date names rendered.
fn named(run: &RunContext, task: &Task, table: &str) -> Result<TableName, TaskError> {
    let table = template::render(table, run.execution_date().0, None, None);
    Ok(TableName::new(&task.project, &task.dataset, &table)?)
}

async fn sql(task: &TaskContext, wanted: &Task) -> Result<TaskDone, TaskError> {
    let Action::Sql {
        sql_file,
        table_name,
        write_disposition,
        temporary_table,
        current_date_template,
        use_query_cache,
    } = &wanted.action
    else {
        return Err(TaskError::Failed("not an SQL task".into()));
    };
    let run = &task.run;
    let date = current_date_template.then(|| run.execution_date());
    let sql =
        render_sql(run.loaded.text(sql_file)?, &run.parameters(), date).map_err(|e| format!("{sql_file}: {e}"))?;
    task.show_sql(&sql);
    let destination = match table_name {
        Some(table) => Some(Destination {
            table: named(run, wanted, table)?,
            write_disposition: if *temporary_table { WriteDisposition::Truncate } else { *write_disposition },
            replace_schema: *temporary_table,
            expires_after: temporary_table.then_some(TEMPORARY),
        }),
        None => None,
    };
    let into = destination.as_ref().map(|d| format!(" into {}", d.table)).unwrap_or_default();
    task.info(format!("running {sql_file}{into}"));
    let dataset = Some(wanted.dataset.clone()).filter(|d| !d.is_empty());
    // A temporary table goes with the run: that it was written is no news.
    let written = destination.as_ref().filter(|d| d.expires_after.is_none()).map(|d| d.table.clone());
    let run_sql: Arc<str> = sql.as_str().into();
    let (project, use_cache) = (wanted.project.clone(), *use_query_cache);
    let query = Query { sql, project, dataset: dataset.clone(), destination, use_cache };
    let outcome = task.job(&wanted.project, "", Job::Query(query)).await.map_err(|error| match error {
        TaskError::Failed(message) => TaskError::Failed(format!("{sql_file}: {message}")),
        TaskError::Cancelled => TaskError::Cancelled,
    })?;
    if let Some(rows) = outcome.statistics.rows {
        task.info(format!("{rows} rows{into}"));
    }
    let mut done = TaskDone::of(&outcome);
    done.tables = by_sql(run_sql, &wanted.project, dataset.as_deref()).await;
    Ok(match &written {
        Some(table) => done.wrote(table),
        None => done,
    })
}

async fn create(task: &TaskContext, wanted: &Task) -> Result<TaskDone, TaskError> {
    let Action::CreateTable { table, ddl_file, force_delete, force_delete_partition } = &wanted.action else {
        return Err(TaskError::Failed("not a create task".into()));
    };
    let (definition, problems) = parse_create(task.run.loaded.text(ddl_file)?);
    let definition = definition.ok_or_else(|| {
        let first = problems.errors.first().map(|p| format!("{}: {}", p.path, p.message)).unwrap_or_default();
        TaskError::Failed(format!("{ddl_file}: {first}"))
    })?;
    let name = named(&task.run, wanted, table)?;
    let warehouse = task.warehouse(&name.project)?;
    let existing = warehouse.table(&name).await?;
    match existing {
        Some(_) if *force_delete => {
            warehouse.drop_table(&name).await?;
            warehouse.create(&name, &definition).await?;
            task.info(format!("dropped and created {name}"));
        }
        Some(found) => {
            if *force_delete_partition {
                empty_day(task, &name, &found.definition).await?;
            }
            task.info(format!("{name} exists and is kept"));
            return Ok(TaskDone::default());
        }
        None => {
            warehouse.create(&name, &definition).await?;
            task.info(format!("created {name}"));
        }
    }
    Ok(TaskDone::default().wrote(&name))
}

/// Empties the partition of the execution date, so that a relaunch does not double its rows.
async fn empty_day(task: &TaskContext, name: &TableName, definition: &TableDefinition) -> Result<(), TaskError> {
    let Some(Partitioning::Time { unit, .. }) = &definition.partitioning else { return Ok(()) };
    let day = task.run.execution_date().0;
    let rendered = |format: &str| template::render(format, day, None, None);
    let partitions = match unit {
        PartitionUnit::Hour => (0..24).map(|hour| format!("{}{hour:02}", rendered("{{FD_DATE}}"))).collect(),
        PartitionUnit::Day => vec![rendered("{{FD_DATE}}")],
        PartitionUnit::Month => vec![rendered("{{FD_DATE_YEAR_4}}{{FD_DATE_MONTH}}")],
        PartitionUnit::Year => vec![rendered("{{FD_DATE_YEAR_4}}")],
    };
    let warehouse = task.warehouse(&name.project)?;
    for partition in partitions {
        let partition = TableName::new(&name.project, &name.dataset, &format!("{}${partition}", name.table))?;
        warehouse.empty_partition(&partition).await?;
    }
    task.info(format!("emptied the partition of {day} in {name}"));
    Ok(())
}

async fn copy(task: &TaskContext, wanted: &Task) -> Result<TaskDone, TaskError> {
    let Action::CopyTable {
        source_project,
        source_dataset,
        source_table,
        table,
        date_suffix_format,
        write_disposition,
    } = &wanted.action
    else {
        return Err(TaskError::Failed("not a copy task".into()));
    };
    let source = TableName::new(source_project, source_dataset, source_table)?;
    let suffix = match date_suffix_format {
        Some(format) => {
            let day = task.run.execution_date().0;
            let shown = jiff::fmt::strtime::format(format, day)
                .map_err(|e| format!("destination_bq_table_date_suffix_format {format:?}: {e}"))?;
            format!("_{shown}")
        }
        None => String::new(),
    };
    let destination = named(&task.run, wanted, &format!("{table}{suffix}"))?;
    task.info(format!("copying {source} to {destination}"));
    let job = Copy { source, destination: destination.clone(), write_disposition: *write_disposition };
    let outcome = task.job(&destination.project, "", Job::Copy(job)).await?;
    Ok(TaskDone::of(&outcome).wrote(&destination))
}

async fn delete(task: &TaskContext, wanted: &Task, table: &str) -> Result<TaskDone, TaskError> {
    let name = named(&task.run, wanted, table)?;
    let warehouse = task.warehouse(&name.project)?;
    if name.decorator.is_some() {
        warehouse.empty_partition(&name).await?;
        task.info(format!("emptied {name}"));
        Ok(TaskDone::default().wrote(&name))
    } else {
        warehouse.drop_table(&name).await?;
        task.info(format!("dropped {name}"));
        Ok(TaskDone { tables: vec![TableChange::dropped(&name)], ..TaskDone::default() })
    }
}

//! storage-to-tables: one load for each table the file is for, then archive (`spec/data-operations.md`, storage-to-tables).
//!
//! A load is all or nothing and its job id makes it happen once; the file leaves the source folder only after it.

use async_trait::async_trait;
use serde_json::{Value, json};
use tailer_model::{
    Criticality, TaskGraph,
    operation::{
        Definition, Endurance, StorageToTables,
        ddl::{Field, FieldType, Mode, parse_load},
        storage_to_tables::{DdlMode, Table},
    },
    rfc3339_micros, template,
};
use tailer_store::runs::RunRow;
use tailer_warehouse::{Job, Load, LoadSchema, Outcome, TableName};

use super::{
    Executor, Plan, PlannedTask, TaskContext, TaskDone,
    files::{Source, task_id},
    staging::{self, Found},
};
use crate::{
    cache::Loaded,
    error::{EngineError, TaskError},
    files::FileInput,
};

/// Rejected lines that the run's log shows.
const SHOWN_REJECTS: usize = 10;

pub(super) struct StorageToTablesExecutor;

fn definition(loaded: &Loaded) -> Result<&StorageToTables, EngineError> {
    match &loaded.configuration.definition {
        Definition::StorageToTables(definition) => Ok(definition),
        _ => Err(EngineError::Internal("not a storage-to-tables".into())),
    }
}

/// The tables that share the template which the file matched first.
fn tables<'a>(definition: &'a StorageToTables, template: &str) -> Vec<&'a Table> {
    definition.tables.iter().filter(|table| table.template.as_str() == template).collect()
}

#[async_trait]
impl Executor for StorageToTablesExecutor {
    /// `load` (or `load_1`, `load_2`... when several destinations share the template), then `archive`.
    fn plan(&self, loaded: &Loaded, run: &RunRow) -> Result<Plan, EngineError> {
        let definition = definition(loaded)?;
        let template = run.input.get("template").and_then(Value::as_str).unwrap_or_default();
        let tables = tables(definition, template);
        let loads = tables.len();
        let mut ids = Vec::new();
        for n in 1..=loads {
            ids.push(task_id(&if loads == 1 { "load".to_owned() } else { format!("load_{n}") })?);
        }
        let endurance = loaded.configuration.header.endurance.of_task(&Endurance::default());
        let planned = |id, task_type: &str, credentials| PlannedTask {
            id,
            task_type: task_type.to_owned(),
            criticality: Criticality::Critical,
            endurance,
            credentials,
        };
        let with_table = ids.into_iter().zip(&tables);
        let mut tasks: Vec<PlannedTask> =
            with_table.map(|(id, table)| planned(id, "load", table.credentials.clone())).collect();
        let mut parents = vec![Vec::new(); loads];
        if definition.archive_prefix.is_some() {
            tasks.push(planned(task_id("archive")?, "archive", None));
            parents.push((0..loads).collect());
        }
        let ids = tasks.iter().map(|t| t.id.clone()).collect();
        Ok(Plan { tasks, graph: TaskGraph { ids, parents }, concurrency: loads.max(1) })
    }

    async fn execute(&self, task: &TaskContext) -> Result<TaskDone, TaskError> {
        let definition = definition(&task.run.loaded)?;
        let source = Source::of(task)?;
        if task.task.task_type == "archive" {
            let prefix = definition.archive_prefix.as_deref().unwrap_or_default();
            return archive(task, &source, prefix).await;
        }
        let table = tables(definition, &source.input.template)
            .get(task.position)
            .copied()
            .ok_or_else(|| TaskError::Failed("the configuration has no such table any more".into()))?;
        load(task, &source, table).await
    }
}

/// Archives the file, and its DDL file where there is one beside it, then removes both.
async fn archive(task: &TaskContext, source: &Source, prefix: &str) -> Result<TaskDone, TaskError> {
    let archived = source.archive(task, prefix).await?;
    if archived == source.path {
        // Launched from the archive: it is where it belongs.
        return Ok(TaskDone::told(json!({"archive": source.storage.location(&archived)})));
    }
    let companion = source.path.parent().join(&format!("{}.ddl.json", source.path.name()))?;
    if crate::files::is_companion(&task.run.loaded.configuration, companion.name())
        && source.storage.stat(&companion).await?.is_some()
    {
        source.storage.copy(&companion, &archived.parent().join(companion.name())?).await?;
        source.storage.delete(&companion).await?;
    }
    source.remove(task).await?;
    Ok(TaskDone::told(json!({"archive": source.storage.location(&archived)})))
}

async fn load(task: &TaskContext, source: &Source, table: &Table) -> Result<TaskDone, TaskError> {
    let name = TableName::new(&table.project, &table.dataset, &table_name(table, &source.input))?;
    let warehouse = task.warehouse(&name.project)?;
    let with_head = table.ddl == DdlMode::Header;
    let found = Found::new(task, source, warehouse.as_ref(), with_head).await?;
    let done = load_found(task, source, table, name, &found).await;
    found.leave().await;
    done
}

async fn load_found(
    task: &TaskContext,
    source: &Source,
    table: &Table,
    name: TableName,
    found: &Found,
) -> Result<TaskDone, TaskError> {
    let schema = match &table.ddl {
        DdlMode::Header => LoadSchema::Header,
        DdlMode::Autodetect => LoadSchema::Autodetect,
        DdlMode::File { ddl_file } => given(task.run.loaded.text(ddl_file)?, ddl_file)?,
        DdlMode::FileTemplate => {
            let beside = source.path.parent().join(&format!("{}.ddl.json", source.path.name()))?;
            let location = source.storage.location(&beside);
            if source.storage.stat(&beside).await?.is_none() {
                return Err(TaskError::Failed(format!("{location} is missing: ddl_mode file_template needs it")));
            }
            given(&staging::text(source, &beside, &location).await?, &location)?
        }
    };
    let job = Job::Load(Load {
        files: found.files(),
        objects: found.objects(),
        table: name.clone(),
        schema,
        description: table.short_description.clone(),
        options: table.options.clone(),
        added_columns: if table.options.add_tailer_metadata { metadata(task, source) } else { Vec::new() },
    });
    task.info(format!("loading {} into {name}", source.input.location));
    let outcome = task.job(&name.project, "", job).await?;
    let rows = outcome.statistics.rows.unwrap_or_default();
    task.info(format!("{rows} rows loaded into {name}"));
    log_rejected(task, &outcome);
    let mut done = TaskDone::of(&outcome).wrote(&name);
    if let Value::Object(statistics) = &mut done.statistics {
        statistics.insert("table".into(), name.to_string().into());
        statistics.insert("file".into(), source.input.location.clone().into());
    }
    Ok(done)
}

/// Says how many lines were left out, and shows the first; the task's statistics hold more.
fn log_rejected(task: &TaskContext, outcome: &Outcome) {
    let count = outcome.statistics.rejected_rows;
    if count == 0 {
        return;
    }
    task.warn(format!("{count} bad lines were left out, within bq_load_job_max_bad_records"));
    for line in outcome.rejected.iter().take(SHOWN_REJECTS) {
        let column = line.column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default();
        task.warn(format!("line {}{column}: {}: {}", line.line, line.reason, line.text));
    }
}

/// With `{{FD_TABLE_NAME}}` in its template, the table gets the file's date as a suffix.
fn table_name(table: &Table, input: &FileInput) -> String {
    let date = input.date.unwrap_or_default();
    let mut name = template::render(&table.table_name, date, None, input.table_name.as_deref());
    if input.table_name.is_some() && input.date.is_some() {
        name.push_str(&template::render("_{{FD_DATE}}", date, None, None));
    }
    name
}

fn given(text: &str, name: &str) -> Result<LoadSchema, TaskError> {
    let (schema, problems) = parse_load(text);
    schema.map(LoadSchema::Given).ok_or_else(|| {
        let first = problems.errors.first().map(|p| format!("{}: {}", p.path, p.message)).unwrap_or_default();
        TaskError::Failed(format!("{name}: {first}"))
    })
}

/// The columns of `add_tailer_metadata`.
fn metadata(task: &TaskContext, source: &Source) -> Vec<(Field, String)> {
    let column = |name: &str, field_type, value: String| {
        let field =
            Field { name: name.to_owned(), field_type, mode: Mode::Nullable, description: None, fields: Vec::new() };
        (field, value)
    };
    let kind = source.input.location.split_once("://").map_or("file", |(scheme, _)| scheme);
    let kind = if kind == "gs" { "gcs" } else { kind };
    // The time of the run, not of the attempt: a load done again after a crash must say the same.
    let ingested = rfc3339_micros(task.run.run.start);
    vec![
        column("tlr_ingestion_timestamp_utc", FieldType::Timestamp, ingested),
        column("tlr_input_file_source_type", FieldType::String, kind.to_owned()),
        column("tlr_input_file_name", FieldType::String, source.path.name().to_owned()),
        column("tlr_input_file_full_resource_name", FieldType::String, source.input.location.clone()),
    ]
}

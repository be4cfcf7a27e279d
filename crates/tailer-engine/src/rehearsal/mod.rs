//! Dry runs: every task's SQL is read and bound against the tables that the tasks before it would make, and nothing runs.
//!
//! All problems come at once, each at its file, line and column, or at its place in the configuration. A task sees what the tasks
//! that it depends on would leave behind, not what others might have made by then. What follows from another problem is not
//! reported.

mod tasks;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tailer_model::{
    Configuration, ExecutionDate, Problem, TaskGraph, TaskId,
    operation::{Definition, StorageToTables, ddl::Field},
    template,
};
use tailer_warehouse::{
    Column, TableName, WarehouseError,
    rehearsal::{Expected, Overlay},
};

use crate::{Engine, EngineError, LaunchRequest, Warehouses, configurations::resolve, runs};

/// What is to be rehearsed, beside the warehouse.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    pub configuration: &'a Configuration,
    /// Content of the files that it names.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    pub execution_date: ExecutionDate,
    /// Parameters of the launch; `None` when nobody knows them yet: what needs one is passed over.
    pub parameters: Option<&'a Map<String, Value>>,
    /// Only these tasks.
    pub tasks: Option<&'a [TaskId]>,
}

/// Problems of a configuration's SQL. `world` is what is known beyond the warehouse; what the configuration would change is added.
///
/// # Errors
/// What the warehouse says when it fails; what is wrong with the SQL is a problem.
pub async fn rehearse(
    rehearsal: &Rehearsal<'_>,
    warehouses: &dyn Warehouses,
    world: &mut Overlay,
) -> Result<Vec<Problem>, EngineError> {
    match &rehearsal.configuration.definition {
        Definition::TableToTable(definition) => {
            let count = definition.tasks.len();
            let mut changes: Vec<Overlay> = vec![Overlay::default(); count];
            let mut problems = Vec::new();
            for position in in_order(&definition.graph, count) {
                let Some(task) = definition.tasks.get(position) else { continue };
                if rehearsal.tasks.is_some_and(|wanted| !wanted.contains(&task.id)) {
                    continue;
                }
                let before = seen(&definition.graph, position, &changes, world);
                let one = tasks::Context { rehearsal, warehouses, before: &before, position };
                let (found, changed) = one.table_to_table(task).await?;
                problems.extend(found);
                if let Some(slot) = changes.get_mut(position) {
                    *slot = changed;
                }
            }
            changes.iter().for_each(|changed| world.extend(changed));
            Ok(problems)
        }
        Definition::TableToStorage(definition) => {
            let mut problems = Vec::new();
            for (position, export) in definition.exports.iter().enumerate() {
                if rehearsal.tasks.is_some_and(|wanted| !wanted.contains(&export.id)) {
                    continue;
                }
                let before = world.clone();
                let one = tasks::Context { rehearsal, warehouses, before: &before, position };
                let (found, changed) = one.export(export).await?;
                problems.extend(found);
                world.extend(&changed);
            }
            Ok(problems)
        }
        Definition::StorageToTables(load) => {
            loaded(load, rehearsal, world);
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

/// Tasks, each after those it depends on.
fn in_order(graph: &TaskGraph, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(count);
    while order.len() < count {
        let before = order.len();
        for task in 0..count {
            let parents = graph.parents.get(task).map_or(&[][..], Vec::as_slice);
            if !order.contains(&task) && parents.iter().all(|parent| order.contains(parent)) {
                order.push(task);
            }
        }
        // A graph without cycles always gives one more.
        if order.len() == before {
            break;
        }
    }
    order
}

/// The world as a task will find it.
fn seen(graph: &TaskGraph, task: usize, changes: &[Overlay], world: &Overlay) -> Overlay {
    let mut before = world.clone();
    for (other, changed) in changes.iter().enumerate() {
        if graph.descendants(other).contains(&task) {
            before.extend(changed);
        }
    }
    before
}

/// The tables that a load makes, where their schema is said.
fn loaded(load: &StorageToTables, rehearsal: &Rehearsal<'_>, world: &mut Overlay) {
    for table in tasks::tables_of(load, rehearsal) {
        match table {
            Some((name, expected)) => drop(world.tables.entry(name).or_insert(expected)),
            None => world.is_open = true,
        }
    }
}

/// A DDL file's columns in BigQuery's words.
fn columns(schema: &[Field]) -> Expected {
    Expected::Columns(
        schema.iter().map(|field| Column { name: field.name.clone(), column_type: type_of(field) }).collect(),
    )
}

fn type_of(field: &Field) -> String {
    use tailer_model::operation::ddl::{FieldType, Mode};
    let element = match field.field_type {
        FieldType::Record => {
            let fields: Vec<String> = field.fields.iter().map(|f| format!("{} {}", f.name, type_of(f))).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        scalar => scalar.to_string(),
    };
    if field.mode == Mode::Repeated { format!("ARRAY<{element}>") } else { element }
}

/// A problem of a file's SQL.
fn in_file(file: &str, error: WarehouseError) -> Result<Problem, EngineError> {
    let (message, line, column) = match error {
        WarehouseError::Invalid { message, line, column } => (message, line, column),
        WarehouseError::Unsupported { line, column, .. } => (error.to_string(), line, column),
        WarehouseError::NotFound(_) | WarehouseError::AlreadyExists(_) => (error.to_string(), None, None),
        other => return Err(EngineError::Internal(other.to_string())),
    };
    Ok(Problem { file: Some(file.to_owned()), path: String::new(), line, column, message })
}

fn named(project: &str, dataset: &str, table: &str, date: ExecutionDate) -> Result<TableName, WarehouseError> {
    TableName::new(project, dataset, &template::render(table, date.0, None, None))
}

impl Engine {
    /// What a launch would run into, without running anything.
    ///
    /// # Errors
    /// As [`Engine::launch`]; [`EngineError::Problems`] with everything that is wrong with the SQL.
    pub async fn dry_run(&self, request: LaunchRequest) -> Result<(), EngineError> {
        let (inner, now) = (self.0.clone(), self.0.now());
        runs::launchable(&request)?;
        let wanted = request.clone();
        let loaded = inner
            .parts
            .store
            .read({
                let inner = inner.clone();
                move |tx| {
                    let row = resolve(tx, &wanted.configuration)?;
                    let loaded = inner.cache.load(tx, row.key, row.version)?;
                    runs::check_launch(&row, &wanted, &loaded.configuration)?;
                    Ok::<_, EngineError>(loaded)
                }
            })
            .await?;
        let rehearsal = Rehearsal {
            configuration: &loaded.configuration,
            files: loaded.files(),
            execution_date: request.execution_date.unwrap_or_else(|| ExecutionDate::of(now)),
            parameters: Some(&request.parameters),
            tasks: request.tasks.as_deref(),
        };
        let problems = rehearse(&rehearsal, inner.parts.warehouses.as_ref(), &mut Overlay::default()).await?;
        if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(problems)) }
    }
}

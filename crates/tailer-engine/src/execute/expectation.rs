//! Expectation tasks: every CALL of the file is checked, whatever becomes of the others; the task fails if any was not met
//! (`spec/semantics.md`, Expectations).
//!
//! What was found is recorded first and then appended to the project's table of results, as one warehouse job with an id of its
//! own: after a crash the task goes on from what is recorded, so table and record agree and nothing is appended twice.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::{
    operation::{WriteDisposition, table_to_table::Task},
    template,
};
use tailer_store::{
    Durability, Tx,
    expectations::{self, Found},
};
use tailer_warehouse::{
    Destination, Job, Query, Rows, TableName, Warehouse, WarehouseError,
    expectations::{Expectation, ExpectationResult, Known, of_file},
};

use super::{TaskContext, TaskDone};
use crate::{error::TaskError, sensitive, text::render_sql};

/// Where results are appended, in the project of the task.
const RESULTS: (&str, &str) = ("tailer_common", "expectation_results");

pub(super) async fn run(task: &TaskContext, wanted: &Task, sql_file: &str) -> Result<TaskDone, TaskError> {
    let run = &task.run;
    let sql = render_sql(run.loaded.text(sql_file)?, &run.parameters(), Some(run.execution_date()))
        .map_err(|error| format!("{sql_file}: {error}"))?;
    task.show_sql(&sql);
    let in_file = |error: WarehouseError| match TaskError::from(error) {
        TaskError::Failed(message) => TaskError::Failed(format!("{sql_file}: {message}")),
        TaskError::Cancelled => TaskError::Cancelled,
    };
    let calls = of_file(&sql).map_err(in_file)?;
    if calls.is_empty() {
        return Err(TaskError::Failed(format!("{sql_file}: there is no CALL of an expectation in the file")));
    }
    let mut found = recorded(task).await?;
    if found.is_empty() {
        let warehouse = task.warehouse(&wanted.project)?;
        let written = written(run.loaded.text(sql_file)?, &calls);
        for (call, written) in calls.iter().zip(&written) {
            let result = check(task, warehouse.as_ref(), wanted, call).await?;
            let level = if result.passed { "INFO" } else { "WARNING" };
            run.log.push(level, Some(&task.task.id), format!("{sql_file}, line {}: {}", result.line, result.message));
            found.push(Found {
                call: call.text(written),
                passed: result.passed,
                line: u32::try_from(result.line).unwrap_or(u32::MAX),
                message: result.message,
                result: result.result,
                rejected: json!(result.rejected),
            });
        }
        record(task, &found).await?;
    }
    append(task, wanted, &found).await?;
    verdict(sql_file, &found)
}

/// The calls as they stand in the file, with placeholders' names for what a run fills in: a date that is another one each day makes no
/// other expectation. The calls themselves where the file does not read like that.
fn written(file: &str, calls: &[Expectation]) -> Vec<Expectation> {
    let named = template::replace(file, |name| Some(name.to_owned()));
    of_file(&named).ok().filter(|named| named.len() == calls.len()).unwrap_or_else(|| calls.to_vec())
}

/// Checks one call. What is wrong with it is a result like any other; only a cancel is not.
async fn check(
    task: &TaskContext,
    warehouse: &dyn Warehouse,
    wanted: &Task,
    call: &Expectation,
) -> Result<ExpectationResult, TaskError> {
    let started = Timestamp::now();
    match carried_out(task, warehouse, wanted, call, started).await {
        Ok(result) => Ok(result),
        Err(WarehouseError::Cancelled) => Err(TaskError::Cancelled),
        Err(error) => Ok(ExpectationResult::of_error(call, &error, started)),
    }
}

async fn carried_out(
    task: &TaskContext,
    warehouse: &dyn Warehouse,
    wanted: &Task,
    call: &Expectation,
    started: Timestamp,
) -> Result<ExpectationResult, WarehouseError> {
    let read = |sql: String, limit| {
        let dataset = Some(wanted.dataset.clone()).filter(|dataset| !dataset.is_empty());
        task.read(
            warehouse,
            Query { sql, project: wanted.project.clone(), dataset, destination: None, use_cache: None },
            limit,
        )
    };
    let mut texts = Vec::new();
    for (argument, literal) in call.texts() {
        texts.push(match literal {
            Some(text) => text,
            None => text_of(&read(format!("SELECT {}", argument.sql), 1).await?, &argument.sql)?,
        });
    }
    let known = match call.wants_columns() {
        true => columns(warehouse, &call.table(&wanted.project, &texts)?).await?,
        false => Vec::new(),
    };
    let check = call.check(&wanted.project, &texts, &known)?;
    let rows = read(check.sql.clone(), 1).await?;
    let mut result = check.result(&rows, started, Timestamp::now())?;
    let has_rejected = result.result.get("reject_count").and_then(Value::as_f64).is_some_and(|count| count > 0.0);
    if let Some(sample) = check.sample().filter(|_| has_rejected) {
        match read(sample, usize::MAX).await {
            Ok(rows) => result.rejected = presentable(warehouse, &check.table, rows).await,
            Err(WarehouseError::Cancelled) => return Err(WarehouseError::Cancelled),
            Err(error) => tracing::warn!(%error, "rejected rows of an expectation could not be read"),
        }
    }
    Ok(result)
}

/// Rejected rows without what a description marks as sensitive: nothing of such a table, `***` for the values of such a column.
/// Nothing at all where that cannot be found out.
async fn presentable(warehouse: &dyn Warehouse, table: &TableName, mut rows: Rows) -> Option<Rows> {
    let info = warehouse.table(table).await;
    let definition =
        info.inspect_err(|error| tracing::warn!(%error, "a table's columns could not be read")).ok()??.definition;
    if sensitive::marked(definition.description.as_deref()) {
        return None;
    }
    let hidden =
        |name: &str| definition.schema.iter().any(|field| field.name == name && sensitive::is_sensitive(field));
    let hidden: Vec<bool> = rows.columns.iter().map(|column| hidden(&column.name)).collect();
    for row in &mut rows.rows {
        for (value, _) in row.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden) {
            *value = "***".into();
        }
    }
    Some(rows)
}

fn text_of(rows: &Rows, argument: &str) -> Result<String, WarehouseError> {
    let value = rows.rows.first().and_then(|row| row.first());
    value.and_then(Value::as_str).map(str::to_owned).ok_or_else(|| WarehouseError::Invalid {
        message: format!("the argument {argument} has to be a STRING"),
        line: None,
        column: None,
    })
}

async fn columns(warehouse: &dyn Warehouse, table: &TableName) -> Result<Vec<Known>, WarehouseError> {
    let info = warehouse.table(table).await?;
    info.map(|info| Known::of(&info)).ok_or_else(|| WarehouseError::NotFound(format!("table {table}")))
}

/// What an interrupted try at this attempt has recorded.
async fn recorded(task: &TaskContext) -> Result<Vec<Found>, TaskError> {
    let (run, id, attempt) = (task.run.run.run_id.clone(), task.task.id.clone(), task.attempt);
    let rows = task.run.inner.parts.store.read(move |tx| expectations::of_attempt(tx, &run, &id, attempt)).await;
    let rows = rows.map_err(|error| TaskError::Failed(error.to_string()))?;
    Ok(rows.into_iter().map(|row| row.found).collect())
}

async fn record(task: &TaskContext, found: &[Found]) -> Result<(), TaskError> {
    let (run, attempt, found) = (Arc::clone(&task.run), task.attempt, found.to_vec());
    let (id, criticality, at) = (task.task.id.clone(), task.task.criticality, task.run.inner.now());
    let write = move |tx: &mut Tx<'_>| {
        let row = &run.run;
        expectations::record(tx, &row.run_id, row.fence, row.configuration, (&id, criticality), attempt, &found, at)
    };
    let held = task.run.inner.parts.store.write(Durability::Synced, write).await;
    match held.map_err(|error: tailer_store::StoreError| TaskError::Failed(error.to_string()))? {
        true => Ok(()),
        // Another worker has the run: it checks by itself.
        false => Err(TaskError::Cancelled),
    }
}

/// Appends the results to the project's table, once per attempt.
async fn append(task: &TaskContext, wanted: &Task, found: &[Found]) -> Result<(), TaskError> {
    let (run, identity) = (&task.run.run, &task.run.run.identity);
    let common = [
        ("job_id", run.job_id.to_string()),
        ("dag_id", identity.configuration_id.clone()),
        ("account", identity.account.to_string()),
        ("environment", identity.environment.to_string()),
        ("run_id", run.run_id.to_string()),
        ("configuration_type", identity.configuration_type.to_string()),
        ("configuration_id", identity.configuration_id.clone()),
        ("task_id", task.task.id.to_string()),
        ("execution_date", run.execution_date.to_string()),
        ("criticality", task.task.criticality.to_string()),
    ];
    let rows: Vec<String> = found
        .iter()
        .map(|one| {
            let result = ("expectation_result", one.result.to_string());
            let columns = common.iter().chain(std::iter::once(&result));
            let columns: Vec<String> =
                columns.map(|(name, value)| format!("{} AS {name}", string_literal(value))).collect();
            format!("SELECT {}", columns.join(", "))
        })
        .collect();
    let destination = Destination {
        table: TableName::new(&wanted.project, RESULTS.0, RESULTS.1)?,
        write_disposition: WriteDisposition::Append,
        replace_schema: false,
        expires_after: None,
    };
    let query = Query {
        sql: rows.join("\nUNION ALL\n"),
        project: wanted.project.clone(),
        dataset: None,
        destination: Some(destination),
        use_cache: None,
    };
    task.job(&wanted.project, "-results", Job::Query(query)).await?;
    Ok(())
}

/// A STRING of GoogleSQL.
fn string_literal(value: &str) -> String {
    let mut literal = String::with_capacity(value.len() + 2);
    literal.push('\'');
    for c in value.chars() {
        match c {
            '\\' | '\'' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

fn verdict(sql_file: &str, found: &[Found]) -> Result<TaskDone, TaskError> {
    let failed: Vec<String> =
        found.iter().filter(|one| !one.passed).map(|one| format!("line {}: {}", one.line, one.message)).collect();
    if failed.is_empty() {
        return Ok(TaskDone::told(json!({ "expectations": found.len(), "failed": 0 })));
    }
    Err(TaskError::Failed(format!(
        "{} of {} expectations in {sql_file} failed: {}",
        failed.len(),
        found.len(),
        failed.join("; ")
    )))
}

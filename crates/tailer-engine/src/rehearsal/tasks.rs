//! What each task would do: its problems, and the tables it would leave behind.

use std::sync::Arc;

use serde_json::Map;
use tailer_model::{
    Problem,
    operation::{
        Definition, StorageToTables,
        ddl::{parse_create, parse_load},
        storage_to_tables::{DdlMode, Table},
        table_to_storage::Export,
        table_to_table::{Action, Task},
    },
    secret::Closed,
};
use tailer_warehouse::{
    Column, Query, TableName, Warehouse,
    rehearsal::{Expected, Overlay, Rehearsed},
};

use super::{Rehearsal, columns, in_file, named};
use crate::{EngineError, Warehouses, text::render_sql};

/// One task in the world that it will find.
pub(super) struct Context<'a> {
    pub(super) rehearsal: &'a Rehearsal<'a>,
    pub(super) warehouses: &'a dyn Warehouses,
    pub(super) before: &'a Overlay,
    pub(super) position: usize,
}

type Found = (Vec<Problem>, Overlay);

/// Where a task's SQL runs.
struct Place<'a> {
    file: &'a str,
    project: &'a str,
    dataset: &'a str,
}

impl Context<'_> {
    pub(super) async fn table_to_table(&self, task: &Task) -> Result<Found, EngineError> {
        let name = |table: &str| self.name(&task.project, &task.dataset, table);
        match &task.action {
            Action::Sql { sql_file, table_name, temporary_table, current_date_template, .. } => {
                let place = Place { file: sql_file, project: &task.project, dataset: &task.dataset };
                let (mut problems, rehearsed) = self.sql(&place, *current_date_template).await?;
                let Some(table) = table_name else { return Ok((problems, rehearsed.changes)) };
                let table = match name(table) {
                    Ok(table) => table,
                    Err(problem) => return Ok((vec![problem], rehearsed.changes)),
                };
                if rehearsed.gives_no_rows {
                    let message = format!("the last statement gives no rows for table {table}: end with a SELECT");
                    problems.push(self.at(sql_file, message));
                }
                let mut changes = rehearsed.changes;
                let (expected, problem) = self.filled(&table, rehearsed.columns, *temporary_table, sql_file).await?;
                problems.extend(problem);
                changes.tables.insert(table.without_decorator(), expected);
                Ok((problems, changes))
            }
            Action::CreateTable { table, ddl_file, force_delete, .. } => {
                let table = match name(table) {
                    Ok(table) => table,
                    Err(problem) => return Ok((vec![problem], Overlay::default())),
                };
                let text = self.text(ddl_file).unwrap_or_default();
                let declared = parse_create(&text).0.map_or(Expected::Unknown, |d| columns(&d.schema));
                let expected = match (force_delete, self.expected(&table).await?) {
                    (false, Some(kept)) => kept,
                    _ => declared,
                };
                Ok((Vec::new(), changed(table, expected)))
            }
            Action::CopyTable { source_project, source_dataset, source_table, table, date_suffix_format, .. } => {
                let suffix = date_suffix_format
                    .as_ref()
                    .and_then(|format| jiff::fmt::strtime::format(format, self.rehearsal.execution_date.0).ok());
                let table = suffix.map_or_else(|| table.clone(), |suffix| format!("{table}_{suffix}"));
                let (source, table) = match (self.name(source_project, source_dataset, source_table), name(&table)) {
                    (Ok(source), Ok(table)) => (source, table),
                    (Err(problem), _) | (_, Err(problem)) => return Ok((vec![problem], Overlay::default())),
                };
                match self.expected(&source.without_decorator()).await? {
                    Some(expected) => Ok((Vec::new(), changed(table, expected))),
                    None if self.before.is_open => Ok((Vec::new(), changed(table, Expected::Unknown))),
                    None => {
                        let path = format!("$.workflow[{}].source_bq_table", self.position);
                        let problem =
                            Problem::at(path, format!("not found: table {source}, which no earlier task makes"));
                        Ok((vec![problem], changed(table, Expected::Unknown)))
                    }
                }
            }
            Action::DeleteTable { table } => match name(table) {
                Ok(table) if table.decorator.is_none() => Ok((Vec::new(), changed(table, Expected::Gone))),
                Ok(_) => Ok((Vec::new(), Overlay::default())),
                Err(problem) => Ok((vec![problem], Overlay::default())),
            },
            Action::Expectation { sql_file } => {
                let place = Place { file: sql_file, project: &task.project, dataset: &task.dataset };
                self.expectations(&place).await
            }
        }
    }

    pub(super) async fn export(&self, export: &Export) -> Result<Found, EngineError> {
        let place = Place { file: &export.sql_file, project: &export.project, dataset: "" };
        let (mut problems, rehearsed) = self.sql(&place, export.current_date_template).await?;
        if rehearsed.gives_no_rows {
            problems.push(
                self.at(&export.sql_file, "the last statement gives no rows to export: end with a SELECT".into()),
            );
        }
        let mut changes = rehearsed.changes;
        if let Some(copy) = &export.copy_table
            && let Ok(table) = self.name(&copy.project, &copy.dataset, &copy.table)
            && !copy.date_suffix
        {
            changes.tables.insert(table, rehearsed.columns.map_or(Expected::Unknown, Expected::Columns));
        }
        Ok((problems, changes))
    }

    /// Only the calls of the file are run; each is rehearsed where it stands.
    async fn expectations(&self, place: &Place<'_>) -> Result<Found, EngineError> {
        let Some(sql) = self.rendered(place.file, true)? else { return Ok(Found::default()) };
        let sql = match sql {
            Ok(sql) => sql,
            Err(problem) => return Ok((vec![problem], Overlay::default())),
        };
        let calls = match tailer_warehouse::expectations::of_file(&sql) {
            Ok(calls) if calls.is_empty() => {
                let message = "there is no CALL of an expectation in the file".to_owned();
                return Ok((vec![self.at(place.file, message)], Overlay::default()));
            }
            Ok(calls) => calls,
            Err(error) => return Ok((vec![in_file(place.file, error)?], Overlay::default())),
        };
        let mut problems = Vec::new();
        for call in calls {
            // Lines before the call keep its place.
            let statement = call.statement;
            let mut text = "\n".repeat(statement.line.saturating_sub(1));
            text.push_str(&" ".repeat(statement.column.saturating_sub(1)));
            text.push_str(&statement.sql);
            let rehearsed = self.rehearse(place, text).await?;
            for error in rehearsed.problems {
                problems.push(in_file(place.file, error)?);
            }
        }
        Ok((problems, Overlay::default()))
    }

    async fn sql(&self, place: &Place<'_>, with_date: bool) -> Result<(Vec<Problem>, Rehearsed), EngineError> {
        let unknown = || Rehearsed { changes: Overlay { is_open: true, ..Overlay::default() }, ..Rehearsed::default() };
        let sql = match self.rendered(place.file, with_date)? {
            // A parameter that only the launch knows: nothing can be said.
            None => return Ok((Vec::new(), unknown())),
            Some(Err(problem)) => return Ok((vec![problem], unknown())),
            Some(Ok(sql)) => sql,
        };
        let mut rehearsed = self.rehearse(place, sql).await?;
        let mut problems = Vec::new();
        for error in std::mem::take(&mut rehearsed.problems) {
            problems.push(in_file(place.file, error)?);
        }
        Ok((problems, rehearsed))
    }

    async fn rehearse(&self, place: &Place<'_>, sql: String) -> Result<Rehearsed, EngineError> {
        let dataset = Some(place.dataset.to_owned()).filter(|dataset| !dataset.is_empty());
        let query = Query { sql, project: place.project.to_owned(), dataset, destination: None, use_cache: None };
        let rehearsed = self.warehouse(place.project)?.rehearse(query, self.before.clone()).await;
        rehearsed.map_err(|error| EngineError::Internal(error.to_string()))
    }

    fn warehouse(&self, project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        self.warehouses.open_as(project, self.credentials())
    }

    /// Those that the configuration brings along.
    fn credentials(&self) -> Option<&Closed> {
        match &self.rehearsal.configuration.definition {
            Definition::TableToTable(definition) => definition.credentials.as_ref(),
            Definition::TableToStorage(definition) => definition.exports.get(self.position)?.credentials.as_ref(),
            _ => None,
        }
    }

    /// The file with its placeholders replaced; `None` when it has one that only the launch knows.
    fn rendered(&self, file: &str, with_date: bool) -> Result<Option<Result<String, Problem>>, EngineError> {
        let text = match self.text(file) {
            Ok(text) => text,
            Err(message) => return Ok(Some(Err(self.at(file, message)))),
        };
        let date = with_date.then_some(self.rehearsal.execution_date);
        let rendered = match self.rehearsal.parameters {
            Some(parameters) => render_sql(&text, parameters, date).map_err(|message| self.at(file, message)),
            None => match render_sql(&text, &Map::new(), date) {
                Ok(sql) => Ok(sql),
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(rendered))
    }

    fn text(&self, file: &str) -> Result<String, String> {
        let content = self.rehearsal.files.get(file).ok_or_else(|| format!("the file {file} is missing"))?;
        String::from_utf8(content.clone()).map_err(|_| format!("the file {file} is not UTF-8"))
    }

    /// A table's columns when they are to be kept, or the query's; and what does not fit.
    async fn filled(
        &self,
        table: &TableName,
        given: Option<Vec<Column>>,
        is_made_anew: bool,
        file: &str,
    ) -> Result<(Expected, Option<Problem>), EngineError> {
        let made = given.clone().map_or(Expected::Unknown, Expected::Columns);
        let kept = if is_made_anew { None } else { self.expected(&table.without_decorator()).await? };
        let (Some(Expected::Columns(kept)), Some(given)) = (&kept, &given) else {
            return Ok((kept.unwrap_or(made), None));
        };
        let has = |name: &str| kept.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let foreign = given.iter().find(|column| !has(&column.name));
        let problem = foreign.map(|column| {
            let message = format!("the query gives column `{}`, which table {table} does not have", column.name);
            self.at(file, message)
        });
        Ok((Expected::Columns(kept.clone()), problem))
    }

    /// A table as this task will find it; `None` when it will not be there.
    async fn expected(&self, table: &TableName) -> Result<Option<Expected>, EngineError> {
        match self.before.tables.get(table) {
            Some(Expected::Gone) => return Ok(None),
            Some(expected) => return Ok(Some(expected.clone())),
            None => {}
        }
        let found = self.warehouse(&table.project)?.table(table).await;
        let found = found.map_err(|error| EngineError::Internal(error.to_string()))?;
        Ok(found.map(|info| columns(&info.definition.schema)))
    }

    fn name(&self, project: &str, dataset: &str, table: &str) -> Result<TableName, Problem> {
        named(project, dataset, table, self.rehearsal.execution_date)
            .map_err(|error| Problem::at(format!("$.workflow[{}]", self.position), error.to_string()))
    }

    fn at(&self, file: &str, message: String) -> Problem {
        Problem { file: Some(file.to_owned()), path: String::new(), line: None, column: None, message }
    }
}

fn changed(table: TableName, expected: Expected) -> Overlay {
    Overlay { tables: [(table, expected)].into(), ..Overlay::default() }
}

/// The tables that a load fills, with what its DDL files say of them; `None` for one whose name only the files know.
pub(super) fn tables_of(load: &StorageToTables, rehearsal: &Rehearsal<'_>) -> Vec<Option<(TableName, Expected)>> {
    let of = |table: &Table| {
        let name = named(&table.project, &table.dataset, &table.table_name, rehearsal.execution_date).ok()?;
        let content = match &table.ddl {
            DdlMode::File { ddl_file, .. } => rehearsal.files.get(ddl_file),
            _ => None,
        };
        let schema = content.and_then(|content| std::str::from_utf8(content).ok()).and_then(|text| parse_load(text).0);
        // Metadata columns come after those that are declared.
        let is_plain = !table.options.add_tailer_metadata;
        Some((name, schema.filter(|_| is_plain).map_or(Expected::Unknown, |schema| columns(&schema))))
    };
    load.tables.iter().map(of).collect()
}

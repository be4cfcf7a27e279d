//! What each task of a deployed version reads and writes, told from the configuration and its SQL. Worked out once a version.

use std::collections::BTreeSet;

use tailer_model::{
    operation::{
        Definition, StorageToTables, TableToStorage, TableToTable,
        table_to_storage::Export,
        table_to_table::{Action, Task},
    },
    template,
};
use tailer_warehouse::googlesql::{References, Scope, TablePath, references};

use crate::{cache::Loaded, configurations::folder_text};

/// A version's tasks, as far as they have to do with tables.
#[derive(Debug, Default)]
pub(crate) struct Footprint {
    pub(crate) tasks: Vec<Trace>,
}

/// One task. Tables are as configurations name them ([`super::pattern`]).
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) task: String,
    pub(crate) task_type: String,
    pub(crate) short_description: Option<String>,
    /// File with its documentation.
    pub(crate) doc_md: Option<String>,
    pub(crate) reads: BTreeSet<TablePath>,
    pub(crate) writes: BTreeSet<TablePath>,
    /// Files that are loaded, and files that are written.
    pub(crate) files_read: Vec<String>,
    pub(crate) files_written: Vec<String>,
    /// Project and dataset of the table that the configuration itself names as the task's destination.
    pub(crate) destination: Option<(String, String)>,
    /// What could not be told of its SQL.
    pub(crate) unclear: Vec<String>,
}

impl Footprint {
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let tasks = match &loaded.configuration.definition {
            Definition::TableToTable(definition) => table_to_table(definition, loaded),
            Definition::TableToStorage(definition) => table_to_storage(definition, loaded),
            Definition::StorageToTables(definition) => storage_to_tables(definition),
            _ => Vec::new(),
        };
        Self { tasks }
    }
}

impl Trace {
    fn fills(&mut self, project: &str, dataset: &str, table: &str) {
        self.writes.insert(path(project, dataset, table));
        self.destination = Some((project.to_owned(), dataset.to_owned()));
    }

    fn runs(&mut self, loaded: &Loaded, file: &str, project: &str, dataset: &str) {
        match loaded.text(file) {
            Ok(sql) => {
                let dataset = Some(dataset).filter(|dataset| !dataset.is_empty());
                let found = of_sql(sql, Scope { project, dataset });
                self.reads.extend(found.reads);
                self.writes.extend(found.writes);
                self.unclear.extend(found.unclear.into_iter().map(|line| format!("{file}, {line}")));
            }
            Err(message) => self.unclear.push(message),
        }
    }
}

fn table_to_table(definition: &TableToTable, loaded: &Loaded) -> Vec<Trace> {
    definition.tasks.iter().map(|task| trace(task, loaded)).collect()
}

fn trace(task: &Task, loaded: &Loaded) -> Trace {
    let (project, dataset) = (task.project.as_str(), task.dataset.as_str());
    let mut trace = Trace {
        task: task.id.to_string(),
        task_type: task.task_type.clone(),
        short_description: task.short_description.clone(),
        doc_md: task.doc_md.clone(),
        ..Trace::default()
    };
    match &task.action {
        Action::Sql { sql_file, table_name, .. } => {
            trace.runs(loaded, sql_file, project, dataset);
            if let Some(table) = table_name {
                trace.fills(project, dataset, table);
            }
        }
        Action::CreateTable { table, .. } | Action::DeleteTable { table } => trace.fills(project, dataset, table),
        Action::CopyTable { source_project, source_dataset, source_table, table, date_suffix_format, .. } => {
            trace.reads.insert(path(source_project, source_dataset, source_table));
            let suffix = date_suffix_format.as_ref().map(|format| format!("_{}", suffix(format)));
            trace.fills(project, dataset, &format!("{table}{}", suffix.unwrap_or_default()));
        }
        Action::Expectation { sql_file } => {
            trace.runs(loaded, sql_file, project, dataset);
            // Only its calls are carried out.
            trace.writes.clear();
        }
    }
    trace
}

/// A format of strftime as a name that stands for what it gives.
fn suffix(format: &str) -> String {
    match format {
        "%Y%m%d" => "{{FD_DATE}}".to_owned(),
        plain if !plain.contains('%') => plain.to_owned(),
        _ => "*".to_owned(),
    }
}

fn table_to_storage(definition: &TableToStorage, loaded: &Loaded) -> Vec<Trace> {
    let traced = |export: &Export| {
        let mut trace = Trace {
            task: export.id.to_string(),
            task_type: "export".to_owned(),
            short_description: export.short_description.clone(),
            ..Trace::default()
        };
        trace.runs(loaded, &export.sql_file, &export.project, "");
        let folder = if export.prefix.is_empty() { String::new() } else { format!("{}/", export.prefix) };
        trace.files_written.push(format!("gs://{}/{folder}{}", export.bucket, export.output_filename));
        if let Some(copy) = &export.copy_table {
            let suffix = if copy.date_suffix { "_{{FD_DATE}}" } else { "" };
            trace.fills(&copy.project, &copy.dataset, &format!("{}{suffix}", copy.table));
        }
        trace
    };
    definition.exports.iter().map(traced).collect()
}

fn storage_to_tables(load: &StorageToTables) -> Vec<Trace> {
    let folder = folder_text(load.source.kind, &load.source.bucket, &load.source.prefix);
    // As buckets of Google are written everywhere else.
    let folder = folder.strip_prefix("gcs:").map_or(folder.clone(), |rest| format!("gs:{rest}"));
    let traced = |table: &tailer_model::operation::storage_to_tables::Table| {
        let file = table.template.as_str();
        let mut trace = Trace {
            task: "load".to_owned(),
            task_type: "load".to_owned(),
            short_description: table.short_description.clone(),
            doc_md: table.doc_md.clone(),
            files_read: vec![format!("{}/{file}", folder.trim_end_matches('/'))],
            ..Trace::default()
        };
        // As in `execute/storage_to_tables.rs`: with the table's name, the date is taken from the file's.
        let is_dated = template::placeholders(file).iter().any(|name| name == "FD_DATE" || name == "FD_DATE_YEAR_4");
        let suffix = if table.template.captures_table_name() && is_dated { "_{{FD_DATE}}" } else { "" };
        trace.fills(&table.project, &table.dataset, &format!("{}{suffix}", table.table_name));
        trace
    };
    load.tables.iter().map(traced).collect()
}

fn path(project: &str, dataset: &str, table: &str) -> TablePath {
    let table = table.split_once('$').map_or(table, |(table, _)| table);
    TablePath { project: project.to_owned(), dataset: dataset.to_owned(), table: table.to_owned() }
}

/// Tables of a file's SQL before anything has been put in for the names in braces: those stay in the tables' names.
pub(crate) fn of_sql(sql: &str, scope: Scope<'_>) -> References {
    let mut names = Vec::new();
    let readable = template::replace(sql, |name| {
        names.push(format!("{{{{{name}}}}}"));
        // A word wherever a word may stand, in a text or in backticks too.
        Some(format!("__tlr{}__", names.len() - 1))
    });
    let found = references(&readable, scope);
    if names.is_empty() {
        return found;
    }
    let restored = |text: &str| {
        let mut text = text.to_owned();
        // From the last: the first is part of the eleventh's name.
        for (position, name) in names.iter().enumerate().rev() {
            text = text.replace(&format!("__tlr{position}__"), name);
        }
        text
    };
    let mut unclear: Vec<String> = found.unclear.iter().map(|line| restored(line)).collect();
    let mut tables = |paths: BTreeSet<TablePath>| {
        let mut kept = BTreeSet::new();
        for found in paths {
            let table = restored(&found.table);
            // The whole name is put in at run time, maybe with project and dataset.
            if names.contains(&table) {
                unclear.push(format!("which table {table} is cannot be told"));
                continue;
            }
            kept.insert(TablePath { project: restored(&found.project), dataset: restored(&found.dataset), table });
        }
        kept
    };
    let (reads, writes) = (tables(found.reads), tables(found.writes));
    References { reads, writes, unclear }
}

#[cfg(test)]
mod tests;

//! table-to-table: SQL, DDL, copies and deletions as a graph of tasks (`spec/data-operations.md`, table-to-table).

use super::WriteDisposition;
use crate::{Criticality, Schedule, TaskGraph, TaskId};

#[derive(Debug, Clone, PartialEq)]
pub struct TableToTable {
    pub schedule: Schedule,
    pub task_concurrency: u32,
    pub location: String,
    pub tasks: Vec<Task>,
    /// Same order as `tasks`.
    pub graph: TaskGraph,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub short_description: Option<String>,
    pub doc_md: Option<String>,
    /// Resolved: the task's own or the configuration's default.
    pub project: String,
    /// Resolved like `project`.
    pub dataset: String,
    pub criticality: Criticality,
    /// As written in the file (`sql` when absent).
    pub task_type: String,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// `sql` and `run_gbq_script`.
    Sql {
        sql_file: String,
        table_name: Option<String>,
        write_disposition: WriteDisposition,
        temporary_table: bool,
        /// `sql_query_template: "TEMPLATE_CURRENT_DATE"`.
        current_date_template: bool,
        use_query_cache: bool,
    },
    CreateTable {
        table: String,
        ddl_file: String,
        force_delete: bool,
        force_delete_partition: bool,
    },
    CopyTable {
        source_project: String,
        source_dataset: String,
        source_table: String,
        table: String,
        /// strftime format of the suffix, when asked for.
        date_suffix_format: Option<String>,
        write_disposition: WriteDisposition,
    },
    DeleteTable {
        table: String,
    },
    Expectation {
        sql_file: String,
    },
}

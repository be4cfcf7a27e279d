//! table-to-storage: queries exported to files in a bucket (`spec/data-operations.md`, table-to-storage, versions 1 to 3).

use crate::{Criticality, Schedule, TaskGraph, TaskId};

#[derive(Debug, Clone, PartialEq)]
pub struct TableToStorage {
    pub schedule: Schedule,
    pub task_concurrency: u32,
    pub exports: Vec<Export>,
    /// Same order as `exports`.
    pub graph: TaskGraph,
}

/// One export with every default applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub id: TaskId,
    pub short_description: Option<String>,
    pub criticality: Criticality,
    pub bucket: String,
    /// May hold `{{FD_DATE}}`.
    pub prefix: String,
    pub project: String,
    pub sql_file: String,
    pub output_filename: String,
    pub format: DestinationFormat,
    pub print_header: bool,
    pub field_delimiter: String,
    pub compression: Compression,
    pub current_date_template: bool,
    pub location: String,
    pub generate_top_file: bool,
    pub delete_destination_content: bool,
    pub copy_table: Option<CopyTable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyTable {
    pub project: String,
    pub dataset: String,
    pub table: String,
    /// `dest_gbq_table_suffix: "dag_execution_date"`.
    pub date_suffix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DestinationFormat {
    #[default]
    Csv,
    NewlineDelimitedJson,
    Avro,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
}

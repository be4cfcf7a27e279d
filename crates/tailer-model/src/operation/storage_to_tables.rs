//! storage-to-tables: files loaded into tables (`spec/data-operations.md`, storage-to-tables).

use super::{WriteDisposition, storage_to_storage::StorageAddress};
use crate::template::FilenameTemplate;

#[derive(Debug, Clone, PartialEq)]
pub struct StorageToTables {
    pub source: StorageAddress,
    pub archive_prefix: Option<String>,
    /// Every table of every destination, in file order, defaults applied.
    pub tables: Vec<Table>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub project: String,
    pub dataset: String,
    /// May hold `{{FD_TABLE_NAME}}` and date names.
    pub table_name: String,
    pub short_description: Option<String>,
    pub doc_md: Option<String>,
    pub template: FilenameTemplate,
    pub ddl: DdlMode,
    pub options: LoadOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DdlMode {
    File { ddl_file: String },
    FileTemplate,
    Header,
    Autodetect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceFormat {
    #[default]
    Csv,
    Json,
    Parquet,
    Avro,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    pub source_format: SourceFormat,
    /// `CREATE_IF_NEEDED` (true) or `CREATE_NEVER`.
    pub create_if_needed: bool,
    pub write_disposition: WriteDisposition,
    pub skip_leading_rows: u64,
    pub field_delimiter: String,
    pub quote_character: Option<String>,
    pub null_marker: Option<String>,
    pub ignore_unknown_values: bool,
    pub max_bad_records: u64,
    pub allow_field_addition: bool,
    pub allow_field_relaxation: bool,
    pub allow_quoted_newlines: bool,
    pub allow_jagged_rows: bool,
    pub add_tailer_metadata: bool,
}

//! DDL files: a table's schema, description, partitioning and clustering, in two spellings: the create task's
//! (`bq_table_schema`, ...) and the load's (`{"schema": [...]}`).

use serde::{Deserialize, Serialize};

/// Everything a create needs to know about a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableDefinition {
    pub description: Option<String>,
    pub schema: Vec<Field>,
    pub clustering: Vec<String>,
    pub partitioning: Option<Partitioning>,
    pub require_partition_filter: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub field_type: FieldType,
    pub mode: Mode,
    pub description: Option<String>,
    /// Of a RECORD.
    pub fields: Vec<Field>,
}

/// BigQuery column types; legacy spellings (INTEGER, FLOAT, BOOLEAN, STRUCT) fold into these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldType {
    String,
    Bytes,
    Int64,
    Float64,
    Numeric,
    BigNumeric,
    Bool,
    Timestamp,
    Date,
    Time,
    DateTime,
    Interval,
    Geography,
    Json,
    Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Mode {
    #[default]
    Nullable,
    Required,
    Repeated,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partitioning {
    /// `field: None` is ingestion time.
    Time {
        field: Option<String>,
        unit: PartitionUnit,
        expiration_ms: Option<u64>,
    },
    Range {
        field: String,
        start: i64,
        end: i64,
        interval: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PartitionUnit {
    Hour,
    #[default]
    Day,
    Month,
    Year,
}

// CONTRACT (helper model):
// /// A create task's DDL file. Problems carry JSON paths (and line and column for syntax).
// pub fn parse_create(text: &str) -> (Option<TableDefinition>, Problems)
// /// A load's DDL file.
// pub fn parse_load(text: &str) -> (Option<Vec<Field>>, Problems)
// impl FieldType { pub fn as_str(self) -> &'static str  /* STRING, INT64, ... RECORD */ }

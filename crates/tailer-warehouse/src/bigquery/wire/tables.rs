//! Tables and datasets.

use serde::{Deserialize, Serialize};

use super::{DatasetReference, numbers};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableReference {
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
    /// Maybe with a partition decorator.
    pub(crate) table_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Table {
    pub(crate) table_reference: TableReference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_partitioning: Option<TimePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range_partitioning: Option<RangePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) require_partition_filter: Option<bool>,
    /// Milliseconds since 1970.
    #[serde(with = "numbers", skip_serializing_if = "Option::is_none")]
    pub(crate) expiration_time: Option<i64>,
    /// `TABLE`, `VIEW`, `EXTERNAL`, …
    #[serde(rename = "type", skip_serializing)]
    pub(crate) kind: Option<String>,
    #[serde(with = "numbers", skip_serializing)]
    pub(crate) creation_time: Option<i64>,
    #[serde(with = "numbers", skip_serializing)]
    pub(crate) last_modified_time: Option<i64>,
    #[serde(with = "numbers", skip_serializing)]
    pub(crate) num_rows: Option<i64>,
    #[serde(with = "numbers", skip_serializing)]
    pub(crate) num_bytes: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Schema {
    pub(crate) fields: Vec<FieldSchema>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FieldSchema {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) field_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<FieldSchema>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TimePartitioning {
    #[serde(rename = "type")]
    pub(crate) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field: Option<String>,
    #[serde(with = "numbers", skip_serializing_if = "Option::is_none")]
    pub(crate) expiration_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RangePartitioning {
    pub(crate) field: String,
    pub(crate) range: Range,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Range {
    #[serde(with = "numbers")]
    pub(crate) start: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) end: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) interval: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Clustering {
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableList {
    pub(crate) tables: Vec<Table>,
    pub(crate) next_page_token: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Dataset {
    pub(crate) dataset_reference: DatasetReference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DatasetList {
    pub(crate) datasets: Vec<Dataset>,
    pub(crate) next_page_token: Option<String>,
}

/// Rows as they are stored, without the types of their columns.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TableData {
    pub(crate) rows: Vec<serde_json::Value>,
}

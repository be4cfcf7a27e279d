//! Jobs over files: what a load and an extract ask for, and what they tell.

use serde::{Deserialize, Serialize};

use super::{Clustering, RangePartitioning, Schema, TableReference, TimePartitioning, numbers};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoadConfiguration {
    /// Absent when the content is uploaded with the job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_uris: Vec<String>,
    pub(crate) destination_table: TableReference,
    pub(crate) source_format: String,
    pub(crate) create_disposition: String,
    pub(crate) write_disposition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) autodetect: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skip_leading_rows: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field_delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) null_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_quoted_newlines: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allow_jagged_rows: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ignore_unknown_values: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_bad_records: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) use_avro_logical_types: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parquet_options: Option<ParquetOptions>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) decimal_target_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) schema_update_options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_partitioning: Option<TimePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range_partitioning: Option<RangePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination_table_properties: Option<TableProperties>,
}

/// Of a table that the load makes; BigQuery refuses others than those of one that is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TableProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ParquetOptions {
    pub(crate) enum_as_string: bool,
    pub(crate) enable_list_inference: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExtractConfiguration {
    pub(crate) source_table: TableReference,
    /// With one `*`, for which BigQuery puts twelve digits.
    pub(crate) destination_uris: Vec<String>,
    pub(crate) destination_format: String,
    pub(crate) compression: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) field_delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) print_header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) use_avro_logical_types: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoadStatistics {
    #[serde(with = "numbers")]
    pub(crate) input_file_bytes: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) output_rows: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) bad_records: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExtractStatistics {
    /// Files written for each address.
    pub(crate) destination_uri_file_counts: Vec<String>,
    #[serde(with = "numbers")]
    pub(crate) input_bytes: Option<i64>,
}

//! Jobs: what is asked for, how it goes, what it told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Clustering, ExtractConfiguration, LoadConfiguration, RangePartitioning, TableReference, TimePartitioning,
    files::{ExtractStatistics, LoadStatistics},
    numbers,
};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobReference {
    pub(crate) project_id: String,
    /// None for a dry run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) job_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobResource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_reference: Option<JobReference>,
    pub(crate) configuration: JobConfiguration,
    #[serde(skip_serializing)]
    pub(crate) status: JobStatus,
    #[serde(skip_serializing)]
    pub(crate) statistics: JobStatistics,
}

/// One of the kinds is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<QueryConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copy: Option<CopyConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<LoadConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extract: Option<ExtractConfiguration>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dry_run: Option<bool>,
    #[serde(with = "numbers", skip_serializing_if = "Option::is_none")]
    pub(crate) job_timeout_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DatasetReference {
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryConfiguration {
    pub(crate) query: String,
    pub(crate) use_legacy_sql: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_dataset: Option<DatasetReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination_table: Option<TableReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) create_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) write_disposition: Option<String>,
    #[serde(with = "numbers", skip_serializing_if = "Option::is_none")]
    pub(crate) maximum_bytes_billed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) use_query_cache: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) schema_update_options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_partitioning: Option<TimePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range_partitioning: Option<RangePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CopyConfiguration {
    pub(crate) source_table: TableReference,
    pub(crate) destination_table: TableReference,
    pub(crate) create_disposition: String,
    pub(crate) write_disposition: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorProto {
    pub(crate) reason: String,
    pub(crate) message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobStatus {
    pub(crate) state: String,
    pub(crate) error_result: Option<ErrorProto>,
    /// What went wrong on the way, also in a job that went well: the bad lines of a load.
    pub(crate) errors: Vec<ErrorProto>,
}

/// Details that a failure is told with; BigQuery names many more.
const SHOWN_DETAILS: usize = 3;

impl JobStatus {
    /// Why the job failed, with the details that the sentence itself leaves out.
    pub(crate) fn failure(&self) -> Option<ErrorProto> {
        let mut failure = self.error_result.clone()?;
        let mut shown = 0;
        for detail in self.errors.iter().map(|error| error.message.as_str()) {
            if shown < SHOWN_DETAILS && !failure.message.contains(detail) {
                failure.message.push_str("; ");
                failure.message.push_str(detail);
                shown += 1;
            }
        }
        Some(failure)
    }
}

impl JobResource {
    pub(crate) fn is_done(&self) -> bool {
        self.status.state == "DONE"
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobStatistics {
    /// Milliseconds since 1970, as all times here.
    #[serde(with = "numbers")]
    pub(crate) start_time: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) end_time: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) total_bytes_processed: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) total_slot_ms: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) num_child_jobs: Option<i64>,
    pub(crate) query: QueryStatistics,
    pub(crate) load: LoadStatistics,
    pub(crate) extract: ExtractStatistics,
    pub(crate) script_statistics: Option<ScriptStatistics>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryStatistics {
    #[serde(with = "numbers")]
    pub(crate) total_bytes_billed: Option<i64>,
    #[serde(with = "numbers")]
    pub(crate) num_dml_affected_rows: Option<i64>,
    pub(crate) cache_hit: Option<bool>,
    pub(crate) statement_type: Option<String>,
    pub(crate) referenced_tables: Vec<TableReference>,
    pub(crate) schema: Option<super::Schema>,
}

/// Where in its script a statement stands.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScriptStatistics {
    pub(crate) stack_frames: Vec<StackFrame>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StackFrame {
    pub(crate) start_line: usize,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct JobList {
    pub(crate) jobs: Vec<JobResource>,
    pub(crate) next_page_token: Option<String>,
}

/// A page of a query's rows; with `job_complete` false only that it still runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct QueryResults {
    pub(crate) job_complete: bool,
    pub(crate) job_reference: Option<JobReference>,
    pub(crate) schema: Option<super::Schema>,
    #[serde(with = "numbers")]
    pub(crate) total_rows: Option<i64>,
    pub(crate) rows: Vec<Value>,
    pub(crate) page_token: Option<String>,
}

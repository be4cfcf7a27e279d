//! The resources of BigQuery's REST API v2 that tailerd uses, field by field as they go over the wire: camelCase, 64-bit
//! numbers as strings, what is absent left out.
//!
//! Nothing is decided here. Unknown fields of answers are ignored, as the API may grow.

mod files;
mod jobs;
mod numbers;
mod tables;

pub(crate) use files::{ExtractConfiguration, LoadConfiguration, LoadStatistics, ParquetOptions, TableProperties};
pub(crate) use jobs::{
    CopyConfiguration, DatasetReference, ErrorProto, JobConfiguration, JobList, JobReference, JobResource,
    QueryConfiguration, QueryResults,
};
pub(crate) use tables::{
    Clustering, Dataset, DatasetList, FieldSchema, Range, RangePartitioning, Schema, Table, TableData, TableList,
    TableReference, TimePartitioning,
};

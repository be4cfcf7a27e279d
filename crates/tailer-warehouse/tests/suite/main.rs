//! One suite for every warehouse: each case is written once and runs on DuckDB and on BigQuery's emulator (`TAILERD_TEST_BIGQUERY`,
//! set by `.ci/counterparts`).
//!
//! Where the emulator does otherwise than BigQuery, the line of the case says so, and the test holds it to that: the day the
//! emulator learns it, the test fails and the line goes. What the emulator cannot show is shown by requests that are recorded and
//! held against what is expected, named in the same line. `docs/bigquery.md` has the table of these lines ([`table`]).
#![allow(unreachable_pub, reason = "cases are named by the table below")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod exports;
mod jobs;
mod loads;
mod place;
mod queries;
mod scripts;
mod table;
mod tables;

use place::Place;

/// What a warehouse makes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What BigQuery does.
    Agrees,
    /// Something else, which is no proof of anything.
    Differs(&'static str),
}

/// A line of the table.
#[derive(Debug)]
pub struct Line {
    pub feature: &'static str,
    pub duckdb: Verdict,
    pub emulator: Verdict,
    /// `file::test`, where requests are recorded and judged.
    pub recorded: Option<&'static str>,
}

/// Each line is a case on DuckDB, the same case on the emulator, and a line of the table.
macro_rules! suite {
    ($($module:ident::$case:ident, $feature:literal, $duckdb:expr, $emulator:expr, $recorded:expr;)*) => {
        pub const LINES: &[Line] =
            &[$(Line { feature: $feature, duckdb: $duckdb, emulator: $emulator, recorded: $recorded }),*];

        mod on_duckdb {
            use crate::Verdict::{Agrees, Differs};

            $(#[tokio::test]
            async fn $case() {
                crate::place::judge($duckdb, tokio::spawn(crate::$module::$case(crate::Place::embedded()))).await;
            })*
        }

        mod on_the_emulator {
            use crate::Verdict::{Agrees, Differs};

            $(#[tokio::test]
            async fn $case() {
                let Some(place) = crate::Place::emulator().await else { return };
                crate::place::judge($emulator, tokio::spawn(crate::$module::$case(place))).await;
            })*
        }
    };
}

use Verdict::{Agrees, Differs};

suite! {
    queries::dispositions, "queries: `WRITE_EMPTY`, `WRITE_APPEND`, `WRITE_TRUNCATE`", Agrees, Agrees, None;
    queries::truncate_keeps_the_schema, "queries: `WRITE_TRUNCATE` keeps types, modes and descriptions",
        Agrees, Differs("makes the table anew"), Some("bigquery_statements::queries_say_what_is_asked_of_them");
    queries::temporary_tables, "queries: a table made anew that expires",
        Agrees, Agrees, Some("bigquery_statements::a_temporary_table_is_dropped_made_and_given_its_end");
    queries::names_without_a_dataset, "queries: a default dataset", Agrees, Agrees, None;
    queries::values, "queries: values of every type, read back", Agrees, Agrees, None;
    queries::wrong_queries, "queries: what is wrong is told, and leaves nothing behind",
        Agrees, Agrees, Some("bigquery::an_invalid_query_is_sent_once");
    queries::statistics, "queries: rows and times", Agrees, Agrees, None;
    queries::dry_run, "dry run: columns and problems, nothing done", Agrees, Agrees, None;
    scripts::last_result, "scripts: the last result goes to the table", Agrees, Agrees, None;
    scripts::statements, "scripts: the statements that ran",
        Agrees, Differs("tells the whole script for each"), Some("bigquery_statements::a_scripts_statements_are_its_child_jobs");
    scripts::failures, "scripts: what ran before a failure stays", Agrees, Agrees, None;
    scripts::exceptions, "scripts: loops, variables, exceptions", Agrees, Agrees, None;
    tables::description, "tables: columns, modes, RECORD, descriptions", Agrees, Agrees, None;
    tables::time_partitioning, "tables: time partitioning, expiration of partitions, clustering, required filter",
        Agrees, Agrees, Some("bigquery_statements::a_table_is_made_with_all_that_is_declared");
    tables::range_partitioning, "tables: range partitioning",
        Agrees, Agrees, Some("bigquery_statements::a_table_is_made_with_all_that_is_declared");
    tables::required_filter, "tables: a query without the required filter is refused",
        Differs("does not ask for it"), Agrees, None;
    tables::made_once, "tables: made once, dropped, dropped again, listed", Agrees, Agrees, None;
    tables::copies, "copies: dispositions", Agrees, Agrees, None;
    tables::missing_source, "copies: of a table that is not there", Agrees, Agrees, None;
    tables::partitions, "partition decorators: emptied, and filled by a query",
        Agrees, Differs("makes a table `t$…`"), Some("bigquery_statements::a_query_replaces_and_fills_the_partition_that_it_names");
    loads::csv_files, "loads: CSV with its delimiter, quote, null marker and header",
        Agrees, Agrees, Some("bigquery_requests::a_load_says_all_that_its_options_say");
    loads::json_files, "loads: JSON",
        Agrees, Agrees, Some("bigquery_requests::other_formats_are_told_what_their_values_become");
    loads::columnar_files, "loads: Parquet, Avro",
        Agrees, Agrees, Some("bigquery_requests::other_formats_are_told_what_their_values_become");
    loads::gzip, "loads: gzip", Agrees, Agrees, None;
    loads::load_dispositions, "loads: write and create dispositions", Agrees, Agrees, None;
    loads::bad_lines, "loads: all or nothing, `bq_load_job_max_bad_records`",
        Agrees, Agrees, Some("bigquery_requests::bad_lines_are_told_with_their_details");
    loads::names_of_the_first_line, "loads: names from the first line", Agrees, Agrees, None;
    loads::added_columns, "loads: `add_tailer_metadata`, several files at once", Agrees, Agrees, None;
    loads::descriptions, "loads: descriptions of table and columns",
        Agrees, Differs("takes no description with a load"), Some("bigquery_requests::a_replaced_table_keeps_what_its_new_columns_allow");
    loads::required_columns, "loads: REQUIRED columns",
        Agrees, Differs("takes NULL for them"), Some("bigquery_requests::a_load_says_all_that_its_options_say");
    loads::unknown_values, "loads: `ignore_unknown_values`",
        Agrees, Differs("refuses them always"), Some("bigquery_requests::a_load_says_all_that_its_options_say");
    loads::jagged_rows, "loads: jagged rows",
        Agrees, Agrees, Some("bigquery_requests::a_load_says_all_that_its_options_say");
    loads::quoted_newlines, "loads: quoted newlines",
        Agrees, Differs("always takes them"), Some("bigquery_requests::a_load_says_all_that_its_options_say");
    loads::new_columns, "loads: `ALLOW_FIELD_ADDITION`",
        Agrees, Agrees, Some("bigquery_requests::a_load_says_all_that_its_options_say");
    exports::csv, "exports: CSV, gzip", Agrees, Agrees, None;
    exports::json, "exports: JSON", Agrees, Agrees, None;
    exports::columnar, "exports: Parquet, Avro, snappy", Agrees, Agrees, None;
    exports::ordered, "exports: in the order of the query, also of many rows", Agrees, Agrees, None;
    exports::nothing, "exports: no rows, and what gives none", Agrees, Agrees, None;
    jobs::once, "jobs: an id that was used does nothing again (query, script, copy, load)",
        Agrees, Agrees, Some("bigquery_requests::what_was_uploaded_before_a_crash_is_not_sent_again");
    jobs::attached, "jobs: found again by their id after a restart", Agrees, Agrees, None;
    jobs::cancelled, "jobs: cancelled while they run", Agrees, Agrees, None;
    jobs::unknown, "jobs: cancelling what is not there or has ended", Agrees, Agrees, None;
}

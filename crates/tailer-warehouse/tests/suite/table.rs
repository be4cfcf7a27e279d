//! The table of `docs/bigquery.md`, "What is verified where": made of the suite's lines, and of what other tests show.

use std::{fmt::Write as _, fs, path::Path};

use crate::{LINES, Verdict};

/// What no case of a warehouse alone can show, and the test that shows it: a file below `crates` and a function of it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "a run killed while its job runs attaches to it: a query",
        "tailerd/tests/bigquery_faults.rs",
        "a_run_that_was_killed_attaches_to_the_job_that_it_had_started",
    ),
    ("… a script", "tailerd/tests/bigquery_faults.rs", "a_script_that_was_killed_is_attached_to"),
    ("… a load", "tailerd/tests/bigquery_faults.rs", "a_load_that_was_killed_is_attached_to"),
    (
        "killed before the job is inserted, and before the answer comes",
        "tailerd/tests/bigquery_faults.rs",
        "a_kill_around_the_insertion_leaves_one_job",
    ),
    (
        "a temporary table goes, also after a crash",
        "tailerd/tests/bigquery_faults.rs",
        "a_temporary_table_goes_also_after_a_crash",
    ),
    ("a cancelled run cancels its job", "tailerd/tests/bigquery_faults.rs", "a_cancelled_run_cancels_its_job"),
    (
        "503, a dropped connection, a rate limit: each phase of a job",
        "tailerd/tests/bigquery_faults.rs",
        "what_passes_is_survived_and_one_job_is_inserted",
    ),
    (
        "… and of its rows, with `Retry-After`",
        "tailer-warehouse/tests/bigquery_statements.rs",
        "what_passes_is_survived_in_each_phase",
    ),
    ("an invalid query is not retried", "tailerd/tests/bigquery_faults.rs", "an_invalid_query_is_not_tried_again"),
    (
        "a job that BigQuery failed runs again under the next id",
        "tailer-warehouse/tests/bigquery.rs",
        "a_job_that_bigquery_failed_runs_again_under_the_next_id",
    ),
    (
        "… but no script",
        "tailer-warehouse/tests/bigquery_statements.rs",
        "a_script_that_bigquery_failed_does_not_run_again",
    ),
    (
        "a job in another place is found",
        "tailer-warehouse/tests/bigquery_statements.rs",
        "a_job_is_found_where_bigquery_runs_it",
    ),
    (
        "labels, `maximum_bytes_billed`, `job_timeout`, `query_cache`",
        "tailer-warehouse/tests/bigquery_statements.rs",
        "queries_say_what_is_asked_of_them",
    ),
    (
        "`gcp_credentials_secret` wins",
        "tailerd/tests/bigquery_identity.rs",
        "the_credentials_of_a_configuration_win_over_those_of_the_project",
    ),
    (
        "one token for all, another when it is refused, clocks that differ",
        "tailerd/tests/bigquery_identity.rs",
        "the_machines_account_has_one_token_for_all_and_another_when_it_is_refused",
    ),
    (
        "application default credentials",
        "tailerd/tests/bigquery_identity.rs",
        "application_default_credentials_are_looked_for_where_google_says",
    ),
    ("statistics and the cost of a run", "tailerd/tests/bigquery_identity.rs", "a_run_tells_what_it_has_cost"),
    ("expectations", "tailerd/tests/bigquery_tasks.rs", "expectations_need_nothing_in_the_project"),
    (
        "`examples/retail`: exports equal to those of the embedded warehouse",
        "tailerd/tests/bigquery_example.rs",
        "its_reports_are_those_of_the_embedded_warehouse_byte_for_byte",
    ),
    ("… the Iowa files", "tailerd/tests/bigquery_example.rs", "the_iowa_files_are_exported_alike_by_both"),
    (
        "loads by address and through the staging bucket",
        "tailerd/tests/bigquery_files.rs",
        "files_travel_through_the_staging_bucket",
    ),
    (
        "uploads: cut, 503, forgotten, done before",
        "tailer-warehouse/tests/bigquery_requests.rs",
        "an_upload_goes_on_where_it_was_cut",
    ),
    (
        "every format of export byte for byte the embedded one's, on the emulator",
        "tailer-warehouse/tests/bigquery_files.rs",
        "exports_are_those_of_the_embedded_warehouse_byte_for_byte",
    ),
    ("extract jobs", "tailer-warehouse/tests/bigquery_files.rs", "a_large_result_is_extracted_into_the_bucket"),
    (
        "`tailerd doctor`: wrong key, no answer, no right, wrong clock",
        "tailerd/tests/doctor.rs",
        "what_bigquery_refuses_is_explained",
    ),
];

fn lines() -> String {
    let mut text = "| | DuckDB | emulator | recorded requests |\n| --- | --- | --- | --- |\n".to_owned();
    for line in LINES {
        let word = |verdict: Verdict| match verdict {
            Verdict::Agrees => "yes".to_owned(),
            Verdict::Differs(how) => format!("no: {how}"),
        };
        let recorded = if line.recorded.is_some() { "yes" } else { "" };
        let _ = writeln!(text, "| {} | {} | {} | {recorded} |", line.feature, word(line.duckdb), word(line.emulator));
    }
    text
}

fn elsewhere() -> String {
    let mut text = "| | shown by |\n| --- | --- |\n".to_owned();
    for (feature, file, test) in ELSEWHERE {
        let _ = writeln!(text, "| {feature} | `{file}`: `{test}` |");
    }
    text
}

#[test]
fn the_documentation_has_the_table() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(crates.join("../docs/bigquery.md")).unwrap();
    for table in [lines(), elsewhere()] {
        assert!(page.contains(&table), "docs/bigquery.md, What is verified where, has to be:\n\n{table}");
    }
}

#[test]
fn what_is_named_is_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let has = |file: &Path, test: &str| {
        let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(source.contains(&format!("fn {test}(")), "{} has no test {test}", file.display());
    };
    for line in LINES {
        if let Some((file, test)) = line.recorded.and_then(|recorded| recorded.split_once("::")) {
            has(&crates.join(format!("tailer-warehouse/tests/{file}.rs")), test);
        }
        // What nobody verifies is no line of the table.
        assert!([line.duckdb, line.emulator].contains(&Verdict::Agrees), "{line:?}");
        assert!(line.emulator == Verdict::Agrees || line.recorded.is_some(), "{line:?}");
    }
    for (_, file, test) in ELSEWHERE {
        has(&crates.join(file), test);
    }
}

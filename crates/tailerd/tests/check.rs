//! `tailerd check`: every problem at once, each with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use serde_json::json;
use support::{Ended, run, table_to_table};

/// Runs in the folder, so that paths are short.
fn check(folder: &Path, args: &[&str]) -> Ended {
    run(support::command().current_dir(folder).arg("check").args(args), "")
}

#[test]
fn a_good_folder_is_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    table_to_table(folder.path(), "good", &[("one", "SELECT 1 AS n", json!({ "table_name": "t" }))], json!({}));
    fs::write(folder.path().join("package.json"), "{\"name\": \"not a configuration\"}").unwrap();
    let ended = check(folder.path(), &["."]).good();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("1 configuration good"), "{}", ended.stderr);
}

#[test]
fn all_problems_of_all_files_are_printed_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let tasks =
        [("one", "SELECT 1 AS n", json!({ "table_name": "t", "criticality": "grave" })), ("two", "", json!({}))];
    table_to_table(folder.path(), "bad", &tasks, json!({ "environment": "TEST", "max_active_runs": "many" }));
    fs::remove_file(folder.path().join("bad_two.sql")).unwrap();
    fs::write(
        folder.path().join("comma.json"),
        "{\n  \"configuration_type\": \"workflow\"\n  \"account\": \"000099\"\n}",
    )
    .unwrap();
    let ended = check(folder.path(), &["bad.json", "comma.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.snapshot());
    for part in ["bad.json: $.environment: ", "bad.json: $.max_active_runs: ", "bad.json: $.workflow[0].criticality: "]
    {
        assert!(ended.stdout.contains(part), "{part:?} is not in {}", ended.stdout);
    }
    assert!(ended.stdout.contains("comma.json:3:"), "line and column of the syntax error: {}", ended.stdout);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
}

#[test]
fn a_missing_file_is_a_problem_of_the_place_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [("one", "SELECT 1 AS n", json!({ "table_name": "t" })), ("two", "", json!({ "table_name": "u" }))];
    table_to_table(folder.path(), "bad", &tasks, json!({}));
    fs::remove_file(folder.path().join("bad_two.sql")).unwrap();
    let ended = check(folder.path(), &["bad.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.snapshot());
    assert!(ended.stdout.contains("bad.json: $.workflow[1].sql_file: "), "{}", ended.stdout);
    let report = check(folder.path(), &["bad.json", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report[0]["ok"], json!(false));
    assert_eq!(report[0]["problems"][0]["path"], json!("$.workflow[1].sql_file"));
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let ended = check(folder.path(), &["missing.json"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: cannot read missing.json: "), "{}", ended.stderr);
    let ended = check(folder.path(), &["."]);
    assert!(ended.stderr.contains("no configuration in this folder"), "{}", ended.stderr);
}

#[test]
fn sql_is_bound_against_what_earlier_tasks_would_make() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = [
        ("one", "SELECT 1 AS n", json!({ "table_name": "t" })),
        ("two", "SELECT\n  m FROM t", json!({})),
        ("three", "SELECT {{given_at_launch}} FROM nowhere", json!({})),
    ];
    table_to_table(folder.path(), "pipeline", &tasks, json!({}));
    check(folder.path(), &["pipeline.json"]).good();
    let ended = check(folder.path(), &["--sql", "pipeline.json", "--data", "none"]);
    assert_eq!(ended.code, Some(1), "{}", ended.snapshot());
    let errors: Vec<&str> = ended.stdout.lines().filter(|line| !line.ends_with("(warning)")).collect();
    assert_eq!(errors, ["pipeline_two.sql:2:3: unrecognized column name: m; did you mean n?"], "{}", ended.snapshot());
    assert!(!folder.path().join("none").exists(), "nothing is made");
    fs::write(folder.path().join("pipeline_two.sql"), "SELECT n FROM t").unwrap();
    check(folder.path(), &["--sql", "pipeline.json"]).good();
}

#[test]
fn the_next_ticks_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = json!({ "schedule_interval": "0 5 29 2 *", "start_date": "2096, 1, 1" });
    table_to_table(folder.path(), "daily", &[("one", "SELECT 1 AS n", json!({ "table_name": "t" }))], schedule);
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "gather", "environment": "DEV", "account": "000099",
        "version": "2", "authorized_job_ids": ["gbq-to-gbq|daily_DEV"], "schedule_interval_reset": "0 0 1 1 *",
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "daily_DEV"},
    });
    support::write_json(&folder.path().join("gather.json"), &workflow);
    let ended = check(folder.path(), &["."]).good();
    let next = "daily.json: next runs 2096-02-29T05:00:00.000000+00:00, 2104-02-29T05:00:00.000000+00:00, 2108-02-29T05:00:00.000000+00:00";
    assert!(ended.stdout.contains(next), "{}", ended.snapshot());
    assert!(ended.stdout.contains("gather.json: next resets "), "{}", ended.snapshot());
    let report = check(folder.path(), &["daily.json", "--json"]).good().json();
    assert_eq!(report[0]["next_ticks"].as_array().unwrap().len(), 5);
}

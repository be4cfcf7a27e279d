//! What works without a server: `run`, `sql`, `sql --batch`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Ended, command, run, table_to_table, tailerd, text};

fn sql(data: &Path, more: &[&str], input: &str) -> Ended {
    let mut command = command();
    command.args(["sql", "--data"]).arg(data).args(more);
    run(&mut command, input)
}

#[test]
fn a_file_runs_right_here() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let tasks = [
        ("one", "SELECT {{n}} AS n", json!({ "table_name": "numbers" })),
        ("two", "SELECT n + 1 AS n FROM numbers", json!({ "table_name": "more" })),
    ];
    // The schedule is left aside: nothing runs but this.
    let schedule = json!({ "start_date": "2020, 01, 01", "schedule_interval": "* * * * *", "catchup": true });
    table_to_table(folder.path(), "here", &tasks, schedule);
    let file = folder.path().join("here.json");
    let (file, data_text) = (file.to_str().unwrap(), data.to_str().unwrap());
    let ended = tailerd(&["run", file, "--data", data_text, "--param", "n=41"]).good();
    assert!(ended.stdout.contains("SUCCESS") && ended.stdout.contains("two"), "{}", ended.stdout);
    let rows = |table: &str| {
        sql(&data, &["--project", "p", "--dataset", "d", &format!("SELECT n FROM {table}")], "").good().stdout
    };
    assert_eq!(rows("more"), "n\n42\n");

    let only = tailerd(&["run", file, "--data", data_text, "--task", "one", "--param", "n=1", "--json"]).json();
    assert_eq!(text(&only, "status"), "SUCCESS");
    assert_eq!((rows("numbers"), rows("more")), ("n\n1\n".into(), "n\n42\n".into()));

    let failed = tailerd(&["run", file, "--data", data_text]);
    assert_eq!(failed.code, Some(1), "a parameter is missing: {}", failed.snapshot());
    assert!(failed.stdout.contains("FAILED"), "{}", failed.stdout);
}

#[test]
fn only_what_can_be_run_by_itself_runs() {
    let folder = tempfile::tempdir().unwrap();
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "w", "environment": "DEV", "account": "000099",
        "version": "2", "short_description": "w", "schedule_interval_reset": "None", "authorized_job_ids": ["gbq-to-gbq|a_DEV"],
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "b_DEV" },
    });
    let file = folder.path().join("w.json");
    support::write_json(&file, &workflow);
    let ended = tailerd(&["run", file.to_str().unwrap(), "--data", folder.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{}", ended.snapshot());
}

#[test]
fn rows_as_table_csv_and_json() {
    let data = tempfile::tempdir().unwrap();
    let query = "SELECT 1 AS one, 'a,b' AS two, NULL AS three";
    assert_eq!(sql(data.path(), &["--format", "csv", query], "").good().stdout, "one,two,three\n1,\"a,b\",\n");
    assert_eq!(sql(data.path(), &["--format", "table", query], "").good().stdout, "one  two  three\n1    a,b  NULL\n");
    let rows = sql(data.path(), &["--json", query], "").json();
    assert_eq!(text(&rows[0], "two"), "a,b");
    assert_eq!(sql(data.path(), &["-"], "SELECT 'from standard input' AS s").good().stdout, "s\nfrom standard input\n");
    let refused = sql(data.path(), &["SELECT nothing FROM nowhere.at_all"], "");
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
}

#[test]
fn statements_with_effect_stay() {
    let data = tempfile::tempdir().unwrap();
    let do_sql =
        |text: &str| sql(data.path(), &["--project", "p", "--dataset", "d", "--format", "csv", text], "").good().stdout;
    do_sql("CREATE TABLE t AS SELECT 1 AS n");
    do_sql("INSERT INTO t (n) VALUES (2)");
    assert_eq!(do_sql("SELECT SUM(n) AS s FROM t"), "s\n3\n");
}

#[test]
fn a_batch_answers_each_line_from_its_own_setup() {
    let setup = json!(["CREATE TABLE t AS SELECT 1 AS n", "INSERT INTO t (n) VALUES (2)"]);
    let lines = [
        json!({ "id": 1, "setup": setup, "sql": "SELECT SUM(n) AS s FROM t" }).to_string(),
        json!({ "id": "two", "setup": [], "sql": "SELECT * FROM t" }).to_string(),
        "this is not JSON".to_owned(),
        String::new(),
        json!({ "id": 4, "setup": ["CREATE TABLE nonsense nonsense"], "sql": "SELECT 1" }).to_string(),
        json!({ "id": 5 }).to_string(),
        json!({ "id": 6, "setup": setup, "sql": "INSERT INTO t (n) VALUES (3)" }).to_string(),
        json!({ "id": 7, "setup": setup, "sql": "SELECT COUNT(*) AS c FROM t", "readonly": true }).to_string(),
        json!({ "id": 8, "setup": setup, "sql": "SELECT MAX(n) AS m FROM t", "readonly": true }).to_string(),
    ];
    let data = tempfile::tempdir().unwrap();
    let ended = sql(data.path(), &["--batch"], &lines.join("\n")).good();
    let answers: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<Value> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(json!(ids), json!([1, "two", null, 4, 5, 6, 7, 8]));
    let number = |i: usize| answers[i]["rows"][0][0].to_string().replace('"', "");
    assert_eq!(answers[0]["columns"], json!([{ "name": "s", "type": "INT64" }]));
    assert_eq!((number(0), number(6), number(7)), ("3".into(), "2".into(), "2".into()), "{answers:?}");
    for i in [1, 2, 3, 4] {
        assert!(!text(&answers[i], "error").is_empty(), "{}", answers[i]);
    }
    assert!(answers[5].get("error").is_none(), "{}", answers[5]);
}

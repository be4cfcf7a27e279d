//! `tailerd backfill` against a real server: lists what is missing, then creates it once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use serde_json::{Value, json};
use support::{Server, table_to_table, text, until};

#[test]
fn missing_days_are_listed_then_run_once() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let day = json!({
        "table_name": "days", "write_disposition": "WRITE_APPEND", "sql_query_template": "TEMPLATE_CURRENT_DATE",
    });
    // Every day of January: no tick comes due by itself while this runs.
    let schedule = json!({ "schedule_interval": "0 5 * 1 *", "start_date": "2024, 1, 3" });
    table_to_table(&files, "daily", &[("day", "SELECT '{{TEMPLATE_CURRENT_DATE}}' AS day", day)], schedule);
    let server = Server::start(&folder.path().join("data"));
    server.deploy(&files);

    let backfill = |more: &[&str]| {
        let range = ["backfill", "table-to-table", "daily", "--from", "2024-01-01", "--to", "2024-01-05"];
        server.tailerd(&[&range[..], more].concat())
    };
    let listed = backfill(&["--dry-run"]).good();
    let days: Vec<&str> = listed.stdout.lines().map(|line| &line[..10]).collect();
    assert_eq!(days, ["2024-01-03", "2024-01-04", "2024-01-05"], "{}", listed.stdout);
    assert!(server.runs("table-to-table", "daily_DEV").is_empty());

    let created = backfill(&["--json"]).good().json();
    let runs = created["results"].as_array().unwrap();
    assert!(runs.len() == 3 && runs.iter().all(|run| !text(run, "run_id").is_empty()), "{created}");
    let ended = until("the runs have ended", || {
        let runs = server.runs("table-to-table", "daily_DEV");
        runs.iter().all(|run| text(run, "status") != "RUNNING").then_some(runs)
    });
    assert!(
        ended.iter().all(|run| run["trigger"]["type"] == "backfill" && text(run, "status") == "SUCCESS"),
        "{ended:?}"
    );
    assert_eq!(server.sql("SELECT day FROM days ORDER BY day"), ["2024-01-03", "2024-01-04", "2024-01-05"]);
    let again: Value = backfill(&["--json"]).good().json();
    assert_eq!(again["results"], json!([]), "nothing is missing any more");

    let reversed = ["backfill", "table-to-table", "daily", "--from", "2024-01-05", "--to", "2024-01-01"];
    let refused = server.tailerd(&reversed);
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    assert!(refused.stderr.contains("is before"), "{}", refused.stderr);
}

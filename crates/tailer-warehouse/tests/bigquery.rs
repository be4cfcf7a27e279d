//! The BigQuery warehouse against an emulator (`TAILERD_TEST_BIGQUERY`, set by `.ci/counterparts`), and against a server in
//! this process that gives scripted answers where no emulator has the case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::bigquery::{complete, emulator, job, query, refusal, run, scripted, unique};
use serde_json::{Value, json};
use tailer_warehouse::{TableName, Warehouse, WarehouseError};

#[tokio::test]
async fn a_query_fills_its_table_once_whatever_is_submitted_again() {
    let Some(warehouse) = emulator() else { return };
    let table = TableName::new("test-project", &unique("once"), "t").unwrap();
    let id = unique("job");
    for _ in 0..2 {
        let outcome = run(&warehouse, &id, query("SELECT 1 AS x, 'a' AS y", Some(table.clone()))).await.unwrap();
        assert_eq!(outcome.statistics.more["warehouse_job_id"], json!(id));
    }
    // The same id does nothing, whatever is asked.
    run(&warehouse, &id, query("SELECT 2 AS x, 'b' AS y", Some(table.clone()))).await.unwrap();
    let rows = warehouse.read(query(&format!("SELECT x, y FROM `{table}`"), None), 10).await.unwrap();
    assert_eq!(rows.rows, [vec![json!(1), json!("a")]]);
    assert_eq!(warehouse.table(&table).await.unwrap().unwrap().definition.schema.len(), 2);
    assert_eq!(warehouse.tables("test-project", &table.dataset).await.unwrap(), ["t"]);
    warehouse.drop_table(&table).await.unwrap();
    warehouse.drop_table(&table).await.unwrap();
    assert!(warehouse.table(&table).await.unwrap().is_none());
}

#[tokio::test]
async fn a_script_tells_its_statements_and_brings_its_last_result() {
    let Some(warehouse) = emulator() else { return };
    let table = TableName::new("test-project", &unique("script"), "t").unwrap();
    let sql = "DECLARE n INT64 DEFAULT 3; SELECT 1 AS z; SELECT n + 1 AS b";
    let outcome = run(&warehouse, &unique("job"), query(sql, Some(table.clone()))).await.unwrap();
    assert!(outcome.statements.len() >= 2, "{:?}", outcome.statements);
    let rows = warehouse.read(query(&format!("SELECT * FROM `{table}`"), None), 10).await.unwrap();
    assert_eq!((rows.columns[0].name.as_str(), &rows.rows[0][0]), ("b", &json!(4)));
}

#[tokio::test]
async fn a_wrong_query_is_invalid() {
    let Some(warehouse) = emulator() else { return };
    let error = run(&warehouse, &unique("job"), query("SELECT 1,\nFRO [1]", None)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn passing_failures_are_survived() {
    let (warehouse, requests) = scripted(vec![
        (503, refusal("backendError")),
        (0, Value::Null),
        (403, refusal("rateLimitExceeded")),
        (200, job(None)),
        (200, complete()),
        (200, job(None)),
    ]);
    let outcome = run(&warehouse, "j", query("SELECT 1", None)).await.unwrap();
    assert_eq!((outcome.statistics.rows, outcome.statistics.bytes), (Some(5), Some(10)));
    assert_eq!(outcome.statistics.more["slot_milliseconds"], json!(7));
    assert_eq!(requests.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn an_invalid_query_is_sent_once() {
    let (warehouse, requests) = scripted(vec![(400, refusal("invalidQuery"))]);
    let error = run(&warehouse, "j", query("SELECT x", None)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Invalid { line: Some(2), column: Some(7), .. }), "{error:?}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_bigquery_failed_runs_again_under_the_next_id() {
    let (warehouse, requests) = scripted(vec![
        (409, refusal("duplicate")),
        (200, job(Some("backendError"))),
        (400, refusal("backendError_of_results")),
        (200, job(Some("backendError"))),
        (200, job(None)),
        (200, complete()),
        (200, job(None)),
    ]);
    run(&warehouse, "j", query("SELECT 1", None)).await.unwrap();
    let requests = requests.lock().unwrap();
    assert!(requests[4].starts_with("POST /bigquery/v2/projects/test-project/jobs "), "{requests:?}");
    assert!(requests[4].contains("\"jobId\":\"j_r1\""), "{requests:?}");
    assert!(requests[5].contains("/queries/j_r1?"), "{requests:?}");
}

#[tokio::test]
async fn partitions_are_named_by_their_decorator() {
    let (warehouse, requests) = scripted(vec![(204, Value::Null)]);
    let partition = TableName::new("test-project", "d", "t$20240101").unwrap();
    warehouse.empty_partition(&partition).await.unwrap();
    let asked = requests.lock().unwrap()[0].clone();
    assert_eq!(asked.trim(), "DELETE /bigquery/v2/projects/test-project/datasets/d/tables/t$20240101");
}

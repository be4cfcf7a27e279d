//! The life of a job on BigQuery against a server in this process that gives scripted answers. What an emulator can show is in
//! `suite`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::bigquery::{complete, job, query, refusal, run, scripted};
use serde_json::{Value, json};
use tailer_warehouse::{TableName, Warehouse, WarehouseError};

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

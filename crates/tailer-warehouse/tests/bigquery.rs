//! The BigQuery warehouse against an emulator (`TAILERD_TEST_BIGQUERY`, set by `.ci/counterparts`), and against a server in
//! this process that gives scripted answers where no emulator has the case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tailer_model::operation::WriteDisposition;
use tailer_warehouse::{
    BigQueryWarehouse, Destination, Job, Outcome, Query, TableName, Warehouse, WarehouseError, WarehouseJobId,
    bigquery::{BigQueryCredentials, BigQuerySettings, Retries},
};

/// The emulator, or `None` where it is not asked for.
fn emulator() -> Option<BigQueryWarehouse> {
    let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
        assert!(
            std::env::var_os("TAILERD_TEST_ALL").is_none(),
            "TAILERD_TEST_BIGQUERY is not set: see .ci/counterparts"
        );
        eprintln!("skipped: no emulator in TAILERD_TEST_BIGQUERY");
        return None;
    };
    let told: Value = serde_json::from_str(&told).unwrap();
    Some(open(told["endpoint"].as_str().unwrap(), told["project"].as_str().unwrap()))
}

fn open(endpoint: &str, project: &str) -> BigQueryWarehouse {
    BigQueryWarehouse::open(BigQuerySettings {
        endpoint: Some(endpoint.to_owned()),
        credentials: BigQueryCredentials::None,
        create_datasets: true,
        retries: Retries::new(3, Duration::from_millis(1), Duration::from_millis(5), || 1.0),
        ..BigQuerySettings::new(project)
    })
    .unwrap()
}

fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

fn query(sql: &str, table: Option<TableName>) -> Query {
    let destination = table.map(|table| Destination {
        table,
        write_disposition: WriteDisposition::Truncate,
        replace_schema: false,
        expires_after: None,
    });
    Query { sql: sql.to_owned(), project: "test-project".to_owned(), dataset: None, destination }
}

async fn run(warehouse: &BigQueryWarehouse, id: &str, query: Query) -> Result<Outcome, WarehouseError> {
    let id = WarehouseJobId(id.to_owned());
    warehouse.submit(&id, Job::Query(query)).await?;
    warehouse.wait(&id).await
}

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

type Requests = Arc<Mutex<Vec<String>>>;

/// Answers one request after the other, each on a connection of its own, as scripted; tells what it was asked.
/// A status of 0 closes the connection without an answer.
fn scripted(answers: Vec<(u16, Value)>) -> (BigQueryWarehouse, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let told = Arc::clone(&requests);
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = asked(&mut BufReader::new(&stream));
            told.lock().unwrap().push(asked);
            if status != 0 {
                let body = body.to_string();
                let head =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        }
    });
    (open(&endpoint, "test-project"), requests)
}

/// Method, path and body of a request.
fn asked(from: &mut impl BufRead) -> String {
    let (mut first, mut length) = (String::new(), 0);
    from.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    format!("{} {}", first.trim_end().trim_end_matches(" HTTP/1.1"), String::from_utf8(body).unwrap())
}

fn refusal(reason: &str) -> Value {
    json!({"error": {"message": "said so at [2:7]", "errors": [{"reason": reason, "message": "said so at [2:7]"}]}})
}

fn job(error: Option<&str>) -> Value {
    let error = error.map(|reason| json!({"reason": reason, "message": "failed"}));
    json!({
        "jobReference": {"projectId": "test-project", "jobId": "j", "location": "EU"},
        "status": {"state": "DONE", "errorResult": error},
        "statistics": {"totalBytesProcessed": "10", "totalSlotMs": "7", "query": {"totalBytesBilled": "20"}},
    })
}

fn complete() -> Value {
    json!({"jobComplete": true, "totalRows": "5"})
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

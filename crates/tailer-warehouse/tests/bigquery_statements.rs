//! Statements and tables on BigQuery: what is asked for, told by a server in this process that gives scripted answers. What an
//! emulator does otherwise than BigQuery, or never: places, limits, failures in each phase of a job.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use common::{
    bigquery::{Answer, Requests, complete, job, query, refusal, scripted, scripted_with, served},
    definition,
};
use serde_json::{Value, json};
use tailer_model::operation::{
    WriteDisposition,
    ddl::{PartitionUnit, Partitioning, TableDefinition},
};
use tailer_warehouse::{
    BigQueryWarehouse, Destination, Job, Outcome, Query, TableName, Warehouse, WarehouseError, WarehouseJobId,
    bigquery::BigQuerySettings,
};

const JOBS: &str = "POST /bigquery/v2/projects/test-project/jobs ";
const TABLES: &str = "POST /bigquery/v2/projects/test-project/datasets/d/tables ";
const TABLE: &str = "/bigquery/v2/projects/test-project/datasets/d/tables/t";

fn table() -> TableName {
    TableName::new("test-project", "d", "t").unwrap()
}

async fn run(warehouse: &BigQueryWarehouse, query: Query) -> Result<Outcome, WarehouseError> {
    common::bigquery::run(warehouse, "j", query).await
}

fn answers(answers: Vec<(u16, Value)>) -> Vec<Answer> {
    answers.into_iter().map(|(status, body)| Answer(status, &[], body)).collect()
}

/// The body of the only request that begins so.
fn body(requests: &Requests, beginning: &str) -> Value {
    let requests = requests.lock().unwrap();
    let mut found = requests.iter().filter_map(|request| request.strip_prefix(beginning));
    let only = found.next().unwrap_or_else(|| panic!("{beginning}: {requests:?}"));
    assert!(found.next().is_none(), "{requests:?}");
    serde_json::from_str(only.trim()).unwrap()
}

#[tokio::test]
async fn queries_say_what_is_asked_of_them() {
    let script = answers(vec![(200, json!({})), (200, job(None)), (200, complete()), (200, job(None))]);
    let (warehouse, requests) = scripted_with(script, |settings| BigQuerySettings {
        location: Some("EU".to_owned()),
        maximum_bytes_billed: Some(1 << 40),
        job_timeout: Some(Duration::from_secs(5400)),
        query_cache: Some(false),
        ..settings
    });
    let labels = BTreeMap::from([("tailer_run_id".to_owned(), "000099_Sales.Daily".to_owned())]);
    let id = WarehouseJobId("j".to_owned());
    let asked = Query { dataset: Some("d".to_owned()), ..query("SELECT 1 AS a", Some(table())) };
    warehouse.submit_labelled(&id, Job::Query(asked), &labels).await.unwrap();
    warehouse.wait(&id).await.unwrap();
    assert_eq!(
        body(&requests, JOBS),
        json!({
            "jobReference": {"projectId": "test-project", "jobId": "j", "location": "EU"},
            "configuration": {
                "jobTimeoutMs": "5400000",
                "labels": {"tailer_run_id": "000099_sales_daily"},
                "query": {
                    "query": "SELECT 1 AS a", "useLegacySql": false, "useQueryCache": false,
                    "maximumBytesBilled": "1099511627776",
                    "defaultDataset": {"projectId": "test-project", "datasetId": "d"},
                    "destinationTable": {"projectId": "test-project", "datasetId": "d", "tableId": "t"},
                    // Keeps the table's schema, with types, modes and descriptions.
                    "createDisposition": "CREATE_IF_NEEDED", "writeDisposition": "WRITE_TRUNCATE_DATA",
                },
            },
        })
    );
    assert!(requests.lock().unwrap()[2..].iter().all(|request| request.contains("location=EU")), "{requests:?}");
}

#[tokio::test]
async fn a_query_replaces_and_fills_the_partition_that_it_names() {
    for (write_disposition, expect) in
        [(WriteDisposition::Truncate, "WRITE_TRUNCATE"), (WriteDisposition::Append, "WRITE_APPEND")]
    {
        let (warehouse, requests) =
            scripted(vec![(200, json!({})), (200, job(None)), (200, complete()), (200, job(None))]);
        let partition = TableName::new("test-project", "d", "t$20240223").unwrap();
        let mut asked = query("SELECT DATE '2024-02-23' AS day", Some(partition));
        asked.destination.as_mut().unwrap().write_disposition = write_disposition;
        run(&warehouse, asked).await.unwrap();
        let asked = body(&requests, JOBS)["configuration"]["query"].clone();
        assert_eq!(
            (&asked["destinationTable"]["tableId"], &asked["writeDisposition"]),
            (&json!("t$20240223"), &json!(expect))
        );
    }
}

#[tokio::test]
async fn a_tasks_word_on_the_cache_wins() {
    let check = async |setting: Option<bool>, task: Option<bool>, expect: Value| {
        let script = answers(vec![(200, job(None)), (200, complete()), (200, job(None))]);
        let (warehouse, requests) =
            scripted_with(script, |settings| BigQuerySettings { query_cache: setting, ..settings });
        run(&warehouse, Query { use_cache: task, ..query("SELECT 1", None) }).await.unwrap();
        assert_eq!(body(&requests, JOBS)["configuration"]["query"]["useQueryCache"], expect, "{setting:?} {task:?}");
    };
    check(None, None, Value::Null).await;
    check(Some(false), None, json!(false)).await;
    check(Some(false), Some(true), json!(true)).await;
    check(None, Some(false), json!(false)).await;
}

fn temporary() -> Query {
    let destination = Destination {
        table: table(),
        write_disposition: WriteDisposition::Truncate,
        replace_schema: true,
        expires_after: Some(Duration::from_secs(86_400)),
    };
    Query { destination: Some(destination), ..query("SELECT 1 AS a", None) }
}

fn ended() -> Value {
    let mut done = job(None);
    done["statistics"]["endTime"] = json!("1706702400000");
    done
}

#[tokio::test]
async fn a_temporary_table_is_dropped_made_and_given_its_end() {
    let place = || (200, json!({"location": "EU"}));
    let (warehouse, requests) = scripted(vec![
        place(),
        place(),
        (404, refusal("notFound")),
        (204, Value::Null),
        (200, job(None)),
        (200, complete()),
        (200, ended()),
        (200, json!({})),
    ]);
    run(&warehouse, temporary()).await.unwrap();
    assert_eq!(body(&requests, JOBS)["configuration"]["query"]["writeDisposition"], "WRITE_TRUNCATE");
    let patch = body(&requests, &format!("PATCH {TABLE} "));
    assert_eq!(patch, json!({"expirationTime": "1706788800000"}), "a day after the end of the job");
    let asked = requests.lock().unwrap().clone();
    assert!(asked[2].contains("/jobs/j?location=EU"), "it is looked for where its table is: {asked:?}");
    assert!(asked[3].starts_with(&format!("DELETE {TABLE}")), "{asked:?}");
    // After a crash: the job is there, so the table is not dropped, and its end is the same.
    let (warehouse, requests) = scripted(vec![
        place(),
        place(),
        (200, ended()),
        (409, refusal("duplicate")),
        (200, ended()),
        (200, complete()),
        (200, ended()),
        (200, json!({})),
    ]);
    run(&warehouse, temporary()).await.unwrap();
    assert_eq!(body(&requests, &format!("PATCH {TABLE} ")), patch);
    assert!(!requests.lock().unwrap().iter().any(|request| request.starts_with("DELETE")), "{requests:?}");
}

#[tokio::test]
async fn a_table_is_made_with_all_that_is_declared() {
    let check = async |declared: TableDefinition, expect: Value| {
        let (warehouse, requests) = scripted(vec![(200, json!({})), (200, json!({}))]);
        warehouse.create(&table(), &declared).await.unwrap();
        assert_eq!(body(&requests, TABLES), expect);
    };
    let reference = json!({"projectId": "test-project", "datasetId": "d", "tableId": "t"});
    let fields = json!([
        {"name": "day", "type": "DATE", "mode": "REQUIRED", "description": "of the sale"},
        {"name": "n", "type": "INT64", "mode": "NULLABLE"},
    ]);
    let columns = || definition(&["day DATE REQUIRED -- of the sale", "n INT64"]);
    let by_time = |unit, expiration_ms| Some(Partitioning::Time { field: Some("day".to_owned()), unit, expiration_ms });
    check(
        TableDefinition {
            description: Some("Sales".to_owned()),
            clustering: vec!["n".to_owned()],
            partitioning: by_time(PartitionUnit::Month, Some(864_000_000)),
            require_partition_filter: true,
            ..columns()
        },
        json!({
            "tableReference": reference, "schema": {"fields": fields}, "description": "Sales",
            "timePartitioning": {"type": "MONTH", "field": "day", "expirationMs": "864000000"},
            "clustering": {"fields": ["n"]}, "requirePartitionFilter": true,
        }),
    )
    .await;
    check(
        TableDefinition {
            partitioning: Some(Partitioning::Range { field: "n".to_owned(), start: 0, end: 100, interval: 10 }),
            ..columns()
        },
        json!({
            "tableReference": reference, "schema": {"fields": fields},
            "rangePartitioning": {"field": "n", "range": {"start": "0", "end": "100", "interval": "10"}},
        }),
    )
    .await;
}

#[tokio::test]
async fn a_job_is_found_where_bigquery_runs_it() {
    let mut running = job(None);
    running["jobReference"]["location"] = json!("europe-west9");
    let check = |requests: &Requests| {
        let asked = requests.lock().unwrap().clone();
        assert!(asked[1..].iter().all(|request| request.contains("location=europe-west9")), "{asked:?}");
    };
    let (warehouse, requests) = scripted(vec![(200, running.clone()), (200, complete()), (200, running.clone())]);
    run(&warehouse, query("SELECT 1", None)).await.unwrap();
    check(&requests);
    // After a crash nobody knows it but BigQuery.
    let duplicate = "Already Exists: Job test-project:europe-west9.j";
    let duplicate = json!({"error": {"message": duplicate, "errors": [{"reason": "duplicate", "message": duplicate}]}});
    let (warehouse, requests) =
        scripted(vec![(409, duplicate), (200, running.clone()), (200, complete()), (200, running)]);
    run(&warehouse, query("SELECT 1", None)).await.unwrap();
    check(&requests);
}

#[tokio::test]
async fn a_job_that_is_not_there_is_told_at_once() {
    let (warehouse, requests) =
        scripted(vec![(200, job(None)), (404, refusal("notFound")), (404, refusal("notFound"))]);
    let error = run(&warehouse, query("SELECT 1", None)).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::NotFound(what) if what == "job j"), "{error:?}");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

/// What passes: an overloaded server, one that breaks off, limits of the rate with and without a word on when to come back.
fn passing() -> Vec<Answer> {
    vec![
        Answer(503, &[], refusal("backendError")),
        Answer(0, &[], Value::Null),
        Answer(429, &[("retry-after", "1")], Value::Null),
    ]
}

#[tokio::test]
async fn what_passes_is_survived_in_each_phase() {
    // Inserted, waited for, its end read, a page of its rows.
    let good = || {
        let page = json!({"jobComplete": true, "schema": {"fields": [{"name": "a", "type": "INTEGER"}]},
            "rows": [{"f": [{"v": "1"}]}]});
        answers(vec![(200, job(None)), (200, complete()), (200, job(None)), (200, page)])
    };
    for phase in 0..good().len() {
        let started = std::time::Instant::now();
        let mut script = Vec::new();
        for (n, answer) in good().into_iter().enumerate() {
            if n == phase {
                script.extend(passing());
            }
            script.push(answer);
        }
        let (warehouse, requests) = scripted_with(script, |settings| settings);
        let rows = warehouse.read(query("SELECT 1 AS a", None), 10).await.unwrap();
        assert_eq!(rows.rows, [[json!(1)]], "phase {phase}");
        assert_eq!(requests.lock().unwrap().len(), 7, "phase {phase}");
        assert!(started.elapsed() >= Duration::from_secs(1), "phase {phase}: as long as was asked for");
        let again = requests.lock().unwrap()[phase..phase + 4].to_vec();
        assert!(again.iter().all(|request| *request == again[0]), "the same request: {again:?}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_asked_again() {
    for (status, reason) in
        [(400, "invalidQuery"), (403, "quotaExceeded"), (403, "accessDenied"), (400, "resourcesExceeded")]
    {
        let (warehouse, requests) = scripted(vec![(status, refusal(reason))]);
        run(&warehouse, query("SELECT 1", None)).await.unwrap_err();
        assert_eq!(requests.lock().unwrap().len(), 1, "{reason}");
    }
    // Nor is a job that ended so run again.
    for reason in ["invalidQuery", "resourcesExceeded", "quotaExceeded"] {
        let (warehouse, requests) = scripted(vec![(200, job(None)), (400, refusal(reason)), (200, job(Some(reason)))]);
        run(&warehouse, query("SELECT 1", None)).await.unwrap_err();
        assert_eq!(requests.lock().unwrap().len(), 3, "{reason}");
    }
}

#[tokio::test]
async fn a_script_that_bigquery_failed_does_not_run_again() {
    let (warehouse, requests) =
        scripted(vec![(200, job(None)), (400, refusal("backendError_of_results")), (200, job(Some("backendError")))]);
    let error = run(&warehouse, query("SELECT 1; SELECT 2", None)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Transient(_)), "{error:?}");
    assert_eq!(requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_scripts_statements_are_its_child_jobs() {
    let child = |line: u32, text: &str, kind: &str, rows: Option<&str>| {
        json!({
            "jobReference": {"projectId": "test-project", "jobId": format!("child_{line}")},
            "configuration": {"query": {"query": text, "destinationTable":
                {"projectId": "test-project", "datasetId": "_script", "tableId": format!("anon{line}")}}},
            "status": {"state": "DONE"},
            "statistics": {
                "startTime": "1706702400000", "endTime": "1706702400250",
                "query": {"statementType": kind, "numDmlAffectedRows": rows},
                "scriptStatistics": {"stackFrames": [{"startLine": line, "text": text}]},
            },
        })
    };
    let sql = "CREATE TABLE d.t (a INT64);\nINSERT d.t VALUES (1), (2);\nSELECT SUM(a) AS n FROM d.t";
    // The newest comes first, over several pages.
    let pages = [
        json!({"jobs": [child(3, "SELECT SUM(a) AS n FROM d.t", "SELECT", None)], "nextPageToken": "more"}),
        json!({"jobs": [child(2, "INSERT d.t VALUES (1), (2)", "INSERT", Some("2")),
            child(1, "CREATE TABLE d.t (a INT64)", "CREATE_TABLE", None)]}),
    ];
    let [first, second] = pages.map(|page| (200, page));
    let (warehouse, requests) = scripted(vec![
        (200, json!({})),
        (200, job(None)),
        (200, complete()),
        (200, job(None)),
        first,
        second,
        (200, job(None)),
        (200, complete()),
        (200, job(None)),
    ]);
    let outcome = run(&warehouse, query(sql, Some(table()))).await.unwrap();
    let told: Vec<_> =
        outcome.statements.iter().map(|one| (one.sql.as_str(), one.line, one.rows, one.milliseconds)).collect();
    assert_eq!(
        told,
        [
            ("CREATE TABLE d.t (a INT64)", 1, None, 250.0),
            ("INSERT d.t VALUES (1), (2)", 2, Some(2), 250.0),
            ("SELECT SUM(a) AS n FROM d.t", 3, None, 250.0),
        ]
    );
    assert_eq!(outcome.statistics.rows, Some(5), "of its last result");
    let requests = requests.lock().unwrap();
    assert!(requests[4].contains("parentJobId=j") && requests[5].contains("pageToken=more"), "{requests:?}");
    let brought: Value = serde_json::from_str(requests[6].strip_prefix(JOBS).unwrap()).unwrap();
    assert_eq!(brought["jobReference"]["jobId"], "j_result");
    assert_eq!(brought["configuration"]["query"]["query"], "SELECT * FROM `test-project`.`_script`.`anon3`");
    assert_eq!(brought["configuration"]["query"]["destinationTable"]["tableId"], "t");
    // A script itself has none: BigQuery would refuse it.
    assert!(!requests[1].contains("destinationTable"), "{requests:?}");
}

#[tokio::test]
async fn a_job_that_was_stopped_by_others_says_so() {
    let (warehouse, _) = scripted(vec![(200, job(None)), (400, refusal("stopped")), (200, job(Some("stopped")))]);
    let error = run(&warehouse, query("SELECT 1", None)).await.unwrap_err();
    assert_eq!(error.to_string(), "stopped at BigQuery: failed");
}

#[tokio::test]
async fn whoever_stops_reading_has_the_query_cancelled() {
    let is_cancelled = AtomicBool::new(false);
    let (warehouse, requests) = served(move |request| {
        // Who waits for the result waits for ever.
        if request.contains("/queries/") {
            return None;
        }
        if request.contains("_r1") {
            return Some((404, refusal("notFound")));
        }
        if request.contains("/cancel") {
            is_cancelled.store(true, Ordering::SeqCst);
        }
        let mut job = job(Some("stopped"));
        if !is_cancelled.load(Ordering::SeqCst) {
            job["status"] = json!({"state": "RUNNING"});
        }
        Some((200, job))
    });
    let told = |what: &str| requests.lock().unwrap().iter().any(|request| request.contains(what));
    let reading = tokio::spawn(async move { warehouse.read(query("SELECT 1", None), 1).await });
    while !told("/queries/") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    reading.abort();
    while !told("/cancel") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

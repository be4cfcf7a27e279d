//! BigQuery for tests: the emulator that `.ci/counterparts` starts, and a server in this process that gives scripted answers.
#![allow(clippy::print_stderr)]

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

/// What is told of the emulator, or `None` where it is not asked for.
pub fn told() -> Option<Value> {
    let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
        assert!(
            std::env::var_os("TAILERD_TEST_ALL").is_none(),
            "TAILERD_TEST_BIGQUERY is not set: see .ci/counterparts"
        );
        eprintln!("skipped: no emulator in TAILERD_TEST_BIGQUERY");
        return None;
    };
    Some(serde_json::from_str(&told).unwrap())
}

pub fn emulator() -> Option<BigQueryWarehouse> {
    emulator_with(|settings| settings)
}

pub fn emulator_with(change: impl Fn(BigQuerySettings) -> BigQuerySettings) -> Option<BigQueryWarehouse> {
    let told = told()?;
    let settings = settings(told["endpoint"].as_str().unwrap(), told["project"].as_str().unwrap());
    Some(BigQueryWarehouse::open(change(settings)).unwrap())
}

pub fn settings(endpoint: &str, project: &str) -> BigQuerySettings {
    BigQuerySettings {
        endpoint: Some(endpoint.to_owned()),
        credentials: BigQueryCredentials::None,
        create_datasets: true,
        retries: Retries::new(3, Duration::from_millis(1), Duration::from_millis(5), || 1.0),
        ..BigQuerySettings::new(project)
    }
}

pub fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::new_v4().simple())
}

pub fn query(sql: &str, table: Option<TableName>) -> Query {
    let destination = table.map(|table| Destination {
        table,
        write_disposition: WriteDisposition::Truncate,
        replace_schema: false,
        expires_after: None,
    });
    Query { sql: sql.to_owned(), project: "test-project".to_owned(), dataset: None, destination, use_cache: None }
}

pub async fn run(warehouse: &BigQueryWarehouse, id: &str, query: Query) -> Result<Outcome, WarehouseError> {
    let id = WarehouseJobId(id.to_owned());
    warehouse.submit(&id, Job::Query(query)).await?;
    warehouse.wait(&id).await
}

pub type Requests = Arc<Mutex<Vec<String>>>;

/// An answer: its status, its headers, its body. A status of 0 closes the connection without one.
pub struct Answer(pub u16, pub &'static [(&'static str, &'static str)], pub Value);

/// Answers one request after the other, each on a connection of its own, as scripted; tells what it was asked.
/// A status of 0 closes the connection without an answer.
pub fn scripted(answers: Vec<(u16, Value)>) -> (BigQueryWarehouse, Requests) {
    scripted_with(answers.into_iter().map(|(status, body)| Answer(status, &[], body)).collect(), |settings| settings)
}

pub fn scripted_with(
    answers: Vec<Answer>,
    change: impl Fn(BigQuerySettings) -> BigQuerySettings,
) -> (BigQueryWarehouse, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let told = Arc::clone(&requests);
    std::thread::spawn(move || {
        for Answer(status, headers, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = asked(&mut BufReader::new(&stream));
            told.lock().unwrap().push(asked);
            if status != 0 {
                let body = if status == 308 { String::new() } else { body.to_string() };
                let mut head =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head += &format!("{name}: {value}\r\n");
                }
                stream.write_all((head + "\r\n" + &body).as_bytes()).unwrap();
            }
        }
    });
    (BigQueryWarehouse::open(change(settings(&endpoint, "test-project"))).unwrap(), requests)
}

/// Answers each request by itself, in any order; `None` leaves it without an answer.
pub fn served(answer: impl Fn(&str) -> Option<(u16, Value)> + Send + Sync + 'static) -> (BigQueryWarehouse, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let (told, answer) = (Arc::clone(&requests), Arc::new(answer));
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = asked(&mut BufReader::new(&stream));
            told.lock().unwrap().push(request.clone());
            match answer(&request) {
                None => silent.push(stream),
                Some((status, body)) => {
                    let body = body.to_string();
                    let head =
                        format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                    stream.write_all((head + &body).as_bytes()).unwrap();
                }
            }
        }
    });
    (BigQueryWarehouse::open(settings(&endpoint, "test-project")).unwrap(), requests)
}

/// Method, path, the range of an upload and the body of a request; of a long body its length.
fn asked(from: &mut impl BufRead) -> String {
    let (mut first, mut length, mut range) = (String::new(), 0, String::new());
    from.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("content-range:") {
            range = format!("[{}] ", value.trim());
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    let body = if length > 100_000 { format!("{length} bytes") } else { String::from_utf8(body).unwrap() };
    format!("{} {range}{body}", first.trim_end().trim_end_matches(" HTTP/1.1"))
}

pub fn refusal(reason: &str) -> Value {
    json!({"error": {"message": "said so at [2:7]", "errors": [{"reason": reason, "message": "said so at [2:7]"}]}})
}

pub fn job(error: Option<&str>) -> Value {
    let error = error.map(|reason| json!({"reason": reason, "message": "failed"}));
    json!({
        "jobReference": {"projectId": "test-project", "jobId": "j", "location": "EU"},
        "status": {"state": "DONE", "errorResult": error},
        "statistics": {"totalBytesProcessed": "10", "totalSlotMs": "7", "query": {"totalBytesBilled": "20"}},
    })
}

pub fn complete() -> Value {
    json!({"jobComplete": true, "totalRows": "5"})
}

//! Files and BigQuery: what is asked for, told by a server in this process that gives scripted answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, path::PathBuf};

use common::{
    bigquery::{Answer, Requests, complete, job, query, refusal, scripted, scripted_with},
    fields,
};
use serde_json::{Value, json};
use tailer_model::operation::{
    WriteDisposition,
    storage_to_tables::{LoadOptions, SourceFormat},
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{
    BigQueryWarehouse, Export, Job, Load, LoadSchema, ObjectFile, Outcome, TableName, Warehouse, WarehouseError,
    WarehouseJobId,
};

const PIECE: usize = 8 << 20;

async fn run(warehouse: &BigQueryWarehouse, job: Job) -> Result<Outcome, WarehouseError> {
    let id = WarehouseJobId("j".to_owned());
    warehouse.submit(&id, job).await?;
    warehouse.wait(&id).await
}

fn load(table: &str, options: LoadOptions) -> Load {
    let object = ObjectFile { location: "gs://lake/in/sales*.csv.gz".to_owned(), head: Vec::new() };
    Load {
        files: Vec::new(),
        objects: vec![object],
        table: TableName::new("test-project", "d", table).unwrap(),
        schema: LoadSchema::Given(fields(&["id INT64 REQUIRED", "name STRING"])),
        description: Some("Sales".to_owned()),
        options,
        added_columns: Vec::new(),
    }
}

fn upload(name: &str, content: &[u8]) -> (tempfile::TempDir, Load) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join(name);
    fs::write(&file, content).unwrap();
    let load = Load { files: vec![file], objects: Vec::new(), description: None, ..load("t", LoadOptions::default()) };
    (folder, load)
}

/// The body of the only request to a path.
fn body(requests: &Requests, path: &str) -> Value {
    let requests = requests.lock().unwrap();
    let found = requests.iter().find_map(|request| request.strip_prefix(path));
    let found = found.unwrap_or_else(|| panic!("{path}: {requests:?}"));
    serde_json::from_str(found.trim()).unwrap()
}

const INSERT: &str = "POST /bigquery/v2/projects/test-project/jobs ";

fn loaded() -> Value {
    let mut done = job(None);
    done["statistics"]["load"] = json!({"inputFileBytes": "70", "outputRows": "3", "badRecords": "1"});
    done["status"]["errors"] = json!([{"reason": "invalid", "message": "line 4: bad"}]);
    done
}

#[tokio::test]
async fn a_load_says_all_that_its_options_say() {
    let (warehouse, requests) =
        scripted(vec![(200, json!({})), (404, refusal("notFound")), (200, job(None)), (200, loaded())]);
    let options = LoadOptions {
        field_delimiter: "\\t".to_owned(),
        quote_character: Some(String::new()),
        null_marker: Some("NA".to_owned()),
        skip_leading_rows: 2,
        max_bad_records: 9,
        ignore_unknown_values: true,
        allow_quoted_newlines: true,
        allow_jagged_rows: true,
        allow_field_addition: true,
        allow_field_relaxation: true,
        write_disposition: WriteDisposition::Append,
        ..LoadOptions::default()
    };
    let outcome = run(&warehouse, Job::Load(load("t", options))).await.unwrap();
    let told = &outcome.statistics;
    assert_eq!((told.rows, told.bytes, told.rejected_rows), (Some(3), Some(70), 1));
    assert_eq!(told.more["warnings"], json!(["line 4: bad"]));
    let asked = body(&requests, INSERT);
    assert_eq!(asked["jobReference"]["jobId"], "j");
    assert_eq!(
        asked["configuration"]["load"],
        json!({
            "sourceUris": ["gs://lake/in/sales*.csv.gz"],
            "destinationTable": {"projectId": "test-project", "datasetId": "d", "tableId": "t"},
            "destinationTableProperties": {"description": "Sales"},
            "sourceFormat": "CSV", "encoding": "UTF-8", "fieldDelimiter": "\t", "quote": "", "nullMarker": "NA",
            "skipLeadingRows": 2, "maxBadRecords": 9, "ignoreUnknownValues": true, "allowQuotedNewlines": true,
            "allowJaggedRows": true, "createDisposition": "CREATE_IF_NEEDED", "writeDisposition": "WRITE_APPEND",
            "schemaUpdateOptions": ["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"],
            "schema": {"fields": [
                {"name": "id", "type": "INT64", "mode": "REQUIRED"}, {"name": "name", "type": "STRING", "mode": "NULLABLE"},
            ]},
        })
    );
}

#[tokio::test]
async fn other_formats_are_told_what_their_values_become() {
    let ask = async |source_format: SourceFormat| {
        let (warehouse, requests) =
            scripted(vec![(200, json!({})), (404, refusal("notFound")), (200, job(None)), (200, job(None))]);
        let options = LoadOptions { source_format, max_bad_records: 3, ..LoadOptions::default() };
        run(&warehouse, Job::Load(Load { schema: LoadSchema::Autodetect, ..load("t", options) })).await.unwrap();
        let mut asked = body(&requests, INSERT)["configuration"]["load"].clone();
        let fields = asked.as_object_mut().unwrap();
        for common in ["sourceUris", "destinationTable", "destinationTableProperties", "createDisposition"] {
            fields.remove(common);
        }
        asked
    };
    let common =
        |format: &str| json!({"sourceFormat": format, "autodetect": true, "writeDisposition": "WRITE_TRUNCATE"});
    let with = |format: &str, more: Value| {
        let mut expect = common(format);
        expect.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        expect
    };
    let decimals = json!(["NUMERIC", "BIGNUMERIC"]);
    let json_lines = json!({"encoding": "UTF-8", "maxBadRecords": 3});
    assert_eq!(ask(SourceFormat::Json).await, with("NEWLINE_DELIMITED_JSON", json_lines));
    let avro = json!({"useAvroLogicalTypes": true, "decimalTargetTypes": decimals});
    assert_eq!(ask(SourceFormat::Avro).await, with("AVRO", avro));
    let options = json!({"enumAsString": true, "enableListInference": true});
    let parquet = json!({"parquetOptions": options, "decimalTargetTypes": decimals});
    assert_eq!(ask(SourceFormat::Parquet).await, with("PARQUET", parquet));
}

/// A partitioned table that is there.
fn there(description: &str) -> Value {
    json!({
        "description": description,
        "schema": {"fields": [
            {"name": "id", "type": "INTEGER", "description": "Key"}, {"name": "day", "type": "DATE"},
        ]},
        "timePartitioning": {"type": "DAY", "field": "id"}, "clustering": {"fields": ["day"]},
    })
}

#[tokio::test]
async fn a_replaced_table_keeps_what_its_new_columns_allow() {
    let (warehouse, requests) =
        scripted(vec![(200, json!({})), (200, there("Old")), (200, job(None)), (200, job(None)), (200, json!({}))]);
    run(&warehouse, Job::Load(load("t", LoadOptions::default()))).await.unwrap();
    let asked = body(&requests, INSERT)["configuration"]["load"].clone();
    assert_eq!(asked["timePartitioning"], json!({"type": "DAY", "field": "id"}));
    assert_eq!(asked["clustering"], Value::Null);
    assert_eq!(asked["destinationTableProperties"], Value::Null);
    assert_eq!(asked["schema"]["fields"][0]["description"], "Key");
    let patched = body(&requests, "PATCH /bigquery/v2/projects/test-project/datasets/d/tables/t ");
    assert_eq!(patched, json!({"description": "Sales"}));
}

#[tokio::test]
async fn a_partition_is_replaced_by_its_decorator() {
    let (warehouse, requests) =
        scripted(vec![(200, json!({})), (200, there("Old")), (200, job(None)), (200, job(None))]);
    let options = LoadOptions { allow_field_addition: true, ..LoadOptions::default() };
    run(&warehouse, Job::Load(load("t$20240131", options))).await.unwrap();
    let asked = body(&requests, INSERT)["configuration"]["load"].clone();
    assert_eq!(asked["destinationTable"]["tableId"], "t$20240131");
    assert_eq!(asked["writeDisposition"], "WRITE_TRUNCATE");
    assert_eq!(asked["schemaUpdateOptions"], json!(["ALLOW_FIELD_ADDITION"]));
}

#[tokio::test]
async fn a_load_that_may_not_create_its_table_asks_for_nothing() {
    let (warehouse, requests) = scripted(vec![(200, json!({})), (404, refusal("notFound"))]);
    let options = LoadOptions { create_if_needed: false, ..LoadOptions::default() };
    let error = run(&warehouse, Job::Load(load("t", options))).await.unwrap_err();
    assert!(matches!(error, WarehouseError::NotFound(_)), "{error}");
    assert_eq!(requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn bad_lines_are_told_with_their_details() {
    let mut failed = job(Some("invalid"));
    failed["status"]["errorResult"]["message"] = json!("too many errors");
    failed["status"]["errors"] = json!([
        {"reason": "invalid", "message": "too many errors"}, {"reason": "invalid", "message": "'many' at position 7"},
    ]);
    let (warehouse, _) = scripted(vec![(200, json!({})), (404, refusal("notFound")), (200, job(None)), (200, failed)]);
    let error = run(&warehouse, Job::Load(load("t", LoadOptions::default()))).await.unwrap_err();
    assert_eq!(error.to_string(), "too many errors; 'many' at position 7");
}

fn session() -> Answer {
    Answer(200, &[("location", "/upload/session/1")], Value::Null)
}

fn stored(range: &'static [(&'static str, &'static str)]) -> Answer {
    Answer(308, range, Value::Null)
}

/// The dataset, no table, the dataset's place, no job.
fn nothing_there() -> Vec<Answer> {
    vec![
        Answer(200, &[], json!({})),
        Answer(404, &[], refusal("notFound")),
        Answer(200, &[], json!({"location": "EU"})),
        Answer(404, &[], refusal("notFound")),
    ]
}

/// The ranges that were put, in order.
fn ranges(requests: &Requests) -> Vec<String> {
    let requests = requests.lock().unwrap();
    let range = |request: &String| Some(request.strip_prefix("PUT ")?.split_once('[')?.1.split_once(']')?.0.to_owned());
    requests.iter().filter_map(range).collect()
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_cut() {
    let mut content = vec![b'x'; PIECE + 1000];
    content.push(b'\n');
    let (_folder, load) = upload("t.csv", &content);
    let mut answers = nothing_there();
    answers.extend([
        Answer(503, &[], refusal("backendError")),
        session(),
        // The first piece comes in part.
        stored(&[("range", "bytes=0-262143")]),
        stored(&[("range", "bytes=0-8388607")]),
        // The answer to the second is lost: what came is asked.
        Answer(0, &[], Value::Null),
        Answer(503, &[], refusal("backendError")),
        stored(&[("range", "bytes=0-8388707")]),
        Answer(200, &[], job(None)),
        Answer(200, &[], loaded()),
    ]);
    let (warehouse, requests) = scripted_with(answers, |settings| settings);
    let outcome = run(&warehouse, Job::Load(load)).await.unwrap();
    assert_eq!(outcome.statistics.rows, Some(3));
    assert_eq!(
        ranges(&requests),
        [
            "bytes 0-8388607/*",
            "bytes 262144-8388607/*",
            "bytes 8388608-8389608/8389609",
            "bytes */8389609",
            "bytes */8389609",
            "bytes 8388708-8389608/8389609",
        ]
    );
    let opened = requests.lock().unwrap()[5].clone();
    let asked: Value = serde_json::from_str(
        opened.strip_prefix("POST /upload/bigquery/v2/projects/test-project/jobs?uploadType=resumable ").unwrap(),
    )
    .unwrap();
    assert_eq!(asked["jobReference"]["jobId"], "j");
    assert_eq!(asked["configuration"]["load"]["sourceUris"], Value::Null);
}

#[tokio::test]
async fn a_forgotten_upload_begins_anew_and_a_job_that_is_there_is_attached_to() {
    let (_folder, load) = upload("t.csv", b"1|a\n");
    let mut answers = nothing_there();
    answers.extend([
        session(),
        Answer(404, &[], refusal("notFound")),
        session(),
        Answer(409, &[], refusal("duplicate")),
        Answer(200, &[], job(None)),
        Answer(200, &[], loaded()),
    ]);
    let (warehouse, requests) = scripted_with(answers, |settings| settings);
    run(&warehouse, Job::Load(load)).await.unwrap();
    assert_eq!(ranges(&requests), ["bytes 0-3/4", "bytes 0-3/4"]);
}

#[tokio::test]
async fn what_was_uploaded_before_a_crash_is_not_sent_again() {
    let (_folder, load) = upload("t.csv", b"1|a\n");
    let (warehouse, requests) = scripted(vec![
        (200, json!({})),
        (404, refusal("notFound")),
        (200, json!({"location": "EU"})),
        (200, job(None)),
        (200, loaded()),
    ]);
    run(&warehouse, Job::Load(load)).await.unwrap();
    assert!(requests.lock().unwrap()[3].contains("/jobs/j?location=EU"), "{requests:?}");
    assert!(ranges(&requests).is_empty());
}

#[tokio::test]
async fn a_refused_upload_is_not_sent_again() {
    let (_folder, load) = upload("sales.csv", b"");
    let mut answers = nothing_there();
    answers.extend([session(), Answer(400, &[], refusal("invalid"))]);
    let (warehouse, requests) = scripted_with(answers, |settings| settings);
    let error = run(&warehouse, Job::Load(load)).await.unwrap_err();
    assert!(error.to_string().starts_with("sales.csv: said so"), "{error}");
    assert_eq!(ranges(&requests), ["bytes */0"]);
}

#[tokio::test]
async fn much_is_extracted_by_bigquery() {
    let destination = json!({"projectId": "test-project", "datasetId": "_anon", "tableId": "r"});
    let mut asked = job(None);
    asked["configuration"] = json!({"query": {"query": "SELECT 1", "destinationTable": destination}});
    let mut extracted = job(None);
    extracted["statistics"]["extract"] = json!({"destinationUriFileCounts": ["2"]});
    let answers = vec![
        (200, job(None)),
        (200, complete()),
        (200, asked),
        (200, json!({"numBytes": "2000"})),
        (200, job(None)),
        (200, extracted),
    ];
    let answers = answers.into_iter().map(|(status, body)| Answer(status, &[], body)).collect();
    let (warehouse, requests) = scripted_with(answers, |settings| tailer_warehouse::bigquery::BigQuerySettings {
        extract_above: 1999,
        ..settings
    });
    let export = Export {
        query: query("SELECT 1", None),
        folder: PathBuf::from("nowhere"),
        bucket_folder: Some("gs://out/reports".to_owned()),
        file_name: "sales.csv".to_owned(),
        format: DestinationFormat::Csv,
        compression: Compression::Gzip,
        print_header: false,
        field_delimiter: "\\t".to_owned(),
    };
    let outcome = run(&warehouse, Job::Export(export)).await.unwrap();
    assert_eq!(outcome.objects, ["sales-000000000000.csv.gz", "sales-000000000001.csv.gz"]);
    let asked: Value = serde_json::from_str(requests.lock().unwrap()[4].strip_prefix(INSERT).unwrap()).unwrap();
    assert_eq!(asked["jobReference"]["jobId"], "j_extract");
    assert_eq!(
        asked["configuration"]["extract"],
        json!({
            "sourceTable": destination, "destinationUris": ["gs://out/reports/sales-*.csv.gz"], "destinationFormat": "CSV",
            "compression": "GZIP", "fieldDelimiter": "\t", "printHeader": false,
        })
    );
}

#[tokio::test]
async fn a_load_that_was_done_before_a_crash_brings_nothing_twice() {
    let (warehouse, requests) = scripted(vec![
        (200, json!({})),
        (200, there("Sales")),
        // The part is there, its rows are gone, and the job that brought them is there.
        (409, refusal("duplicate")),
        (200, loaded()),
        (200, loaded()),
        (404, refusal("notFound")),
        (200, job(None)),
        (200, complete()),
        (200, job(None)),
        (404, refusal("notFound")),
    ]);
    let added_columns = vec![(common::field("source STRING"), "gcs".to_owned())];
    let load = Load { added_columns, ..load("t", LoadOptions::default()) };
    let outcome = run(&warehouse, Job::Load(load)).await.unwrap();
    assert_eq!((outcome.statistics.rows, outcome.statistics.rejected_rows), (Some(3), 1));
    let requests = requests.lock().unwrap();
    let inserted: Vec<_> = requests.iter().filter(|request| request.starts_with(INSERT)).collect();
    assert_eq!(inserted.len(), 1, "{requests:?}");
    assert!(inserted[0].contains("\"jobId\":\"j_p0\""), "{requests:?}");
    assert!(requests[9].starts_with("DELETE /bigquery/v2/projects/test-project/datasets/d/tables/_tailer_load_"));
}

//! Files in and out of BigQuery, at the emulator with a bucket beside it (`TAILERD_TEST_BIGQUERY`, set by `.ci/counterparts`).
//!
//! What both warehouses can show is in `suite`; here is what only this one has, buckets and uploads. What the emulator does not do as
//! BigQuery does is left to `bigquery_requests.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use common::{
    bigquery::{emulator, emulator_with, query, told, unique},
    fields, load_options,
};
use serde_json::{Value, json};
use tailer_model::operation::{
    WriteDisposition,
    storage_to_tables::{LoadOptions, SourceFormat},
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{
    BigQueryWarehouse, EmbeddedWarehouse, Export, Job, Load, LoadSchema, ObjectFile, Outcome, Query, TableName,
    Warehouse, WarehouseError, WarehouseJobId, bigquery::BigQuerySettings, embedded::EmbeddedSettings,
};

/// A bucket of its own beside the emulator.
struct Bucket {
    endpoint: String,
    name: String,
}

impl Bucket {
    async fn new() -> Self {
        let endpoint = told().unwrap()["gcs"]["endpoint"].as_str().unwrap().to_owned();
        let name = unique("b").replace('_', "-");
        let made = reqwest::Client::new().post(format!("{endpoint}/storage/v1/b?project=test-project"));
        made.json(&json!({ "name": name })).send().await.unwrap().error_for_status().unwrap();
        Self { endpoint, name }
    }

    async fn put(&self, object: &str, content: Vec<u8>) -> ObjectFile {
        let url = format!("{}/upload/storage/v1/b/{}/o?uploadType=media&name={object}", self.endpoint, self.name);
        let sent = reqwest::Client::new().post(url).body(content.clone()).send().await.unwrap();
        sent.error_for_status().unwrap();
        ObjectFile { location: format!("gs://{}/{object}", self.name), head: content }
    }

    async fn get(&self, object: &str) -> String {
        let url = format!("{}/storage/v1/b/{}/o/{}?alt=media", self.endpoint, self.name, object.replace('/', "%2F"));
        reqwest::get(url).await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }
}

/// A dataset of its own.
struct House {
    warehouse: BigQueryWarehouse,
    dataset: String,
    folder: tempfile::TempDir,
}

impl House {
    fn new(warehouse: BigQueryWarehouse) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { warehouse, dataset: unique("files"), folder }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn load(&self, columns: &[&str]) -> Load {
        Load {
            files: Vec::new(),
            objects: Vec::new(),
            table: TableName::new("test-project", &self.dataset, "t").unwrap(),
            schema: LoadSchema::Given(fields(columns)),
            description: None,
            options: load_options(),
            added_columns: Vec::new(),
        }
    }

    async fn run(&self, load: Load) -> Result<Outcome, WarehouseError> {
        self.run_as(&unique("load"), load).await
    }

    async fn run_as(&self, id: &str, load: Load) -> Result<Outcome, WarehouseError> {
        let id = WarehouseJobId(id.to_owned());
        self.warehouse.submit(&id, Job::Load(load)).await?;
        self.warehouse.wait(&id).await
    }

    /// The rows of the table, as compact JSON.
    async fn rows(&self, columns: &str) -> Vec<String> {
        let sql = format!("SELECT {columns} FROM `{}.t` ORDER BY ALL", self.dataset).replace("ALL", "1");
        let rows = self.warehouse.read(query(&sql, None), 1000).await.unwrap().rows;
        rows.into_iter().map(|row| Value::Array(row).to_string()).collect()
    }
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

const COLUMNS: [&str; 2] = ["id INT64", "name STRING"];

#[tokio::test]
async fn objects_are_loaded_by_their_address() {
    let Some(warehouse) = emulator() else { return };
    let (house, bucket) = (House::new(warehouse), Bucket::new().await);
    let check = async |objects: Vec<ObjectFile>, source_format: SourceFormat, expect: &[&str]| {
        let options = LoadOptions { source_format, ..load_options() };
        let outcome = house.run(Load { objects, options, ..house.load(&COLUMNS) }).await.unwrap();
        assert_eq!(house.rows("id, name").await, expect);
        assert_eq!(outcome.statistics.rows, Some(expect.len() as u64));
        assert!(outcome.statistics.bytes.is_some_and(|bytes| bytes > 0), "{outcome:?}");
    };
    let first = bucket.put("in/sales_1.csv", b"1,a\n2,b\n".to_vec()).await;
    let second = bucket.put("in/sales_2.csv", b"3,c\n".to_vec()).await;
    let all = ObjectFile { location: format!("gs://{}/in/sales_*.csv", bucket.name), head: Vec::new() };
    check(vec![first, second], SourceFormat::Csv, &["[1,\"a\"]", "[2,\"b\"]", "[3,\"c\"]"]).await;
    check(vec![all], SourceFormat::Csv, &["[1,\"a\"]", "[2,\"b\"]", "[3,\"c\"]"]).await;
    let packed = bucket.put("in/packed.csv.gz", gzipped("4,d\n")).await;
    check(vec![packed], SourceFormat::Csv, &["[4,\"d\"]"]).await;
    let lines = bucket.put("in/lines.json", b"{\"id\": \"5\", \"name\": \"e\"}\n{\"id\": 6}\n".to_vec()).await;
    check(vec![lines], SourceFormat::Json, &["[5,\"e\"]", "[6,null]"]).await;
    let embedded = EmbeddedWarehouse::open(house.folder.path().join("db"), EmbeddedSettings::default()).unwrap();
    let sql = "SELECT 7 AS id, 'f' AS name";
    for (wanted, format) in
        [(DestinationFormat::Parquet, SourceFormat::Parquet), (DestinationFormat::Avro, SourceFormat::Avro)]
    {
        let job = export(&house.folder.path().join(wanted.as_str()), sql, wanted, Compression::None);
        let (_, content) = exported(&embedded, &unique("made"), job).await.remove(0);
        let object = bucket.put(&format!("in/{wanted}"), content).await;
        check(vec![object], format, &["[7,\"f\"]"]).await;
    }
}

#[tokio::test]
async fn files_are_uploaded_with_their_job_and_loaded_once() {
    let Some(warehouse) = emulator() else { return };
    let house = House::new(warehouse);
    let file = house.file("sales.csv.gz", gzipped("id,name\n1,a\n2,\n"));
    let options = LoadOptions { skip_leading_rows: 1, write_disposition: WriteDisposition::Append, ..load_options() };
    let description = Some("Sales".to_owned());
    let load = Load { files: vec![file], options, description, ..house.load(&COLUMNS) };
    let id = unique("load");
    for _ in 0..2 {
        let outcome = house.run_as(&id, load.clone()).await.unwrap();
        assert_eq!(outcome.statistics.rows, Some(2));
    }
    assert_eq!(house.rows("id, name").await, ["[1,\"a\"]", "[2,null]"]);
    // Larger than a piece of an upload, in a format of its own.
    let lines: String = (0..200_000).map(|n| format!("{{\"id\": {n}, \"name\": \"{n:040}\"}}\n")).collect();
    let options = LoadOptions { source_format: SourceFormat::Json, ..load_options() };
    let load = Load { files: vec![house.file("large.json", lines)], options, ..house.load(&COLUMNS) };
    assert_eq!(house.run(load).await.unwrap().statistics.rows, Some(200_000));
    assert_eq!(house.rows("COUNT(DISTINCT name), MAX(id)").await, ["[200000,199999]"]);
}

#[tokio::test]
async fn names_come_from_the_first_line() {
    let Some(warehouse) = emulator() else { return };
    let (house, bucket) = (House::new(warehouse), Bucket::new().await);
    let text = "\u{feff}Store Number,name\n7,a\n";
    let plain = Load { schema: LoadSchema::Header, ..house.load(&[]) };
    let object = bucket.put("in/stores.csv.gz", gzipped(text)).await;
    for load in
        [Load { files: vec![house.file("stores.csv", text)], ..plain.clone() }, Load { objects: vec![object], ..plain }]
    {
        house.run(load).await.unwrap();
        assert_eq!(house.rows("Store_Number, name").await, ["[\"7\",\"a\"]"]);
    }
}

#[tokio::test]
async fn constant_columns_and_several_files_come_in_one_step() {
    let Some(warehouse) = emulator() else { return };
    let house = House::new(warehouse);
    let added = fields(&["at TIMESTAMP", "source STRING"]);
    let added: Vec<_> = added.into_iter().zip(["2024-01-31T12:00:00.5Z".to_owned(), "it's".to_owned()]).collect();
    let load = |files: Vec<PathBuf>, write_disposition| Load {
        files,
        added_columns: added.clone(),
        options: LoadOptions { write_disposition, ..load_options() },
        description: Some("Sales".to_owned()),
        ..house.load(&["id INT64 -- Key", "name STRING"])
    };
    let (a, b) = (house.file("a.csv", "1,a\n"), house.file("b.csv", "2,b\n"));
    let id = unique("load");
    for _ in 0..2 {
        let outcome = house.run_as(&id, load(vec![a.clone(), b.clone()], WriteDisposition::Append)).await.unwrap();
        assert_eq!((outcome.statistics.rows, outcome.statistics.rejected_rows), (Some(2), 0));
    }
    let columns = "id, name, CAST(UNIX_MICROS(at) AS STRING), source";
    let row = |id: u32, name: &str| format!("[{id},\"{name}\",\"1706702400500000\",\"it's\"]");
    assert_eq!(house.rows(columns).await, [row(1, "a"), row(2, "b")]);
    let table = house.warehouse.table(&house.load(&COLUMNS).table).await.unwrap().unwrap().definition;
    assert_eq!(
        table.schema.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        ["id", "name", "at", "source"]
    );
    assert_eq!(table.schema[0].description.as_deref(), Some("Key"));
    assert_eq!(table.description.as_deref(), Some("Sales"));
    house.run(load(vec![b], WriteDisposition::Truncate)).await.unwrap();
    assert_eq!(house.rows(columns).await, [row(2, "b")]);
    // Nothing is left but the table, and a file that cannot be read leaves that as it was.
    let bad = house.file("bad.csv", "many,c\n");
    house.run(load(vec![a, bad], WriteDisposition::Truncate)).await.unwrap_err();
    assert_eq!(house.rows(columns).await, [row(2, "b")]);
    assert_eq!(house.warehouse.tables("test-project", &house.dataset).await.unwrap(), ["t"]);
}

/// A result with every type, in an order.
const EVERYTHING: &str = "
SELECT n, IF(n = 2, NULL, CONCAT('text \"', CAST(n AS STRING), '\", <&>\\n', 'é')) AS s, n / 4 AS f, n > 2 AS b,
  CAST(n AS NUMERIC) / 8 AS d, DATE_ADD(DATE '2024-01-30', INTERVAL n DAY) AS day, TIME '12:34:56.7' AS clock,
  DATETIME '2024-01-31 12:34:56.000007' AS civil, TIMESTAMP_ADD(TIMESTAMP '2024-01-31 12:34:56+00', INTERVAL n SECOND) AS at,
  CAST('bytes' AS BYTES) AS raw, '' AS empty
FROM UNNEST([3, 1, 2]) AS n ORDER BY n DESC";

fn export(folder: &Path, sql: &str, format: DestinationFormat, compression: Compression) -> Export {
    Export {
        query: Query { dataset: None, ..query(sql, None) },
        folder: folder.to_owned(),
        bucket_folder: None,
        file_name: "out.txt".to_owned(),
        format,
        compression,
        print_header: true,
        field_delimiter: "|".to_owned(),
    }
}

async fn exported(warehouse: &dyn Warehouse, id: &str, export: Export) -> Vec<(String, Vec<u8>)> {
    let id = WarehouseJobId(id.to_owned());
    warehouse.submit(&id, Job::Export(export)).await.unwrap();
    let files = warehouse.wait(&id).await.unwrap().files;
    let file = |path: &Path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap());
    files.iter().map(|exported| file(&exported.path)).collect()
}

#[tokio::test]
async fn exports_are_those_of_the_embedded_warehouse_byte_for_byte() {
    let Some(warehouse) = emulator() else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let embedded = EmbeddedWarehouse::open(folder.path().join("db"), EmbeddedSettings::default()).unwrap();
    let check = async |sql: &str, format: DestinationFormat, compression: Compression| {
        let id = unique("export");
        let job = |side: &str| export(&folder.path().join(&id).join(side), sql, format, compression);
        let expect = exported(&embedded, &id, job("embedded")).await;
        let found = exported(&warehouse, &id, job("bigquery")).await;
        assert!(!expect.is_empty());
        let shown = |files: &[(String, Vec<u8>)]| {
            files.iter().map(|(name, bytes)| format!("{name}\n{}", String::from_utf8_lossy(bytes))).collect::<String>()
        };
        if expect.iter().all(|(_, bytes)| bytes.len() < 10_000) {
            assert_eq!(shown(&found), shown(&expect), "{format} {compression}");
        }
        assert!(found == expect, "{format} {compression}");
        assert!(!folder.path().join(&id).join("bigquery/.rows").exists());
    };
    check(EVERYTHING, DestinationFormat::Csv, Compression::None).await;
    check(EVERYTHING, DestinationFormat::Csv, Compression::Gzip).await;
    check(EVERYTHING, DestinationFormat::NewlineDelimitedJson, Compression::None).await;
    check(EVERYTHING, DestinationFormat::Avro, Compression::Snappy).await;
    check(EVERYTHING, DestinationFormat::Parquet, Compression::Snappy).await;
    check("SELECT 1 AS x, 'a' AS y LIMIT 0", DestinationFormat::Csv, Compression::None).await;
    // More than a page, and more than is read at once.
    let many = "SELECT n, REPEAT(CONCAT('row ', CAST(n AS STRING), ' '), 10) AS name \
                FROM UNNEST(GENERATE_ARRAY(1, 130000)) AS n ORDER BY MOD(n * 7919, 100003), n";
    check(many, DestinationFormat::Csv, Compression::None).await;
    check(many, DestinationFormat::Parquet, Compression::Snappy).await;
}

#[tokio::test]
async fn a_large_result_is_extracted_into_the_bucket() {
    let always = |settings| BigQuerySettings { extract_above: 0, ..settings };
    let Some(warehouse) = emulator_with(always) else { return };
    let bucket = Bucket::new().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let table = TableName::new("test-project", &unique("extract"), "t").unwrap();
    let made = unique("job");
    common::bigquery::run(&warehouse, &made, query("SELECT 1 AS x, 'a' AS y", Some(table.clone()))).await.unwrap();
    let mut job = export(folder.path(), &format!("SELECT * FROM `{table}`"), DestinationFormat::Csv, Compression::None);
    job.bucket_folder = Some(format!("gs://{}/reports", bucket.name));
    let id = WarehouseJobId(unique("export"));
    warehouse.submit(&id, Job::Export(job)).await.unwrap();
    let outcome = warehouse.wait(&id).await.unwrap();
    assert_eq!(outcome.objects, ["out-000000000000.txt"]);
    assert_eq!(bucket.get("reports/out-000000000000.txt").await, "x|y\n1|a\n");
}

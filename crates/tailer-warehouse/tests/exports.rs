//! Exports: BigQuery's text forms, numbered files, splitting.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, io::Read};

use common::{Bench, export, invalid, load};
use tailer_model::operation::{
    storage_to_tables::SourceFormat,
    table_to_storage::{
        Compression,
        DestinationFormat::{Avro, NewlineDelimitedJson, Parquet},
    },
};
use tailer_warehouse::Job;

const EVERYTHING: &str = "SELECT 1 AS i, 1.0 AS f, 0.1 AS g, NUMERIC '1.50' AS n, NUMERIC '10' AS m, TRUE AS b, 'a|b' AS s, \
    '' AS e, CAST(NULL AS STRING) AS z, b'hi' AS raw, DATE '2024-01-31' AS d, TIME '01:02:03' AS t, \
    DATETIME '2024-01-31 01:02:03.5' AS dt, TIMESTAMP '2024-01-31 12:34:56 UTC' AS ts, 'say \"x\"' AS q";

async fn text(bench: &Bench, job: tailer_warehouse::Export) -> (String, String) {
    let outcome = bench.run(Job::Export(job)).await.unwrap();
    assert_eq!(outcome.files.len(), 1);
    let file = &outcome.files[0];
    let mut content = String::new();
    let raw = fs::read(&file.path).unwrap();
    assert_eq!(outcome.statistics.bytes, Some(raw.len() as u64));
    match raw.starts_with(&[0x1f, 0x8b]) {
        true => flate2::read::GzDecoder::new(raw.as_slice()).read_to_string(&mut content).unwrap(),
        false => raw.as_slice().read_to_string(&mut content).unwrap(),
    };
    (file.path.file_name().unwrap().to_str().unwrap().to_owned(), content)
}

#[tokio::test]
async fn csv_has_bigquerys_forms() {
    let bench = Bench::new();
    let (name, content) = text(&bench, export(&bench, EVERYTHING, "sales_20220101.csv")).await;
    assert_eq!(name, "sales_20220101-000000000000.csv");
    assert_eq!(
        content,
        concat!(
            "i|f|g|n|m|b|s|e|z|raw|d|t|dt|ts|q\n",
            "1|1|0.1|1.5|10|true|\"a|b\"|\"\"||aGk=|2024-01-31|01:02:03|2024-01-31T01:02:03.5|2024-01-31 12:34:56 UTC|\"say \"\"x\"\"\"\n"
        )
    );
    let mut job = export(&bench, "SELECT 1 AS a, 'x' AS b", "x.csv");
    job.print_header = false;
    job.field_delimiter = "\\t".to_owned();
    job.compression = Compression::Gzip;
    assert_eq!(text(&bench, job).await, ("x-000000000000.csv.gz".to_owned(), "1\tx\n".to_owned()));
}

#[tokio::test]
async fn json_has_bigquerys_forms() {
    let bench = Bench::new();
    let sql =
        format!("SELECT *, [1, 2] AS list, [STRUCT(1 AS a, '<b>&' AS `b`, NULL AS c)] AS pairs FROM ({EVERYTHING})");
    let mut job = export(&bench, &sql, "x.json");
    job.format = NewlineDelimitedJson;
    let (name, content) = text(&bench, job).await;
    assert_eq!(name, "x-000000000000.json");
    assert_eq!(
        content,
        concat!(
            r#"{"i":"1","f":1.0,"g":0.1,"n":"1.5","m":"10","b":true,"s":"a|b","e":"","raw":"aGk=","d":"2024-01-31","t":"01:02:03","#,
            r#""dt":"2024-01-31T01:02:03.5","ts":"2024-01-31 12:34:56 UTC","q":"say \"x\"","list":["1","2"],"pairs":[{"a":"1","b":"\u003cb\u003e\u0026"}]}"#,
            "\n"
        )
    );
}

#[tokio::test]
async fn no_rows_make_one_file_and_order_is_kept() {
    let bench = Bench::new();
    let (_, content) =
        text(&bench, export(&bench, "SELECT a, 'x' AS b FROM UNNEST([1]) AS a WHERE false", "e.csv")).await;
    assert_eq!(content, "a|b\n");
    let mut job = export(&bench, "SELECT a FROM UNNEST([1]) AS a WHERE false", "e.json");
    job.format = NewlineDelimitedJson;
    assert_eq!(text(&bench, job).await.1, "");
    let (_, content) =
        text(&bench, export(&bench, "SELECT a FROM UNNEST([2, 3, 1]) AS a ORDER BY a DESC", "o.csv")).await;
    assert_eq!(content, "a\n3\n2\n1\n");
}

#[tokio::test]
async fn long_exports_are_split_between_records() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT n, CONCAT('line\\n\"', CAST(n AS STRING)) AS s FROM UNNEST(GENERATE_ARRAY(1, 500)) AS n").await;
    for (name, compression) in [("t.csv", Compression::None), ("z.csv", Compression::Gzip)] {
        let mut job = export(&bench, "SELECT n, s FROM d.t ORDER BY n", name);
        job.compression = compression;
        let outcome = bench.run(Job::Export(job)).await.unwrap();
        assert!(outcome.files.len() > 2, "{outcome:?}");
        assert_eq!(outcome.statistics.rows, Some(500));
        let mut records = String::new();
        for (number, file) in outcome.files.iter().enumerate() {
            assert!(file.path.to_str().unwrap().contains(&format!("-{number:012}.csv")), "{file:?}");
            let raw = fs::read(&file.path).unwrap();
            let mut content = String::new();
            match compression {
                Compression::Gzip => flate2::read::GzDecoder::new(raw.as_slice()).read_to_string(&mut content).unwrap(),
                _ => raw.as_slice().read_to_string(&mut content).unwrap(),
            };
            assert!(content.len() <= 2000);
            let body = content.strip_prefix("n|s\n").expect("every file has the header");
            assert_eq!(body.matches("\"line").count() as u64, file.rows);
            records.push_str(body);
        }
        let expect: String = (1..=500).map(|n| format!("{n}|\"line\n\"\"{n}\"\n")).collect();
        assert_eq!(records, expect);
    }
}

#[tokio::test]
async fn avro_and_parquet_are_split_in_the_order_of_the_query() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT n, CONCAT('line ', CAST(n * 7919 AS STRING)) AS s FROM UNNEST(GENERATE_ARRAY(1, 500)) AS n").await;
    for (format, source) in [(Avro, SourceFormat::Avro), (Parquet, SourceFormat::Parquet)] {
        let mut job = export(&bench, "SELECT n, s FROM d.t ORDER BY n DESC", "t");
        job.format = format;
        let files = bench.run(Job::Export(job)).await.unwrap().files;
        assert!(files.len() > 2, "{files:?}");
        assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 500);
        let mut last = 501;
        for file in &files {
            let mut load = load(file.path.clone(), "d.part", &["n INT64", "s STRING"]);
            load.options.source_format = source;
            bench.run(Job::Load(load)).await.unwrap();
            let sql = format!("SELECT MAX(n) < {last}, MIN(n) FROM d.part");
            let rows: Vec<(bool, i64)> =
                bench.rows(&sql).await.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
            assert!(rows[0].0, "{format}: {rows:?} behind {last}");
            last = rows[0].1;
        }
    }
}

#[tokio::test]
async fn repeated_and_failed_exports_leave_no_debris() {
    let bench = Bench::new();
    let good = export(&bench, "SELECT 1 AS a", "x.csv");
    for _ in 0..2 {
        bench.run(Job::Export(good.clone())).await.unwrap();
    }
    let late = "SELECT IF(n = 90000, 1 / (n - 90000), n) AS a FROM UNNEST(GENERATE_ARRAY(1, 90000)) AS n";
    invalid(bench.run(Job::Export(export(&bench, late, "y.csv"))).await);
    let names: Vec<_> = fs::read_dir(&good.folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["x-000000000000.csv"]);
    let scratch = bench.folder.path().join("warehouse/.scratch");
    let left: Vec<_> = fs::read_dir(scratch).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.is_empty() || left == ["spill"], "{left:?}");
}

#[tokio::test]
async fn a_scripts_effects_happen_once() {
    let mut bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64)").await;
    let job = export(&bench, "INSERT INTO d.t (a) VALUES (1);\nSELECT a FROM d.t", "s.csv");
    for _ in 0..2 {
        let id = tailer_warehouse::WarehouseJobId("script".to_owned());
        let outcome = bench.run_as(&id, Job::Export(job.clone())).await.unwrap();
        assert_eq!(outcome.statistics.rows, Some(1));
        bench.reopen().await;
    }
}

#[tokio::test]
async fn what_cannot_be_exported_says_so() {
    let bench = Bench::new();
    let message = invalid(bench.run(Job::Export(export(&bench, "SELECT [1] AS list", "x.csv"))).await);
    assert!(message.contains("column `list` is ARRAY<INT64>"), "{message}");
    invalid(bench.run(Job::Export(export(&bench, "CREATE TABLE d.t (a INT64)", "x.csv"))).await);
    invalid(bench.run(Job::Export(export(&bench, "SELECT 1 AS a", "../x.csv"))).await);
    let mut job = export(&bench, "SELECT 1 AS a", "x.csv");
    job.compression = Compression::Snappy;
    invalid(bench.run(Job::Export(job.clone())).await);
    job.compression = Compression::None;
    job.field_delimiter = "||".to_owned();
    invalid(bench.run(Job::Export(job.clone())).await);
    job.format = Avro;
    job.compression = Compression::Gzip;
    invalid(bench.run(Job::Export(job)).await);
}

//! Rows written to files. What the files have to be is written here, not taken from one of the warehouses.

use std::io::Read as _;

use tailer_model::operation::table_to_storage::{Compression, DestinationFormat};
use tailer_warehouse::{Export, Job, Outcome, WarehouseError};

use crate::Place;

pub async fn exported(
    place: &Place,
    sql: &str,
    format: DestinationFormat,
    compression: Compression,
) -> Result<Outcome, WarehouseError> {
    let id = place.id();
    let job = Export {
        query: place.query(sql),
        folder: place.folder(&id.0),
        bucket_folder: None,
        file_name: "out.txt".to_owned(),
        format,
        compression,
        print_header: true,
        field_delimiter: "|".to_owned(),
    };
    place.run_as(&id, Job::Export(job)).await
}

/// Names and contents of the files, in order.
pub async fn files(
    place: &Place,
    sql: &str,
    format: DestinationFormat,
    compression: Compression,
) -> Vec<(String, Vec<u8>)> {
    let outcome = exported(place, sql, format, compression).await.unwrap();
    let file =
        |path: &std::path::Path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    outcome.files.iter().map(|exported| file(&exported.path)).collect()
}

const EVERYTHING: &str = "SELECT 1 AS i, 0.1 AS g, NUMERIC '1.50' AS n, TRUE AS b, 'a|b' AS s, '' AS e, CAST(NULL AS STRING) AS z, \
    b'hi' AS raw, DATE '2024-01-31' AS d1, TIME '01:02:03' AS t, DATETIME '2024-01-31 01:02:03.5' AS dt, \
    TIMESTAMP '2024-01-31 12:34:56 UTC' AS ts, 'say \"x\" <&>' AS q";

pub async fn csv(place: Place) {
    let expect = "i|g|n|b|s|e|z|raw|d1|t|dt|ts|q\n1|0.1|1.5|true|\"a|b\"|\"\"||aGk=|2024-01-31|01:02:03|2024-01-31T01:02:03.5|\
                  2024-01-31 12:34:56 UTC|\"say \"\"x\"\" <&>\"\n";
    let [(name, content)] =
        files(&place, EVERYTHING, DestinationFormat::Csv, Compression::None).await.try_into().unwrap();
    assert_eq!((name.as_str(), String::from_utf8(content).unwrap().as_str()), ("out-000000000000.txt", expect));
    let [(name, packed)] =
        files(&place, EVERYTHING, DestinationFormat::Csv, Compression::Gzip).await.try_into().unwrap();
    let mut content = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut content).unwrap();
    assert_eq!((name.as_str(), content.as_str()), ("out-000000000000.txt.gz", expect));
}

pub async fn json(place: Place) {
    let [(_, content)] =
        files(&place, EVERYTHING, DestinationFormat::NewlineDelimitedJson, Compression::None).await.try_into().unwrap();
    assert_eq!(
        String::from_utf8(content).unwrap(),
        concat!(
            r#"{"i":"1","g":0.1,"n":"1.5","b":true,"s":"a|b","e":"","raw":"aGk=","d1":"2024-01-31","t":"01:02:03","#,
            r#""dt":"2024-01-31T01:02:03.5","ts":"2024-01-31 12:34:56 UTC","q":"say \"x\" \u003c\u0026\u003e"}"#,
            "\n"
        )
    );
}

pub async fn columnar(place: Place) {
    for (format, compression, magic) in [
        (DestinationFormat::Parquet, Compression::Snappy, b"PAR1".as_slice()),
        (DestinationFormat::Parquet, Compression::None, b"PAR1"),
        (DestinationFormat::Avro, Compression::Snappy, b"Obj\x01"),
        (DestinationFormat::Avro, Compression::None, b"Obj\x01"),
    ] {
        let [(_, content)] = files(&place, EVERYTHING, format, compression).await.try_into().unwrap();
        assert!(content.starts_with(magic), "{format} {compression}");
    }
}

pub async fn ordered(place: Place) {
    let sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 12000)) AS n ORDER BY MOD(n * 7919, 100003), n";
    let outcome = exported(&place, sql, DestinationFormat::Csv, Compression::None).await.unwrap();
    assert_eq!(outcome.statistics.rows, Some(12_000));
    let mut found = Vec::new();
    for file in &outcome.files {
        let text = std::fs::read_to_string(&file.path).unwrap();
        found.extend(text.strip_prefix("n\n").unwrap().lines().map(|line| line.parse::<u64>().unwrap()));
    }
    let mut expect: Vec<u64> = (1..=12_000).collect();
    expect.sort_by_key(|n| (n * 7919 % 100_003, *n));
    assert_eq!(found, expect);
}

pub async fn nothing(place: Place) {
    let [(_, content)] =
        files(&place, "SELECT 1 AS x LIMIT 0", DestinationFormat::Csv, Compression::None).await.try_into().unwrap();
    assert_eq!(content, b"x\n");
    let error = exported(&place, "CREATE TABLE d.t AS SELECT 1 AS y", DestinationFormat::Csv, Compression::None).await;
    assert!(matches!(error, Err(WarehouseError::Invalid { .. })), "{error:?}");
}

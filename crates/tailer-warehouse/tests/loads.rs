//! Loads: all or nothing, BigQuery's reading of every type, errors that name file, line and column.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{io::Write, path::Path};

use common::{Bench, definition, field, fields, invalid, load, load_options, query_into, table};
use flate2::write::GzEncoder;
use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    ddl::{Mode, PartitionUnit, Partitioning, TableDefinition},
    storage_to_tables::{LoadOptions, SourceFormat},
};
use tailer_warehouse::{Job, Load, LoadSchema, WarehouseError};

#[tokio::test]
async fn every_type_is_read_as_bigquery_does() {
    let bench = Bench::new();
    let columns = [
        "s STRING",
        "i INT64",
        "f FLOAT64",
        "n NUMERIC",
        "b BOOL",
        "d DATE",
        "t TIME",
        "dt DATETIME",
        "ts TIMESTAMP",
        "raw BYTES",
        "j JSON",
        "g GEOGRAPHY",
    ];
    let content = concat!(
        "text,42,1.5,0.123456789,yes,2024-01-31,12:34:56,2024-01-31 12:34:56,2024-01-31 12:34:56 UTC,aGk=,\"{\"\"a\"\": 1}\",POINT (-96.09 42.02)\n",
        "\"a,\"\"b\"\"\", -1 ,1e3,-.5,F,2024-1-5,1:2:3.25,2024-01-31T12:34:56.789,2024-01-31T12:34:56+02:00,,[],\n",
        ",,,,,,,,,,,\n",
        "\"\",0,NaN,99999999999999999999999999999.999999999,1,0001-01-01,00:00,2024-01-31,2024-01-31,\"\",null,\n",
    );
    let file = bench.file("types.csv", content);
    let outcome = bench.run(Job::Load(load(file, "d.t", &columns))).await.unwrap();
    assert_eq!((outcome.statistics.rows, outcome.statistics.bytes), (Some(4), Some(content.len() as u64)));
    assert_eq!(
        bench.rows("SELECT * EXCEPT (j, g) FROM d.t ORDER BY i NULLS LAST").await,
        [
            r#"["a,\"b\"",-1,1000.0,"-0.5",false,"2024-01-05","01:02:03.250000","2024-01-31T12:34:56.789000","2024-01-31 10:34:56+00",null]"#,
            r#"["",0,"NaN","99999999999999999999999999999.999999999",true,"0001-01-01","00:00:00","2024-01-31T00:00:00","2024-01-31 00:00:00+00",""]"#,
            r#"["text",42,1.5,"0.123456789",true,"2024-01-31","12:34:56","2024-01-31T12:34:56","2024-01-31 12:34:56+00","aGk="]"#,
            "[null,null,null,null,null,null,null,null,null,null]",
        ]
    );
    assert_eq!(bench.rows("SELECT j FROM d.t WHERE i = 42").await, [r#"["{\"a\": 1}"]"#]);
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, fields(&columns));
}

async fn check_bad(content: &str, expect: &str) {
    let bench = Bench::new();
    let file = bench.file("sales.csv", "1,2024-01-01,0.5\n");
    let columns = ["n INT64 REQUIRED", "day DATE", "amount NUMERIC"];
    bench.run(Job::Load(load(file, "d.t", &columns))).await.unwrap();
    let file = bench.file("bad.csv", content);
    let message = invalid(bench.run(Job::Load(load(file, "d.t", &columns))).await);
    assert!(message.contains(expect), "{message}");
    assert!(!message.contains('/'), "no path of this machine: {message}");
    assert_eq!(bench.rows("SELECT n FROM d.t").await, ["[1]"], "the table is as it was");
}

#[tokio::test]
async fn a_bad_value_names_file_line_and_column() {
    for (content, expect) in [
        ("2,2024-01-01,1\n3,2024-13-01,1\n", "bad.csv line 2, column `day`: '2024-13-01' is not a DATE"),
        ("2.0,2024-01-01,1\n", "line 1, column `n`: '2.0' is not an INT64"),
        ("9223372036854775808,,\n", "is not an INT64"),
        ("2,,0.1234567891\n", "column `amount`: '0.1234567891' is not a NUMERIC"),
        (",2024-01-01,1\n", "column `n`: the column is REQUIRED and the value is missing"),
        ("2,2024-01-01\n", "line 1: the line has 2 values for 3 columns"),
        ("2,2024-01-01,1,x\n", "line 1: the line has 4 values for 3 columns"),
        ("2,\"2024-01-01\n\",1\n", "line 1: a quote is not closed"),
        ("2,\"2024\"x,1\n", "line 1: there is text between a closing quote"),
    ] {
        check_bad(content, expect).await;
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_names_its_byte() {
    let bench = Bench::new();
    let file = bench.file("latin.csv", b"a\nb\xe9\n");
    let message = invalid(bench.run(Job::Load(load(file, "d.t", &["s STRING"]))).await);
    assert!(message.contains("latin.csv line 2") && message.contains("byte 3"), "{message}");
}

async fn check_option(content: &str, change: impl FnOnce(&mut LoadOptions), expect: &[&str]) {
    let bench = Bench::new();
    let file = bench.file("t.csv", content);
    let mut job = load(file, "d.t", &["a STRING", "b INT64"]);
    change(&mut job.options);
    bench.run(Job::Load(job)).await.unwrap_or_else(|error| panic!("{content:?}: {error}"));
    let got = bench.rows("SELECT * FROM d.t ORDER BY b, a").await;
    assert_eq!(got, expect, "{content:?}");
}

#[tokio::test]
async fn options_of_csv() {
    check_option("a|1\n", |o| o.field_delimiter = "|".into(), &[r#"["a",1]"#]).await;
    check_option("a\t1\n", |o| o.field_delimiter = "\\t".into(), &[r#"["a",1]"#]).await;
    check_option("'a,b',1\n", |o| o.quote_character = Some("'".into()), &[r#"["a,b",1]"#]).await;
    check_option("\"a,1\n", |o| o.quote_character = Some(String::new()), &[r#"["\"a",1]"#]).await;
    check_option("head,er\nx\na,1\n", |o| o.skip_leading_rows = 2, &[r#"["a",1]"#]).await;
    check_option(
        "\\N,\\N\n,2\n\"\\N\",3\n",
        |o| o.null_marker = Some("\\N".into()),
        &["[null,null]", r#"["",2]"#, r#"["\\N",3]"#],
    )
    .await;
    check_option("a,1,x,y\n", |o| o.ignore_unknown_values = true, &[r#"["a",1]"#]).await;
    check_option("a\nb,2\n", |o| o.allow_jagged_rows = true, &[r#"["a",null]"#, r#"["b",2]"#]).await;
    check_option("\"a\nb\",1\n", |o| o.allow_quoted_newlines = true, &[r#"["a\nb",1]"#]).await;
    check_option("a,1\r\n\r\nb,2\r\n", |_| (), &[r#"["a",1]"#, r#"["b",2]"#]).await;
    check_option("\u{feff}a,1", |_| (), &[r#"["a",1]"#]).await;
    check_option("", |_| (), &[]).await;
}

#[tokio::test]
async fn bad_lines_within_the_limit_are_kept_aside() {
    let bench = Bench::new();
    let content = "a,1\nb,two\nc\nd,4\n";
    let mut job = load(bench.file("t.csv", content), "d.t", &["a STRING", "b INT64"]);
    job.options.max_bad_records = 2;
    let outcome = bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!((outcome.statistics.rows, outcome.statistics.rejected_rows), (Some(2), 2));
    let rejected: Vec<_> = outcome.rejected.iter().map(|r| (r.line, r.column.as_deref(), r.text.as_str())).collect();
    assert_eq!(rejected, [(2, Some("b"), "b,two"), (3, None, "c")]);
    assert_eq!(bench.rows("SELECT a FROM d.t ORDER BY a").await, [r#"["a"]"#, r#"["d"]"#]);
    job.options.max_bad_records = 1;
    let message = invalid(bench.run(Job::Load(job)).await);
    assert!(message.contains("line 3") && message.contains("more than the 1 bad lines allowed"), "{message}");
}

#[tokio::test]
async fn gzip_is_recognised_by_its_content() {
    let bench = Bench::new();
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a,1\nb,2\n").unwrap();
    let bytes = gzip.finish().unwrap();
    let file = bench.file("t.csv", &bytes);
    bench.run(Job::Load(load(file, "d.t", &["a STRING", "b INT64"]))).await.unwrap();
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[2]"]);
    let cut = bench.file("cut.csv", &bytes[..bytes.len() / 2]);
    assert!(bench.run(Job::Load(load(cut, "d.t", &["a STRING", "b INT64"]))).await.is_err());
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[2]"]);
}

#[tokio::test]
async fn schemas_from_the_file() {
    let bench = Bench::new();
    let content = "Store Number,opened,open?\n12,2024-01-31,true\n013,,false\n";
    let file = bench.file("stores.csv", content);
    let mut job = load(file, "d.header", &[]);
    job.options.skip_leading_rows = 1;
    job.schema = LoadSchema::Header;
    bench.run(Job::Load(job.clone())).await.unwrap();
    let schema = async |name: &str| bench.warehouse().table(&table(name)).await.unwrap().unwrap().definition.schema;
    assert_eq!(schema("d.header").await, fields(&["Store_Number STRING", "opened STRING", "open_ STRING"]));
    assert_eq!(bench.rows("SELECT Store_Number FROM d.header ORDER BY 1").await, [r#"["013"]"#, r#"["12"]"#]);
    job.table = table("d.detected");
    job.schema = LoadSchema::Autodetect;
    bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(schema("d.detected").await, fields(&["Store_Number INT64", "opened DATE", "open_ BOOL"]));
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.detected").await, ["[2]"]);
    job.files = vec![bench.file("bare.csv", "12,2024-01-31,true,x\n13,,false,\n")];
    job.options.skip_leading_rows = 0;
    bench.run(Job::Load(job)).await.unwrap();
    let nameless = ["int64_field_0 INT64", "date_field_1 DATE", "bool_field_2 BOOL", "string_field_3 STRING"];
    assert_eq!(schema("d.detected").await, fields(&nameless));
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.detected").await, ["[2]"]);
}

#[tokio::test]
async fn dispositions_and_schema_updates() {
    let bench = Bench::new();
    let file = bench.file("t.csv", "1\n");
    let mut job = load(file.clone(), "d.t", &["a INT64"]);
    job.options.create_if_needed = false;
    assert!(matches!(bench.run(Job::Load(job.clone())).await, Err(WarehouseError::NotFound(_))));
    job.options.create_if_needed = true;
    job.options.write_disposition = Empty;
    job.description = Some("loaded".to_owned());
    bench.run(Job::Load(job.clone())).await.unwrap();
    invalid(bench.run(Job::Load(job.clone())).await);
    job.options.write_disposition = Append;
    bench.run(Job::Load(job)).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[1]", "[1]"]);

    let wide = bench.file("wide.csv", "2,x\n");
    let mut job = load(wide, "d.t", &["a INT64", "b STRING -- new"]);
    job.options.write_disposition = Append;
    let message = invalid(bench.run(Job::Load(job.clone())).await);
    assert!(message.contains("ALLOW_FIELD_ADDITION"), "{message}");
    job.options.allow_field_addition = true;
    bench.run(Job::Load(job.clone())).await.unwrap();
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, fields(&["a INT64", "b STRING -- new"]));
    assert_eq!((info.rows, info.definition.description.as_deref()), (3, Some("loaded")));
    job.schema = LoadSchema::Given(fields(&["a STRING", "b STRING"]));
    assert!(invalid(bench.run(Job::Load(job)).await).contains("is INT64 and the load gives STRING"));

    bench.create("d.r", &definition(&["a INT64 REQUIRED"])).await;
    let mut job = load(file, "d.r", &["a INT64"]);
    job.options.write_disposition = Append;
    assert!(invalid(bench.run(Job::Load(job.clone())).await).contains("ALLOW_FIELD_RELAXATION"));
    job.options.allow_field_relaxation = true;
    bench.run(Job::Load(job)).await.unwrap();
    let info = bench.warehouse().table(&table("d.r")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema[0].mode, Mode::Nullable);
}

#[tokio::test]
async fn truncate_takes_a_new_schema_and_keeps_partitions() {
    let bench = Bench::new();
    let by_day = Partitioning::Time { field: Some("day".to_owned()), unit: PartitionUnit::Day, expiration_ms: None };
    let declared = TableDefinition { partitioning: Some(by_day.clone()), ..definition(&["day DATE", "n INT64"]) };
    bench.create("d.t", &declared).await;
    let file = bench.file("t.csv", "2024-01-31,x\n");
    bench.run(Job::Load(load(file, "d.t", &["day DATE -- when", "name STRING"]))).await.unwrap();
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, fields(&["day DATE -- when", "name STRING"]));
    assert_eq!(info.definition.partitioning, Some(by_day));
}

#[tokio::test]
async fn metadata_columns_are_added() {
    let bench = Bench::new();
    let mut job = load(bench.file("t.csv", "1\n2\n"), "d.t", &["a INT64"]);
    job.added_columns = vec![
        (field("tlr_ingestion_timestamp_utc TIMESTAMP"), "2024-01-31T12:34:56.789Z".to_owned()),
        (field("tlr_input_file_name STRING"), "t.csv".to_owned()),
    ];
    bench.run(Job::Load(job)).await.unwrap();
    let rows = bench.rows("SELECT * FROM d.t ORDER BY a").await;
    assert_eq!(rows[1], r#"[2,"2024-01-31 12:34:56.789000+00","t.csv"]"#);
}

#[tokio::test]
async fn json_lines() {
    let bench = Bench::new();
    let content = concat!(
        r#"{"n": "5", "tags": ["a", "b"], "who": {"name": "x", "born": "2024-01-31"}, "at": 0, "j": {"k": [1]}}"#,
        "\n\n",
        r#"{"N": 6, "who": null}"#,
        "\n"
    );
    let mut schema = fields(&["n INT64", "tags STRING REPEATED", "at TIMESTAMP", "j JSON"]);
    let mut who = field("who STRING");
    who.field_type = tailer_model::operation::ddl::FieldType::Record;
    who.fields = fields(&["name STRING", "born DATE"]);
    schema.push(who);
    let mut job = load(bench.file("t.json", content), "d.t", &[]);
    job.schema = LoadSchema::Given(schema);
    job.options.source_format = SourceFormat::Json;
    bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(
        bench.rows("SELECT n, tags, at, who FROM d.t ORDER BY n").await,
        [r#"[5,["a","b"],"1970-01-01 00:00:00+00",["x","2024-01-31"]]"#, r#"[6,[],null,null]"#,]
    );
    for (line, expect) in [
        (r#"{"n": 1.5}"#, "column `n`: '1.5' is not an INT64"),
        (r#"{"n": 1, "x": 2}"#, "column `x`: there is no such column"),
        (r#"{"who": {"nam": "x"}}"#, "column `who`: there is no field `nam`"),
        (r#"{"tags": [null]}"#, "holds null"),
        (r#"{"tags": "a"}"#, "is not an array"),
        ("[1]", "line 1: the line is not a JSON object"),
        ("{", "line 1: the line is not JSON"),
    ] {
        job.files = vec![bench.file("bad.json", line)];
        let message = invalid(bench.run(Job::Load(job.clone())).await);
        assert!(message.contains(expect), "{line}: {message}");
    }
    job.files = vec![
        bench.file("bad.json", "{\"tags\": [\"x\", 1, null]}\n{\"n\": 7, \"y\": 0, \"tags\": [\"z\"]}\n{\"n\": 8}\n"),
    ];
    job.options.max_bad_records = 1;
    job.options.ignore_unknown_values = true;
    bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(bench.rows("SELECT n, tags FROM d.t ORDER BY n").await, [r#"[7,["z"]]"#, "[8,[]]"]);
    job.schema = LoadSchema::Autodetect;
    job.table = table("d.detected");
    job.files = vec![bench.file("auto.json", "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 1.5, \"c\": [true]}\n")];
    bench.run(Job::Load(job)).await.unwrap();
    let info = bench.warehouse().table(&table("d.detected")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, fields(&["a FLOAT64", "b STRING", "c BOOL REPEATED"]));
}

#[tokio::test]
async fn parquet_travels_round() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT 1 AS n, NUMERIC '1.5' AS d, DATE '2024-01-31' AS day, ['x'] AS tags").await;
    let mut out = common::export(&bench, "SELECT * FROM d.t", "t.parquet");
    out.format = tailer_model::operation::table_to_storage::DestinationFormat::Parquet;
    let files = bench.run(Job::Export(out)).await.unwrap().files;
    let mut job = load(files[0].path.clone(), "d.u", &[]);
    job.options.source_format = SourceFormat::Parquet;
    job.schema = LoadSchema::Autodetect;
    job.added_columns = vec![(field("source STRING"), "t".to_owned())];
    bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(bench.rows("SELECT * FROM d.u").await, [r#"[1,"1.5","2024-01-31",["x"],"t"]"#]);
    job.schema = LoadSchema::Given(fields(&["n INT64 REQUIRED", "d NUMERIC"]));
    assert!(bench.run(Job::Load(job.clone())).await.is_err());
    job.options.ignore_unknown_values = true;
    bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(bench.rows("SELECT * FROM d.u").await, [r#"[1,"1.5","t"]"#]);
    job.options.source_format = SourceFormat::Avro;
    let message = invalid(bench.run(Job::Load(job)).await);
    assert!(message.contains("t-000000000000.parquet: the Avro data cannot be read"), "{message}");
}

#[tokio::test]
async fn the_iowa_files_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/iowa");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        #[expect(clippy::print_stderr, reason = "a test that skips has to say so")]
        return eprintln!("skipped: there is no folder ../shared/data/iowa beside the checkout");
    };
    let bench = Bench::new();
    let sales = [
        "invoice_and_item_number STRING",
        "date DATE",
        "store_number STRING",
        "item_number STRING",
        "bottles_sold INT64",
        "bottle_volume_ml INT64",
        "sale_dollars NUMERIC",
        "volume_sold_liters FLOAT64",
        "volume_sold_gallons FLOAT64",
    ];
    let mut loaded = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count() as u64;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut job = Load {
            files: vec![path],
            objects: Vec::new(),
            table: table("d.sales"),
            schema: LoadSchema::Given(fields(&sales)),
            description: None,
            options: LoadOptions { skip_leading_rows: 1, write_disposition: Append, ..load_options() },
            added_columns: Vec::new(),
        };
        if !name.starts_with("sales") {
            job.table = table(if name.starts_with("stores") { "d.stores" } else { "d.products" });
            job.schema = LoadSchema::Header;
        }
        let outcome = bench.run(Job::Load(job)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outcome.statistics.rows, Some(lines - 1), "{name}");
        loaded += 1;
    }
    assert_eq!(loaded, 5);
    let sql = "SELECT COUNT(*) AS n FROM d.sales AS s JOIN d.stores AS t USING (store_number)";
    bench.run(query_into(sql, "d.joined", Truncate)).await.unwrap();
}

#[tokio::test]
async fn bignumerics_go_in_and_out_exactly() {
    let bench = Bench::new();
    let columns = ["i INT64", "b BIGNUMERIC"];
    let digits = "-578960446186580977117854925043439539266.34992332820282019728792003956564819967";
    let file = bench.file("big.csv", format!("1,{digits}\n2,1e-38\n3,\n4,2.50\n"));
    bench.run(Job::Load(load(file, "d.t", &columns))).await.unwrap();
    assert_eq!(
        bench.rows("SELECT * FROM d.t ORDER BY b DESC").await,
        [
            r#"[4,"2.5"]"#,
            r#"[2,"0.00000000000000000000000000000000000001"]"#,
            &format!(r#"[1,"{digits}"]"#),
            "[3,null]"
        ]
    );
    assert_eq!(
        bench.rows("SELECT SUM(b) FROM d.t WHERE i > 1").await,
        [r#"["2.50000000000000000000000000000000000001"]"#]
    );
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, fields(&columns));
    bench.run(query_into("SELECT 5 AS i, NUMERIC '0.5' AS b", "d.t", Append)).await.unwrap();
    assert_eq!(bench.rows("SELECT b FROM d.t WHERE i = 5").await, [r#"["0.5"]"#]);
    let file = bench.file("bad.csv", "1,1e-39\n");
    let message = invalid(bench.run(Job::Load(load(file, "d.t", &columns))).await);
    assert!(message.contains("'1e-39' is not a BIGNUMERIC"), "{message}");
}

#[tokio::test]
async fn long_files_are_read_by_several_threads_and_the_first_bad_line_is_blamed() {
    let bench = Bench::new();
    let line = |n: u32| format!("{n},\"name {n}\nsecond line\",2024-01-31\n");
    let mut content: String = (0..120_000).map(line).collect();
    let columns = ["n INT64", "s STRING", "d DATE"];
    let mut job = load(bench.file("long.csv", &content), "d.t", &columns);
    job.options.allow_quoted_newlines = true;
    let outcome = bench.run(Job::Load(job.clone())).await.unwrap();
    assert_eq!(outcome.statistics.rows, Some(120_000));
    let sql =
        "SELECT COUNT(DISTINCT n), SUM(n), COUNTIF(s = CONCAT('name ', CAST(n AS STRING), '\\nsecond line')) FROM d.t";
    assert_eq!(bench.rows(sql).await, ["[120000,7199940000,120000]"]);
    // Two bad lines, far apart: always the first is named, and the table stays.
    content.push_str("x,late,2024-01-31\n");
    let middle = content.find("60000,").unwrap();
    content.insert_str(middle, "y,early,2024-01-31\n");
    job.files = vec![bench.file("long.csv", &content)];
    for _ in 0..3 {
        let message = invalid(bench.run(Job::Load(job.clone())).await);
        assert!(message.contains("long.csv line 120001, column `n`: 'y' is not an INT64"), "{message}");
    }
    let mut bytes = content.into_bytes();
    bytes[40] = 0xff;
    job.files = vec![bench.file("long.csv", &bytes)];
    job.options.max_bad_records = 5;
    let message = invalid(bench.run(Job::Load(job)).await);
    assert!(message.contains("long.csv line 3: the text is not UTF-8 (byte 40 of the file)"), "{message}");
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[120000]"]);
}

#[tokio::test]
async fn numbers_of_json_keep_every_digit() {
    let bench = Bench::new();
    let content =
        "{\"n\": 12345678901234567890.123456789, \"n\": 98765432109876543210.123456789, \"j\": {\"x\": 1.10}}\n";
    let mut job = load(bench.file("t.json", content), "d.t", &["n NUMERIC", "j JSON"]);
    job.options.source_format = SourceFormat::Json;
    bench.run(Job::Load(job)).await.unwrap();
    assert_eq!(bench.rows("SELECT n FROM d.t").await, [r#"["98765432109876543210.123456789"]"#]);
}

//! Exports read by programs that are not ours (pyarrow, fastavro, DuckDB's Python package, Python's csv), and files
//! that those wrote loaded here: both ways the same values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{path::Path, process::Command};

use common::{Bench, export, field, fields, load};
use tailer_model::operation::{
    ddl::{Field, FieldType, Mode},
    storage_to_tables::SourceFormat,
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{Job, LoadSchema};

/// Rows of every type, with nulls, nested and repeated, and with what has to be quoted.
const TABLE: &str = "CREATE TABLE d.t AS
    SELECT 1 AS id, 'a|b \"x\"\\nä' AS s, 1.5 AS f, NUMERIC '-12.345678901' AS n, TRUE AS b, b'\\x00\\xff' AS raw,
        DATE '2024-02-29' AS d, TIME '01:02:03.5' AS t, DATETIME '2024-01-31 01:02:03.25' AS dt,
        TIMESTAMP '0001-01-01 00:00:00 UTC' AS ts, [1, 2] AS list, STRUCT('x' AS name, [DATE '2024-01-01'] AS days) AS rec,
        [STRUCT(7 AS k, 'v' AS v)] AS pairs
    UNION ALL
    SELECT 2, '', -0.1, NUMERIC '99999999999999999999999999999.999999999', FALSE, b'', DATE '9999-12-31',
        TIME '23:59:59.999999', DATETIME '9999-12-31 23:59:59.999999', TIMESTAMP '9999-12-31 23:59:59.999999 UTC', [],
        STRUCT(CAST(NULL AS STRING) AS name, CAST([] AS ARRAY<DATE>) AS days),
        CAST([] AS ARRAY<STRUCT<k INT64, v STRING>>)
    UNION ALL
    SELECT 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, [], NULL, []";

/// What a reader prints of a row: the columns in order, as text that all readers agree on.
const EXPECT: [&str; 3] = [
    r#"[1,"a|b \"x\"\nä",1.5,"-12.345678901",true,"00ff","2024-02-29","01:02:03.500000","2024-01-31T01:02:03.250000","0001-01-01T00:00:00+00:00",[1,2],{"name":"x","days":["2024-01-01"]},[{"k":7,"v":"v"}]]"#,
    r#"[2,"",-0.1,"99999999999999999999999999999.999999999",false,"","9999-12-31","23:59:59.999999","9999-12-31T23:59:59.999999","9999-12-31T23:59:59.999999+00:00",[],{"name":null,"days":[]},[]]"#,
    "[3,null,null,null,null,null,null,null,null,null,[],null,[]]",
];

/// Reads `sys.argv[2]` with the reader `sys.argv[1]`, prints one JSON list a row.
const READ: &str = r#"
import datetime, decimal, json, sys
def show(v):
    if isinstance(v, decimal.Decimal): return str(v.normalize() + 0) if v == v.to_integral() else format(v.normalize(), "f")
    if isinstance(v, (bytes, bytearray)): return v.hex()
    if isinstance(v, datetime.datetime):
        return v.isoformat(timespec="microseconds" if v.microsecond else "seconds")
    if isinstance(v, datetime.time): return v.isoformat(timespec="microseconds")
    if isinstance(v, datetime.date): return v.isoformat()
    if isinstance(v, dict): return {k: show(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)): return [show(x) for x in v]
    return v
def fix(row):
    row = {k: show(v) for k, v in row.items()}
    if isinstance(row["dt"], str):
        row["dt"] = show(datetime.datetime.fromisoformat(row["dt"].ljust(26, "0") if "." in row["dt"] else row["dt"]))
    return list(row.values())
reader, path = sys.argv[1:3]
decimal.getcontext().prec = 80
if reader == "pyarrow":
    import pyarrow.parquet
    rows = pyarrow.parquet.read_table(path).to_pylist()
elif reader == "duckdb":
    import duckdb
    duckdb.execute("SET TimeZone = 'UTC'")
    rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table().to_pylist()
else:
    import fastavro
    rows = list(fastavro.reader(open(path, "rb")))
for row in rows: print(json.dumps(fix(row), ensure_ascii=False, separators=(",", ":")))
"#;

fn python(script: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("python3").args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// True when the test cannot run here; with TAILERD_TEST_ALL set that is a failure.
fn lacks(package: &str) -> bool {
    let found = Command::new("python3").args(["-c", &format!("import {package}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return false;
    }
    assert!(
        std::env::var_os("TAILERD_TEST_ALL").is_none(),
        "with TAILERD_TEST_ALL nothing is skipped: python3 has no {package}"
    );
    #[expect(clippy::print_stderr, reason = "a test that skips has to say so")]
    {
        eprintln!("skipped: python3 has no {package} (.ci/requirements.txt)");
    }
    true
}

async fn exported(bench: &Bench, format: DestinationFormat, compression: Compression) -> std::path::PathBuf {
    let mut job = export(bench, "SELECT * FROM d.t ORDER BY id", &format!("{format}_{compression}"));
    (job.format, job.compression) = (format, compression);
    let files = bench.run(Job::Export(job)).await.unwrap().files;
    assert_eq!((files.len(), files[0].rows), (1, 3));
    files[0].path.clone()
}

async fn check(reader: &str, format: DestinationFormat, compressions: &[Compression]) {
    if lacks(reader) {
        return;
    }
    let bench = Bench::of_whole_files();
    bench.sql(TABLE).await;
    for compression in compressions {
        let path = exported(&bench, format, *compression).await;
        assert_eq!(python(READ, &[reader, path.to_str().unwrap()]), EXPECT, "{format} {compression}");
    }
}

#[tokio::test]
async fn pyarrow_reads_parquet() {
    check("pyarrow", DestinationFormat::Parquet, &[Compression::None, Compression::Gzip, Compression::Snappy]).await;
}

#[tokio::test]
async fn duckdb_reads_parquet() {
    check("duckdb", DestinationFormat::Parquet, &[Compression::Snappy]).await;
}

#[tokio::test]
async fn fastavro_reads_avro() {
    check("fastavro", DestinationFormat::Avro, &[Compression::None, Compression::Snappy]).await;
}

#[tokio::test]
async fn python_reads_csv() {
    if lacks("csv") {
        return;
    }
    let bench = Bench::of_whole_files();
    bench.sql("CREATE TABLE d.t AS SELECT 1 AS id, 'a|b \"x\"\\nä' AS s, NUMERIC '1.50' AS n UNION ALL SELECT 2, '', NULL UNION ALL SELECT 3, NULL, 2").await;
    let path = exported(&bench, DestinationFormat::Csv, Compression::Gzip).await;
    let script = "import csv, gzip, json, sys
for row in csv.reader(gzip.open(sys.argv[1], 'rt', newline=''), delimiter='|'): print(json.dumps(row, ensure_ascii=False))";
    assert_eq!(
        python(script, &[path.to_str().unwrap()]),
        [r#"["id", "s", "n"]"#, r#"["1", "a|b \"x\"\nä", "1.5"]"#, r#"["2", "", ""]"#, r#"["3", "", "2"]"#]
    );
}

/// The table's columns as a DDL file has them.
fn schema() -> Vec<Field> {
    let record = |name: &str, mode, inner: &[&str]| Field {
        field_type: FieldType::Record,
        mode,
        fields: fields(inner),
        ..field(&format!("{name} STRING"))
    };
    let mut schema = fields(&[
        "id INT64",
        "s STRING",
        "f FLOAT64",
        "n NUMERIC",
        "b BOOL",
        "raw BYTES",
        "d DATE",
        "t TIME",
        "dt DATETIME",
        "ts TIMESTAMP",
        "list INT64 REPEATED",
    ]);
    schema.push(record("rec", Mode::Nullable, &["name STRING", "days DATE REPEATED"]));
    schema.push(record("pairs", Mode::Repeated, &["k INT64", "v STRING"]));
    schema
}

#[tokio::test]
async fn what_was_exported_loads_again() {
    let bench = Bench::of_whole_files();
    bench.sql(TABLE).await;
    let mut all = bench.rows("SELECT * FROM d.t ORDER BY id").await;
    // Whatever SQL made of an array that is nothing, files and tables hold an empty one.
    all[2] = EXPECT[2].to_owned();
    for (format, source, compression) in [
        (DestinationFormat::Parquet, SourceFormat::Parquet, Compression::Snappy),
        (DestinationFormat::Avro, SourceFormat::Avro, Compression::None),
        (DestinationFormat::Avro, SourceFormat::Avro, Compression::Snappy),
        (DestinationFormat::NewlineDelimitedJson, SourceFormat::Json, Compression::Gzip),
    ] {
        let path = exported(&bench, format, compression).await;
        let mut job = load(path, "d.again", &[]);
        job.options.source_format = source;
        job.schema = LoadSchema::Given(schema());
        bench.run(Job::Load(job)).await.unwrap_or_else(|error| panic!("{format}: {error}"));
        let again = bench.rows("SELECT * FROM d.again ORDER BY id").await;
        assert_eq!(again, all, "{format} {compression}");
    }
}

/// Files that pyarrow and fastavro write, with what only they have: enums, fixed bytes, old times, maps, subsets.
const WRITE: &str = r#"
import datetime, decimal, sys
folder = sys.argv[1]
import pyarrow as pa, pyarrow.parquet as pq, fastavro
utc = datetime.timezone.utc
at = datetime.datetime(2024, 1, 31, 12, 34, 56, 789000)
table = pa.table({
    "id": pa.array([1, None], pa.int16()), "name": pa.array(["a", "b"]).dictionary_encode(),
    "price": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)), "at": pa.array([at, at], pa.timestamp("ms")),
    "clock": pa.array([datetime.time(1, 2, 3), None], pa.time64("us")), "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
    "extra": pa.array([1.5, 2.5]),
})
pq.write_table(table, f"{folder}/modern.parquet", compression="zstd")
pq.write_table(table.select(["id", "at"]), f"{folder}/old.parquet", use_deprecated_int96_timestamps=True)
schema = {"type": "record", "name": "r", "fields": [
    {"name": "id", "type": ["null", "int"]}, {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["x", "y"]}},
    {"name": "price", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}]},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "m", "type": {"type": "map", "values": "long"}},
    {"name": "who", "type": ["null", {"type": "record", "name": "w", "fields": [{"name": "age", "type": ["null", "long"]}]}]}]}
rows = [{"id": i or None, "kind": "xy"[i % 2], "price": decimal.Decimal(i) / 4 if i else None, "at": at.replace(tzinfo=utc),
         "day": at.date(), "clock": datetime.time(1, 2, 3, 500000), "tags": ["t"] * (i % 3), "m": {"k": i},
         "who": {"age": i} if i % 2 else None} for i in range(5000)]
for codec in ["null", "deflate", "snappy"]:
    with open(f"{folder}/{codec}.avro", "wb") as f: fastavro.writer(f, schema, rows, codec=codec)
"#;

#[tokio::test]
async fn files_of_other_writers_load() {
    if lacks("pyarrow") || lacks("fastavro") || lacks("cramjam") {
        return;
    }
    let bench = Bench::of_whole_files();
    python(WRITE, &[bench.folder.path().to_str().unwrap()]);
    let place = |name: &str| bench.folder.path().join(name);
    let run = async |path: &Path, source: SourceFormat, schema: Option<&[&str]>, ignore: bool| {
        let mut job = load(path.to_owned(), "d.t", &[]);
        job.options.source_format = source;
        job.options.ignore_unknown_values = ignore;
        job.schema = schema.map_or(LoadSchema::Autodetect, |columns| LoadSchema::Given(fields(columns)));
        bench.run(Job::Load(job)).await
    };
    run(&place("modern.parquet"), SourceFormat::Parquet, None, false).await.unwrap();
    assert_eq!(
        bench.rows("SELECT * FROM d.t ORDER BY name").await,
        [
            r#"[1,"a","1.5","2024-01-31T12:34:56.789000","01:02:03",[["k",1]],1.5]"#,
            r#"[null,"b",null,"2024-01-31T12:34:56.789000",null,[],2.5]"#
        ]
    );
    // Fewer columns than the file, one more, and a moment where the file says none.
    let subset = ["at TIMESTAMP", "id INT64", "missing STRING"];
    assert!(run(&place("modern.parquet"), SourceFormat::Parquet, Some(&subset), false).await.is_err());
    for file in ["modern.parquet", "old.parquet"] {
        run(&place(file), SourceFormat::Parquet, Some(&subset), true).await.unwrap();
        let expect = [r#"["2024-01-31 12:34:56.789000+00",1,null]"#, r#"["2024-01-31 12:34:56.789000+00",null,null]"#];
        assert_eq!(bench.rows("SELECT * FROM d.t ORDER BY id NULLS LAST").await, expect, "{file}");
    }
    for codec in ["null", "deflate", "snappy"] {
        run(&place(&format!("{codec}.avro")), SourceFormat::Avro, None, false).await.unwrap();
        assert_eq!(
            bench.rows("SELECT * FROM d.t WHERE id = 4999 OR id IS NULL ORDER BY id").await,
            [
                r#"[null,"x",null,"2024-01-31 12:34:56.789000+00","2024-01-31","01:02:03.500000",[],[["k",0]],null]"#,
                r#"[4999,"y","1249.75","2024-01-31 12:34:56.789000+00","2024-01-31","01:02:03.500000",["t"],[["k",4999]],[4999]]"#
            ],
            "{codec}"
        );
        assert_eq!(bench.rows("SELECT COUNT(*), SUM(who.age) FROM d.t").await, ["[5000,6250000]"]);
    }
    let required = run(&place("null.avro"), SourceFormat::Avro, Some(&["id INT64 REQUIRED"]), true).await;
    assert!(required.unwrap_err().to_string().contains("column `id` is REQUIRED"));
}

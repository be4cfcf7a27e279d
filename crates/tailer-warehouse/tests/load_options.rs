//! The table of load options and formats in `docs/storage-to-tables.md`, cell by cell against the engine: what an option
//! does to a load of each format is measured, and has to be what the table says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{collections::BTreeMap, io::Write, path::PathBuf};

use common::{Bench, definition, export, field, fields, load, table};
use flate2::write::GzEncoder;
use tailer_model::operation::{
    WriteDisposition,
    ddl::{FieldType, Partitioning, TableDefinition},
    storage_to_tables::SourceFormat,
    table_to_storage::DestinationFormat,
};
use tailer_warehouse::{Job, Load, LoadSchema};

/// An option, the files that show it, and what a load comes to with it.
struct Case {
    option: &'static str,
    csv: &'static str,
    json: &'static str,
    /// The rows of Parquet and Avro files.
    rows: &'static str,
    columns: &'static [&'static str],
    /// Made before the load, which then appends.
    before: Option<fn() -> TableDefinition>,
    change: fn(&mut Load),
    expect: Expect,
}

enum Expect {
    /// Rows of the table, sorted.
    Rows(&'static [&'static str]),
    /// Part of the error.
    Error(&'static str),
}
use Expect::{Error, Rows};

/// Two columns, two rows, nothing special.
const PLAIN: Case = Case {
    option: "",
    csv: "1,x\n2,y\n",
    json: "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": \"y\"}\n",
    rows: "SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'",
    columns: &["a INT64", "b STRING"],
    before: None,
    change: |_| (),
    expect: Rows(&[r#"[1,"x"]"#, r#"[2,"y"]"#]),
};

fn one_column() -> TableDefinition {
    definition(&["a INT64"])
}

fn required() -> TableDefinition {
    definition(&["a INT64", "b STRING REQUIRED"])
}

fn by_range() -> TableDefinition {
    let partitioning = Partitioning::Range { field: "a".to_owned(), start: 0, end: 100, interval: 10 };
    TableDefinition { partitioning: Some(partitioning), ..definition(&["a INT64", "b STRING"]) }
}

fn append(job: &mut Load) {
    job.options.write_disposition = WriteDisposition::Append;
}

const CASES: &[Case] = &[
    Case { option: "gzip", change: |job| job.files = job.files.iter().map(gzipped).collect(), ..PLAIN },
    Case {
        option: "`skip_leading_rows`",
        change: |job| job.options.skip_leading_rows = 1,
        expect: Rows(&[r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`field_delimiter`",
        csv: "1;x\n2;y\n",
        change: |job| job.options.field_delimiter = ";".into(),
        ..PLAIN
    },
    Case {
        option: "`quote_character`",
        csv: "1,'x'\n2,y\n",
        change: |job| job.options.quote_character = Some("'".into()),
        ..PLAIN
    },
    Case {
        option: "`null_marker`",
        change: |job| job.options.null_marker = Some("x".into()),
        expect: Rows(&[r#"[1,null]"#, r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`bq_load_job_allow_quoted_newlines`",
        csv: "1,\"x\n\"\n2,y\n",
        change: |job| job.options.allow_quoted_newlines = true,
        expect: Rows(&[r#"[1,"x\n"]"#, r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`bq_load_job_allow_jagged_rows`",
        csv: "1\n2,y\n",
        change: |job| job.options.allow_jagged_rows = true,
        expect: Rows(&["[1,null]", r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`bq_load_job_ignore_unknown_values`",
        columns: &["a INT64"],
        change: |job| job.options.ignore_unknown_values = true,
        expect: Rows(&["[1]", "[2]"]),
        ..PLAIN
    },
    Case {
        option: "`bq_load_job_max_bad_records`",
        csv: "one,x\n2,y\n",
        json: "{\"a\": \"one\", \"b\": \"x\"}\n{\"a\": 2, \"b\": \"y\"}\n",
        rows: "SELECT 'one' AS a, 'x' AS b UNION ALL SELECT '2', 'y'",
        change: |job| job.options.max_bad_records = 1,
        expect: Rows(&[r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`ddl_mode` `header`",
        change: |job| job.schema = LoadSchema::Header,
        expect: Rows(&[r#"["2","y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`ddl_mode` `autodetect`",
        columns: &["a STRING", "b STRING"],
        // Columns of text that holds numbers: what is found differs from what was declared.
        change: |job| job.schema = LoadSchema::Autodetect,
        ..PLAIN
    },
    Case {
        option: "`WRITE_APPEND`",
        change: |job| {
            job.table = table("d.kept");
            append(job);
        },
        expect: Rows(&[r#"[0,"kept"]"#, r#"[1,"x"]"#, r#"[2,"y"]"#]),
        ..PLAIN
    },
    Case {
        option: "`WRITE_EMPTY`",
        change: |job| {
            job.table = table("d.kept");
            job.options.write_disposition = WriteDisposition::Empty;
        },
        expect: Error("already exists"),
        ..PLAIN
    },
    Case {
        option: "`CREATE_NEVER`",
        change: |job| job.options.create_if_needed = false,
        expect: Error("the load may not create it"),
        ..PLAIN
    },
    Case {
        option: "`ALLOW_FIELD_ADDITION`",
        before: Some(one_column),
        change: |job| job.options.allow_field_addition = true,
        ..PLAIN
    },
    Case {
        option: "`ALLOW_FIELD_RELAXATION`",
        before: Some(required),
        columns: &["a INT64"],
        csv: "1\n2\n",
        json: "{\"a\": 1}\n{\"a\": 2}\n",
        rows: "SELECT 1 AS a UNION ALL SELECT 2",
        change: |job| job.options.allow_field_relaxation = true,
        expect: Rows(&["[1,null]", "[2,null]"]),
    },
    Case {
        option: "`add_tailer_metadata`",
        change: |job| job.added_columns = vec![(field("tlr_input_file_name STRING"), "f".to_owned())],
        expect: Rows(&[r#"[1,"x","f"]"#, r#"[2,"y","f"]"#]),
        ..PLAIN
    },
    Case {
        option: "a partition, `table$…`",
        before: Some(by_range),
        change: |job| {
            let name = format!("d.{}$10", job.table.table);
            job.table = table(&name);
        },
        expect: Error("do not belong to partition"),
        ..PLAIN
    },
    Case {
        option: "REPEATED and RECORD columns",
        csv: "1,x\n",
        json: "{\"a\": [1, 2], \"b\": {\"c\": \"x\"}}\n",
        rows: "SELECT [1, 2] AS a, STRUCT('x' AS c) AS b",
        change: |job| {
            let mut record = field("b STRING");
            (record.field_type, record.fields) = (FieldType::Record, fields(&["c STRING"]));
            job.schema = LoadSchema::Given(vec![field("a INT64 REPEATED"), record]);
        },
        expect: Rows(&[r#"[[1,2],["x"]]"#]),
        ..PLAIN
    },
    Case {
        option: "a REQUIRED column without a value",
        csv: "1,\n",
        json: "{\"a\": 1}\n",
        rows: "SELECT 1 AS a, CAST(NULL AS STRING) AS b",
        change: |job| job.schema = LoadSchema::Given(fields(&["a INT64", "b STRING REQUIRED"])),
        expect: Error("REQUIRED"),
        ..PLAIN
    },
];

fn gzipped(path: &PathBuf) -> PathBuf {
    let to = path.with_added_extension("gz");
    let mut encoder = GzEncoder::new(std::fs::File::create(&to).unwrap(), flate2::Compression::fast());
    encoder.write_all(&std::fs::read(path).unwrap()).unwrap();
    encoder.finish().unwrap();
    // Recognised by its content, not by its name.
    std::fs::rename(&to, path.with_added_extension("packed")).unwrap();
    path.with_added_extension("packed")
}

async fn file(bench: &Bench, case: &Case, format: SourceFormat, name: &str) -> PathBuf {
    let columnar = match format {
        SourceFormat::Csv => return bench.file(name, case.csv),
        SourceFormat::Json => return bench.file(name, case.json),
        SourceFormat::Parquet => DestinationFormat::Parquet,
        SourceFormat::Avro => DestinationFormat::Avro,
    };
    let mut job = export(bench, case.rows, name);
    job.format = columnar;
    bench.run(Job::Export(job)).await.unwrap().files[0].path.clone()
}

/// Rows of the loaded table, sorted, or the error.
async fn outcome(bench: &Bench, case: &Case, mut job: Load) -> Result<Vec<String>, String> {
    let name = job.table.without_decorator();
    if let Some(before) = case.before {
        append(&mut job);
        bench.create(&format!("d.{}", name.table), &before()).await;
    }
    bench.run(Job::Load(job)).await.map_err(|error| error.to_string())?;
    let mut rows = bench.rows(&format!("SELECT * FROM d.{}", name.table)).await;
    rows.sort();
    Ok(rows)
}

/// What the option does to a load of the format, in the words of the table.
async fn measured(bench: &Bench, case: &Case, format: SourceFormat, number: usize) -> &'static str {
    let mut job =
        load(file(bench, case, format, &format!("f{number}")).await, &format!("d.without{number}"), case.columns);
    job.options.source_format = format;
    let without = outcome(bench, case, job.clone()).await;
    job.table = table(&format!("d.with{number}"));
    bench.sql("CREATE OR REPLACE TABLE d.kept AS SELECT 0 AS a, 'kept' AS b").await;
    (case.change)(&mut job);
    let with = outcome(bench, case, job).await;
    let expected = match (&case.expect, &with) {
        (Rows(expect), Ok(rows)) => rows == expect,
        (Error(expect), Err(error)) => error.contains(expect),
        _ => false,
    };
    match (&without, &with) {
        _ if without == with && case.option != "gzip" => "no effect",
        _ if expected => "yes",
        (Ok(_), Err(_)) | (Err(_), Err(_)) => "refused",
        _ => panic!("{} of {format}: {without:?} without, {with:?} with", case.option),
    }
}

/// The table of the documentation: cells by option, in the order of the formats.
fn documented() -> BTreeMap<String, Vec<String>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/storage-to-tables.md");
    let text = std::fs::read_to_string(page).unwrap();
    let head = "| option | CSV | JSON | PARQUET | AVRO |";
    let rows = text.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned());
        (cells.next().unwrap(), cells.collect())
    })
    .collect()
}

#[tokio::test]
async fn every_cell_of_the_table_is_true() {
    let bench = Bench::new();
    let mut found = BTreeMap::new();
    let formats = [SourceFormat::Csv, SourceFormat::Json, SourceFormat::Parquet, SourceFormat::Avro];
    for (row, case) in CASES.iter().enumerate() {
        let mut cells = Vec::new();
        for (column, format) in formats.into_iter().enumerate() {
            cells.push(measured(&bench, case, format, row * 10 + column).await.to_owned());
        }
        found.insert(case.option.to_owned(), cells);
    }
    assert_eq!(found, documented(), "docs/storage-to-tables.md says something else");
}

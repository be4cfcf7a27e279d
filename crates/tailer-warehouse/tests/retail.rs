//! The retail example's loads, tasks and exports, run in order: what comes out is what `expected/` says, which was computed
//! by other means. The order of loading must not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::Bench;
use tailer_model::{
    configuration::parse_configuration,
    operation::{
        Definition,
        ddl::{Field, FieldType, Mode, parse_create, parse_load},
        storage_to_tables::{DdlMode, Table},
        table_to_table::Action,
    },
};
use tailer_warehouse::{Copy, Destination, Export, Job, Load, LoadSchema, Query, TableName};

const DAYS: [&str; 4] = ["20240330", "20240331", "20240401", "20240402"];

fn example(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/retail").join(below)
}

fn text(below: &str) -> String {
    fs::read_to_string(example(below)).unwrap()
}

fn definition(file: &str) -> Definition {
    parse_configuration(&text(file)).0.unwrap().definition
}

fn query(project: &str, sql_file: &str) -> Query {
    Query {
        sql: text(sql_file),
        project: project.to_owned(),
        dataset: Some("core".to_owned()),
        destination: None,
        use_cache: None,
    }
}

fn load(table: &Table, file: &Path) -> Job {
    let DdlMode::File { ddl_file } = &table.ddl else { panic!("{:?}", table.ddl) };
    let added = |name: &str, field_type, value: String| {
        (Field { name: name.to_owned(), field_type, mode: Mode::Nullable, description: None, fields: vec![] }, value)
    };
    let added_columns = if table.options.add_tailer_metadata {
        vec![
            added("tlr_ingestion_timestamp_utc", FieldType::Timestamp, "2024-04-03T04:00:00Z".to_owned()),
            added("tlr_input_file_source_type", FieldType::String, "gcs".to_owned()),
            added("tlr_input_file_name", FieldType::String, file.file_name().unwrap().to_str().unwrap().to_owned()),
            added("tlr_input_file_full_resource_name", FieldType::String, file.display().to_string()),
        ]
    } else {
        Vec::new()
    };
    Job::Load(Load {
        files: vec![file.to_owned()],
        objects: Vec::new(),
        table: TableName::new(&table.project, &table.dataset, &table.table_name).unwrap(),
        schema: LoadSchema::Given(parse_load(&text(ddl_file)).0.unwrap()),
        description: table.short_description.clone(),
        options: table.options.clone(),
        added_columns,
    })
}

/// Loads every file, the days of sales in the given order; returns how many lines were rejected.
async fn load_all(bench: &Bench, days: impl Iterator<Item = &str>) -> u64 {
    let Definition::StorageToTables(operation) = definition("load.json") else { panic!() };
    let mut rejected = 0;
    let names = days
        .map(|day| format!("sales_{day}.csv"))
        .chain(["stores_20240330.csv", "products_20240330.csv"].map(str::to_owned));
    for name in names {
        let table = operation.tables.iter().find(|table| table.template.matches(&name).is_some()).unwrap();
        let outcome = bench.run(load(table, &example("data").join(&name))).await.unwrap();
        rejected += outcome.statistics.rejected_rows;
    }
    rejected
}

/// Every task, one after the other in an order that the dependencies allow.
async fn prepare(bench: &Bench) {
    let Definition::TableToTable(operation) = definition("prepare.json") else { panic!() };
    for task in &operation.tasks {
        let name = |table: &str| TableName::new(&task.project, &task.dataset, table).unwrap();
        match &task.action {
            Action::Sql { sql_file, table_name, write_disposition, temporary_table, .. } => {
                let destination = Some(Destination {
                    table: name(table_name.as_deref().unwrap()),
                    write_disposition: *write_disposition,
                    replace_schema: *temporary_table,
                    expires_after: None,
                });
                bench.run(Job::Query(Query { destination, ..query(&task.project, sql_file) })).await.unwrap();
            }
            Action::CreateTable { table, ddl_file, .. } => {
                let definition = parse_create(&text(ddl_file)).0.unwrap();
                if bench.warehouse().table(&name(table)).await.unwrap().is_none() {
                    bench.warehouse().create(&name(table), &definition).await.unwrap();
                }
            }
            Action::CopyTable { source_project, source_dataset, source_table, table, write_disposition, .. } => {
                let copy = Copy {
                    source: TableName::new(source_project, source_dataset, source_table).unwrap(),
                    destination: name(&format!("{table}_20240402")),
                    write_disposition: *write_disposition,
                };
                bench.run(Job::Copy(copy)).await.unwrap();
            }
            Action::DeleteTable { table } => bench.warehouse().drop_table(&name(table)).await.unwrap(),
            Action::Expectation { .. } => panic!("not in the example"),
        }
    }
}

/// Both exports, each as the text of its parts.
async fn export(bench: &Bench) -> [String; 2] {
    let Definition::TableToStorage(operation) = definition("export.json") else { panic!() };
    let mut texts = Vec::new();
    for export in &operation.exports {
        let job = Job::Export(Export {
            query: query(&export.project, &export.sql_file),
            folder: bench.folder.path().join(export.id.as_str()),
            bucket_folder: None,
            file_name: export.output_filename.replace("{{FD_DATE}}", "20240402"),
            format: export.format,
            compression: export.compression,
            print_header: export.print_header,
            field_delimiter: export.field_delimiter.clone(),
        });
        let parts = bench.run(job).await.unwrap().files;
        texts.push(parts.iter().map(|part| fs::read_to_string(&part.path).unwrap()).collect::<String>());
    }
    texts.try_into().unwrap()
}

#[tokio::test]
async fn comes_out_as_computed_by_other_means_whatever_the_order() {
    let bench = Bench::new();
    assert_eq!(load_all(&bench, DAYS.into_iter()).await, 1, "the quantity `two`");
    prepare(&bench).await;
    let [revenue, best_sellers] = export(&bench).await;
    assert_eq!(revenue, text("expected/revenue.csv"));
    assert_eq!(best_sellers, text("expected/best_sellers.json"));

    prepare(&bench).await;
    assert_eq!(export(&bench).await, [revenue.clone(), best_sellers.clone()], "prepared again");

    let other = Bench::new();
    load_all(&other, DAYS.into_iter().rev()).await;
    prepare(&other).await;
    assert_eq!(export(&other).await, [revenue, best_sellers], "loaded in the other order");
}

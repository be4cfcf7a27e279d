//! Tables: what is declared comes back, what is dropped is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, PROJECT, definition, field, load, query, query_into, table};
use tailer_model::operation::{
    WriteDisposition::{Append, Truncate},
    ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition},
};
use tailer_warehouse::{Copy, Destination, Job, Query, WarehouseError};

fn rich() -> TableDefinition {
    let line = Field {
        name: "lines".to_owned(),
        field_type: FieldType::Record,
        mode: Mode::Repeated,
        description: Some("what was bought".to_owned()),
        fields: vec![field("item STRING REQUIRED -- its code"), field("prices NUMERIC REPEATED")],
    };
    let mut schema = common::fields(&[
        "id INT64 REQUIRED -- it's the key",
        "day DATE -- of the sale",
        "amount NUMERIC",
        "ratio FLOAT64",
        "paid BOOL",
        "at TIMESTAMP",
        "local DATETIME",
        "clock TIME",
        "raw BYTES",
        "more JSON",
        "tags STRING REPEATED -- free words",
        "place GEOGRAPHY",
    ]);
    schema.push(line);
    TableDefinition {
        description: Some("sales, \"clean\"".to_owned()),
        schema,
        clustering: vec!["id".to_owned()],
        partitioning: Some(Partitioning::Time {
            field: Some("day".to_owned()),
            unit: PartitionUnit::Month,
            expiration_ms: None,
        }),
        require_partition_filter: true,
    }
}

#[tokio::test]
async fn a_definition_comes_back_complete() {
    let mut bench = Bench::new();
    bench.create("d.t", &rich()).await;
    bench.reopen().await;
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition, rich());
    assert_eq!((info.rows, info.expires), (0, None));
    let again = bench.warehouse().create(&table("d.t"), &rich()).await;
    assert!(matches!(again, Err(WarehouseError::AlreadyExists(_))), "{again:?}");
}

#[tokio::test]
async fn a_table_made_by_a_query_has_its_types() {
    let bench = Bench::new();
    let sql = "SELECT 1 AS n, 'x' AS s, NUMERIC '1.5' AS d, DATE '2024-01-31' AS day, [1, 2] AS list, \
               STRUCT(1 AS a, 'b' AS b) AS pair, CURRENT_TIMESTAMP() AS at";
    bench.run(query_into(sql, "d.t", Truncate)).await.unwrap();
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    let types: Vec<_> =
        info.definition.schema.iter().map(|f| format!("{} {:?} {:?}", f.name, f.field_type, f.mode)).collect();
    let expect = [
        "n Int64 Nullable",
        "s String Nullable",
        "d Numeric Nullable",
        "day Date Nullable",
        "list Int64 Repeated",
        "pair Record Nullable",
        "at Timestamp Nullable",
    ];
    assert_eq!(types, expect);
    assert_eq!(info.rows, 1);
    assert_eq!(bench.warehouse().tables(PROJECT, "d").await.unwrap(), ["t"]);
}

#[tokio::test]
async fn bad_definitions_are_refused() {
    let bench = Bench::new();
    let by = |column: &str, unit| TableDefinition {
        partitioning: Some(Partitioning::Time { field: Some(column.to_owned()), unit, expiration_ms: None }),
        ..definition(&["day DATE", "n INT64"])
    };
    for (definition, expect) in [
        (definition(&[]), "no columns"),
        (definition(&["a INT64", "A STRING"]), "twice"),
        (by("week", PartitionUnit::Day), "not one of its columns"),
        (by("n", PartitionUnit::Day), "DATE, DATETIME or TIMESTAMP"),
        (by("day", PartitionUnit::Hour), "no hours"),
        (TableDefinition { clustering: vec!["x".to_owned()], ..definition(&["a INT64"]) }, "clustered by `x`"),
    ] {
        let error = bench.warehouse().create(&table("d.t"), &definition).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
        assert!(bench.warehouse().table(&table("d.t")).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn names_are_told_apart_by_case_or_refused() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.sales AS SELECT 1 AS a").await;
    let error = bench.run(query_into("SELECT 2 AS a", "d.Sales", Truncate)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Unsupported { .. }), "{error}");
    let error = bench.run(query_into("SELECT 2 AS a", "D.other", Truncate)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Unsupported { .. }), "{error}");
    assert!(bench.warehouse().table(&table("d.Sales")).await.unwrap().is_none());
    assert!(bench.run(Job::Query(query("SELECT a FROM d.SALES"))).await.is_err());
    assert_eq!(bench.rows("SELECT a FROM d.sales").await, ["[1]"]);
}

#[tokio::test]
async fn copies_take_the_definition_along() {
    let bench = Bench::new();
    bench.create("d.t", &rich()).await;
    bench.sql("INSERT INTO d.t (id, day) VALUES (1, '2024-01-31'), (2, '2024-02-01')").await;
    let copy = |write_disposition, to: &str| {
        Job::Copy(Copy { source: table("d.t"), destination: table(to), write_disposition })
    };
    assert_eq!(bench.run(copy(Truncate, "e.u")).await.unwrap().statistics.rows, Some(2));
    let info = bench.warehouse().table(&table("e.u")).await.unwrap().unwrap();
    assert_eq!((info.definition, info.rows), (rich(), 2));
    bench.run(copy(Append, "e.u")).await.unwrap();
    assert_eq!(bench.rows("SELECT COUNT(*) FROM e.u").await, ["[4]"]);
    bench.run(copy(Truncate, "e.u")).await.unwrap();
    assert_eq!(bench.rows("SELECT COUNT(*) FROM e.u").await, ["[2]"]);
    let missing = Copy { source: table("d.none"), destination: table("e.v"), write_disposition: Truncate };
    assert!(matches!(bench.run(Job::Copy(missing)).await, Err(WarehouseError::NotFound(_))));
    let part = Copy { source: table("d.t$202401"), destination: table("e.january"), write_disposition: Truncate };
    bench.run(Job::Copy(part)).await.unwrap();
    assert_eq!(bench.rows("SELECT id FROM e.january").await, ["[1]"]);
}

#[tokio::test]
async fn dropped_and_expired_tables_are_gone() {
    let mut bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT 1 AS a; CREATE TABLE d.u AS SELECT 1 AS a").await;
    bench.warehouse().drop_table(&table("d.t")).await.unwrap();
    bench.warehouse().drop_table(&table("d.t")).await.unwrap();
    assert_eq!(bench.warehouse().tables(PROJECT, "d").await.unwrap(), ["u"]);
    bench.sql("DROP TABLE d.u").await;
    assert!(bench.warehouse().table(&table("d.u")).await.unwrap().is_none());

    let hour = std::time::Duration::from_secs(3600);
    let destination = Destination {
        table: table("d.temporary"),
        write_disposition: Truncate,
        replace_schema: true,
        expires_after: Some(hour),
    };
    bench.run(Job::Query(Query { destination: Some(destination), ..query("SELECT 1 AS a") })).await.unwrap();
    bench.reopen().await;
    let now = jiff::Timestamp::now();
    assert_eq!(bench.warehouse().expire(now).await.unwrap(), 0);
    assert_eq!(bench.warehouse().expire(now + hour + hour).await.unwrap(), 1);
    assert_eq!(bench.warehouse().expire(now + hour + hour).await.unwrap(), 0);
    assert!(bench.warehouse().table(&table("d.temporary")).await.unwrap().is_none());
}

#[tokio::test]
async fn ddl_in_sql_is_known_like_any_other() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE TABLE d.t (day DATE NOT NULL OPTIONS(description='when'), n INT64) \
             PARTITION BY day CLUSTER BY n OPTIONS(description='a table')",
        )
        .await;
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.description.as_deref(), Some("a table"));
    assert_eq!(info.definition.schema, common::fields(&["day DATE REQUIRED -- when", "n INT64"]));
    assert_eq!(info.definition.clustering, ["n"]);
    assert!(matches!(info.definition.partitioning, Some(Partitioning::Time { field: Some(_), .. })));
    bench.sql("CREATE OR REPLACE TABLE d.t AS SELECT 1 AS a").await;
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!((info.definition.partitioning, info.definition.schema.len()), (None, 1));
    bench.sql("ALTER TABLE d.t ADD COLUMN b STRING").await;
    let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema, common::fields(&["a INT64", "b STRING"]));
    bench.sql("CREATE VIEW d.v AS SELECT a FROM d.t").await;
    assert_eq!(bench.rows("SELECT * FROM d.v").await, ["[1]"]);
    let message = common::invalid(bench.run(query_into("SELECT 1 AS a", "d.v", Truncate)).await);
    assert!(message.contains("is a view"), "{message}");
}

#[tokio::test]
async fn datasets_are_made_and_dropped() {
    let mut bench = Bench::new();
    let create = Job::Query(query("CREATE SCHEMA `shop-2.new`"));
    bench.run_as(&tailer_warehouse::WarehouseJobId("schema".to_owned()), create.clone()).await.unwrap();
    bench.reopen().await;
    bench.run_as(&tailer_warehouse::WarehouseJobId("schema".to_owned()), create.clone()).await.unwrap();
    assert!(bench.run(create).await.is_err(), "it is there");
    bench.sql("CREATE TABLE `shop-2.new.t` AS SELECT 1 AS a; CREATE VIEW `shop-2.new.v` OPTIONS(description='seen') AS SELECT 1 AS a").await;
    assert!(bench.run(Job::Query(query("DROP SCHEMA `shop-2.new`"))).await.is_err(), "it is not empty");
    bench.sql("DROP SCHEMA `shop-2.new` CASCADE").await;
    assert!(bench.warehouse().tables("shop-2", "new").await.unwrap().is_empty());
    assert!(bench.run(Job::Query(query("DROP SCHEMA IF EXISTS tailerd_internal CASCADE"))).await.is_err());
    bench.sql("CREATE TABLE `shop-2.new.t` AS SELECT 1 AS a").await;
}

#[tokio::test]
async fn projects_are_joined_in_one_query() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT 1 AS a").await;
    bench.sql("CREATE TABLE `shop-2.d.t` AS SELECT 1 AS a, 'x' AS b").await;
    assert_eq!(bench.rows("SELECT b FROM d.t JOIN `shop-2.d.t` AS other USING (a)").await, [r#"["x"]"#]);
    let reserved = Query { project: "system".to_owned(), ..query("CREATE TABLE d.t AS SELECT 1 AS a") };
    assert!(bench.run(Job::Query(reserved)).await.is_err());
}

#[tokio::test]
async fn ingestion_time_partitions_hide_their_column() {
    let mut bench = Bench::new();
    let by_day = TableDefinition {
        partitioning: Some(Partitioning::Time { field: None, unit: PartitionUnit::Day, expiration_ms: None }),
        description: Some("by arrival".to_owned()),
        ..definition(&["a INT64 -- number", "b STRING"])
    };
    bench.create("d.t", &by_day).await;
    bench.reopen().await;
    assert_eq!(bench.warehouse().table(&table("d.t")).await.unwrap().unwrap().definition, by_day);
    bench.run(query_into("SELECT 1 AS a", "d.t$20240223", Truncate)).await.unwrap();
    bench.run(query_into("SELECT 2 AS a", "d.t$20240224", Truncate)).await.unwrap();
    bench.run(query_into("SELECT 3 AS a, 'now' AS b", "d.t", Append)).await.unwrap();
    let file = bench.file("t.csv", "4,x\n");
    bench.run(Job::Load(load(file, "d.t$20240224", &["a INT64", "b STRING"]))).await.unwrap();
    let all = ["[1,null]", r#"[3,"now"]"#, r#"[4,"x"]"#];
    assert_eq!(bench.rows("SELECT * FROM d.t ORDER BY a").await, all);
    bench.warehouse().empty_partition(&table("d.t$20240223")).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t ORDER BY a").await, ["[3]", "[4]"]);
    let copy = Copy { source: table("d.t"), destination: table("d.u"), write_disposition: Truncate };
    bench.run(Job::Copy(copy)).await.unwrap();
    bench.warehouse().empty_partition(&table("d.u$20240224")).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.u").await, ["[3]"]);
    let dml = bench.run(Job::Query(query("DELETE FROM d.t WHERE true"))).await;
    assert!(matches!(dml, Err(WarehouseError::Unsupported { .. })), "{dml:?}");
    let day = "SELECT a, _PARTITIONDATE FROM d.t WHERE _PARTITIONTIME < TIMESTAMP '2024-02-25'";
    assert_eq!(bench.rows(day).await, [r#"[4,"2024-02-24"]"#]);
    bench.sql("DROP TABLE d.t").await;
    bench.create("d.t", &definition(&["c INT64"])).await;
}

//! Functions, temporary tables, wildcard tables and INFORMATION_SCHEMA in the embedded warehouse; its words for errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, query};
use tailer_warehouse::{Job, WarehouseError};

#[tokio::test]
async fn temporary_objects_end_with_their_script() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE TEMP FUNCTION twice(x INT64) AS (x * 2);
             CREATE TEMP TABLE parts AS SELECT twice(x) AS x FROM UNNEST([1, 2]) AS x;
             INSERT INTO parts VALUES (10);
             DELETE FROM parts WHERE x = 2;
             CREATE TABLE d.kept AS SELECT SUM(x) AS total FROM parts;",
        )
        .await;
    assert_eq!(bench.rows("SELECT total FROM d.kept").await, ["[14]"]);
    for sql in ["SELECT * FROM parts", "SELECT twice(1)"] {
        bench.run(Job::Query(query(sql))).await.unwrap_err();
    }
}

#[tokio::test]
async fn functions_of_a_dataset_stay() {
    let mut bench = Bench::new();
    bench.sql("CREATE OR REPLACE FUNCTION d.area(r FLOAT64) RETURNS FLOAT64 AS (3 * r * r)").await;
    bench.reopen().await;
    assert_eq!(bench.rows("SELECT d.area(2)").await, ["[12.0]"]);
    let error = bench.run(Job::Query(query("CREATE FUNCTION d.area(r INT64) AS (r)"))).await.unwrap_err();
    assert!(matches!(error, WarehouseError::AlreadyExists(_)), "{error}");
    bench.sql("DROP FUNCTION d.area; DROP FUNCTION IF EXISTS d.area").await;
    bench.run(Job::Query(query("SELECT d.area(2)"))).await.unwrap_err();
}

#[tokio::test]
async fn listings_of_tables() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE TABLE d.log_1 (day DATE NOT NULL, n INT64) PARTITION BY day CLUSTER BY n;
             INSERT d.log_1 VALUES (DATE '2024-01-31', 1), (DATE '2024-01-31', 2), (DATE '2024-02-01', 3);
             CREATE VIEW d.seen AS SELECT n FROM d.log_1;
             CREATE TABLE d.raw (a INT64) PARTITION BY _PARTITIONDATE;",
        )
        .await;
    let tables = bench.rows("SELECT table_name, table_type FROM d.INFORMATION_SCHEMA.TABLES ORDER BY 1").await;
    assert_eq!(tables, [r#"["log_1","BASE TABLE"]"#, r#"["raw","BASE TABLE"]"#, r#"["seen","VIEW"]"#]);
    let columns = "SELECT column_name, is_nullable, data_type, is_partitioning_column, clustering_ordinal_position
                   FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'log_1' ORDER BY ordinal_position";
    assert_eq!(bench.rows(columns).await, [r#"["day","NO","DATE","YES",null]"#, r#"["n","YES","INT64","NO",1]"#]);
    let partitions =
        "SELECT partition_id, total_rows FROM d.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = 'log_1' ORDER BY 1";
    assert_eq!(bench.rows(partitions).await, [r#"["20240131",2]"#, r#"["20240201",1]"#]);
    assert_eq!(
        bench.rows("SELECT table_id, row_count FROM d.__TABLES__ WHERE type = 1 ORDER BY 1").await,
        [r#"["log_1",3]"#, r#"["raw",0]"#]
    );
    assert_eq!(bench.rows("SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA").await, [r#"["d"]"#]);
    assert_eq!(bench.rows("SELECT n, _TABLE_SUFFIX FROM `d.log_*` WHERE n = 3").await, [r#"[3,"1"]"#]);
    assert_eq!(bench.rows("SELECT a, _PARTITIONTIME, _PARTITIONDATE FROM d.raw").await, Vec::<String>::new());
}

#[tokio::test]
async fn tables_after_tables() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE TABLE d.a (id INT64 NOT NULL, s STRING DEFAULT 'x', PRIMARY KEY (id) NOT ENFORCED);
             INSERT d.a (id) VALUES (1);
             CREATE TABLE d.b LIKE d.a;
             CREATE TABLE d.c (k INT64, v FLOAT64) AS SELECT 1, 2;
             CREATE TABLE d.e COPY d.c;
             CREATE TABLE d.f CLONE d.c;
             ALTER TABLE d.a ALTER COLUMN id DROP NOT NULL;
             INSERT d.a (s) VALUES (DEFAULT);",
        )
        .await;
    assert_eq!(bench.rows("SELECT id, s FROM d.a ORDER BY id").await, [r#"[null,"x"]"#, r#"[1,"x"]"#]);
    assert_eq!(
        bench.rows("SELECT (SELECT COUNT(*) FROM d.b), k, v FROM d.e JOIN d.f USING (k, v)").await,
        ["[0,1,2.0]"]
    );
    bench.run(Job::Query(query("INSERT d.b (s) VALUES ('y')"))).await.unwrap_err();
}

#[tokio::test]
async fn errors_are_in_the_users_words() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.stores (id INT64, city STRING); INSERT d.stores VALUES (1, 'x'), (2, 'y')").await;
    for (sql, expect) in [
        ("SELECT city, SUM(id) FROM d.stores", "column city is neither grouped nor aggregated"),
        ("SELECT\n  ctiy FROM d.stores", "did you mean city?"),
        ("SELECT * FROM d.store", "did you mean stores?"),
        ("SELECT UPER(city) FROM d.stores", "did you mean UPPER?"),
        ("SELECT (SELECT id FROM d.stores)", "more than one row"),
        ("SELECT id + 9223372036854775807 FROM d.stores", "int64 overflow: 1 + 9223372036854775807"),
        ("SELECT CAST(city AS INT64) FROM d.stores", "bad INT64 value: x"),
        ("CREATE TABLE d.stores (a INT64)", "already exists"),
        ("DROP TABLE d.nothing", "not found"),
    ] {
        let error = bench.run(Job::Query(query(sql))).await.unwrap_err().to_string();
        assert!(error.contains(expect), "{sql}: {error}");
        for word in ["\"t1\"", "BIGINT", "VARCHAR", "DuckDB", "gs_", "Binder"] {
            assert!(!error.contains(word), "{sql}: {error}");
        }
    }
}

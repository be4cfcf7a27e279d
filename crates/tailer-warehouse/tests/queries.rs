//! Queries into tables: dispositions, kept schemas, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, definition, invalid, query, query_into, table};
use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    ddl::TableDefinition,
};
use tailer_warehouse::{Job, WarehouseError};

#[tokio::test]
async fn dispositions() {
    let bench = Bench::new();
    bench.run(query_into("SELECT 1 AS a", "d.t", Empty)).await.unwrap();
    let message = invalid(bench.run(query_into("SELECT 2 AS a", "d.t", Empty)).await);
    assert!(message.contains("already exists") && message.contains("d.t"), "{message}");
    bench.run(query_into("SELECT 2 AS a", "d.t", Append)).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t ORDER BY a").await, ["[1]", "[2]"]);
    bench.run(query_into("SELECT 3 AS a", "d.t", Truncate)).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[3]"]);
    bench.run(query_into("SELECT a + 1 AS a FROM d.t", "d.t", Truncate)).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[4]"], "a query may read the table it replaces");
    bench.run(query_into("SELECT a FROM d.t WHERE false", "d.t", Truncate)).await.unwrap();
    bench.run(query_into("SELECT 5 AS a", "d.t", Empty)).await.unwrap();
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[5]"]);
}

#[tokio::test]
async fn truncate_keeps_the_schema_and_its_descriptions() {
    let bench = Bench::new();
    let declared = TableDefinition {
        description: Some("kept".to_owned()),
        clustering: vec!["id".to_owned()],
        ..definition(&["id INT64 REQUIRED -- the key", "amount NUMERIC -- money", "day DATE", "tags STRING REPEATED"])
    };
    bench.create("d.t", &declared).await;
    for sql in [
        "SELECT 1 AS id, 2 AS amount",
        "SELECT 1.5 AS amount, 2 AS id, DATE '2024-01-31' AS day, NULL AS tags",
        "SELECT 3.0 AS id, NULL AS amount, ['x'] AS tags",
    ] {
        bench.run(query_into(sql, "d.t", Truncate)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let info = bench.warehouse().table(&table("d.t")).await.unwrap().unwrap();
        assert_eq!((info.definition, info.rows), (declared.clone(), 1), "{sql}");
    }
    assert_eq!(bench.rows("SELECT * FROM d.t").await, [r#"[3,null,null,["x"]]"#]);
    for (sql, expect) in [
        ("SELECT 1 AS id, 2 AS price", "column `price`, which table shop-1.d.t does not have"),
        ("SELECT 1 AS id, 2 AS amout", "did you mean `amount`?"),
        ("SELECT 2 AS amount", "`id` of table shop-1.d.t is REQUIRED and the query does not give it"),
        ("SELECT CAST(NULL AS INT64) AS id", "`id` is REQUIRED and got NULL"),
        ("SELECT 1.5 AS id", "fraction"),
        ("SELECT '1' AS id", "is INT64 and the query gives STRING"),
        ("SELECT 1 AS id, CURRENT_TIMESTAMP() AS day", "write CAST(day AS DATE)"),
        ("SELECT 1 AS id, 2 AS ID", "twice"),
    ] {
        let message = invalid(bench.run(query_into(sql, "d.t", Truncate)).await);
        assert!(message.contains(expect), "{sql}: {message}");
        assert_eq!(bench.rows("SELECT id FROM d.t").await, ["[3]"], "{sql}");
    }
}

#[tokio::test]
async fn replace_schema_makes_the_table_anew() {
    let bench = Bench::new();
    bench.run(query_into("SELECT 1 AS a", "d.t", Truncate)).await.unwrap();
    let Job::Query(mut into) = query_into("SELECT 'x' AS b FROM d.t", "d.t", Truncate) else { panic!() };
    into.destination.as_mut().unwrap().replace_schema = true;
    let result = bench.run(Job::Query(into)).await;
    result.unwrap();
    assert_eq!(bench.rows("SELECT * FROM d.t").await, [r#"["x"]"#]);
}

#[tokio::test]
async fn only_the_last_statement_of_a_script_goes_to_the_table() {
    let bench = Bench::new();
    let script =
        "CREATE TABLE d.s AS SELECT 1 AS a;\nINSERT INTO d.s (a) VALUES (2), (3);\nSELECT SUM(a) AS total FROM d.s;";
    let outcome = bench.run(query_into(script, "d.t", Truncate)).await.unwrap();
    assert_eq!(
        outcome.statements.iter().map(|s| (s.line, s.rows)).collect::<Vec<_>>()[1..],
        [(2, Some(2)), (3, Some(1))]
    );
    assert_eq!(bench.rows("SELECT total FROM d.t").await, ["[6]"]);
    let message = invalid(bench.run(query_into("DELETE FROM d.s WHERE true", "d.t", Truncate)).await);
    assert!(message.contains("gives no rows"), "{message}");
    invalid(bench.run(Job::Query(query("  -- nothing\n"))).await);
}

#[tokio::test]
async fn statistics_count_rows() {
    let bench = Bench::new();
    let rows = async |sql: &str| bench.sql(sql).await.statistics.rows;
    assert_eq!(rows("SELECT * FROM UNNEST([1, 2, 3])").await, Some(3));
    bench.sql("CREATE TABLE d.t AS SELECT a FROM UNNEST([1, 2, 3]) AS a").await;
    assert_eq!(rows("UPDATE d.t SET a = 5 WHERE a > 1").await, Some(2));
    assert_eq!(rows("DELETE FROM d.t WHERE true").await, Some(3));
    let outcome = bench.sql("SELECT 1").await;
    assert!(outcome.statistics.started.is_some() && outcome.statistics.ended >= outcome.statistics.started);
    assert!(outcome.statistics.executed_sql.is_some());
}

#[tokio::test]
async fn reading_gives_values_as_json() {
    let bench = Bench::new();
    let sql = "SELECT 1 AS i, 0.5 AS f, NUMERIC '1.50' AS n, TRUE AS b, 'x' AS s, b'hi' AS raw, DATE '2024-01-31' AS d, \
               TIME '01:02:03' AS t, DATETIME '2024-01-31 01:02:03.5' AS dt, TIMESTAMP '2024-01-31 01:02:03+01' AS ts, \
               [1, 2] AS list, STRUCT(1 AS a, 'y' AS b) AS pair, CAST(NULL AS STRING) AS nothing";
    let rows = bench.warehouse().read(query(sql), 10).await.unwrap();
    assert_eq!(
        serde_json::to_string(&rows.rows).unwrap(),
        r#"[[1,0.5,"1.5",true,"x","aGk=","2024-01-31","01:02:03","2024-01-31T01:02:03.500000","2024-01-31 00:02:03+00",[1,2],[1,"y"],null]]"#
    );
    let types: Vec<_> = rows.columns.iter().map(|c| c.column_type.as_str()).collect();
    assert_eq!(
        types.join(" "),
        "INT64 FLOAT64 NUMERIC BOOL STRING BYTES DATE TIME DATETIME TIMESTAMP ARRAY<INT64> STRUCT<a INT64, b STRING> STRING"
    );
    let limited = bench.warehouse().read(query("SELECT a FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a ORDER BY a"), 2);
    assert_eq!(limited.await.unwrap().rows.len(), 2);
    let effects =
        bench.warehouse().read(query("CREATE TABLE d.t AS SELECT 1 AS a; INSERT INTO d.t (a) VALUES (2)"), 10);
    assert!(effects.await.unwrap().rows.is_empty());
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[2]"]);
    let missing = bench.warehouse().read(query("SELECT * FROM d.none"), 10).await;
    assert!(matches!(missing, Err(WarehouseError::Invalid { .. } | WarehouseError::NotFound(_))), "{missing:?}");
}

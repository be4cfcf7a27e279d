//! Queries, into tables and without.

use std::time::Duration;

use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    ddl::TableDefinition,
};
use tailer_warehouse::{Destination, Job, Query, WarehouseError, rehearsal::Overlay};

use crate::{Place, common::definition};

pub async fn dispositions(place: Place) {
    place.run(place.query_into("SELECT 1 AS a", "t", Empty)).await.unwrap();
    let error = place.run(place.query_into("SELECT 2 AS a", "t", Empty)).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("already exists"), "{error}");
    place.run(place.query_into("SELECT 2 AS a", "t", Append)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.t ORDER BY a").await, ["[1]", "[2]"]);
    place.run(place.query_into("SELECT 3 AS a", "t", Truncate)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.t").await, ["[3]"]);
    place.run(place.query_into("SELECT a + 1 AS a FROM d.t", "t", Truncate)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.t").await, ["[4]"], "a query may read the table it replaces");
    place.run(place.query_into("SELECT a FROM d.t WHERE false", "t", Truncate)).await.unwrap();
    place.run(place.query_into("SELECT 5 AS a", "t", Empty)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.t").await, ["[5]"]);
}

pub async fn truncate_keeps_the_schema(place: Place) {
    let declared = TableDefinition {
        description: Some("kept".to_owned()),
        ..definition(&["id INT64 REQUIRED -- the key", "amount NUMERIC -- money"])
    };
    place.create("t", &declared).await;
    place.run(place.query_into("SELECT 1 AS id, NUMERIC '2.5' AS amount", "t", Truncate)).await.unwrap();
    assert_eq!(place.definition("t").await, declared);
    assert_eq!(place.rows("SELECT id, CAST(amount AS STRING) FROM d.t").await, ["[1,\"2.5\"]"]);
}

pub async fn temporary_tables(place: Place) {
    place.create("t", &definition(&["old STRING"])).await;
    let destination = Destination {
        table: place.table("t"),
        write_disposition: Truncate,
        replace_schema: true,
        expires_after: Some(Duration::from_secs(86_400)),
    };
    let job = Job::Query(Query { destination: Some(destination), ..place.query("SELECT 1 AS a") });
    let id = place.id();
    let outcome = place.run_as(&id, job.clone()).await.unwrap();
    let info = place.warehouse().table(&place.table("t")).await.unwrap().unwrap();
    assert_eq!(info.definition.schema.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let ended = outcome.statistics.ended.unwrap();
    let expires = info.expires.unwrap();
    assert!((expires.duration_since(ended).as_secs() - 86_400).abs() <= 60, "{ended} {expires}");
    // Asked again after a crash, the table that was made is not dropped.
    place.run_as(&id, job).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.t").await, ["[1]"]);
}

pub async fn names_without_a_dataset(place: Place) {
    place.sql("CREATE TABLE d.t AS SELECT 7 AS a").await;
    assert_eq!(place.rows("SELECT a FROM t").await, ["[7]"]);
    let qualified = format!("SELECT a FROM `{}.{}.t`", place.project, place.dataset);
    assert_eq!(place.rows(&qualified).await, ["[7]"]);
}

pub async fn values(place: Place) {
    let sql = "SELECT 1 AS i, 0.5 AS f, NUMERIC '1.50' AS n, TRUE AS b, 'x' AS s, CAST(NULL AS STRING) AS z, b'hi' AS raw, \
               DATE '2024-01-31' AS day, TIME '01:02:03' AS clock, DATETIME '2024-01-31 01:02:03' AS civil, \
               TIMESTAMP '2024-01-31 12:34:56 UTC' AS at, [1, 2] AS list, STRUCT(1 AS a, 'b' AS b) AS pair";
    let rows = place.warehouse().read(place.query(sql), 10).await.unwrap();
    let types: Vec<_> = rows.columns.iter().map(|column| column.column_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "INT64",
            "FLOAT64",
            "NUMERIC",
            "BOOL",
            "STRING",
            "STRING",
            "BYTES",
            "DATE",
            "TIME",
            "DATETIME",
            "TIMESTAMP",
            "ARRAY<INT64>",
            "STRUCT<a INT64, b STRING>",
        ]
    );
    assert_eq!(
        serde_json::Value::Array(rows.rows[0].clone()).to_string(),
        concat!(
            r#"[1,0.5,"1.5",true,"x",null,"aGk=","2024-01-31","01:02:03","2024-01-31T01:02:03","2024-01-31 12:34:56+00","#,
            r#"[1,2],[1,"b"]]"#
        )
    );
}

pub async fn wrong_queries(place: Place) {
    for sql in ["SELECT 1,\nFRO [1]", "SELECT nobody FROM (SELECT 1 AS a)", "SELECT 1 / (n - n) FROM UNNEST([1]) AS n"]
    {
        let error = place.run(place.query_into(sql, "t", Truncate)).await.unwrap_err();
        assert!(matches!(error, WarehouseError::Invalid { .. }), "{sql}: {error:?}");
    }
    assert!(place.warehouse().table(&place.table("t")).await.unwrap().is_none());
    place.run(place.query_into("SELECT a FROM d.nowhere", "t", Truncate)).await.unwrap_err();
}

pub async fn statistics(place: Place) {
    let told =
        place.run(place.query_into("SELECT a FROM UNNEST([1, 2, 3]) AS a", "t", Truncate)).await.unwrap().statistics;
    assert_eq!(told.rows, Some(3));
    assert!(told.executed_sql.is_some());
    assert!(told.started.unwrap() <= told.ended.unwrap(), "{told:?}");
    assert_eq!(place.sql("INSERT INTO d.t (a) VALUES (4), (5)").await.statistics.rows, Some(2));
    assert_eq!(place.sql("DELETE FROM d.t WHERE a < 4").await.statistics.rows, Some(3));
}

pub async fn dry_run(place: Place) {
    place.create("t", &definition(&["a INT64"])).await;
    let rehearse = async |sql: &str| place.warehouse().rehearse(place.query(sql), Overlay::default()).await.unwrap();
    let good = rehearse("SELECT a, 'x' AS b FROM d.t").await;
    assert!(good.problems.is_empty(), "{good:?}");
    let columns = good.columns.unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let bad = rehearse("SELECT missing FROM d.t").await;
    assert!(matches!(bad.problems.as_slice(), [WarehouseError::Invalid { .. }]), "{bad:?}");
    rehearse("INSERT INTO d.t (a) VALUES (1)").await;
    assert_eq!(place.rows("SELECT COUNT(*) FROM d.t").await, ["[0]"]);
}

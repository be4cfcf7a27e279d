//! A script started again goes the way it went before and does what is left: nothing twice, nothing otherwise.

use super::{
    common::{Bench, query, query_into, table},
    rows,
};
use tailer_model::operation::WriteDisposition::Truncate;
use tailer_warehouse::{Job, WarehouseJobId};

fn id() -> WarehouseJobId {
    WarehouseJobId("script".into())
}

/// Runs a script that fails at the end for want of `d.late`, then again with it after a restart.
async fn interrupted(bench: &mut Bench, script: &str) {
    let script = format!("{script}\nINSERT INTO d.log (what) SELECT what FROM d.late;");
    bench.run_as(&id(), Job::Query(query(&script))).await.unwrap_err();
    bench.sql("CREATE TABLE d.late AS SELECT 'late' AS what").await;
    bench.reopen().await;
    let first = bench.run_as(&id(), Job::Query(query(&script))).await.unwrap();
    bench.reopen().await;
    let again = bench.run_as(&id(), Job::Query(query(&script))).await.unwrap();
    assert_eq!(first.statements.len(), again.statements.len());
}

async fn check(setup: &str, script: &str, expect: &str) {
    let mut bench = Bench::new();
    bench.sql(&format!("CREATE TABLE d.log (what STRING); {setup}")).await;
    interrupted(&mut bench, script).await;
    assert_eq!(rows(&bench, "SELECT what FROM d.log ORDER BY what").await, expect, "{script}");
}

#[tokio::test]
async fn values_from_tables_are_those_of_the_first_time() {
    // The second time the count would be 3.
    check(
        "CREATE TABLE d.t AS SELECT 1 AS a",
        "BEGIN DECLARE n INT64 DEFAULT (SELECT COUNT(*) FROM d.t);
         INSERT INTO d.t (a) VALUES (2), (3);
         INSERT INTO d.log (what) VALUES (CONCAT('n', CAST(n AS STRING))); END;",
        "[\"late\"] [\"n1\"]",
    )
    .await;
}

#[tokio::test]
async fn branches_are_those_of_the_first_time() {
    check(
        "CREATE TABLE d.t (a INT64)",
        "IF NOT EXISTS(SELECT 1 FROM d.t) THEN INSERT INTO d.t (a) VALUES (1); INSERT INTO d.log (what) VALUES ('empty');
         ELSE INSERT INTO d.log (what) VALUES ('full'); END IF;",
        "[\"empty\"] [\"late\"]",
    )
    .await;
}

#[tokio::test]
async fn random_values_are_those_of_the_first_time() {
    check(
        "CREATE TABLE d.ids (id STRING)",
        "BEGIN DECLARE one STRING DEFAULT GENERATE_UUID();
         INSERT INTO d.ids (id) VALUES (one); INSERT INTO d.ids (id) VALUES (one);
         INSERT INTO d.log (what) SELECT CAST(COUNT(DISTINCT id) AS STRING) FROM d.ids; END;",
        "[\"1\"] [\"late\"]",
    )
    .await;
}

#[tokio::test]
async fn loops_do_each_turn_once() {
    check(
        "CREATE TABLE d.t AS SELECT a FROM UNNEST([1, 2, 3]) AS a",
        "FOR r IN (SELECT a FROM d.t ORDER BY a) DO
           INSERT INTO d.log (what) VALUES (CAST(r.a AS STRING));
           DELETE FROM d.t WHERE a = r.a;
         END FOR;",
        "[\"1\"] [\"2\"] [\"3\"] [\"late\"]",
    )
    .await;
}

#[tokio::test]
async fn caught_errors_are_those_of_the_first_time() {
    check(
        "",
        "BEGIN SELECT * FROM d.made_later; INSERT INTO d.log (what) VALUES ('found');
         EXCEPTION WHEN ERROR THEN
           CREATE TABLE d.made_later (a INT64); INSERT INTO d.log (what) VALUES ('missing');
         END;",
        "[\"late\"] [\"missing\"]",
    )
    .await;
}

#[tokio::test]
async fn row_counts_are_those_of_the_first_time() {
    check(
        "CREATE TABLE d.t AS SELECT a FROM UNNEST([1, 2, 3]) AS a",
        "DELETE FROM d.t WHERE a > 1; INSERT INTO d.log (what) VALUES (CONCAT('deleted ', CAST(@@row_count AS STRING)));",
        "[\"deleted 2\"] [\"late\"]",
    )
    .await;
}

#[tokio::test]
async fn procedures_are_gone_through_again_without_effect() {
    check(
        "CREATE PROCEDURE d.note(what STRING) BEGIN INSERT INTO d.log (what) VALUES (what); END",
        "CALL d.note('a'); EXECUTE IMMEDIATE 'INSERT INTO d.log (what) VALUES (?)' USING 'b';",
        "[\"a\"] [\"b\"] [\"late\"]",
    )
    .await;
}

#[tokio::test]
async fn the_last_statement_fills_the_destination_once() {
    let mut bench = Bench::new();
    let script = "DECLARE n INT64 DEFAULT 3; CREATE TABLE d.s AS SELECT 1 AS a; IF n > 1 THEN SELECT a + n AS b FROM d.s; ELSE SELECT 0 AS b; END IF";
    for _ in 0..2 {
        let outcome = bench.run_as(&id(), query_into(script, "d.result", Truncate)).await.unwrap();
        assert_eq!(outcome.statistics.rows, Some(1));
        assert_eq!(outcome.statements.iter().map(|s| s.line).collect::<Vec<_>>(), [1, 1, 1]);
        bench.reopen().await;
    }
    assert_eq!(rows(&bench, "SELECT b FROM d.result").await, "[4]");
    let late = query_into("SELECT 1 AS a; IF FALSE THEN SELECT 2 AS a; END IF", "d.result", Truncate);
    let message = super::common::invalid(bench.run(late).await);
    assert!(message.contains("gives no rows for table shop-1.d.result"), "{message}");
    assert!(bench.warehouse().table(&table("d.result")).await.unwrap().is_some());
}

#[tokio::test]
async fn tasks_whose_names_end_in_numbers_do_not_meet() {
    // `run_a_1` with a script and `run_a_1_1` are ids of two tasks, `a` and `a_1`.
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64)").await;
    let insert = |n: u32| format!("INSERT INTO d.t (a) VALUES ({n})");
    let script = format!("{}; {}", insert(1), insert(2));
    bench.run_as(&WarehouseJobId("run_a_1".into()), Job::Query(query(&script))).await.unwrap();
    bench.run_as(&WarehouseJobId("run_a_1_1".into()), Job::Query(query(&insert(3)))).await.unwrap();
    assert_eq!(rows(&bench, "SELECT a FROM d.t ORDER BY a").await, "[1] [2] [3]");
}

#[tokio::test]
async fn long_loops_tell_of_their_beginning_only() {
    let bench = Bench::new();
    let script = "DECLARE i INT64 DEFAULT 0; WHILE i < 1200 DO SET i = i + 1; END WHILE";
    let outcome = bench.run(Job::Query(query(script))).await.unwrap();
    assert_eq!(outcome.statements.len(), 1000);
    assert_eq!(outcome.statistics.more["statements_left_out"], 201);
}

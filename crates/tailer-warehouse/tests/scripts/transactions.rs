//! BEGIN, COMMIT and ROLLBACK TRANSACTION.

use super::{
    common::{Bench, query},
    error, fails, rows,
};
use tailer_warehouse::{Job, WarehouseJobId};

#[tokio::test]
async fn a_commit_keeps_and_a_rollback_undoes() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64)").await;
    assert_eq!(rows(&bench, "BEGIN TRANSACTION; INSERT INTO d.t (a) VALUES (1); UPDATE d.t SET a = 2 WHERE TRUE; COMMIT TRANSACTION; SELECT a FROM d.t").await, "[2]");
    assert_eq!(rows(&bench, "BEGIN; INSERT INTO d.t (a) VALUES (9); ROLLBACK; SELECT a FROM d.t").await, "[2]");
    // What is inside sees what the transaction has done so far.
    assert_eq!(rows(&bench, "BEGIN TRANSACTION; DELETE FROM d.t WHERE TRUE; SELECT COUNT(*) FROM d.t").await, "[0]");
    assert_eq!(rows(&bench, "SELECT a FROM d.t").await, "[2]", "a transaction that nobody commits is undone");
}

#[tokio::test]
async fn an_error_undoes_the_transaction() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64)").await;
    let (message, line, _) = error(&bench, "BEGIN TRANSACTION;\nINSERT INTO d.t (a) VALUES (1);\nINSERT INTO d.t (a) SELECT CAST(s AS INT64) FROM UNNEST(['x']) AS s;\nCOMMIT TRANSACTION").await;
    assert_eq!(line, 3, "{message}");
    assert_eq!(rows(&bench, "SELECT COUNT(*) FROM d.t").await, "[0]");
    let script = "DECLARE said STRING;
        BEGIN
          BEGIN TRANSACTION;
          INSERT INTO d.t (a) VALUES (1);
          INSERT INTO d.t (a) SELECT CAST(s AS INT64) FROM UNNEST(['x']) AS s;
          COMMIT TRANSACTION;
        EXCEPTION WHEN ERROR THEN
          SET said = @@error.message;
          ROLLBACK TRANSACTION;
          INSERT INTO d.t (a) VALUES (5);
        END;
        SELECT said IS NOT NULL, (SELECT SUM(a) FROM d.t)";
    assert_eq!(rows(&bench, script).await, "[true,5]");
}

#[tokio::test]
async fn transactions_do_not_nest_and_need_a_beginning() {
    fails("BEGIN TRANSACTION;\nBEGIN TRANSACTION", "open already", 2, 1).await;
    fails("SELECT 1;\nCOMMIT TRANSACTION", "no transaction is open", 2, 1).await;
    fails("ROLLBACK", "no transaction is open", 1, 1).await;
    fails(
        "CREATE TABLE `other.d.t` (a INT64); CREATE TABLE d.t (a INT64);\nBEGIN TRANSACTION;\nINSERT INTO d.t (a) VALUES (1);\nINSERT INTO `other.d.t` (a) VALUES (1);\nCOMMIT TRANSACTION",
        "writes two projects",
        4,
        1,
    )
    .await;
}

#[tokio::test]
async fn a_transaction_and_its_records_are_one() {
    let mut bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64)").await;
    let id = WarehouseJobId("tx".into());
    let script = "BEGIN TRANSACTION; INSERT INTO d.t (a) VALUES (1); INSERT INTO d.t (a) SELECT MAX(a) + 1 FROM d.t; COMMIT TRANSACTION;
        BEGIN TRANSACTION; INSERT INTO d.t (a) VALUES (100); ROLLBACK TRANSACTION;
        INSERT INTO d.t (a) SELECT a FROM d.late";
    bench.run_as(&id, Job::Query(query(script))).await.unwrap_err();
    bench.sql("CREATE TABLE d.late AS SELECT 7 AS a").await;
    bench.reopen().await;
    bench.run_as(&id, Job::Query(query(script))).await.unwrap();
    assert_eq!(rows(&bench, "SELECT a FROM d.t ORDER BY a").await, "[1] [2] [7]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_transactions_over_the_same_tables_end() {
    let bench = std::sync::Arc::new(Bench::new());
    bench.sql("CREATE TABLE d.a (n INT64); CREATE TABLE d.b (n INT64)").await;
    let run = |first: &'static str, second: &'static str| {
        let bench = bench.clone();
        tokio::spawn(async move {
            let script = format!(
                "BEGIN TRANSACTION; INSERT INTO d.{first} (n) VALUES (1); INSERT INTO d.{second} (n) VALUES (1); COMMIT TRANSACTION"
            );
            bench.run(Job::Query(query(&script))).await
        })
    };
    let (one, two) = (run("a", "b"), run("b", "a"));
    let done = [one.await.unwrap(), two.await.unwrap()].iter().filter(|r| r.is_ok()).count();
    // Either may have had to give way to the other, but none is half done.
    assert_eq!(
        rows(&bench, "SELECT (SELECT COUNT(*) FROM d.a) = (SELECT COUNT(*) FROM d.b), (SELECT COUNT(*) FROM d.a)")
            .await,
        format!("[true,{done}]")
    );
}

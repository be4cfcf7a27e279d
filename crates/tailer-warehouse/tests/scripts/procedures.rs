//! CREATE PROCEDURE, CALL, DROP PROCEDURE.

use super::{check, common::Bench, error, fails, rows};

#[tokio::test]
async fn procedures_take_and_give_values() {
    check(
        "DECLARE total INT64; DECLARE n INT64 DEFAULT 5;
         CREATE PROCEDURE d.add_up(IN a INT64, b INT64, OUT result INT64, INOUT counter INT64)
         BEGIN
           DECLARE half FLOAT64 DEFAULT 0.5;
           SET result = a + b;
           SET counter = counter + 1;
         END;
         CALL d.add_up(1, n * 2, total, n);
         SELECT total, n",
        "[11,6]",
    )
    .await;
    check("CREATE PROCEDURE d.same(v ANY TYPE, OUT r STRING) BEGIN SET r = CAST(v AS STRING); END; BEGIN DECLARE s STRING; CALL d.same(DATE '2024-01-31', s); SELECT s; END", "[\"2024-01-31\"]").await;
    check("CREATE PROCEDURE d.p() BEGIN SELECT 'from inside'; END; CALL d.p()", "[\"from inside\"]").await;
    check("CREATE PROCEDURE d.p(x INT64) BEGIN IF x > 1 THEN RETURN; END IF; SELECT x; END; CALL d.p(1); CALL d.p(2); SELECT 'after'", "[\"after\"]").await;
}

#[tokio::test]
async fn procedures_stay_with_their_project() {
    let mut bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64); CREATE PROCEDURE d.fill(n INT64) BEGIN INSERT INTO t (a) VALUES (n), (n + 1); END").await;
    bench.reopen().await;
    bench.sql("CALL `shop-1.d.fill`(10)").await;
    bench.sql("CALL shop-1.d.FILL(20)").await;
    assert_eq!(rows(&bench, "SELECT a FROM d.t ORDER BY a").await, "[10] [11] [20] [21]");
    bench
        .sql("CREATE OR REPLACE PROCEDURE d.fill(n INT64) BEGIN DELETE FROM t WHERE a = n; END; CALL d.fill(10)")
        .await;
    bench.sql("CREATE PROCEDURE IF NOT EXISTS d.fill() BEGIN SELECT 1; END").await;
    assert_eq!(rows(&bench, "SELECT COUNT(*) FROM d.t").await, "[3]");
    assert!(error(&bench, "CREATE PROCEDURE d.fill() BEGIN SELECT 1; END").await.0.contains("already exists"));
    bench.sql("DROP PROCEDURE d.fill; DROP PROCEDURE IF EXISTS d.fill").await;
    assert!(error(&bench, "CALL d.fill(1)").await.0.contains("not found: procedure shop-1.d.fill"));
    assert!(error(&bench, "DROP PROCEDURE d.fill").await.0.contains("not found"));
}

#[tokio::test]
async fn variables_of_the_caller_are_out_of_sight() {
    let script = "DECLARE x INT64 DEFAULT 1; CREATE PROCEDURE d.p() BEGIN SELECT x; END;\nCALL d.p()";
    fails(script, "x in procedure shop-1.d.p, line 1, column 30", 2, 1).await;
    check("DECLARE x INT64 DEFAULT 1; CREATE PROCEDURE d.p(y INT64) BEGIN DECLARE x INT64 DEFAULT 5; SELECT x + y; END; CALL d.p(x)", "[6]").await;
}

#[tokio::test]
async fn errors_inside_are_traced_to_the_call() {
    check(
        "CREATE PROCEDURE d.bad() BEGIN\n  SELECT 1 / 0;\nEND;
BEGIN
  CALL d.bad();
EXCEPTION WHEN ERROR THEN
  SELECT @@error.message, @@error.formatted_stack_trace;
END",
        "[\"division by zero\",\"At shop-1.d.bad[2:3]\\nAt [5:3]\"]",
    )
    .await;
    fails("CREATE PROCEDURE d.p() BEGIN CALL d.p(); END; CALL d.p()", "more than 50 deep", 1, 47).await;
    fails("CREATE PROCEDURE d.p(a INT64) BEGIN SELECT a; END;\nCALL d.p()", "takes 1 arguments, not 0", 2, 1).await;
    fails("CREATE PROCEDURE d.p(OUT a INT64) BEGIN SET a = 1; END;\nCALL d.p(5)", "has to be a variable", 2, 10).await;
    fails("CREATE PROCEDURE d.p(a INT64) BEGIN SELECT a; END;\nCALL d.p('x')", "STRING cannot be used as INT64", 2, 10)
        .await;
}

#[tokio::test]
async fn a_dropped_dataset_takes_its_procedures_along() {
    let bench = Bench::new();
    bench
        .sql("CREATE SCHEMA gone; CREATE PROCEDURE gone.p() BEGIN SELECT 1; END; DROP SCHEMA gone; CREATE SCHEMA gone")
        .await;
    assert!(error(&bench, "CALL gone.p()").await.0.contains("not found"));
}

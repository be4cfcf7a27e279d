//! EXECUTE IMMEDIATE and ASSERT.

use super::{check, common::Bench, fails, rows};

#[tokio::test]
async fn dynamic_sql_runs_with_parameters() {
    check("EXECUTE IMMEDIATE 'SELECT 1 + 1'", "[2]").await;
    check("EXECUTE IMMEDIATE 'SELECT @a * (@b + 2)' USING 5 AS b, 3 AS a", "[21]").await;
    check("EXECUTE IMMEDIATE 'SELECT ? - ?, ?' USING 5, 3, 'x'", "[2,\"x\"]").await;
    check(
        "EXECUTE IMMEDIATE 'SELECT x FROM UNNEST(@l) AS x ORDER BY x LIMIT @n' USING [3, 1, 2] AS l, 2 AS n",
        "[1] [2]",
    )
    .await;
    check(
        "DECLARE q STRING DEFAULT '\\'; DROP TABLE t'; EXECUTE IMMEDIATE 'SELECT @q' USING q AS q",
        "[\"'; DROP TABLE t\"]",
    )
    .await;
}

#[tokio::test]
async fn into_takes_one_row() {
    check("DECLARE a INT64; DECLARE b STRING; EXECUTE IMMEDIATE 'SELECT 7, \"s\"' INTO a, b; SELECT a, b", "[7,\"s\"]")
        .await;
    check(
        "DECLARE a INT64 DEFAULT 1; EXECUTE IMMEDIATE 'SELECT 7 FROM UNNEST([1]) AS e WHERE e > 1' INTO a; SELECT a",
        "[null]",
    )
    .await;
    check("DECLARE a FLOAT64; EXECUTE IMMEDIATE 'SELECT ?' INTO a USING 2; SELECT a", "[2.0]").await;
    fails("DECLARE a INT64;\nEXECUTE IMMEDIATE 'SELECT x FROM UNNEST([1, 2]) AS x' INTO a", "one row at most", 2, 1)
        .await;
    fails("DECLARE a INT64;\nEXECUTE IMMEDIATE 'SELECT 1, 2' INTO a", "a query of 2 columns", 2, 1).await;
    fails("DECLARE a INT64;\nEXECUTE IMMEDIATE 'CREATE TABLE d.x (a INT64)' INTO a", "no query", 2, 1).await;
}

#[tokio::test]
async fn dynamic_ddl_and_dml_have_their_effects() {
    let bench = Bench::new();
    let script = "DECLARE name STRING DEFAULT 't';
        FOR r IN (SELECT n FROM UNNEST([1, 2]) AS n) DO
          EXECUTE IMMEDIATE FORMAT('CREATE TABLE d.%s_%d (a INT64)', name, r.n);
          EXECUTE IMMEDIATE CONCAT('INSERT INTO d.t_', CAST(r.n AS STRING), ' (a) VALUES (?)') USING r.n * 10;
        END FOR;
        SELECT (SELECT a FROM d.t_1), (SELECT a FROM d.t_2), @@row_count";
    assert_eq!(rows(&bench, script).await, "[10,20,1]");
}

#[tokio::test]
async fn what_dynamic_sql_may_not_be() {
    fails("EXECUTE IMMEDIATE CAST(NULL AS STRING)", "is NULL", 1, 1).await;
    fails("EXECUTE IMMEDIATE 'SELECT 1; SELECT 2'", "one statement, not 2", 1, 1).await;
    fails("EXECUTE IMMEDIATE 'IF TRUE THEN SELECT 1; END IF'", "no statements of the procedural language", 1, 1).await;
    fails("SELECT 1;\n EXECUTE IMMEDIATE 'SELECT\\n  nothing'", "line 2, column 3 of the SQL", 2, 2).await;
    fails("EXECUTE IMMEDIATE 'SELECT @a' USING 1 AS b", "parameter @a has no value", 1, 1).await;
    fails("EXECUTE IMMEDIATE 'SELECT ?, ?' USING 1", "parameter number 2", 1, 1).await;
    fails("EXECUTE IMMEDIATE 'SELECT ?' USING 1, 2 AS b", "all parameters a name or none", 1, 39).await;
}

#[tokio::test]
async fn assert_stops_a_script() {
    check("ASSERT 1 < 2; ASSERT EXISTS(SELECT 1) AS 'there is something'; SELECT 'fine'", "[\"fine\"]").await;
    fails(
        "SELECT 1;\nASSERT (SELECT COUNT(*) > 5 FROM UNNEST([1])) AS 'more than five rows'",
        "assertion failed: more than five rows",
        2,
        1,
    )
    .await;
    fails("ASSERT NULL", "assertion failed", 1, 1).await;
}

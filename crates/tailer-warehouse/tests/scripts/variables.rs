//! DECLARE, SET, and variables inside of every kind of statement.

use super::{check, common::Bench, fails, rows};

#[tokio::test]
async fn declared_variables_have_types_and_defaults() {
    check("DECLARE x INT64; SELECT x", "[null]").await;
    check("DECLARE a, b INT64 DEFAULT 4; SELECT a + b", "[8]").await;
    check("DECLARE d DEFAULT DATE '2024-02-28'; SELECT DATE_ADD(d, INTERVAL 2 DAY)", "[\"2024-03-01\"]").await;
    check("DECLARE f FLOAT64 DEFAULT 1; SELECT f / 4", "[0.25]").await;
    check("DECLARE s STRING DEFAULT r'it\\'s'; SELECT s, LENGTH(s)", "[\"it\\\\'s\",5]").await;
    check("DECLARE n NUMERIC DEFAULT 1.1; SELECT n * 3", "[\"3.3\"]").await;
    check("DECLARE n BIGNUMERIC DEFAULT BIGNUMERIC '0.00000000000000000000000000000000000001'; SELECT CAST(n * 3 AS STRING)", "[\"0.00000000000000000000000000000000000003\"]").await;
    check("DECLARE t TIMESTAMP DEFAULT '2024-01-31 10:00:00+02:00'; SELECT t", "[\"2024-01-31 08:00:00+00\"]").await;
    check("DECLARE b BYTES DEFAULT b'a\\x00'; SELECT b, LENGTH(b)", "[\"YQA=\",2]").await;
    check("DECLARE a ARRAY<STRING> DEFAULT ['x', 'y']; SELECT a[OFFSET(1)], ARRAY_LENGTH(a)", "[\"y\",2]").await;
    check(
        "DECLARE r STRUCT<n INT64, tags ARRAY<STRING>> DEFAULT (7, ['a']); SELECT r.n, r.tags[OFFSET(0)]",
        "[7,\"a\"]",
    )
    .await;
    check("DECLARE i INTERVAL DEFAULT INTERVAL 14 MONTH; SELECT i", "[\"1-2 0 0:0:0\"]").await;
}

#[tokio::test]
async fn values_survive_whatever_they_hold() {
    for text in ["'; DROP TABLE x; --", "@x", "\\\\", "\\n", "ü€𝄞"] {
        let script = format!(
            "DECLARE s STRING DEFAULT '''{text}'''; DECLARE copy STRING; SET copy = s; SELECT copy = '''{text}'''"
        );
        check(&script, "[true]").await;
    }
    check("DECLARE f FLOAT64 DEFAULT CAST('nan' AS FLOAT64); SELECT IS_NAN(f)", "[true]").await;
    check("DECLARE f FLOAT64 DEFAULT 0.1 + 0.2; SELECT f = 0.1 + 0.2", "[true]").await;
    check("DECLARE i INT64 DEFAULT -9223372036854775808; SELECT i", "[-9223372036854775808]").await;
}

#[tokio::test]
async fn set_assigns_one_or_several() {
    check("DECLARE x INT64 DEFAULT 1; SET x = x + 41; SELECT x", "[42]").await;
    check("DECLARE x, y INT64; SET (x, y) = (1 + 1, 5); SELECT x, y", "[2,5]").await;
    check("DECLARE n INT64; DECLARE s STRING; SET (n, s) = (SELECT AS STRUCT COUNT(*), MAX(v) FROM UNNEST(['b', 'c']) AS v); SELECT n, s", "[2,\"c\"]").await;
    check("DECLARE x, y INT64 DEFAULT 1; SET (x, y) = (SELECT AS STRUCT 1, 2 FROM UNNEST([1]) AS e WHERE e > 1); SELECT x, y", "[null,null]").await;
    check("DECLARE total NUMERIC; SET total = 5; SELECT total / 2", "[\"2.5\"]").await;
    check("DECLARE X INT64; SET x = 3; SELECT X", "[3]").await;
}

#[tokio::test]
async fn columns_win_over_variables() {
    check("DECLARE x INT64 DEFAULT 1; SELECT x FROM UNNEST([10]) AS x", "[10]").await;
    check("DECLARE n INT64 DEFAULT 2; SELECT x FROM UNNEST([1, 2, 3]) AS x WHERE x >= n ORDER BY x", "[2] [3]").await;
    check("DECLARE n INT64 DEFAULT 2; SELECT x FROM UNNEST([1, 2, 3]) AS x ORDER BY x LIMIT n", "[1] [2]").await;
}

#[tokio::test]
async fn variables_are_visible_in_dml_and_ddl() {
    let bench = Bench::new();
    let script = "DECLARE low INT64 DEFAULT 2; DECLARE name STRING DEFAULT 'b';
        CREATE TABLE d.t AS SELECT n, name AS name FROM UNNEST([1, 2, 3]) AS n WHERE n >= low;
        INSERT INTO d.t (n, name) VALUES (low * 10, CONCAT(name, name));
        UPDATE d.t SET n = t.n + low WHERE t.name = name;
        DELETE FROM d.t WHERE n > low * 11;
        MERGE d.t AS t USING (SELECT low AS n) AS s ON t.n = s.n WHEN NOT MATCHED THEN INSERT (n, name) VALUES (s.n, 'm');
        SELECT n, name FROM d.t ORDER BY n";
    // 2 and 3, then 20 with 'bb'; in the UPDATE `name` is the column, so all rows get 2 more: 4, 5, 22; none above 22 goes; 2 is new.
    assert_eq!(rows(&bench, script).await, "[2,\"m\"] [4,\"b\"] [5,\"b\"] [22,\"bb\"]");
    fails("DECLARE x INT64 DEFAULT 1; CREATE VIEW d.v AS SELECT x AS x", "a view cannot use variables", 1, 28).await;
}

#[tokio::test]
async fn system_variables_tell_about_the_script() {
    let script = "CREATE TABLE d.t (a INT64); INSERT INTO d.t (a) VALUES (1), (2), (3); DELETE FROM d.t WHERE a > 1; SELECT @@row_count";
    check(script, "[2]").await;
    check("SELECT @@row_count", "[null]").await;
    check("SELECT @@project_id, @@dataset_id, @@time_zone", "[\"shop-1\",\"d\",\"UTC\"]").await;
    check("SET @@dataset_id = 'other'; CREATE TABLE t AS SELECT 1 AS a; SELECT a FROM other.t", "[1]").await;
    check(
        "SET @@time_zone = 'Asia/Tokyo'; SELECT EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 00:00:00+00'), @@time_zone",
        "[9,\"Asia/Tokyo\"]",
    )
    .await;
    fails("SELECT 1;\nSET @@row_count = 1", "cannot be set", 2, 1).await;
    fails("SELECT @@nothing", "there is no system variable @@nothing", 1, 8).await;
}

#[tokio::test]
async fn a_time_zone_ends_with_its_script() {
    let bench = Bench::new();
    rows(&bench, "SET @@time_zone = 'Asia/Tokyo'; SELECT 1").await;
    for _ in 0..20 {
        assert_eq!(rows(&bench, "SELECT EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 00:00:00+00')").await, "[0]");
    }
}

#[tokio::test]
async fn misuse_is_named_with_its_place() {
    fails("SELECT 1;\nDECLARE x INT64;", "only at the start", 2, 1).await;
    fails("DECLARE x INT64;\n SET y = 1", "variable y is not declared", 2, 2).await;
    fails("DECLARE total INT64;\nSET totl = 1", "did you mean total?", 2, 1).await;
    fails("DECLARE x INT64;\nDECLARE X STRING;", "declared already", 2, 1).await;
    fails("DECLARE x INT64; BEGIN\n DECLARE x INT64; END", "declared already", 2, 2).await;
    fails("DECLARE x INT64;\nSET x = 'one'", "STRING cannot be used as INT64", 2, 9).await;
    fails("DECLARE x, y INT64;\nSET (x, y) = (1, 2, 3)", "2 variables cannot be set to", 2, 1).await;
    fails("DECLARE x;", "a type or DEFAULT", 1, 10).await;
}

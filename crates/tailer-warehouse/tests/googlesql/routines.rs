//! Functions of the user, temporary tables, wildcard tables, assignments to fields.

use crate::{
    cases::{refused, rows_after},
    harness::Warehouse,
};

#[test]
fn functions() {
    rows_after(
        "CREATE TEMP FUNCTION twice(x INT64) AS (x * 2); CREATE FUNCTION d.hello(name STRING) RETURNS STRING AS (CONCAT('hello ', name))",
        "SELECT twice(x), d.hello('you'), TWICE(twice(1)) FROM UNNEST([3]) x",
        r#"[[6, "hello you", 4]]"#,
    );
    rows_after(
        "CREATE TEMP FUNCTION pick(a ANY TYPE, b ANY TYPE) AS (IF(a > b, a, b))",
        "SELECT pick(1, 2), pick('b', 'a')",
        r#"[[2, "b"]]"#,
    );
    rows_after(
        "CREATE TABLE d.t (x INT64); INSERT d.t VALUES (1), (2), (3); CREATE TABLE FUNCTION d.above(least INT64) AS SELECT x FROM d.t WHERE x >= least",
        "SELECT SUM(x) FROM d.above(2)",
        "[[5]]",
    );
}

#[test]
fn functions_that_are_refused() {
    let warehouse = Warehouse::new();
    for (script, kind, message, place) in [
        (
            "CREATE TEMP FUNCTION f(x INT64) RETURNS INT64 LANGUAGE js AS 'return x'",
            "unsupported",
            "functions in js",
            (1, 47),
        ),
        ("CREATE TEMP FUNCTION f(x INT64) AS (y + 1)", "invalid", "in function f: unrecognized column name: y", (1, 1)),
        (
            "CREATE TEMP FUNCTION g(x INT64) AS (x + 1);\nSELECT g(1, 2)",
            "invalid",
            "takes 1 arguments, found 2",
            (2, 8),
        ),
        ("CREATE TEMP FUNCTION h(x DATE) AS (x);\nSELECT h(1)", "invalid", "cannot be used as DATE", (2, 8)),
    ] {
        refused(&warehouse, script, kind, message, place);
    }
}

#[test]
fn temporary_tables() {
    rows_after(
        "CREATE TABLE d.t (x INT64); CREATE TEMP TABLE t AS SELECT 7 AS x; INSERT t VALUES (8)",
        "SELECT (SELECT SUM(x) FROM t), (SELECT COUNT(*) FROM d.t)",
        "[[15, 0]]",
    );
}

#[test]
fn wildcard_tables() {
    let setup = "CREATE TABLE d.ev_2023 (a INT64); CREATE TABLE d.ev_2024 (a INT64, b STRING);
        INSERT d.ev_2023 VALUES (1); INSERT d.ev_2024 VALUES (2, 'x')";
    rows_after(setup, "SELECT *, _TABLE_SUFFIX FROM `d.ev_*` ORDER BY a", r#"[[1, null, "2023"], [2, "x", "2024"]]"#);
    rows_after(setup, "SELECT e.a FROM `d.ev_*` e WHERE e._TABLE_SUFFIX = '2024'", "[[2]]");
    rows_after(
        setup,
        "SELECT column_name, data_type FROM d.INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'ev_2024' ORDER BY ordinal_position",
        r#"[["a", "INT64"], ["b", "STRING"]]"#,
    );
}

#[test]
fn fields_are_set() {
    let setup = "CREATE TABLE d.t (k INT64, s STRUCT<a INT64, b STRUCT<c STRING, d INT64>>); INSERT d.t VALUES (1, (2, ('x', 3)));
        UPDATE d.t SET s.a = 9, s.b.c = UPPER(s.b.c), s.b.d = DEFAULT WHERE true";
    rows_after(setup, "SELECT s FROM d.t", r#"[[[9, ["X", null]]]]"#);
}

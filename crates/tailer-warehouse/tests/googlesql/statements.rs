//! Statements with effect, and what is refused.

use crate::{
    cases::{refused, rows_after},
    harness::{Failure, Warehouse},
};

const T: &str = "CREATE TABLE d.t (k INT64, v STRING); INSERT d.t (k, v) VALUES (1, 'a'), (2, 'b'), (3, 'c');";

#[track_caller]
fn after(change: &str, expect: &str) {
    rows_after(&format!("{T}{change}"), "SELECT * FROM d.t ORDER BY k, v", expect);
}

#[test]
fn inserts() {
    after("INSERT INTO d.t VALUES (4, 'd')", r#"[[1, "a"], [2, "b"], [3, "c"], [4, "d"]]"#);
    after("INSERT d.t (v, k) SELECT 'x', k + 10 FROM d.t WHERE k = 1", r#"[[1, "a"], [2, "b"], [3, "c"], [11, "x"]]"#);
    after("INSERT d.t (k) VALUES (0)", r#"[[0, null], [1, "a"], [2, "b"], [3, "c"]]"#);
    after(
        "INSERT d.t (k, v) WITH x AS (SELECT 5 AS a) SELECT a, NULL FROM x",
        r#"[[1, "a"], [2, "b"], [3, "c"], [5, null]]"#,
    );
}

#[test]
fn updates() {
    after("UPDATE d.t SET v = UPPER(v), k = k * 10 WHERE k > 1", r#"[[1, "a"], [20, "B"], [30, "C"]]"#);
    after("UPDATE d.t AS x SET v = NULL WHERE x.k = 1", r#"[[1, null], [2, "b"], [3, "c"]]"#);
    after(
        "UPDATE d.t SET v = s.n FROM (SELECT 2 AS k, 'new' AS n) AS s WHERE t.k = s.k",
        r#"[[1, "a"], [2, "new"], [3, "c"]]"#,
    );
    let warehouse = Warehouse::new();
    warehouse.run(T).unwrap();
    let twice = "UPDATE d.t SET v = s.n FROM (SELECT 2 AS k, 'x' AS n UNION ALL SELECT 2, 'y') AS s WHERE t.k = s.k";
    match warehouse.run(twice) {
        Err(Failure::Engine { message, .. }) => assert!(message.contains("at most one source row"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deletes() {
    after("DELETE FROM d.t WHERE k = 2", r#"[[1, "a"], [3, "c"]]"#);
    after("DELETE d.t x WHERE EXISTS (SELECT 1 FROM d.t y WHERE y.k = x.k + 1)", r#"[[3, "c"]]"#);
    after("TRUNCATE TABLE d.t", "[]");
}

#[test]
fn merges() {
    after(
        "MERGE d.t AS t USING (SELECT 2 AS k, 'two' AS v UNION ALL SELECT 9, 'nine') AS s ON t.k = s.k
         WHEN MATCHED THEN UPDATE SET v = s.v
         WHEN NOT MATCHED THEN INSERT (k, v) VALUES (s.k, s.v)
         WHEN NOT MATCHED BY SOURCE AND t.k = 3 THEN DELETE",
        r#"[[1, "a"], [2, "two"], [9, "nine"]]"#,
    );
    after(
        "MERGE INTO d.t USING (SELECT 7 AS k, 'x' AS v) ON false WHEN NOT MATCHED THEN INSERT ROW",
        r#"[[1, "a"], [2, "b"], [3, "c"], [7, "x"]]"#,
    );
    after(
        "MERGE d.t USING (SELECT 1 AS n) AS s ON k = n WHEN MATCHED AND v = 'z' THEN DELETE",
        r#"[[1, "a"], [2, "b"], [3, "c"]]"#,
    );
    let warehouse = Warehouse::new();
    warehouse.run(T).unwrap();
    let twice = "MERGE d.t USING (SELECT 1 AS n UNION ALL SELECT 1) AS s ON k = n WHEN MATCHED THEN UPDATE SET v = 'z'";
    match warehouse.run(twice) {
        Err(Failure::Engine { message, .. }) => assert!(message.contains("at most one source row"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn definitions() {
    rows_after(
        "CREATE OR REPLACE TABLE d.x PARTITION BY day CLUSTER BY n OPTIONS (description = 'x') AS
         SELECT DATE '2024-01-01' AS day, 1 AS n, NULL AS z;
         CREATE VIEW d.w AS SELECT n + 1 AS m FROM d.x;
         CREATE TABLE IF NOT EXISTS d.x (a INT64);
         ALTER TABLE d.x DROP COLUMN z",
        "SELECT m FROM d.w",
        "[[2]]",
    );
    let warehouse = Warehouse::new();
    warehouse.run("CREATE TABLE d.y (a INT64 NOT NULL, b STRUCT<c ARRAY<STRING>, e NUMERIC>)").unwrap();
    warehouse.run("INSERT d.y VALUES (1, (['x'], 2))").unwrap();
    let answer = warehouse.run("SELECT b.c[OFFSET(0)], b.e FROM d.y").unwrap();
    assert_eq!(answer.rows, [[serde_json::json!("x"), serde_json::json!("2.000000000")]]);
    warehouse.run("DROP TABLE d.y; DROP TABLE IF EXISTS d.y; CREATE SCHEMA IF NOT EXISTS e").unwrap();
}

#[test]
fn refusals_say_what_and_where() {
    let warehouse = Warehouse::new();
    warehouse.run("CREATE TABLE d.stores (id INT64, city STRING)").unwrap();
    for (script, kind, message, place) in [
        (
            "SELECT 1;\nSELECT\n  ctiy FROM stores",
            "invalid",
            "unrecognized column name: ctiy; did you mean city?",
            (3, 3),
        ),
        ("SELECT s.ctiy FROM stores s", "invalid", "column ctiy not found in s; did you mean city?", (1, 10)),
        ("SELECT *\nFROM d.store", "invalid", "p-1.d.store; did you mean stores?", (2, 6)),
        ("SELECT 1 FROM", "invalid", "syntax error", (1, 10)),
        ("SELEC 1", "invalid", "syntax error", (1, 1)),
        ("SELECT 1;\n\n  SELECT (1", "invalid", "syntax error", (3, 11)),
        ("SELECT FOO(1)", "unsupported", "the function FOO", (1, 8)),
        ("SELECT UPER('a')", "unsupported", "did you mean UPPER?", (1, 8)),
        ("DECLARE x INT64 DEFAULT 1; SELECT x", "unsupported", "DECLARE in scripts", (1, 1)),
        ("SELECT 1;\nSET x = 2", "unsupported", "SET in scripts", (2, 1)),
        ("SELECT * FROM stores TABLESAMPLE SYSTEM (10 PERCENT)", "unsupported", "TABLESAMPLE", (1, 15)),
        ("SELECT * FROM `d.zz_*`", "invalid", "no table matches p-1.d.zz_*", (1, 15)),
        ("SELECT * FROM `d.stores$20240101`", "invalid", "decorator", (1, 15)),
        ("SELECT * FROM d.INFORMATION_SCHEMA.JOBS", "unsupported", "INFORMATION_SCHEMA.JOBS", (1, 15)),
        ("SELECT SUM(id) FROM stores WHERE SUM(id) > 1", "invalid", "not allowed in WHERE", (1, 34)),
        ("SELECT id FROM stores UNION SELECT 1", "invalid", "ALL or DISTINCT", (1, 1)),
        ("DELETE FROM stores", "invalid", "WHERE", (1, 13)),
        ("INSERT stores (id, nope) VALUES (1, 2)", "invalid", "column nope", (1, 20)),
        ("INSERT stores VALUES (1)", "invalid", "2 columns", (1, 23)),
        ("INSERT stores VALUES ('x', 'y')", "invalid", "cannot be used as INT64", (1, 23)),
        ("SELECT city + 1 FROM stores", "invalid", "no matching signature", (1, 15)),
        ("SELECT id FROM stores GROUP BY 2", "invalid", "out of range", (1, 32)),
        ("SELECT CAST('1' AS GEOGRAPHY)", "unsupported", "GEOGRAPHY", (1, 13)),
        ("SELECT @p", "invalid", "parameter @p has no value", (1, 8)),
    ] {
        refused(&warehouse, script, kind, message, place);
    }
}

#[test]
fn reads_and_writes_are_told() {
    use tailer_warehouse::googlesql::{StatementKind, split, translate};
    let warehouse = Warehouse::new();
    warehouse.run("CREATE TABLE d.a (x INT64); CREATE TABLE d.b (x INT64)").unwrap();
    let statement = &split("INSERT d.a SELECT x FROM d.b JOIN d.b AS c USING (x)").unwrap()[0];
    let translated = translate(statement, crate::harness::SCOPE, &warehouse).unwrap();
    assert_eq!(translated.kind, StatementKind::Dml);
    assert_eq!(translated.reads.iter().map(ToString::to_string).collect::<Vec<_>>(), ["p-1.d.b"]);
    assert_eq!(translated.writes.map(|t| t.to_string()).as_deref(), Some("p-1.d.a"));
}

//! Tables that SQL reads and writes, statement by statement.

use super::*;

/// Tables read, `<` tables written, `?` what is unclear.
fn check(sql: &str, expect: &str) {
    let found = references(sql, Scope { project: "p", dataset: Some("d") });
    let shown = |tables: &BTreeSet<TablePath>| {
        let names = tables.iter().map(|path| match (path.project.as_str(), path.dataset.as_str()) {
            ("p", "d") => path.table.clone(),
            ("p", dataset) => format!("{dataset}.{}", path.table),
            (project, dataset) => format!("{project}.{dataset}.{}", path.table),
        });
        names.collect::<Vec<_>>().join(" ")
    };
    let unclear = if found.unclear.is_empty() { String::new() } else { format!(" ? {}", found.unclear.join("; ")) };
    let got = format!("{} < {}{unclear}", shown(&found.writes), shown(&found.reads));
    assert_eq!(got.trim(), expect, "{sql}");
}

#[test]
fn queries_read() {
    check("SELECT 1", "<");
    check("SELECT * FROM t", "< t");
    check("SELECT * FROM a.t JOIN `q-1.b.u` AS u ON true JOIN q-1.c.v USING (k), `e`.w", "< a.t e.w q-1.b.u q-1.c.v");
    check("SELECT * FROM t WHERE x IN (SELECT y FROM u WHERE EXISTS (SELECT 1 FROM b.v))", "< b.v t u");
    check("SELECT (SELECT MAX(x) FROM u) FROM (SELECT * FROM t) UNION ALL SELECT 1 FROM v", "< t u v");
    check("FROM t |> JOIN b.u ON true |> AGGREGATE COUNT(*) AS n", "< b.u t");
    check("SELECT * FROM `a.sales_*` WHERE _TABLE_SUFFIX > '2024'", "< a.sales_*");
    check("SELECT * FROM `a.t$20240101`", "< a.t");
    check("SELECT table_name FROM a.INFORMATION_SCHEMA.TABLES", "<");
    check("SELECT * FROM t PIVOT(SUM(n) FOR c IN ('x'))", "< t");
}

#[test]
fn ctes_are_no_tables() {
    check("WITH x AS (SELECT * FROM t), y AS (SELECT * FROM x JOIN u USING (k)) SELECT * FROM Y", "< t u");
    // Inside of itself the name is still that of a table.
    check("WITH t AS (SELECT * FROM t) SELECT * FROM t", "< t");
    check("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n", "<");
    check("SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x), x", "< x");
}

#[test]
fn arrays_of_a_row_are_no_tables() {
    check("SELECT * FROM t, t.items", "< t");
    check("SELECT * FROM a.t AS x, x.items AS i LEFT JOIN i.parts", "< a.t");
    check("SELECT (SELECT COUNT(*) FROM o.lines) FROM a.orders AS o", "< a.orders");
    check("SELECT * FROM UNNEST([1]) AS n, u.v", "< u.v");
    // An alias does not hide the dataset of its own table, nor one in another SELECT.
    check("SELECT * FROM sales.sales AS sales", "< sales.sales");
    check("SELECT 1 FROM a.t AS b UNION ALL SELECT 1 FROM b.u", "< a.t b.u");
}

#[test]
fn statements_write() {
    check("INSERT INTO a.t SELECT * FROM u", "a.t < u");
    check("UPDATE t SET n = u.n FROM b.u AS u WHERE t.k = u.k", "t < b.u");
    check("DELETE FROM t WHERE k IN (SELECT k FROM u)", "t < u");
    check("MERGE t USING (SELECT * FROM u) AS s ON t.k = s.k WHEN MATCHED THEN DELETE", "t < u");
    check("TRUNCATE TABLE a.t", "a.t <");
    check("CREATE OR REPLACE TABLE a.t PARTITION BY day AS SELECT * FROM u", "a.t < u");
    check("CREATE TABLE a.t LIKE b.u", "a.t < b.u");
    check("CREATE VIEW v AS SELECT * FROM t", "v < t");
    check("ALTER TABLE t ADD COLUMN x INT64", "t <");
    check("DROP TABLE t", "<");
    check("CREATE TEMP FUNCTION f(x INT64) AS ((SELECT MAX(n) FROM t)); SELECT f(1) FROM u", "< u");
}

#[test]
fn scripts_are_gone_through() {
    let sql = "DECLARE n INT64 DEFAULT (SELECT COUNT(*) FROM t);
        CREATE TEMP TABLE parts AS SELECT * FROM a;
        IF n > 0 THEN INSERT INTO x SELECT * FROM parts; ELSE DELETE FROM y WHERE true; END IF;
        FOR r IN (SELECT * FROM b) DO SELECT * FROM c; END FOR;
        BEGIN SELECT 1 FROM e; EXCEPTION WHEN ERROR THEN INSERT INTO log VALUES (1); END;
        EXECUTE IMMEDIATE 'INSERT INTO z SELECT * FROM f';";
    check(sql, "log x y z < a b c e f t");
    check(
        "EXECUTE IMMEDIATE CONCAT('SELECT 1 FROM ', 't')",
        "<  ? line 1: SQL that is put together at run time cannot be told",
    );
    check("SELECT 1;\nCALL a.refresh('x')", "<  ? line 2: what procedure a.refresh does cannot be told");
}

#[test]
fn expectations_read() {
    check("CALL p.expect.unique('a', 't', 'k', 0.1)", "< a.t");
    check("CALL q.expect.foreignkey('q.a', 't', 'k', 'b', 'u', 'k', 0.0)", "< b.u q.a.t");
    check("CALL p.expect.unique(CONCAT('a', 'b'), 't', 'k')", "<  ? line 1: which table is checked cannot be told");
}

#[test]
fn what_the_parser_refuses_is_read_by_its_words() {
    let by_words = |sql: &str, expect: &str| {
        let found = references(sql, Scope { project: "p", dataset: Some("d") });
        assert!(found.unclear.iter().any(|line| line.contains("from the words alone")), "{sql}: {found:?}");
        let names = |tables: &BTreeSet<TablePath>| {
            tables.iter().map(|path| format!("{}.{}", path.dataset, path.table)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(format!("{} < {}", names(&found.writes), names(&found.reads)).trim(), expect, "{sql}");
    };
    by_words("SELECT EXTRACT(DAY FROM a.x), FROM WHERE FROM a.t JOIN `p.b.u` ON a.x IS DISTINCT FROM b.x", "< a.t b.u");
    by_words("CREATE TABLE IF NOT EXISTS a.t WITH MAGIC AS SELECT SELECT FROM b.u", "a.t < b.u");
    by_words("LOAD DATA INTO a.t FROM FILES (format = 'CSV')", "a.t <");
}

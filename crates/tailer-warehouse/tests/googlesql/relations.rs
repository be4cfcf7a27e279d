//! Set operations by name, pipes, PIVOT, frames and aggregates with clauses inside: results computed by hand.

use crate::cases::{rows, rows_after};

const SALES: &str = "CREATE TABLE d.sales (shop STRING, day INT64, amount INT64);
    INSERT d.sales VALUES ('a', 1, 10), ('a', 2, 20), ('b', 1, 5), ('b', 2, NULL), ('c', 3, 7)";

#[track_caller]
fn sales(sql: &str, expect: &str) {
    rows_after(SALES, sql, expect);
}

#[test]
fn aggregates_take_having_order_and_limit() {
    sales(
        "SELECT shop, ANY_VALUE(amount HAVING MAX day), COUNT(* HAVING MIN day), SUM(amount HAVING MIN day) FROM sales GROUP BY shop ORDER BY shop",
        r#"[["a", 20, 1, 10], ["b", null, 1, 5], ["c", 7, 1, 7]]"#,
    );
    sales(
        "SELECT ARRAY_AGG(shop HAVING MAX day ORDER BY shop), ARRAY_AGG(amount IGNORE NULLS ORDER BY amount DESC LIMIT 2) FROM sales",
        r#"[[["c"], [20, 10]]]"#,
    );
    sales("SELECT STRING_AGG(DISTINCT shop, '-' ORDER BY shop DESC LIMIT 2) FROM sales", r#"[["c-b"]]"#);
    sales("SELECT shop, COUNT(* HAVING MAX day) FROM sales GROUP BY shop HAVING MAX(day) > 2", r#"[["c", 1]]"#);
    rows("SELECT COUNTIF(DISTINCT x > 1) FROM UNNEST([1, 2, 3]) x", "[[1]]");
    rows("SELECT STRING_AGG(x, b'-' ORDER BY x) FROM UNNEST([b'b', b'a']) x", r#"[["YS1i"]]"#);
}

#[test]
fn approximate_aggregates_are_exact() {
    rows("SELECT APPROX_QUANTILES(x, 2) FROM UNNEST([1, 1, 1, 4, 5, 6, 7, 8, 9, 10]) x", "[[[1, 5, 10]]]");
    rows(
        "SELECT APPROX_QUANTILES(x, 2 RESPECT NULLS) FROM UNNEST([NULL, NULL, 1, 1, 1, 4, 5, 6, 7, 8, 9, 10]) x",
        "[[[null, 4, 10]]]",
    );
    rows("SELECT APPROX_TOP_COUNT(x, 1) FROM UNNEST(['a', 'b', 'b', NULL]) x", r#"[[[["b", 2]]]]"#);
    rows(
        "SELECT APPROX_TOP_SUM(x, w, 2) FROM UNNEST([STRUCT('a' AS x, 1 AS w), ('b', 5), ('a', 3)])",
        r#"[[[["b", 5], ["a", 4]]]]"#,
    );
    rows(
        "SELECT HLL_COUNT.MERGE(s), HLL_COUNT.EXTRACT(ANY_VALUE(s)), HLL_COUNT.EXTRACT(NULL) FROM (SELECT HLL_COUNT.INIT(x) AS s FROM UNNEST([1, 2, 2]) x UNION ALL SELECT HLL_COUNT.INIT(x) FROM UNNEST([2, 3]) x)",
        "[[3, 2, 0]]",
    );
}

#[test]
fn statistics_of_great_and_of_exact_numbers() {
    rows("SELECT STDDEV_SAMP(x) FROM UNNEST([1e200, 3e200]) x", "[[1.4142135623730951e200]]");
    rows("SELECT VAR_POP(x), CORR(x, -x) FROM UNNEST([1.0, 3.0]) x", "[[1.0, -1.0]]");
    rows("SELECT VAR_SAMP(x) FROM UNNEST([1.0]) x", "[[null]]");
    rows(
        "SELECT AVG(x) FROM UNNEST([NUMERIC '99999999999999999999999999999', NUMERIC '99999999999999999999999999999']) x",
        r#"[["99999999999999999999999999999.000000000"]]"#,
    );
    rows("SELECT SUM(x) FROM UNNEST([1.7e308, 1.7e308, -1.7e308]) x", "[[1.7e308]]");
}

#[test]
fn frames_over_values() {
    rows(
        "SELECT x, COUNT(*) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM UNNEST([1.0, 2.0, CAST('NaN' AS FLOAT64), CAST('inf' AS FLOAT64), 9]) x ORDER BY x",
        r#"[["NaN", 1], [1.0, 2], [2.0, 2], [9.0, 1], ["Infinity", 1]]"#,
    );
    rows(
        "SELECT x, SUM(1) OVER (ORDER BY x DESC RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING) FROM UNNEST([1, 2, 4, NULL]) x ORDER BY x",
        "[[null, 4], [1, 3], [2, 3], [4, 1]]",
    );
    rows(
        "SELECT COUNT(*) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM UNNEST([NUMERIC '-99999999999999999999999999999', NUMERIC '-99999999999999999999999999998']) x ORDER BY x",
        "[[1], [2]]",
    );
    rows(
        "SELECT DISTINCT PERCENTILE_CONT(x, 0.5) OVER (), PERCENTILE_DISC(x, 0.5) OVER () FROM UNNEST([1, 2, 4, NULL, 8]) x",
        "[[3.0, 2]]",
    );
}

#[test]
fn named_windows() {
    rows(
        "SELECT SUM(x) OVER (w), SUM(x) OVER (v ROWS 1 PRECEDING) FROM UNNEST([1, 2, 4]) x WINDOW w AS (v ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING), v AS (ORDER BY x) ORDER BY x",
        "[[3, 1], [6, 3], [4, 6]]",
    );
}

#[test]
fn quantified_like() {
    rows(
        "SELECT 'ab' LIKE ANY ('x%', 'a_'), 'ab' LIKE ALL ('a%', '%b', 'c'), 'a' NOT LIKE ANY ('a', 'b')",
        "[[true, false, true]]",
    );
    rows(
        "SELECT 'ab' LIKE ANY UNNEST(['x', NULL]), 'ab' LIKE ALL UNNEST([]), 'ab' LIKE ANY (SELECT CONCAT(x, '%') FROM UNNEST(['a']) x)",
        "[[null, true, true]]",
    );
    rows("SELECT b'a%' LIKE b'a\\\\%', b'ab' LIKE b'a\\\\%', b'\\xff1' LIKE b'_1'", "[[true, false, true]]");
}

#[test]
fn set_operations_by_name() {
    rows("SELECT 1 AS a, 2 AS b UNION ALL BY NAME SELECT 3 AS b, 4 AS a", "[[1, 2], [4, 3]]");
    rows("SELECT 1 AS a, 2 AS b UNION ALL CORRESPONDING SELECT 3 AS b, 4 AS c", "[[2], [3]]");
    rows("SELECT 1 AS a FULL UNION ALL CORRESPONDING SELECT 'x' AS b", r#"[[1, null], [null, "x"]]"#);
    rows("SELECT 1 AS a, 2 AS b LEFT UNION ALL BY NAME SELECT 3 AS c, 4 AS a", "[[1, 2], [4, null]]");
    rows("SELECT 1 AS a, 2 AS b UNION ALL CORRESPONDING BY (b) SELECT 3 AS b, 4 AS a", "[[2], [3]]");
    rows("SELECT x FROM UNNEST([1, 1, 2]) x EXCEPT ALL SELECT 1 ORDER BY x", "[[1], [2]]");
}

#[test]
fn pivots() {
    sales(
        "SELECT * FROM sales PIVOT (SUM(amount) FOR day IN (1, 2 AS two)) ORDER BY shop",
        r#"[["a", 10, 20], ["b", 5, null], ["c", null, null]]"#,
    );
    sales(
        "SELECT * FROM (SELECT shop, amount, day FROM sales WHERE shop = 'b') UNPIVOT INCLUDE NULLS (v FOR k IN (amount, day)) ORDER BY k, v",
        r#"[["b", null, "amount"], ["b", 5, "amount"], ["b", 1, "day"], ["b", 2, "day"]]"#,
    );
}

#[test]
fn pipes() {
    sales(
        "FROM sales |> WHERE amount > 5 |> AGGREGATE SUM(amount) AS total GROUP BY shop |> ORDER BY total DESC |> LIMIT 1",
        r#"[["a", 30]]"#,
    );
    sales(
        "FROM sales |> EXTEND day * 10 AS d |> DROP amount, day |> RENAME shop AS s |> WHERE s = 'c' |> SET d = d + 1",
        r#"[["c", 31]]"#,
    );
    sales("FROM sales AS s |> AS t |> JOIN (SELECT 3 AS day) USING (day) |> SELECT t.shop", r#"[["c"]]"#);
    rows("SELECT 1 AS a |> UNION ALL (SELECT 2) |> ORDER BY a", "[[1], [2]]");
}

#[test]
fn keys_inside_of_keys() {
    rows(
        "SELECT a, a + 1, COUNT(*) FROM UNNEST([1, 2]) a GROUP BY ROLLUP (a, a + 1) ORDER BY 1, 2, 3",
        "[[null, null, 2], [1, 2, 1], [1, 2, 1], [2, 3, 1], [2, 3, 1]]",
    );
    rows(
        "SELECT x IN (SELECT STRUCT(1, 2) FROM UNNEST([1])) FROM UNNEST([STRUCT(1, 2), STRUCT(1, 3)]) AS x WITH OFFSET o ORDER BY o",
        "[[true], [false]]",
    );
}

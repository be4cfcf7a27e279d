//! Queries: clauses, joins, set operations, windows, names.

use crate::cases::{rows, rows_after};

const SALES: &str = "
    CREATE TABLE d.stores (id INT64, city STRING);
    CREATE TABLE d.sales (store INT64, day DATE, amount NUMERIC, tags ARRAY<STRING>);
    INSERT INTO d.stores (id, city) VALUES (1, 'Ames'), (2, 'Boone'), (3, NULL);
    INSERT INTO d.sales VALUES
      (1, '2024-01-01', 10, ['a', 'b']), (1, '2024-01-02', 20.5, []), (2, '2024-01-01', 5, ['a']), (9, '2024-01-03', 1, NULL);";

#[track_caller]
fn sales(sql: &str, expect: &str) {
    rows_after(SALES, sql, expect);
}

#[test]
fn names_in_all_forms() {
    for name in
        ["stores", "d.stores", "`d.stores`", "p-1.d.stores", "`p-1.d.stores`", "`p-1`.d.stores", "`p-1`.`d`.`stores`"]
    {
        sales(&format!("SELECT COUNT(*) FROM {name}"), "[[3]]");
    }
    sales("SELECT s.ID, stores.City FROM stores AS s JOIN stores USING (id) WHERE S.id = 1", r#"[[1, "Ames"]]"#);
    sales("SELECT s FROM stores s WHERE id = 2", r#"[[[2, "Boone"]]]"#);
}

#[test]
fn select_lists() {
    sales("SELECT * FROM stores ORDER BY id LIMIT 1", r#"[[1, "Ames"]]"#);
    sales("SELECT * EXCEPT (city) FROM stores ORDER BY id", "[[1], [2], [3]]");
    sales("SELECT * REPLACE (id * 10 AS id) FROM stores ORDER BY id DESC LIMIT 1", "[[30, null]]");
    sales("SELECT s.*, 1 AS one FROM stores AS s WHERE id = 1", r#"[[1, "Ames", 1]]"#);
    sales("SELECT DISTINCT store FROM sales ORDER BY store DESC", "[[9], [2], [1]]");
    sales("SELECT DISTINCT UPPER(city) AS c FROM stores ORDER BY c", r#"[[null], ["AMES"], ["BOONE"]]"#);
}

#[test]
fn nulls_and_nan_in_order() {
    sales("SELECT city FROM stores ORDER BY city", r#"[[null], ["Ames"], ["Boone"]]"#);
    sales("SELECT city FROM stores ORDER BY city DESC", r#"[["Boone"], ["Ames"], [null]]"#);
    sales("SELECT city FROM stores ORDER BY city NULLS LAST", r#"[["Ames"], ["Boone"], [null]]"#);
    let floats = "(SELECT CAST(x AS FLOAT64) AS x FROM UNNEST(['1', 'nan', NULL, '-inf']) AS x)";
    rows(&format!("SELECT x FROM {floats} ORDER BY x"), r#"[[null], ["NaN"], ["-Infinity"], [1.0]]"#);
    rows(&format!("SELECT x FROM {floats} ORDER BY x DESC"), r#"[[1.0], ["-Infinity"], ["NaN"], [null]]"#);
    rows(&format!("SELECT MIN(x), MAX(x) FROM {floats}"), r#"[["NaN", "NaN"]]"#);
}

#[test]
fn grouping() {
    sales(
        "SELECT store, SUM(amount) AS total, COUNT(*) AS n FROM sales GROUP BY store ORDER BY store",
        r#"[[1, "30.500000000", 2], [2, "5.000000000", 1], [9, "1.000000000", 1]]"#,
    );
    sales("SELECT EXTRACT(DAY FROM day) AS d, COUNT(*) FROM sales GROUP BY 1 ORDER BY 1", "[[1, 2], [2, 1], [3, 1]]");
    sales("SELECT EXTRACT(DAY FROM day) AS d, COUNT(*) FROM sales GROUP BY d HAVING COUNT(*) > 1", "[[1, 2]]");
    sales("SELECT store, COUNT(*) AS n FROM sales GROUP BY ALL ORDER BY n DESC, store", "[[1, 2], [2, 1], [9, 1]]");
    sales("SELECT store + 1 FROM sales GROUP BY store ORDER BY store LIMIT 1", "[[2]]");
    sales(
        "SELECT store, COUNT(*) FROM sales GROUP BY ROLLUP (store) ORDER BY 1",
        "[[null, 4], [1, 2], [2, 1], [9, 1]]",
    );
    sales("SELECT COUNT(*), MAX(store) FROM sales WHERE false", "[[0, null]]");
}

#[test]
fn aggregates() {
    sales(
        "SELECT COUNT(city), COUNT(DISTINCT city), COUNTIF(city = 'Ames'), SUM(id), AVG(id), MIN(city), MAX(id) FROM stores",
        r#"[[2, 2, 1, 6, 2.0, "Ames", 3]]"#,
    );
    sales("SELECT ARRAY_AGG(city IGNORE NULLS ORDER BY id DESC) FROM stores", r#"[[["Boone", "Ames"]]]"#);
    sales("SELECT ARRAY_AGG(id ORDER BY id DESC LIMIT 2) FROM stores", "[[[3, 2]]]");
    sales("SELECT STRING_AGG(city, '-' ORDER BY city DESC) FROM stores", r#"[["Boone-Ames"]]"#);
    sales("SELECT STRING_AGG(city ORDER BY city LIMIT 1) FROM stores", r#"[["Ames"]]"#);
    sales(
        "SELECT LOGICAL_AND(id > 0), LOGICAL_OR(id > 5), APPROX_COUNT_DISTINCT(id) FROM stores",
        "[[true, false, 3]]",
    );
    sales("SELECT STDDEV_POP(id), VAR_SAMP(id), CORR(id, id) FROM stores WHERE id < 3", "[[0.5, 0.5, 1.0]]");
    sales("SELECT AVG(amount) FROM sales WHERE store = 1", r#"[["15.250000000"]]"#);
    sales("SELECT ANY_VALUE(city) FROM stores WHERE id = 2", r#"[["Boone"]]"#);
    sales("SELECT ANY_VALUE(city HAVING MAX id) FROM stores WHERE id < 3", r#"[["Boone"]]"#);
}

#[test]
fn joins() {
    sales(
        "SELECT st.city, sa.amount FROM sales sa JOIN stores st ON st.id = sa.store ORDER BY sa.amount",
        r#"[["Boone", "5.000000000"], ["Ames", "10.000000000"], ["Ames", "20.500000000"]]"#,
    );
    sales(
        "SELECT id, COUNT(sa.store) FROM stores LEFT JOIN sales sa ON id = sa.store GROUP BY id ORDER BY id",
        "[[1, 2], [2, 1], [3, 0]]",
    );
    sales(
        "SELECT a.id, b.store FROM stores a FULL JOIN (SELECT DISTINCT store FROM sales) b ON a.id = b.store ORDER BY 1, 2",
        "[[null, 9], [1, 1], [2, 2], [3, null]]",
    );
    sales("SELECT a.id FROM stores a, stores b WHERE a.id = b.id AND b.city = 'Ames'", "[[1]]");
    sales("SELECT COUNT(*) FROM stores CROSS JOIN sales", "[[12]]");
    rows(
        "SELECT * FROM (SELECT 1 AS k, 'a' AS x) FULL JOIN (SELECT 2 AS k, 'b' AS y) USING (k) ORDER BY k",
        r#"[[1, "a", null], [2, null, "b"]]"#,
    );
    rows("SELECT * FROM (SELECT 1 AS k, 2 AS x) RIGHT JOIN (SELECT 1 AS k, 3 AS y) USING (k)", "[[1, 2, 3]]");
}

#[test]
fn unnest() {
    rows("SELECT x FROM UNNEST([3, 1]) AS x ORDER BY x", "[[1], [3]]");
    rows("SELECT x, o FROM UNNEST(['a', 'b']) x WITH OFFSET o ORDER BY o", r#"[["a", 0], ["b", 1]]"#);
    rows("SELECT x, offset FROM UNNEST(['a']) AS x WITH OFFSET", r#"[["a", 0]]"#);
    sales("SELECT store, tag FROM sales, UNNEST(tags) AS tag ORDER BY 1, 2", r#"[[1, "a"], [1, "b"], [2, "a"]]"#);
    sales("SELECT store, t FROM sales s, s.tags t WITH OFFSET ORDER BY 1, 2", r#"[[1, "a"], [1, "b"], [2, "a"]]"#);
    sales(
        "SELECT store, day, tag FROM sales LEFT JOIN UNNEST(tags) AS tag ORDER BY 1, 2, 3",
        r#"[[1, "2024-01-01", "a"], [1, "2024-01-01", "b"], [1, "2024-01-02", null], [2, "2024-01-01", "a"], [9, "2024-01-03", null]]"#,
    );
    rows("SELECT a, s.b FROM UNNEST([STRUCT(1 AS a, 'x' AS b)]) AS s", r#"[[1, "x"]]"#);
    rows("SELECT * FROM UNNEST([STRUCT(1 AS a, 'x' AS b)])", r#"[[1, "x"]]"#);
    sales(
        "SELECT store, (SELECT COUNT(*) FROM UNNEST(tags)) AS n FROM sales WHERE store < 9 ORDER BY 1, 2",
        "[[1, 0], [1, 2], [2, 1]]",
    );
}

#[test]
fn subqueries() {
    sales("SELECT city FROM stores WHERE id IN (SELECT store FROM sales) ORDER BY 1", r#"[["Ames"], ["Boone"]]"#);
    sales("SELECT id FROM stores s WHERE NOT EXISTS (SELECT 1 FROM sales WHERE store = s.id)", "[[3]]");
    sales(
        "SELECT id, (SELECT SUM(amount) FROM sales WHERE store = id) AS t FROM stores ORDER BY id LIMIT 1",
        r#"[[1, "30.500000000"]]"#,
    );
    rows("SELECT (SELECT 1) + 1", "[[2]]");
    sales("SELECT x.n FROM (SELECT COUNT(*) AS n FROM stores) AS x", "[[3]]");
}

#[test]
fn common_table_expressions() {
    sales("WITH s AS (SELECT id FROM stores), big AS (SELECT id FROM s WHERE id > 1) SELECT SUM(id) FROM big", "[[5]]");
    rows("WITH stores AS (SELECT 7 AS id) SELECT id FROM stores", "[[7]]");
    rows(
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4) SELECT SUM(i) FROM n",
        "[[10]]",
    );
    rows(
        "WITH a AS (SELECT 1 AS x) SELECT * FROM (WITH a AS (SELECT 2 AS x) SELECT * FROM a) JOIN a AS b ON true",
        "[[2, 1]]",
    );
}

#[test]
fn set_operations() {
    rows("SELECT 1 AS a UNION ALL SELECT 1 UNION ALL SELECT 2 ORDER BY a", "[[1], [1], [2]]");
    rows("SELECT 1 AS a UNION DISTINCT SELECT 1", "[[1]]");
    rows("(SELECT 1 AS a UNION ALL SELECT 2) EXCEPT DISTINCT SELECT 2", "[[1]]");
    rows("(SELECT 1 AS a UNION ALL SELECT 2) INTERSECT DISTINCT SELECT 2", "[[2]]");
    rows("SELECT 1 AS a UNION ALL SELECT 2.5 ORDER BY a DESC", "[[2.5], [1.0]]");
    rows("SELECT NULL AS a UNION ALL SELECT DATE '2024-01-01' ORDER BY a", r#"[[null], ["2024-01-01"]]"#);
}

#[test]
fn windows() {
    sales(
        "SELECT day, SUM(amount) OVER (PARTITION BY store ORDER BY day) AS running FROM sales WHERE store = 1 ORDER BY day",
        r#"[["2024-01-01", "10.000000000"], ["2024-01-02", "30.500000000"]]"#,
    );
    sales(
        "SELECT store, amount FROM sales QUALIFY ROW_NUMBER() OVER (PARTITION BY store ORDER BY day DESC) = 1 ORDER BY store",
        r#"[[1, "20.500000000"], [2, "5.000000000"], [9, "1.000000000"]]"#,
    );
    sales(
        "SELECT id, LAG(id) OVER w, LEAD(id, 1, 0) OVER w, RANK() OVER w FROM stores WINDOW w AS (ORDER BY id) ORDER BY id",
        "[[1, null, 2, 1], [2, 1, 3, 2], [3, 2, 0, 3]]",
    );
    sales(
        "SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM stores ORDER BY id",
        "[[1, 1], [2, 3], [3, 5]]",
    );
    sales(
        "SELECT id, FIRST_VALUE(city IGNORE NULLS) OVER (ORDER BY id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f FROM stores ORDER BY id LIMIT 1",
        r#"[[1, "Boone"]]"#,
    );
    sales("SELECT id, NTILE(2) OVER (ORDER BY id) FROM stores ORDER BY id", "[[1, 1], [2, 1], [3, 2]]");
    sales(
        "SELECT store, rn FROM (SELECT store, ROW_NUMBER() OVER (ORDER BY SUM(amount) DESC) AS rn FROM sales GROUP BY store) ORDER BY rn",
        "[[1, 1], [2, 2], [9, 3]]",
    );
}

#[test]
fn limits() {
    sales("SELECT id FROM stores ORDER BY id LIMIT 1 OFFSET 1", "[[2]]");
    sales("SELECT id FROM stores LIMIT 0", "[]");
}

#[test]
fn columns_are_named_as_bigquery_does() {
    let warehouse = crate::harness::Warehouse::new();
    warehouse.run(SALES).unwrap();
    let answer = warehouse.run("SELECT 1, s.City, city AS C, id + 1, NULL, [1] AS l FROM stores AS s").unwrap();
    let names: Vec<(&str, &str)> = answer.columns.iter().map(|c| (c.name.as_str(), c.column_type.as_str())).collect();
    assert_eq!(
        names,
        [
            ("f0_", "INT64"),
            ("City", "STRING"),
            ("C", "STRING"),
            ("f1_", "INT64"),
            ("f2_", "INT64"),
            ("l", "ARRAY<INT64>")
        ]
    );
}

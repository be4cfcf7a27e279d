//! What translating a query costs (`make bench`): the 50th and 95th percentile for one of a hundred lines, with joins,
//! windows, dates, arrays, JSON and nested queries. The aim is below a millisecond.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use tailer_warehouse::{
    Column, TableName,
    googlesql::{Catalog, Scope, split, translate},
};

/// Translations timed.
const ROUNDS: usize = 2000;

struct Tables;

impl Catalog for Tables {
    fn columns(&self, _: &TableName) -> Option<Vec<Column>> {
        let columns = [
            ("id", "INT64"),
            ("store", "STRING"),
            ("day", "DATE"),
            ("at", "TIMESTAMP"),
            ("amount", "NUMERIC"),
            ("tags", "ARRAY<STRING>"),
            ("payload", "JSON"),
        ];
        Some(columns.map(|(name, ty)| Column { name: name.into(), column_type: ty.into() }).to_vec())
    }

    fn tables(&self, _: &str, _: &str) -> Vec<String> {
        vec!["sales".into()]
    }
}

/// Ten lines for each common table expression, nine of them, and ten at the end.
fn query() -> String {
    let mut sql = String::from("WITH\n");
    for i in 0..9 {
        let comma = if i == 8 { "" } else { "," };
        let _ = writeln!(
            sql,
            "step_{i} AS (\n  SELECT store, day, DATE_TRUNC(day, MONTH) AS month,\n    SUM(amount) AS total, COUNT(DISTINCT id) AS n,\n    \
             ROW_NUMBER() OVER (PARTITION BY store ORDER BY SUM(amount) DESC) AS place,\n    \
             SAFE_DIVIDE(SUM(amount), COUNT(*)) AS mean, MAX(JSON_VALUE(payload, '$.a.b')) AS b\n  FROM sales AS s\n  \
             LEFT JOIN UNNEST(tags) AS tag\n  WHERE day BETWEEN '2024-01-01' AND DATE_ADD(DATE '2024-01-01', INTERVAL {i} MONTH) \
             AND LOWER(store) LIKE 'a%'\n  GROUP BY store, day HAVING SUM(amount) > {i}\n){comma}"
        );
    }
    sql.push_str("SELECT a.store,\n  a.month,\n  b.total,\n  IF(a.n > 3, 'many', 'few') AS size,\n");
    sql.push_str("  FORMAT_DATE('%Y-%m', a.day) AS label,\n  CAST(b.mean AS STRING) AS mean\nFROM step_0 AS a\n");
    sql.push_str("JOIN step_8 AS b ON a.store = b.store\nWHERE a.place = 1\nORDER BY 1, 2");
    sql
}

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let sql = query();
    let scope = Scope { project: "p", dataset: Some("d") };
    let once = || {
        let start = Instant::now();
        for statement in split(&sql).unwrap() {
            black_box(translate(&statement, scope, &Tables).unwrap());
        }
        start.elapsed()
    };
    once();
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| once()).collect();
    times.sort();
    let percentile = |p: usize| times.get(ROUNDS * p / 100).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    println!(
        "translation of a query of {} lines: p50 {:.3} ms, p95 {:.3} ms",
        sql.lines().count(),
        percentile(50),
        percentile(95)
    );
}

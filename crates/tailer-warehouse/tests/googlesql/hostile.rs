//! No text makes the translator panic or exhaust the stack.

use tailer_warehouse::googlesql::{split, translate};

use crate::harness::{SCOPE, Warehouse};

const SEEDS: &[&str] = &[
    "SELECT s.* EXCEPT (a), ARRAY_AGG(x IGNORE NULLS ORDER BY y LIMIT 2)[OFFSET(0)].b FROM `p-1.d.t` s, UNNEST(s.arr) x WITH OFFSET o WHERE a BETWEEN 1 AND .5e3 GROUP BY ALL HAVING COUNT(*) > 1 QUALIFY ROW_NUMBER() OVER (w ROWS 1 PRECEDING) = 1 WINDOW w AS (ORDER BY a) ORDER BY 1 DESC NULLS LAST LIMIT 3",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT FORMAT('%05d|%-5s', i, 'é'), FORMAT_DATE('%E4Y%Q', DATE '2024-01-01'), PARSE_DATE('%F', '''x'''), r\"\\d\", b'\\xff', DATE_DIFF(a, b, WEEK(MONDAY)) FROM n",
    "MERGE d.t USING (SELECT 1 AS k) AS s ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = 'é' WHEN NOT MATCHED THEN INSERT ROW; CREATE TABLE d.x (a INT64 OPTIONS (description = 'x')) PARTITION BY DATE_TRUNC(a, MONTH); SELECT TIMESTAMP '2024-01-01 10:20:30.5 +01:00', ARRAY<STRUCT<a INT64>>[(1)], CAST('1' AS NUMERIC)",
];

fn translate_all(warehouse: &Warehouse, script: &str) {
    let Ok(statements) = split(script) else { return };
    for statement in statements {
        let _ = translate(&statement, SCOPE, warehouse);
    }
}

#[test]
fn mutated_statements() {
    let warehouse = Warehouse::new();
    warehouse.run("CREATE TABLE d.t (k INT64, v STRING, a DATE, arr ARRAY<INT64>)").unwrap();
    let mut state = 42u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    for round in 0..3000 {
        let mut text: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=random(4) {
            let at = random(text.len());
            match random(4) {
                0 => drop(text.drain(at..(at + random(9)).min(text.len()))),
                1 => text.insert(at, ['(', ')', '\'', '`', '%', '\\', '.', 'é', '[', '<', '0', '\n'][random(12)]),
                2 => {
                    let piece: Vec<char> = text[at..(at + random(12)).min(text.len())].to_vec();
                    let to = random(text.len());
                    text.splice(to..to, piece);
                }
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push('S');
            }
        }
        translate_all(&warehouse, &text.into_iter().collect::<String>());
    }
}

/// On a thread with the stack that servers give theirs.
#[test]
fn deep_and_long_statements() {
    let scripts = [
        format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT {}1", "NOT ".repeat(5000)),
        format!("SELECT {}1", "- ".repeat(5000)),
        format!("SELECT 1{}", " + 1".repeat(3000)),
        format!("SELECT true{}", " AND true".repeat(3000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(1000)),
        format!("SELECT {}1{}", "[".repeat(3000), "]".repeat(3000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(500), ")".repeat(500)),
        format!("SELECT {}1{}", "ABS(".repeat(500), ")".repeat(500)),
        format!("SELECT 1 IN ({})", vec!["1"; 20_000].join(", ")),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(300), " END".repeat(300)),
        format!("SELECT CAST(NULL AS {}INT64{})", "ARRAY<STRUCT<".repeat(300), ">>".repeat(300)),
    ];
    let run = move || {
        let warehouse = Warehouse::new();
        for script in &scripts {
            translate_all(&warehouse, script);
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn long_chains_run() {
    crate::cases::rows(&format!("SELECT 1{} AS n", " + 1".repeat(500)), "[[501]]");
    crate::cases::rows(&format!("SELECT COUNT(*) FROM (SELECT 1{})", " UNION ALL SELECT 1".repeat(150)), "[[151]]");
}

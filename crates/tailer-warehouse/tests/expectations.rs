//! Every expectation with a result computed by hand, with NULLs, empty tables and exceptions, through CALL in a script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, PROJECT, definition, query};
use serde_json::{Value, json};
use tailer_warehouse::{
    Job, WarehouseError,
    expectations::{PROCEDURES, of_file},
};

/// Seven rows. `id`: 1 2 2 3 NULL NULL 7; `city`: a a b NULL c c c; `amount`: 1.5 2 -3 NULL 0 10 10.
async fn bench() -> Bench {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE TABLE d.t (id INT64, city STRING, amount NUMERIC, note STRING);
             INSERT INTO d.t (id, city, amount, note) VALUES
               (1, 'a', 1.5, '1'), (2, 'a', 2, '2.5'), (2, 'b', -3, 'x'), (3, NULL, NULL, NULL),
               (NULL, 'c', 0, '2024-01-31'), (NULL, 'c', 10, ''), (7, 'c', 10, '7');
             CREATE TABLE d.empty (id INT64, city STRING, day DATE);
             CREATE TABLE d.cities (name STRING, region INT64);
             INSERT INTO d.cities (name, region) VALUES ('a', 1), ('a', 2), ('b', 1), (NULL, 1)",
        )
        .await;
    bench
}

/// The result of one call, its arguments after the procedure's name.
async fn call(bench: &Bench, call: &str) -> Value {
    let sql =
        format!("CALL `tailer-ai.expect.{}`{}", call.split('(').next().unwrap(), &call[call.find('(').unwrap()..]);
    let rows = bench.warehouse().read(query(&sql), 10).await.unwrap_or_else(|error| panic!("{call}: {error}"));
    assert_eq!(rows.columns[0].name, "expectation_result");
    serde_json::from_str(rows.rows[0][0].as_str().unwrap()).unwrap()
}

/// Rejected, of how many, and whether that passed.
async fn check(bench: &Bench, text: &str, reject: i64, all: i64, passed: bool) -> Value {
    let result = call(bench, text).await;
    assert_eq!(
        (&result["reject_count"], &result["all_count"], &result["passed"]),
        (&json!(reject), &json!(all), &json!(passed)),
        "{text}: {result}"
    );
    result
}

#[tokio::test]
async fn a_result_has_all_its_fields() {
    let bench = bench().await;
    let result = check(&bench, "values_to_be_in_set('d', 't', 'city', ['a', 'b'], 0.5)", 3, 7, true).await;
    let (start, end) = (result["start_date"].as_str().unwrap(), result["end_date"].as_str().unwrap());
    assert!(start.parse::<i64>().unwrap() <= end.parse::<i64>().unwrap());
    let expect = json!({
        "dataset": format!("{PROJECT}.d"), "tablename": "t", "column_name": "city", "procedure_name": "values_to_be_in_set",
        "date_count": null, "all_count": 7, "target_dataset": null, "target_table_name": null, "target_value": ["a", "b"],
        "reject_count": 3, "reject_threshold": 0.5, "passed": true, "start_date": start, "end_date": end,
    });
    assert_eq!(result, expect);
    let result =
        call(&bench, &format!("foreignkey('{PROJECT}.d', 't', 'city', '{PROJECT}.d', 'cities', 'name', 0)")).await;
    assert_eq!(result["target_dataset"], format!("{PROJECT}.d"));
    assert_eq!(result["target_table_name"], "cities");
}

#[tokio::test]
async fn keys() {
    let bench = bench().await;
    // 7 rows, distinct non-null values 1 2 3 7.
    check(&bench, "primarykey_named('d', 't', 'id', 0)", 3, 7, false).await;
    check(&bench, "primarykey_named('d', 't', 'id', 0.5)", 3, 7, true).await;
    // a1.5 a2 b-3 NULL c0 c10 c10: five distinct.
    check(&bench, "primarykey_named('d', 't', 'CONCAT(city, \"-\", CAST(amount AS STRING))', 0.2)", 2, 7, false).await;
    check(&bench, "primarykey_named('d', 'empty', 'id', 1)", 0, 0, false).await;
    // One NULL is allowed: 7 - 4 - 1.
    check(&bench, "unique('d', 't', 'id')", 2, 7, false).await;
    check(&bench, "unique('d', 'cities', 'IF(name = \"a\", CAST(region AS STRING), name)')", 0, 4, true).await;
    check(&bench, "unique('d', 'empty', 'id')", 0, 0, false).await;
    // Of a a b c c c only the c are not found; the NULL is left alone.
    check(&bench, "foreignkey('d', 't', 'city', 'd', 'cities', 'name', 0.4)", 3, 7, false).await;
    check(&bench, "foreignkey('d', 't', 'city', 'd', 'cities', 'name', 0.43)", 3, 7, true).await;
    // id < 4: four rows, cities a a b NULL.
    check(&bench, "foreignkey_where('d', 't', 'city', 'id < 4', 'd', 'cities', 'name', 0)", 0, 4, true).await;
    check(&bench, "foreignkey_where('d', 't', 'city', 'id = 7', 'd', 'cities', 'name', 0)", 1, 1, false).await;
}

#[tokio::test]
async fn primary_keys_are_found_by_name_or_description() {
    let bench = bench().await;
    bench.create("d.named", &definition(&["a INT64", "pk_x INT64"])).await;
    bench.create("d.described", &definition(&["PK_wrong INT64", "key STRING -- the key #PK of it"])).await;
    bench.sql("INSERT INTO d.named (a, pk_x) VALUES (1, 1), (1, 2), (2, 2); INSERT INTO d.described (PK_wrong, key) VALUES (1, 'a'), (1, 'b')").await;
    assert_eq!(check(&bench, "primarykey('d', 'named', 0)", 1, 3, false).await["column_name"], "pk_x");
    assert_eq!(check(&bench, "primarykey('d', 'described', 0)", 0, 2, true).await["column_name"], "key");
    check(&bench, "primarykey_where('d', 'named', 0, 'a = 1')", 0, 2, true).await;
    check(&bench, "primarykey_where('d', 'named', 0.5, 'WHERE pk_x = 2 -- both')", 1, 2, true).await;
    let error = bench.run(Job::Query(query("CALL p.expect.primarykey('d', 't', 0)"))).await.unwrap_err();
    assert!(error.to_string().contains("no column whose name starts with PK"), "{error}");
}

#[tokio::test]
async fn counts() {
    let bench = bench().await;
    check(&bench, "table_count_greater('d', 't', 7, 0)", 0, 7, true).await;
    check(&bench, "table_count_greater('d', 't', 9, 0.2)", 2, 7, false).await;
    check(&bench, "table_count_greater('d', 't', 9, 0.3)", 2, 7, true).await;
    check(&bench, "table_count_greater('d', 'empty', 0, 0)", 0, 0, true).await;
    check(&bench, "table_count_greater('d', 'empty', 1, 1)", 1, 0, false).await;
    check(&bench, "table_count_between('d', 't', [5, 8])", 0, 7, true).await;
    check(&bench, "table_count_between('d', 't', [7, 7])", 0, 7, true).await;
    check(&bench, "table_count_between('d', 't', [9, 12])", 2, 7, false).await;
    check(&bench, "table_count_between('d', 't', GENERATE_ARRAY(3, 4))", 3, 7, false).await;
    check(&bench, "table_count_between('d', 'empty', [0, 10])", 0, 0, true).await;
    assert_eq!(
        check(&bench, "table_count_equal('d', 't', 5 + 1, 0.2)", 1, 7, true).await["target_value"],
        json!(["6"])
    );
    check(&bench, "table_count_equal('d', 't', 7, 0)", 0, 7, true).await;
    check(&bench, "table_count_equal('d', 'empty', 0)", 0, 0, true).await;
    check(&bench, "table_count_equal_other_table('d', 't', 'd', 'cities', 0)", 3, 7, false).await;
    check(&bench, "table_count_equal_other_table('d', 't', 'd', 't', 0)", 0, 7, true).await;
    check(&bench, "table_count_equal_other_table('d', 'empty', 'd', 'empty', 0)", 0, 0, true).await;
}

#[tokio::test]
async fn values() {
    let bench = bench().await;
    check(&bench, "not_null('d', 't', 'id', 0.28)", 2, 7, false).await;
    check(&bench, "not_null('d', 't', 'id', 0.29)", 2, 7, true).await;
    check(&bench, "null('d', 't', 'id', 0)", 5, 7, false).await;
    check(&bench, "null('d', 't', 'IF(id > 100, 1, NULL)', 0)", 0, 7, true).await;
    check(&bench, "not_null('d', 'empty', 'id', 1)", 0, 0, false).await;
    // 1 2.5 x NULL 2024-01-31 '' 7
    check(&bench, "type('d', 't', 'note', 'FLOAT64')", 3, 7, false).await;
    check(&bench, "type('d', 't', 'note', 'STRING')", 0, 7, true).await;
    assert_eq!(check(&bench, "type('d', 't', 'note', 'int64')", 4, 7, false).await["target_value"], json!(["INT64"]));
    check(&bench, "values_to_contain('d', 't', 'city', 'c', 3, 0)", 0, 7, true).await;
    check(&bench, "values_to_contain('d', 't', 'city', 'c', 5, 0.2)", 2, 7, false).await;
    check(&bench, "values_to_contain('d', 't', 'id', 2, 2, 0)", 0, 7, true).await;
    check(&bench, "values_to_contain('d', 't', 'city', 'nowhere', 1, 0)", 1, 7, false).await;
    // -3 below and twice 10 above; the NULL is left alone, the bounds are inside.
    check(&bench, "values_to_be_between('d', 't', 'amount', [0, 2], 0)", 3, 7, false).await;
    check(&bench, "values_to_be_between('d', 't', 'amount', [-3, 10], 0)", 0, 7, true).await;
    check(&bench, "values_to_be_between('d', 't', 'city', ['a', 'b'], 0.5)", 3, 7, true).await;
    check(&bench, "values_to_be_in_set('d', 't', 'city', ['a', 'b', 'c'], 0)", 0, 7, true).await;
    check(&bench, "values_to_be_in_set('d', 't', 'city', ['a', NULL], 0)", 4, 7, false).await;
    check(&bench, "values_to_be_in_set('d', 't', 'id', GENERATE_ARRAY(1, 3), 0)", 1, 7, false).await;
    check(&bench, "values_to_be_in_set('d', 't', 'city', [], 0)", 6, 7, false).await;
    check(&bench, "values_to_not_be_in_set('d', 't', 'city', ['c'], 0.4)", 3, 7, false).await;
    check(&bench, "values_to_not_be_in_set('d', 't', 'city', ['z'], 0)", 0, 7, true).await;
    check(&bench, "values_to_not_be_in_set('d', 't', 'city', [], 0)", 0, 7, true).await;
    check(&bench, "values_to_be_in_set('d', 'empty', 'city', ['a'], 1)", 0, 0, false).await;
}

#[tokio::test]
async fn days_weeks_and_months() {
    let bench = bench().await;
    // Two rows a day for the last ten days and today, only one three days ago, none five days ago.
    bench
        .sql(
            "CREATE TABLE d.days AS SELECT DATE_SUB(CURRENT_DATE(), INTERVAL k DAY) AS day FROM UNNEST(GENERATE_ARRAY(0, 10)) AS k
               CROSS JOIN UNNEST([1, 2]) AS twice WHERE k <> 5 AND NOT (k = 3 AND twice = 2);
             INSERT INTO d.days (day) VALUES (NULL)",
        )
        .await;
    let ago = |days: u32| format!("DATE_SUB(CURRENT_DATE(), INTERVAL {days} DAY)");
    let result = check(&bench, &format!("everyday_since('d', 'days', 'day', {}, [], 1)", ago(10)), 1, 19, false).await;
    assert_eq!(result["date_count"], 11);
    check(&bench, &format!("everyday_since('d', 'days', 'day', {}, [], 2)", ago(10)), 2, 19, false).await;
    let result =
        check(&bench, &format!("everyday_since('d', 'days', 'day', {}, [{}], 1)", ago(10), ago(5)), 0, 19, true).await;
    assert_eq!(result["date_count"], 10);
    let text = format!(
        "everyday_since('d', 'days', 'CAST(day AS TIMESTAMP)', CAST({} AS STRING), [CAST({} AS STRING)], 1)",
        ago(4),
        ago(5)
    );
    check(&bench, &text, 0, 9, true).await;
    check(
        &bench,
        &format!("everyday_since('d', 'days', 'day', {}, GENERATE_DATE_ARRAY({}, {}), 2)", ago(10), ago(5), ago(3)),
        0,
        19,
        true,
    )
    .await;
    check(&bench, &format!("everyday_since('d', 'days', 'day', {}, NULL, 1)", ago(12)), 3, 19, false).await;
    check(&bench, "everyday_since('d', 'empty', 'day', CURRENT_DATE(), [CURRENT_DATE()], 1)", 0, 0, false).await;
    // Today and seven days ago are on the pattern; 6, 4, 3, 2 and 1 days ago are off it.
    let result = check(&bench, &format!("everyweek_since('d', 'days', 'day', {}, [], 1)", ago(7)), 5, 13, false).await;
    assert_eq!(result["date_count"], 2);
    bench.sql("DELETE FROM d.days WHERE day NOT IN (CURRENT_DATE(), DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY))").await;
    check(&bench, &format!("everyweek_since('d', 'days', 'day', {}, [], 2)", ago(7)), 0, 4, true).await;
    check(&bench, &format!("everyweek_since('d', 'days', 'day', {}, [], 2)", ago(14)), 1, 4, false).await;
    check(&bench, &format!("everyweek_since('d', 'days', 'day', {}, [{}], 2)", ago(14), ago(14)), 0, 4, true).await;
}

#[tokio::test]
async fn months_keep_their_day() {
    let bench = bench().await;
    bench.sql("CREATE TABLE d.months AS SELECT DATE_SUB(CURRENT_DATE(), INTERVAL k MONTH) AS day FROM UNNEST(GENERATE_ARRAY(0, 2)) AS k").await;
    // Two months back and forward again is the same day, unless a month is too short for it: then that date is its last.
    let start = "DATE_SUB(CURRENT_DATE(), INTERVAL 2 MONTH)";
    let today: i64 =
        serde_json::from_str(bench.rows("SELECT EXTRACT(DAY FROM CURRENT_DATE())").await[0].trim_matches(['[', ']']))
            .unwrap();
    if today <= 28 {
        check(&bench, &format!("everymonth_since('d', 'months', 'day', {start}, [], 1)"), 0, 3, true).await;
        bench.sql("INSERT INTO d.months (day) VALUES (DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY))").await;
        check(&bench, &format!("everymonth_since('d', 'months', 'day', {start}, [], 1)"), 1, 4, false).await;
    }
    let result = call(&bench, "everymonth_since('d', 'months', 'day', CURRENT_DATE(), [], 2)").await;
    assert_eq!((&result["date_count"], &result["reject_count"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn more_from_day_to_day() {
    let bench = bench().await;
    // 1, 2, 2, none, 1, 3 rows on 1 to 6 January: the fourth day has fewer than the third.
    bench
        .sql(
            "CREATE TABLE d.growth (day DATE, loaded TIMESTAMP);
             INSERT INTO d.growth (day) SELECT day FROM UNNEST([STRUCT(DATE '2024-01-01' AS day, 1 AS n), (DATE '2024-01-02', 2), (DATE '2024-01-03', 2), (DATE '2024-01-05', 1), (DATE '2024-01-06', 3)]) AS s
               CROSS JOIN UNNEST(GENERATE_ARRAY(1, s.n)) AS k;
             INSERT INTO d.growth (day) VALUES (NULL)",
        )
        .await;
    for text in ["('d', 'growth', 'day')", "('d', 'growth', 'day', '2024-01-01')", "('d', 'growth', '2023-12-01')"] {
        let result = check(&bench, &format!("everyday_increasing_since{text}"), 1, 9, false).await;
        assert_eq!((&result["date_count"], &result["column_name"]), (&json!(6), &json!("day")));
    }
    check(&bench, "everyday_increasing_since('d', 'growth', '2024-01-05')", 0, 4, true).await;
    check(&bench, "everyday_increasing_since('d', 'empty', 'day')", 0, 0, false).await;
}

#[tokio::test]
async fn names_may_be_computed_and_regions_named() {
    let bench = bench().await;
    let script =
        "DECLARE name STRING DEFAULT 'T'; CALL `my-project.expect_eu.unique`('d', LOWER(name), CONCAT('i', 'd'))";
    let rows = bench.rows(script).await;
    assert!(rows[0].contains("\\\"reject_count\\\":2"), "{rows:?}");
    let outcome = bench.run(Job::Query(query(script))).await.unwrap();
    assert_eq!(outcome.statistics.more["expectations"][0]["reject_count"], 2);
    check(&bench, "unique('d', 't', 'id -- the only one')", 2, 7, false).await;
}

#[tokio::test]
async fn calls_that_cannot_be_are_named() {
    let bench = bench().await;
    for (sql, words) in [
        ("CALL p.expect.uniqe('d', 't', 'id')", "there is no expectation uniqe; did you mean unique?"),
        ("CALL p.expect.unique('d', 't')", "unique(dataset, tablename, column[, threshold]) does not take 2 arguments"),
        ("CALL p.expect.unique('d', 'nothing', 'id')", "nothing"),
        ("CALL p.expect.unique('d', 't', 'nothing')", "nothing"),
        ("CALL p.expect.unique('a-b', 't', 'id')", "is not a dataset name"),
        ("CALL p.expect.unique('d', 't', '')", "the column is empty"),
        ("CALL p.expect.type('d', 't', 'id', 'INT64; DROP')", "is not a type"),
        ("CALL p.expect.values_to_be_between('d', 't', 'id', [1], 0)", "an array of two"),
    ] {
        match bench.run(Job::Query(query(&format!("SELECT 1;\n {sql}")))).await {
            Err(WarehouseError::Invalid { message, line: Some(2), column: Some(2) }) => {
                assert!(message.contains(words), "{sql}: {message}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
}

#[test]
fn files_hold_calls_among_other_things() {
    let file = "-- checks\nSELECT 1;\nCALL `p.expect.unique`('d', 't', 'id'); /* CALL nothing() */\nCALL p.expect_us.not_null('d', 't', 'id', 0);";
    let found = of_file(file).unwrap();
    assert_eq!(
        found.iter().map(|e| (e.procedure.name, e.statement.line)).collect::<Vec<_>>(),
        [("unique", 3), ("not_null", 4)]
    );
    assert!(of_file("CALL p.other.thing()").unwrap_err().to_string().contains("p.other.thing is no expectation"));
    assert_eq!(PROCEDURES.len(), 21);
}

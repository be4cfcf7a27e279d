//! Expectation tasks: all calls checked, results kept and appended once, criticality as for any task.

use serde_json::{Value, json};

use tailer_engine::QualityQuery;

use crate::support::{House, actor, sql_tasks, table_to_table};

const SETUP: (&str, &str) = (
    "setup.sql",
    "CREATE OR REPLACE TABLE d.t (id INT64, city STRING); INSERT INTO d.t (id, city) VALUES (1, 'a'), (1, 'it\\'s'), (NULL, 'b')",
);

/// A table-to-table that makes a table, checks it and goes on.
fn checks(id: &str, criticality: &str) -> Value {
    let mut configuration = sql_tasks(
        id,
        &["setup >> check >> after"],
        &[("setup", "setup.sql", "critical"), ("check", "checks.sql", criticality), ("after", "after.sql", "critical")],
    );
    configuration["workflow"][1]["task_type"] = json!("expectation");
    configuration
}

const AFTER: (&str, &str) = ("after.sql", "SELECT 1 AS one");

#[tokio::test]
async fn all_calls_run_and_their_results_are_kept() {
    let house = House::new().await;
    let file = "-- quality\nCALL `tailer-ai.expect.not_null`('d', 't', 'city', 0);\nSELECT 'ignored';\n\
                CALL `tailer-ai.expect.unique`('d', 't', 'id');\nCALL `tailer-ai.expect.unique`('d', 'missing', 'id');\n\
                CALL `tailer-ai.expect_eu.table_count_between`(CONCAT('p', '.d'), 't', [1, 3]);";
    let id = house.deploy(checks("all", "critical"), &[SETUP, ("checks.sql", file), AFTER]).await;
    let details = house.run(&id).await;
    assert_eq!(details.run.status, "FAILED");
    let error = details.tasks[1].error.clone().unwrap();
    for words in [
        "2 of 4 expectations in checks.sql failed",
        "line 4: unique of p.d.t, column id failed: 1 rejected of 3 rows",
        "line 5: unique could not be checked",
        "missing",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(details.tasks[2].status, "SKIPPED");

    let run = details.run.run_id.clone();
    let found = house.engine.expectations(&table_to_table(&id), Some(&run), None, 100).await.unwrap();
    assert_eq!(
        found.iter().map(|one| (one.line, one.passed)).collect::<Vec<_>>(),
        [(2, true), (4, false), (5, false), (6, true)]
    );
    assert_eq!(found[1].expectation_result["reject_count"], 1);
    assert_eq!(found[1].rejected["rows"].as_array().unwrap().len(), 2, "{}", found[1].rejected);
    assert_eq!(found[0].rejected, Value::Null);
    assert!(found[2].expectation_result["error"].as_str().unwrap().contains("missing"));
    let of_task = |task: &str| task.parse().ok();
    let engine = &house.engine;
    assert_eq!(engine.expectations(&table_to_table(&id), None, of_task("check").as_ref(), 2).await.unwrap().len(), 2);
    assert!(engine.expectations(&table_to_table(&id), None, of_task("after").as_ref(), 2).await.unwrap().is_empty());

    let columns = "job_id, dag_id, account, environment, run_id, configuration_type, configuration_id, task_id, execution_date, criticality";
    let sql = format!("SELECT ARRAY_TO_STRING([{columns}], ' ') FROM tailer_common.expectation_results LIMIT 1");
    let date = details.run.execution_date.to_string();
    let expect = format!("gbq-to-gbq|{id} {id} 000099 DEV {run} gbq-to-gbq {id} check {date} critical");
    assert_eq!(house.value(&sql).await, expect);
    let sql = "SELECT COUNT(DISTINCT expectation_result) FROM tailer_common.expectation_results WHERE JSON_VALUE(expectation_result, '$.tablename') IS NOT NULL";
    assert_eq!(house.value(sql).await, 4);
}

#[tokio::test]
async fn criticality_says_what_a_failure_does() {
    let house = House::new().await;
    let failing = ("checks.sql", "CALL `x.expect.unique`('d', 't', 'id')");
    for (criticality, status, sub_status, after) in [
        ("warning", "SUCCESS", "WARNING", "SUCCESS"),
        ("transparent", "SUCCESS", "SUCCESS", "SUCCESS"),
        ("break", "SUCCESS", "BREAK", "SKIPPED"),
        ("critical", "FAILED", "FAILED", "SKIPPED"),
    ] {
        // Under these a dependant may not be critical.
        let mut configuration = checks(criticality, criticality);
        configuration["workflow"][2]["criticality"] = json!("warning");
        let id = house.deploy(configuration, &[SETUP, failing, AFTER]).await;
        let details = house.run(&id).await;
        assert_eq!(
            (details.run.status.as_str(), details.run.sub_status.as_str()),
            (status, sub_status),
            "{criticality}"
        );
        assert_eq!((details.tasks[1].status.as_str(), details.tasks[2].status.as_str()), ("FAILED", after));
    }
    assert_eq!(house.value("SELECT COUNT(*) FROM tailer_common.expectation_results").await, 4);
}

#[tokio::test]
async fn expectations_that_are_met_let_the_run_go_on() {
    let house = House::new().await;
    let met = (
        "checks.sql",
        "CALL `x.expect.table_count_equal`('d', 't', {{rows}}, 0); CALL `x.expect.not_null`('d', 't', 'city', 0)",
    );
    let id = house.deploy(checks("met", "critical"), &[SETUP, met, AFTER]).await;
    let mut request = crate::support::launch(&id);
    request.parameters = serde_json::from_value(json!({"rows": 3})).unwrap();
    let run = house.engine.launch(request).await.unwrap();
    let details = house.ended(&id, &run).await;
    assert_eq!(details.run.status, "SUCCESS", "{:?}", details.run.error);
    assert_eq!(details.tasks[1].statistics, json!({"expectations": 2, "failed": 0}));
}

#[tokio::test]
async fn files_without_good_calls_fail_their_task() {
    let house = House::new().await;
    for (name, file, words) in [
        ("none", "SELECT 1", "there is no CALL of an expectation"),
        (
            "typo",
            "SELECT 1;\n CALL `x.expect.uniqe`('d', 't', 'id')",
            "checks.sql: line 2, column 2: there is no expectation uniqe; did you mean unique?",
        ),
        ("other", "CALL d.my_procedure()", "d.my_procedure is no expectation"),
    ] {
        let id = house.deploy(checks(name, "critical"), &[SETUP, ("checks.sql", file), AFTER]).await;
        let details = house.run(&id).await;
        let error = details.tasks[1].error.clone().unwrap();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn scripts_of_tasks_say_where_they_failed() {
    let house = House::new().await;
    let file =
        ("setup.sql", "DECLARE n INT64 DEFAULT 2;\nWHILE n > 0 DO\n  SET n = n - 1;\n  SELECT 1 / n;\nEND WHILE");
    let id = house.deploy(sql_tasks("script", &[], &[("t", "setup.sql", "critical")]), &[file]).await;
    let error = house.run(&id).await.tasks[0].error.clone().unwrap();
    assert!(error.contains("setup.sql: line 4, column 3: division by zero (statement: SELECT 1 / n)"), "{error}");
}

fn quality(search: &str) -> QualityQuery {
    QualityQuery {
        account: "000099".parse().unwrap(),
        environment: None,
        passed: None,
        former: false,
        search: search.into(),
        skip: 0,
        limit: 100,
        results: 5,
    }
}

#[tokio::test]
async fn an_expectation_has_a_history_that_survives_changes_of_its_file() {
    let house = House::new().await;
    let mut configuration = checks("q", "warning");
    configuration["workflow"][2]["criticality"] = json!("warning");
    let deploy = async |file: &str| house.deploy(configuration.clone(), &[SETUP, ("checks.sql", file), AFTER]).await;
    let unique = "CALL `x.expect.unique`('d', 't', 'id', {{allowed}});";
    let since = "CALL `x.expect.primarykey_where`('p.d', 't', 1, 'id > 0 AND city <> \"{{day}}\"');";
    let id = deploy(&format!("{unique}\nCALL `x.expect.not_null`('d', 't', 'city', 0);")).await;
    let run = async |allowed: f64, day: &str| {
        let mut request = crate::support::launch(&id);
        request.parameters = serde_json::from_value(json!({"allowed": allowed, "day": day})).unwrap();
        let run = house.engine.launch(request).await.unwrap();
        house.ended(&id, &run).await.run.run_id
    };
    let first = run(0.0, "").await;
    // The threshold is another one, the call stands elsewhere, what was the second is gone, and a parameter changes with each run.
    deploy(&format!("-- moved\n{since}\n{unique}")).await;
    let second = run(0.5, "2024-01-01").await;
    let third = run(0.5, "2024-01-02").await;

    let page = house.engine.quality(quality("")).await.unwrap();
    assert_eq!((page.total, page.passing, page.failing), (2, 1, 1), "{page:?}");
    let told: Vec<_> = page.expectations.iter().map(|one| (one.call.as_str(), one.passed, one.marks.len())).collect();
    let calls = ["primarykey_where('p.d', 't', 'id > 0 AND city <> \"day\"')", "unique('d', 't', 'id')"];
    assert_eq!(told, [(calls[0], false, 2), (calls[1], true, 3)], "failing ones first");
    let unique = &page.expectations[1];
    assert_eq!((unique.dataset.as_str(), unique.table.as_str(), unique.column.as_str()), ("p.d", "t", "id"));
    let marks: Vec<_> = unique.marks.iter().map(|mark| (mark.run_id.clone(), mark.passed)).collect();
    assert_eq!(marks, [(third, true), (second.clone(), true), (first.clone(), false)]);
    assert_eq!(unique.newest.as_ref().unwrap().expectation_result["reject_threshold"], 0.5);

    let former = house.engine.quality(QualityQuery { former: true, ..quality("") }).await.unwrap();
    assert_eq!(
        former.expectations.iter().map(|one| one.call.as_str()).collect::<Vec<_>>(),
        ["not_null('d', 't', 'city')"]
    );
    assert_eq!((former.passing, former.failing), (1, 1), "former ones are not counted");
    for (search, total) in [("P.D.T", 2), ("UNIQUE", 1), ("check", 2), ("q_d", 2), ("nothing", 0)] {
        assert_eq!(house.engine.quality(quality(search)).await.unwrap().total, total, "{search}");
    }
    let failed = QualityQuery { passed: Some(false), limit: 1, ..quality("") };
    assert_eq!(house.engine.quality(failed).await.unwrap().total, 1);
    let others = QualityQuery { account: "000001".parse().unwrap(), ..quality("") };
    assert_eq!(house.engine.quality(others).await.unwrap().total, 0);

    let history = house.engine.expectation_history(&unique.id, None, 2).await.unwrap();
    assert!(history.more && history.results.len() == 2 && !history.of.former);
    let before = history.results[1].date.parse().unwrap();
    let older = house.engine.expectation_history(&unique.id, Some(before), 2).await.unwrap();
    assert_eq!(older.results.iter().map(|result| &result.run_id).collect::<Vec<_>>(), [&first]);
    assert!(!older.more);
    assert!(house.engine.expectation_history("nothing", None, 2).await.is_err());
    house.engine.set_configuration_status(&table_to_table(&id), None, Some(true), &actor("me")).await.unwrap();
    assert_eq!(house.engine.quality(quality("")).await.unwrap().total, 0, "archived");
}

#[tokio::test]
async fn sensitive_values_are_not_kept() {
    let house = House::new().await;
    let setup = "CREATE OR REPLACE TABLE d.t (id INT64, name STRING OPTIONS(description='Of a person. #sensitive')); \
                 INSERT INTO d.t (id, name) VALUES (1, 'Ada'), (1, 'Bob'); \
                 CREATE OR REPLACE TABLE d.s (id INT64) OPTIONS(description='#SENSITIVE'); \
                 INSERT INTO d.s (id) VALUES (7), (7)";
    let file = "CALL `x.expect.unique`('d', 't', 'id'); CALL `x.expect.unique`('d', 's', 'id')";
    let files = [("setup.sql", setup), ("checks.sql", file), AFTER];
    let mut configuration = checks("secret", "warning");
    configuration["workflow"][2]["criticality"] = json!("warning");
    let id = house.deploy(configuration, &files).await;
    let run = house.run(&id).await.run.run_id;
    let found = house.engine.expectations(&table_to_table(&id), Some(&run), None, 10).await.unwrap();
    assert_eq!(found[0].rejected["rows"], json!([[1, "***"], [1, "***"]]), "{:?}", found[0].rejected);
    assert_eq!((&found[1].rejected, found[1].passed), (&Value::Null, false));
}

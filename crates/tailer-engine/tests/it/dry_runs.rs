//! Dry runs: every task's SQL against the tables that the tasks before would make, all problems at once, nothing run.

use serde_json::{Value, json};
use tailer_engine::EngineError;

use crate::support::{House, launch, sql_tasks};

/// What is wrong, as `file:line:column: path: message`.
async fn problems(house: &House, id: &str, parameters: Value) -> Vec<String> {
    let mut request = launch(id);
    request.parameters = serde_json::from_value(parameters).unwrap();
    match house.engine.dry_run(request).await {
        Ok(()) => Vec::new(),
        Err(EngineError::Problems(problems)) => problems
            .into_iter()
            .map(|p| {
                let place = p.line.map(|line| format!(":{line}:{}", p.column.unwrap_or_default())).unwrap_or_default();
                format!("{}{place}: {}{}", p.file.unwrap_or_default(), p.path, p.message)
            })
            .collect(),
        Err(other) => panic!("{other:?}"),
    }
}

async fn check(id: &str, configuration: Value, files: &[(&str, &str)], expect: &[&str]) {
    let house = House::new().await;
    let id = house.deploy(with_id(configuration, id), files).await;
    let found = problems(&house, &id, json!({})).await;
    assert_eq!(found.len(), expect.len(), "{found:#?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.contains(expect), "expected {expect:?} in {found:?}");
    }
}

fn with_id(mut configuration: Value, id: &str) -> Value {
    configuration["configuration_id"] = json!(id);
    configuration
}

#[tokio::test]
async fn tasks_see_what_earlier_tasks_would_make() {
    let mut pipeline = sql_tasks(
        "x",
        &["make >> fill >> copy >> read"],
        &[
            ("make", "make.sql", "critical"),
            ("fill", "fill.sql", "critical"),
            ("copy", "", "critical"),
            ("read", "read.sql", "critical"),
        ],
    );
    pipeline["workflow"][1]["table_name"] = json!("result_{{FD_DATE}}");
    pipeline["workflow"][2] = json!({
        "id": "copy", "task_type": "copy_gbq_table", "source_gcp_project_id": "p", "source_bq_dataset": "d",
        "source_bq_table": "made", "destination_bq_table": "copied",
    });
    let make = "DECLARE k INT64 DEFAULT 3;\nCREATE TABLE d.made AS SELECT k AS n, 'a' AS label;\nCREATE PROCEDURE d.more(n INT64) BEGIN CREATE TABLE d.by_procedure AS SELECT n AS m; END";
    let fill = "SELECT n + 1 AS next, UPPER(label) AS label FROM made";
    let good =
        "CALL d.more(2);\nFOR r IN (SELECT n FROM copied) DO SELECT r.n + 1; END FOR;\nSELECT m FROM by_procedure";
    check("good", pipeline.clone(), &[("make.sql", make), ("fill.sql", fill), ("read.sql", good)], &[]).await;
    let bad = "SELECT nxt FROM made;\nSELECT n FROM copied WHERE label > 3;\nIF TRUE THEN\n  SELECT * FROM nowhere;\nEND IF;\nDELETE FROM d.made WHERE FALSE";
    let expect =
        ["read.sql:1:8: unrecognized column name: nxt", "read.sql:2:", "read.sql:4:17: not found: table p.d.nowhere"];
    check("bad", pipeline, &[("make.sql", make), ("fill.sql", fill), ("read.sql", bad)], &expect).await;
}

#[tokio::test]
async fn what_follows_from_a_problem_is_not_another() {
    let mut pipeline = sql_tasks(
        "x",
        &["a >> b >> c"],
        &[("a", "a.sql", "critical"), ("b", "b.sql", "critical"), ("c", "c.sql", "critical")],
    );
    pipeline["workflow"][0]["table_name"] = json!("t");
    let files = [
        ("a.sql", "SELECT nothing AS x"),
        ("b.sql", "CREATE TABLE d.u AS\nSELECT x, y FROM t"),
        ("c.sql", "SELECT z FROM u"),
    ];
    check("follows", pipeline, &files, &["a.sql:1:8: unrecognized column name: nothing"]).await;
}

#[tokio::test]
async fn tasks_beside_each_other_do_not_count_on_each_other() {
    let pipeline = sql_tasks("x", &["a, b"], &[("a", "a.sql", "critical"), ("b", "b.sql", "critical")]);
    let files = [("a.sql", "CREATE TABLE d.t AS SELECT 1 AS x"), ("b.sql", "SELECT x FROM t")];
    check("beside", pipeline, &files, &["b.sql:1:15: not found: table p.d.t"]).await;
}

#[tokio::test]
async fn tables_that_are_there_count_and_nothing_is_run() {
    let house = House::new().await;
    house.value("CREATE TABLE d.real AS SELECT 1 AS n; SELECT 1").await;
    let mut pipeline = sql_tasks(
        "x",
        &["a >> b >> c"],
        &[("a", "a.sql", "critical"), ("b", "b.sql", "critical"), ("c", "c.sql", "critical")],
    );
    pipeline["workflow"][0]["table_name"] = json!("real");
    pipeline["workflow"][1] = json!({"id": "b", "task_type": "delete_gbq_table", "bq_table": "real"});
    let files = [("a.sql", "SELECT n, {{extra}} AS other FROM real"), ("c.sql", "SELECT n FROM real")];
    let id = house.deploy(pipeline, &files).await;
    let found = problems(&house, &id, json!({"extra": 5})).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].contains("a.sql: the query gives column `other`, which table p.d.real does not have"),
        "{found:?}"
    );
    assert!(found[1].contains("c.sql:1:15: not found: table p.d.real"), "{found:?}");
    let found = problems(&house, &id, json!({})).await;
    assert!(found[0].contains("nothing replaces {{extra}}"), "{found:?}");
    assert_eq!(house.value("SELECT COUNT(*) FROM d.real").await, 1);
    assert!(house.runs(&crate::support::table_to_table(&id)).await.is_empty());
}

#[tokio::test]
async fn expectations_and_missing_rows_are_checked() {
    let mut pipeline = sql_tasks(
        "x",
        &["a >> b >> c"],
        &[("a", "a.sql", "critical"), ("b", "b.sql", "critical"), ("c", "c.sql", "critical")],
    );
    pipeline["workflow"][1]["task_type"] = json!("expectation");
    pipeline["workflow"][2]["table_name"] = json!("late");
    let files = [
        ("a.sql", "CREATE TABLE d.t AS SELECT 1 AS pk_n"),
        (
            "b.sql",
            "CALL x.expect.primarykey('d', 't', 0);\n CALL x.expect.unique('d', 't', 'm');\nCALL x.expect.not_null('d', 't')",
        ),
        ("c.sql", "CREATE TABLE d.u AS SELECT 1 AS n"),
    ];
    let expect = [
        "b.sql:3:1: not_null(dataset, tablename, column, threshold) does not take 2 arguments",
        "c.sql: the last statement gives no rows for table p.d.late",
    ];
    check("expectations", pipeline.clone(), &files, &expect).await;
    let files =
        [files[0], ("b.sql", "CALL x.expect.primarykey('d', 't', 0);\n CALL x.expect.unique('d', 't', 'm')"), files[2]];
    check("columns", pipeline, &files, &["b.sql:2:2: unrecognized column name: m", expect[1]]).await;
}

#[tokio::test]
async fn sql_made_at_run_time_leaves_things_open() {
    let pipeline = sql_tasks("x", &["a >> b"], &[("a", "a.sql", "critical"), ("b", "b.sql", "critical")]);
    let files = [
        ("a.sql", "EXECUTE IMMEDIATE CONCAT('CREATE TABLE d.', 't AS SELECT 1 AS x')"),
        ("b.sql", "SELECT x FROM t;\nSELECT 1 + 'a'"),
    ];
    check("open", pipeline.clone(), &files, &["b.sql:2:"]).await;
    let files = [
        ("a.sql", "EXECUTE IMMEDIATE 'CREATE TABLE d.t AS SELECT @v AS x' USING 1 AS v"),
        ("b.sql", "SELECT y FROM t"),
    ];
    check("literal", pipeline, &files, &["b.sql:1:8: unrecognized column name: y"]).await;
}

#[tokio::test]
async fn syntax_is_checked_in_every_file() {
    let pipeline = sql_tasks("x", &["a >> b"], &[("a", "a.sql", "critical"), ("b", "b.sql", "critical")]);
    let files = [("a.sql", "IF TRUE THEN\n SELECT 1;"), ("b.sql", "SELECT 1;\nSELEC 2")];
    check(
        "syntax",
        pipeline,
        &files,
        &["a.sql:1:1: syntax error: this statement is not closed", "b.sql:2:1: syntax error"],
    )
    .await;
}

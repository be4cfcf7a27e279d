//! Launching, criticality, limits, cancelling, going on after an interruption.

use serde_json::json;
use tailer_engine::{EngineError, Idempotency};
use tailer_warehouse::Warehouse as _;

use crate::support::{House, ONE, actor, launch, no_op, sql_tasks, table_to_table};

#[tokio::test(flavor = "multi_thread")]
async fn a_launched_run_ends_and_tells_what_it_did() {
    let house = House::new().await;
    let mut configuration = no_op("copy");
    configuration["workflow"][0]["table_name"] = json!("t_{{FD_DATE}}");
    configuration["workflow"][0]["sql_query_template"] = json!("TEMPLATE_CURRENT_DATE");
    let sql = "SELECT {{n}} AS n, DATE '{{TEMPLATE_CURRENT_DATE}}' AS day";
    assert_eq!(house.deploy(configuration, &[("one.sql", sql)]).await, "copy_DEV");
    let mut request = launch("copy");
    request.execution_date = Some("2024-02-29".parse().unwrap());
    request.parameters.insert("n".into(), json!(7));
    let run = house.engine.launch(request).await.unwrap();
    let details = house.ended("copy", &run).await;
    assert_eq!((details.run.status.as_str(), details.run.sub_status.as_str()), ("SUCCESS", "SUCCESS"));
    assert_eq!(details.run.job_id.0, "gbq-to-gbq|copy_DEV");
    assert_eq!(details.tasks[0].sql.as_deref(), Some("SELECT 7 AS n, DATE '2024-02-29' AS day"));
    assert_eq!(details.tasks[0].statistics["rows"], 1);
    assert_eq!(house.value("SELECT n FROM t_20240229").await, json!(7));
    let none = std::time::Duration::ZERO;
    let logs = house.engine.run_logs(&table_to_table("copy"), &run, None, None, none).await.unwrap();
    assert!(logs.results.iter().any(|line| line.message.contains("p.d.t_20240229")), "{logs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_has_the_effect_of_its_criticality() {
    let house = House::new().await;
    let files = [ONE, ("bad.sql", "SELECT * FROM missing_table")];
    for (criticality, status, sub_status, dependant, other) in [
        ("critical", "FAILED", "FAILED", "SKIPPED", "SKIPPED"),
        ("warning", "SUCCESS", "WARNING", "SUCCESS", "SUCCESS"),
        ("transparent", "SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS"),
        ("break", "SUCCESS", "BREAK", "SKIPPED", "SUCCESS"),
        ("stop", "SUCCESS", "STOP", "SKIPPED", "SUCCESS"),
    ] {
        // The children of a warning or transparent task may not be critical.
        let child = if matches!(criticality, "warning" | "transparent") { "warning" } else { "critical" };
        let tasks = [("bad", "bad.sql", criticality), ("dependant", "one.sql", child), ("other", "one.sql", child)];
        // With one slot, `other` has not started when `bad` fails.
        let mut configuration = sql_tasks(criticality, &["bad >> dependant, other"], &tasks);
        configuration["task_dependencies"] = json!(["bad >> dependant"]);
        configuration["task_concurrency"] = json!(1);
        house.deploy(configuration, &files).await;
        let run = house.run(criticality).await;
        let statuses: Vec<&str> = run.tasks.iter().map(|t| t.status.as_str()).collect();
        assert_eq!((run.run.status.as_str(), run.run.sub_status.as_str()), (status, sub_status), "{criticality}");
        assert_eq!(statuses, ["FAILED", dependant, other], "{criticality}");
        assert_eq!(run.run.error.is_some(), status == "FAILED", "{criticality}");
        if let Some(error) = run.run.error {
            assert!(error.contains("bad") && error.contains("missing_table"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_launched_is_refused_with_the_reason() {
    let house = House::new().await;
    house.deploy(no_op("x"), &[ONE]).await;
    let refused = async |change: &dyn Fn(&mut tailer_engine::LaunchRequest)| {
        let mut request = launch("x");
        change(&mut request);
        house.engine.launch(request).await.unwrap_err()
    };
    let code = |error: EngineError| match error {
        EngineError::NotFound { code, .. }
        | EngineError::Conflict { code, .. }
        | EngineError::Invalid { code, .. }
        | EngineError::Mismatch { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(refused(&|r| r.configuration.configuration_id = "y".into()).await), "unknown_configuration");
    assert_eq!(code(refused(&|r| r.configuration.account = "000098".parse().unwrap()).await), "unknown_configuration");
    assert_eq!(code(refused(&|r| r.job_id = Some("gbq-to-gbq|y_DEV".into())).await), "foreign_job_id");
    assert_eq!(code(refused(&|r| r.tasks = Some(vec!["u".parse().unwrap()])).await), "unknown_tasks");
    let array = json!([1]);
    assert_eq!(
        code(
            refused(&|r| {
                r.parameters.insert("a".into(), array.clone());
            })
            .await
        ),
        "invalid_parameters"
    );
    house.engine.set_configuration_status(&table_to_table("x"), Some(false), None, &actor("me")).await.unwrap();
    assert_eq!(code(refused(&|_| {}).await), "disabled");
    house.engine.set_configuration_status(&table_to_table("x"), Some(true), Some(true), &actor("me")).await.unwrap();
    assert_eq!(code(refused(&|_| {}).await), "archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_launches_once() {
    let house = House::new().await;
    house.deploy(no_op("x"), &[ONE]).await;
    let keyed = |hash: &str| {
        let mut request = launch("x");
        request.idempotency = Some(Idempotency { key: "k".into(), body_hash: hash.into() });
        request
    };
    let first = house.engine.launch(keyed("a")).await.unwrap();
    assert_eq!(house.engine.launch(keyed("a")).await.unwrap(), first);
    assert!(matches!(house.engine.launch(keyed("b")).await, Err(EngineError::Mismatch { .. })));
    assert_eq!(house.runs_ended(table_to_table("x"), 1).await.len(), 1);
}

/// Rows enough to keep DuckDB busy for minutes.
const LONG: (&str, &str) = (
    "long.sql",
    "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) a CROSS JOIN UNNEST(GENERATE_ARRAY(1, 1000000)) b \
     WHERE MOD(a * b, 7) = 3",
);

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_its_statement_and_frees_its_slot() {
    let house = House::new().await;
    house.deploy(sql_tasks("long", &[], &[("t", "long.sql", "critical")]), &[LONG]).await;
    let (first, second) = (house.launch("long").await, house.launch("long").await);
    house
        .until("the statement runs and the second waits", async || {
            let details = house.engine.run_details(&table_to_table("long"), &first).await.unwrap();
            let waiting = house.engine.find_run(&second).await.unwrap();
            let waits = waiting.sub_status == "QUEUED" && waiting.reason.is_some_and(|r| r.contains("1 of 1"));
            (details.tasks.first().is_some_and(|t| t.status == "RUNNING") && waits).then_some(())
        })
        .await;
    house.engine.cancel_run(&table_to_table("long"), &second, &actor("me")).await.unwrap();
    house.engine.cancel_run(&table_to_table("long"), &first, &actor("me")).await.unwrap();
    for run in [&first, &second] {
        let details = house.ended("long", run).await;
        assert_eq!((details.run.status.as_str(), details.run.sub_status.as_str()), ("FAILED", "CANCELLED"));
    }
    assert!(matches!(
        house.engine.cancel_run(&table_to_table("long"), &first, &actor("me")).await,
        Err(EngineError::Conflict { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_run_does_not_wait_for_a_long_one() {
    let house = House::new().await;
    for (id, file) in [("long", LONG), ("short", ONE)] {
        let mut configuration = sql_tasks(id, &[], &[("t", file.0, "critical")]);
        configuration["workflow"][0]["table_name"] = json!(id);
        house.deploy(configuration, &[file]).await;
    }
    let long = house.launch("long").await;
    house
        .until("the long task has made the dataset of both", async || {
            house.warehouse.datasets("p").await.unwrap().contains(&"d".to_owned()).then_some(())
        })
        .await;
    for _ in 0..3 {
        assert_eq!(house.run("short").await.run.status, "SUCCESS");
    }
    let details = house.engine.run_details(&table_to_table("long"), &long).await.unwrap();
    assert_eq!(details.run.status, "RUNNING");
    house.engine.cancel_run(&table_to_table("long"), &long, &actor("me")).await.unwrap();
    house.ended("long", &long).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_goes_on_from_its_first_unfinished_task() {
    let house = House::new().await;
    let files = [("add.sql", "INSERT INTO d.seen (n) VALUES (1)"), ("make.sql", "CREATE TABLE d.seen (n INT64)"), LONG];
    house.deploy(sql_tasks("make", &[], &[("t", "make.sql", "critical")]), &files).await;
    house.run("make").await;
    let tasks = [("add", "add.sql", "critical"), ("long", "long.sql", "critical")];
    house.deploy(sql_tasks("x", &["add >> long"], &tasks), &files).await;
    let run = house.launch("x").await;
    let running = async |house: &House| {
        let details = house.engine.run_details(&table_to_table("x"), &run).await.unwrap();
        details.tasks.iter().any(|t| t.task_id.as_str() == "long" && t.status == "RUNNING").then_some(details)
    };
    house.until("the long task runs", async || running(&house).await).await;
    let (folder, clock) = house.stop().await;
    let house = House::on(folder, clock).await;
    let details = house
        .until("it is taken over", async || {
            let logs =
                house.engine.run_logs(&table_to_table("x"), &run, None, None, std::time::Duration::ZERO).await.unwrap();
            let again = logs.results.iter().any(|line| line.message.contains("taken over"));
            if again { running(&house).await } else { None }
        })
        .await;
    assert_eq!(details.tasks[0].status, "SUCCESS");
    assert_eq!(details.tasks[1].attempt, 1, "a takeover is no new attempt");
    assert_eq!(house.value("SELECT COUNT(*) FROM d.seen").await, json!(1));
    house.engine.cancel_run(&table_to_table("x"), &run, &actor("me")).await.unwrap();
    house.ended("x", &run).await;
}

//! Attempts, the time between them, and timeouts of tasks and runs.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tailer_engine::{RunDetails, TaskView};
use tailer_model::RunId;

use crate::support::{House, ONE, actor, sql_tasks, table_to_table};

const HOUR: u32 = 3_600;
const SLOW: (&str, &str) =
    ("slow.sql", "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) a, UNNEST(GENERATE_ARRAY(1, 300000)) b");
const ADD: (&str, &str) = ("add.sql", "SELECT n FROM source");

/// One task that copies the table `source`, once there is one, with another after it.
fn copy(id: &str, fields: Value) -> Value {
    let mut configuration = sql_tasks(id, &[], &[("add", "add.sql", "critical"), ("after", "one.sql", "critical")]);
    configuration["workflow"][0]["table_name"] = json!("copies");
    configuration["workflow"][0]["write_disposition"] = json!("WRITE_APPEND");
    for (name, value) in fields.as_object().unwrap() {
        configuration["workflow"][0][name] = value.clone();
    }
    configuration
}

async fn make_source(house: &House) {
    house.value("CREATE TABLE source AS SELECT 7 AS n; SELECT 1").await;
}

/// Waits until the first task waits for its second attempt.
async fn waiting(house: &House, id: &str, run: &RunId) -> TaskView {
    house
        .until("the task waits", async || {
            let details = house.engine.run_details(&table_to_table(id), run).await.unwrap();
            details.tasks.into_iter().next().filter(|task| task.due_date.is_some())
        })
        .await
}

fn statuses(details: &RunDetails) -> Vec<&str> {
    details.tasks.iter().map(|task| task.status.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_is_tried_again_when_its_delay_has_passed() {
    let house = House::new().await;
    house.deploy(copy("again", json!({"retries": 3, "retry_delay_seconds": HOUR})), &[ONE, ADD]).await;
    let run = house.launch("again").await;
    let task = waiting(&house, "again", &run).await;
    assert_eq!((task.status.as_str(), task.attempt), ("PENDING", 2));
    assert!(task.error.unwrap().contains("source"));
    make_source(&house).await;
    house.clock.advance(SignedDuration::from_hours(1));
    let details = house.ended("again", &run).await;
    assert_eq!((details.run.status.as_str(), statuses(&details)), ("SUCCESS", vec!["SUCCESS", "SUCCESS"]));
    let task = &details.tasks[0];
    assert_eq!((task.attempt, task.attempts.len(), &task.due_date, &task.error), (2, 1, &None, &None));
    assert_eq!(task.attempts[0].attempt, 1);
    assert_eq!(house.value("SELECT COUNT(*) FROM copies").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_fails_when_its_attempts_are_used_up() {
    let house = House::new().await;
    let mut configuration = copy("often", json!({"retry_delay_seconds": 0}));
    configuration["retries"] = json!(2);
    house.deploy(configuration, &[ONE, ADD]).await;
    let details = house.run("often").await;
    assert_eq!((details.run.sub_status.as_str(), statuses(&details)), ("FAILED", vec!["FAILED", "SKIPPED"]));
    let attempts: Vec<u32> = details.tasks[0].attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!((details.tasks[0].attempt, attempts), (3, vec![1, 2, 3]));
    assert!(details.tasks[1].attempts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_survives_an_interruption() {
    let house = House::new().await;
    house.deploy(copy("wait", json!({"retries": 1, "retry_delay_seconds": HOUR})), &[ONE, ADD]).await;
    let run = house.launch("wait").await;
    let due = waiting(&house, "wait", &run).await.due_date;
    make_source(&house).await;
    let (folder, clock) = house.stop().await;
    let house = House::on(folder, clock).await;
    let task = waiting(&house, "wait", &run).await;
    assert_eq!((task.attempt, task.due_date), (2, due));
    house.clock.advance(SignedDuration::from_hours(1));
    let details = house.ended("wait", &run).await;
    assert_eq!((details.run.status.as_str(), details.tasks[0].attempt), ("SUCCESS", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_while_a_task_waits() {
    let house = House::new().await;
    house.deploy(copy("stop", json!({"retries": 1, "retry_delay_seconds": HOUR})), &[ONE, ADD]).await;
    let run = house.launch("stop").await;
    waiting(&house, "stop", &run).await;
    house.engine.cancel_run(&table_to_table("stop"), &run, &actor("me")).await.unwrap();
    let details = house.ended("stop", &run).await;
    assert_eq!((details.run.sub_status.as_str(), statuses(&details)), ("CANCELLED", vec!["SKIPPED", "SKIPPED"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_stopped_and_tried_again() {
    let house = House::new().await;
    let mut configuration = sql_tasks("slow", &[], &[("slow", "slow.sql", "warning"), ("after", "one.sql", "warning")]);
    let endurance = json!({"timeout_seconds": 1, "retries": 1, "retry_delay_seconds": 0});
    configuration["workflow"][0].as_object_mut().unwrap().extend(endurance.as_object().unwrap().clone());
    house.deploy(configuration, &[ONE, SLOW]).await;
    let details = house.run("slow").await;
    assert_eq!((details.run.sub_status.as_str(), statuses(&details)), ("WARNING", vec!["FAILED", "SUCCESS"]));
    let task = &details.tasks[0];
    assert_eq!((task.attempt, task.error.as_deref()), (2, Some("timed out after 1 s")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_is_stopped_also_while_it_waits() {
    let house = House::new().await;
    let mut slow = sql_tasks("slow", &[], &[("slow", "slow.sql", "critical"), ("after", "one.sql", "critical")]);
    slow["timeout_seconds"] = json!(1);
    let mut waits = copy("waits", json!({"retries": 1, "retry_delay_seconds": HOUR}));
    waits["timeout_seconds"] = json!(1);
    for (id, configuration, first) in [("slow", slow, "CANCELLED"), ("waits", waits, "SKIPPED")] {
        house.deploy(configuration, &[ONE, ADD, SLOW]).await;
        let run = house.launch(id).await;
        house
            .until("it has begun", async || {
                let details = house.engine.run_details(&table_to_table(id), &run).await.unwrap();
                let runs = |status: &str| id == "slow" && status == "RUNNING";
                details.tasks.first().filter(|task| runs(&task.status) || task.due_date.is_some()).map(drop)
            })
            .await;
        house.clock.advance(SignedDuration::from_secs(2));
        let details = house.ended(id, &run).await;
        assert_eq!((details.run.status.as_str(), details.run.sub_status.as_str()), ("FAILED", "TIMED_OUT"));
        assert_eq!(statuses(&details), [first, "SKIPPED"], "{id}");
        assert_eq!(details.run.error.as_deref(), Some("timed out: the run may take 1 s"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_when_deployed() {
    let house = House::new().await;
    for (fields, message) in [
        (json!({"retries": -1}), "$.workflow[0].retries"),
        (json!({"retries": 101}), "$.workflow[0].retries"),
        (json!({"retry_delay_seconds": "soon"}), "$.workflow[0].retry_delay_seconds"),
        (json!({"timeout_seconds": 0}), "$.workflow[0].timeout_seconds"),
    ] {
        let refused = house.try_deploy(copy("bad", fields), &[ONE, ADD]).await.unwrap_err();
        assert!(format!("{refused:?}").contains(message), "{refused:?}");
    }
}

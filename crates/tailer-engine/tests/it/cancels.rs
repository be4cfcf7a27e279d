//! One task is stopped while its run goes on.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tailer_engine::{EngineError, RunDetails};
use tailer_model::{RunId, TaskId};

use crate::support::{House, ONE, actor, sql_tasks, table_to_table};

const SLOW: (&str, &str) =
    ("slow.sql", "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) a, UNNEST(GENERATE_ARRAY(1, 300000)) b");

/// `slow`, then `after`; `aside` on its own.
fn three(criticality: &str) -> Value {
    let tasks =
        [("slow", "slow.sql", criticality), ("after", "one.sql", "transparent"), ("aside", "one.sql", "transparent")];
    sql_tasks("three", &["slow >> after"], &tasks)
}

async fn details(house: &House, run: &RunId) -> RunDetails {
    house.engine.run_details(&table_to_table("three"), run).await.unwrap()
}

async fn cancel(house: &House, run: &RunId, task: &str) -> Result<(), EngineError> {
    let task: TaskId = task.parse().unwrap();
    house.engine.cancel_task(&table_to_table("three"), run, &task, &actor("ada")).await
}

async fn until_runs(house: &House, run: &RunId) {
    let running = async || (details(house, run).await.tasks.first()?.status == "RUNNING").then_some(());
    house.until("the slow task runs", running).await;
}

fn outcome(details: &RunDetails) -> (&str, Vec<&str>) {
    (details.run.sub_status.as_str(), details.tasks.iter().map(|task| task.status.as_str()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_counts_as_failed_with_what_its_criticality_makes_of_that() {
    for (criticality, expected) in [
        ("warning", ("WARNING", vec!["CANCELLED", "SUCCESS", "SUCCESS"])),
        ("break", ("BREAK", vec!["CANCELLED", "SKIPPED", "SUCCESS"])),
        ("critical", ("FAILED", vec!["CANCELLED", "SKIPPED", "SUCCESS"])),
    ] {
        let house = House::new().await;
        house.deploy(three(criticality), &[ONE, SLOW]).await;
        let run = house.launch("three").await;
        until_runs(&house, &run).await;
        // Whatever stops the run lets nothing start after it.
        let aside = async || (details(&house, &run).await.tasks.last()?.status == "SUCCESS").then_some(());
        house.until("the other task is done", aside).await;
        cancel(&house, &run, "slow").await.unwrap();
        let details = house.ended("three", &run).await;
        assert_eq!(outcome(&details), expected, "{criticality}");
        assert_eq!(details.tasks[0].error.as_deref(), Some("cancelled by ada"));
        if criticality == "critical" {
            assert_eq!(details.run.error.as_deref(), Some("task slow: cancelled by ada"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_not_started_never_does() {
    let house = House::new().await;
    house.deploy(three("transparent"), &[ONE, SLOW]).await;
    let run = house.launch("three").await;
    until_runs(&house, &run).await;
    cancel(&house, &run, "after").await.unwrap();
    let cancelled = async || (details(&house, &run).await.tasks[1].status == "CANCELLED").then_some(());
    house.until("the second is cancelled while the first runs", cancelled).await;
    assert!(matches!(cancel(&house, &run, "after").await, Err(EngineError::Conflict { .. })), "it has ended");
    assert!(matches!(cancel(&house, &run, "nobody").await, Err(EngineError::NotFound { .. })));
    cancel(&house, &run, "slow").await.unwrap();
    assert_eq!(house.ended("three", &run).await.run.status, "SUCCESS");
    assert!(matches!(cancel(&house, &run, "slow").await, Err(EngineError::Conflict { .. })), "the run has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_tried_again_and_a_crash_forgets_nothing() {
    let house = House::new().await;
    let mut configuration = three("warning");
    configuration["workflow"][0]["retries"] = json!(5);
    configuration["workflow"][0]["retry_delay_seconds"] = json!(3_600);
    configuration["workflow"][0]["sql_file"] = json!("bad.sql");
    house.deploy(configuration, &[ONE, ("bad.sql", "SELECT ERROR('no')")]).await;
    let run = house.launch("three").await;
    house
        .until("it waits for its second attempt", async || details(&house, &run).await.tasks.first()?.due_date.clone())
        .await;
    // The wish is recorded, and nobody acts on it before the server is gone.
    let (id, task) = (run.clone(), "slow".parse().unwrap());
    let wish = move |tx: &mut tailer_store::Tx<'_>| tailer_store::tasks::request_cancel(tx, &id, &task, "ada");
    house.store.write_blocking(tailer_store::Durability::Synced, wish).unwrap();
    let (folder, clock) = house.stop().await;
    clock.advance(SignedDuration::from_mins(1));
    let house = House::on(folder, clock).await;
    let details = house.ended("three", &run).await;
    assert_eq!(outcome(&details), ("WARNING", vec!["CANCELLED", "SUCCESS", "SUCCESS"]));
    assert_eq!(details.tasks[0].attempts.len(), 1);
}

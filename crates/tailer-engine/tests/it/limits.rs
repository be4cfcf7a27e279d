//! The server's bound on running tasks, over all its runs.

use serde_json::json;
use tailer_model::RunId;

use crate::support::{House, ONE, actor, no_op, sql_tasks, table_to_table};

const SLOW: (&str, &str) =
    ("slow.sql", "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) a, UNNEST(GENERATE_ARRAY(1, 300000)) b");

/// Waits until the first task of a run has its place.
async fn until_started(house: &House, id: &str, run: &RunId) {
    house
        .until("the task runs", async || {
            let details = house.engine.run_details(&table_to_table(id), run).await.unwrap();
            details.tasks.first().is_some_and(|task| task.status == "RUNNING").then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_place_and_says_so() {
    let house = House::with(|settings| settings.max_running_tasks = Some(1)).await;
    house.deploy(sql_tasks("slow", &[], &[("slow", "slow.sql", "critical")]), &[SLOW]).await;
    house.deploy(no_op("quick"), &[ONE]).await;
    let slow = house.launch("slow").await;
    until_started(&house, "slow", &slow).await;
    let quick = house.launch("quick").await;
    let reason = house
        .until("the quick run waits", async || {
            let details = house.engine.run_details(&table_to_table("quick"), &quick).await.unwrap();
            // Until a worker has it, that is what it waits for.
            details.run.reason.filter(|reason| !reason.contains("worker"))
        })
        .await;
    assert_eq!(reason, "waits for another task to end: this server runs 1 at once (max_running_tasks)");
    house.engine.cancel_run(&table_to_table("slow"), &slow, &actor("me")).await.unwrap();
    let details = house.ended("quick", &quick).await;
    assert_eq!((details.run.status.as_str(), details.run.reason), ("SUCCESS", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_for_a_place_can_be_cancelled_and_the_place_goes_to_others() {
    let house = House::with(|settings| settings.max_running_tasks = Some(1)).await;
    house.deploy(sql_tasks("slow", &[], &[("slow", "slow.sql", "critical")]), &[SLOW]).await;
    let mut configuration = no_op("quick");
    configuration["max_active_runs"] = json!(2);
    house.deploy(configuration, &[ONE]).await;
    let slow = house.launch("slow").await;
    until_started(&house, "slow", &slow).await;
    let (one, two) = (house.launch("quick").await, house.launch("quick").await);
    for run in [&one, &two] {
        house
            .until("it waits", async || {
                let details = house.engine.run_details(&table_to_table("quick"), run).await.unwrap();
                details.run.reason.filter(|reason| reason.contains("max_running_tasks"))
            })
            .await;
    }
    house.engine.cancel_run(&table_to_table("quick"), &one, &actor("me")).await.unwrap();
    assert_eq!(house.ended("quick", &one).await.run.sub_status, "CANCELLED");
    house.engine.cancel_run(&table_to_table("slow"), &slow, &actor("me")).await.unwrap();
    assert_eq!(house.ended("quick", &two).await.run.status, "SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_go_through_few_places() {
    let house = House::with(|settings| settings.max_running_tasks = Some(2)).await;
    let tasks: Vec<String> = (0..12).map(|n| format!("t{n}")).collect();
    let tasks: Vec<(&str, &str, &str)> = tasks.iter().map(|id| (id.as_str(), "one.sql", "critical")).collect();
    house.deploy(sql_tasks("wide", &[], &tasks), &[ONE]).await;
    house.deploy(sql_tasks("wider", &[], &tasks), &[ONE]).await;
    let (one, two) = (house.launch("wide").await, house.launch("wider").await);
    assert_eq!(house.ended("wide", &one).await.run.status, "SUCCESS");
    assert_eq!(house.ended("wider", &two).await.run.status, "SUCCESS");
}

//! Collecting, firing, resetting (`spec/semantics.md`, Workflow).

use serde_json::json;
use tailer_engine::WorkflowView;

use crate::support::{House, ONE, actor, no_op, reference, table_to_table, workflow};

async fn house() -> House {
    let house = House::new().await;
    for id in ["JA", "JB", "JC", "JT"] {
        house.deploy(no_op(id), &[ONE]).await;
    }
    house.deploy(workflow("W", &["gbq-to-gbq|JA_DEV", "gbq-to-gbq|JB_DEV", "gbq-to-gbq|JC_DEV"], "JT_DEV"), &[]).await;
    house
}

async fn state(house: &House) -> WorkflowView {
    house.engine.workflow_status(&reference("workflow", "W")).await.unwrap()
}

async fn arrived(house: &House) -> String {
    state(house).await.awaited.iter().map(|a| if a.arrived { '1' } else { '0' }).collect()
}

async fn fired(house: &House) -> usize {
    house.runs(&table_to_table("JT")).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_case_fires_with_the_stale_job_unless_reset() {
    for reset in [false, true] {
        let house = house().await;
        for id in ["JA", "JB", "JC"] {
            house.run(id).await;
        }
        assert_eq!(fired(&house).await, 1);
        let target = house.runs_ended(table_to_table("JT"), 1).await.remove(0);
        assert_eq!(target.trigger["type"], "workflow");
        assert_eq!(target.trigger["workflow"], "W");
        assert_eq!(target.trigger["run_ids"].as_array().unwrap().len(), 3);
        // The next morning JC is launched again, by hand.
        house.run("JC").await;
        assert_eq!(arrived(&house).await, "001");
        if reset {
            house.engine.reset_workflow(&reference("workflow", "W"), &actor("me")).await.unwrap();
            assert_eq!(arrived(&house).await, "000");
        }
        house.run("JA").await;
        house.run("JB").await;
        assert_eq!(fired(&house).await, if reset { 1 } else { 2 });
        if reset {
            assert_eq!(arrived(&house).await, "110");
            house.run("JC").await;
            assert_eq!(fired(&house).await, 2);
        }
        let state = state(&house).await;
        assert_eq!((state.firings.len(), state.generation), (2, 3));
        assert_eq!(state.last_reset_date.is_some(), reset);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_completions_fire_once_for_each_full_set() {
    let house = house().await;
    let mut configuration = no_op("JA");
    configuration["max_active_runs"] = json!(20);
    house.deploy(configuration, &[ONE]).await;
    for round in 1..=5 {
        house.run("JB").await;
        house.run("JC").await;
        let mut racing = Vec::new();
        for _ in 0..20 {
            racing.push(house.launch("JA").await);
        }
        for run in racing {
            house.ended("JA", &run).await;
        }
        assert_eq!(fired(&house).await, round);
        assert_eq!(arrived(&house).await, "100", "the successes after the firing count towards the next set");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_completes_while_its_target_is_disabled_fires_once_when_it_is_enabled() {
    let house = house().await;
    let target = table_to_table("JT");
    house.engine.set_configuration_status(&target, Some(false), None, &actor("me")).await.unwrap();
    for id in ["JA", "JB", "JC", "JC"] {
        house.run(id).await;
    }
    assert_eq!((fired(&house).await, arrived(&house).await), (0, "111".into()));
    house.engine.set_configuration_status(&target, Some(true), None, &actor("me")).await.unwrap();
    house.runs_ended(target, 1).await;
    assert_eq!((fired(&house).await, arrived(&house).await), (1, "000".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_workflow_does_not_collect_and_another_accounts_job_does_not_count() {
    let house = house().await;
    house.engine.set_configuration_status(&reference("workflow", "W"), Some(false), None, &actor("me")).await.unwrap();
    house.run("JA").await;
    house.engine.set_configuration_status(&reference("workflow", "W"), Some(true), None, &actor("me")).await.unwrap();
    assert_eq!(arrived(&house).await, "000");
    let mut foreign = no_op("JA");
    foreign["account"] = json!("000098");
    house.deploy(foreign, &[ONE]).await;
    let mut request = crate::support::launch("JA");
    request.configuration.account = "000098".parse().unwrap();
    let run = house.engine.launch(request).await.unwrap();
    house
        .until("it ends", async || (house.engine.find_run(&run).await.unwrap().status == "SUCCESS").then_some(()))
        .await;
    assert_eq!(arrived(&house).await, "000");
}

#[tokio::test(flavor = "multi_thread")]
async fn redeploying_keeps_what_is_still_awaited() {
    let house = house().await;
    house.run("JA").await;
    house.run("JB").await;
    house.deploy(workflow("W", &["gbq-to-gbq|JB_DEV", "gbq-to-gbq|JC_DEV"], "JT"), &[]).await;
    assert_eq!(arrived(&house).await, "10");
    house.run("JC").await;
    assert_eq!(fired(&house).await, 1);
}

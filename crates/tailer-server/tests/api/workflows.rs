//! `/v1/workflow/status`: what a workflow awaits, its firings, its reset.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, House, identified, table_to_table, until, with};

/// `a` and `b` together start `target`.
async fn house() -> (House, String) {
    let house = House::open().await;
    for id in ["a", "b", "target"] {
        house.deploy(table_to_table(id, ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    }
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "both", "environment": "DEV", "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|a_DEV", "gbq-to-gbq|b_DEV"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "target_DEV"},
        "schedule_interval_reset": "None",
    });
    house.deploy(workflow, &[]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    (house, token)
}

async fn status(house: &House, token: &str) -> Value {
    house.call(token, &identified("get_workflow_status", "workflow", "both")).await.is_fine()["results"][0].clone()
}

/// Runs one to its end and waits until the workflow says what `seen` looks for.
async fn run(house: &House, token: &str, id: &str, seen: impl Fn(&Value) -> bool) -> Value {
    let run = house.launch(token, "table-to-table", id).await;
    house.ended(token, "table-to-table", id, &run).await;
    until(async || Some(status(house, token).await).filter(&seen)).await
}

fn arrived(workflow: &Value) -> Vec<bool> {
    workflow["awaited"].as_array().unwrap().iter().map(|job| job["arrived"].as_bool().unwrap()).collect()
}

#[tokio::test]
async fn arrivals_show_fire_and_are_forgotten_by_a_reset() {
    let (house, token) = house().await;
    let fresh = status(&house, &token).await;
    assert_eq!((&fresh["account"], &fresh["environment"]), (&json!(ACCOUNT), &json!("DEV")));
    assert_eq!((&fresh["configuration_id"], &fresh["activated"]), (&json!("both"), &json!(true)));
    assert_eq!((arrived(&fresh), &fresh["firings"]), (vec![false, false], &json!([])));

    let one = run(&house, &token, "a", |workflow| arrived(workflow) == [true, false]).await;
    assert!(one["awaited"][0]["run_id"].is_string() && one["awaited"][0]["date"].is_string(), "{one}");
    assert_eq!(one["awaited"][0]["job_id"], "gbq-to-gbq|a_DEV");

    let reset = identified("reset_workflow_status", "workflow", "both");
    assert_eq!(house.call(&token, &reset).await.is_fine(), json!({"code": 200, "data": {}, "message": "ok"}));
    let after = status(&house, &token).await;
    assert_eq!(arrived(&after), [false, false]);
    assert!(after["last_reset_date"].is_string(), "{after}");

    run(&house, &token, "b", |workflow| arrived(workflow) == [false, true]).await;
    let fired = run(&house, &token, "a", |workflow| workflow["firings"] != json!([])).await;
    let firing = &fired["firings"][0];
    assert_eq!(firing["triggered_by"].as_array().unwrap().len(), 2, "{fired}");
    let target = house.ended(&token, "table-to-table", "target", firing["run_id"].as_str().unwrap()).await;
    assert_eq!(
        (&target["trigger"]["type"], &target["trigger"]["workflow"]),
        (&json!("workflow"), &json!("both")),
        "{target}"
    );
    assert_eq!(arrived(&fired), [false, false]);
}

#[tokio::test]
async fn only_workflows_have_a_workflow_status() {
    let (house, token) = house().await;
    for action in ["get_workflow_status", "reset_workflow_status"] {
        let error =
            house.call(&token, &identified(action, "table-to-table", "a")).await.is_error(400, "invalid_fields");
        assert_eq!(error["data"]["fields"][0]["field"], "configuration_type", "{error}");
        let unknown = house.call(&token, &identified(action, "workflow", "nothing")).await;
        assert_eq!(unknown.status, 404, "{}", unknown.text);
        let elsewhere = with(identified(action, "workflow", "both"), json!({"environment": "PROD"}));
        assert_eq!(house.call(&token, &elsewhere).await.status, 404);
    }
}

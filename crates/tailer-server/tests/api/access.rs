//! Every action of every endpoint is held to its role. An action that is new in the table and has no request here fails.

use serde_json::{Value, json};
use tailer_server::{Role, rules};

use crate::support::{ACCOUNT, House, OTHER, deployment, identified, table_to_table, with};

const RUN: &str = "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29";

/// A request of the action that is complete, about something that does not exist.
pub(crate) fn request(action: &str) -> Value {
    let target = |more: Value| with(identified(action, "table-to-table", "nothing"), more);
    match action {
        "launch_job" => target(json!({"execution_date": "2020-11-09", "parameters": {"a": 1}, "tasks": ["one"]})),
        "backfill" => target(json!({"from": "2020-11-01", "to": "2020/11/09", "dry_run": true})),
        "check_run_status" | "cancel_run" | "get_run_details" => target(json!({"run_id": RUN})),
        "get_last_status" => target(json!({"status": "FAILED", "execution_date": "2020/11/19", "limit": 10})),
        "get_by_status" => json!({
            "action": action, "account": ACCOUNT, "configuration_type": "table-to-table", "status": "FAILED", "limit": 5,
        }),
        "set_run_status" => target(json!({"run_id": RUN, "status": "CHECKED"})),
        "get_run_logs" => target(json!({"run_id": RUN, "task_id": "one", "after": "0", "wait_seconds": 0})),
        "get_expectations" => target(json!({"task_id": "one", "limit": 10})),
        "reset_workflow_status" | "get_workflow_status" => identified(action, "workflow", "nothing"),
        "set_configuration_status" => target(json!({"activated": true, "archived": false})),
        "get_configuration_status" => target(json!({})),
        "get_configuration" => target(json!({"version": 1})),
        "list_configurations" => json!({"action": action, "account": ACCOUNT, "environment": "DEV"}),
        "get_freshness" => json!({"action": action, "account": ACCOUNT, "timing": "Late", "limit": 5}),
        "deploy_configuration" | "check_configuration" => with(
            deployment(table_to_table("new", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]),
            json!({"action": action}),
        ),
        "get_audit_log" => json!({
            "action": action, "account": ACCOUNT, "who": "user:ana", "audit_action": "run_launch",
            "target": "DEV/table-to-table/x", "from": "2024-04-01", "to": "2024-04-30T12:00:00Z", "after": "1.1", "limit": 5,
        }),
        "add_note" => json!({"action": action, "account": ACCOUNT, "run_id": RUN, "text": "x"}),
        "list_notes" => json!({"action": action, "account": ACCOUNT, "run_id": RUN, "before": 5}),
        "storage_notification" => json!({"Records": [{
            "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "in"}, "object": {"key": "drop/a.csv"}},
        }]}),
        _ => panic!("the action {action} has no authorization test"),
    }
}

#[tokio::test]
async fn every_action_needs_its_role_on_the_account() {
    let house = House::open().await;
    for (path, action, needed) in rules() {
        let body = request(action);
        for role in Role::ALL {
            let token = house.token(ACCOUNT, role).await;
            let answer = house.post(path, &token, body.to_string()).await;
            if role < needed {
                let message = answer.is_error(403, "forbidden")["message"].to_string();
                assert!(message.contains(needed.as_str()) && message.contains(role.as_str()), "{action}: {message}");
            } else {
                assert!(!matches!(answer.status.as_u16(), 401 | 403 | 500..), "{action} as {role}: {}", answer.text);
            }
        }
        // A notification names no account: see `notifications`.
        if action != "storage_notification" {
            let stranger = house.token(OTHER, Role::Admin).await;
            let refused = house.post(path, &stranger, body.to_string()).await.is_error(403, "forbidden");
            let message = refused["message"].to_string();
            assert!(message.contains("no role on it"), "{action}: {message}");
        }
        let nobody = house.http.post(format!("{}{path}", house.url)).body(body.to_string()).send().await.unwrap();
        assert_eq!(nobody.status(), 401, "{action}");
    }
}

/// An account's holder learns nothing of another's: what exists and what does not is the same 403.
#[tokio::test]
async fn what_exists_on_another_account_does_not_show() {
    let house = House::open().await;
    let id = house.deploy(table_to_table("secret", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let stranger = house.token(OTHER, Role::Admin).await;
    let ask = async |id: &str| {
        let body = identified("get_last_status", "table-to-table", id);
        house.call(&stranger, &body).await.is_error(403, "forbidden")["message"].clone()
    };
    assert_eq!(ask(&id).await, ask("nothing").await);
}

/// The order of the checks: the form of a request is judged before the role, the role before existence.
#[tokio::test]
async fn a_malformed_request_is_told_so_whatever_the_role() {
    let house = House::open().await;
    let token = house.token(OTHER, Role::Viewer).await;
    house.post("/v1/dag/launch", &token, "{").await.is_error(400, "malformed_json");
    house.call(&token, &json!({"action": "launch_job", "account": ACCOUNT})).await.is_error(400, "invalid_fields");
}

#[tokio::test]
async fn a_configuration_without_account_is_explained_to_deployers_only() {
    let house = House::open().await;
    let mut configuration = table_to_table("x", ACCOUNT);
    configuration["account"] = json!("not an account");
    let body = deployment(configuration, &[("one.sql", "SELECT 1 AS one")]);
    let operator = house.token(ACCOUNT, Role::Operator).await;
    house.call(&operator, &body).await.is_error(403, "forbidden");
    let deployer = house.token(ACCOUNT, Role::Deployer).await;
    let error = house.call(&deployer, &body).await.is_error(400, "invalid_configuration");
    assert_eq!(error["data"]["problems"][0]["path"], "$.account", "{error}");
}

//! Contexts through the API: deployed, shown with their secrets hidden, filled in, and never for a stranger.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, House, OTHER, deployment, identified, table_to_table, with};

const FILES: &[(&str, &str)] = &[("one.sql", "SELECT {{number}} AS one")];

fn context(number: i64) -> Value {
    json!({
        "configuration_type": "context", "configuration_id": "base", "environment": "DEV", "account": ACCOUNT,
        "parameters": {
            "number": {"value": number, "type": "integer"},
            "sftp_pw": {"value": "hunter2", "type": "string", "resource": "sftp_password_secret"},
            "key": {"value": {"cipher_aes": "aa", "tag": "bb", "ciphertext": "hunter2"}, "type": "object"},
        },
    })
}

fn id() -> String {
    format!("{ACCOUNT}_base")
}

async fn house() -> (House, String) {
    let house = House::open().await;
    house.deploy(context(1), &[]).await;
    let token = house.token(ACCOUNT, Role::Deployer).await;
    (house, token)
}

fn with_context(account: &str) -> Value {
    with(deployment(table_to_table("daily", account), FILES), json!({"context": id()}))
}

#[tokio::test]
async fn a_deployment_is_filled_and_remembers_its_context() {
    let (house, token) = house().await;
    house.deploy(context(2), &[]).await;
    let answer = house.call(&token, &with_context("{{FD_ACCOUNT}}")).await.is_fine()["data"].clone();
    let expect = json!({"id": id(), "version": 2});
    assert_eq!((&answer["configuration_id"], &answer["context"]), (&json!(format!("{}_daily_DEV", id())), &expect));
    let deployed = format!("{}_daily", id());
    let shown = async |action: &str| {
        let body = identified(action, "table-to-table", &deployed);
        house.call(&token, &body).await.is_fine()["results"][0].clone()
    };
    assert_eq!(shown("get_configuration_status").await["context"], expect);
    let document = shown("get_configuration").await;
    assert_eq!((&document["configuration"]["account"], &document["files"]), (&json!(ACCOUNT), &json!(["one.sql"])));
    let run = house.launch(&token, "table-to-table", &deployed).await;
    assert_eq!(house.ended(&token, "table-to-table", &deployed, &run).await["status"], "SUCCESS");
    let details = with(identified("get_run_details", "table-to-table", &deployed), json!({"run_id": run}));
    assert_eq!(house.call(&token, &details).await.is_fine()["results"][0]["context"], expect);
}

#[tokio::test]
async fn a_context_is_shown_version_by_version_and_hides_its_secrets() {
    let (house, token) = house().await;
    house.deploy(context(2), &[]).await;
    let get = identified("get_configuration", "context", &id());
    let shown = house.call(&token, &get).await.is_fine();
    assert!(!shown.to_string().contains("hunter2"), "{shown}");
    let parameters = &shown["results"][0]["configuration"]["parameters"];
    assert_eq!((&parameters["number"]["value"], &parameters["key"]["value"]), (&json!(2), &json!("***")));
    let first = house.call(&token, &with(get.clone(), json!({"version": 1}))).await.is_fine();
    assert_eq!(first["results"][0]["configuration"]["parameters"]["number"]["value"], 1);
    house.call(&token, &with(get.clone(), json!({"version": 3}))).await.is_error(404, "unknown_version");
    house.call(&token, &with(get, json!({"version": 0}))).await.is_error(400, "invalid_fields");
    let list = json!({"action": "list_configurations", "account": ACCOUNT, "configuration_type": "context"});
    assert_eq!(house.call(&token, &list).await.is_fine()["results"][0]["configuration_id"], "base");
    let archive = with(identified("set_configuration_status", "context", "base"), json!({"archived": true}));
    house.call(&token, &archive).await.is_fine();
    let refused = house.call(&token, &with_context(ACCOUNT)).await.is_error(400, "invalid_configuration");
    assert!(refused.to_string().contains("disabled or archived"), "{refused}");
    let again = deployment(context(3), &[]);
    house.call(&token, &again).await.is_error(403, "forbidden");
}

#[tokio::test]
async fn a_stranger_learns_and_uses_nothing() {
    let (house, _) = house().await;
    let stranger = house.token(OTHER, Role::Deployer).await;
    house.call(&stranger, &with_context(ACCOUNT)).await.is_error(403, "forbidden");
    house.call(&stranger, &with_context("{{FD_ACCOUNT}}")).await.is_error(403, "forbidden");
    let there = house.call(&stranger, &with_context(OTHER)).await.is_error(400, "invalid_configuration");
    let nothing = with(with_context(OTHER), json!({"context": format!("{ACCOUNT}_none")}));
    let nothing = house.call(&stranger, &nothing).await.is_error(400, "invalid_configuration");
    let message = |error: &Value| error["data"]["problems"][0]["message"].to_string().replace("_none", "_base");
    assert_eq!(message(&there), message(&nothing));
}

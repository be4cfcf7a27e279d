//! `/v1/configuration/deploy`: what is deployed, what is only checked, what is refused with all its problems.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, House, OTHER, deployment, identified, table_to_table, with};

const FILES: &[(&str, &str)] = &[("one.sql", "SELECT 1 AS one")];

async fn house() -> (House, String) {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Deployer).await;
    (house, token)
}

async fn exists(house: &House, token: &str, id: &str) -> bool {
    let body = identified("get_configuration_status", "table-to-table", id);
    house.call(token, &body).await.status == 200
}

#[tokio::test]
async fn a_deployment_answers_its_id_and_version() {
    let (house, token) = house().await;
    let body = deployment(table_to_table("daily", ACCOUNT), FILES);
    for version in [1, 2] {
        let answer = house.call(&token, &body).await.is_fine();
        assert_eq!((&answer["code"], &answer["message"]), (&json!(200), &json!("ok")));
        let data = &answer["data"];
        assert_eq!((&data["configuration_id"], &data["version"]), (&json!("daily_DEV"), &json!(version)), "{answer}");
        assert_eq!((&data["warnings"], &data["next_ticks"]), (&json!([]), &json!([])), "{answer}");
        assert!(data.get("run_id").is_none(), "{answer}");
    }
    let run = house.call(&token, &with(body, json!({"run": true}))).await.is_fine()["data"]["run_id"].clone();
    assert_eq!(house.ended(&token, "table-to-table", "daily", run.as_str().unwrap()).await["status"], "SUCCESS");
}

#[tokio::test]
async fn a_check_has_no_effect() {
    let (house, token) = house().await;
    let check = with(deployment(table_to_table("daily", ACCOUNT), FILES), json!({"action": "check_configuration"}));
    house.call(&token, &check).await.is_fine();
    assert!(!exists(&house, &token, "daily").await);
}

#[tokio::test]
async fn all_problems_are_answered_and_nothing_is_deployed() {
    let (house, token) = house().await;
    let mut configuration = table_to_table("daily", ACCOUNT);
    configuration["workflow"][0]["sql_file"] = json!(7);
    configuration["catchup"] = json!("yes");
    let error = house.call(&token, &deployment(configuration, FILES)).await.is_error(400, "invalid_configuration");
    let problems = error["data"]["problems"].as_array().unwrap();
    assert!(problems.len() >= 2, "{error}");
    for problem in problems {
        assert!(problem["path"].as_str().unwrap().starts_with('$'), "{problem}");
        assert!(problem["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem}");
    }
    assert!(!exists(&house, &token, "daily").await);
}

#[tokio::test]
async fn missing_files_are_named() {
    let (house, token) = house().await;
    let error = house
        .call(&token, &deployment(table_to_table("daily", ACCOUNT), &[]))
        .await
        .is_error(400, "invalid_configuration");
    assert!(error["data"]["problems"].to_string().contains("one.sql"), "{error}");
    assert!(!exists(&house, &token, "daily").await);
}

#[tokio::test]
async fn the_body_must_have_an_object_and_base64() {
    let (house, token) = house().await;
    let check = async |body: Value, field: &str| {
        let error = house.call(&token, &body).await.is_error(400, "invalid_fields");
        assert_eq!(error["data"]["fields"][0]["field"], field, "{error}");
    };
    let body = || deployment(table_to_table("daily", ACCOUNT), FILES);
    check(json!({"action": "deploy_configuration"}), "configuration").await;
    check(with(body(), json!({"configuration": "{}"})), "configuration").await;
    check(with(body(), json!({"files": {"one.sql": "not base64!"}})), "files[\"one.sql\"]").await;
    check(with(body(), json!({"files": ["one.sql"]})), "files").await;
    check(with(body(), json!({"run": "yes"})), "run").await;
}

#[tokio::test]
async fn the_account_in_the_configuration_decides() {
    let (house, token) = house().await;
    house.call(&token, &deployment(table_to_table("daily", OTHER), FILES)).await.is_error(403, "forbidden");
    let stranger = house.token(OTHER, Role::Deployer).await;
    house.call(&stranger, &deployment(table_to_table("daily", OTHER), FILES)).await.is_fine();
    assert!(!exists(&house, &token, "daily").await);
}

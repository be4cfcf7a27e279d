//! `/v1/configuration/status`: flags of deployed configurations, and lists of them.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, House, deployment, identified, table_to_table, with};

async fn house() -> (House, String) {
    let house = House::open().await;
    for id in ["a", "b"] {
        house.deploy(table_to_table(id, ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    }
    let token = house.token(ACCOUNT, Role::Operator).await;
    (house, token)
}

async fn listed(house: &House, token: &str, more: Value) -> Vec<Value> {
    let body = with(json!({"action": "list_configurations", "account": ACCOUNT}), more);
    house.call(token, &body).await.is_fine()["results"].as_array().unwrap().clone()
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|configuration| configuration["configuration_id"].as_str().unwrap()).collect()
}

fn set(more: Value) -> Value {
    with(identified("set_configuration_status", "table-to-table", "a"), more)
}

#[tokio::test]
async fn flags_are_set_and_shown() {
    let (house, token) = house().await;
    let get = identified("get_configuration_status", "table-to-table", "a");
    let shown = async || house.call(&token, &get).await.is_fine()["results"][0].clone();
    let expect = |activated: bool, archived: bool| {
        json!({
            "account": ACCOUNT, "environment": "DEV", "configuration_type": "table-to-table", "configuration_id": "a_DEV",
            "activated": activated, "archived": archived, "version": 1,
        })
    };
    assert_eq!(shown().await, expect(true, false));
    let done = json!({"code": 200, "data": {}, "message": "ok"});
    assert_eq!(house.call(&token, &set(json!({"activated": false}))).await.is_fine(), done);
    assert_eq!(shown().await, expect(false, false));
    house.call(&token, &set(json!({"activated": true, "archived": false}))).await.is_fine();
    assert_eq!(shown().await, expect(true, false));
    house.call(&token, &set(json!({"archived": true}))).await.is_fine();
    assert_eq!(shown().await["archived"], true);

    let error = house.call(&token, &set(json!({}))).await.is_error(400, "invalid_fields");
    assert_eq!(error["data"]["fields"].as_array().unwrap().len(), 2, "{error}");
    house.call(&token, &set(json!({"activated": "false"}))).await.is_error(400, "invalid_fields");
    let unknown = with(set(json!({"activated": true})), json!({"configuration_id": "nothing"}));
    assert_eq!(house.call(&token, &unknown).await.status, 404);
}

#[tokio::test]
async fn only_an_admin_brings_back_what_was_archived() {
    let (house, operator) = house().await;
    let deployer = house.token(ACCOUNT, Role::Deployer).await;
    let admin = house.token(ACCOUNT, Role::Admin).await;
    house.call(&operator, &set(json!({"archived": true}))).await.is_fine();
    for token in [&operator, &deployer] {
        let message =
            house.call(token, &set(json!({"archived": false}))).await.is_error(403, "forbidden")["message"].to_string();
        assert!(message.contains("un-archiving needs the role admin"), "{message}");
    }
    assert_eq!(ids(&listed(&house, &operator, json!({})).await), ["b_DEV"]);
    assert_eq!(ids(&listed(&house, &operator, json!({"archived": true})).await), ["a_DEV"]);
    let redeployment = deployment(table_to_table("a", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]);
    house.call(&deployer, &redeployment).await.is_error(403, "forbidden");
    house.call(&admin, &set(json!({"archived": false}))).await.is_fine();
    house.call(&deployer, &redeployment).await.is_fine();
    assert_eq!(ids(&listed(&house, &operator, json!({})).await), ["a_DEV", "b_DEV"]);
}

#[tokio::test]
async fn lists_have_the_last_run_and_filters() {
    let (house, token) = house().await;
    let run = house.launch(&token, "table-to-table", "a").await;
    house.ended(&token, "table-to-table", "a", &run).await;
    let all = listed(&house, &token, json!({})).await;
    assert_eq!(ids(&all), ["a_DEV", "b_DEV"]);
    assert_eq!((&all[0]["last_run"]["run_id"], &all[1]["last_run"]), (&json!(run), &Value::Null));
    assert_eq!(all[0]["configuration_type"], "gbq-to-gbq");
    let spelled = listed(&house, &token, json!({"configuration_type": "table-to-table"})).await;
    assert_eq!((&spelled[0]["configuration_type"], spelled.len()), (&json!("table-to-table"), 2));
    assert_eq!(spelled[0]["last_run"]["configuration_type"], "table-to-table");
    assert!(listed(&house, &token, json!({"environment": "PROD"})).await.is_empty());
    assert!(listed(&house, &token, json!({"configuration_type": "workflow"})).await.is_empty());
}

//! `launch_job`: what starts, what is refused, and that nothing starts twice.

use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, Answer, House, OTHER, identified, table_to_table, with};

const TYPE: &str = "table-to-table";

async fn house(sql: &str) -> (House, String) {
    let house = House::open().await;
    assert_eq!(house.deploy(table_to_table("daily", ACCOUNT), &[("one.sql", sql)]).await, "daily_DEV");
    let token = house.token(ACCOUNT, Role::Operator).await;
    (house, token)
}

fn launch(more: Value) -> Value {
    with(identified("launch_job", TYPE, "daily_DEV"), more)
}

async fn with_key(house: &House, token: &str, key: &str, body: &Value) -> Answer {
    let request = house.http.post(format!("{}/v1/dag/launch", house.url)).bearer_auth(token);
    let request = request.header("content-type", "application/json");
    let request = request.header("idempotency-key", HeaderValue::from_bytes(key.as_bytes()).unwrap());
    Answer::of(request.body(body.to_string()).send().await.unwrap()).await
}

async fn runs(house: &House, token: &str) -> usize {
    let body = with(identified("get_last_status", TYPE, "daily"), json!({"limit": 1000}));
    house.call(token, &body).await.is_fine()["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_launch_runs_to_its_end() {
    let (house, token) = house("SELECT 1 AS one").await;
    let id = house.launch(&token, TYPE, "daily_DEV").await;
    let run = house.ended(&token, TYPE, "daily_DEV", &id).await;
    assert_eq!((&run["status"], &run["sub_status"]), (&json!("SUCCESS"), &json!("SUCCESS")), "{run}");
    assert_eq!(run["trigger"]["type"], "api");
    assert!(run["trigger"]["by"].as_str().unwrap().starts_with("token:"), "{run}");
}

#[tokio::test]
async fn execution_dates_have_three_forms() {
    let (house, token) = house("SELECT 1 AS one").await;
    for date in ["2020-11-09", "2020/11/09", "2020-11-09T23:00:00-00:00", "2020-11-10T00:30:00+01:00"] {
        let id = house.call(&token, &launch(json!({"execution_date": date}))).await.is_fine()["run_id"].clone();
        let body = with(identified("check_run_status", TYPE, "daily"), json!({"run_id": id}));
        assert_eq!(house.call(&token, &body).await.is_fine()["results"][0]["execution_date"], "2020-11-09", "{date}");
    }
    house.call(&token, &launch(json!({"execution_date": "09.11.2020"}))).await.is_error(400, "invalid_fields");
}

#[tokio::test]
async fn parameters_go_into_the_sql() {
    let (house, token) = house("SELECT '{{name}}' AS name, {{number}} AS number").await;
    let body = launch(json!({"parameters": {"name": "it's", "number": 7}}));
    let id = house.call(&token, &body).await.is_fine()["run_id"].as_str().unwrap().to_owned();
    let run = house.ended(&token, TYPE, "daily", &id).await;
    assert_eq!(run["status"], "SUCCESS", "{run}");
    let details = with(identified("get_run_details", TYPE, "daily"), json!({"run_id": id}));
    let details = house.call(&token, &details).await.is_fine()["results"][0].clone();
    let sql = details["tasks"][0]["sql"].as_str().unwrap();
    assert!(sql.contains("7 AS number") && !sql.contains("{{"), "{sql}");

    for wrong in [json!({"a": []}), json!({"a": {}}), json!([]), json!("a")] {
        house.call(&token, &launch(json!({"parameters": wrong}))).await.is_error(400, "invalid_fields");
    }
}

#[tokio::test]
async fn what_cannot_be_launched_says_why() {
    let (house, token) = house("SELECT 1 AS one").await;
    let deployer = house.token(ACCOUNT, Role::Deployer).await;
    let check = async |body: Value, status: u16| {
        let answer = house.call(&token, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        answer.json()["message"].as_str().unwrap().to_owned()
    };
    check(identified("launch_job", TYPE, "nothing"), 404).await;
    check(with(launch(json!({})), json!({"environment": "PROD"})), 404).await;
    check(with(launch(json!({})), json!({"account": OTHER})), 403).await;
    check(launch(json!({"job_id": "gbq-to-gbq|other_DEV"})), 400).await;
    check(launch(json!({"tasks": ["nothing"]})), 400).await;
    let says = check(identified("launch_job", "storage-to-tables", "load"), 400).await;
    assert!(says.contains("file"), "{says}");
    let flags = |more| with(identified("set_configuration_status", TYPE, "daily"), more);
    house.call(&deployer, &flags(json!({"activated": false}))).await.is_fine();
    check(launch(json!({})), 409).await;
    house.call(&deployer, &flags(json!({"activated": true, "archived": true}))).await.is_fine();
    check(launch(json!({})), 409).await;
    assert_eq!(runs(&house, &token).await, 0);
}

#[tokio::test]
async fn a_key_launches_once() {
    let (house, token) = house("SELECT 1 AS one").await;
    let body = launch(json!({"execution_date": "2020-11-09"}));
    let answers = futures::future::join_all((0..16).map(|_| with_key(&house, &token, "nightly", &body))).await;
    let ids: Vec<_> = answers.iter().map(|answer| answer.is_fine()["run_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(runs(&house, &token).await, 1);

    let other = with_key(&house, &token, "nightly", &launch(json!({}))).await;
    assert_eq!(other.status, 422, "{}", other.text);
    assert_ne!(with_key(&house, &token, "nightly-2", &body).await.is_fine()["run_id"], ids[0]);
    with_key(&house, &token, "a b", &body).await.is_error(400, "invalid_idempotency_key");
    with_key(&house, &token, &"k".repeat(256), &body).await.is_error(400, "invalid_idempotency_key");
    assert_eq!(runs(&house, &token).await, 2);
}

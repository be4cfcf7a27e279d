//! The form of requests: what is said of a body, a path, a method, a header that is not right.

use reqwest::Method;
use serde_json::{Value, json};
use tailer_server::{Role, rules};

use crate::support::{ACCOUNT, Answer, House, identified, with};

#[tokio::test]
async fn unknown_paths_and_wrong_methods_have_json_bodies() {
    let house = House::open().await;
    for path in ["/v1", "/v1/dag/launch/", "/v1/dag/nothing", "/healthz/x", "/%00"] {
        let message = house.get(path).await.is_error(404, "unknown_path")["message"].to_string();
        assert!(message.contains("/v1/dag/launch"), "{path}: {message}");
    }
    for (path, ..) in rules() {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let url = format!("{}{path}", house.url);
            let answer = Answer::of(house.http.request(method, url).send().await.unwrap()).await;
            answer.is_error(405, "wrong_method");
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
    let answer = Answer::of(house.http.post(format!("{}/healthz", house.url)).send().await.unwrap()).await;
    answer.is_error(405, "wrong_method");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn the_body_must_be_declared_to_be_json() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let body = json!({"action": "list_configurations", "account": ACCOUNT}).to_string();
    let send = async |content_type: Option<&str>| {
        let request = house.http.post(format!("{}/v1/configuration/status", house.url)).bearer_auth(&token);
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        Answer::of(request.body(body.clone()).send().await.unwrap()).await
    };
    send(Some("application/json; charset=utf-8")).await.is_fine();
    for wrong in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json; charset=utf-16")]
    {
        send(wrong).await.is_error(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn bodies_have_a_largest_size() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Deployer).await;
    let padded = |body: Value, size: usize| {
        let text = body.to_string();
        let padding = " ".repeat(size - text.len());
        format!("{padding}{text}")
    };
    let list = || json!({"action": "list_configurations", "account": ACCOUNT});
    let mib = 1 << 20;
    house.post("/v1/configuration/status", &token, padded(list(), mib)).await.is_fine();
    let error =
        house.post("/v1/configuration/status", &token, padded(list(), mib + 1)).await.is_error(413, "body_too_large");
    assert_eq!(error["data"]["limit"], mib);
    for (path, ..) in rules().filter(|(path, ..)| !path.ends_with("deploy")) {
        house.post(path, &token, padded(list(), 2 * mib)).await.is_error(413, "body_too_large");
    }
    let deploy = || json!({"action": "deploy_configuration"});
    house.post("/v1/configuration/deploy", &token, padded(deploy(), 20 * mib)).await.is_error(400, "invalid_fields");
    house
        .post("/v1/configuration/deploy", &token, padded(deploy(), 64 * mib + 1))
        .await
        .is_error(413, "body_too_large");
    let stream = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 << 10]));
    let endless = reqwest::Body::wrap_stream(futures::StreamExt::take(stream, 40));
    house.post("/v1/configuration/status", &token, endless).await.is_error(413, "body_too_large");
}

#[tokio::test]
async fn unknown_actions_get_the_valid_ones() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    for (path, action, _) in rules().filter(|(_, action, _)| *action != "storage_notification") {
        let error = house.post(path, &token, r#"{"action": "dance"}"#).await.is_error(400, "unknown_action");
        assert!(error["message"].as_str().unwrap().contains(action), "{error}");
        assert!(error["data"]["actions"].as_array().unwrap().contains(&json!(action)), "{error}");
    }
    let error =
        house.post("/v1/dag/launch", &token, r#"{"action": "cancel_run"}"#).await.is_error(400, "unknown_action");
    assert!(error["message"].as_str().unwrap().contains("an action of /v1/dag/status"), "{error}");
    for body in ["{}", r#"{"action": null}"#, r#"{"action": 7}"#] {
        let error = house.post("/v1/dag/launch", &token, body).await.is_error(400, "invalid_fields");
        assert_eq!(error["data"]["fields"][0]["field"], "action", "{error}");
        assert_eq!(error["data"]["actions"], json!(["launch_job", "backfill"]), "{error}");
    }
}

#[tokio::test]
async fn all_wrong_fields_are_named_at_once() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let body = json!({
        "action": "get_last_status", "account": 99, "environment": "dev", "configuration_typ": "workflow",
        "status": "DONE", "execution_date": "yesterday", "limit": 0, "configuration_id": ["x"], "extra": 1,
    });
    let error = house.call(&token, &body).await.is_error(400, "invalid_fields");
    let fields: Vec<_> =
        error["data"]["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    let expect =
        ["account", "environment", "configuration_type", "configuration_id", "execution_date", "status", "limit"];
    assert_eq!(fields, expect);
    let message = error["message"].as_str().unwrap();
    for field in expect {
        assert!(message.contains(&format!("`{field}`")), "{field}: {message}");
    }
    assert!(message.contains("is `configuration_typ` meant?"), "{message}");
    assert_eq!(error["data"]["fields"][0]["found"], "99");
    assert_eq!(error["data"]["fields"][0]["expected"], "six digits in a string, such as \"000110\"");
    assert!(error["data"]["fields"][2].get("found").is_none(), "it is missing: {error}");
    assert_eq!(error["data"]["ignored"], json!(["configuration_typ", "extra"]));
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_named_on_errors_only() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let body = json!({"action": "list_configurations", "account": ACCOUNT, "client_version": "0.1"});
    assert_eq!(house.call(&token, &body).await.is_fine(), json!({"results": []}));
    let body = with(identified("get_last_status", "workflow", "nothing"), json!({"client_version": "0.1"}));
    let answer = house.call(&token, &body).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(answer.json()["data"]["ignored"], json!(["client_version"]));
}

#[tokio::test]
async fn odd_json_gets_a_clean_answer() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let launch = |more: &str| {
        format!(
            r#"{{"action": "launch_job", "account": "{ACCOUNT}", "environment": "DEV", "configuration_type": "gbq-to-gbq", "configuration_id": "x"{more}}}"#
        )
    };
    let check = async |body: String, status: u16| {
        let answer = house.post("/v1/dag/launch", &token, body.clone()).await;
        let shown: String = body.chars().take(300).collect();
        assert_eq!(answer.status.as_u16(), status, "{shown}: {}", answer.text);
        assert_eq!(answer.json()["code"], status);
    };
    check(launch(""), 404).await;
    check(launch(&format!(r#", "unknown": {deep}"#)), 404).await;
    check(launch(&format!(r#", "parameters": {deep}"#)), 400).await;
    check(launch(&format!(r#", "parameters": {{"a": {deep}}}"#)), 400).await;
    check(launch(&format!(r#", "job_id": {deep}"#)), 400).await;
    check(deep.clone(), 400).await;
    check("{".repeat(100_000), 400).await;
    check(launch(r#", "account": "000001""#), 400).await;
    check(launch(r#", "parameters": {"a": 1e99999}"#), 400).await;
    check(launch(r#", "limit": 123456789012345678901234567890"#), 404).await;
    check(launch(r#", "job_id": "a\u0000b""#), 400).await;
    check(launch(r#", "job_id": "\ud83d""#), 400).await;
    check(launch(r#", "execution_date": "2023-02-29""#), 400).await;
    check(launch(r#", "execution_date": "2020-11-09\u0000""#), 400).await;
    check(launch(r#", "tasks": []"#), 400).await;
    check(launch(r#", "tasks": ["a-b", 3]"#), 400).await;
    check(launch(r#", "job_id": null, "tasks": null, "parameters": null"#), 404).await;
    let bytes = [launch("").as_bytes(), b"\xff"].concat();
    house.post("/v1/dag/launch", &token, bytes).await.is_error(400, "malformed_json");
}

#[tokio::test]
async fn a_principal_that_asks_too_fast_is_told_when_to_come_back() {
    let house = House::with(|settings| {
        settings.limits.requests_per_second = 1;
        settings.limits.burst = 3;
    })
    .await;
    let (one, two) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Viewer).await);
    let body = json!({"action": "list_configurations", "account": ACCOUNT});
    for _ in 0..3 {
        house.call(&one, &body).await.is_fine();
    }
    let refused = house.call(&one, &body).await;
    refused.is_error(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "1");
    house.call(&two, &body).await.is_fine();
    house.clock.turn(jiff::SignedDuration::from_secs(1));
    house.call(&one, &body).await.is_fine();
}

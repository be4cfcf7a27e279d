//! Notifications of storages: what they are good for, who may send them, and that a file told of often is handled once.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, Answer, House, OTHER, identified, until, with};

const PATH: &str = "/v1/storage/notifications";

fn receive(id: &str, account: &str, kind: &str, template: &str) -> Value {
    json!({
        "configuration_type": "storage-to-storage", "configuration_id": id, "environment": "DEV", "account": account,
        "version": "2", "filename_templates": [{"filename_template": template}],
        "source": {"type": kind, format!("{kind}_source_bucket"): "in", format!("{kind}_source_prefix"): "drop"},
        "destinations": [{"type": "gcs", "gcs_destination_bucket": "out", "gcs_destination_prefix": id}],
    })
}

fn pub_sub(event: &str, object: &str) -> Value {
    let data = json!({"kind": "storage#object", "bucket": "in", "name": object}).to_string();
    json!({
        "message": {
            "attributes": {"eventType": event, "bucketId": "in", "objectId": object, "payloadFormat": "JSON_API_V1"},
            "data": BASE64_STANDARD.encode(data), "messageId": "1", "publishTime": "2024-01-01T00:00:00Z",
        },
        "subscription": "projects/p/subscriptions/s",
    })
}

fn s3(key: &str) -> Value {
    json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "in"}, "object": {"key": key, "size": 1}},
    }]})
}

/// Objects told of, and those that are watched.
#[track_caller]
fn accepted(answer: &Answer) -> (u64, u64) {
    assert_eq!(answer.status, 202, "{}", answer.text);
    let data = &answer.json()["data"];
    (data["objects"].as_u64().unwrap(), data["watched"].as_u64().unwrap())
}

#[tokio::test]
async fn a_file_told_of_often_is_handled_once() {
    let house = House::open().await;
    house.deploy(receive("google", ACCOUNT, "gcs", "*"), &[]).await;
    house.deploy(receive("amazon", ACCOUNT, "s3", "*"), &[]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    house.put("in/drop/a b.csv", "x").await;
    let records = s3("drop/a+b.csv");
    for body in [
        pub_sub("OBJECT_FINALIZE", "drop/a b.csv"),
        pub_sub("OBJECT_FINALIZE", "drop/a b.csv"),
        records.clone(),
        json!({"Type": "Notification", "Message": records.to_string()}),
    ] {
        assert_eq!(accepted(&house.post(PATH, &token, body.to_string()).await), (1, 1), "{body}");
    }
    let runs = async |id| {
        let body = with(identified("get_last_status", "storage-to-storage", id), json!({"limit": 10}));
        until(async || {
            let runs = house.call(&token, &body).await.is_fine()["results"].as_array().unwrap().clone();
            runs.iter().any(|run| run["status"] != "RUNNING").then_some(runs.len())
        })
        .await
    };
    assert_eq!((runs("google").await, runs("amazon").await), (1, 1));
    let metrics = house.get("/metrics").await.text;
    assert!(metrics.contains("tailerd_storage_notifications_total{outcome=\"watched\"} 4"), "{metrics}");
}

#[tokio::test]
async fn what_nobody_watches_is_no_error() {
    let house = House::open().await;
    house.deploy(receive("google", ACCOUNT, "gcs", "*"), &[]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let check = async |body: Value, expect: (u64, u64)| {
        assert_eq!(accepted(&house.post(PATH, &token, body.to_string()).await), expect, "{body}");
    };
    check(pub_sub("OBJECT_FINALIZE", "elsewhere/a.csv"), (1, 0)).await;
    check(pub_sub("OBJECT_FINALIZE", "drop/below/a.csv"), (1, 0)).await;
    check(pub_sub("OBJECT_FINALIZE", "drop/../drop/a.csv"), (1, 0)).await;
    check(pub_sub("OBJECT_DELETE", "drop/a.csv"), (0, 0)).await;
    check(s3("drop/a.csv"), (1, 0)).await;
    check(json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "in"}), (0, 0)).await;
    check(json!({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example.com/"}), (0, 0)).await;
    let metrics = house.get("/metrics").await.text;
    assert!(metrics.contains("tailerd_storage_notifications_total{outcome=\"unknown\"} 4"), "{metrics}");
}

#[tokio::test]
async fn what_is_no_notification_is_told_where() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    for (body, error, place) in [
        ("{\"Records\": [", "malformed_json", json!({"line": 1, "column": 13})),
        ("", "malformed_json", json!({"line": 1, "column": 1})),
        ("{\"a\": 1}", "invalid_notification", json!({"path": "$"})),
        ("{\"Records\": [{}]}", "invalid_notification", json!({"path": "$.Records[0].eventName"})),
        ("{\"message\": {\"data\": \"%\"}}", "invalid_notification", json!({"path": "$.message.data"})),
    ] {
        assert_eq!(house.post(PATH, &token, body).await.is_error(400, error)["data"], place, "{body}");
    }
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20));
    house.post(PATH, &token, large).await.is_error(413, "body_too_large");
}

#[tokio::test]
async fn a_token_speaks_for_its_account_wherever_it_stands() {
    let house = House::open().await;
    house.deploy(receive("google", ACCOUNT, "gcs", "*"), &[]).await;
    let body = pub_sub("OBJECT_FINALIZE", "drop/a.csv").to_string();
    let send = async |query: &str, content_type: &str| {
        let request = house.http.post(format!("{}{PATH}{query}", house.url)).header("content-type", content_type);
        Answer::of(request.body(body.clone()).send().await.unwrap()).await
    };
    let (token, other) = (house.token(ACCOUNT, Role::Operator).await, house.token(OTHER, Role::Admin).await);
    // Amazon's notification service declares its JSON to be text.
    assert_eq!(accepted(&send(&format!("?token={token}"), "text/plain; charset=UTF-8").await), (1, 1));
    assert_eq!(accepted(&send(&format!("?a=b&token={other}"), "application/json").await), (1, 0), "not its account's");
    send("?token=x", "application/json").await.is_error(401, "invalid_token");
    send("?token=", "application/json").await.is_error(401, "missing_token");
    send("", "application/json").await.is_error(401, "missing_token");
    send(&format!("?token={token}"), "application/xml").await.is_error(415, "unsupported_media_type");
    let viewer = house.token(ACCOUNT, Role::Viewer).await;
    let refused = house.post(PATH, &viewer, body.clone()).await.is_error(403, "forbidden");
    assert!(refused["message"].as_str().unwrap().contains("operator"), "{refused}");
}

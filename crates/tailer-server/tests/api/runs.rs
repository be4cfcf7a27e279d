//! `/v1/dag/status`: one run, lists of runs, and what people do to runs.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, House, OTHER, identified, table_to_table, until, with};

const GOOD: &str = "SELECT 1 AS one";
const BAD: &str = "SELECT no_such_column FROM no_such_table";
/// Runs for far longer than any test waits.
pub(crate) const ENDLESS: &str = "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a, \
                                  UNNEST(GENERATE_ARRAY(1, 100000)) AS b, UNNEST(GENERATE_ARRAY(1, 100000)) AS c \
                                  WHERE MOD(a * b + c, 7) = 3";

async fn house(operations: &[(&str, &str)]) -> (House, String) {
    let house = House::open().await;
    for (id, sql) in operations {
        house.deploy(table_to_table(id, ACCOUNT), &[("one.sql", sql)]).await;
    }
    let token = house.token(ACCOUNT, Role::Operator).await;
    (house, token)
}

async fn list(house: &House, token: &str, body: Value) -> Vec<Value> {
    house.call(token, &body).await.is_fine()["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_run_is_found_under_its_identity_only() {
    let (house, token) = house(&[("good", GOOD), ("other", GOOD)]).await;
    let id = house.launch(&token, "gbq-to-gbq", "good").await;
    house.ended(&token, "gbq-to-gbq", "good", &id).await;
    let ask = async |more: Value| {
        let body = with(identified("check_run_status", "gbq-to-gbq", "good"), json!({"run_id": id}));
        house.call(&token, &with(body, more)).await
    };
    for kind in ["gbq-to-gbq", "table-to-table"] {
        for name in ["good", "good_DEV"] {
            let run = &ask(json!({"configuration_type": kind, "configuration_id": name})).await.is_fine()["results"][0];
            assert_eq!((&run["configuration_type"], &run["configuration_id"]), (&json!(kind), &json!("good_DEV")));
        }
    }
    ask(json!({"job_id": "gbq-to-gbq|good_DEV"})).await.is_fine();
    assert_eq!(ask(json!({"job_id": "gbq-to-gbq|other_DEV"})).await.status, 400);
    assert_eq!(ask(json!({"configuration_id": "other"})).await.status, 404);
    assert_eq!(ask(json!({"configuration_id": "nothing"})).await.status, 404);
    assert_eq!(ask(json!({"environment": "PROD"})).await.status, 404);
    assert_eq!(ask(json!({"run_id": "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29"})).await.status, 404);
    ask(json!({"run_id": "not a run id"})).await.is_error(400, "invalid_fields");
    ask(json!({"account": OTHER})).await.is_error(403, "forbidden");
}

#[tokio::test]
async fn a_run_id_and_its_account_say_everything() {
    let (house, token) = house(&[("good", GOOD)]).await;
    let id = house.launch(&token, "table-to-table", "good").await;
    house.ended(&token, "table-to-table", "good", &id).await;
    let ask = async |action: &str, more: Value| {
        house.call(&token, &with(json!({"action": action, "account": ACCOUNT, "run_id": id}), more)).await
    };
    let run = &ask("check_run_status", json!({})).await.is_fine()["results"][0];
    assert_eq!((&run["run_id"], &run["configuration_type"]), (&json!(id), &json!("gbq-to-gbq")));
    for action in ["get_run_details", "get_run_logs"] {
        assert!(!ask(action, json!({})).await.is_fine()["results"].as_array().unwrap().is_empty(), "{action}");
    }
    // Some of the identity is a slip, none of it is a choice.
    ask("check_run_status", json!({"environment": "DEV"})).await.is_error(400, "invalid_fields");
    house.call(&token, &json!({"action": "check_run_status", "run_id": id})).await.is_error(400, "invalid_fields");
    ask("check_run_status", json!({"account": OTHER})).await.is_error(403, "forbidden");
    let other = house.token(OTHER, Role::Admin).await;
    let stranger = json!({"action": "check_run_status", "account": OTHER, "run_id": id});
    house.call(&other, &stranger).await.is_error(404, "unknown_run");
}

#[tokio::test]
async fn lists_are_filtered_newest_first_and_limited() {
    let (house, token) = house(&[("good", GOOD), ("bad", BAD)]).await;
    let mut good = Vec::new();
    for _ in 0..12 {
        let id = house.launch(&token, "table-to-table", "good").await;
        house.ended(&token, "table-to-table", "good", &id).await;
        good.push(json!(id));
    }
    let bad = house.launch(&token, "table-to-table", "bad").await;
    assert_eq!(house.ended(&token, "table-to-table", "bad", &bad).await["status"], "FAILED");
    good.reverse();
    let ids = |runs: &[Value]| runs.iter().map(|run| run["run_id"].clone()).collect::<Vec<_>>();

    let last = |more: Value| with(identified("get_last_status", "table-to-table", "good"), more);
    assert_eq!(ids(&list(&house, &token, last(json!({}))).await), good[..10]);
    assert_eq!(ids(&list(&house, &token, last(json!({"limit": 1000}))).await), good);
    assert_eq!(ids(&list(&house, &token, last(json!({"limit": 1, "status": "SUCCESS"}))).await), good[..1]);
    assert_eq!(ids(&list(&house, &token, last(json!({"job_id": "gbq-to-gbq|good_DEV", "limit": 2}))).await), good[..2]);
    assert!(list(&house, &token, last(json!({"status": "FAILED"}))).await.is_empty());
    assert!(list(&house, &token, last(json!({"execution_date": "2020/11/19"}))).await.is_empty());
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert_eq!(list(&house, &token, last(json!({"execution_date": today}))).await.len(), 10);
    for limit in [0, 1001] {
        house.call(&token, &last(json!({"limit": limit}))).await.is_error(400, "invalid_fields");
    }
    assert_eq!(house.call(&token, &last(json!({"job_id": "gbq-to-gbq|bad_DEV"}))).await.status, 400);

    let by = |more: Value| {
        with(json!({"action": "get_by_status", "account": ACCOUNT, "configuration_type": "gbq-to-gbq"}), more)
    };
    let failed = list(&house, &token, by(json!({"status": "FAILED"}))).await;
    assert_eq!(ids(&failed), [json!(bad)]);
    assert_eq!(failed[0]["configuration_type"], "gbq-to-gbq");
    assert!(failed[0]["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", failed[0]);
    assert_eq!(list(&house, &token, by(json!({"limit": 100}))).await.len(), 13);
    assert_eq!(list(&house, &token, by(json!({"limit": 100, "environment": "PROD"}))).await.len(), 0);
    let of_one = json!({"limit": 100, "environment": "DEV", "configuration_id": "bad"});
    assert_eq!(ids(&list(&house, &token, by(of_one)).await), [json!(bad)]);
    house.call(&token, &by(json!({"configuration_id": "bad"}))).await.is_error(400, "invalid_fields");
}

#[tokio::test]
async fn details_show_the_tasks() {
    let (house, token) = house(&[("good", GOOD)]).await;
    let id = house.launch(&token, "table-to-table", "good").await;
    house.ended(&token, "table-to-table", "good", &id).await;
    let body = with(identified("get_run_details", "table-to-table", "good"), json!({"run_id": id}));
    let details = &list(&house, &token, body).await[0];
    assert_eq!((&details["run_id"], &details["configuration_version"]), (&json!(id), &json!(1)));
    let task = &details["tasks"][0];
    for (field, value) in [("task_id", "one"), ("task_type", "sql"), ("status", "SUCCESS"), ("criticality", "critical")]
    {
        assert_eq!(task[field], value, "{task}");
    }
    assert!(task["start_date"].is_string() && task["end_date"].is_string() && task["error"].is_null(), "{task}");
}

#[tokio::test]
async fn a_failed_run_is_marked_as_dealt_with() {
    let (house, token) = house(&[("bad", BAD)]).await;
    let id = house.launch(&token, "table-to-table", "bad").await;
    house.ended(&token, "table-to-table", "bad", &id).await;
    let body = |status: &str| {
        with(identified("set_run_status", "table-to-table", "bad"), json!({"run_id": id, "status": status}))
    };
    assert_eq!(house.call(&token, &body("CHECKED")).await.is_fine(), json!({"code": 200, "data": {}, "message": "ok"}));
    assert_eq!(house.ended(&token, "table-to-table", "bad", &id).await["status"], "CHECKED");
    house.call(&token, &body("QUEUED")).await.is_error(400, "invalid_fields");
    house.call(&token, &body("checked")).await.is_error(400, "invalid_fields");
}

#[tokio::test]
async fn a_run_is_cancelled_while_its_statement_runs() {
    let (house, token) = house(&[("endless", ENDLESS)]).await;
    let id = house.launch(&token, "table-to-table", "endless").await;
    let about = |action: &str| with(identified(action, "table-to-table", "endless"), json!({"run_id": id}));
    until(async || {
        let details = list(&house, &token, about("get_run_details")).await;
        (details[0]["tasks"][0]["status"] == "RUNNING").then_some(())
    })
    .await;
    assert_eq!(
        house.call(&token, &about("cancel_run")).await.is_fine(),
        json!({"code": 200, "data": {}, "message": "ok"})
    );
    let run = house.ended(&token, "table-to-table", "endless", &id).await;
    assert_eq!((&run["status"], &run["sub_status"]), (&json!("FAILED"), &json!("CANCELLED")), "{run}");
}

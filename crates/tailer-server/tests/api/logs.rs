//! `get_run_logs`: reading on from a cursor and waiting for lines.

use std::time::Duration;

use serde_json::{Value, json};
use tailer_server::Role;
use tokio::time::timeout;

use crate::{
    runs::ENDLESS,
    support::{ACCOUNT, House, identified, table_to_table, until, with},
};

async fn house(sql: &str) -> (House, String, String) {
    let house = House::open().await;
    house.deploy(table_to_table("daily", ACCOUNT), &[("one.sql", sql)]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let run = house.launch(&token, "table-to-table", "daily").await;
    (house, token, run)
}

fn logs(run: &str, more: Value) -> Value {
    with(identified("get_run_logs", "table-to-table", "daily"), with(json!({"run_id": run}), more))
}

#[tokio::test]
async fn lines_are_read_once_from_the_cursor_on() {
    let (house, token, run) = house("SELECT 1 AS one").await;
    house.ended(&token, "table-to-table", "daily", &run).await;
    let all = house.call(&token, &logs(&run, json!({}))).await.is_fine();
    let lines = all["results"].as_array().unwrap();
    assert!(!lines.is_empty());
    for line in lines {
        assert!(line["date"].as_str().unwrap().ends_with("+00:00"), "{line}");
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    let of_task = house.call(&token, &logs(&run, json!({"task_id": "one"}))).await.is_fine();
    assert!(of_task["results"].as_array().unwrap().iter().all(|line| line["task_id"] == "one"), "{of_task}");
    // The run has ended: there is nothing to wait for.
    let rest = logs(&run, json!({"after": all["after"], "wait_seconds": 60}));
    let rest = timeout(Duration::from_secs(20), house.call(&token, &rest)).await.expect("an answer at once").is_fine();
    assert_eq!((&rest["results"], &rest["after"]), (&json!([]), &all["after"]));
}

#[tokio::test]
async fn cursors_and_waits_must_make_sense() {
    let (house, token, run) = house("SELECT 1 AS one").await;
    for wrong in
        [json!({"wait_seconds": 61}), json!({"wait_seconds": -1}), json!({"after": {}}), json!({"task_id": "a-b"})]
    {
        house.call(&token, &logs(&run, wrong)).await.is_error(400, "invalid_fields");
    }
    let answer = house.call(&token, &logs(&run, json!({"after": "nonsense"}))).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
}

#[tokio::test]
async fn a_stopping_server_does_not_keep_waiting_readers() {
    let (house, token, run) = house(ENDLESS).await;
    let mut after = json!("0");
    loop {
        let now = house.call(&token, &logs(&run, json!({"after": after, "wait_seconds": 1}))).await.is_fine();
        after = now["after"].clone();
        if now["results"] == json!([]) {
            break;
        }
    }
    let waiting = logs(&run, json!({"after": after, "wait_seconds": 60}));
    let stop = async {
        until(async || house.get("/metrics").await.text.contains("tailerd_http_requests_in_flight 1\n").then_some(()))
            .await;
        house.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(timeout(Duration::from_secs(20), house.call(&token, &waiting)), stop);
    answer.expect("the reader is let go").is_fine();
    house.cancel("daily", &run).await;
}

//! The six bodies of the seed's examples, byte for byte, over HTTP/1.1 with the header of `curl --http2` and over HTTP/2.
//! The operations that they name are deployed under their ids first.

use reqwest::{Client, StatusCode};
use serde_json::json;
use tailer_model::RunId;
use tailer_server::Role;

use crate::support::{Answer, House, table_to_table, until, with};

const ACCOUNT: &str = "000110";
const LAUNCH: &str = include_str!("seed/launch_job.json");
const CHECK: &str = include_str!("seed/check_run_status.json");
const LAST_OF_JOB: &str = include_str!("seed/get_last_status_job.json");
const LAST: &str = include_str!("seed/get_last_status.json");
const MISSING_COMMA: &str = include_str!("seed/get_last_status_missing_comma.json");
const RESET: &str = include_str!("seed/reset_workflow_status.json");

async fn house() -> (House, String) {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Deployer).await;
    let table_to_table = table_to_table("000110-tailer-TTT-POC-ETL-VTE", ACCOUNT);
    let files = json!({
        "action": "deploy_configuration", "files": {"one.sql": "U0VMRUNUIDEgQVMgb25l"},
    });
    let storage_to_storage = json!({
        "configuration_type": "storage-to-storage", "configuration_id": "000110-tailer-STS-POC-ETL-VTE",
        "environment": "DEV", "account": ACCOUNT, "version": "2", "filename_templates": "*",
        "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "files"},
        "destinations": [{"type": "gcs", "gcs_destination_bucket": "out", "gcs_destination_prefix": "files"}],
    });
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "000110-tailer-workflow-count", "environment": "DEV",
        "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|000110-tailer-TTT-POC-ETL-VTE_DEV"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "000110-tailer-TTT-POC-ETL-VTE_DEV"},
        "schedule_interval_reset": "None",
    });
    for configuration in [table_to_table, storage_to_storage, workflow] {
        house.call(&token, &with(files.clone(), json!({"configuration": configuration}))).await.is_fine();
    }
    (house, token)
}

/// As curl sends it with `--http2` to a server in clear text.
async fn with_upgrade_header(house: &House, path: &str, token: &str, body: &'static str) -> Answer {
    let request = house.http.post(format!("{}{path}", house.url)).bearer_auth(token);
    let request = request
        .header("content-type", "application/json")
        .header("connection", "Upgrade, HTTP2-Settings")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAAQCAAAAAAIAAAAA");
    Answer::of(request.body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn launch_then_follow_the_run() {
    let (house, token) = house().await;
    let launched = with_upgrade_header(&house, "/v1/dag/launch", &token, LAUNCH).await.is_fine();
    let run_id = launched["run_id"].as_str().unwrap();
    assert_eq!(launched, json!({"run_id": run_id}), "only the run's id");
    run_id.parse::<RunId>().unwrap();

    let check = CHECK.replace("20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29", run_id);
    let run = until(async || {
        let run = house.post("/v1/dag/status", &token, check.clone()).await.is_fine()["results"][0].clone();
        (run["status"] != "RUNNING").then_some(run)
    })
    .await;
    let expect = json!({
        "account": ACCOUNT, "configuration_id": "000110-tailer-TTT-POC-ETL-VTE_DEV", "configuration_type": "gbq-to-gbq",
        "environment": "DEV", "job_id": "gbq-to-gbq|000110-tailer-TTT-POC-ETL-VTE_DEV", "run_id": run_id,
        "status": "SUCCESS", "sub_status": "SUCCESS", "execution_date": "2020-11-09", "error": null,
    });
    for (field, value) in expect.as_object().unwrap() {
        assert_eq!(&run[field], value, "{field} of {run}");
    }
    let first_ten: Vec<_> = run.as_object().unwrap().keys().take(10).map(String::as_str).collect();
    assert_eq!(
        first_ten,
        [
            "account",
            "configuration_id",
            "configuration_type",
            "duration",
            "environment",
            "job_id",
            "last_update_date",
            "run_id",
            "start_execution_date",
            "status"
        ]
    );
    assert_eq!(run["trigger"]["type"], "api");
    assert!(run["duration"].as_str().unwrap().starts_with("0:0"), "{run}");
    assert!(run["start_execution_date"].as_str().unwrap().ends_with("+00:00"), "{run}");
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_404() {
    let (house, token) = house().await;
    let error = with_upgrade_header(&house, "/v1/dag/status", &token, CHECK).await;
    assert_eq!(error.status, StatusCode::NOT_FOUND, "{}", error.text);
    assert_eq!(error.json()["code"], 404);
}

#[tokio::test]
async fn last_statuses_of_an_operation_that_never_ran_are_none() {
    let (house, token) = house().await;
    for body in [LAST_OF_JOB, LAST] {
        let answer = with_upgrade_header(&house, "/v1/dag/status", &token, body).await.is_fine();
        assert_eq!(answer, json!({"results": []}));
    }
}

#[tokio::test]
async fn the_missing_comma_is_named_by_line_and_column() {
    let (house, token) = house().await;
    let error =
        with_upgrade_header(&house, "/v1/dag/status", &token, MISSING_COMMA).await.is_error(400, "malformed_json");
    assert_eq!((&error["data"]["line"], &error["data"]["column"]), (&json!(6), &json!(11)), "{error}");
    assert!(error["message"].as_str().unwrap().contains("line 6, column 11"), "{error}");
    let mended = MISSING_COMMA.replace("ETL-VTE\"", "ETL-VTE\",");
    let answer = house.post("/v1/dag/status", &token, mended).await.is_fine();
    assert_eq!(answer, json!({"results": []}));
}

#[tokio::test]
async fn a_workflow_is_reset_over_http2_too() {
    let (house, token) = house().await;
    let done = json!({"code": 200, "data": {}, "message": "ok"});
    assert_eq!(with_upgrade_header(&house, "/v1/workflow/status", &token, RESET).await.is_fine(), done);
    let h2 = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let request = h2.post(format!("{}/v1/workflow/status", house.url)).bearer_auth(&token);
    let response = request.header("content-type", "application/json").body(RESET).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(Answer::of(response).await.is_fine(), done);
}

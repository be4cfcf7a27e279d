//! Queries written to files (`spec/data-operations.md`, table-to-storage).

use serde_json::{Value, json};
use tailer_engine::RunDetails;

use crate::support::{House, launch, reference};

/// Two exports into one folder that is emptied first.
fn export() -> Value {
    json!({
        "configuration_type": "table-to-storage", "configuration_id": "export", "environment": "DEV", "account": "000099",
        "version": "3", "schedule_interval": "None", "start_date": "2024, 1, 1",
        "gcs_dest_bucket": "out", "gcs_dest_prefix": "reports", "gcp_project_id": "p", "destination_format": "CSV",
        "field_delimiter": ",", "generate_top_file": true, "delete_dest_bucket_content": true,
        "tasks": [
            {"task_id": "first", "sql_file": "first.sql", "output_filename": "first_{{FD_DATE}}.csv"},
            {"task_id": "second", "sql_file": "second.sql", "output_filename": "second_{{FD_DATE}}.csv"}
        ]
    })
}

async fn run(house: &House) -> RunDetails {
    let mut request = launch("export");
    request.configuration = reference("table-to-storage", "export");
    request.execution_date = Some("2024-02-29".parse().unwrap());
    let run = house.engine.launch(request).await.unwrap();
    house
        .until("the export ends", async || {
            let details = house.engine.run_details(&reference("table-to-storage", "export"), &run).await.unwrap();
            (details.run.status != "RUNNING").then_some(details)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_one_run_share_a_folder_that_is_emptied_of_what_was_there_before() {
    let house = House::new().await;
    house.deploy(export(), &[("first.sql", "SELECT 1 AS n"), ("second.sql", "SELECT 'a' AS s")]).await;
    for path in ["out/reports/old.csv", "out/reports_too/kept.csv", "out/kept.csv"] {
        house.drop_file(path, "x");
        let file = std::fs::File::options().write(true).open(house.bucket(path)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    }
    let details = run(&house).await;
    assert_eq!(details.run.status, "SUCCESS", "{details:?}");
    let mut there: Vec<String> = std::fs::read_dir(house.bucket("out/reports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(
        there,
        [
            "first_20240229-000000000000.csv",
            "first_20240229.csv.top",
            "second_20240229-000000000000.csv",
            "second_20240229.csv.top"
        ]
    );
    assert!(house.bucket("out/reports_too/kept.csv").exists() && house.bucket("out/kept.csv").exists());
    let written = std::fs::read_to_string(house.bucket("out/reports/first_20240229-000000000000.csv")).unwrap();
    assert_eq!(written, "n\n1\n");
    assert_eq!(details.tasks[0].statistics["files"], json!(["gs://out/reports/first_20240229-000000000000.csv"]));
}

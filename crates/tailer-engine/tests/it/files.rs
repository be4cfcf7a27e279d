//! Files that arrive, are copied, loaded, archived (`spec/semantics.md`, File arrival).

use serde_json::{Value, json};

use crate::support::{House, actor, reference};

fn receive() -> Value {
    json!({
        "configuration_type": "storage-to-storage", "configuration_id": "receive", "environment": "DEV",
        "account": "000099", "version": "2",
        "filename_templates": [{"filename_template": "sales_{{FD_DATE}}.csv", "file_description": "sales"}],
        "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "archive_prefix": "drop/archive"},
        "destinations": [
            {"type": "gcs", "gcs_destination_bucket": "lake", "gcs_destination_prefix": "incoming"},
            {"type": "gcs", "gcs_destination_bucket": "backup", "gcs_destination_prefix": ""}
        ]
    })
}

pub(crate) fn load() -> Value {
    json!({
        "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV", "account": "000099",
        "version": "2",
        "source": {"type": "gcs", "gcs_source_bucket": "lake", "gcs_source_prefix": "incoming", "gcs_archive_prefix": "done"},
        "destinations": [{
            "type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "source_format": "CSV", "field_delimiter": ",",
            "write_disposition": "WRITE_APPEND", "add_tailer_metadata": true,
            "tables": [{"table_name": "sales", "filename_template": "sales_{{FD_DATE}}.csv", "ddl_mode": "file",
                        "ddl_file": "sales.json"}]
        }]
    })
}

pub(crate) const DDL: (&str, &str) =
    ("sales.json", r#"{"schema": [{"name": "shop", "type": "STRING"}, {"name": "n", "type": "INT64"}]}"#);

#[tokio::test(flavor = "multi_thread")]
async fn a_file_travels_from_one_bucket_through_another_into_a_table() {
    let house = House::new().await;
    house.deploy(receive(), &[]).await;
    house.deploy(load(), &[DDL]).await;
    house.drop_file("in/drop/sales_20240229.csv", "shop,n\na,1\nb,2\n");
    house.drop_file("in/drop/readme.txt", "no template matches this");
    let copied = house.runs_ended(reference("storage-to-storage", "receive"), 2).await;
    let by = |status: &str| copied.iter().find(|run| run.status == status).unwrap();
    assert_eq!(by("SUCCESS").job_id.0, "storage-to-storage|000099|receive|DEV|sales_{{FD_DATE}}.csv");
    assert_eq!(by("NO_MATCH").job_id.0, "storage-to-storage|000099|receive|DEV");
    assert_eq!(by("NO_MATCH").trigger["file"], "gs://in/drop/readme.txt");
    let loaded = house.runs_ended(reference("storage-to-tables", "load"), 1).await.remove(0);
    assert_eq!(loaded.status, "SUCCESS", "{loaded:?}");
    assert_eq!(
        house.value("SELECT SUM(n) FROM sales WHERE tlr_input_file_name = 'sales_20240229.csv'").await,
        json!(3)
    );
    for there in [
        "in/drop/readme.txt",
        "in/drop/archive/20240229/sales_20240229.csv",
        "backup/sales_20240229.csv",
        "lake/done/20240229/sales_20240229.csv",
    ] {
        assert!(house.bucket(there).exists(), "{there}");
    }
    for gone in ["in/drop/sales_20240229.csv", "lake/incoming/sales_20240229.csv"] {
        assert!(!house.bucket(gone).exists(), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_load_leaves_table_and_file_as_they_were() {
    let house = House::new().await;
    house.deploy(load(), &[DDL]).await;
    house.drop_file("lake/incoming/sales_20240228.csv", "shop,n\na,1\n");
    house.runs_ended(reference("storage-to-tables", "load"), 1).await;
    house.drop_file("lake/incoming/sales_20240229.csv", "shop,n\nb,2\nc,many\n");
    let run = house.runs_ended(reference("storage-to-tables", "load"), 2).await.remove(0);
    assert_eq!(run.status, "FAILED");
    let error = run.error.unwrap();
    assert!(error.contains("line 3") && error.contains('n'), "{error}");
    assert_eq!(house.value("SELECT COUNT(*) FROM sales").await, json!(1));
    assert!(house.bucket("lake/incoming/sales_20240229.csv").exists());
    // Rewritten, it is a new file.
    house.drop_file("lake/incoming/sales_20240229.csv", "shop,n\nb,2\nc,3\n");
    house.runs_ended(reference("storage-to-tables", "load"), 3).await;
    assert_eq!(house.value("SELECT SUM(n) FROM sales").await, json!(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_wait_while_their_operation_is_disabled() {
    let house = House::new().await;
    house.deploy(receive(), &[]).await;
    let receive = reference("storage-to-storage", "receive");
    house.engine.set_configuration_status(&receive, Some(false), None, &actor("me")).await.unwrap();
    house.drop_file("in/drop/sales_20240229.csv", "x");
    house.engine.set_configuration_status(&receive, Some(true), None, &actor("me")).await.unwrap();
    assert_eq!(house.runs_ended(receive, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_has_the_effect_of_the_policy() {
    for (policy, status, stays) in [
        ("PROCESS", "SUCCESS", false),
        ("TRIGGER_FAILED_STATUS", "FAILED", true),
        ("TRIGGER_SUCCESS_STATUS", "SUCCESS", true),
    ] {
        let house = House::new().await;
        let mut configuration = receive();
        configuration["empty_file_policy"] = json!(policy);
        house.deploy(configuration, &[]).await;
        house.drop_file("in/drop/sales_20240229.csv", "");
        let runs = house.runs_ended(reference("storage-to-storage", "receive"), 1).await;
        assert_eq!(runs[0].status, status, "{policy}");
        assert_eq!(house.bucket("in/drop/sales_20240229.csv").exists(), stays, "{policy}");
        assert_eq!(house.bucket("backup/sales_20240229.csv").exists(), !stays, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_rests_is_taken_at_once_whatever_arrives_elsewhere() {
    let settle = std::time::Duration::from_millis(300);
    let house = House::with(|settings| {
        settings.file_rest = settle;
        // Nothing may depend on the next full look.
        settings.poll_every = std::time::Duration::from_secs(3600);
    })
    .await;
    house.deploy(receive(), &[]).await;
    house.deploy(load(), &[DDL]).await;
    house.drop_file("lake/incoming/sales_20240228.csv", "shop,n\na,1\n");
    house.drop_file("in/drop/sales_20240229.csv", "shop,n\na,1\n");
    house.runs_ended(reference("storage-to-tables", "load"), 2).await;
    assert_eq!(house.value("SELECT SUM(n) FROM sales").await, json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_replaces_another_of_the_same_folder_but_not_another_accounts() {
    let house = House::new().await;
    house.deploy(load(), &[DDL]).await;
    let mut other = load();
    other["configuration_id"] = json!("other");
    other["account"] = json!("000098");
    assert!(house.try_deploy(other.clone(), &[DDL]).await.is_err());
    assert!(house.engine.configuration_status(&reference("storage-to-tables", "load")).await.unwrap().activated);
    other["account"] = json!("000099");
    let deployed = house.try_deploy(other, &[DDL]).await.unwrap();
    assert!(deployed.warnings.iter().any(|w| w.message.contains("load")), "{deployed:?}");
    let replaced = house.engine.configuration_status(&reference("storage-to-tables", "load")).await.unwrap();
    assert!(!replaced.activated && replaced.archived);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_lines_are_kept_on_the_run_and_shown_in_its_log() {
    let house = House::new().await;
    let mut configuration = load();
    configuration["destinations"][0]["bq_load_job_max_bad_records"] = json!(2);
    house.deploy(configuration, &[DDL]).await;
    house.drop_file("lake/incoming/sales_20240229.csv", "shop,n\na,1\nb,two\nc\n");
    let run = house.runs_ended(reference("storage-to-tables", "load"), 1).await.remove(0);
    assert_eq!(run.status, "SUCCESS", "{run:?}");
    assert_eq!(house.value("SELECT COUNT(*) FROM sales").await, json!(1));
    let details = house.engine.run_details(&reference("storage-to-tables", "load"), &run.run_id).await.unwrap();
    let statistics = &details.tasks[0].statistics;
    assert_eq!(statistics["rejected_rows"], 2);
    assert_eq!(statistics["rejected"][0]["line"], 3);
    assert_eq!(statistics["rejected"][0]["column"], "n");
    assert_eq!(statistics["rejected"][1]["text"], "c");
}

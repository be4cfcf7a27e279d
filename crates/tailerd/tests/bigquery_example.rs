//! The example `examples/retail` and the Iowa files, the configurations as they are, on BigQuery's emulator (`TAILERD_TEST_BIGQUERY`, set by `.ci/counterparts`):
//! byte for byte the reports that the embedded warehouse exports (`stories.rs` compares those with the same files).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, bigquery::Proxy, iowa, text, until, write_json};

const PROJECT: &str = "retail-demo";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/retail")
}

/// Removes what a run of this test before left in the emulator.
async fn clean(endpoint: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let datasets = format!("{endpoint}/bigquery/v2/projects/{PROJECT}/datasets");
    let Ok(listed) = client.get(&datasets).send().await.unwrap().json::<Value>().await else { return };
    for dataset in listed["datasets"].as_array().into_iter().flatten() {
        let url = format!("{datasets}/{}?deleteContents=true", text(&dataset["datasetReference"], "datasetId"));
        client.delete(url).send().await.unwrap().error_for_status().unwrap();
    }
}

/// Waits until so many runs of an operation have ended, all of them well.
fn successes(server: &Server, kind: &str, id: &str, count: usize) {
    until(&format!("{count} runs of {id} to end"), || {
        let runs = server.runs(kind, id);
        let ended: Vec<&Value> = runs.iter().filter(|run| text(run, "status") != "RUNNING").collect();
        assert!(ended.iter().all(|run| text(run, "status") == "SUCCESS"), "{ended:#?}");
        (ended.len() == count).then_some(())
    });
}

fn exported(reports: &Path, start: &str) -> String {
    let names = fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let [name] =
        names.filter(|name| name.starts_with(start) && !name.ends_with(".top")).collect::<Vec<_>>().try_into().unwrap();
    fs::read_to_string(reports.join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn its_reports_are_those_of_the_embedded_warehouse_byte_for_byte() {
    let Some((proxy, endpoint)) = Proxy::start().await else { return };
    clean(&endpoint).await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let settings = folder.path().join("tailerd.toml");
    let warehouse =
        format!("[warehouse.{PROJECT}]\nkind = \"bigquery\"\nendpoint = \"{endpoint}\"\ncreate_datasets = true\n");
    fs::write(&settings, warehouse).unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &["--config", settings.to_str().unwrap()]);
    server.deploy(&example());
    let drop_here = data.join("buckets/retail-in/drop");
    fs::create_dir_all(&drop_here).unwrap();
    let order = fs::read_to_string(example().join("drop-order.txt")).unwrap();
    let mut dropped = 0;
    for wave in order.lines() {
        for file in wave.split_whitespace() {
            fs::copy(example().join("data").join(file), drop_here.join(file)).unwrap();
            dropped += 1;
        }
        successes(&server, "storage-to-tables", "retail-load", dropped);
    }
    successes(&server, "table-to-table", "retail-prepare", 1);
    successes(&server, "table-to-storage", "retail-export", 1);
    let reports = data.join("buckets/retail-out/reports");
    for (start, file) in [("revenue_", "revenue.csv"), ("best_sellers_", "best_sellers.json")] {
        let expected = fs::read_to_string(example().join("expected").join(file)).unwrap();
        assert_eq!(exported(&reports, start), expected, "{file}");
    }
    assert!(!data.join(format!("warehouse/{PROJECT}.duckdb")).exists(), "nothing of it is in the embedded warehouse");
    proxy.judge();
}

/// Loads the Iowa files, sums them up, and exports a table of what was loaded and one of what was made; answers the exports.
fn iowa_exports(source: &Path, folder: &Path, project: &str, more: &[&str]) -> Vec<String> {
    let files = folder.join("files");
    fs::create_dir_all(&files).unwrap();
    iowa::configurations(&files, project);
    let exports = [("sales", "invoice_and_item_number", "CSV"), ("by_county", "county, day", "NEWLINE_DELIMITED_JSON")];
    let tasks = exports.map(|(table, order, format)| {
        fs::write(files.join(format!("{table}.sql")), format!("SELECT * FROM `{project}.d.{table}` ORDER BY {order}")).unwrap();
        json!({ "id": table, "sql_file": format!("{table}.sql"), "output_filename": table, "destination_format": format })
    });
    let export = json!({
        "configuration_type": "table-to-storage", "configuration_id": "iowa-export", "environment": "DEV", "account": ACCOUNT,
        "version": "3", "schedule_interval": "None", "gcp_project_id": project, "gcs_dest_bucket": "out",
        "gcs_dest_prefix": "all", "field_delimiter": ",", "tasks": tasks,
    });
    write_json(&files.join("export.json"), &export);
    let server = Server::start_with(&folder.join("data"), more);
    server.deploy(&files);
    let incoming = server.data.join("buckets/iowa/incoming");
    fs::create_dir_all(&incoming).unwrap();
    let names: Vec<_> = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in &names {
        fs::copy(source.join(name), incoming.join(name)).unwrap();
    }
    successes(&server, "storage-to-tables", "iowa", names.len());
    server.tailerd(&["launch", "table-to-table", "iowa_by_county_DEV", "--wait"]).good();
    server.tailerd(&["launch", "table-to-storage", "iowa-export", "--wait"]).good();
    exports.iter().map(|(table, ..)| exported(&server.data.join("buckets/out/all"), table)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_iowa_files_are_exported_alike_by_both() {
    let (Some(source), Some((proxy, endpoint))) = (iowa::files(), Proxy::start().await) else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let settings = folder.path().join("tailerd.toml");
    let warehouse =
        format!("[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{endpoint}\"\ncreate_datasets = true\n");
    fs::write(&settings, warehouse).unwrap();
    let project = format!("t{}", uuid::Uuid::new_v4().simple());
    let embedded = iowa_exports(&source, &folder.path().join("embedded"), &project, &[]);
    let more = ["--config", settings.to_str().unwrap()];
    let emulator = iowa_exports(&source, &folder.path().join("emulator"), &project, &more);
    assert!(embedded == emulator && embedded[0].lines().count() > 20_000, "the exports differ");
    proxy.judge();
}

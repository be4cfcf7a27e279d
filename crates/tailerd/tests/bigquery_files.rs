//! Files in and out of BigQuery with the real program, at the emulator and the bucket beside it (`TAILERD_TEST_BIGQUERY`, set by
//! `.ci/counterparts`): through a staging bucket, and by their address in a bucket that both sides reach.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, skip, text, until, write_json};

/// The emulator and the bucket service beside it.
struct Cloud {
    bigquery: String,
    storage: String,
    client: reqwest::Client,
    /// Of this test.
    name: String,
}

impl Cloud {
    fn of_counterparts() -> Option<Self> {
        let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
            skip(true, "no emulator in TAILERD_TEST_BIGQUERY");
            return None;
        };
        let told: Value = serde_json::from_str(&told).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let name = format!("t{}", uuid::Uuid::new_v4().simple());
        let storage = text(&told["gcs"], "endpoint").to_owned();
        Some(Self { bigquery: text(&told, "endpoint").to_owned(), storage, client, name })
    }

    async fn make_bucket(&self) {
        let url = format!("{}/storage/v1/b?project=p", self.storage);
        self.client.post(url).json(&json!({ "name": self.name })).send().await.unwrap().error_for_status().unwrap();
    }

    async fn put(&self, object: &str, content: &'static str) {
        let url = format!("{}/upload/storage/v1/b/{}/o?uploadType=media&name={object}", self.storage, self.name);
        self.client.post(url).body(content).send().await.unwrap().error_for_status().unwrap();
    }

    async fn objects(&self) -> Vec<String> {
        let url = format!("{}/storage/v1/b/{}/o", self.storage, self.name);
        let listed: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let items = listed["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| text(item, "name").to_owned()).collect()
    }

    async fn content(&self, object: &str) -> String {
        let object = object.replace('/', "%2F");
        let url = format!("{}/storage/v1/b/{}/o/{object}?alt=media", self.storage, self.name);
        self.client.get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// What the load jobs of this test's project were asked to do.
    async fn loads(&self) -> Vec<Value> {
        let url = format!("{}/bigquery/v2/projects/{}/jobs?projection=full&maxResults=1000", self.bigquery, self.name);
        let listed: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let jobs = listed["jobs"].as_array().cloned().unwrap_or_default();
        jobs.iter().map(|job| job["configuration"]["load"].clone()).filter(|load| !load.is_null()).collect()
    }

    /// The warehouse of every project, and of the buckets either all or the one of this test.
    fn settings(&self, folder: &Path, bucket: &str, more: &str) -> String {
        let file = folder.join("tailerd.toml");
        let settings = format!(
            "[storage.gcs.\"{bucket}\"]\nservice = \"gcs\"\nendpoint = \"{}\"\nanonymous = true\n\n\
             [warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{}\"\ncreate_datasets = true\n{more}",
            self.storage, self.bigquery
        );
        fs::write(&file, settings).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

/// A load of `in/*.csv` by the first line's names, and an export of what was loaded; both in one bucket.
fn configurations(folder: &Path, project: &str, bucket: &str, delimiter: &str) {
    fs::create_dir_all(folder).unwrap();
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "source": { "type": "gcs", "gcs_source_bucket": bucket, "gcs_source_prefix": "in",
            "gcs_archive_prefix": "archive" },
        "destinations": [{ "type": "bigquery", "gcp_project_id": project, "gbq_dataset": "d", "field_delimiter": delimiter,
            "tables": [{ "table_name": "t", "filename_template": "t_{{FD_DATE}}.csv", "ddl_mode": "header" }] }],
    });
    write_json(&folder.join("load.json"), &load);
    fs::write(folder.join("all.sql"), format!("SELECT * FROM `{project}.d.t` ORDER BY name")).unwrap();
    let export = json!({
        "configuration_type": "table-to-storage", "configuration_id": "export", "environment": "DEV", "account": ACCOUNT,
        "version": "3", "schedule_interval": "None", "gcp_project_id": project, "gcs_dest_bucket": bucket,
        "gcs_dest_prefix": "out", "field_delimiter": "|",
        "tasks": [{ "id": "all", "sql_file": "all.sql", "output_filename": "all.csv" }],
    });
    write_json(&folder.join("export.json"), &export);
}

const CONTENT: &str = "name,Unit Price\na,1.50\nb,\"2, about\"\n";
const EXPORTED: &str = "name|Unit_Price\na|1.50\nb|2, about\n";

/// Waits for the only run of a configuration.
fn ended(server: &Server, kind: &str, id: &str) {
    let status = until("the run to end", || {
        let runs = server.runs(kind, id);
        runs.first()
            .map(|run| text(run, "status").to_owned())
            .filter(|status| status != "RUNNING" && status != "QUEUED")
    });
    let run = text(&server.runs(kind, id)[0], "run_id").to_owned();
    assert_eq!(status, "SUCCESS", "{}", server.tailerd(&["logs", &run]).stdout);
}

#[tokio::test]
async fn files_travel_through_the_staging_bucket() {
    let Some(cloud) = Cloud::of_counterparts() else { return };
    cloud.make_bucket().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    configurations(&folder.path().join("files"), &cloud.name, "lake", ",");
    let more = format!("staging = \"{}/way\"\nextract_above = 0\n", cloud.name);
    let settings = cloud.settings(folder.path(), &cloud.name, &more);
    let server = Server::start_with(&folder.path().join("data"), &["--config", &settings]);
    server.deploy(&folder.path().join("files"));
    let lake = folder.path().join("data/buckets/lake");
    fs::create_dir_all(lake.join("in")).unwrap();
    fs::write(lake.join("in/t_20240131.csv"), CONTENT).unwrap();
    ended(&server, "storage-to-tables", "load");
    let [load] = cloud.loads().await.try_into().unwrap();
    let staged = load["sourceUris"][0].as_str().unwrap().to_owned();
    assert!(staged.starts_with(&format!("gs://{}/way/", cloud.name)), "{staged}");
    server.tailerd(&["launch", "table-to-storage", "export"]).good();
    ended(&server, "table-to-storage", "export");
    assert_eq!(fs::read_to_string(lake.join("out/all-000000000000.csv")).unwrap().replace('"', ""), EXPORTED);
    assert_eq!(cloud.objects().await, Vec::<String>::new(), "nothing stays in the staging bucket");
}

#[tokio::test]
async fn files_of_a_shared_bucket_are_loaded_by_their_address() {
    let Some(cloud) = Cloud::of_counterparts() else { return };
    cloud.make_bucket().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Configurations call the bucket otherwise than the cloud does.
    configurations(&folder.path().join("files"), &cloud.name, "lake", ",");
    let settings = cloud.settings(folder.path(), "lake", "");
    let named =
        fs::read_to_string(&settings).unwrap().replace("anonymous", &format!("bucket = \"{}\"\nanonymous", cloud.name));
    fs::write(&settings, named).unwrap();
    let server = Server::start_with(&folder.path().join("data"), &["--config", &settings]);
    server.deploy(&folder.path().join("files"));
    cloud.put("in/t_20240131.csv", CONTENT).await;
    ended(&server, "storage-to-tables", "load");
    let [load] = cloud.loads().await.try_into().unwrap();
    assert_eq!(load["sourceUris"], json!([format!("gs://{}/in/t_20240131.csv", cloud.name)]));
    server.tailerd(&["launch", "table-to-storage", "export"]).good();
    ended(&server, "table-to-storage", "export");
    assert_eq!(cloud.content("out/all-000000000000.csv").await, EXPORTED);
    assert_eq!(cloud.content("archive/20240131/t_20240131.csv").await, CONTENT);
}

#[test]
fn what_bigquery_cannot_do_is_refused_when_deploying() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let files = folder.path().join("files");
    configurations(&files, "p", "lake", "→");
    let load = files.join("load.json");
    let deployed = |more: &[&str], data: &str| {
        let server = Server::start_with(&folder.path().join(data), more);
        server.tailerd(&["deploy", load.to_str().unwrap()])
    };
    deployed(&[], "embedded").good();
    let settings = folder.path().join("tailerd.toml");
    // Nobody is asked.
    fs::write(&settings, "[warehouse.p]\nkind = \"bigquery\"\nendpoint = \"http://127.0.0.1:9\"\n").unwrap();
    let refused = deployed(&["--config", settings.to_str().unwrap()], "bigquery");
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("table t: BigQuery takes no \"→\" as field delimiter"), "{}", refused.stderr);
}

//! The catalogue's pages over BigQuery (`TAILERD_TEST_BIGQUERY`, set by `.ci/counterparts`), with the real program: every request that
//! they make is one of the API, and none of them is a job.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use serde_json::json;
use support::{ACCOUNT, Server, bigquery::Proxy, table_to_table};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables_are_shown_without_a_job() {
    let Some((proxy, address)) = Proxy::start().await else { return };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let project = format!("t{}", uuid::Uuid::new_v4().simple());
    let settings = folder.path().join("tailerd.toml");
    let lines = format!("[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{address}\"\ncreate_datasets = true\n");
    fs::write(&settings, lines).unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    let projects = json!({"default_gcp_project_id": project, "default_bq_dataset": "d"});
    let sql = "SELECT n, CONCAT('row number ', CAST(n AS STRING)) AS text FROM UNNEST([1, 2, 3]) AS n";
    let tasks = [("fill", sql, json!({"table_name": "t"})), ("read", "SELECT * FROM d.t", json!({"table_name": "u"}))];
    table_to_table(&files, "one", &tasks, projects);
    let server = Server::start_with(&folder.path().join("data"), &["--config", settings.to_str().unwrap()]);
    server.deploy(&files);
    server.tailerd(&["launch", "table-to-table", "one", "--wait"]).good();

    let jobs = proxy.inserted();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let dataset = format!("/catalog/{project}/d?account={ACCOUNT}");
    let table = format!("/catalog/{project}/d/t?account={ACCOUNT}");
    for (path, shown) in [
        ("/catalog", vec![project.as_str(), "all tables"]),
        (&dataset, vec!["2 tables", "one_DEV"]),
        (&table, vec!["STRING", "row number 2", "Changed in the warehouse", "one_DEV", ", 3 rows"]),
    ] {
        let page = client.get(format!("{}{path}", server.url)).bearer_auth(&server.token).send().await.unwrap();
        let (status, page) = (page.status(), page.text().await.unwrap());
        assert_eq!(status, 200, "{page}");
        assert!(!page.contains("could not be read"), "{page}");
        for text in shown {
            assert!(page.contains(text), "{path} without {text}: {page}");
        }
    }
    assert_eq!(proxy.inserted(), jobs, "pages ask no job");
    proxy.judge();
}

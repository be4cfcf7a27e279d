//! What tailerd adds to a statement on BigQuery: a chain of statements as a run, beside the bare HTTP calls of the same statements,
//! one after the other (insert the job, wait for its end, read it), both at the emulator that `TAILERD_TEST_BIGQUERY` names
//! (`.ci/counterparts make bench`). They take turns, so that what else happens on the machine meets both. The bare calls insert the
//! same jobs, labels and dataset with them: the emulator takes longer for those, which is not tailerd's doing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod api;
mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use api::{Api, client};
use report::{Table, median, millis};
use serde_json::{Value, json};
use support::{Server, table_to_table, text};

const LINKS: u32 = 20;
const ROUNDS: usize = 15;
const SQL: &str = "SELECT 1 AS n";

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
        eprintln!("skipped: no emulator in TAILERD_TEST_BIGQUERY");
        return;
    };
    let told: Value = serde_json::from_str(&told).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Runtime::new().unwrap().block_on(measure(text(&told, "endpoint")));
}

async fn measure(endpoint: &str) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let names: Vec<String> = (0..LINKS).map(|i| format!("t{i}")).collect();
    let chain: Vec<_> = names.iter().map(|name| (name.as_str(), SQL, json!({}))).collect();
    let project = format!("t{}", uuid::Uuid::new_v4().simple());
    table_to_table(&files, "chain", &chain, json!({"default_gcp_project_id": project}));
    let settings = folder.path().join("tailerd.toml");
    let lines = format!("[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{endpoint}\"\ncreate_datasets = true\n");
    std::fs::write(&settings, lines).unwrap();
    let server = Server::start_with(&folder.path().join("data"), &["--config", settings.to_str().unwrap()]);
    server.deploy(&files);
    let api = Api::new(&server);
    let first = api.launch("chain_DEV").await;
    api.ended("chain_DEV", &first).await;
    let bare = Bare::of(endpoint, &project, &first).await;
    let (mut runs, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let run = api.launch("chain_DEV").await;
        api.ended("chain_DEV", &run).await;
        runs.push(started.elapsed() / LINKS);
        let started = Instant::now();
        for _ in 0..LINKS {
            bare.statement().await;
        }
        calls.push(started.elapsed() / LINKS);
    }
    let (run, call) = (median(runs), median(calls));
    let mut table = Table::default();
    table.row("a statement by bare calls, p50", millis(call), "insert, wait, read");
    let ratio = format!("{:.2} of the bare calls", run.as_secs_f64() / call.as_secs_f64());
    table.row(&format!("a statement of a run of {LINKS}, p50"), millis(run), &ratio);
    let over = if run > call { millis(run - call) } else { millis(Duration::ZERO) };
    table.row("what tailerd adds to a statement", over, "the difference");
    table.print();
}

/// The calls without tailerd, on a connection that is kept.
struct Bare {
    client: reqwest::Client,
    jobs: String,
    project: String,
    /// Without its reference.
    job: Value,
}

impl Bare {
    /// Inserts what tailerd inserts for the first task of the run.
    async fn of(endpoint: &str, project: &str, run: &str) -> Self {
        let jobs = format!("{endpoint}/bigquery/v2/projects/{project}");
        let client = client();
        let inserted = client.get(format!("{jobs}/jobs/{run}_t0_1")).send().await.unwrap().error_for_status().unwrap();
        let inserted: Value = inserted.json().await.unwrap();
        let mut configuration = inserted["configuration"].clone();
        assert_eq!(configuration["query"]["query"], SQL);
        assert!(configuration["labels"]["tailer_run_id"].is_string(), "{configuration}");
        assert_eq!(configuration["query"]["defaultDataset"]["datasetId"], "d", "{configuration}");
        // Where the result went is BigQuery's to say.
        configuration["query"].as_object_mut().unwrap().remove("destinationTable");
        Self { client, jobs, project: project.to_owned(), job: json!({ "configuration": configuration }) }
    }

    async fn statement(&self) {
        let id = uuid::Uuid::new_v4().to_string();
        let mut job = self.job.clone();
        job["jobReference"] = json!({"projectId": self.project, "jobId": id});
        let inserted = self.client.post(format!("{}/jobs", self.jobs)).json(&job).send().await.unwrap();
        inserted.error_for_status().unwrap().bytes().await.unwrap();
        for look in [format!("queries/{id}?maxResults=0&timeoutMs=10000"), format!("jobs/{id}")] {
            let answer = self.client.get(format!("{}/{look}", self.jobs)).send().await.unwrap();
            answer.error_for_status().unwrap().bytes().await.unwrap();
        }
    }
}

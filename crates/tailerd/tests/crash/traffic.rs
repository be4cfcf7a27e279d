//! The clients that go on whatever dies: they repeat what was not answered, with the same idempotency key, and note what was.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::{
    Size,
    house::House,
    support::{ACCOUNT, PATIENCE, Server, table_to_table, text, write_json},
};

/// Clients that launch.
const CLIENTS: usize = 3;
/// Files that arrive together.
const BATCH: usize = 3;
/// Between two tries, and between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a kill waits for the moment that it is meant for.
const MOMENT: Duration = Duration::from_secs(3);

/// What has been seen done; each number only grows.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Launches acknowledged.
    pub(crate) launches: AtomicUsize,
    /// Files gone from the source folder.
    pub(crate) files: AtomicUsize,
    /// Rounds in which both awaited jobs have succeeded.
    pub(crate) arrivals: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Traffic {
    size: Size,
    folder: PathBuf,
    bucket: PathBuf,
    token: String,
    client: reqwest::Client,
    runtime: Runtime,
    url: Mutex<String>,
    next: AtomicUsize,
    enough: AtomicBool,
    schedules: AtomicUsize,
    pub(crate) done: Done,
    /// By number of the launch: the run that was answered.
    pub(crate) acknowledged: Mutex<BTreeMap<usize, String>>,
}

impl Traffic {
    pub(crate) fn new(house: &House, size: Size) -> Arc<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(20));
        let folder = house.path("files");
        std::fs::create_dir(&folder).unwrap();
        Arc::new(Self {
            size,
            folder,
            bucket: house.data().join("buckets/in"),
            token: house.token().to_owned(),
            client: client.build().unwrap(),
            runtime: Runtime::new().unwrap(),
            url: Mutex::default(),
            next: AtomicUsize::new(0),
            enough: AtomicBool::new(false),
            schedules: AtomicUsize::new(0),
            done: Done::default(),
            acknowledged: Mutex::default(),
        })
    }

    /// Where the server is now.
    pub(crate) fn reach(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    /// The operations that everybody uses.
    pub(crate) fn deploy(&self, server: &Server) {
        let files = &self.folder;
        let append = |table: &str| json!({ "table_name": table, "write_disposition": "WRITE_APPEND" });
        let tasks = [("one", "SELECT {{n}} AS n", append("first")), ("two", "SELECT {{n}} AS n", append("second"))];
        table_to_table(files, "append", &tasks, json!({ "max_active_runs": 4 }));
        for id in ["JA", "JB"] {
            table_to_table(files, id, &[("one", "SELECT 1 AS n", json!({ "table_name": id }))], json!({}));
        }
        table_to_table(files, "JT", &[("one", "SELECT 1 AS n", append("fired"))], json!({}));
        let workflow = json!({
            "configuration_type": "workflow", "configuration_id": "W", "environment": "DEV", "account": ACCOUNT,
            "version": "2", "short_description": "JT after JA and JB", "schedule_interval_reset": "None",
            "authorized_job_ids": ["gbq-to-gbq|JA_DEV", "gbq-to-gbq|JB_DEV"],
            "target_dag": { "configuration_type": "table-to-table", "configuration_id": "JT_DEV" },
        });
        write_json(&files.join("W.json"), &workflow);
        let load = json!({
            "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV",
            "account": ACCOUNT, "version": "2", "short_description": "numbers",
            "source": { "type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "gcs_archive_prefix": "done" },
            "destinations": [{ "type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "tables": [
                { "table_name": "loaded", "short_description": "numbers", "filename_template": "n_{{FD_BLOB_6}}_{{FD_DATE}}.csv",
                  "ddl_mode": "header", "write_disposition": "WRITE_APPEND" }] }],
        });
        write_json(&files.join("load.json"), &load);
        server.deploy(files);
    }

    /// Deploys one more operation that has all its ticks to make up for, one a year since 2000.
    pub(crate) fn deploy_schedule(self: &Arc<Self>) {
        let n = self.schedules.fetch_add(1, Ordering::Relaxed);
        let configuration = json!({
            "configuration_type": "table-to-table", "configuration_id": format!("yearly_{n}"), "environment": "DEV",
            "account": ACCOUNT, "short_description": "ticks", "start_date": "2000, 01, 01",
            "schedule_interval": "0 0 1 1 *", "catchup": true, "max_active_runs": 3,
            "default_gcp_project_id": "p", "default_bq_dataset": "d",
            "workflow": [{ "id": "one", "sql_file": "tick.sql", "table_name": "ticked", "write_disposition": "WRITE_APPEND",
                           "sql_query_template": "TEMPLATE_CURRENT_DATE" }],
        });
        let sql = format!("SELECT {n} AS operation, DATE '{{{{TEMPLATE_CURRENT_DATE}}}}' AS day");
        let body = json!({
            "action": "deploy_configuration", "configuration": configuration,
            "files": { "tick.sql": base64::prelude::BASE64_STANDARD.encode(sql) },
        });
        let traffic = Arc::clone(self);
        self.runtime.spawn(async move { traffic.ask("/v1/configuration/deploy", None, &body).await });
    }

    /// Starts all clients.
    pub(crate) fn start(self: &Arc<Self>) -> Vec<JoinHandle<()>> {
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| self.runtime.spawn(Arc::clone(self).launch())).collect();
        clients.push(self.runtime.spawn(Arc::clone(self).drop_files()));
        clients.push(self.runtime.spawn(Arc::clone(self).go_rounds()));
        clients
    }

    /// Waits until everything that was to be done has been asked for, and answered.
    pub(crate) fn finish(&self, clients: Vec<JoinHandle<()>>) {
        self.enough.store(true, Ordering::Relaxed);
        for client in clients {
            self.runtime.block_on(client).unwrap();
        }
    }

    /// Until one more is done than now, so that a kill falls right after it; not for ever.
    pub(crate) fn wait_for_one_more(&self, of: impl Fn(&Done) -> &AtomicUsize) {
        let (before, began) = (of(&self.done).load(Ordering::SeqCst), Instant::now());
        while of(&self.done).load(Ordering::SeqCst) == before && began.elapsed() < MOMENT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The answer, whatever has to be repeated for it.
    async fn ask(&self, path: &str, key: Option<&str>, body: &Value) -> Value {
        let began = Instant::now();
        loop {
            let url = format!("{}{path}", self.url.lock().unwrap());
            let mut request = self.client.post(url).bearer_auth(&self.token).json(body);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Ok(response) = request.send().await {
                let status = response.status();
                if let (true, Ok(answer)) = (status.is_success(), response.json().await) {
                    return answer;
                }
                assert!(!status.is_client_error(), "{status} to {body}");
            }
            assert!(began.elapsed() < PATIENCE * 2, "no answer to {body}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn launch_one(&self, id: &str, key: &str, parameters: Value) -> String {
        let body = json!({
            "action": "launch_job", "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
            "configuration_id": id, "parameters": parameters,
        });
        text(&self.ask("/v1/dag/launch", Some(key), &body).await, "run_id").to_owned()
    }

    async fn launch(self: Arc<Self>) {
        loop {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            if n >= self.size.launches() {
                return;
            }
            let key = format!("append-{n}");
            let run = self.launch_one("append_DEV", &key, json!({ "n": n })).await;
            self.acknowledged.lock().unwrap().insert(n, run);
            self.done.launches.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(PAUSE * 5).await;
        }
    }

    async fn drop_files(self: Arc<Self>) {
        let source = self.bucket.join("drop");
        std::fs::create_dir_all(&source).unwrap();
        let began = Instant::now();
        for n in 0..self.size.files() {
            let partial = self.bucket.join(format!("partial_{n}"));
            std::fs::write(&partial, format!("n\n{n}\n")).unwrap();
            std::fs::rename(&partial, source.join(format!("n_{n:06}_20240229.csv"))).unwrap();
            if (n + 1) % BATCH != 0 {
                continue;
            }
            while std::fs::read_dir(&source).unwrap().next().is_some() {
                assert!(began.elapsed() < PATIENCE * 20, "files stay in {}", source.display());
                tokio::time::sleep(PAUSE).await;
            }
            self.done.files.fetch_add(BATCH, Ordering::SeqCst);
        }
    }

    async fn status(&self, id: &str, run: &str) -> String {
        let body = json!({
            "action": "check_run_status", "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
            "configuration_id": id, "run_id": run,
        });
        let answer = self.ask("/v1/dag/status", None, &body).await;
        text(&answer["results"][0], "status").to_owned()
    }

    /// Both jobs at once, round after round; the workflow fires in the transaction of the second success, so that with
    /// both successes seen exactly one target more is there.
    async fn go_rounds(self: Arc<Self>) {
        let mut rounds = 0;
        while !self.enough.load(Ordering::Relaxed) && rounds < self.size.kills * 4 {
            let keys = [format!("a-{rounds}"), format!("b-{rounds}")];
            let (a, b) = tokio::join!(
                self.launch_one("JA_DEV", &keys[0], json!({})),
                self.launch_one("JB_DEV", &keys[1], json!({}))
            );
            for (id, run) in [("JA_DEV", &a), ("JB_DEV", &b)] {
                let began = Instant::now();
                loop {
                    match self.status(id, run).await.as_str() {
                        "SUCCESS" => break,
                        "RUNNING" => assert!(began.elapsed() < PATIENCE * 2, "{id} {run} is stuck"),
                        other => panic!("{id} {run} is {other}"),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
            rounds += 1;
            self.done.arrivals.store(rounds, Ordering::SeqCst);
            let body = json!({
                "action": "get_last_status", "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
                "configuration_id": "JT_DEV", "limit": 1000,
            });
            let targets = self.ask("/v1/dag/status", None, &body).await;
            assert_eq!(targets["results"].as_array().map(Vec::len), Some(rounds), "targets after {rounds} rounds");
        }
    }
}

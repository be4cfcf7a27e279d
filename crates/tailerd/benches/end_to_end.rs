//! What tailerd takes from request to recorded end, beside what the machine would take without it (`make bench`).
//!
//! Everything is measured on the real binary through HTTP. Baselines come from the same run on the same machine: one
//! SQLite commit with fsync, and a bare axum handler asked by the same client. Ratios say more than numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use report::{Table, percentile, rate};
use serde_json::{Value, json};
use support::{ACCOUNT, Server, table_to_table, text};

/// Runs timed for the latency of one.
const SINGLE_RUNS: usize = 200;
/// Runs timed of the chain.
const CHAINS: usize = 5;
/// How long each throughput is measured.
const WINDOW: Duration = Duration::from_secs(5);

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut table = Table::default();
    let commit = sqlite_commit(folder.path());
    table.row("SQLite commit with fsync, p50", millis(commit), "the floor of a durable answer");
    let bare = bare_handler().await;
    table.row("bare axum handler, 16 clients", rate(bare), "the ceiling of an answer");

    prepare(folder.path());
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &[]);
    for id in ["noop", "chain", "flood"] {
        let file = folder.path().join(format!("{id}.json"));
        server.tailerd(&["deploy", file.to_str().unwrap()]).good();
    }
    table.row("idle memory", format!("{:.1} MB", resident(server.pid())), "VmRSS after deploying three operations");
    let api = Api::new(&server);

    let single = latencies(&api, "noop_DEV", SINGLE_RUNS).await;
    let (p50, p95) = (percentile(&single, 50), percentile(&single, 95));
    table.row("launch to end, one no-op task, p50", millis(p50), &times(p50, commit, "commits"));
    table.row("launch to end, one no-op task, p95", millis(p95), &times(p95, commit, "commits"));
    let chain = percentile(&latencies(&api, "chain_DEV", CHAINS).await, 50);
    table.row("a chain of 40 tasks, p50", millis(chain), &times(chain, commit, "commits"));

    let run_id = api.launch("noop_DEV").await;
    let reads = throughput(16, || api.status("noop_DEV", &run_id)).await;
    table.row("status reads, 16 clients", rate(reads), &format!("{:.2} of the bare handler", reads / bare));
    // Last, because it leaves a queue behind.
    for clients in [1, 16, 64] {
        let launches = throughput(clients, || api.launch("flood_DEV")).await;
        let name = format!("acknowledged launches, {clients} clients");
        table.row(&name, rate(launches), &format!("{:.2} of one commit at a time", launches * commit.as_secs_f64()));
    }
    table.row("memory after that", format!("{:.1} MB", resident(server.pid())), "VmRSS");
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_tailerd")).unwrap().len();
    table.row("binary", format!("{:.1} MB", size as f64 / 1e6), "without libduckdb.so");
    table.print();
}

/// A no-op, a chain of forty, and an operation whose runs only wait: accepting them is what is measured.
fn prepare(folder: &Path) {
    let task = |id: &'static str| (id, "SELECT 1 AS n", json!({}));
    table_to_table(folder, "noop", &[task("one")], json!({ "max_active_runs": 16 }));
    let names: Vec<String> = (0..40).map(|i| format!("t{i}")).collect();
    let chain: Vec<_> = names.iter().map(|name| (name.as_str(), "SELECT 1 AS n", json!({}))).collect();
    table_to_table(folder, "chain", &chain, json!({}));
    table_to_table(folder, "flood", &[task("one")], json!({ "max_active_runs": 1 }));
}

/// The calls that are measured.
#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(server: &Server) -> Self {
        Self { client: client(), url: server.url.clone(), token: server.token.clone() }
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    async fn launch(&self, id: &str) -> String {
        let answer = self.call("/v1/dag/launch", &body("launch_job", id)).await;
        text(&answer, "run_id").to_owned()
    }

    async fn status(&self, id: &str, run_id: &str) -> String {
        let mut body = body("check_run_status", id);
        body["run_id"] = json!(run_id);
        let answer = self.call("/v1/dag/status", &body).await;
        text(&answer["results"][0], "status").to_owned()
    }
}

fn body(action: &str, id: &str) -> Value {
    json!({ "action": action, "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
            "configuration_id": id })
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true).build().unwrap()
}

/// From sending the launch to reading that it has ended, one run at a time, sorted.
async fn latencies(api: &Api, id: &str, runs: usize) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        let run_id = api.launch(id).await;
        loop {
            match api.status(id, &run_id).await.as_str() {
                "RUNNING" => tokio::time::sleep(Duration::from_millis(1)).await,
                "SUCCESS" => break,
                other => panic!("run {run_id} is {other}"),
            }
        }
        all.push(started.elapsed());
    }
    all.sort();
    all
}

/// Calls per second of so many clients, each asking again as soon as it is answered.
async fn throughput<F: Future + Send>(clients: usize, call: impl Fn() -> F + Clone + Send) -> f64 {
    let done = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let asking = (0..clients).map(|_| {
        let (call, done) = (call.clone(), Arc::clone(&done));
        async move {
            while started.elapsed() < WINDOW {
                call().await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    futures_all(asking).await;
    done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()
}

/// Waits for all, on this task: the clients share a thread, so that the server has the other.
async fn futures_all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// A handler that does nothing but answer JSON.
async fn bare_handler() -> f64 {
    let router = axum::Router::new().route("/", axum::routing::post(|| async { axum::Json(json!({ "results": [] })) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client();
    let ask = || async { client.post(&url).json(&json!({})).send().await.unwrap().text().await.unwrap() };
    let rate = throughput(16, ask).await;
    server.abort();
    rate
}

/// The median time of an insert committed with `synchronous = FULL` in WAL mode.
fn sqlite_commit(folder: &Path) -> Duration {
    let database = rusqlite::Connection::open(folder.join("baseline.db")).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.pragma_update(None, "synchronous", "FULL").unwrap();
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)", []).unwrap();
    let mut all: Vec<Duration> = (0..200)
        .map(|_| {
            let started = Instant::now();
            database.execute("INSERT INTO t (text) VALUES ('a row of a usual length, as a run has it')", []).unwrap();
            started.elapsed()
        })
        .collect();
    all.sort();
    percentile(&all, 50)
}

/// Megabytes of memory that a process really has.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1e3
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn times(time: Duration, unit: Duration, name: &str) -> String {
    format!("{:.1} {name}", time.as_secs_f64() / unit.as_secs_f64())
}

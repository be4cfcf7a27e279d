//! What tailerd takes from request to recorded end, beside what the machine would take without it (`make bench`).
//!
//! Everything is measured on the real binary through HTTP, with its metadata in SQLite, and in PostgreSQL too when
//! `TAILERD_TEST_POSTGRES` names a server (`.ci/counterparts make bench`). Baselines come from the same run on the same
//! machine: one commit after the other of a bare `INSERT` on the same database, and a bare axum handler asked by the same
//! client. Ratios say more than numbers. A no-op is a SQL task that selects 1: the lightest task there is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod api;
mod place;
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

use api::{Api, client};
use futures::StreamExt as _;
use place::Place;
use report::{Table, millis, percentile, rate, resident};
use serde_json::{Value, json};
use support::{ACCOUNT, table_to_table, text, write_json};

/// Runs timed for the latency of one.
const SINGLE_RUNS: usize = 200;
/// Runs timed of the chain, and its tasks.
const CHAINS: usize = 20;
const LINKS: usize = 40;
/// Runs launched at once, and how often.
const BURSTS: [(usize, usize); 2] = [(100, 10), (1_000, 3)];
/// Requests under way at once: the server lets one principal have so many.
const IN_FLIGHT: usize = 32;
/// Times that the two jobs of a workflow end and its target starts.
const FIRINGS: usize = 100;
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
    let bare = bare_handler().await;
    table.row("bare axum handler, 16 clients", rate(bare), "the ceiling of an answer");
    for place in Place::all(folder.path()) {
        measure_on(&place, bare, &mut table).await;
    }
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_tailerd")).unwrap().len();
    table.row("binary", format!("{:.1} MB", size as f64 / 1e6), "without libduckdb.so");
    table.print();
}

async fn measure_on(place: &Place, bare: f64, table: &mut Table) {
    let named = |what: &str| format!("{}: {what}", place.name);
    let commit = place.commit;
    table.row(&named("one bare INSERT with its own commit, p50"), millis(commit), "the floor of a durable answer");
    prepare(&place.folder);
    let server = place.start();
    for id in ["noop", "left", "right", "target", "chain", "flood", "join"] {
        let file = place.folder.join(format!("{id}.json"));
        server.tailerd(&["deploy", file.to_str().unwrap()]).good();
    }
    table.row(&named("idle memory"), format!("{:.1} MB", resident(server.pid())), "VmRSS after seven deployments");
    let api = Api::new(&server);

    let single = latencies(&api, "noop_DEV", SINGLE_RUNS).await;
    for percent in [50, 99] {
        let time = percentile(&single, percent);
        let name = format!("launch to end, one no-op task, p{percent}");
        table.row(&named(&name), millis(time), &beside(time, commit, "commits", 16.0));
    }
    let chains = latencies(&api, "chain_DEV", CHAINS).await;
    for percent in [50, 99] {
        let time = percentile(&chains, percent);
        let name = format!("a chain of {LINKS} no-op tasks, p{percent}");
        let each = millis(time / u32::try_from(LINKS).unwrap());
        table.row(&named(&name), millis(time), &format!("{each} a task; {}", beside(time, commit, "commits", 180.0)));
    }
    for (runs, times) in BURSTS {
        let bursts = bursts(&api, runs, times).await;
        for percent in [50, 99] {
            let time = percentile(&bursts, percent);
            let name = format!("{runs} one-task runs at once, p{percent}");
            let each = millis(time / u32::try_from(runs).unwrap());
            let restate =
                if runs == 100 { format!("; {:.2} of Restate's", time.as_secs_f64() / 0.40) } else { String::new() };
            table.row(&named(&name), millis(time), &format!("{each} a task{restate}"));
        }
    }
    let firings = firings(&api).await;
    for percent in [50, 99] {
        let time = percentile(&firings, percent);
        let name = format!("last success to the target's start, p{percent}");
        table.row(&named(&name), millis(time), &times(time, commit, "commits"));
    }

    let run_id = api.launch("noop_DEV").await;
    let reads = throughput(16, || api.status("noop_DEV", &run_id)).await;
    let to = format!("{:.2} of the bare handler, {:.2} of Restate's", reads / bare, reads / 19_000.0);
    table.row(&named("status reads, 16 clients"), rate(reads), &to);
    // Last, because it leaves a queue behind.
    let mut alone = None;
    for clients in [1, 16, 64] {
        let launches = throughput(clients, || api.launch("flood_DEV")).await;
        let name = format!("acknowledged launches, {clients} clients");
        // One client waits for each answer, so each of its launches is a commit of its own.
        let one = *alone.get_or_insert(launches);
        let bare = launches * commit.as_secs_f64();
        let ratio = format!("{:.2} of one launch a commit, {bare:.2} of one bare INSERT a commit", launches / one);
        table.row(&named(&name), rate(launches), &ratio);
    }
    table.row(&named("memory after that"), format!("{:.1} MB", resident(server.pid())), "VmRSS");
}

/// No-ops, a chain of them, a workflow over two of them, and an operation whose runs only wait: accepting them is what is measured.
fn prepare(folder: &Path) {
    let task = |id: &'static str| (id, "SELECT 1 AS n", json!({}));
    for id in ["noop", "left", "right", "target"] {
        table_to_table(folder, id, &[task("one")], json!({ "max_active_runs": 16 }));
    }
    let names: Vec<String> = (0..LINKS).map(|i| format!("t{i}")).collect();
    let chain: Vec<_> = names.iter().map(|name| (name.as_str(), "SELECT 1 AS n", json!({}))).collect();
    table_to_table(folder, "chain", &chain, json!({}));
    table_to_table(folder, "flood", &[task("one")], json!({ "max_active_runs": 1 }));
    let join = json!({
        "configuration_type": "workflow", "configuration_id": "join", "environment": "DEV", "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|left_DEV", "gbq-to-gbq|right_DEV"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "target_DEV"}
    });
    write_json(&folder.join("join.json"), &join);
}

/// From sending the launch to reading that it has ended, one run at a time, sorted.
async fn latencies(api: &Api, id: &str, runs: usize) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        let run_id = api.launch(id).await;
        api.ended(id, &run_id).await;
        all.push(started.elapsed());
    }
    all.sort();
    all
}

/// From sending the first of many launches, all at once, to reading that the last has ended, sorted.
async fn bursts(api: &Api, runs: usize, times: usize) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..times {
        let started = Instant::now();
        let launching = (0..runs).map(|_| api.launch("noop_DEV"));
        let launched: Vec<String> = futures::stream::iter(launching).buffered(IN_FLIGHT).collect().await;
        for run_id in &launched {
            api.ended("noop_DEV", run_id).await;
        }
        all.push(started.elapsed());
    }
    all.sort();
    all
}

/// From the end of the run that completes a workflow to the start of its target, by the server's own record, sorted.
async fn firings(api: &Api) -> Vec<Duration> {
    let mut all = Vec::new();
    let mut before = None;
    for _ in 0..FIRINGS {
        for id in ["left_DEV", "right_DEV"] {
            let run_id = api.launch(id).await;
            api.ended(id, &run_id).await;
        }
        let done = api.last("right_DEV").await.unwrap();
        let fired = loop {
            let newest = api.last("target_DEV").await.filter(|run| Some(&run["run_id"]) != before.as_ref());
            match newest {
                Some(run) if text(&run, "status") != "RUNNING" => break run,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        let time = |run: &Value, name| text(run, name).parse::<jiff::Timestamp>().unwrap();
        let waited = time(&fired, "start_execution_date").duration_since(time(&done, "last_update_date"));
        all.push(Duration::try_from(waited).unwrap_or_default());
        before = Some(fired["run_id"].clone());
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

fn times(time: Duration, unit: Duration, name: &str) -> String {
    format!("{:.1} {name}", time.as_secs_f64() / unit.as_secs_f64())
}

/// Beside one's own floor, and beside what Restate took for the same on two such cores.
fn beside(time: Duration, unit: Duration, name: &str, restate_millis: f64) -> String {
    format!("{}, {:.2} of Restate's", times(time, unit, name), time.as_secs_f64() * 1e3 / restate_millis)
}

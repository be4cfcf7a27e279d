//! What a long history costs: the calls that are asked most, on an empty store and on one with 1,000,000 runs of 10,000
//! configurations (`make bench`); SQLite, and PostgreSQL where `TAILERD_TEST_POSTGRES` names a server.
//!
//! `TAILERD_BENCH_RUNS` fills in another number of runs. That no call reads what it does not answer is tested without a clock in
//! `tailer-store/src/plans.rs` and `runs/cost.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod api;
mod filled;
mod place;
mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use api::Api;
use filled::{fill, runs_wanted};
use place::Place;
use report::{Table, millis, percentile, rate, resident};
use serde_json::json;
use support::table_to_table;

const CONFIGURATIONS: usize = 10_000;
/// Times that each call is asked.
const READS: usize = 4_000;
const LAUNCHES: usize = 1_000;

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runs = runs_wanted();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut table = Table::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for place in Place::all(folder.path()) {
        table_to_table(&place.folder, "probe", &[("one", "SELECT 1 AS n", json!({}))], json!({ "max_active_runs": 4 }));
        let (before, after) = (runtime.block_on(look(&place)), {
            let started = Instant::now();
            fill(&place, runs, CONFIGURATIONS);
            table.row(
                &format!("{}: {runs} runs of {CONFIGURATIONS} configurations recorded", place.name),
                rate(runs as f64 / started.elapsed().as_secs_f64()),
                "by one writer",
            );
            runtime.block_on(look(&place))
        });
        compare(&mut table, &place, &before, &after);
    }
    table.print();
}

/// What was measured on one store.
struct Look {
    start: Duration,
    calls: Vec<(&'static str, Vec<Duration>)>,
    memory: f64,
}

/// Starts a server on what is there, and asks.
async fn look(place: &Place) -> Look {
    let started = Instant::now();
    let server = place.start();
    let start = started.elapsed();
    server.tailerd(&["deploy", place.folder.join("probe.json").to_str().unwrap()]).good();
    let api = Api::new(&server);
    let run_id = api.launch("probe_DEV").await;
    api.ended("probe_DEV", &run_id).await;
    let calls = vec![
        ("get_last_status", timed(READS, async || drop(api.last("probe_DEV").await)).await),
        ("check_run_status", timed(READS, async || drop(api.status("probe_DEV", &run_id).await)).await),
        ("launch", timed(LAUNCHES, async || drop(api.launch("probe_DEV").await)).await),
    ];
    let memory = resident(server.pid());
    assert_eq!(server.terminate(), Some(0));
    Look { start, calls, memory }
}

async fn timed(times: usize, call: impl AsyncFn()) -> Vec<Duration> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        call().await;
        all.push(started.elapsed());
    }
    all.sort();
    all
}

fn compare(table: &mut Table, place: &Place, before: &Look, after: &Look) {
    let mut row = |what: &str, empty: String, full: String, ratio: f64| {
        table.row(&format!("{}: {what}", place.name), full, &format!("{empty} when empty: {ratio:.2} times"));
    };
    for ((name, empty), (_, full)) in before.calls.iter().zip(&after.calls) {
        for percent in [50, 99] {
            let (empty, full) = (percentile(empty, percent), percentile(full, percent));
            let ratio = full.as_secs_f64() / empty.as_secs_f64();
            row(&format!("{name}, p{percent}"), millis(empty), millis(full), ratio);
        }
    }
    let (empty, full) = (before.start, after.start);
    row("start", millis(empty), millis(full), full.as_secs_f64() / empty.as_secs_f64());
    let megabytes = |memory: f64| format!("{memory:.1} MB");
    row("memory", megabytes(before.memory), megabytes(after.memory), after.memory / before.memory);
}

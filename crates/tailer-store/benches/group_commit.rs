//! What group commit buys: launches recorded per second, each acknowledged only once synced, with 1, 16 and 64 writers, beside the
//! baseline of one INSERT and one synced COMMIT per launch on a bare connection.
//!
//! `cargo bench -p tailer-store --bench group_commit`. Prints the ratios at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tailer_model::{ConfigurationType, Environment, ExecutionDate, Identity, JobId, RunId};
use tailer_store::{
    ConfigurationKey, Durability, Store, StoreError,
    configurations::{self, NewVersion},
    runs::{self, NewRun},
};

/// Launches per measured round, shared among the writers.
const LAUNCHES: u64 = 640;

fn deploy(store: &Store) -> ConfigurationKey {
    let version = NewVersion {
        identity: Identity {
            account: "000110".parse().unwrap(),
            environment: Environment::Dev,
            configuration_type: ConfigurationType::TableToTable,
            configuration_id: "x_DEV".into(),
        },
        document: "{}".into(),
        files: [].into(),
        activated: true,
        archived: false,
        max_active_runs: 1,
        by: "bench".into(),
        at: Timestamp::UNIX_EPOCH,
        context: None,
        watched: None,
        roams: false,
    };
    let deploy = move |tx: &mut tailer_store::Tx<'_>| configurations::deploy(tx, &version);
    store.write_blocking::<_, StoreError>(Durability::Synced, deploy).unwrap().key
}

fn launch(configuration: ConfigurationKey) -> NewRun {
    let at = Timestamp::now();
    NewRun {
        run_id: RunId::new(at, uuid::Uuid::new_v4()),
        configuration,
        version: 1,
        job_id: JobId("gbq-to-gbq|x_DEV".into()),
        execution_date: ExecutionDate::of(at),
        trigger: json!({"type": "api", "by": "bench", "run_ids": []}),
        parameters: json!(null),
        tasks: None,
        at,
        input: json!(null),
    }
}

/// One round through the store: `writers` threads, each waiting for its acknowledgement before the next launch.
fn through_store(store: &Store, key: ConfigurationKey, writers: u64) -> Duration {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for _ in 0..LAUNCHES / writers {
                    let run = launch(key);
                    store.write_blocking(Durability::Synced, move |tx| runs::create(tx, &run)).unwrap();
                }
            });
        }
    });
    begun.elapsed()
}

/// A table with nothing but the launch, on a connection of its own.
fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE launches (run_id TEXT PRIMARY KEY, launched TEXT NOT NULL)",
        )
        .unwrap();
    connection
}

/// One round of the baseline: a commit with its sync for each launch.
fn through_bare(connection: &Connection) -> Duration {
    let begun = Instant::now();
    for _ in 0..LAUNCHES {
        let run = launch(ConfigurationKey(1));
        let mut insert = connection.prepare_cached("INSERT INTO launches VALUES (?1, ?2)").unwrap();
        black_box(insert.execute((run.run_id.as_str(), run.trigger.to_string())).unwrap());
    }
    begun.elapsed()
}

fn rounds(n: u64, mut round: impl FnMut() -> Duration) -> Duration {
    (0..n).map(|_| round()).sum()
}

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(&folder.path().join("tailerd.db")).unwrap();
    let key = deploy(&store);
    let connection = bare(&folder.path().join("bare.db"));

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("acknowledged launches");
    group.throughput(Throughput::Elements(LAUNCHES)).measurement_time(Duration::from_secs(4));
    group.bench_function("baseline: INSERT and fsync each", |b| {
        b.iter_custom(|n| rounds(n, || through_bare(&connection)))
    });
    for writers in [1, 16, 64] {
        let name = format!("group commit, {writers} writers");
        group.bench_function(name, |b| b.iter_custom(|n| rounds(n, || through_store(&store, key, writers))));
    }
    group.finish();
    criterion.final_summary();

    let per_second = |took: Duration| LAUNCHES as f64 * 5.0 / took.as_secs_f64();
    let alone = per_second(rounds(5, || through_bare(&connection)));
    let single = per_second(rounds(5, || through_store(&store, key, 1)));
    let many = per_second(rounds(5, || through_store(&store, key, 64)));
    let (over_bare, over_single) = (many / alone, many / single);
    println!("baseline, INSERT and fsync each: {alone:.0} launches per second");
    println!("one writer: {single:.0}; 64 writers: {many:.0} launches per second");
    println!("64 writers are {over_single:.1} times one commit per launch, {over_bare:.1} times the bare baseline");
}

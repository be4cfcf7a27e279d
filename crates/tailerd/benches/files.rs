//! What copying costs beside the system's own `cp` (`make bench`).
//!
//! Baseline and measurement alternate, in the same folder, on files that the page cache holds. `cp` leaves its writes to the
//! system; a copy of ours has been synced when it counts, since its source may be removed then: so `cp` followed by a sync stands
//! beside it too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use report::{Table, median, rate};
use serde_json::json;
use support::{ACCOUNT, Server, write_json};
use tailer_storage::{LocalStorage, ObjectPath, Storage as _, WriteOptions};

/// Bytes of the large file.
const LARGE: u64 = 1 << 30;
/// Times that each large copy is timed.
const ROUNDS: usize = 5;
/// Small files, and the bytes of each.
const FILES: usize = 5_000;
const SMALL: usize = 4_096;
/// As many as an operation runs at once.
const AT_ONCE: usize = 5;

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut table = Table::default();
    runtime.block_on(large(folder.path(), &mut table));
    let cp = runtime.block_on(small(folder.path(), &mut table));
    through_the_server(folder.path(), cp, &mut table);
    table.print();
}

fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

fn run(program: &str, arguments: &[&Path]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program}");
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

async fn large(folder: &Path, table: &mut Table) {
    let bucket = folder.join("bucket");
    let storage = LocalStorage::open(bucket.clone(), "gs://bucket".into()).unwrap();
    let chunk =
        bytes::Bytes::from((0..1 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>());
    let chunks = stream::iter((0..LARGE >> 20).map(move |_| Ok(chunk.clone()))).boxed();
    storage.write(&path("large"), chunks, WriteOptions::default()).await.unwrap();
    let (source, theirs) = (bucket.join("large"), bucket.join("theirs"));
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(timed(|| run("cp", &[&source, &theirs])));
        run("sync", &[]);
        fs::remove_file(&theirs).unwrap();
        times[1].push(timed(|| {
            run("cp", &[&source, &theirs]);
            run("sync", &[&theirs]);
        }));
        fs::remove_file(&theirs).unwrap();
        let started = Instant::now();
        storage.copy(&path("large"), &path("ours")).await.unwrap();
        times[2].push(started.elapsed());
        storage.delete(&path("ours")).await.unwrap();
        let started = Instant::now();
        let content = storage.read(&path("large")).await.unwrap();
        storage.write(&path("ours"), content, WriteOptions::default()).await.unwrap();
        times[3].push(started.elapsed());
        storage.delete(&path("ours")).await.unwrap();
    }
    fs::remove_file(&source).unwrap();
    let [cp, cp_synced, ours, streamed] = times.map(median);
    let speed = |time: Duration| format!("{:.0} MB/s", LARGE as f64 / 1e6 / time.as_secs_f64());
    let beside = |time: Duration| {
        let ratio = |baseline: Duration| baseline.as_secs_f64() / time.as_secs_f64();
        format!("{:.2} of `cp`, {:.2} of `cp` and sync", ratio(cp), ratio(cp_synced))
    };
    table.row("`cp` of 1 GiB", speed(cp), "left to the system");
    table.row("`cp` of 1 GiB, then sync", speed(cp_synced), "on the disk");
    table.row("local copy of 1 GiB", speed(ours), &beside(ours));
    table.row("the same, streamed", speed(streamed), &beside(streamed));
}

/// Answers the files per second of `cp -r`.
async fn small(folder: &Path, table: &mut Table) -> f64 {
    let bucket = folder.join("small");
    fs::create_dir_all(bucket.join("drop")).unwrap();
    for n in 0..FILES {
        fs::write(bucket.join(format!("drop/{n:06}.csv")), vec![b'x'; SMALL]).unwrap();
    }
    run("sync", &[]);
    let cp = timed(|| run("cp", &[Path::new("-r"), &bucket.join("drop"), &folder.join("theirs")]));
    run("sync", &[]);
    let storage = Arc::new(LocalStorage::open(bucket, "gs://small".into()).unwrap());
    let started = Instant::now();
    let copies = (0..FILES).map(|n| {
        let (storage, name) = (Arc::clone(&storage), format!("{n:06}.csv"));
        async move {
            let (from, to) = (path("drop").join(&name).unwrap(), path("copies").join(&name).unwrap());
            storage.copy(&from, &to).await.unwrap();
        }
    });
    stream::iter(copies).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    let per_second = |time: Duration| FILES as f64 / time.as_secs_f64();
    let (cp, ours) = (per_second(cp), per_second(started.elapsed()));
    table.row("`cp -r` of 4 kB files", rate(cp), "left to the system");
    table.row(
        "local copies of 4 kB files, 5 at once",
        rate(ours),
        &format!("{:.3} of `cp -r`; each synced", ours / cp),
    );
    cp
}

/// From a folder through a run each to another folder and the archive.
fn through_the_server(folder: &Path, cp: f64, table: &mut Table) {
    let data = folder.join("data");
    let buckets = data.join("buckets");
    fs::create_dir_all(buckets.join("in")).unwrap();
    fs::rename(folder.join("small/drop"), buckets.join("in/drop")).unwrap();
    let file = folder.join("receive.json");
    let configuration = json!({
        "configuration_type": "storage-to-storage", "configuration_id": "receive", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "filename_templates": "*",
        "source": { "type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "archive_prefix": "done" },
        "destinations": [{ "type": "gcs", "gcs_destination_bucket": "out", "gcs_destination_prefix": "in" }],
    });
    write_json(&file, &configuration);
    let server = Server::start(&data);
    let started = Instant::now();
    server.tailerd(&["deploy", file.to_str().unwrap()]).good();
    while fs::read_dir(buckets.join("in/drop")).unwrap().next().is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ours = FILES as f64 / started.elapsed().as_secs_f64();
    let beside = format!("{:.3} of `cp -r`; a run each: copied, archived, removed, recorded", ours / cp);
    table.row("files through storage-to-storage", rate(ours), &beside);
}

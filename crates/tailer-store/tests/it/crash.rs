//! A server that is killed: whatever it acknowledged before is there when the database is opened again.
//!
//! The test runs itself as a child process that creates runs as fast as it can and prints the id of each one that was
//! answered; after a seeded number of lines the child is killed with SIGKILL. (Power loss cannot be made here: that a synced
//! commit reaches the disk is SQLite's promise, that synced writes ask for it is ours.)

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
};

use tailer_model::{RunId, RunStatus, SubStatus};
use tailer_store::{Durability, Store, StoreError, configurations, runs};

use crate::common::{at, run_of, table, version_of};

const DATABASE: &str = "TAILER_STORE_CRASH_TEST_DATABASE";
const WRITERS: usize = 8;

/// What the child does until it is killed. Does nothing when run as a test by itself.
#[test]
fn child_that_writes_until_killed() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    let key = store
        .write_blocking::<_, StoreError>(Durability::Synced, |tx| {
            let deployed = configurations::deploy(tx, &version_of(table("x_DEV")))?;
            Ok(deployed.key)
        })
        .unwrap();
    let out = Mutex::new(std::io::stdout());
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                loop {
                    let run = run_of(key, at(0));
                    let id = run.run_id.clone();
                    store.write_blocking(Durability::Synced, move |tx| runs::create(tx, &run)).unwrap();
                    let mut out = out.lock().unwrap();
                    writeln!(out, "acknowledged {id}").unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

/// Starts the child, kills it after `lines` acknowledgements, answers all that it printed.
fn acknowledged_before_kill(path: &Path, lines: usize) -> Vec<RunId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_that_writes_until_killed", "--exact", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The last line may be cut off by the kill; whole ones are acknowledgements, even those read afterwards.
        if let Some(id) = line.unwrap().strip_prefix("acknowledged ").and_then(|id| id.parse().ok()) {
            seen.push(id);
        }
        if seen.len() == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    seen
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tailerd.db");
    let mut all = Vec::new();
    // Seeded points: right after the first answer, within the first group, and further on; the same database each time, so that
    // each start also recovers from the kill before.
    for lines in [1, 7, 64, 333, 801] {
        let seen = acknowledged_before_kill(&path, lines);
        assert!(seen.len() >= lines, "the child ended early: {} of {lines}", seen.len());
        all.extend(seen);

        let store = Store::open(&path).unwrap();
        let ids = all.clone();
        let (missing, counted) = store
            .read_blocking::<_, StoreError>(move |tx| {
                let mut missing = Vec::new();
                for id in &ids {
                    if runs::get(tx, id)?.is_none() {
                        missing.push(id.clone());
                    }
                }
                Ok((missing, runs::counts(tx)?))
            })
            .unwrap();
        assert_eq!(missing, [], "acknowledged, then lost");
        let [(RunStatus::Running, SubStatus::Queued, count)] = counted[..] else { panic!("{counted:?}") };
        assert!(count >= all.len() as u64, "counters and runs are written together: {count} of {}", all.len());
    }
}

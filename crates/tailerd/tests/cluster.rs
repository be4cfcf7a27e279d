//! Several servers that execute, on one PostgreSQL and one object store (`architecture.md`, invariant 4). Needs the servers of
//! `.ci/counterparts`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../../tailer-storage/tests/suite/counterparts.rs"]
mod counterparts;
#[allow(dead_code, reason = "made for the tests of the storages; here only a bucket is made with it")]
#[path = "../../tailer-storage/tests/cloud/service.rs"]
mod service;
mod support;

use std::{collections::BTreeSet, fs, process::Command};

use counterparts::counterpart;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use support::{ACCOUNT, Server, command, copy_folder, postgres_schema, run, until, write_json};
use tailer_storage::{Depth, ObjectPath, WriteOptions};

/// What is known of a run that ended: nothing of it may change any more.
type Facts = BTreeSet<(String, String, i64, i64, String)>;

struct Cluster {
    folder: tempfile::TempDir,
    url: String,
    gcs: Value,
    bucket: service::Fixture,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    fn new() -> Option<Self> {
        let (url, gcs) = (postgres_schema()?, counterpart::<Value>("TAILERD_TEST_GCS")?);
        let bucket = service::gcs()?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Some(Self { folder, url, gcs, bucket, runtime: tokio::runtime::Runtime::new().unwrap() })
    }

    /// A server of this name. Nobody has the name of the embedded warehouse's owner: all are elsewhere.
    fn start(&self, name: &str, role: &str) -> Server {
        let (data, settings) = (self.folder.path().join(name), self.folder.path().join(format!("{name}.toml")));
        let text = format!(
            "name = {name:?}\nrole = {role:?}\naudience = \"http://cluster.test\"\nlease = \"2s\"\nreconcile_every = \"500ms\"\n\
             poll_every = \"500ms\"\nmax_running = 4\n[store]\nurl = {:?}\n[warehouse]\nworker = \"home\"\n\
             [storage.gcs.\"*\"]\nservice = \"gcs\"\nendpoint = {}\nanonymous = true\n",
            self.url, self.gcs["endpoint"]
        );
        fs::write(&settings, text).unwrap();
        // One key for all, so that one token serves everywhere.
        let first = self.folder.path().join("a/keys");
        if first.exists() && !data.exists() {
            copy_folder(&first, &data.join("keys"));
        }
        let mut create = command();
        create.args(["token", "create", "--account", ACCOUNT, "--role", "admin"]);
        create.arg("--data").arg(&data).arg("--config").arg(&settings);
        let token = run(&mut create, "").good().stdout.trim().to_owned();
        Server::start_for(&data, token, |command| {
            command.arg("--config").arg(&settings);
        })
    }

    fn put(&self, numbers: std::ops::Range<usize>) {
        let storage = self.bucket.storage();
        for n in numbers {
            let content = stream::iter([Ok(format!("file {n}\n").into())]).boxed();
            let path = ObjectPath::parse(&format!("in/part_{n:04}_20240229.csv")).unwrap();
            let written = storage.write(&path, content, WriteOptions::default());
            self.runtime.block_on(written).unwrap();
        }
    }

    /// What is in a folder of the bucket: name and content.
    fn files(&self, folder: &str) -> Vec<(String, String)> {
        let storage = self.bucket.storage();
        self.runtime.block_on(async {
            let listing = storage.list(&ObjectPath::parse(folder).unwrap(), Depth::Below).await.unwrap();
            let objects: Vec<_> = listing.try_collect().await.unwrap();
            let mut files = Vec::new();
            for object in objects {
                let chunks: Vec<_> = storage.read(&object.path).await.unwrap().try_collect().await.unwrap();
                files.push((object.path.name().to_owned(), String::from_utf8(chunks.concat()).unwrap()));
            }
            files.sort();
            files
        })
    }

    fn database(&self) -> postgres::Client {
        postgres::Client::connect(&self.url, postgres::NoTls).unwrap()
    }

    fn ended(&self) -> Facts {
        let sql = "SELECT run_id, worker, fence, ended, status FROM runs WHERE phase = 'ended'";
        let rows = self.database().query(sql, &[]).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
    }

    /// The runs that a server drives.
    fn held_by(&self, name: &str) -> Vec<String> {
        let sql = "SELECT run_id FROM runs WHERE phase = 'running' AND worker LIKE $1";
        let rows = self.database().query(sql, &[&format!("{name}-%")]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

fn signal(server: &Server, signal: &str) {
    assert!(Command::new("kill").args([signal, &server.pid().to_string()]).status().unwrap().success());
}

fn wanted(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("part_{n:04}_20240229.csv"), format!("file {n}\n"))).collect()
}

/// Three servers; one is frozen while it holds runs, past its lease, until the others have finished everything; then it wakes.
#[test]
fn what_a_frozen_server_held_is_finished_once_by_others() {
    const FIRST: usize = 60;
    let Some(cluster) = Cluster::new() else { return };
    let servers = [cluster.start("a", "all"), cluster.start("b", "worker"), cluster.start("c", "worker")];
    let bucket = &cluster.bucket.bucket;
    let configuration = json!({
        "configuration_type": "storage-to-storage", "configuration_id": "copy", "environment": "DEV", "account": ACCOUNT,
        "version": "3", "max_active_runs": 50,
        "filename_templates": [{"filename_template": "part_{{FD_BLOB_4}}_{{FD_DATE}}.csv"}],
        "source": {"type": "gcs", "gcs_source_bucket": bucket, "gcs_source_prefix": "in", "archive_prefix": "done"},
        "destinations": [{"type": "gcs", "gcs_destination_bucket": bucket, "gcs_destination_prefix": "out"}],
    });
    let file = cluster.folder.path().join("copy.json");
    write_json(&file, &configuration);
    servers[0].tailerd(&["deploy", file.to_str().unwrap()]).good();
    cluster.put(0..FIRST);

    // One of those that have no other part in this test.
    let (name, frozen) = ("b", &servers[1]);
    let held = until("it to be frozen while it holds a run", || {
        if cluster.held_by(name).is_empty() {
            assert!(cluster.ended().len() < FIRST, "everything was done by others");
            return None;
        }
        signal(frozen, "-STOP");
        let held = cluster.held_by(name);
        if held.is_empty() {
            signal(frozen, "-CONT");
        }
        (!held.is_empty()).then_some(held)
    });
    until("all files to be dealt with by the others", || (cluster.ended().len() == FIRST).then_some(()));
    let before = cluster.ended();
    for (run, worker, fence, _, status) in &before {
        assert_eq!(status, "SUCCESS", "{run}");
        assert!(!held.contains(run) || (!worker.starts_with(name) && *fence > 1), "{run} of {worker}, fence {fence}");
    }

    signal(frozen, "-CONT");
    // It works again, and whatever it still meant to write changes nothing.
    let mut files = FIRST;
    until("it to take runs again", || {
        if cluster.ended().len() == files {
            cluster.put(files..files + 10);
            files += 10;
        }
        cluster.ended().iter().any(|fact| !before.contains(fact) && fact.1.starts_with(name)).then_some(())
    });
    until("all files to be dealt with", || (cluster.ended().len() == files).then_some(()));
    let after = cluster.ended();
    assert!(after.is_superset(&before), "{:?}", before.difference(&after).collect::<Vec<_>>());
    assert!(after.iter().all(|fact| fact.4 == "SUCCESS"), "{after:?}");
    assert_eq!(cluster.files("in"), []);
    for folder in ["out", "done"] {
        assert_eq!(cluster.files(folder), wanted(files), "{folder}");
    }
}

#[test]
fn a_server_that_only_executes_says_so() {
    let Some(cluster) = Cluster::new() else { return };
    let server = cluster.start("a", "worker");
    let refused = server.tailerd(&["runs", "storage-to-storage", "copy"]);
    assert!(refused.stderr.contains("this server only executes (role worker)"), "{}", refused.snapshot());
    assert_ne!(refused.code, Some(0));
}

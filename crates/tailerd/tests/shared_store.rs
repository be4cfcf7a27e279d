//! Several servers on one PostgreSQL: one that executes, others that answer. `TAILERD_TEST_POSTGRES` names the server
//! (`.ci/counterparts`); without it these tests say so and do nothing, which with TAILERD_TEST_ALL set is a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::PathBuf};

use serde_json::json;
use support::{ACCOUNT, Server, command, copy_folder, postgres_schema, run, table_to_table, text, until};

/// A schema of its own, the settings of a worker and of a server that only answers, and their keys.
struct House {
    folder: tempfile::TempDir,
    url: String,
}

impl House {
    fn new() -> Option<Self> {
        let url = postgres_schema()?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Some(Self { folder, url })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the settings of a server.
    fn settings(&self, name: &str, role: &str) -> PathBuf {
        let file = self.path(&format!("{name}.toml"));
        let settings = format!(
            "name = {name:?}\nrole = {role:?}\nreconcile_every = \"1h\"\n[store]\nurl = {:?}\n[warehouse]\nworker = \"w\"\n",
            self.url
        );
        fs::write(&file, settings).unwrap();
        file
    }

    /// Starts a server with the keys of the first one.
    fn start(&self, name: &str, role: &str) -> Server {
        let settings = self.settings(name, role);
        let (data, keys) = (self.path(name), self.path("w/keys"));
        if keys.exists() && !data.exists() {
            copy_folder(&keys, &data.join("keys"));
        }
        let mut server = Server::start_with(&data, &["--config", settings.to_str().unwrap()]);
        let mut create = command();
        create.args(["token", "create", "--account", ACCOUNT, "--role", "admin"]);
        create.arg("--data").arg(&data).arg("--config").arg(&settings);
        server.token = run(&mut create, "").good().stdout.trim().to_owned();
        server
    }
}

/// Nothing is polled here within the test's time: whoever only answers wakes whoever executes.
#[test]
fn one_server_answers_and_another_executes() {
    let Some(house) = House::new() else { return };
    let files = house.path("files");
    fs::create_dir(&files).unwrap();
    table_to_table(&files, "one", &[("one", "SELECT 1 AS n", json!({ "table_name": "t" }))], json!({}));
    let worker = house.start("w", "all");
    let front = house.start("front", "api");
    front.deploy(&files);
    let launched = front.tailerd(&["launch", "table-to-table", "one_DEV", "--json"]).json();
    let run_id = text(&launched, "run_id").to_owned();
    let ended = until("the run to end", || {
        let run = front.tailerd(&["status", &run_id, "--json"]).json();
        (text(&run, "status") != "RUNNING").then_some(run)
    });
    assert_eq!(text(&ended, "status"), "SUCCESS");
    assert_eq!(worker.sql("SELECT n FROM t"), ["1"]);
    assert_eq!(worker.runs("table-to-table", "one_DEV").len(), 1);
    // The worker dies with a run queued; another start of it goes on.
    worker.kill();
    let launched = front.tailerd(&["launch", "table-to-table", "one_DEV", "--json"]).json();
    let run_id = text(&launched, "run_id").to_owned();
    let worker = house.start("w", "all");
    until("the run to end", || {
        let run = worker.tailerd(&["status", &run_id, "--json"]).json();
        (text(&run, "status") == "SUCCESS").then_some(())
    });
}

#[test]
fn an_embedded_warehouse_has_one_owner() {
    let Some(house) = House::new() else { return };
    let settings = house.settings("other", "all");
    let text = fs::read_to_string(&settings).unwrap().replace("[warehouse]\nworker = \"w\"\n", "");
    fs::write(&settings, text).unwrap();
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(house.path("other"));
    let refused = run(serve.arg("--config").arg(&settings), "");
    assert_eq!(refused.code, Some(2), "{}", refused.snapshot());
    assert!(refused.stderr.contains("warehouse.worker"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("secret"), "no password: {}", refused.stderr);
}

/// It executes too, but not what needs the embedded warehouse of another.
#[test]
fn a_server_elsewhere_leaves_alone_what_needs_the_embedded_warehouse() {
    let Some(house) = House::new() else { return };
    let files = house.path("files");
    fs::create_dir(&files).unwrap();
    table_to_table(&files, "one", &[("one", "SELECT 1 AS n", json!({ "table_name": "t" }))], json!({}));
    let worker = house.start("w", "all");
    let other = house.start("other", "all");
    other.deploy(&files);
    worker.kill();
    let launched = other.tailerd(&["launch", "table-to-table", "one_DEV", "--json"]).json();
    let run_id = text(&launched, "run_id").to_owned();
    let status = |server: &Server| server.tailerd(&["status", &run_id, "--json"]).json();
    assert_eq!(text(&status(&other), "sub_status"), "QUEUED");
    let worker = house.start("w", "all");
    until("its owner to run it", || (text(&status(&other), "status") == "SUCCESS").then_some(()));
    assert_eq!(worker.sql("SELECT n FROM t"), ["1"]);
}

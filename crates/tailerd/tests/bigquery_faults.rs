//! BigQuery behind a network that fails, with the real program: a proxy before the emulator (`TAILERD_TEST_BIGQUERY`, set by
//! `.ci/counterparts`) refuses, breaks off, holds jobs in the air, and counts what was inserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use serde_json::{Value, json};
use support::{
    ACCOUNT, Server,
    bigquery::{Fault, Hold, Phase, Proxy},
    table_to_table, text, until, write_json,
};

/// A proxy, and a server for which all projects are behind it.
struct House {
    folder: tempfile::TempDir,
    proxy: Arc<Proxy>,
    settings: String,
    project: String,
}

impl House {
    async fn open(sql: &str) -> Option<Self> {
        Self::open_with(sql, json!({"table_name": "t"})).await
    }

    async fn open_with(sql: &str, fields: Value) -> Option<Self> {
        let (proxy, address) = Proxy::start().await?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let project = format!("t{}", uuid::Uuid::new_v4().simple());
        let settings = folder.path().join("tailerd.toml");
        let lines =
            format!("[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{address}\"\ncreate_datasets = true\n");
        fs::write(&settings, lines).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        let projects = json!({"default_gcp_project_id": project, "default_bq_dataset": "d"});
        table_to_table(&folder.path().join("files"), "one", &[("one", sql, fields)], projects);
        Some(Self { proxy, settings: settings.to_str().unwrap().to_owned(), project, folder })
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn serve(&self) -> Server {
        Server::start_with(&self.data(), &["--config", &self.settings])
    }

    /// Deploys and launches; answers the server.
    fn launch(&self) -> Server {
        let server = self.serve();
        server.deploy(Path::new(&self.folder.path().join("files")));
        server.tailerd(&["launch", "table-to-table", "one"]).good();
        server
    }
}

/// The run of the operation, once it has ended.
fn ended(server: &Server) -> Value {
    ended_of(server, "table-to-table", "one")
}

fn ended_of(server: &Server, kind: &str, id: &str) -> Value {
    let is_over = |run: &Value| !["RUNNING", "QUEUED"].contains(&text(run, "status"));
    until("the run to end", || server.runs(kind, id).into_iter().find(is_over))
}

const SQL: &str = "SELECT 7 AS n";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_that_was_killed_attaches_to_the_job_that_it_had_started() {
    let Some(house) = House::open(SQL).await else { return };
    house.proxy.holds.store(true, SeqCst);
    let server = house.launch();
    house.proxy.until_held();
    server.kill();
    let before = house.proxy.polled.load(SeqCst);
    let server = house.serve();
    until("it waits for the job again", || (house.proxy.polled.load(SeqCst) > before).then_some(()));
    house.proxy.holds.store(false, SeqCst);
    let run = ended(&server);
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    assert_eq!(house.proxy.inserted().len(), 1, "{:?}", house.proxy.inserted());
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_around_the_insertion_leaves_one_job() {
    for hold in [Hold::Before, Hold::After] {
        let Some(house) = House::open(SQL).await else { return };
        *house.proxy.insertions.lock() = Some(hold);
        let server = house.launch();
        until("the insertion to stand still", || (house.proxy.still.load(SeqCst) > 0).then_some(()));
        server.kill();
        *house.proxy.insertions.lock() = None;
        let run = ended(&house.serve());
        assert_eq!(text(&run, "status"), "SUCCESS", "{hold:?}: {run}");
        assert_eq!(
            (house.proxy.inserted().len(), house.proxy.asked.load(SeqCst)),
            (1, 2),
            "{hold:?}: asked twice, taken once"
        );
        house.proxy.judge();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_temporary_table_goes_also_after_a_crash() {
    let Some(house) = House::open_with(SQL, json!({"table_name": "t", "temporary_table": true})).await else { return };
    house.proxy.holds.store(true, SeqCst);
    let server = house.launch();
    house.proxy.until_held();
    server.kill();
    house.proxy.holds.store(false, SeqCst);
    let run = ended(&house.serve());
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    assert_eq!(house.proxy.inserted().len(), 1, "{:?}", house.proxy.inserted());
    let left = house.proxy.get(&format!("/bigquery/v2/projects/{}/datasets/d/tables", house.project)).await;
    assert_eq!(left["totalItems"].as_i64().unwrap_or_default(), 0, "{left}");
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_script_that_was_killed_is_attached_to() {
    let sql = "DECLARE n INT64 DEFAULT 3;\nCREATE TABLE made (a INT64);\nSELECT n AS n";
    let Some(house) = House::open(sql).await else { return };
    house.proxy.holds.store(true, SeqCst);
    let server = house.launch();
    house.proxy.until_held();
    server.kill();
    let before = house.proxy.polled.load(SeqCst);
    let server = house.serve();
    until("it waits for the job again", || (house.proxy.polled.load(SeqCst) > before).then_some(()));
    house.proxy.holds.store(false, SeqCst);
    let run = ended(&server);
    // Run twice, it would fail: the table is there.
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    let inserted = house.proxy.inserted();
    assert_eq!(inserted.len(), 2, "{inserted:?}");
    assert_eq!(inserted[1], format!("{}_result", inserted[0]), "the script, and the job that brings its result");
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_load_that_was_killed_is_attached_to() {
    let Some(house) = House::open(SQL).await else { return };
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "source": { "type": "gcs", "gcs_source_bucket": "lake", "gcs_source_prefix": "in" },
        "destinations": [{ "type": "bigquery", "gcp_project_id": house.project, "gbq_dataset": "d",
            "write_disposition": "WRITE_APPEND",
            "tables": [{ "table_name": "t", "filename_template": "t_{{FD_DATE}}.csv", "ddl_mode": "header" }] }],
    });
    write_json(&house.folder.path().join("files/load.json"), &load);
    // A piece of the upload is lost on the way, too.
    house.proxy.faults.lock().push_back((Phase::Piece, Fault::Refused(503, "backendError")));
    house.proxy.holds.store(true, SeqCst);
    let server = house.serve();
    server.deploy(&house.folder.path().join("files"));
    let lake = house.data().join("buckets/lake/in");
    fs::create_dir_all(&lake).unwrap();
    fs::write(lake.join("t_20240131.csv"), "a|b\n1|x\n2|y\n").unwrap();
    house.proxy.until_held();
    server.kill();
    let before = house.proxy.polled.load(SeqCst);
    let server = house.serve();
    until("it waits for the job again", || (house.proxy.polled.load(SeqCst) > before).then_some(()));
    house.proxy.holds.store(false, SeqCst);
    let run = ended_of(&server, "storage-to-tables", "load");
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    assert_eq!(house.proxy.inserted().len(), 1, "{:?}", house.proxy.inserted());
    let details = server.tailerd(&["status", text(&run, "run_id"), "--json"]).json();
    assert_eq!(details["tasks"][0]["statistics"]["rows"], 2, "{details}");
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_run_cancels_its_job() {
    let Some(house) = House::open(SQL).await else { return };
    house.proxy.holds.store(true, SeqCst);
    let server = house.launch();
    house.proxy.until_held();
    let run = text(&server.runs("table-to-table", "one")[0], "run_id").to_owned();
    server.tailerd(&["cancel", &run]).good();
    let run = ended(&server);
    assert_eq!((text(&run, "status"), text(&run, "sub_status")), ("FAILED", "CANCELLED"), "{run}");
    assert_eq!(house.proxy.cancelled.load(SeqCst), 1);
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_passes_is_survived_and_one_job_is_inserted() {
    let Some(house) = House::open(SQL).await else { return };
    for phase in [Phase::Insert, Phase::Results, Phase::Job] {
        let faults = [Fault::Refused(503, "backendError"), Fault::Refused(403, "rateLimitExceeded"), Fault::AnswerLost];
        house.proxy.faults.lock().extend(faults.map(|fault| (phase, fault)));
    }
    let run = ended(&house.launch());
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    let inserted = house.proxy.inserted();
    assert_eq!(
        (inserted.len(), house.proxy.asked.load(SeqCst)),
        (1, 4),
        "{inserted:?}: asked once more, and answered 409"
    );
    assert!(house.proxy.faults.lock().is_empty(), "every phase was met: {:?}", house.proxy.faults.lock());
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_invalid_query_is_not_tried_again() {
    let Some(house) = House::open("SELECT nobody FROM nowhere.at_all").await else { return };
    let run = ended(&house.launch());
    assert_eq!(text(&run, "status"), "FAILED", "{run}");
    assert_eq!(house.proxy.asked.load(SeqCst), 1, "{}", house.project);
    house.proxy.judge();
}

#[tokio::test]
async fn what_is_no_request_of_the_api_is_noticed() {
    let Some((proxy, _)) = Proxy::start().await else { return };
    let strange = |method: &str, path: &str, body: Value| proxy.discovery.check(method, path, Some(&body)).unwrap_err();
    let jobs = "/bigquery/v2/projects/p/jobs";
    for (method, path, body, expected) in [
        ("PUT", jobs, json!({}), "there is no method PUT"),
        ("GET", "/bigquery/v2/projects/p/jobs/j?locatoin=EU", json!({}), "has no parameter locatoin"),
        (
            "POST",
            jobs,
            json!({"configuration": {"query": {"querry": "x"}}}),
            "Job.configuration.query has no field querry",
        ),
        ("POST", jobs, json!({"configuration": {"labels": {"a": 1}}}), "Job.configuration.labels.a is 1"),
        ("POST", jobs, json!({"configuration": {"query": {"useLegacySql": "no"}}}), "is \"no\", not a"),
    ] {
        let said = strange(method, path, body);
        assert!(said.contains(expected), "{said}");
    }
}

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
    Server,
    bigquery::{Fault, Proxy},
    table_to_table, text, until,
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
        let (proxy, address) = Proxy::start().await?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let project = format!("t{}", uuid::Uuid::new_v4().simple());
        let settings = folder.path().join("tailerd.toml");
        let lines =
            format!("[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{address}\"\ncreate_datasets = true\n");
        fs::write(&settings, lines).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        let projects = json!({"default_gcp_project_id": project, "default_bq_dataset": "d"});
        table_to_table(&folder.path().join("files"), "one", &[("one", sql, json!({"table_name": "t"}))], projects);
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
    until("the run to end", || {
        server.runs("table-to-table", "one").into_iter().find(|run| text(run, "status") != "RUNNING")
    })
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
    let faults = [Fault::Refused(503, "backendError"), Fault::Refused(403, "rateLimitExceeded"), Fault::AnswerLost];
    house.proxy.faults.lock().extend(faults);
    let run = ended(&house.launch());
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    let inserted = house.proxy.inserted();
    assert_eq!(
        (inserted.len(), house.proxy.asked.load(SeqCst)),
        (1, 4),
        "{inserted:?}: asked once more, and answered 409"
    );
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

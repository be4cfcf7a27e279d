//! BigQuery behind a network that fails, with the real program: a proxy before the emulator (`TAILERD_TEST_BIGQUERY`, set by
//! `.ci/counterparts`) refuses, breaks off, holds jobs in the air, and counts what was inserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::VecDeque,
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::{Server, skip, table_to_table, text, until};

/// What becomes of an insertion.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Refused with this status and reason; the emulator learns nothing of it.
    Refused(u16, &'static str),
    /// The emulator takes it, and the connection breaks off before the answer is whole.
    AnswerLost,
}

/// Stands before the emulator.
struct Proxy {
    emulator: String,
    client: reqwest::Client,
    /// No job is told to be done.
    holds: AtomicBool,
    /// Of the next insertions.
    faults: Mutex<VecDeque<Fault>>,
    /// Insertions asked for.
    asked: AtomicUsize,
    /// Ids of the jobs that the emulator took.
    inserted: Mutex<Vec<String>>,
    cancelled: AtomicUsize,
    /// Questions whether a job is done.
    polled: AtomicUsize,
}

impl Proxy {
    async fn start(emulator: &str) -> (Arc<Self>, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = Arc::new(Self {
            emulator: emulator.to_owned(),
            client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            holds: AtomicBool::default(),
            faults: Mutex::default(),
            asked: AtomicUsize::default(),
            inserted: Mutex::default(),
            cancelled: AtomicUsize::default(),
            polled: AtomicUsize::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (proxy, address)
    }

    fn inserted(&self) -> Vec<String> {
        self.inserted.lock().clone()
    }

    /// Waits until a job was inserted and somebody waits for it.
    fn until_held(&self) {
        until("a job that somebody waits for", || {
            (self.inserted().len() == 1 && self.polled.load(SeqCst) > 0).then_some(())
        });
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    let inserts = method == Method::POST && path.ends_with("/jobs");
    let fault = if inserts {
        proxy.asked.fetch_add(1, SeqCst);
        proxy.faults.lock().pop_front()
    } else {
        None
    };
    if let Some(Fault::Refused(status, reason)) = fault {
        let error =
            json!({"error": {"code": status, "message": reason, "errors": [{"reason": reason, "message": reason}]}});
        return (StatusCode::from_u16(status).unwrap(), axum::Json(error)).into_response();
    }
    if method == Method::POST && path.ends_with("/cancel") {
        proxy.cancelled.fetch_add(1, SeqCst);
        // Now it ends.
        proxy.holds.store(false, SeqCst);
    }
    let held = method == Method::GET && proxy.holds.load(SeqCst);
    if held && path.contains("/queries/") {
        proxy.polled.fetch_add(1, SeqCst);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        return axum::Json(json!({"jobComplete": false})).into_response();
    }
    let mut request = proxy.client.request(method, format!("{}{}", proxy.emulator, uri.path_and_query().unwrap()));
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    let answer = request.body(body).send().await.unwrap();
    let (status, content) = (answer.status(), answer.bytes().await.unwrap());
    let mut content: Value = serde_json::from_slice(&content).unwrap_or_default();
    if inserts && status.is_success() {
        proxy.inserted.lock().push(text(&content["jobReference"], "jobId").to_owned());
    }
    if let Some(Fault::AnswerLost) = fault {
        let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("broken off"))]);
        return ([(header::CONTENT_LENGTH, "100")], Body::from_stream(broken)).into_response();
    }
    if held && path.contains("/jobs/") {
        proxy.polled.fetch_add(1, SeqCst);
        content["status"] = json!({"state": "RUNNING"});
    }
    (StatusCode::from_u16(status.as_u16()).unwrap(), axum::Json(content)).into_response()
}

/// A proxy, and a server for which all projects are behind it.
struct House {
    folder: tempfile::TempDir,
    proxy: Arc<Proxy>,
    settings: String,
    project: String,
}

impl House {
    async fn open(sql: &str) -> Option<Self> {
        let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
            skip(true, "no emulator in TAILERD_TEST_BIGQUERY");
            return None;
        };
        let told: Value = serde_json::from_str(&told).unwrap();
        let (proxy, address) = Proxy::start(text(&told, "endpoint")).await;
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_invalid_query_is_not_tried_again() {
    let Some(house) = House::open("SELECT nobody FROM nowhere.at_all").await else { return };
    let run = ended(&house.launch());
    assert_eq!(text(&run, "status"), "FAILED", "{run}");
    assert_eq!(house.proxy.asked.load(SeqCst), 1, "{}", house.project);
}

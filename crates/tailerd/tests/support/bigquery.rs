//! A proxy before BigQuery's emulator: it refuses, breaks off and holds jobs in the air as it is told, counts what was inserted, and
//! checks every request against BigQuery's description of its API.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{discovery::Discovery, skip, text, until};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A job is inserted, or an upload begins that brings one.
    Insert,
    /// A piece of an upload.
    Piece,
    /// A query's end is waited for, or its rows are read.
    Results,
    /// A job is looked at.
    Job,
    Other,
}

impl Phase {
    fn of(method: &Method, path: &str) -> Self {
        match *method {
            Method::POST if path.ends_with("/jobs") => Self::Insert,
            Method::PUT => Self::Piece,
            Method::GET if path.contains("/queries/") => Self::Results,
            Method::GET if path.contains("/jobs/") => Self::Job,
            _ => Self::Other,
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Refused with this status and reason; the emulator learns nothing of it.
    Refused(u16, &'static str),
    /// The emulator takes it, and the connection breaks off before the answer is whole.
    AnswerLost,
}

/// Where an insertion stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The emulator has not learnt of it.
    Before,
    /// The emulator has taken it, and nobody was told.
    After,
}

/// Stands before the emulator.
pub struct Proxy {
    emulator: String,
    /// Of this one.
    address: OnceLock<String>,
    client: reqwest::Client,
    /// No job is told to be done.
    pub holds: AtomicBool,
    /// Of the next requests of a phase.
    pub faults: Mutex<VecDeque<(Phase, Fault)>>,
    /// No insertion is answered.
    pub insertions: Mutex<Option<Hold>>,
    /// Insertions that stand still.
    pub still: AtomicUsize,
    /// Insertions asked for.
    pub asked: AtomicUsize,
    /// Ids of the jobs that the emulator took.
    inserted: Mutex<Vec<String>>,
    pub cancelled: AtomicUsize,
    /// Questions whether a job is done.
    pub polled: AtomicUsize,
    pub discovery: Discovery,
    /// What was no request of the API.
    strange: Mutex<Vec<String>>,
}

/// Headers that say something of one connection only.
const OF_A_CONNECTION: [&str; 4] = ["host", "connection", "content-length", "accept-encoding"];

impl Proxy {
    /// Starts one before the emulator that `TAILERD_TEST_BIGQUERY` tells of; answers its address too.
    pub async fn start() -> Option<(Arc<Self>, String)> {
        let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
            skip(true, "no emulator in TAILERD_TEST_BIGQUERY");
            return None;
        };
        let told: Value = serde_json::from_str(&told).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = Arc::new(Self {
            emulator: text(&told, "endpoint").to_owned(),
            address: OnceLock::new(),
            client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            holds: AtomicBool::default(),
            faults: Mutex::default(),
            insertions: Mutex::default(),
            still: AtomicUsize::default(),
            asked: AtomicUsize::default(),
            inserted: Mutex::default(),
            cancelled: AtomicUsize::default(),
            polled: AtomicUsize::default(),
            discovery: Discovery::read(Path::new(text(&told, "discovery"))),
            strange: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        proxy.address.set(address.clone()).unwrap();
        let router = Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some((proxy, address))
    }

    pub fn inserted(&self) -> Vec<String> {
        self.inserted.lock().clone()
    }

    /// Asks the emulator.
    pub async fn get(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.emulator)).send().await.unwrap().json().await.unwrap()
    }

    /// Rows of a query at the emulator, as the API writes them.
    pub async fn rows(&self, project: &str, sql: &str) -> Vec<Vec<Value>> {
        let url = format!("{}/bigquery/v2/projects/{project}/queries", self.emulator);
        let asked = json!({ "query": sql, "useLegacySql": false });
        let answer: Value = self.client.post(url).json(&asked).send().await.unwrap().json().await.unwrap();
        let rows = answer["rows"].as_array().unwrap_or_else(|| panic!("{sql}: {answer}"));
        rows.iter().map(|row| row["f"].as_array().unwrap().iter().map(|cell| cell["v"].clone()).collect()).collect()
    }

    /// Every request was one of the API.
    pub fn judge(&self) {
        assert_eq!(*self.strange.lock(), Vec::<String>::new(), "requests that are none");
    }

    /// The next fault of a phase.
    fn fault(&self, phase: Phase) -> Option<Fault> {
        let mut faults = self.faults.lock();
        let next = faults.iter().position(|(of, _)| *of == phase)?;
        faults.remove(next).map(|(_, fault)| fault)
    }

    /// Whether an insertion stood still here; it goes no further then.
    async fn stands_still(&self, hold: Hold) -> bool {
        if *self.insertions.lock() != Some(hold) {
            return false;
        }
        self.still.fetch_add(1, SeqCst);
        while *self.insertions.lock() == Some(hold) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        true
    }

    /// Waits until a job was inserted and somebody waits for it.
    pub fn until_held(&self) {
        until("a job that somebody waits for", || {
            (self.inserted().len() == 1 && self.polled.load(SeqCst) > 0).then_some(())
        });
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    let json = serde_json::from_slice::<Value>(&body).ok();
    let whole = uri.path_and_query().map(|whole| whole.as_str()).unwrap_or_default();
    let phase = Phase::of(&method, path);
    // The document describes uploads in words.
    if phase != Phase::Piece
        && let Err(strange) = proxy.discovery.check(method.as_str(), whole, json.as_ref())
    {
        proxy.strange.lock().push(strange);
    }
    let inserts = phase == Phase::Insert;
    if inserts {
        proxy.asked.fetch_add(1, SeqCst);
        if proxy.stands_still(Hold::Before).await {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    let fault = proxy.fault(phase);
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
    let mut request = proxy.client.request(method, format!("{}{whole}", proxy.emulator));
    for (name, value) in headers.iter().filter(|(name, _)| !OF_A_CONNECTION.contains(&name.as_str())) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let whole = answer.bytes().await.unwrap();
    let mut content: Value = serde_json::from_slice(&whole).unwrap_or_default();
    // The beginning of an upload answers no job, its last piece does.
    let may_insert = (inserts || phase == Phase::Piece) && status.is_success();
    if let (true, Some(id)) = (may_insert, content["jobReference"]["jobId"].as_str()) {
        proxy.inserted.lock().push(id.to_owned());
        if proxy.stands_still(Hold::After).await {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    if let Some(Fault::AnswerLost) = fault {
        let broken = futures::stream::iter([Err::<Bytes, _>(io::Error::other("broken off"))]);
        return ([(header::CONTENT_LENGTH, "100")], Body::from_stream(broken)).into_response();
    }
    if held && path.contains("/jobs/") {
        proxy.polled.fetch_add(1, SeqCst);
        content["status"] = json!({"state": "RUNNING"});
    }
    let whole = if content.is_null() { whole } else { content.to_string().into() };
    let mut response = (status, whole).into_response();
    for name in [header::CONTENT_TYPE, header::LOCATION, header::RANGE, header::ETAG] {
        if let Some(value) = headers.get(&name) {
            // What an upload goes on with comes through here too.
            let here = value.to_str().unwrap().replace(&proxy.emulator, proxy.address.get().unwrap());
            response.headers_mut().insert(name, here.parse().unwrap());
        }
    }
    response
}

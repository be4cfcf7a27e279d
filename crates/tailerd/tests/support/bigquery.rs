//! A proxy before BigQuery's emulator: it refuses, breaks off and holds jobs in the air as it is told, counts what was inserted, and
//! checks every request against BigQuery's description of its API.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{
        Arc,
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

/// What becomes of an insertion.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// Refused with this status and reason; the emulator learns nothing of it.
    Refused(u16, &'static str),
    /// The emulator takes it, and the connection breaks off before the answer is whole.
    AnswerLost,
}

/// Stands before the emulator.
pub struct Proxy {
    emulator: String,
    client: reqwest::Client,
    /// No job is told to be done.
    pub holds: AtomicBool,
    /// Of the next insertions.
    pub faults: Mutex<VecDeque<Fault>>,
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
            client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            holds: AtomicBool::default(),
            faults: Mutex::default(),
            asked: AtomicUsize::default(),
            inserted: Mutex::default(),
            cancelled: AtomicUsize::default(),
            polled: AtomicUsize::default(),
            discovery: Discovery::read(Path::new(text(&told, "discovery"))),
            strange: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Some((proxy, address))
    }

    pub fn inserted(&self) -> Vec<String> {
        self.inserted.lock().clone()
    }

    /// Every request was one of the API.
    pub fn judge(&self) {
        assert_eq!(*self.strange.lock(), Vec::<String>::new(), "requests that are none");
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
    if let Err(strange) = proxy.discovery.check(method.as_str(), whole, json.as_ref()) {
        proxy.strange.lock().push(strange);
    }
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
    let mut request = proxy.client.request(method, format!("{}{whole}", proxy.emulator));
    for (name, value) in headers.iter().filter(|(name, _)| !OF_A_CONNECTION.contains(&name.as_str())) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let whole = answer.bytes().await.unwrap();
    let mut content: Value = serde_json::from_slice(&whole).unwrap_or_default();
    // The beginning of an upload answers no job.
    if let (true, Some(id)) = (inserts && status.is_success(), content["jobReference"]["jobId"].as_str()) {
        proxy.inserted.lock().push(id.to_owned());
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
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

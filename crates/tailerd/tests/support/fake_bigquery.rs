//! A BigQuery that runs nothing: it takes every job and says that it is done, gives one row to whoever reads, and remembers who
//! asked for what. For what an emulator does not have: credentials, prices.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What each job is said to be billed: half a tebibyte.
const BILLED: u64 = 1 << 39;

#[derive(Default)]
pub struct FakeBigQuery {
    /// Who asked for what: `<who> <method> <path>`.
    asked: Mutex<Vec<String>>,
    /// Ids of the jobs that are there.
    jobs: Mutex<BTreeSet<String>>,
    /// Tokens that are let in no more; `*` stands for all.
    pub refused: Mutex<Vec<String>>,
    /// What an answer to a refused token says of the time.
    pub date: Mutex<Option<String>>,
    /// Tokens that the machine's own account was given.
    pub tokens: AtomicUsize,
    /// How long those are valid.
    pub seconds: AtomicUsize,
}

impl FakeBigQuery {
    /// Starts one; answers its address too.
    pub async fn start() -> (Arc<Self>, String) {
        let fake = Arc::new(Self { seconds: 3600.into(), ..Self::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state((fake.clone(), address.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, address)
    }

    /// Who asked, each once, in order of the alphabet.
    pub fn askers(&self) -> Vec<String> {
        let mut askers: Vec<String> =
            self.asked.lock().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        askers.sort_unstable();
        askers.dedup();
        askers
    }

    pub fn forget(&self) {
        self.asked.lock().clear();
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

async fn answer(
    State((fake, address)): State<(Arc<FakeBigQuery>, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    // The machine's metadata server, by the same address.
    if path.starts_with("/computeMetadata/") {
        let number = fake.tokens.fetch_add(1, SeqCst) + 1;
        let expires_in = fake.seconds.load(SeqCst);
        return Json(
            json!({"access_token": format!("machine-{number}"), "expires_in": expires_in, "token_type": "Bearer"}),
        )
        .into_response();
    }
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("nobody");
    let token = token.strip_prefix("Bearer ").unwrap_or(token).to_owned();
    fake.asked.lock().push(format!("{} {method} {path}", issuer(&token)));
    if fake.refused.lock().contains(&token) || fake.refused.lock().contains(&"*".to_owned()) {
        let said = json!({"error": {"code": 401, "message": "Request had invalid authentication credentials.",
            "errors": [{"reason": "authError", "message": "Invalid Credentials"}]}});
        let mut refusal = (StatusCode::UNAUTHORIZED, Json(said)).into_response();
        if let Some(date) = fake.date.lock().as_ref() {
            refusal.headers_mut().insert(header::DATE, date.parse().unwrap());
        }
        return refusal;
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let missing = || {
        let said = json!({"error": {"code": 404, "message": "Not found", "errors": [{"reason": "notFound"}]}});
        (StatusCode::NOT_FOUND, Json(said)).into_response()
    };
    let parts: Vec<&str> = path.trim_start_matches("/upload").split('/').skip(5).collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["jobs"]) if path.starts_with("/upload") => {
            let id = asked["jobReference"]["jobId"].as_str().unwrap_or_default();
            (StatusCode::OK, [(header::LOCATION, format!("{address}{path}/{id}"))]).into_response()
        }
        ("POST", ["jobs"]) => {
            let id = asked["jobReference"]["jobId"].as_str().unwrap_or("dry");
            fake.jobs.lock().insert(id.to_owned());
            Json(done(id)).into_response()
        }
        ("PUT", ["jobs", id]) => {
            fake.jobs.lock().insert((*id).to_owned());
            Json(done(id)).into_response()
        }
        ("GET", ["jobs", id]) if !fake.jobs.lock().contains(*id) => missing(),
        ("GET", ["jobs", id]) => Json(done(id)).into_response(),
        ("GET", ["queries", _]) => Json(json!({
            "jobComplete": true, "totalRows": "1", "schema": {"fields": [{"name": "n", "type": "INTEGER"}]},
            "rows": [{"f": [{"v": "1"}]}],
        }))
        .into_response(),
        ("GET", ["datasets", _, "tables", _]) => missing(),
        ("GET", ["datasets", ..]) => Json(json!({"location": "EU"})).into_response(),
        _ => Json(json!({})).into_response(),
    }
}

fn done(id: &str) -> Value {
    json!({
        "jobReference": {"projectId": "p", "jobId": id, "location": "EU"},
        "status": {"state": "DONE"},
        "statistics": {
            "startTime": "1706702400000", "endTime": "1706702401000", "totalBytesProcessed": "1000", "totalSlotMs": "70",
            "query": {"totalBytesBilled": BILLED.to_string(), "cacheHit": false,
                "referencedTables": [{"projectId": "p", "datasetId": "d", "tableId": "source"}]},
            "load": {"outputRows": "1", "inputFileBytes": "4"},
        },
    })
}

/// Whom a token of a service account is for; any other token as it is.
fn issuer(token: &str) -> String {
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.and_then(|claims| claims["iss"].as_str().map(str::to_owned)).unwrap_or_else(|| token.to_owned())
}

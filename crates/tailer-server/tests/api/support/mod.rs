//! A server on a free port with everything behind it, and short ways to call it.

pub(crate) mod wiring;

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use reqwest::{Client, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tailer_engine::{Clock, ConfigurationRef, Engine};
use tailer_model::{Actor, Via};
use tailer_server::{
    Role, Server, ServerSettings,
    auth::{self, NewToken},
    rules,
};
use tailer_store::Store;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::wiring::TestClock;

/// The account that tests work on; `OTHER` has nothing.
pub(crate) const ACCOUNT: &str = "000099";
pub(crate) const OTHER: &str = "000001";

/// Who changes what no request changes.
pub(crate) fn a_test() -> Actor {
    Actor::new("a test", Via::Api)
}

/// A running server. Dropping it stops it.
pub(crate) struct House {
    data: TempDir,
    pub(crate) url: String,
    pub(crate) http: Client,
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) audience: String,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: Option<JoinHandle<()>>,
    engine: Engine,
    settings: ServerSettings,
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    /// Checks the shape that every error has, and its status and code.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, error: &str) -> Value {
        let json = self.json();
        assert_eq!((self.status.as_u16(), json["error"].as_str()), (status, Some(error)), "{json}");
        assert_eq!(json["code"], status, "{json}");
        assert!(json["message"].as_str().is_some_and(|m| !m.is_empty()), "{json}");
        assert!(json["data"].is_object(), "{json}");
        assert!(self.headers.contains_key("x-request-id"));
        json
    }

    #[track_caller]
    pub(crate) fn is_fine(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ServerSettings)) -> Self {
        _ = rustls::crypto::ring::default_provider().install_default();
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let clock = Arc::new(TestClock::default());
        let store = Store::open(&data.path().join("tailerd.db")).unwrap();
        let engine = Engine::start(wiring::parts(data.path(), store.clone(), Arc::clone(&clock))).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = ServerSettings::new(address, data.path());
        change(&mut settings);
        let server =
            Server::new(engine.clone(), store.clone(), settings.clone(), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(server.run(listener, shutdown.clone()));
        let url = format!("{}://{address}", if settings.tls.is_some() { "https" } else { "http" });
        Self {
            data,
            url,
            http: Client::builder().no_proxy().build().unwrap(),
            store,
            clock,
            audience: settings.audience.clone(),
            shutdown,
            serving: Some(serving),
            engine,
            settings,
        }
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(crate) async fn token(&self, account: &str, role: Role) -> String {
        self.mint(account, role, SignedDuration::from_hours(1)).await.token
    }

    pub(crate) async fn mint(&self, account: &str, role: Role, lifetime: SignedDuration) -> auth::Minted {
        let account = account.parse().unwrap();
        let new = NewToken { account, role, lifetime, audience: self.audience.clone(), by: a_test() };
        auth::mint(&self.store, &self.settings.keys, new, self.clock.now()).await.unwrap()
    }

    /// Posts a body as it is.
    pub(crate) async fn post(&self, path: &str, token: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(token);
        Answer::of(request.header("content-type", "application/json").body(body).send().await.unwrap()).await
    }

    /// Posts a JSON value to the path of its action.
    pub(crate) async fn call(&self, token: &str, body: &Value) -> Answer {
        self.post(path_of(body["action"].as_str().unwrap()), token, body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    /// Deploys a configuration with its files, which must work; its deployed id.
    pub(crate) async fn deploy(&self, configuration: Value, files: &[(&str, &str)]) -> String {
        let token = self.token(ACCOUNT, Role::Deployer).await;
        let answer = self.call(&token, &deployment(configuration, files)).await.is_fine();
        answer["data"]["configuration_id"].as_str().unwrap().to_owned()
    }

    /// Puts an object into a bucket, whole.
    pub(crate) async fn put(&self, path: &str, content: &str) {
        let to = self.data.path().join("buckets").join(path);
        tokio::fs::create_dir_all(to.parent().unwrap()).await.unwrap();
        let elsewhere = self.data.path().join("put");
        tokio::fs::write(&elsewhere, content).await.unwrap();
        tokio::fs::rename(elsewhere, to).await.unwrap();
    }

    /// Launches, which must work; the run's id.
    pub(crate) async fn launch(&self, token: &str, kind: &str, id: &str) -> String {
        let answer = self.call(token, &identified("launch_job", kind, id)).await.is_fine();
        answer["run_id"].as_str().unwrap().to_owned()
    }

    /// Stops a run of a table-to-table operation without asking the server, which may be gone.
    pub(crate) async fn cancel(&self, id: &str, run: &str) {
        let configuration = ConfigurationRef {
            account: ACCOUNT.parse().unwrap(),
            environment: "DEV".parse().unwrap(),
            configuration_type: "table-to-table".parse().unwrap(),
            configuration_id: id.to_owned(),
        };
        self.engine.cancel_run(&configuration, &run.parse().unwrap(), &a_test()).await.unwrap();
    }

    /// Asks for the run until it has ended.
    pub(crate) async fn ended(&self, token: &str, kind: &str, id: &str, run: &str) -> Value {
        let body = with(identified("check_run_status", kind, id), json!({"run_id": run}));
        until(async || {
            let run = self.call(token, &body).await.is_fine()["results"][0].clone();
            (run["status"] != "RUNNING").then_some(run)
        })
        .await
    }
}

/// Polls for a value, at most for a minute.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it did not happen within a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn path_of(action: &str) -> &'static str {
    rules().find(|(_, name, _)| *name == action).unwrap_or_else(|| panic!("no action {action}")).0
}

/// A body with an action and the identity of a configuration.
pub(crate) fn identified(action: &str, kind: &str, id: &str) -> Value {
    json!({
        "action": action, "account": ACCOUNT, "environment": "DEV", "configuration_type": kind, "configuration_id": id,
    })
}

/// A body with more fields, or others.
pub(crate) fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("an object") };
    body.as_object_mut().unwrap().extend(more);
    body
}

pub(crate) fn deployment(configuration: Value, files: &[(&str, &str)]) -> Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let files: serde_json::Map<_, _> =
        files.iter().map(|(name, text)| ((*name).to_owned(), json!(BASE64_STANDARD.encode(text)))).collect();
    json!({"action": "deploy_configuration", "configuration": configuration, "files": files})
}

/// A table-to-table operation of one SQL task.
pub(crate) fn table_to_table(id: &str, account: &str) -> Value {
    json!({
        "configuration_type": "table-to-table", "configuration_id": id, "environment": "DEV", "account": account,
        "version": "1", "start_date": "2024, 01, 01", "schedule_interval": "None", "default_gcp_project_id": "test-project",
        "default_bq_dataset": "core", "default_bq_data_location": "EU", "default_write_disposition": "WRITE_TRUNCATE",
        "task_dependencies": ["one"],
        "workflow": [{
            "id": "one", "task_type": "sql", "short_description": "one row", "sql_file": "one.sql", "table_name": "one",
        }],
    })
}

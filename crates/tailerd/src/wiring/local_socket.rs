//! A socket in the data folder on which a running server answers `tailerd sql`.
//!
//! DuckDB's files belong to one process at a time, so while a server runs, `sql` asks it instead of opening them. Who
//! may connect is decided by the file system: mode 0600 in a folder of mode 0700, so only the server's owner.
//! This is no API: both ends are the same binary.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Json, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use tailer_warehouse::{Query, Rows, Warehouse, WarehouseError};
use tokio::{net::UnixListener, task::JoinHandle};

use crate::failure::{Context as _, Failure};

/// A statement of `tailerd sql`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SqlRequest {
    pub(crate) project: String,
    pub(crate) dataset: Option<String>,
    pub(crate) sql: String,
    /// Rows at most.
    pub(crate) limit: usize,
}

/// Its rows, or what is wrong with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SqlAnswer {
    Rows(Rows),
    Error(String),
}

impl SqlRequest {
    /// Runs the statement on a warehouse.
    pub(crate) async fn run(self, warehouse: &dyn Warehouse) -> SqlAnswer {
        let query =
            Query { sql: self.sql, project: self.project, dataset: self.dataset, destination: None, use_cache: None };
        match warehouse.read(query, self.limit).await {
            Ok(rows) => SqlAnswer::Rows(rows),
            Err(error) => SqlAnswer::Error(describe(&error)),
        }
    }
}

/// The error with its place in the statement, where known.
pub(crate) fn describe(error: &WarehouseError) -> String {
    let (WarehouseError::Invalid { line, column, .. } | WarehouseError::Unsupported { line, column, .. }) = error
    else {
        return error.to_string();
    };
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {error}"),
        (Some(line), None) => format!("line {line}: {error}"),
        _ => error.to_string(),
    }
}

/// The listening socket; its file goes when it is closed.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl LocalSocket {
    /// Listens at `path`, in the place of a socket that a dead server left. The caller holds the data folder's lock, so
    /// no other server can be listening there.
    ///
    /// # Errors
    /// The socket cannot be made, for instance because the path is longer than the system allows (about 100 bytes).
    pub(crate) fn open(path: PathBuf, warehouse: Arc<dyn Warehouse>) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context(shown),
            _ => {}
        }
        let listener = UnixListener::bind(&path).context(&shown)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).context(&shown)?;
        let router = Router::new().route("/local/sql", post(sql)).with_state(warehouse);
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the local socket has closed: `tailerd sql` cannot reach this server");
            }
        });
        Ok(Self { path, task })
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn sql(State(warehouse): State<Arc<dyn Warehouse>>, Json(request): Json<SqlRequest>) -> Json<SqlAnswer> {
    Json(request.run(warehouse.as_ref()).await)
}

/// Asks the server of a data folder. `None` when nobody listens at its socket.
pub(crate) async fn ask(socket: &Path, request: &SqlRequest) -> Result<Option<SqlAnswer>, Failure> {
    if tokio::net::UnixStream::connect(socket).await.is_err() {
        return Ok(None);
    }
    let client = reqwest::Client::builder()
        .unix_socket(socket)
        .no_proxy()
        .tls_certs_only([])
        .build()
        .context("cannot make an HTTP client")?;
    let doing = "the server of this data folder did not answer";
    let response = client.post("http://localhost/local/sql").json(request).send().await.context(doing)?;
    response.json().await.map(Some).context(doing)
}

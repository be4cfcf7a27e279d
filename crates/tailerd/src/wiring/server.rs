//! A whole server in this process: data folder, store, warehouse, engine, HTTP. What `serve` and `demo` run.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use tailer_engine::{AlertSettings, Engine, EngineParts, EngineSettings};
use tailer_server::{Server, ServerSettings, TlsSettings};
use tailer_store::Store;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Buckets, LocalSocket, Messengers, Projects, RandomIds, SystemClock, alert_settings, check_worker, open_store,
    open_warehouse, place,
};
use crate::{
    data_folder::{DataFolder, Lock},
    failure::{Context as _, Failure},
    secrets::SecretOpener,
    settings::{Role, Settings},
};

/// Beyond the grace time, for the answer to a stopped statement and the last writes.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// How long to wait for a `tailerd sql` that is just using the data folder.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server that answers. Dropping it without [`Self::stop`] is as good as `kill -9`, and as harmless.
#[derive(Debug)]
pub(crate) struct RunningServer {
    address: SocketAddr,
    audience: String,
    tls: bool,
    grace_time: Duration,
    folder: DataFolder,
    store: Store,
    engine: Engine,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    socket: Option<LocalSocket>,
    lock: Lock,
}

impl RunningServer {
    /// Opens everything and answers once it is ready. `holder` is what others are told who want the data folder.
    ///
    /// # Errors
    /// Whatever is wrong with the data folder, the address, the certificate or the store, by name.
    pub(crate) async fn start(settings: &Settings, holder: &str) -> Result<Self, Failure> {
        let folder = DataFolder::open(&settings.data)?;
        let lock = folder.lock_within(PATIENCE, holder).await.map_err(|held| {
            held.hint("one server works on a data folder at a time: stop that one, or choose another --data")
        })?;
        check_worker(settings)?;
        let (listener, address) = listen(&settings.listen).await?;
        let store = open_store(settings, &folder)?;
        let warehouse = open_warehouse(folder.warehouse(), settings.warehouse.clone())?;
        let parts = EngineParts {
            store: store.clone(),
            storages: Arc::new(Buckets::new(&folder, settings)),
            warehouses: Arc::new(Projects::new(
                Arc::clone(&warehouse),
                settings.projects.clone(),
                SecretOpener::of(&folder, settings),
            )),
            courier: Some(Arc::new(Messengers::new(&folder, settings)?)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            settings: EngineSettings {
                alerts: alert_settings(settings, public_url(settings, address)),
                ..engine_settings(settings, &folder)
            },
        };
        empty(&folder.scratch()).context("cannot make the scratch folder")?;
        let engine = Engine::start(parts).await.context("cannot start the engine")?;
        let http = server_settings(settings, &folder, address);
        let audience = http.audience.clone();
        let server = Server::new(engine.clone(), store.clone(), http, Arc::new(SystemClock)).context("cannot start")?;
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(server.run(listener, shutdown.clone()));
        let socket = LocalSocket::open(folder.socket(), warehouse)
            .inspect_err(|error| tracing::warn!(%error, "`tailerd sql` will not reach this server"))
            .ok();
        engine.ready().await.context("the engine is not ready")?;
        let (tls, grace_time) = (settings.tls.is_some(), settings.grace_time);
        Ok(Self { address, audience, tls, grace_time, folder, store, engine, shutdown, serving, socket, lock })
    }

    /// `http://127.0.0.1:8080`, with the real port.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// What tokens for this server must name.
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    pub(crate) fn folder(&self) -> &DataFolder {
        &self.folder
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Drains: no new connections, no new work; what runs may end within the grace time, the rest is handed back.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        let serving = async {
            if let Err(error) = self.serving.await {
                tracing::error!(%error, "the server ended badly");
            }
        };
        let drained = tokio::time::timeout(self.grace_time + LAST_WRITES, async {
            tokio::join!(self.engine.drain(self.grace_time), serving)
        });
        if drained.await.is_err() {
            tracing::warn!("the grace time is over; what still runs is taken up again at the next start");
        }
        // The folder is free for the next server only when nothing of this one uses it.
        drop((self.socket, self.engine, self.store, self.lock));
    }
}

async fn listen(address: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let doing = || format!("cannot listen on {address}");
    let listener = TcpListener::bind(address).await.context(doing())?;
    let real = listener.local_addr().context(doing())?;
    Ok((listener, real))
}

/// The engine's share of the settings.
pub(crate) fn engine_settings(settings: &Settings, folder: &DataFolder) -> EngineSettings {
    EngineSettings {
        // Another one for each start, so that nobody takes a run for its own that a process before it held.
        worker: format!(
            "{}-{}-{}",
            settings.name.as_deref().unwrap_or("tailerd"),
            std::process::id(),
            uuid::Uuid::new_v4().simple()
        ),
        lease: settings.lease,
        reconcile_every: settings.reconcile_every,
        poll_every: settings.poll_every,
        file_rest: settings.file_rest,
        max_running: settings.max_running,
        max_running_tasks: settings.max_running_tasks,
        history: settings.history,
        alerts: AlertSettings::default(),
        scratch: folder.scratch(),
        // The data folder is locked, and a store in it is this server's own.
        exclusive: settings.store_url.is_none(),
        place: place(settings),
        executes: settings.role != Role::Api,
    }
}

fn server_settings(settings: &Settings, folder: &DataFolder, address: SocketAddr) -> ServerSettings {
    let mut http = ServerSettings::new(address, folder.path());
    http.keys = folder.keys();
    if let Some(audience) = &settings.audience {
        http.audience.clone_from(audience);
    }
    http.tls =
        settings.tls.as_ref().map(|tls| TlsSettings { certificate: tls.certificate.clone(), key: tls.key.clone() });
    http.public_url = public_url(settings, address);
    http.oidc.clone_from(&settings.oidc);
    http.limits = settings.limits.clone();
    http.api = settings.role != Role::Worker;
    http.metrics_for_everyone = settings.metrics_for_everyone;
    http.catalog_preview = settings.catalog_preview;
    http.timeouts.drain = http.timeouts.drain.min(settings.grace_time);
    http
}

/// Where people reach the Studio.
fn public_url(settings: &Settings, address: SocketAddr) -> String {
    let here = || format!("{}://{address}", if settings.tls.is_some() { "https" } else { "http" });
    settings.public_url.clone().unwrap_or_else(here)
}

/// Makes a folder, without what a process that died left in it.
fn empty(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(folder),
    }
}

//! From a bound listener to a drained server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tailer_engine::{Clock, Engine};
use tailer_store::Store;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, router},
    auth::{Authenticator, IssuerError, KeyError, Oidc, Sessions},
    connections::{Connections, concerns_one_connection},
    limits::Limiter,
    settings::ServerSettings,
    studio::Doorkeeper,
    tls::{self, TlsError},
    traffic::Traffic,
};

/// The server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

/// A server that is ready to take connections: keys and certificates have been read.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Server {
    /// Reads (or makes) the signing key and reads the certificate, so that a wrong setting shows before the address is told.
    ///
    /// # Errors
    /// The key or the certificate cannot be used.
    pub fn new(
        engine: Engine,
        store: Store,
        settings: ServerSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServeError> {
        let oidc = settings.oidc.clone().map(Oidc::new).transpose()?;
        let (audience, keys) = (settings.audience.clone(), &settings.keys);
        let authenticator = Authenticator::open(store.clone(), Arc::clone(&clock), audience, keys, oidc.clone())?;
        let tls = settings.tls.as_ref().map(tls::config).transpose()?;
        let sessions = Sessions::new(store, Arc::clone(&clock), authenticator.cookie_key(), oidc.clone());
        let app = App {
            engine,
            clock,
            authenticator,
            oidc,
            sessions,
            doorkeeper: Doorkeeper::default(),
            limiter: Limiter::new(settings.limits.clone()),
            traffic: Traffic::default(),
            settings,
            stopping: CancellationToken::new(),
        };
        Ok(Self { app: Arc::new(app), tls })
    }

    /// Answers requests until `shutdown` is cancelled, then takes no more connections, answers what is in flight and
    /// returns, at the latest after the drain time of the settings. The engine is the caller's to drain.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        if self.app.settings.api {
            self.app.engine.read_ahead();
        }
        let timeouts = self.app.settings.timeouts.clone();
        let connections = Connections::new(router(&self.app), self.tls.map(TlsAcceptor::from), &timeouts);
        let graceful = GracefulShutdown::new();
        let free = Arc::new(Semaphore::new(self.app.settings.limits.connections));
        loop {
            let next = async {
                let slot = Arc::clone(&free).acquire_owned().await.ok();
                (slot, accept(&listener).await)
            };
            let (slot, (stream, peer)) = tokio::select! {
                next = next => next,
                () = shutdown.cancelled() => break,
            };
            let serving = connections.clone().serve(stream, peer, graceful.watcher());
            tokio::spawn(async move {
                serving.await;
                drop(slot);
            });
        }
        drop(listener);
        self.app.stopping.cancel();
        if timeout(timeouts.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still in flight at the end of the drain time; their connections are closed");
        }
    }
}

/// [`Server::new`] and [`Server::run`] in one.
///
/// # Errors
/// The key or the certificate cannot be used.
pub async fn serve(
    engine: Engine,
    store: Store,
    settings: ServerSettings,
    clock: Arc<dyn Clock>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    Server::new(engine, store, settings, clock)?.run(listener, shutdown).await;
    Ok(())
}

/// The next connection. Running out of file handles ends when connections do: it waits and tries again.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

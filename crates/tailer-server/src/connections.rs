//! One connection: TLS if configured, HTTP/1.1 or HTTP/2 by what the client speaks first, patience and goodbye.
//!
//! `Upgrade: h2c` is ignored, as HTTP allows; the connection stays HTTP/1.1. A client that connects and does not get to its
//! first request in time is cut off, whatever it is stuck in: handshake, preface or headers.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::{observe::Peer, settings::Timeouts};

/// Bytes that a request's head may have.
const HEAD: usize = 64 << 10;

/// Serves connections, all the same way.
#[derive(Clone)]
pub(crate) struct Connections {
    router: Router,
    tls: Option<TlsAcceptor>,
    http: auto::Builder<TokioExecutor>,
    patience: Duration,
}

impl Connections {
    pub(crate) fn new(router: Router, tls: Option<TlsAcceptor>, timeouts: &Timeouts) -> Self {
        let patience = timeouts.headers;
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(HEAD);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(32 << 10)
            .max_concurrent_streams(256)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        Self { router, tls, http, patience }
    }

    /// Serves one until it ends or, once `watcher` says so, until its requests in flight are answered.
    pub(crate) async fn serve(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let Some(acceptor) = self.tls.clone() else { return self.speak(stream, peer, watcher).await };
        match timeout(self.patience, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, peer, watcher).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        watcher: Watcher,
    ) {
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (asked, router) = (Arc::clone(&asked), self.router);
            service_fn(move |mut request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(Peer(peer));
                router.clone().call(request.map(Body::new))
            })
        };
        let connection = self.http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = watcher.watch(connection);
        let silence = async {
            tokio::time::sleep(self.patience).await;
            if asked.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                tracing::debug!(%peer, %error, "connection ended");
            },
            () = silence => tracing::debug!(%peer, "no request in time; connection closed"),
        }
    }
}

/// Whether accepting failed for this connection only, so that the next may be tried at once.
pub(crate) fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

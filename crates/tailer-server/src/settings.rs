//! What the binary decides for the server: its audience, its keys, TLS, limits, timeouts. Plain values with defaults
//! that suit a fresh install; reading files and variables is the binary's part (`spec/cli.md`).

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tailer_model::{AccountId, Secret};

use crate::{access::Role, auth::is_safe};

/// Everything the server needs to know beside the engine and the store.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// What a token's `aud` must name (`spec/api.md`, Tokens). A trailing slash makes no difference.
    pub audience: String,
    /// Folder of the key that signs minted tokens: `<data>/keys`.
    pub keys: PathBuf,
    /// Serves TLS when given, clear text otherwise.
    pub tls: Option<TlsSettings>,
    /// Where people reach the Studio: scheme, host and port, no slash at the end.
    pub public_url: String,
    /// The issuer whose ID tokens are taken, and through which people sign in.
    pub oidc: Option<OidcSettings>,
    pub limits: Limits,
    pub timeouts: Timeouts,
    /// Whether it answers the API. A server that only executes has health, readiness and metrics.
    pub api: bool,
    /// `/metrics` without a token from anywhere. By default only from a loopback peer, and with any token from elsewhere.
    pub metrics_for_everyone: bool,
    /// Whether the Studio's catalogue shows rows of tables to those who may see them.
    pub catalog_preview: bool,
}

impl ServerSettings {
    /// Defaults for a server that listens on `listen` and keeps its data in `data`.
    #[must_use]
    pub fn new(listen: SocketAddr, data: &Path) -> Self {
        Self {
            audience: Self::default_audience(listen),
            keys: data.join("keys"),
            tls: None,
            public_url: Self::default_audience(listen),
            oidc: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            api: true,
            metrics_for_everyone: false,
            catalog_preview: true,
        }
    }

    /// `http://<listen address>`, the audience when none is set.
    #[must_use]
    pub fn default_audience(listen: SocketAddr) -> String {
        format!("http://{listen}")
    }
}

/// An OIDC issuer and this server's registration there.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// Exactly as the issuer writes itself in `iss`.
    pub issuer: String,
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<Secret<String>>,
    /// What `aud` of a bearer token must name one of.
    pub audiences: Vec<String>,
    /// Where its keys are; as it describes itself when none.
    pub jwks_url: Option<String>,
    /// Scopes that a sign-in asks for, separated by spaces.
    pub scopes: String,
    /// What the way in is called: "Sign in with …".
    pub label: String,
    /// Who may do what. A verified e-mail address that is a user's name has that user's roles as well.
    pub grants: Vec<OidcGrant>,
}

/// A role on an account for everyone with a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcGrant {
    /// `email` (counts only when verified), `groups`, `realm_access.roles`, …
    pub claim: String,
    /// The claim, or one of its list, is this.
    pub value: String,
    pub account: AccountId,
    pub role: Role,
}

impl OidcSettings {
    /// Whether an address is https or on this machine: nothing else is asked or sent to.
    #[must_use]
    pub fn is_safe(url: &str) -> bool {
        is_safe(url)
    }
}

/// PEM files of the certificate chain (leaf first) and its private key.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How much one principal, and all together, may ask at once. Beyond: 429 with `Retry-After`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests per second that one principal may keep up.
    pub requests_per_second: u32,
    /// Requests that one principal may send at once after a pause.
    pub burst: u32,
    /// Requests of one principal in flight, waiting log readers included.
    pub in_flight_per_principal: usize,
    /// Requests of all principals in flight.
    pub in_flight: usize,
    /// Open connections; further ones wait in the system's queue.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 50_000,
            burst: 100_000,
            in_flight_per_principal: 512,
            in_flight: 2_048,
            connections: 4_096,
        }
    }
}

/// How long the server waits for a client.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// From the connection to the first request's headers (TLS handshake included), and for the headers of each later one.
    pub headers: Duration,
    /// For a body to begin arriving; a long one gets more time as it arrives, see `body`.
    pub body: Duration,
    /// For requests in flight when the server is told to stop.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers: Duration::from_secs(30), body: Duration::from_secs(20), drain: Duration::from_secs(20) }
    }
}

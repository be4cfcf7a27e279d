//! What the issuer says of itself and its keys, fetched when needed and kept.
//!
//! Both are fetched again after [`FRESH`], keys also when a token names one that is not among them. An issuer that does not
//! answer is asked again no sooner than after [`PAUSE`], and what is known of it holds for [`KEPT`]: it may rest for a night
//! without locking anybody out, and a stranger's tokens cannot make this server call it again and again.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{errors::ApiError, settings::OidcSettings};

const FRESH: SignedDuration = SignedDuration::from_hours(1);
const KEPT: SignedDuration = SignedDuration::from_hours(24);
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);
/// Longer answers are none that an issuer gives.
const LONGEST: usize = 1 << 20;

/// The issuer cannot be asked, or says what cannot be used. In words for whoever runs the server.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the OIDC issuer: {0}")]
pub struct IssuerError(pub(super) String);

impl From<IssuerError> for ApiError {
    fn from(error: IssuerError) -> Self {
        tracing::error!(%error, "cannot ask the OIDC issuer");
        let message = "the OIDC issuer that this server trusts does not answer; try again in a moment";
        Self::unavailable("issuer_unavailable", message)
    }
}

/// The part of the issuer's description (OpenID Connect Discovery 1.0) that is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

impl Metadata {
    /// Whether the client's secret goes into the form, because the issuer takes it nowhere else.
    pub(super) fn takes_secret_in_form(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        let has = |wanted: &str| methods.iter().any(|method| method == wanted);
        has("client_secret_post") && !has("client_secret_basic")
    }
}

#[derive(Debug)]
pub(super) struct Issuer {
    jwks_url: Option<String>,
    asker: Asker,
    metadata: Arc<Kept<Metadata>>,
    keys: Arc<Kept<Vec<Jwk>>>,
}

/// What it takes to ask; cheap to clone.
#[derive(Debug, Clone)]
struct Asker {
    issuer: String,
    http: reqwest::Client,
}

impl Issuer {
    pub(super) fn new(settings: &OidcSettings) -> Result<Self, IssuerError> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("tailerd/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none());
        if settings.issuer.starts_with("http://") {
            http = http.no_proxy(); // on this machine
        }
        let http = http.build().map_err(|error| IssuerError(error.to_string()))?;
        Ok(Self {
            jwks_url: settings.jwks_url.clone(),
            asker: Asker { issuer: settings.issuer.clone(), http },
            metadata: Arc::default(),
            keys: Arc::default(),
        })
    }

    /// What the issuer says of the holder of an access token beside the ID token.
    pub(super) async fn user_info(&self, access: &str, now: Timestamp) -> Result<Map<String, Value>, IssuerError> {
        let Some(url) = self.metadata(now).await?.userinfo_endpoint.clone() else { return Ok(Map::new()) };
        let asked = self.asker.http.get(&url).header("accept", "application/json").bearer_auth(access).send().await;
        match read(&url, asked).await? {
            (status, Some(Value::Object(claims))) if status.is_success() => Ok(claims),
            (status, _) => Err(IssuerError(format!("{url} answered {status}, expected a JSON object"))),
        }
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.asker.http
    }

    /// How the issuer describes itself.
    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, IssuerError> {
        let asker = self.asker.clone();
        self.metadata.get(now, false, async move { asker.metadata().await }).await
    }

    /// The keys that sign its tokens; `anew`: those it has now, as far as it may be asked again.
    pub(super) async fn keys(&self, now: Timestamp, anew: bool) -> Result<Arc<Vec<Jwk>>, IssuerError> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.metadata(now).await?.jwks_uri.clone(),
        };
        let asker = self.asker.clone();
        self.keys.get(now, anew, async move { asker.keys(&url).await }).await
    }
}

impl Asker {
    async fn metadata(&self) -> Result<Metadata, IssuerError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let described = self.fetch(&url).await?;
        let metadata: Metadata =
            serde_json::from_value(described).map_err(|error| IssuerError(format!("{url}: {error}")))?;
        if metadata.issuer != self.issuer {
            let message = format!("{url} describes {:?}; oidc.issuer must be written exactly so", metadata.issuer);
            return Err(IssuerError(message));
        }
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        for endpoint in endpoints.into_iter().chain(&metadata.userinfo_endpoint) {
            if !is_safe(endpoint) {
                return Err(IssuerError(format!("{url} names {endpoint}, which is not https")));
            }
        }
        Ok(metadata)
    }

    async fn keys(&self, url: &str) -> Result<Vec<Jwk>, IssuerError> {
        let mut set = self.fetch(url).await?;
        let Some(Value::Array(keys)) = set.get_mut("keys").map(Value::take) else {
            return Err(IssuerError(format!("{url}: expected an object with a list \"keys\"")));
        };
        // A key of a kind that is not known here concerns somebody else.
        Ok(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    async fn fetch(&self, url: &str) -> Result<Value, IssuerError> {
        let asked = self.http.get(url).header("accept", "application/json").send().await;
        read(url, asked).await.and_then(|(status, body)| match body {
            Some(body) if status.is_success() => Ok(body),
            _ => Err(IssuerError(format!("{url} answered {status}, expected JSON"))),
        })
    }
}

/// Status and JSON of an answer, read as far as an issuer's answers go.
pub(super) async fn read(
    url: &str,
    asked: Result<reqwest::Response, reqwest::Error>,
) -> Result<(reqwest::StatusCode, Option<Value>), IssuerError> {
    let failed = |error: reqwest::Error| IssuerError(format!("{url}: {}", causes(&error)));
    let mut response = asked.map_err(failed)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(IssuerError(format!("{url} answers more than {LONGEST} bytes")));
        }
    }
    Ok((status, serde_json::from_slice(&body).ok()))
}

/// An error with what caused it; the outermost says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Whether nobody on the way can read or change what goes there: https, or this machine.
pub(crate) fn is_safe(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https" && !host.is_empty()
        || url.scheme() == "http" && (host == "localhost" || host.starts_with("127.") || host == "[::1]")
}

/// A value that is fetched and kept. One fetch at a time: whoever comes meanwhile waits for it. A fetch goes on when nobody waits
/// any more, so that callers who hang up neither lose it nor begin it over and over.
#[derive(Debug)]
struct Kept<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    value: Option<(Arc<T>, Timestamp)>,
    tried: Option<Timestamp>,
    why: IssuerError,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(State { value: None, tried: None, why: IssuerError("it was not asked".to_owned()) }))
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    async fn get(
        self: &Arc<Self>,
        now: Timestamp,
        anew: bool,
        fetch: impl Future<Output = Result<T, IssuerError>> + Send + 'static,
    ) -> Result<Arc<T>, IssuerError> {
        if let Some(known) = self.0.lock().await.known(now, anew) {
            return known;
        }
        let kept = Arc::clone(self);
        let asking = tokio::spawn(async move {
            let mut state = kept.0.lock().await;
            if let Some(known) = state.known(now, anew) {
                return known; // somebody else has asked meanwhile
            }
            state.tried = Some(now);
            match fetch.await {
                Ok(value) => state.value = Some((Arc::new(value), now)),
                Err(error) => {
                    tracing::warn!(%error, "cannot ask the OIDC issuer");
                    state.why = error;
                }
            }
            state.last(now)
        });
        asking.await.unwrap_or_else(|_| Err(IssuerError("asking was broken off".to_owned())))
    }
}

impl<T> State<T> {
    /// What is known without asking; `None` when the issuer is to be asked.
    fn known(&self, now: Timestamp, anew: bool) -> Option<Result<Arc<T>, IssuerError>> {
        let fresh = self.value.as_ref().filter(|(_, fetched)| within(*fetched, now, FRESH) && !anew);
        match fresh {
            Some((value, _)) => Some(Ok(Arc::clone(value))),
            None => self.tried.is_some_and(|tried| within(tried, now, PAUSE)).then(|| self.last(now)),
        }
    }

    /// The last value, when it still holds.
    fn last(&self, now: Timestamp) -> Result<Arc<T>, IssuerError> {
        match &self.value {
            Some((value, fetched)) if within(*fetched, now, KEPT) => Ok(Arc::clone(value)),
            _ => Err(self.why.clone()),
        }
    }
}

/// Whether less than `span` has passed. A clock that was set back makes everything old.
fn within(then: Timestamp, now: Timestamp, span: SignedDuration) -> bool {
    let age = now.duration_since(then);
    !age.is_negative() && age < span
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_fetched_seldom_and_outlives_an_outage() {
        let kept = Arc::new(Kept::default());
        let (fetches, up) = (Arc::new(AtomicI32::new(0)), Arc::new(AtomicBool::new(false)));
        let check = async |seconds: i64, anew: bool, expect: (Option<i32>, i32)| {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
            let (asked, answers) = (Arc::clone(&fetches), Arc::clone(&up));
            let fetch = async move {
                let nth = asked.fetch_add(1, SeqCst) + 1;
                if answers.load(SeqCst) { Ok(nth) } else { Err(IssuerError("down".to_owned())) }
            };
            let got = kept.get(now, anew, fetch).await.ok().map(|value| *value);
            assert_eq!((got, fetches.load(SeqCst)), expect, "after {seconds} s");
        };
        check(0, false, (None, 1)).await;
        check(29, false, (None, 1)).await;
        up.store(true, SeqCst);
        check(30, false, (Some(2), 2)).await;
        check(40, true, (Some(2), 2)).await; // asked a moment ago
        check(60, true, (Some(3), 3)).await;
        check(3_659, false, (Some(3), 3)).await;
        up.store(false, SeqCst);
        check(3_660, false, (Some(3), 4)).await;
        check(80_000, false, (Some(3), 5)).await;
        check(60 + 86_400, false, (None, 6)).await;
        check(0, false, (None, 7)).await; // the clock was set back
    }

    #[test]
    fn endpoints_are_https_or_this_machine() {
        for fine in ["https://login.example.com/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:1/"] {
            assert!(is_safe(fine), "{fine}");
        }
        for bad in ["http://login.example.com", "ftp://127.0.0.1", "login.example.com", "http://127.evil@x.example"] {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}

//! Requests to a service: signed anew for each attempt, watched for progress, sent again when the failure may pass.
//!
//! Waits grow twofold from attempt to attempt and are drawn at random below their ceiling, so that many clients do not come
//! back at once. Redirects are not followed: a signature is for one address. Nothing here prints an address.

use std::{
    error::Error as _,
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::client::{HttpRequest, HttpRequestBody};
use reqwest::Url;
use tokio::time::{sleep, timeout};

use super::{fault::Fault, payload::Payload, settings::Limits};

/// Longest answer that is read whole: a page of a listing has a few hundred kilobytes.
const LONGEST_TEXT: usize = 64 * 1024 * 1024;
/// Services close connections that rest for longer.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// One request, to be sent as often as needed.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    /// SHA-256 of the payload where the signature is to cover it.
    pub(super) sha256: Option<[u8; 32]>,
}

impl Call {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), payload: Payload::default(), sha256: None }
    }

    /// # Errors
    /// `Invalid` when the value cannot be in a header.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Fault> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Fault::Invalid(format!("the value of the header {name} is not printable")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    pub(super) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

/// What a service knows of its own requests and answers.
#[async_trait]
pub(super) trait Access: Send + Sync {
    /// Adds what proves who asks.
    async fn authorize(&self, request: &mut HttpRequest, call: &Call) -> Result<(), Fault>;

    /// Reads an answer that is not a success.
    fn fault(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Fault;

    /// Statuses below 400 that are answers and not faults, besides the `2xx`.
    fn accepts(&self, _: StatusCode) -> bool {
        false
    }
}

/// An answer whose body is still to come.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Incoming,
}

/// A body on its way in.
pub(super) struct Incoming {
    response: reqwest::Response,
    idle: Duration,
}

impl Incoming {
    /// The next bytes, `None` at the end.
    ///
    /// # Errors
    /// `Lost`: the connection broke, or nothing came for too long.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match timeout(self.idle, self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(of_reqwest(&error)),
            Err(_) => Err(stalled(self.idle)),
        }
    }

    pub(super) async fn text(&mut self) -> Result<String, Fault> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if all.len() + chunk.len() > LONGEST_TEXT {
                return Err(Fault::Invalid("the service's answer is too long".to_owned()));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }
}

/// The way to one service. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    pub(super) limits: Limits,
}

impl Http {
    pub(super) fn new(base: &Url, limits: Limits) -> Result<Self, Fault> {
        install_tls();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("tailerd/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .pool_idle_timeout(POOL_IDLE)
            // One connection a request carries more than one for all of them.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none());
        let host = base.host_str().unwrap_or_default();
        if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
            // A proxy of the environment has no business between two programs of one machine.
            builder = builder.no_proxy();
        }
        if base.scheme() == "http" {
            // No TLS, so a machine without any certificate authorities must do.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| Fault::Invalid(format!("no HTTP client: {}", reason(&error))))?;
        Ok(Self { client, limits })
    }

    /// Sends until there is an answer.
    pub(super) async fn send(&self, access: &impl Access, call: &Call) -> Result<Reply, Fault> {
        self.retrying(|| self.once(access, call)).await
    }

    /// Sends until there is a complete answer.
    pub(super) async fn text(&self, access: &impl Access, call: &Call) -> Result<(HeaderMap, String), Fault> {
        self.retrying(|| self.once_text(access, call)).await
    }

    pub(super) async fn once_text(&self, access: &impl Access, call: &Call) -> Result<(HeaderMap, String), Fault> {
        let mut reply = self.once(access, call).await?;
        let text = reply.body.text().await?;
        Ok((reply.headers, text))
    }

    /// Tries until it works, the fault will not pass, or patience is at its end.
    pub(super) async fn retrying<T, F>(&self, mut attempt: impl FnMut() -> F + Send) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let mut failures = 0;
        loop {
            match attempt().await {
                Err(fault) => failures = self.endure(failures, fault).await?,
                done => return done,
            }
        }
    }

    /// Waits after one more failure.
    ///
    /// # Errors
    /// The fault itself when it will not pass, or has been seen too often.
    pub(super) async fn endure(&self, failures: u32, fault: Fault) -> Result<u32, Fault> {
        let failures = failures.saturating_add(1);
        if !fault.is_transient() || failures > self.limits.retries {
            return Err(fault.after(failures));
        }
        let wait = self.wait(failures, fault.retry_after());
        tracing::debug!(?wait, failures, ?fault, "the service is asked again");
        sleep(wait).await;
        Ok(failures)
    }

    fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let Limits { backoff, longest_backoff, jitter, .. } = &self.limits;
        let ceiling = backoff.saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX)).min(*longest_backoff);
        let asked = asked.unwrap_or_default().min(longest_backoff.saturating_mul(2));
        asked + ceiling.mul_f64(jitter.draw())
    }

    /// Sends once.
    pub(super) async fn once(&self, access: &impl Access, call: &Call) -> Result<Reply, Fault> {
        let progress = Arc::new(AtomicU64::new(0));
        let request = prepare(access, call, &progress).await?;
        let idle = self.limits.idle;
        let response = unless_idle(&progress, idle, self.client.execute(request)).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Incoming { response, idle };
        if status.is_success() || access.accepts(status) {
            return Ok(Reply { status, headers, body });
        }
        // What cannot be read of an error adds nothing to it.
        let text = body.text().await.unwrap_or_default();
        Err(access.fault(status, &headers, &text))
    }
}

async fn prepare(access: &impl Access, call: &Call, progress: &Arc<AtomicU64>) -> Result<reqwest::Request, Fault> {
    let unfit = || Fault::Invalid("the request cannot be written as HTTP".to_owned());
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.url.as_str().parse().map_err(|_| unfit())?;
    *request.headers_mut() = call.headers.clone();
    if matches!(call.method, Method::PUT | Method::POST) {
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(call.payload.len()));
    }
    access.authorize(&mut request, call).await?;
    let (parts, _) = request.into_parts();
    http::Request::from_parts(parts, call.payload.body(progress)).try_into().map_err(|_: reqwest::Error| unfit())
}

/// Waits for the answer as long as bytes move.
async fn unless_idle(
    progress: &AtomicU64,
    idle: Duration,
    work: impl Future<Output = reqwest::Result<reqwest::Response>>,
) -> Result<reqwest::Response, Fault> {
    let mut work = pin!(work);
    loop {
        let before = progress.load(Ordering::Relaxed);
        match timeout(idle, &mut work).await {
            Ok(answer) => return answer.map_err(|error| of_reqwest(&error)),
            Err(_) if progress.load(Ordering::Relaxed) == before => return Err(stalled(idle)),
            Err(_) => {}
        }
    }
}

fn stalled(idle: Duration) -> Fault {
    Fault::Lost(format!("no byte moved for {} seconds", idle.as_secs_f32()))
}

fn of_reqwest(error: &reqwest::Error) -> Fault {
    if let Some(distrust) = distrust(error) {
        return Fault::Denied(format!("the service's certificate is not trusted: {distrust}"));
    }
    if error.is_connect() {
        return Fault::Lost(format!("no connection: {}", reason(error)));
    }
    Fault::Lost(format!("the connection was lost: {}", reason(error)))
}

/// The innermost cause, which names no address: `Connection refused` says more than `error sending request`.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    error.source().map_or_else(|| "the request failed".to_owned(), innermost)
}

/// A certificate does not become valid by asking again.
fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(current) = cause {
        let tls = current.downcast_ref::<rustls::Error>().or_else(|| {
            current.downcast_ref::<io::Error>().and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref())
        });
        if let Some(tls @ rustls::Error::InvalidCertificate(_)) = tls {
            return Some(tls.to_string());
        }
        cause = current.source();
    }
    None
}

/// How `object_store` asks for credentials: our own attempts come on top.
pub(super) fn credential_retries() -> object_store::RetryConfig {
    object_store::RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(20), ..Default::default() }
}

/// What an error comes down to.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// TLS needs a provider of its cryptography. The program installs one; tests and tools of this crate alone get the same.
pub(super) fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::settings::Jitter, *};

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let check = |draw: f64, failures: u32, asked: Option<u64>, expect: u64| {
            let limits = Limits {
                backoff: Duration::from_millis(100),
                longest_backoff: Duration::from_secs(1),
                jitter: Jitter::new(move || draw),
                ..Limits::default()
            };
            let http = Http::new(&Url::parse("http://127.0.0.1").unwrap(), limits).unwrap();
            let wait = http.wait(failures, asked.map(Duration::from_millis));
            assert_eq!(wait, Duration::from_millis(expect), "{draw} {failures} {asked:?}");
        };
        check(1.0, 1, None, 100);
        check(1.0, 2, None, 200);
        check(1.0, 4, None, 800);
        check(1.0, 5, None, 1000);
        check(1.0, 4_000_000, None, 1000);
        check(0.5, 2, None, 100);
        check(0.0, 9, None, 0);
        check(1.0, 1, Some(500), 600);
        check(1.0, 1, Some(3_600_000), 2100);
    }
}

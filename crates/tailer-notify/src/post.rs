//! Documents posted to webhooks.
//!
//! Every request carries `X-Tailerd-Id`, the same when it is sent again, and `X-Tailerd-Timestamp`, the second at which it was sent.
//! With a secret it also carries `X-Tailerd-Signature`: `sha256=` and the HMAC of the timestamp, a dot and the body, in hex.
//! Redirects are not followed, and nothing of the answer but its status is looked at.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use ring::hmac;
use tailer_model::Secret;

use crate::{
    Outcome,
    public::{NOT_PUBLIC, PublicOnly, is_public},
};

/// A document to be posted.
#[derive(Debug, Clone)]
pub struct Post {
    /// The same whenever it is sent again.
    pub id: String,
    pub url: Secret<String>,
    /// What signs it.
    pub secret: Option<Secret<String>>,
    /// The address is the server's own setting: it may be anywhere.
    pub trusted: bool,
    /// JSON.
    pub body: String,
    pub at: Timestamp,
}

/// Posts documents. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Connects to public addresses only, and to them directly: behind a proxy nobody knows where a name leads.
    guarded: Client,
    /// Connects to whatever is named, through the proxy of the environment.
    open: Client,
    /// The same on this machine, where no proxy is.
    near: Client,
    /// `host` or `host:port`.
    allowed: Arc<BTreeSet<String>>,
}

impl Caller {
    /// `allowed`: hosts, or hosts with their ports, that operations may name wherever they are and without encryption.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(allowed: BTreeSet<String>, timeout: Duration) -> Result<Self, String> {
        let client = |change: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder| {
            let builder = Client::builder()
                .user_agent(concat!("tailerd/", env!("CARGO_PKG_VERSION")))
                .timeout(timeout)
                .redirect(Policy::none());
            change(builder).build().map_err(|error| causes(&error))
        };
        Ok(Self {
            guarded: client(|builder| builder.no_proxy().dns_resolver(Arc::new(PublicOnly)))?,
            open: client(|builder| builder)?,
            near: client(|builder| builder.no_proxy())?,
            allowed: Arc::new(allowed),
        })
    }

    /// Tries once to post a document.
    pub async fn post(&self, post: &Post) -> Outcome {
        let Ok(url) = Url::parse(post.url.expose().trim()) else {
            return Outcome::never("the address of the webhook is none");
        };
        let client = match self.client_for(&url, post.trusted) {
            Ok(client) => client,
            Err(why) => return Outcome::never(why),
        };
        let seconds = post.at.as_second().to_string();
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Tailerd-Id", &post.id)
            .header("X-Tailerd-Timestamp", &seconds)
            .body(post.body.clone());
        if let Some(secret) = &post.secret {
            request = request.header("X-Tailerd-Signature", signature(secret, &seconds, &post.body));
        }
        match request.send().await {
            Ok(response) => verdict(response.status(), response.headers().get(RETRY_AFTER)),
            Err(error) => {
                let why = causes(&error.without_url());
                if why.contains(NOT_PUBLIC) { Outcome::never(NOT_PUBLIC) } else { Outcome::later(why) }
            }
        }
    }

    /// Who may call this address.
    fn client_for(&self, url: &Url, trusted: bool) -> Result<&Client, String> {
        let host = url.host_str().unwrap_or_default();
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        let allowed =
            trusted || self.allowed.contains(host) || with_port.is_some_and(|place| self.allowed.contains(&place));
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let near = host == "localhost" || literal.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" | "http" if allowed => Ok(if near { &self.near } else { &self.open }),
            "https" if literal.is_none_or(is_public) => Ok(&self.guarded),
            "https" => Err(NOT_PUBLIC.to_owned()),
            "http" => {
                Err("http:// is only called where the server's setting alerts.webhook_hosts names the host".to_owned())
            }
            _ => Err("only https:// addresses are called".to_owned()),
        }
    }
}

fn verdict(status: StatusCode, retry_after: Option<&reqwest::header::HeaderValue>) -> Outcome {
    if status.is_success() {
        return Outcome::Sent { refused: Vec::new() };
    }
    let why = format!("the webhook answered {status}");
    let again =
        status.is_server_error() || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if !again {
        return Outcome::never(why);
    }
    let after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
    Outcome::Later { why, after }
}

/// `sha256=<hex>` of `<seconds>.<body>`.
fn signature(secret: &Secret<String>, seconds: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    for part in [seconds, ".", body] {
        context.update(part.as_bytes());
    }
    let hex: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let allowed = ["hooks.internal".to_owned(), "127.0.0.1:9000".to_owned()].into();
        Caller::new(allowed, Duration::from_secs(5)).unwrap()
    }

    #[test]
    fn whoever_deploys_reaches_only_what_is_public_or_allowed() {
        let caller = caller();
        let may = |url: &str, trusted| caller.client_for(&Url::parse(url).unwrap(), trusted).map(drop);
        for good in
            ["https://hooks.example.com/x", "https://8.8.8.8/", "http://hooks.internal/x", "http://127.0.0.1:9000/"]
        {
            assert_eq!(may(good, false), Ok(()), "{good}");
        }
        for bad in [
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://[::1]/",
            "https://169.254.169.254/latest",
            "http://127.0.0.1:9001/",
            "ftp://hooks.internal/",
        ] {
            assert!(may(bad, false).is_err(), "{bad}");
        }
        assert_eq!(may("http://10.0.0.1/", true), Ok(()), "the owner's own");
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_not_followed() {
        let post = Post {
            id: "x".into(),
            url: Secret::new("https://localhost:9/hunter2".into()),
            secret: None,
            trusted: false,
            body: "{}".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(caller().post(&post).await, Outcome::never(NOT_PUBLIC));
        // Nothing listens there: the address is not part of what is said.
        let Outcome::Later { why, .. } = caller().post(&Post { trusted: true, ..post }).await else {
            panic!("not tried")
        };
        assert!(!why.contains("hunter2"), "{why}");
    }

    #[test]
    fn what_answers_mean() {
        let of = |code: u16, after: Option<&'static str>| {
            verdict(StatusCode::from_u16(code).unwrap(), after.map(reqwest::header::HeaderValue::from_static).as_ref())
        };
        assert_eq!(of(204, None), Outcome::Sent { refused: vec![] });
        for never in [301, 302, 400, 403, 404, 410] {
            assert!(matches!(of(never, None), Outcome::Never { .. }), "{never}");
        }
        for later in [408, 429, 500, 503] {
            assert!(matches!(of(later, None), Outcome::Later { after: None, .. }), "{later}");
        }
        assert!(matches!(of(429, Some("30")), Outcome::Later { after: Some(Duration { .. }), .. }));
    }

    #[test]
    fn signatures_are_as_documented() {
        // As made by Python: hmac.new(b"key", b"1700000000.{}", "sha256").hexdigest()
        let expect = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        assert_eq!(signature(&Secret::new("key".into()), "1700000000", "{}"), expect);
    }
}

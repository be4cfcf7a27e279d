//! The way to BigQuery's REST API v2: one connection pool, a token on every request, failures read and, where BigQuery's
//! documentation allows, requests sent again.
//!
//! A thin client over `reqwest` and not a crate of others: what tailerd needs is a dozen methods, and job ids and retries belong
//! to the promise that an effect happens once, so both are decided here. Tokens come from `object_store`, which already keeps and
//! renews them for the buckets.

mod credentials;
mod failure;
mod retry;
mod upload;

use std::{fmt, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use credentials::BigQueryCredentials;
pub(crate) use failure::{Failure, is_passing};
pub use retry::Retries;
pub(crate) use upload::Sent;

use credentials::Tokens;

const GOOGLE: &str = "https://bigquery.googleapis.com";
/// Above the longest wait of a long poll.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    tokens: Tokens,
    retries: Retries,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// # Errors
    /// When the endpoint is no address, credentials are not usable, or a token would travel in the clear to another
    /// machine.
    pub(crate) fn new(
        endpoint: Option<&str>,
        credentials: &BigQueryCredentials,
        retries: Retries,
    ) -> Result<Self, Failure> {
        let base = endpoint.unwrap_or(GOOGLE).trim_end_matches('/');
        let base =
            Url::parse(base).map_err(|e| Failure::refused(format!("endpoint {base:?} is not an address: {e}")))?;
        if base.cannot_be_a_base() || base.host_str().is_none() {
            return Err(Failure::refused(format!("endpoint {base} names no host")));
        }
        let tokens = Tokens::new(credentials, &base)?;
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster: then there is one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(LONGEST_ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::refused(format!("no connection to BigQuery can be made: {error}")))?;
        Ok(Self { http, base, tokens, retries })
    }

    /// `…/bigquery/v2/projects/<project>/<parts>`; the parts are escaped.
    pub(crate) fn url(&self, project: &str, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["bigquery", "v2", "projects", project]).extend(parts);
        }
        url
    }

    pub(crate) fn retries(&self) -> &Retries {
        &self.retries
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, Failure> {
        self.send(Method::GET, url, None::<&Value>).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, url: Url, body: &impl Serialize) -> Result<T, Failure> {
        self.send(Method::POST, url, Some(body)).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, url: Url, body: &impl Serialize) -> Result<T, Failure> {
        self.send(Method::PATCH, url, Some(body)).await
    }

    pub(crate) async fn delete(&self, url: Url) -> Result<(), Failure> {
        self.send::<Value>(Method::DELETE, url, None::<&Value>).await.map(drop)
    }

    /// Sends until an answer is final. Every request of tailerd can be repeated: jobs carry ids, the rest says what shall be.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let mut failures = 0;
        loop {
            match self.once(&method, &url, body).await {
                Err(failure) if failure.passes() && failures < self.retries.most => {
                    failures += 1;
                    tracing::debug!(%failure, failures, "a request to BigQuery is sent again");
                    tokio::time::sleep(self.retries.pause(failures, failure.retry_after)).await;
                }
                answer => return answer,
            }
        }
    }

    /// Sends a request with a token. Where that is not let in any more, once again with a new one.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let Some(token) = self.tokens.bearer().await? else { return request.send().await.map_err(lost) };
        let again = request.try_clone();
        let answer = request.bearer_auth(&token).send().await.map_err(lost)?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && let (Some(again), Some(token)) = (again, self.tokens.renewed(&token).await?)
        {
            return again.bearer_auth(token).send().await.map_err(lost);
        }
        Ok(answer)
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.answer(request).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let body = answer.bytes().await.map_err(lost)?;
        // A deletion answers nothing.
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body).map_err(|e| Failure::refused(format!("BigQuery's answer cannot be read: {e}")))
    }
}

fn lost(error: reqwest::Error) -> Failure {
    Failure::lost(&error.without_url())
}

/// Clocks that differ by less are not what a token is refused for.
const SKEW_SECONDS: i64 = 60;

/// Reads an answer that is not a success.
async fn refused(answer: Response) -> Failure {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = match answer.bytes().await {
        Ok(body) => body,
        Err(error) => return lost(error),
    };
    let mut failure = Failure::answered(status.as_u16(), &body);
    failure.retry_after = text(&headers, RETRY_AFTER).and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    if status == StatusCode::UNAUTHORIZED
        && let Some(ahead) = text(&headers, DATE).and_then(|date| seconds_ahead(date, Timestamp::now()))
        && ahead.abs() >= SKEW_SECONDS
    {
        let word = if ahead < 0 { "behind" } else { "ahead of" };
        failure.message += &format!(
            "; this machine's clock is {} seconds {word} BigQuery's, and tokens carry the time: let NTP keep it right",
            ahead.abs()
        );
    }
    failure
}

fn text(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How far our clock is ahead of the one that wrote the date of an answer.
fn seconds_ahead(date: &str, now: Timestamp) -> Option<i64> {
    Some(now.as_second() - rfc2822::parse(date).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared() {
        let check = |now: &str, expect: Option<i64>| {
            assert_eq!(seconds_ahead("Wed, 31 Jan 2024 12:00:00 GMT", now.parse().unwrap()), expect);
        };
        check("2024-01-31T12:00:00.9Z", Some(0));
        check("2024-01-31T12:10:00Z", Some(600));
        check("2024-01-31T11:59:00Z", Some(-60));
        assert_eq!(seconds_ahead("yesterday", Timestamp::UNIX_EPOCH), None);
    }
}

//! Who asks BigQuery. Tokens are kept and renewed before they end, by one task at a time; one that BigQuery refuses before its time
//! is forgotten.
//!
//! A token never travels in the clear to another machine, whatever the settings say.

use std::{fmt, sync::Arc};

use object_store::gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder};
use parking_lot::RwLock;
use reqwest::Url;
use tailer_model::Secret;

use super::Failure;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BigQueryCredentials {
    /// The JSON document of a service account's key.
    ServiceAccount(Secret<String>),
    /// `GOOGLE_APPLICATION_CREDENTIALS`, what `gcloud auth application-default login` left, or the instance's account.
    ApplicationDefault,
    /// Nobody: emulators.
    None,
}

/// Cheap to clone; clones share their token.
#[derive(Clone)]
pub(super) struct Tokens(Option<Arc<Source>>);

struct Source {
    credentials: BigQueryCredentials,
    /// Keeps a token, and gives no other one until that nears its end.
    provider: RwLock<GcpCredentialProvider>,
    /// Held by who replaces the provider.
    renewing: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Tokens {
    pub(super) fn new(credentials: &BigQueryCredentials, base: &Url) -> Result<Self, Failure> {
        if *credentials == BigQueryCredentials::None {
            return Ok(Self(None));
        }
        if base.scheme() != "https" && !is_this_machine(base) {
            return Err(Failure::refused(format!(
                "endpoint {base}: credentials are only sent over https or to this machine; use https, or credentials = \"none\""
            )));
        }
        Ok(Self(Some(Arc::new(Source {
            credentials: credentials.clone(),
            provider: RwLock::new(provider(credentials)?),
            renewing: tokio::sync::Mutex::default(),
        }))))
    }

    /// `None`: nobody asks.
    pub(super) async fn bearer(&self) -> Result<Option<String>, Failure> {
        match &self.0 {
            Some(source) => source.bearer().await.map(Some),
            None => Ok(None),
        }
    }

    /// A token in place of one that was refused. Of many that were refused together one asks for it.
    pub(super) async fn renewed(&self, refused: &str) -> Result<Option<String>, Failure> {
        let Some(source) = &self.0 else { return Ok(None) };
        let _one_by_one = source.renewing.lock().await;
        let current = source.bearer().await?;
        if current != refused {
            return Ok(Some(current));
        }
        *source.provider.write() = provider(&source.credentials)?;
        source.bearer().await.map(Some)
    }
}

impl Source {
    async fn bearer(&self) -> Result<String, Failure> {
        let provider = Arc::clone(&self.provider.read());
        let credential = provider.get_credential().await.map_err(|error| Failure::denied(no_credentials(&error)))?;
        Ok(credential.bearer.clone())
    }
}

fn provider(credentials: &BigQueryCredentials) -> Result<GcpCredentialProvider, Failure> {
    let builder = match credentials {
        BigQueryCredentials::ServiceAccount(key) => {
            GoogleCloudStorageBuilder::new().with_service_account_key(key.expose().as_str())
        }
        BigQueryCredentials::ApplicationDefault | BigQueryCredentials::None => GoogleCloudStorageBuilder::from_env(),
    };
    // The name of a bucket is asked for and not used: the token is for all of the cloud's services.
    match builder.with_bucket_name("bigquery").build() {
        Ok(store) => Ok(Arc::clone(store.credentials())),
        // The parser's words may quote the key.
        Err(_) if matches!(credentials, BigQueryCredentials::ServiceAccount(_)) => Err(Failure::denied(
            "the service account's key is not the JSON document that Google gives out, with client_email and private_key"
                .to_owned(),
        )),
        Err(error) => Err(Failure::denied(no_credentials(&error))),
    }
}

fn no_credentials(error: &object_store::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!(
        "no credentials for BigQuery ({cause}): give the key of a service account, set GOOGLE_APPLICATION_CREDENTIALS, or give \
         the machine a service account"
    )
}

pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_leave_the_machine_in_the_clear() {
        let key = BigQueryCredentials::ServiceAccount(Secret::new("{}".to_owned()));
        let check = |url: &str, expect: &str| {
            let error = Tokens::new(&key, &Url::parse(url).unwrap()).unwrap_err();
            assert!(error.message.contains(expect), "{error}");
        };
        check("http://192.0.2.1:9050", "only sent over https");
        check("http://127.0.0.1.example.com", "only sent over https");
        check("http://127.0.0.1:9050", "not the JSON document");
        check("http://[::1]:9050", "not the JSON document");
        check("https://192.0.2.1", "not the JSON document");
    }
}

//! What an object store needs to be opened: where it is, who we are, how patient to be.
//!
//! Credentials are [`Secret`]s: settings may be printed. An endpoint is only needed for compatible servers and emulators; without
//! one the service itself is meant, over TLS.

use std::{fmt, sync::Arc, time::Duration};

use tailer_model::Secret;

const MIB: u64 = 1024 * 1024;

/// A bucket of S3 or of a server that speaks its protocol.
#[derive(Debug, Clone)]
pub struct S3Settings {
    pub bucket: String,
    /// Beginning of its addresses, such as `s3://bucket`.
    pub display: String,
    /// `https://host[:port]` of a compatible server (`http://` is allowed); `None` is AWS.
    pub endpoint: Option<String>,
    /// `us-east-1` unless given.
    pub region: Option<String>,
    /// `https://host/bucket/…` instead of `https://bucket.host/…`. Unless given: with an endpoint, and where a dot in the
    /// bucket's name would not fit a certificate.
    pub path_style: Option<bool>,
    pub credentials: S3Credentials,
    pub limits: Limits,
}

impl S3Settings {
    /// AWS with the credentials of the environment.
    #[must_use]
    pub fn new(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            display: format!("s3://{bucket}"),
            endpoint: None,
            region: None,
            path_style: None,
            credentials: S3Credentials::Environment,
            limits: Limits::default(),
        }
    }
}

/// Who asks S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Credentials {
    Keys {
        access_key: String,
        secret_key: Secret<String>,
        /// Of temporary credentials.
        session_token: Option<Secret<String>>,
    },
    /// `AWS_ACCESS_KEY_ID` and its kin, a web identity, the container's or the instance's role; not the profiles of `~/.aws`.
    Environment,
}

/// A bucket of Google Cloud Storage or of a server that speaks its JSON protocol.
#[derive(Debug, Clone)]
pub struct GcsSettings {
    pub bucket: String,
    /// Beginning of its addresses, such as `gs://bucket`.
    pub display: String,
    /// `https://host[:port]` of a compatible server (`http://` is allowed); `None` is Google's.
    pub endpoint: Option<String>,
    pub credentials: GcsCredentials,
    pub limits: Limits,
}

impl GcsSettings {
    /// Google's service with the application default credentials.
    #[must_use]
    pub fn new(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            display: format!("gs://{bucket}"),
            endpoint: None,
            credentials: GcsCredentials::ApplicationDefault,
            limits: Limits::default(),
        }
    }
}

/// Who asks Google Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GcsCredentials {
    /// The JSON document of a service account's key.
    ServiceAccount(Secret<String>),
    /// Nobody: public buckets and emulators.
    Anonymous,
    /// `GOOGLE_APPLICATION_CREDENTIALS`, what `gcloud auth application-default login` left, or the instance's account.
    ApplicationDefault,
}

/// A container of Azure Blob Storage or of a server that speaks its protocol.
#[derive(Debug, Clone)]
pub struct AzureSettings {
    pub container: String,
    /// Beginning of its addresses, such as `azure://container`.
    pub display: String,
    /// Address of the account at a compatible server, such as `http://127.0.0.1:10000/devstoreaccount1`; `None` is what the
    /// connection string says, or Azure.
    pub endpoint: Option<String>,
    pub credentials: AzureCredentials,
    pub limits: Limits,
}

impl AzureSettings {
    #[must_use]
    pub fn new(container: &str, credentials: AzureCredentials) -> Self {
        Self {
            container: container.to_owned(),
            display: format!("azure://{container}"),
            endpoint: None,
            credentials,
            limits: Limits::default(),
        }
    }
}

/// Who asks Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureCredentials {
    /// As the portal shows it: `DefaultEndpointsProtocol=…;AccountName=…;AccountKey=…;EndpointSuffix=…`, or one with
    /// `BlobEndpoint` and `SharedAccessSignature`.
    ConnectionString(Secret<String>),
    /// `key` in base64.
    AccountKey { account: String, key: Secret<String> },
    /// `token`: a shared access signature, with or without its question mark.
    Sas { account: String, token: Secret<String> },
    /// `AZURE_CLIENT_ID` and its kin, a workload identity, or the machine's managed identity.
    Environment { account: String },
}

/// How patient to be, and how large a request may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait in which no byte moves, in either direction.
    pub idle: Duration,
    /// How often a request is sent again after a transient failure.
    pub retries: u32,
    /// Ceiling of the first wait between two attempts; it doubles from attempt to attempt.
    pub backoff: Duration,
    /// Ceiling of every wait. A service that asks for a longer one (`Retry-After`) gets it, up to twice this.
    pub longest_backoff: Duration,
    pub jitter: Jitter,
    /// Bytes of a part of an upload, where the number of parts allows it; at least 5 MiB (S3), a multiple of 256 KiB (GCS).
    pub part: u64,
    /// Bytes of the largest object that S3 copies in one request; at least 5 MiB.
    pub whole_copy: u64,
    /// Objects on one page of a listing.
    pub page: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            retries: 6,
            backoff: Duration::from_millis(250),
            longest_backoff: Duration::from_secs(30),
            jitter: Jitter::default(),
            part: 8 * MIB,
            whole_copy: 5 * 1024 * MIB,
            page: 1000,
        }
    }
}

/// Where the randomness of waits comes from: a number from 0 (at once) to 1 (the ceiling).
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    pub fn new(draw: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    /// From 0 to 1.
    #[must_use]
    pub fn draw(&self) -> f64 {
        (self.0)().clamp(0.0, 1.0)
    }
}

impl Default for Jitter {
    fn default() -> Self {
        // The system's randomness, through the crate that is here already.
        Self::new(|| f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX))
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_print_no_secret() {
        let secret = || Secret::new("hunter2".to_owned());
        let s3 = S3Settings {
            credentials: S3Credentials::Keys {
                access_key: "AKIA".into(),
                secret_key: secret(),
                session_token: Some(secret()),
            },
            ..S3Settings::new("b")
        };
        let gcs = GcsSettings { credentials: GcsCredentials::ServiceAccount(secret()), ..GcsSettings::new("b") };
        let azure = [
            AzureCredentials::ConnectionString(secret()),
            AzureCredentials::AccountKey { account: "a".into(), key: secret() },
            AzureCredentials::Sas { account: "a".into(), token: secret() },
        ];
        let azure = azure.map(|credentials| AzureSettings::new("c", credentials));
        let printed = format!("{s3:?} {gcs:?} {azure:?}");
        assert!(printed.contains("AKIA") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn waits_are_drawn_between_none_and_the_ceiling() {
        let jitter = Jitter::default();
        let drawn: Vec<f64> = (0..100).map(|_| jitter.draw()).collect();
        assert!(drawn.iter().all(|d| (0.0..=1.0).contains(d)) && drawn.iter().any(|d| *d > 0.5));
        assert!((Jitter::new(|| 7.0).draw() - 1.0).abs() < f64::EPSILON);
    }
}

//! The three services as tests see them: a fresh bucket a test, settings to change, requests of our own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{
    aws::{AwsAuthorizer, AwsCredential},
    azure::{AzureAccessKey, AzureAuthorizer, AzureCredential},
    client::{HttpRequest, HttpRequestBody},
};
use serde::Deserialize;
use tailer_model::Secret;
use tailer_storage::{
    AzureCredentials, AzureSettings, AzureStorage, Content, GcsCredentials, GcsSettings, GcsStorage, Jitter, Limits,
    ObjectMeta, ObjectPath, S3Credentials, S3Settings, S3Storage, Storage, StorageError, WriteOptions,
};

use crate::counterparts::counterpart;

/// A bucket of its own at a service.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) service: Service,
    pub(crate) bucket: String,
    pub(crate) limits: Limits,
    /// Where it is reached, when not directly.
    pub(crate) endpoint: Option<String>,
    /// Instead of what lets in.
    pub(crate) credential: Option<String>,
}

#[derive(Clone)]
pub(crate) enum Service {
    S3(S3),
    Gcs(Gcs),
    Azure(Azure),
}

#[derive(Clone, Deserialize)]
pub(crate) struct S3 {
    endpoint: String,
    region: String,
    access_key: String,
    secret_key: String,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Gcs {
    endpoint: String,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Azure {
    endpoint: String,
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) connection_string: String,
}

pub(crate) fn s3() -> Option<Fixture> {
    Some(Fixture::new(Service::S3(counterpart("TAILERD_TEST_S3")?)))
}

pub(crate) fn gcs() -> Option<Fixture> {
    Some(Fixture::new(Service::Gcs(counterpart("TAILERD_TEST_GCS")?)))
}

pub(crate) fn azure() -> Option<Fixture> {
    Some(Fixture::new(Service::Azure(counterpart("TAILERD_TEST_AZURE")?)))
}

/// Those of the three that are there.
pub(crate) fn all() -> Vec<Fixture> {
    [s3(), gcs(), azure()].into_iter().flatten().collect()
}

impl Fixture {
    fn new(service: Service) -> Self {
        let bucket = format!("t-{}", uuid::Uuid::new_v4().simple());
        let fixture = Self { service, bucket, limits: quick(), endpoint: None, credential: None };
        fixture.make_bucket();
        fixture
    }

    /// Another bucket of the same service.
    pub(crate) fn sibling(&self) -> Self {
        Self { limits: self.limits.clone(), ..Self::new(self.service.clone()) }
    }

    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        self.open().unwrap()
    }

    pub(crate) fn open(&self) -> Result<Arc<dyn Storage>, StorageError> {
        let at = |usual: &str| Some(self.endpoint.clone().unwrap_or_else(|| usual.to_owned()));
        let credential = |usual: &str| Secret::new(self.credential.clone().unwrap_or_else(|| usual.to_owned()));
        let limits = self.limits.clone();
        Ok(match &self.service {
            Service::S3(s3) => Arc::new(S3Storage::open(S3Settings {
                endpoint: at(&s3.endpoint),
                region: Some(s3.region.clone()),
                credentials: S3Credentials::Keys {
                    access_key: s3.access_key.clone(),
                    secret_key: credential(&s3.secret_key),
                    session_token: None,
                },
                limits,
                ..S3Settings::new(&self.bucket)
            })?),
            Service::Gcs(gcs) => Arc::new(GcsStorage::open(GcsSettings {
                endpoint: at(&gcs.endpoint),
                credentials: GcsCredentials::Anonymous,
                limits,
                ..GcsSettings::new(&self.bucket)
            })?),
            Service::Azure(azure) => Arc::new(AzureStorage::open(AzureSettings {
                endpoint: self.endpoint.as_ref().map(|endpoint| format!("{endpoint}/{}", azure.account)),
                limits,
                ..AzureSettings::new(
                    &self.bucket,
                    AzureCredentials::ConnectionString(credential(&azure.connection_string)),
                )
            })?),
        })
    }

    /// `host:port` of the server.
    pub(crate) fn address(&self) -> String {
        let endpoint = match &self.service {
            Service::S3(s3) => &s3.endpoint,
            Service::Gcs(gcs) => &gcs.endpoint,
            Service::Azure(azure) => &azure.endpoint,
        };
        endpoint.trim_start_matches("http://").split('/').next().unwrap().to_owned()
    }

    fn make_bucket(&self) {
        let (status, text) = match &self.service {
            Service::S3(_) => self.ask("PUT", "", &[], b""),
            Service::Gcs(gcs) => {
                let body = format!("{{\"name\": {:?}}}", self.bucket);
                let url = format!("{}/storage/v1/b?project=tests", gcs.endpoint);
                send(http::Request::post(url).header("content-type", "application/json").body(body.into()).unwrap())
            }
            Service::Azure(_) => self.ask("PUT", "?restype=container", &[], b""),
        };
        assert!(status < 300, "{} was not made: {status} {text}", self.bucket);
    }

    /// A signed request of our own to the bucket, or to an object in it: for what no storage does. `path` is encoded and begins
    /// with a slash, or with a question mark. Gives status and answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&'static str, &str)], body: &'static [u8]) -> (u16, String) {
        let base = match &self.service {
            Service::S3(s3) => format!("{}/{}", s3.endpoint, self.bucket),
            Service::Azure(azure) => format!("{}/{}", azure.endpoint, self.bucket),
            Service::Gcs(gcs) => format!("{}/upload/storage/v1/b/{}/o", gcs.endpoint, self.bucket),
        };
        let mut request = HttpRequest::new(HttpRequestBody::from(Bytes::from_static(body)));
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = format!("{base}{path}").parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request.headers_mut().insert("content-length", body.len().into());
        match &self.service {
            Service::S3(s3) => {
                let (key_id, secret_key) = (s3.access_key.clone(), s3.secret_key.clone());
                let credential = AwsCredential { key_id, secret_key, token: None };
                AwsAuthorizer::new(&credential, "s3", &s3.region).try_authorize(&mut request, None).unwrap();
            }
            Service::Azure(azure) => {
                let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(&azure.key).unwrap());
                AzureAuthorizer::new(&credential, &azure.account).try_authorize(&mut request).unwrap();
            }
            Service::Gcs(_) => {}
        }
        send(request.map(|_| reqwest::Body::from(body)))
    }

    /// Puts an object whose name no storage would take; `name` is encoded.
    pub(crate) fn put_raw(&self, name: &str, body: &'static [u8]) {
        let (status, text) = match &self.service {
            Service::S3(_) => self.ask("PUT", &format!("/{name}"), &[], body),
            Service::Azure(_) => self.ask("PUT", &format!("/{name}"), &[("x-ms-blob-type", "BlockBlob")], body),
            Service::Gcs(_) => self.ask("POST", &format!("?uploadType=media&name={name}"), &[], body),
        };
        assert!(status < 300, "{name} was not made: {status} {text}");
    }
}

impl Fixture {
    /// Uploads that were begun and neither finished nor aborted, where the service can tell (S3): none, or soon none.
    pub(crate) async fn no_uploads_are_left(&self) {
        let Service::S3(_) = &self.service else { return };
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        loop {
            let (_, text) = self.ask("GET", "?uploads=", &[], b"");
            if !text.contains("<UploadId>") {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Content of this length whose parts all differ.
pub(crate) fn large(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()
    });
    let mut bytes: Vec<u8> = words.take(size.div_ceil(8)).flatten().collect();
    bytes.truncate(size);
    bytes
}

pub(crate) fn chunks(bytes: &[u8]) -> Content {
    let chunks: Vec<_> = bytes.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

pub(crate) async fn write(storage: &dyn Storage, at: &str, bytes: &[u8]) -> Result<ObjectMeta, StorageError> {
    storage.write(&ObjectPath::parse(at).unwrap(), chunks(bytes), WriteOptions::default()).await
}

pub(crate) async fn read(storage: &dyn Storage, at: &str) -> Result<Vec<u8>, StorageError> {
    let chunks: Vec<Bytes> = storage.read(&ObjectPath::parse(at).unwrap()).await?.try_collect().await?;
    Ok(chunks.concat())
}

/// Sends on a thread of its own: fixtures are made inside and outside of runtimes.
fn send(request: http::Request<reqwest::Body>) -> (u16, String) {
    let send = async move {
        _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let answer = client.execute(request.try_into().unwrap()).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime().block_on(send)).join().unwrap()
}

/// Tests wait for nothing that is not under way.
pub(crate) fn quick() -> Limits {
    Limits {
        idle: Duration::from_secs(30),
        backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(10),
        jitter: Jitter::new(|| 1.0),
        part: 5 * 1024 * 1024,
        ..Limits::default()
    }
}

//! Google Cloud Storage's JSON protocol (v1), with resumable uploads.
//!
//! JSON rather than the XML protocol that `object_store` speaks: it carries the CRC-32C that the service is to check before an
//! object appears, copies between buckets whatever their size, and is what emulators offer. A generation names one content:
//! versions and resumed reads are by generation.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::{
    client::HttpRequest,
    gcp::{GcpCredentialProvider, GoogleCloudStorageBuilder},
};
use reqwest::Url;
use serde::Deserialize;

use super::{
    address,
    fault::{Fault, Refusal},
    parts::{Part, Wanted, Whole},
    service::{Facts, Opened, Page, Resume, Service},
    settings::{GcsCredentials, GcsSettings},
    transport::{Access, Call, Http},
};
use crate::{Checksums, Depth};

mod answers;
mod upload;

use answers::{FIELDS, Object};
pub(super) use upload::Upload;

const GOOGLE: &str = "https://storage.googleapis.com";

/// A bucket and who asks for it.
#[derive(Clone)]
pub struct Gcs {
    http: Http,
    /// Address of the service.
    base: Url,
    /// Whether it is not Google's own.
    custom: bool,
    bucket: String,
    identity: GcsCredentials,
    /// `None` is nobody.
    credentials: Option<GcpCredentialProvider>,
}

impl fmt::Debug for Gcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcs").field("base", &self.base.as_str()).field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl Gcs {
    pub(super) fn open(settings: GcsSettings) -> Result<Self, Fault> {
        let GcsSettings { bucket, endpoint, credentials: identity, limits, .. } = settings;
        address::check_bucket(&bucket)?;
        let base = address::endpoint(endpoint.as_deref().unwrap_or(GOOGLE))?;
        let http = Http::new(&base, limits)?;
        let credentials = provider(&identity, &bucket)?;
        Ok(Self { http, base, custom: endpoint.is_some(), bucket, identity, credentials })
    }

    fn bucket_path(&self) -> String {
        format!("/storage/v1/b/{}", address::segment(&self.bucket))
    }

    fn object_path(&self, key: &str) -> String {
        format!("{}/o/{}", self.bucket_path(), address::segment(key))
    }

    fn call(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Call {
        Call::new(method, address::url(&self.base, path, query))
    }

    async fn json<T: for<'de> Deserialize<'de>>(&self, call: &Call) -> Result<T, Fault> {
        let (_, text) = self.http.text(self, call).await?;
        answers::document(&text)
    }
}

fn provider(identity: &GcsCredentials, bucket: &str) -> Result<Option<GcpCredentialProvider>, Fault> {
    super::transport::install_tls();
    let builder = match identity {
        GcsCredentials::Anonymous => return Ok(None),
        GcsCredentials::ServiceAccount(key) => {
            GoogleCloudStorageBuilder::new().with_service_account_key(key.expose().as_str())
        }
        GcsCredentials::ApplicationDefault => GoogleCloudStorageBuilder::from_env(),
    };
    let retries = super::transport::credential_retries();
    match builder.with_bucket_name(bucket).with_retry(retries).build() {
        Ok(store) => Ok(Some(Arc::clone(store.credentials()))),
        // The parser's words may quote the key.
        Err(_) if matches!(identity, GcsCredentials::ServiceAccount(_)) => Err(Fault::Denied(
            "the service account's key is not the JSON document that Google gives out, with client_email and private_key"
                .to_owned(),
        )),
        Err(error) => Err(no_credentials(&error)),
    }
}

fn no_credentials(error: &object_store::Error) -> Fault {
    let cause = super::transport::innermost(error);
    Fault::Denied(format!(
        "no credentials for Google Cloud Storage ({cause}): give the key of a service account, set \
         GOOGLE_APPLICATION_CREDENTIALS, or give the machine a service account"
    ))
}

#[async_trait]
impl Access for Gcs {
    async fn authorize(&self, request: &mut HttpRequest, _: &Call) -> Result<(), Fault> {
        let Some(provider) = &self.credentials else { return Ok(()) };
        let credential = provider.get_credential().await.map_err(|error| no_credentials(&error))?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.bearer))
            .map_err(|_| Fault::Denied("the access token is not printable".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(())
    }

    fn fault(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Fault {
        let (reason, message) = answers::error(body);
        if status == StatusCode::NOT_FOUND && message.contains("bucket does not exist") {
            return Fault::NoBucket;
        }
        if status == StatusCode::BAD_REQUEST && message.contains("match calculated") {
            return Fault::damaged();
        }
        Fault::Refused(Refusal::of(status, headers, reason, &message))
    }

    /// A resumable upload goes on.
    fn accepts(&self, status: StatusCode) -> bool {
        status == StatusCode::PERMANENT_REDIRECT
    }
}

#[async_trait]
impl Service for Gcs {
    type Upload = Upload;
    type Receipt = Option<Object>;
    /// No limit of the service: what 5 TiB need with the smallest parts.
    const MOST_PARTS: u64 = 1 << 20;
    const AT_ONCE: usize = 1;

    fn http(&self) -> &Http {
        &self.http
    }

    fn wanted(&self) -> Wanted {
        Wanted { whole_crc32c: true, ..Wanted::default() }
    }

    fn reaches(&self, other: &Self) -> bool {
        self.base == other.base && self.identity == other.identity
    }

    fn google_bucket(&self) -> Option<&str> {
        Some(&self.bucket)
    }

    async fn bucket_exists(&self) -> Result<bool, Fault> {
        match self.http.text(self, &self.call(Method::GET, &self.bucket_path(), &[("fields", "name")])).await {
            Ok(_) => Ok(true),
            Err(Fault::NoBucket) => Ok(false),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(false),
            Err(fault) if fault.is_transient() => Err(fault),
            Err(_) => Ok(true),
        }
    }

    async fn page(&self, prefix: &str, depth: Depth, token: Option<&str>) -> Result<Page, Fault> {
        let size = self.http.limits.page.to_string();
        let fields = format!("nextPageToken,items({FIELDS})");
        let mut query = vec![("maxResults", size.as_str()), ("prefix", prefix), ("fields", &fields)];
        query.extend((depth == Depth::Folder).then_some(("delimiter", "/")));
        query.extend(token.map(|token| ("pageToken", token)));
        let listing: answers::Listing =
            self.json(&self.call(Method::GET, &format!("{}/o", self.bucket_path()), &query)).await?;
        listing.page()
    }

    async fn head(&self, key: &str) -> Result<Option<Facts>, Fault> {
        match self.json::<Object>(&self.call(Method::GET, &self.object_path(key), &[("fields", FIELDS)])).await {
            Ok(object) => object.facts().map(Some),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn get(&self, key: &str, resume: Option<Resume<'_>>) -> Result<Opened, Fault> {
        let mut query = vec![("alt", "media")];
        query.extend(resume.map(|resume| ("generation", resume.version)));
        let mut call = self
            .call(Method::GET, &self.object_path(key), &query)
            // What is stored compressed comes as it is stored.
            .header(header::ACCEPT_ENCODING, "gzip")?;
        if let Some(Resume { from, .. }) = resume {
            call = call.header(header::RANGE, &format!("bytes={from}-"))?;
        }
        let reply = self.http.send(self, &call).await?;
        let checksums = answers::hashes(&reply.headers);
        let generation = reply.headers.get("x-goog-generation").and_then(|value| value.to_str().ok());
        let version = generation.unwrap_or_default().to_owned();
        super::read::opened(reply, resume, version, checksums)
    }

    async fn put(&self, key: &str, part: &Part, whole: &Whole) -> Result<Facts, Fault> {
        self.put_whole(key, &part.payload, whole).await
    }

    async fn begin(&self, key: &str) -> Result<Upload, Fault> {
        self.begin_upload(key).await
    }

    async fn put_part(&self, upload: &Upload, _: u64, part: &Part) -> Result<Option<Object>, Fault> {
        self.upload_part(upload, part).await
    }

    async fn finish(&self, upload: &Upload, receipts: Vec<Option<Object>>, whole: &Whole) -> Result<Facts, Fault> {
        let made = receipts.into_iter().flatten().last();
        let made = made.ok_or_else(|| Fault::Invalid("the service did not finish the upload".to_owned()))?;
        self.compared(upload.key(), made, whole).await
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        self.abort_upload(upload).await
    }

    async fn copy(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault> {
        let to = format!("/b/{}/o/{}", address::segment(&self.bucket), address::segment(to));
        let path = format!("{}/rewriteTo{to}", source.object_path(from));
        let fields = format!("done,rewriteToken,resource({FIELDS})");
        let mut token: Option<String> = None;
        loop {
            let mut query = vec![("fields", fields.as_str())];
            query.extend(token.as_deref().map(|token| ("rewriteToken", token)));
            let call = self
                .call(Method::POST, &path, &query)
                .header(header::CONTENT_TYPE, "application/json")?
                .payload("{}".to_owned().into());
            let step: answers::Rewrite = self.json(&call).await?;
            match (step.resource, step.rewrite_token) {
                (Some(object), _) if step.done => return object.facts(),
                (_, Some(next)) if !step.done => token = Some(next),
                _ => {
                    return Err(Fault::Invalid("the service neither finished the copy nor goes on with it".to_owned()));
                }
            }
        }
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.http.text(self, &self.call(Method::DELETE, &self.object_path(key), &[])).await.map(drop)
    }
}

/// The header in which sums travel.
const HASH: HeaderName = HeaderName::from_static("x-goog-hash");

fn crc32c_text(sums: &Checksums) -> Option<String> {
    sums.crc32c.map(|crc32c| super::parts::base64_of(&crc32c.to_be_bytes()))
}

//! S3's REST protocol (version 2006-03-01), as AWS and compatible servers speak it.
//!
//! Every request is signed (SigV4). Over plain HTTP the signature covers the content too; over TLS it need not. Content
//! carries its MD5, which the service checks, and the ETag it answers is compared where that is an MD5 (not with KMS keys).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use object_store::{
    StaticCredentialProvider,
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential, AwsCredentialProvider},
    client::HttpRequest,
};
use reqwest::Url;

use super::{
    address,
    fault::{Fault, Refusal},
    parts::{Part, Wanted, Whole},
    service::{Facts, Opened, Page, Resume, Service},
    settings::{S3Credentials, S3Settings},
    transport::{Access, Call, Http},
    xml,
};
use crate::Depth;

mod answers;
mod copy;
mod upload;

use answers::Etag;
pub(super) use upload::{Receipt, Upload};

const DEFAULT_REGION: &str = "us-east-1";
const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// A bucket and who asks for it.
#[derive(Clone)]
pub struct S3 {
    http: Http,
    /// Address of the bucket.
    base: Url,
    bucket: String,
    region: String,
    /// The service, for telling whether two buckets are of the same: its endpoint, `None` for AWS.
    endpoint: Option<Url>,
    identity: S3Credentials,
    credentials: AwsCredentialProvider,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("base", &self.base.as_str()).field("region", &self.region).finish_non_exhaustive()
    }
}

impl S3 {
    pub(super) fn open(settings: S3Settings) -> Result<Self, Fault> {
        let S3Settings { bucket, endpoint, region, path_style, credentials: identity, limits, .. } = settings;
        address::check_bucket(&bucket)?;
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        address::check_printable("region", &region)?;
        let endpoint = endpoint.as_deref().map(address::endpoint).transpose()?;
        let base = bucket_address(&bucket, &region, endpoint.as_ref(), path_style)?;
        let http = Http::new(&base, limits)?;
        let credentials = provider(&identity, &bucket, &region)?;
        Ok(Self { http, base, bucket, region, endpoint, identity, credentials })
    }

    fn call(&self, method: Method, key: &str, query: &[(&str, &str)]) -> Call {
        Call::new(method, address::url(&self.base, &format!("/{}", address::path(key)), query))
    }

    /// A call that carries a part, with its sums.
    fn sending(&self, key: &str, query: &[(&str, &str)], part: &Part) -> Result<Call, Fault> {
        let mut call = self.call(Method::PUT, key, query).payload(part.payload.clone());
        call.sha256 = part.sha256;
        match part.md5 {
            Some(md5) => call.header(HeaderName::from_static("content-md5"), &super::parts::base64_of(&md5)),
            None => Ok(call),
        }
    }

    /// A call that carries a short document.
    fn document(&self, method: Method, key: &str, query: &[(&str, &str)], text: String) -> Call {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut call = self.call(method, key, query).payload(text.into());
        call.sha256 = digest.as_ref().try_into().ok();
        call
    }
}

/// Where the bucket is: in the host's name, or in the path.
fn bucket_address(bucket: &str, region: &str, endpoint: Option<&Url>, style: Option<bool>) -> Result<Url, Fault> {
    let path_style = style.unwrap_or(endpoint.is_some() || bucket.contains('.'));
    let service = match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => address::endpoint(&format!("https://s3.{region}.amazonaws.com"))?,
    };
    if path_style {
        return Ok(address::url(&service, &format!("/{bucket}"), &[]));
    }
    let mut base = service.clone();
    let host = format!("{bucket}.{}", service.host_str().unwrap_or_default());
    base.set_host(Some(&host)).map_err(|_| Fault::Invalid(format!("{host:?} is no host's name: use path style")))?;
    Ok(base)
}

fn provider(identity: &S3Credentials, bucket: &str, region: &str) -> Result<AwsCredentialProvider, Fault> {
    match identity {
        S3Credentials::Keys { access_key, secret_key, session_token } => {
            address::check_printable("access key", access_key)?;
            let token = session_token.as_ref().map(|token| token.expose().clone());
            token.as_deref().map_or(Ok(()), |token| address::check_printable("session token", token))?;
            if secret_key.expose().is_empty() {
                return Err(Fault::Denied("the secret access key is empty".to_owned()));
            }
            let credential =
                AwsCredential { key_id: access_key.clone(), secret_key: secret_key.expose().clone(), token };
            Ok(Arc::new(StaticCredentialProvider::new(credential)))
        }
        S3Credentials::Environment => {
            super::transport::install_tls();
            let built = AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_region(region)
                .with_retry(super::transport::credential_retries())
                .build();
            built.map(|store| Arc::clone(store.credentials())).map_err(|error| no_credentials(&error))
        }
    }
}

fn no_credentials(error: &object_store::Error) -> Fault {
    let cause = super::transport::innermost(error);
    Fault::Denied(format!(
        "the environment has no credentials for S3 ({cause}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the \
         machine a role"
    ))
}

#[async_trait]
impl Access for S3 {
    async fn authorize(&self, request: &mut HttpRequest, call: &Call) -> Result<(), Fault> {
        let credential = self.credentials.get_credential().await.map_err(|error| no_credentials(&error))?;
        // What the environment gives has not been looked at before.
        address::check_printable("access key", &credential.key_id)?;
        credential.token.as_deref().map_or(Ok(()), |token| address::check_printable("session token", token))?;
        let covered = call.payload.len() == 0 || call.sha256.is_some();
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .with_sign_payload(covered)
            .try_authorize(request, call.sha256.as_ref().map(<[u8; 32]>::as_slice))
            .map_err(|_| Fault::Denied("the request could not be signed".to_owned()))
    }

    fn fault(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Fault {
        let error = xml::error(body).unwrap_or_default();
        match error.code.as_str() {
            "NoSuchBucket" => return Fault::NoBucket,
            "BadDigest" | "XAmzContentSHA256Mismatch" => return Fault::damaged(),
            _ => {}
        }
        let mut refusal = Refusal::of(status, headers, error.code, &error.message);
        let elsewhere = headers.get(BUCKET_REGION).and_then(|region| region.to_str().ok()).map(str::to_owned);
        if let Some(region) = elsewhere.or(error.region).filter(|region| *region != self.region)
            && status != StatusCode::NOT_FOUND
        {
            refusal.hint = Some(format!("the bucket is in the region {region}, not {}: set it", self.region));
        }
        Fault::Refused(refusal)
    }
}

#[async_trait]
impl Service for S3 {
    type Upload = Upload;
    type Receipt = Receipt;
    const MOST_PARTS: u64 = 10_000;
    const AT_ONCE: usize = 2;

    fn http(&self) -> &Http {
        &self.http
    }

    fn wanted(&self) -> Wanted {
        Wanted { part_md5: true, part_sha256: self.base.scheme() == "http", ..Wanted::default() }
    }

    fn reaches(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint && self.identity == other.identity
    }

    async fn bucket_exists(&self) -> Result<bool, Fault> {
        let call = Call::new(Method::HEAD, self.base.clone());
        match self.http.send(self, &call).await {
            Ok(_) => Ok(true),
            Err(Fault::NoBucket) => Ok(false),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(false),
            Err(fault) if fault.is_transient() => Err(fault),
            Err(_) => Ok(true),
        }
    }

    async fn page(&self, prefix: &str, depth: Depth, token: Option<&str>) -> Result<Page, Fault> {
        let size = self.http.limits.page.to_string();
        let mut query = vec![("list-type", "2"), ("encoding-type", "url"), ("max-keys", &size), ("prefix", prefix)];
        query.extend((depth == Depth::Folder).then_some(("delimiter", "/")));
        query.extend(token.map(|token| ("continuation-token", token)));
        let (_, text) = self.http.text(self, &Call::new(Method::GET, address::url(&self.base, "", &query))).await?;
        answers::page(&text)
    }

    async fn head(&self, key: &str) -> Result<Option<Facts>, Fault> {
        match self.http.send(self, &self.call(Method::HEAD, key, &[])).await {
            Ok(reply) => answers::facts(&reply.headers).map(Some),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn get(&self, key: &str, resume: Option<Resume<'_>>) -> Result<Opened, Fault> {
        let mut call = self.call(Method::GET, key, &[]);
        if let Some(Resume { from, version }) = resume {
            call = call.header(header::RANGE, &format!("bytes={from}-"))?.header(header::IF_MATCH, version)?;
        }
        let reply = self.http.send(self, &call).await?;
        let etag = Etag::of(&reply.headers);
        super::read::opened(reply, resume, etag.header(), etag.checksums())
    }

    async fn put(&self, key: &str, part: &Part, whole: &Whole) -> Result<Facts, Fault> {
        let reply = self.http.send(self, &self.sending(key, &[], part)?).await?;
        let etag = Etag::of(&reply.headers);
        if !etag.fits(part.md5) {
            self.discard(key, &etag).await;
            return Err(answers::other_checksum());
        }
        self.written(key, &etag, whole.size, &reply.headers).await
    }

    async fn begin(&self, key: &str) -> Result<Upload, Fault> {
        self.begin_upload(key).await
    }

    async fn put_part(&self, upload: &Upload, number: u64, part: &Part) -> Result<Receipt, Fault> {
        self.upload_part(upload, number, part).await
    }

    async fn finish(&self, upload: &Upload, receipts: Vec<Receipt>, whole: &Whole) -> Result<Facts, Fault> {
        self.complete_upload(upload, &receipts, whole.size).await
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        self.abort_upload(upload).await
    }

    async fn copy(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault> {
        self.copy_object(source, from, to).await
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.http.text(self, &self.call(Method::DELETE, key, &[])).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_found_in_hosts_or_paths() {
        let check = |bucket: &str, endpoint: Option<&str>, style: Option<bool>, expect: &str| {
            let endpoint = endpoint.map(|text| address::endpoint(text).unwrap());
            let base = bucket_address(bucket, "eu-west-3", endpoint.as_ref(), style).unwrap();
            assert_eq!(base.as_str().trim_end_matches('/'), expect);
        };
        check("b", None, None, "https://b.s3.eu-west-3.amazonaws.com");
        check("b.c", None, None, "https://s3.eu-west-3.amazonaws.com/b.c");
        check("b", None, Some(true), "https://s3.eu-west-3.amazonaws.com/b");
        check("b", Some("http://127.0.0.1:9000"), None, "http://127.0.0.1:9000/b");
        check("b", Some("https://minio.example.com/"), Some(false), "https://b.minio.example.com");
    }
}

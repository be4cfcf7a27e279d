//! Azure Blob Storage's REST protocol: block blobs of one container.
//!
//! Every block carries its MD5, which the service checks; the blob keeps the MD5 of the whole, which readers compare. Blocks of an
//! unfinished upload are invisible and go by themselves after a week: the service has no other way. A blob that is the
//! target of an unfinished copy counts as missing.

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use object_store::{
    azure::{AzureAuthorizer, AzureCredentialProvider},
    client::HttpRequest,
};
use reqwest::Url;

use super::{
    address,
    fault::{Fault, Refusal},
    parts::{Part, Wanted, Whole, base64_of},
    payload::Payload,
    service::{Facts, Opened, Page, Resume, Service},
    settings::AzureSettings,
    transport::{Access, Call, Http},
    xml::{self, ErrorDocument},
};
use crate::Depth;

mod account;
mod answers;
mod copy;

use account::{Account, Proof};

const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");
const BLOB_MD5: HeaderName = HeaderName::from_static("x-ms-blob-content-md5");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
const DELETE_SNAPSHOTS: HeaderName = HeaderName::from_static("x-ms-delete-snapshots");

/// A container and who asks for it.
#[derive(Clone)]
pub struct Azure {
    http: Http,
    account: Account,
    container: String,
    /// Address of the container.
    base: Url,
    credentials: AzureCredentialProvider,
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// Blocks of one blob, or a copy that the service makes of another.
#[derive(Clone)]
pub(super) struct Upload {
    key: String,
    /// Sets its blocks apart from those of another writer of the same blob.
    id: uuid::Uuid,
    /// The service's name of the copy.
    copy: Option<String>,
}

impl Upload {
    /// All of the same length, as the service demands.
    fn block(&self, number: u64) -> String {
        let mut id = [0; 24];
        let (upload, block) = id.split_at_mut(16);
        upload.copy_from_slice(self.id.as_bytes());
        block.copy_from_slice(&number.to_be_bytes());
        base64_of(&id)
    }
}

impl Azure {
    pub(super) fn open(settings: AzureSettings) -> Result<Self, Fault> {
        let AzureSettings { container, endpoint, credentials, limits, .. } = settings;
        address::check_bucket(&container)?;
        let account = Account::of(credentials, endpoint.as_deref())?;
        let base = address::url(&account.base, &format!("/{}", address::segment(&container)), &[]);
        let http = Http::new(&base, limits)?;
        let credentials = account.provider(&container)?;
        Ok(Self { http, account, container, base, credentials })
    }

    fn call(&self, method: Method, key: &str, query: &[(&str, &str)]) -> Call {
        Call::new(method, address::url(&self.base, &format!("/{}", address::path(key)), query))
    }

    fn sending(
        &self,
        key: &str,
        query: &[(&str, &str)],
        payload: &Payload,
        md5: Option<[u8; 16]>,
    ) -> Result<Call, Fault> {
        let call = self.call(Method::PUT, key, query).payload(payload.clone());
        match md5 {
            Some(md5) => call.header(CONTENT_MD5, &base64_of(&md5)),
            None => Ok(call),
        }
    }
}

#[async_trait]
impl Access for Azure {
    async fn authorize(&self, request: &mut HttpRequest, _: &Call) -> Result<(), Fault> {
        let credential = self.credentials.get_credential().await.map_err(|error| account::no_credentials(&error))?;
        AzureAuthorizer::new(&credential, &self.account.name)
            .try_authorize(request)
            .map_err(|_| Fault::Denied("the request could not be signed".to_owned()))
    }

    fn fault(&self, status: StatusCode, headers: &HeaderMap, body: &str) -> Fault {
        let ErrorDocument { code, message, .. } = xml::error(body).unwrap_or_default();
        let told = headers.get(ERROR_CODE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let code = told.unwrap_or(code);
        match code.as_str() {
            "ContainerNotFound" => Fault::NoBucket,
            "Md5Mismatch" => Fault::damaged(),
            "InvalidBlockList" => Fault::Lost("another writer of the same blob came in between".to_owned()),
            _ => Fault::Refused(Refusal::of(status, headers, code, &message)),
        }
    }
}

#[async_trait]
impl Service for Azure {
    type Upload = Upload;
    /// The number says it all.
    type Receipt = u64;
    const MOST_PARTS: u64 = 50_000;
    const AT_ONCE: usize = 2;

    fn http(&self) -> &Http {
        &self.http
    }

    fn wanted(&self) -> Wanted {
        Wanted { part_md5: true, whole_md5: true, ..Wanted::default() }
    }

    fn reaches(&self, other: &Self) -> bool {
        self.account == other.account
    }

    /// Every answer about a blob says whether it is the container that is missing.
    async fn bucket_exists(&self) -> Result<bool, Fault> {
        Ok(true)
    }

    async fn page(&self, prefix: &str, depth: Depth, token: Option<&str>) -> Result<Page, Fault> {
        let size = self.http.limits.page.to_string();
        let mut query = vec![("restype", "container"), ("comp", "list"), ("include", "copy"), ("maxresults", &size)];
        query.extend((!prefix.is_empty()).then_some(("prefix", prefix)));
        query.extend((depth == Depth::Folder).then_some(("delimiter", "/")));
        query.extend(token.map(|token| ("marker", token)));
        let (_, text) = self.http.text(self, &Call::new(Method::GET, address::url(&self.base, "", &query))).await?;
        answers::page(&text)
    }

    async fn head(&self, key: &str) -> Result<Option<Facts>, Fault> {
        match self.http.send(self, &self.call(Method::HEAD, key, &[])).await {
            Ok(reply) if answers::is_object(&reply.headers) => answers::facts(&reply.headers).map(Some),
            Ok(_) => Ok(None),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn get(&self, key: &str, resume: Option<Resume<'_>>) -> Result<Opened, Fault> {
        let mut call = self.call(Method::GET, key, &[]);
        if let Some(Resume { from, version }) = resume {
            call = call
                .header(header::RANGE, &format!("bytes={from}-"))?
                .header(header::IF_MATCH, &format!("\"{version}\""))?;
        }
        let reply = self.http.send(self, &call).await?;
        if !answers::is_object(&reply.headers) {
            return Err(Fault::missing());
        }
        let (version, checksums) = (answers::version(&reply.headers), answers::checksums(&reply.headers));
        super::read::opened(reply, resume, version, checksums)
    }

    async fn put(&self, key: &str, part: &Part, whole: &Whole) -> Result<Facts, Fault> {
        let call = self.sending(key, &[], &part.payload, part.md5)?.header(BLOB_TYPE, "BlockBlob")?;
        let (headers, _) = self.http.text(self, &call).await?;
        answers::written(&headers, whole)
    }

    async fn begin(&self, key: &str) -> Result<Upload, Fault> {
        Ok(Upload { key: key.to_owned(), id: uuid::Uuid::new_v4(), copy: None })
    }

    async fn put_part(&self, upload: &Upload, number: u64, part: &Part) -> Result<u64, Fault> {
        let query = [("comp", "block"), ("blockid", &*upload.block(number))];
        let call = self.sending(&upload.key, &query, &part.payload, part.md5)?;
        self.http.text(self, &call).await?;
        Ok(number)
    }

    async fn finish(&self, upload: &Upload, receipts: Vec<u64>, whole: &Whole) -> Result<Facts, Fault> {
        // The latest block of that name: an attempt whose answer was lost has committed them already.
        let blocks: String =
            receipts.into_iter().map(|number| format!("<Latest>{}</Latest>", upload.block(number))).collect();
        let text = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{blocks}</BlockList>");
        let mut call = self.sending(&upload.key, &[("comp", "blocklist")], &text.into(), None)?;
        if let Some(md5) = whole.sums.md5 {
            call = call.header(BLOB_MD5, &base64_of(&md5))?;
        }
        let (headers, _) = self.http.text(self, &call).await?;
        let written = answers::written(&headers, &Whole { sums: crate::Checksums::default(), ..*whole })?;
        match self.head(&upload.key).await? {
            Some(found) if found.version == written.version && found.size != whole.size => {
                Err(Fault::Mismatch(format!("the service keeps {} bytes where {} were sent", found.size, whole.size)))
            }
            Some(found) if found.version == written.version => Ok(found),
            // Somebody has replaced it since.
            _ => Ok(written),
        }
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Fault> {
        match &upload.copy {
            Some(copy) => self.abort_copy(&upload.key, copy).await,
            None => Ok(()),
        }
    }

    async fn copy(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault> {
        self.copy_blob(source, from, to).await
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        let call = self.call(Method::DELETE, key, &[]).header(DELETE_SNAPSHOTS, "include")?;
        self.http.text(self, &call).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_names_have_one_length_and_differ() {
        let upload = || Upload { key: "k".into(), id: uuid::Uuid::new_v4(), copy: None };
        let (one, other) = (upload(), upload());
        let names = [one.block(0), one.block(1), one.block(49_999), other.block(0)];
        assert!(names.iter().all(|name| name.len() == names[0].len()));
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}

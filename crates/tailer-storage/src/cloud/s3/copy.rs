//! Copies that S3 makes itself, within a bucket or from another one: in one request, and above its limit part by part.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderName, Method, StatusCode};
use serde::Deserialize;

use super::{Receipt, S3, Upload, answers::Etag};
use crate::cloud::{address, fault::Fault, service::Facts, transport::Call, upload::Begun, xml};

const SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
const SOURCE_IF_MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-match");
const SOURCE_RANGE: HeaderName = HeaderName::from_static("x-amz-copy-source-range");
/// Parts that the service copies at the same time.
const AT_ONCE: usize = 4;
/// A copy is cut into about this many parts: enough to work side by side, few enough for any size.
const USUAL_PARTS: u64 = 100;
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// `CopyObjectResult` and `CopyPartResult`.
#[derive(Debug, Deserialize)]
struct CopyResult {
    #[serde(rename = "ETag")]
    etag: String,
}

/// What is copied: this very content.
struct Source {
    address: String,
    etag: Etag,
    size: u64,
}

impl S3 {
    pub(super) async fn copy_object(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault> {
        let (facts, etag) = source.head_with_etag(from).await?.ok_or_else(Fault::missing)?;
        if source.bucket == self.bucket && from == to {
            return Ok(facts);
        }
        let address = format!("/{}/{}", source.bucket, address::path(from));
        let source = Source { address, etag, size: facts.size };
        let copied = if source.size <= self.http.limits.whole_copy {
            self.copy_whole(&source, to).await
        } else {
            self.copy_in_parts(&source, to).await
        };
        copied.map_err(|fault| {
            let replaced = fault.is_status(StatusCode::PRECONDITION_FAILED);
            if replaced { Fault::Lost("it was replaced while it was copied".to_owned()) } else { fault }
        })
    }

    async fn copy_whole(&self, source: &Source, to: &str) -> Result<Facts, Fault> {
        let call = source.named_in(self.call(Method::PUT, to, &[]))?;
        let (headers, text) = self.result(&call).await?;
        let done: CopyResult = xml::document(&text, "CopyObjectResult")?;
        self.written(to, &Etag::new(&done.etag, false), source.size, &headers).await
    }

    async fn copy_in_parts(&self, source: &Source, to: &str) -> Result<Facts, Fault> {
        let mut upload = Begun::new(self, self.begin_upload(to).await?);
        let copied = self.copy_parts(source, upload.inner()).await;
        match copied {
            Ok(_) => upload.forget(),
            Err(_) => upload.abort().await,
        }
        copied
    }

    async fn copy_parts(&self, source: &Source, upload: &Upload) -> Result<Facts, Fault> {
        let size = source.size.div_ceil(USUAL_PARTS).max(SMALLEST_PART).min(self.http.limits.whole_copy);
        let parts = (0..source.size.div_ceil(size)).map(|number| async move {
            let [(n, part), (u, id)] = Self::part_query(upload, number);
            let last = source.size.min((number + 1) * size) - 1;
            let call = source
                .named_in(self.call(Method::PUT, upload.key(), &[(n, &part), (u, &id)]))?
                .header(SOURCE_RANGE, &format!("bytes={}-{last}", number * size))?;
            let (_, text) = self.result(&call).await?;
            let done: CopyResult = xml::document(&text, "CopyPartResult")?;
            let etag = Etag::new(&done.etag, source.etag.is_plain());
            Ok::<_, Fault>(Receipt { md5: etag.md5(), etag })
        });
        let receipts: Vec<Receipt> = stream::iter(parts).buffered(AT_ONCE).try_collect().await?;
        self.complete_upload(upload, &receipts, source.size).await
    }
}

impl Source {
    fn named_in(&self, call: Call) -> Result<Call, Fault> {
        call.header(SOURCE, &self.address)?.header(SOURCE_IF_MATCH, &self.etag.header())
    }
}

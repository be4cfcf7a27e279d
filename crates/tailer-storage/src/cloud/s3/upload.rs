//! Uploads to S3 in parts, and what is known of an object that was just written.

use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::Deserialize;

use super::{
    S3,
    answers::{self, Etag},
};
use crate::cloud::{
    fault::{Fault, Refusal, http_date},
    parts::Part,
    service::{Facts, Service as _},
    transport::Call,
    xml,
};

/// An upload in parts.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct Upload {
    key: String,
    id: String,
}

impl Upload {
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// The ETag of a part and, where it is known, its MD5.
#[derive(Debug, Clone)]
pub(in crate::cloud) struct Receipt {
    pub(super) etag: Etag,
    pub(super) md5: Option<[u8; 16]>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InitiateMultipartUploadResult {
    upload_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CompleteMultipartUploadResult {
    #[serde(rename = "ETag")]
    etag: String,
}

impl S3 {
    pub(super) async fn begin_upload(&self, key: &str) -> Result<Upload, Fault> {
        let (_, text) = self.http.text(self, &self.call(Method::POST, key, &[("uploads", "")])).await?;
        let begun: InitiateMultipartUploadResult = xml::document(&text, "InitiateMultipartUploadResult")?;
        Ok(Upload { key: key.to_owned(), id: begun.upload_id })
    }

    /// A call about one part; the service counts parts from 1.
    pub(super) fn part_query(upload: &Upload, number: u64) -> [(&'static str, String); 2] {
        [("partNumber", (number + 1).to_string()), ("uploadId", upload.id.clone())]
    }

    pub(super) async fn upload_part(&self, upload: &Upload, number: u64, part: &Part) -> Result<Receipt, Fault> {
        let [(n, number), (u, id)] = Self::part_query(upload, number);
        let call = self.sending(&upload.key, &[(n, &number), (u, &id)], part)?;
        let reply = self.http.send(self, &call).await?;
        let etag = Etag::of(&reply.headers);
        if !etag.fits(part.md5) {
            return Err(answers::other_checksum());
        }
        Ok(Receipt { etag, md5: part.md5 })
    }

    pub(super) async fn complete_upload(
        &self,
        upload: &Upload,
        receipts: &[Receipt],
        size: u64,
    ) -> Result<Facts, Fault> {
        let parts: String = receipts
            .iter()
            .enumerate()
            .map(|(index, receipt)| {
                let etag = quick_xml::escape::escape(receipt.etag.text());
                format!("<Part><PartNumber>{}</PartNumber><ETag>\"{etag}\"</ETag></Part>", index + 1)
            })
            .collect();
        let text = format!(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}</CompleteMultipartUpload>"
        );
        let call = self.document(Method::POST, &upload.key, &[("uploadId", &upload.id)], text);
        match self.result(&call).await {
            Ok((headers, text)) => {
                let done: CompleteMultipartUploadResult = xml::document(&text, "CompleteMultipartUploadResult")?;
                self.written(&upload.key, &Etag::new(&done.etag, false), size, &headers).await
            }
            // An attempt whose answer was lost has done it already, if this is what it has made.
            Err(fault) if fault.is_code("NoSuchUpload") => {
                let found = self.head_with_etag(&upload.key).await?;
                match (found, whole_etag(receipts)) {
                    (Some((facts, etag)), Some(expect)) if facts.size == size && etag.is(&expect) => Ok(facts),
                    _ => Err(Fault::Lost("the upload was ended by somebody else".to_owned())),
                }
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn abort_upload(&self, upload: &Upload) -> Result<(), Fault> {
        let call = self.call(Method::DELETE, &upload.key, &[("uploadId", &upload.id)]);
        match self.http.text(self, &call).await {
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(()),
            done => done.map(drop),
        }
    }

    /// An answer that is an error even where its status says otherwise: those services begin to answer before they are done.
    pub(super) async fn result(&self, call: &Call) -> Result<(HeaderMap, String), Fault> {
        let attempt = || async move {
            let (headers, text) = self.http.once_text(self, call).await?;
            match xml::error(&text) {
                None => Ok((headers, text)),
                Some(error) => Err(Fault::Refused(Refusal::of(StatusCode::OK, &headers, error.code, &error.message))),
            }
        };
        self.http.retrying(attempt).await
    }

    pub(super) async fn head_with_etag(&self, key: &str) -> Result<Option<(Facts, Etag)>, Fault> {
        match self.http.send(self, &self.call(Method::HEAD, key, &[])).await {
            Ok(reply) => Ok(Some((answers::facts(&reply.headers)?, Etag::of(&reply.headers)))),
            Err(fault) if fault.is_status(StatusCode::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The facts of what was just written. When somebody has replaced or taken it since, the answer to the writing says as
    /// much as it can.
    pub(super) async fn written(&self, key: &str, etag: &Etag, size: u64, answer: &HeaderMap) -> Result<Facts, Fault> {
        match self.head_with_etag(key).await? {
            Some((facts, now)) if now.is(etag.text()) && facts.size == size => Ok(facts),
            Some((facts, now)) if now.is(etag.text()) => {
                Err(Fault::Mismatch(format!("the service keeps {} bytes where {size} were sent", facts.size)))
            }
            _ => {
                let date = answer.get(header::DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
                Ok(answers::facts_of(size, etag, date.unwrap_or_else(Timestamp::now)))
            }
        }
    }

    /// Takes back an object whose content is not what was sent, unless it is somebody else's by now.
    pub(super) async fn discard(&self, key: &str, etag: &Etag) {
        let found = self.head_with_etag(key).await;
        if matches!(&found, Ok(Some((_, now))) if now.is(etag.text()))
            && let Err(fault) = self.delete(key).await
        {
            tracing::warn!(?fault, "an object with damaged content could not be deleted");
        }
    }
}

/// The ETag of an object made of parts: the MD5 of their MD5s, and their number.
fn whole_etag(receipts: &[Receipt]) -> Option<String> {
    let mut md5 = Md5::new();
    for receipt in receipts {
        md5.update(receipt.md5?);
    }
    let digest: [u8; 16] = md5.finalize().into();
    Some(format!("{:032x}-{}", u128::from_be_bytes(digest), receipts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_etag_is_that_of_the_parts() {
        let receipt = |byte| Receipt { etag: Etag::new("", true), md5: Some([byte; 16]) };
        // The MD5 of sixteen bytes 1 and sixteen bytes 2, computed elsewhere.
        assert_eq!(whole_etag(&[receipt(1), receipt(2)]).unwrap(), "a2178117d5e9ed5f7660ab3e6719c6a2-2");
        assert_eq!(whole_etag(&[Receipt { etag: Etag::new("", true), md5: None }]), None);
    }
}

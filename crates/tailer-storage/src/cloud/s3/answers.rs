//! What S3 answers: XML documents and headers.

use http::{HeaderMap, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::super::{
    fault::{Fault, http_date},
    service::{Facts, Page},
    xml,
};
use crate::Checksums;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListBucketResult {
    encoding_type: Option<String>,
    next_continuation_token: Option<String>,
    #[serde(default)]
    contents: Vec<Contents>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    last_modified: String,
    #[serde(rename = "ETag", default)]
    etag: String,
    size: u64,
}

pub(super) fn page(text: &str) -> Result<Page, Fault> {
    let result: ListBucketResult = xml::document(text, "ListBucketResult")?;
    let encoded = result.encoding_type.as_deref() == Some("url");
    let objects = result.contents.into_iter().map(|object| {
        let name = if encoded { decoded(&object.key)? } else { object.key };
        let modified = object.last_modified.parse::<Timestamp>().map_err(|_| no_time())?;
        Ok((name, facts_of(object.size, &Etag::new(&object.etag, false), modified)))
    });
    Ok(Page {
        objects: objects.collect::<Result<_, Fault>>()?,
        next: result.next_continuation_token.filter(|token| !token.is_empty()),
    })
}

/// Names in listings are form-encoded, because XML cannot hold all of them.
fn decoded(key: &str) -> Result<String, Fault> {
    let spaced = key.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(name) => Ok(name.into_owned()),
        Err(_) => Err(Fault::Invalid("the service listed a name that is not UTF-8".to_owned())),
    }
}

/// Facts of an object's headers.
pub(super) fn facts(headers: &HeaderMap) -> Result<Facts, Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let size = text(header::CONTENT_LENGTH).and_then(|size| size.parse().ok());
    let size = size.ok_or_else(|| Fault::Invalid("the service did not tell the object's size".to_owned()))?;
    let modified = text(header::LAST_MODIFIED).and_then(http_date).ok_or_else(no_time)?;
    Ok(facts_of(size, &Etag::of(headers), modified))
}

/// The ETag alone does not change when the same content is written again; and only whole seconds are told everywhere.
pub(super) fn facts_of(size: u64, etag: &Etag, modified: Timestamp) -> Facts {
    let seconds = modified.as_second();
    let modified = Timestamp::from_second(seconds).unwrap_or(modified);
    Facts { size, version: format!("{}-{seconds}", etag.text), modified, checksums: Checksums::default() }
}

fn no_time() -> Fault {
    Fault::Invalid("the service did not tell when the object was modified".to_owned())
}

pub(super) fn other_checksum() -> Fault {
    Fault::Mismatch("the service's checksum differs from that of what was sent".to_owned())
}

/// An ETag, which may be the MD5 of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Etag {
    text: String,
    /// Whether it may be an MD5: not when the object is encrypted with a key of KMS or of the customer.
    plain: bool,
}

impl Etag {
    pub(super) fn new(text: &str, plain: bool) -> Self {
        Self { text: text.trim().trim_matches('"').to_owned(), plain }
    }

    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let plain = text("x-amz-server-side-encryption").is_none_or(|kind| kind == "AES256")
            && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm");
        Self::new(text(header::ETAG.as_str()).unwrap_or_default(), plain)
    }

    /// As it is written in headers.
    pub(super) fn header(&self) -> String {
        format!("\"{}\"", self.text)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn md5(&self) -> Option<[u8; 16]> {
        let number = (self.plain && self.text.len() == 32).then(|| u128::from_str_radix(&self.text, 16).ok())??;
        Some(number.to_be_bytes())
    }

    pub(super) fn checksums(&self) -> Checksums {
        Checksums { md5: self.md5(), crc32c: None }
    }

    /// Whether it does not contradict the MD5 of what was sent.
    pub(super) fn fits(&self, sent: Option<[u8; 16]>) -> bool {
        self.md5().zip(sent).is_none_or(|(kept, sent)| kept == sent)
    }

    pub(super) fn is(&self, other: &str) -> bool {
        self.text == other
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read() {
        let page = page(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><EncodingType>url</EncodingType>
            <IsTruncated>true</IsTruncated><NextContinuationToken>a/b+c==</NextContinuationToken>
            <Contents><Key>in/a+b%2Bc%25.csv</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified>
            <ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>3</Size><StorageClass>STANDARD</StorageClass></Contents>
            <Contents><Key>in/</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified><ETag>"x"</ETag><Size>0</Size></Contents>
            <CommonPrefixes><Prefix>in/deep/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>in/er/</Prefix></CommonPrefixes>
            </ListBucketResult>"#,
        )
        .unwrap();
        assert_eq!(page.next.as_deref(), Some("a/b+c=="));
        let [(name, facts), (folder, _)] = page.objects.as_slice() else { panic!("{page:?}") };
        assert_eq!((name.as_str(), folder.as_str()), ("in/a b+c%.csv", "in/"));
        assert_eq!(facts.size, 3);
        assert_eq!(facts.version, "900150983cd24fb0d6963f7d28e17f72-1704164645");
        assert_eq!(facts.modified.to_string(), "2024-01-02T03:04:05Z");
        let empty = super::page("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").unwrap();
        assert!(empty.objects.is_empty() && empty.next.is_none());
        assert!(super::page("<html>not me</html>").is_err());
    }

    #[test]
    fn etags_may_be_checksums() {
        let check = |text: &str, plain: bool, expect: Option<u8>| {
            assert_eq!(Etag::new(text, plain).md5().map(|md5| md5[0]), expect, "{text} {plain}");
        };
        check("\"900150983cd24fb0d6963f7d28e17f72\"", true, Some(0x90));
        check("\"900150983cd24fb0d6963f7d28e17f72\"", false, None);
        check("\"900150983cd24fb0d6963f7d28e17f72-2\"", true, None);
        check("", true, None);
        assert!(Etag::new("900150983cd24fb0d6963f7d28e17f72-2", true).fits(Some([0; 16])));
        assert!(!Etag::new("900150983cd24fb0d6963f7d28e17f72", true).fits(Some([0; 16])));
    }
}

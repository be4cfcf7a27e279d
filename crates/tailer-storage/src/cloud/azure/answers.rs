//! What Azure answers: XML documents and headers.

use http::{HeaderMap, HeaderName, header};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::{
    super::{
        fault::{Fault, http_date},
        parts::{Whole, from_base64},
        service::{Facts, Page},
        xml,
    },
    CONTENT_MD5,
};
use crate::Checksums;

pub(super) const COPY_STATUS: HeaderName = HeaderName::from_static("x-ms-copy-status");
const RESOURCE_TYPE: HeaderName = HeaderName::from_static("x-ms-resource-type");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EnumerationResults {
    blobs: Option<Blobs>,
    next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Blobs {
    #[serde(rename = "Blob", default)]
    blobs: Vec<Blob>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Blob {
    name: Name,
    properties: Properties,
}

#[derive(Debug, Deserialize)]
struct Name {
    /// What XML cannot hold is percent-encoded.
    #[serde(rename = "@Encoded", default)]
    encoded: bool,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "Last-Modified")]
    modified: String,
    #[serde(rename = "Etag")]
    etag: String,
    #[serde(rename = "Content-Length")]
    size: u64,
    #[serde(rename = "Content-MD5")]
    md5: Option<String>,
    #[serde(rename = "CopyStatus")]
    copy_status: Option<String>,
    #[serde(rename = "ResourceType")]
    resource_type: Option<String>,
}

/// Folders of accounts with a hierarchy are no objects, nor are targets of copies that did not succeed.
fn counts(resource_type: Option<&str>, copy_status: Option<&str>) -> bool {
    resource_type != Some("directory") && copy_status.is_none_or(|status| status.is_empty() || status == "success")
}

pub(super) fn page(text: &str) -> Result<Page, Fault> {
    let results: EnumerationResults = xml::document(text, "EnumerationResults")?;
    let mut objects = Vec::new();
    for Blob { name, properties } in results.blobs.unwrap_or_default().blobs {
        if !counts(properties.resource_type.as_deref(), properties.copy_status.as_deref()) {
            continue;
        }
        let name = if name.encoded {
            percent_decode_str(&name.text).decode_utf8().map_err(|_| unknown())?.into_owned()
        } else {
            name.text
        };
        let facts = Facts {
            size: properties.size,
            version: unquoted(&properties.etag),
            modified: http_date(&properties.modified).ok_or_else(unknown)?,
            checksums: Checksums { md5: properties.md5.as_deref().and_then(from_base64), crc32c: None },
        };
        objects.push((name, facts));
    }
    Ok(Page { objects, next: results.next_marker.filter(|marker| !marker.is_empty()) })
}

fn unknown() -> Fault {
    Fault::Invalid("the service's answer is not what Azure answers".to_owned())
}

fn unquoted(etag: &str) -> String {
    etag.trim().trim_matches('"').to_owned()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn is_object(headers: &HeaderMap) -> bool {
    counts(text(headers, RESOURCE_TYPE), text(headers, COPY_STATUS))
}

pub(super) fn version(headers: &HeaderMap) -> String {
    text(headers, header::ETAG).map(unquoted).unwrap_or_default()
}

pub(super) fn checksums(headers: &HeaderMap) -> Checksums {
    Checksums { md5: text(headers, CONTENT_MD5).and_then(from_base64), crc32c: None }
}

pub(super) fn facts(headers: &HeaderMap) -> Result<Facts, Fault> {
    let size = text(headers, header::CONTENT_LENGTH).and_then(|size| size.parse().ok()).ok_or_else(unknown)?;
    let modified = text(headers, header::LAST_MODIFIED).and_then(http_date).ok_or_else(unknown)?;
    Ok(Facts { size, version: version(headers), modified, checksums: checksums(headers) })
}

/// The facts of what was just written, compared with what was sent as far as the answer tells.
pub(super) fn written(headers: &HeaderMap, whole: &Whole) -> Result<Facts, Fault> {
    let modified = text(headers, header::LAST_MODIFIED).and_then(http_date).ok_or_else(unknown)?;
    if !checksums(headers).agree(&whole.sums) {
        return Err(Fault::Mismatch("the service's checksum differs from that of what was sent".to_owned()));
    }
    Ok(Facts { size: whole.size, version: version(headers), modified, checksums: whole.sums })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read() {
        let blob = |name: &str, more: &str| {
            format!(
                "<Blob>{name}<Properties><Creation-Time>x</Creation-Time><Last-Modified>Tue, 02 Jan 2024 03:04:05 \
                 GMT</Last-Modified><Etag>0x8D1</Etag><Content-Length>3</Content-Length>{more}</Properties></Blob>"
            )
        };
        let blobs = [
            blob("<Name>in/a &amp; b.csv</Name>", "<Content-MD5>kAFQmDzST7DWlj99KOF/cg==</Content-MD5>"),
            blob("<Name Encoded=\"true\">in/%EF%BF%BE</Name>", "<Content-MD5/><CopyStatus>success</CopyStatus>"),
            blob("<Name>in/copying</Name>", "<CopyStatus>pending</CopyStatus>"),
            blob("<Name>in/folder</Name>", "<ResourceType>directory</ResourceType>"),
            "<BlobPrefix><Name>in/deep/</Name></BlobPrefix>".to_owned(),
            blob("<Name>in/z</Name>", "<ResourceType>file</ResourceType>"),
        ]
        .concat();
        let text = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"x\" ContainerName=\"c\">\
             <Prefix>in/</Prefix><Blobs>{blobs}</Blobs><NextMarker>m</NextMarker></EnumerationResults>"
        );
        let page = page(&text).unwrap();
        let names: Vec<&str> = page.objects.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["in/a & b.csv", "in/\u{fffe}", "in/z"]);
        assert_eq!(page.next.as_deref(), Some("m"));
        let (_, facts) = page.objects.first().unwrap();
        assert_eq!((facts.size, facts.version.as_str()), (3, "0x8D1"));
        assert_eq!(facts.modified.to_string(), "2024-01-02T03:04:05Z");
        assert_eq!(facts.checksums.md5.unwrap()[0], 0x90);
        let empty = "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>";
        assert!(super::page(empty).unwrap().objects.is_empty());
        assert!(super::page("<html/>").is_err());
    }
}

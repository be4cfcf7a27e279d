//! What Google Cloud Storage answers: JSON documents and headers.

use http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    super::{
        fault::Fault,
        parts::from_base64,
        service::{Facts, Page},
    },
    HASH,
};
use crate::Checksums;

/// What is asked of an object.
pub(super) const FIELDS: &str = "name,size,generation,md5Hash,crc32c,timeCreated,updated";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cloud) struct Object {
    name: String,
    /// Numbers are written as text: JSON's would lose digits.
    size: String,
    pub(super) generation: String,
    md5_hash: Option<String>,
    crc32c: Option<String>,
    time_created: Option<Timestamp>,
    updated: Option<Timestamp>,
}

impl Object {
    pub(super) fn facts(&self) -> Result<Facts, Fault> {
        let size = self.size.parse().ok();
        // The content is as old as its generation; `updated` also moves with its labels.
        let (Some(size), Some(modified)) = (size, self.time_created.or(self.updated)) else {
            return Err(Fault::Invalid("the service did not tell the object's size and time".to_owned()));
        };
        let checksums = Checksums {
            md5: self.md5_hash.as_deref().and_then(from_base64),
            crc32c: self.crc32c.as_deref().and_then(from_base64).map(u32::from_be_bytes),
        };
        Ok(Facts { size, version: self.generation.clone(), modified, checksums })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    next_page_token: Option<String>,
    #[serde(default)]
    items: Vec<Object>,
}

impl Listing {
    pub(super) fn page(self) -> Result<Page, Fault> {
        let objects = self.items.into_iter().map(|object| Ok((object.name.clone(), object.facts()?)));
        Ok(Page {
            objects: objects.collect::<Result<_, Fault>>()?,
            next: self.next_page_token.filter(|token| !token.is_empty()),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rewrite {
    pub(super) done: bool,
    pub(super) rewrite_token: Option<String>,
    pub(super) resource: Option<Object>,
}

pub(super) fn document<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text)
        .map_err(|_| Fault::Invalid("the service's answer is not what Google Cloud Storage answers".to_owned()))
}

/// An error's reason and message; downloads answer with plain text.
pub(super) fn error(text: &str) -> (String, String) {
    #[derive(Deserialize)]
    struct Document {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        message: String,
        #[serde(default)]
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        #[serde(default)]
        reason: String,
    }
    match serde_json::from_str(text) {
        Ok(Document { error: Error { message, errors } }) => {
            (errors.into_iter().next().map(|first| first.reason).unwrap_or_default(), message)
        }
        Err(_) => (String::new(), text.to_owned()),
    }
}

/// The checksums of an object being read: `crc32c=…,md5=…`, in one header or in several.
pub(super) fn hashes(headers: &HeaderMap) -> Checksums {
    let mut sums = Checksums::default();
    let values = headers.get_all(HASH).into_iter().filter_map(|value| value.to_str().ok());
    for (name, sum) in values.flat_map(|value| value.split(',')).filter_map(|one| one.trim().split_once('=')) {
        match name {
            "crc32c" => sums.crc32c = from_base64(sum).map(u32::from_be_bytes),
            "md5" => sums.md5 = from_base64(sum),
            _ => {}
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read() {
        let listing: Listing = document(
            r#"{"nextPageToken": "x", "items": [{"name": "in/a.csv", "size": "3", "generation": "1704164645000001",
                "md5Hash": "kAFQmDzST7DWlj99KOF/cg==", "crc32c": "Nks/tw==", "timeCreated": "2024-01-02T03:04:05.678Z",
                "updated": "2024-05-05T00:00:00Z"}]}"#,
        )
        .unwrap();
        let page = listing.page().unwrap();
        assert_eq!(page.next.as_deref(), Some("x"));
        let (name, facts) = page.objects.first().unwrap();
        assert_eq!((name.as_str(), facts.size, facts.version.as_str()), ("in/a.csv", 3, "1704164645000001"));
        assert_eq!(facts.modified.to_string(), "2024-01-02T03:04:05.678Z");
        assert_eq!(facts.checksums.crc32c, Some(0x364b_3fb7));
        assert_eq!(facts.checksums.md5.unwrap()[0], 0x90);
        assert!(document::<Listing>("{}").unwrap().page().unwrap().objects.is_empty());
        assert!(document::<Listing>("<html>").is_err());
    }

    #[test]
    fn errors_are_read_from_json_and_text() {
        let check = |text: &str, reason: &str, message: &str| {
            assert_eq!(error(text), (reason.to_owned(), message.to_owned()));
        };
        check(r#"{"error": {"message": "m", "errors": [{"reason": "forbidden"}]}}"#, "forbidden", "m");
        check(r#"{"error": {"message": "m"}}"#, "", "m");
        check("No such object: b/a", "", "No such object: b/a");
        check("", "", "");
    }

    #[test]
    fn checksums_come_in_one_header_or_two() {
        for values in [
            vec!["crc32c=Nks/tw==,md5=kAFQmDzST7DWlj99KOF/cg=="],
            vec!["crc32c=Nks/tw==", "md5=kAFQmDzST7DWlj99KOF/cg=="],
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HASH, value.parse().unwrap());
            }
            let sums = hashes(&headers);
            assert_eq!((sums.crc32c, sums.md5.map(|md5| md5[0])), (Some(0x364b_3fb7), Some(0x90)));
        }
        assert_eq!(hashes(&HeaderMap::new()), Checksums::default());
    }
}

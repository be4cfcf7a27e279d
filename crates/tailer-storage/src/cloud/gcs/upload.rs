//! Uploads to Google Cloud Storage: small content in one request with its checksum, everything else resumably.
//!
//! A resumable upload is one session that takes bytes in order and tells how many it has. After a lost answer it gets the
//! part again, without being asked first: emulators take the question for the end of the upload.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use reqwest::Url;

use super::{
    Gcs, HASH,
    answers::{self, FIELDS, Object},
    crc32c_text,
};
use crate::cloud::{
    fault::Fault,
    parts::{Part, Whole},
    payload::Payload,
    service::Facts,
    transport::{Call, Reply},
};

const UPLOAD_TYPE: HeaderName = HeaderName::from_static("x-upload-content-type");
/// What the service calls an upload that was cancelled.
const CANCELLED: u16 = 499;

/// A session. Its address lets anybody upload, so nothing prints it.
#[derive(Clone)]
pub(in crate::cloud) struct Upload {
    key: String,
    session: Url,
}

impl Upload {
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// What a session says of itself.
enum Session {
    Done(Object),
    /// Bytes that it has.
    Has(u64),
}

impl Gcs {
    fn upload_path(&self) -> String {
        format!("/upload{}/o", self.bucket_path())
    }

    /// Metadata and content in one request: the service checks the sum before the object appears.
    pub(super) async fn put_whole(&self, key: &str, content: &Payload, whole: &Whole) -> Result<Facts, Fault> {
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let metadata = serde_json::json!({"name": key, "crc32c": crc32c_text(&whole.sums)});
        let before = format!(
            "--{boundary}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{metadata}\r\n--{boundary}\r\ncontent-type: \
             application/octet-stream\r\n\r\n"
        );
        let call = self
            .call(Method::POST, &self.upload_path(), &[("uploadType", "multipart"), ("fields", FIELDS)])
            .header(header::CONTENT_TYPE, &format!("multipart/related; boundary={boundary}"))?
            .payload(content.between(before, format!("\r\n--{boundary}--\r\n")));
        let made = self.json(&call).await?;
        self.compared(key, made, whole).await
    }

    pub(super) async fn begin_upload(&self, key: &str) -> Result<Upload, Fault> {
        let call = self
            .call(Method::POST, &self.upload_path(), &[("uploadType", "resumable"), ("name", key), ("fields", FIELDS)])
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")?
            .header(UPLOAD_TYPE, "application/octet-stream")?
            .payload(serde_json::json!({"name": key}).to_string().into());
        let (headers, _) = self.http.text(self, &call).await?;
        let session = headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| self.session(text))
            .ok_or_else(|| Fault::Invalid("the service began no upload".to_owned()))?;
        Ok(Upload { key: key.to_owned(), session })
    }

    /// A session's address is the service's own. An emulator may name itself by another address than ours, so of what it says
    /// only the path counts; Google's may be another host of Google's, and nothing else.
    fn session(&self, text: &str) -> Option<Url> {
        let told = self.base.join(text).ok()?;
        if !self.custom {
            let host = told.host_str()?;
            return (told.scheme() == "https" && host.ends_with(".googleapis.com")).then_some(told);
        }
        let mut session = self.base.clone();
        session.set_path(told.path());
        session.set_query(told.query());
        Some(session)
    }

    /// Sends a part, and what the session has not taken of it again. Of bytes that it has already, it takes no notice.
    pub(super) async fn upload_part(&self, upload: &Upload, part: &Part) -> Result<Option<Object>, Fault> {
        let end = part.offset + part.payload.len();
        let mut from = part.offset;
        let mut failures = 0;
        loop {
            let fault = match self.send_rest(upload, part, from).await {
                Ok(Session::Done(object)) if part.whole.is_some() => return Ok(Some(object)),
                Ok(Session::Done(_)) => return Err(Fault::Invalid("the service ended the upload early".to_owned())),
                Ok(Session::Has(has)) if has >= end && part.whole.is_none() => return Ok(None),
                Ok(Session::Has(has)) if has > from && has < end => {
                    (from, failures) = (has, 0);
                    continue;
                }
                Ok(Session::Has(_)) => Fault::Lost("the upload does not go on".to_owned()),
                Err(fault) if fault.is_status(StatusCode::NOT_FOUND) || fault.is_status(StatusCode::GONE) => {
                    return self.after_the_end(upload, part).await.map(Some);
                }
                Err(fault) => fault,
            };
            failures = self.http.endure(failures, fault).await?;
        }
    }

    /// A session that is gone: an attempt whose answer was lost has finished it, if this is what it has made.
    async fn after_the_end(&self, upload: &Upload, part: &Part) -> Result<Object, Fault> {
        let lost = || Fault::Lost("the service lost the upload: it has to begin anew".to_owned());
        let whole = part.whole.ok_or_else(lost)?;
        let call = self.call(Method::GET, &self.object_path(&upload.key), &[("fields", FIELDS)]);
        match self.json::<Object>(&call).await {
            Ok(object) if object.facts()?.is_of(&whole) => Ok(object),
            Err(fault) if !fault.is_status(StatusCode::NOT_FOUND) => Err(fault),
            _ => Err(lost()),
        }
    }

    async fn send_rest(&self, upload: &Upload, part: &Part, from: u64) -> Result<Session, Fault> {
        let rest = part.payload.without_first(from - part.offset);
        let total = part.whole.map_or_else(|| "*".to_owned(), |whole| whole.size.to_string());
        let range = match rest.len() {
            0 => format!("bytes */{total}"),
            length => format!("bytes {from}-{}/{total}", from + length - 1),
        };
        let mut call =
            Call::new(Method::PUT, upload.session.clone()).header(header::CONTENT_RANGE, &range)?.payload(rest);
        if let Some(sum) = part.whole.and_then(|whole| crc32c_text(&whole.sums)) {
            call = call.header(HASH, &format!("crc32c={sum}"))?;
        }
        session_of(self.http.once(self, &call).await?).await
    }

    pub(super) async fn abort_upload(&self, upload: &Upload) -> Result<(), Fault> {
        let call = Call::new(Method::DELETE, upload.session.clone());
        match self.http.text(self, &call).await {
            Err(Fault::Refused(refusal)) if matches!(refusal.status.as_u16(), CANCELLED | 404 | 410) => Ok(()),
            done => done.map(drop),
        }
    }

    /// Compares what was made with what was sent; takes it back, and nothing newer, when it is something else.
    pub(super) async fn compared(&self, key: &str, made: Object, whole: &Whole) -> Result<Facts, Fault> {
        let facts = made.facts()?;
        if facts.is_of(whole) {
            return Ok(facts);
        }
        let query = [("ifGenerationMatch", made.generation.as_str())];
        let call = self.call(Method::DELETE, &self.object_path(key), &query);
        if let Err(fault) = self.http.text(self, &call).await {
            tracing::warn!(?fault, "an object with damaged content could not be deleted");
        }
        Err(Fault::Mismatch("the service's size or checksum differs from that of what was sent".to_owned()))
    }
}

async fn session_of(mut reply: Reply) -> Result<Session, Fault> {
    if reply.status == StatusCode::PERMANENT_REDIRECT {
        return Ok(Session::Has(taken(&reply.headers)));
    }
    Ok(Session::Done(answers::document(&reply.body.text().await?)?))
}

/// `Range: bytes=0-N` names the last byte that the session has; without it there is none.
fn taken(headers: &HeaderMap) -> u64 {
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let last = range.and_then(|range| range.rsplit_once('-')?.1.parse::<u64>().ok());
    last.map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::settings::{GcsCredentials, GcsSettings};

    #[test]
    fn sessions_are_the_services_own() {
        let check = |endpoint: Option<&str>, told: &str, expect: Option<&str>| {
            let settings = GcsSettings {
                endpoint: endpoint.map(str::to_owned),
                credentials: GcsCredentials::Anonymous,
                ..GcsSettings::new("b")
            };
            let session = Gcs::open(settings).unwrap().session(told);
            assert_eq!(session.as_ref().map(Url::as_str), expect, "{told}");
        };
        let google = "https://storage.googleapis.com/upload/storage/v1/b/b/o?upload_id=x";
        check(None, google, Some(google));
        check(None, "https://evil.example.com/upload?upload_id=x", None);
        check(None, "http://storage.googleapis.com/upload?upload_id=x", None);
        check(Some("http://127.0.0.1:1"), "http://0.0.0.0:9/u?upload_id=x", Some("http://127.0.0.1:1/u?upload_id=x"));
        check(Some("http://127.0.0.1:1"), "/u?upload_id=x", Some("http://127.0.0.1:1/u?upload_id=x"));
    }

    #[test]
    fn sessions_tell_what_they_have() {
        let check = |range: Option<&'static str>, expect: u64| {
            let headers = range.map(|range| (header::RANGE, range.parse().unwrap())).into_iter().collect();
            assert_eq!(taken(&headers), expect, "{range:?}");
        };
        check(None, 0);
        check(Some("bytes=0-0"), 1);
        check(Some("bytes=0-262143"), 262_144);
        check(Some("nonsense"), 0);
    }
}

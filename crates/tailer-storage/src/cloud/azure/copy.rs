//! Copies that Azure makes itself, within an account. The service may answer before it is done: then it is asked until it is.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::{Azure, Proof, Upload, answers};
use crate::cloud::{
    address,
    fault::Fault,
    service::{Facts, Service as _},
    upload::Begun,
};

const SOURCE: HeaderName = HeaderName::from_static("x-ms-copy-source");
const SOURCE_IF_MATCH: HeaderName = HeaderName::from_static("x-ms-source-if-match");
const COPY_ID: HeaderName = HeaderName::from_static("x-ms-copy-id");
const COPY_ACTION: HeaderName = HeaderName::from_static("x-ms-copy-action");
const FIRST_LOOK: Duration = Duration::from_millis(200);
const LATER_LOOKS: Duration = Duration::from_secs(5);

impl Azure {
    pub(super) async fn copy_blob(&self, source: &Self, from: &str, to: &str) -> Result<Facts, Fault> {
        let original = source.head(from).await?.ok_or_else(Fault::missing)?;
        if source.container == self.container && from == to {
            return Ok(original);
        }
        let mut address = address::url(&source.base, &format!("/{}", address::path(from)), &[]);
        if let Proof::Sas(token) = &source.account.proof {
            address.set_query(Some(token.expose().trim().trim_start_matches('?')));
        }
        let mut value = HeaderValue::from_str(address.as_str())
            .map_err(|_| Fault::Denied("the shared access signature is not printable".to_owned()))?;
        value.set_sensitive(true);
        let mut call = self.call(Method::PUT, to, &[]).header(SOURCE_IF_MATCH, &format!("\"{}\"", original.version))?;
        call.headers.insert(SOURCE, value);
        let (headers, _) = self.http.text(self, &call).await.map_err(|fault| {
            let replaced = fault.is_status(StatusCode::PRECONDITION_FAILED);
            if replaced { Fault::Lost("it was replaced while it was copied".to_owned()) } else { fault }
        })?;
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(COPY_ID).unwrap_or_default().to_owned();
        let done = text(answers::COPY_STATUS) == Some("success");
        let mut copy = Begun::new(self, Upload { key: to.to_owned(), id: uuid::Uuid::nil(), copy: Some(id.clone()) });
        let copied = self.await_copy(to, &id, done).await;
        match copied {
            Ok(_) => copy.forget(),
            Err(_) => copy.abort().await,
        }
        let facts = copied?;
        if facts.size != original.size {
            return Err(Fault::Mismatch(format!("the copy has {} bytes, the original {}", facts.size, original.size)));
        }
        Ok(facts)
    }

    async fn await_copy(&self, key: &str, id: &str, mut done: bool) -> Result<Facts, Fault> {
        let mut wait = FIRST_LOOK;
        loop {
            if !done {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LATER_LOOKS);
            }
            let reply = self.http.send(self, &self.call(Method::HEAD, key, &[])).await?;
            let text = |name: HeaderName| reply.headers.get(name).and_then(|value| value.to_str().ok());
            match text(answers::COPY_STATUS) {
                // Somebody has written it since, or copied something else to it.
                status if status.is_none() || text(COPY_ID) != Some(id) => {
                    return Err(Fault::Lost("another writer of the same blob came in between".to_owned()));
                }
                Some("success") => return answers::facts(&reply.headers),
                Some("pending") => done = false,
                _ => return Err(Fault::Lost("the service gave up the copy".to_owned())),
            }
        }
    }

    /// Stops a copy, and removes the empty blob that remains of it. One that is done, or somebody else's, stays.
    pub(super) async fn abort_copy(&self, key: &str, id: &str) -> Result<(), Fault> {
        let call = self.call(Method::PUT, key, &[("comp", "copy"), ("copyid", id)]).header(COPY_ACTION, "abort")?;
        match self.http.text(self, &call).await {
            Ok(_) => self.delete(key).await,
            Err(fault) if fault.is_status(StatusCode::CONFLICT) || fault.is_status(StatusCode::NOT_FOUND) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

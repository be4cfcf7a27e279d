//! Content of an object as it comes: resumed where a connection breaks, compared at its end.
//!
//! The rest is asked for by the version that was begun, so a reader never gets the beginning of one object and the end of
//! another. What the service keeps as checksum is compared with what came.

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, StatusCode, header};

use super::{
    fault::Fault,
    service::{Opened, Resume, Service},
    transport::Reply,
};
use crate::{Checksummer, Checksums, Content, StorageError};

/// Longest chunk that is handed on.
const CHUNK: usize = 1024 * 1024;

struct Reading<S> {
    service: S,
    key: String,
    location: String,
    opened: Opened,
    sum: Checksummer,
    read: u64,
    /// Interruptions since the last byte.
    failures: u32,
    rest: Bytes,
}

/// Reads an answer to a request for an object, or for the rest of one.
pub(super) fn opened(
    reply: Reply,
    resume: Option<Resume<'_>>,
    version: String,
    checksums: Checksums,
) -> Result<Opened, Fault> {
    let text = |name| reply.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(Resume { from, .. }) = resume.filter(|resume| resume.from > 0) {
        let starts =
            text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
        if reply.status != StatusCode::PARTIAL_CONTENT || starts != Some(from) {
            return Err(Fault::Invalid("the service does not give a part of an object".to_owned()));
        }
    }
    let left = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    Ok(Opened { left, version, checksums, body: reply.body })
}

/// The content of what was opened at its beginning.
pub(super) fn content<S: Service>(service: S, key: String, location: String, opened: Opened) -> Content {
    let sum = Checksummer::comparable_with(&opened.checksums);
    let reading = Reading { service, key, location, opened, sum, read: 0, failures: 0, rest: Bytes::new() };
    stream::try_unfold(reading, |mut reading| async move {
        match reading.next().await {
            Ok(chunk) => Ok(chunk.map(|chunk| (chunk, reading))),
            Err(error) => Err(error),
        }
    })
    .boxed()
}

impl<S: Service> Reading<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        if self.rest.is_empty() {
            match self.receive().await {
                Ok(Some(chunk)) => self.rest = chunk,
                Ok(None) => return self.compare().map(|()| None),
                Err(fault) => return Err(fault.told(self.location.clone())),
            }
        }
        let size = self.rest.len().min(CHUNK);
        Ok(Some(self.rest.split_to(size)))
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let fault = match self.opened.body.chunk().await {
                Ok(Some(chunk)) if chunk.is_empty() => continue,
                Ok(Some(chunk)) => {
                    self.failures = 0;
                    self.read += chunk.len() as u64;
                    self.sum.update(&chunk);
                    return Ok(Some(chunk));
                }
                Ok(None) if self.opened.left.is_none_or(|size| size == self.read) => return Ok(None),
                Ok(None) => Fault::Lost("the content ended too early".to_owned()),
                Err(fault) => fault,
            };
            self.failures = self.service.http().endure(self.failures, fault).await?;
            self.reopen().await?;
        }
    }

    async fn reopen(&mut self) -> Result<(), Fault> {
        let resume = Resume { from: self.read, version: &self.opened.version };
        let again = self.service.get(&self.key, Some(resume)).await.map_err(|fault| {
            let replaced = fault.is_status(StatusCode::PRECONDITION_FAILED) || fault.is_status(StatusCode::NOT_FOUND);
            if replaced { Fault::Lost("it was replaced or removed while it was read".to_owned()) } else { fault }
        })?;
        if again.version != self.opened.version || again.left.map(|left| left + self.read) != self.opened.left {
            return Err(Fault::Lost("it was replaced while it was read".to_owned()));
        }
        self.opened.body = again.body;
        Ok(())
    }

    fn compare(&mut self) -> Result<(), StorageError> {
        let sums = std::mem::take(&mut self.sum).finish();
        if sums.agree(&self.opened.checksums) {
            return Ok(());
        }
        let message = "what was read differs from the checksum that the service keeps".to_owned();
        Err(StorageError::Mismatch { location: self.location.clone(), message })
    }
}

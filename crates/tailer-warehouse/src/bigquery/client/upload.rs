//! Jobs that bring their file along: BigQuery's resumable upload. A session is opened with the job's configuration, pieces are
//! put to it, and the last one starts the job. After a lost answer the session is asked how much it has.
//!
//! What is sent and when is the caller's; here is one request each, except for the opening, which can be repeated.

use std::time::Duration;

use reqwest::{
    Method, Url,
    header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE},
};
use serde::Serialize;

use super::{Client, Failure, lost, refused};
use crate::bigquery::wire::{JobReference, JobResource};

/// A piece of some megabytes over a slow line.
const LONGEST_PIECE: Duration = Duration::from_secs(600);

/// What a session answers.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Everything is there and the job inserted, where it is told.
    Done(Option<JobReference>),
    /// So many bytes are there.
    Partly(u64),
}

impl Client {
    /// Opens a session for a job of this project.
    pub(crate) async fn open_upload(&self, project: &str, job: &impl Serialize) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["upload", "bigquery", "v2", "projects", project, "jobs"]);
        }
        url.query_pairs_mut().append_pair("uploadType", "resumable");
        let mut failures = 0;
        loop {
            match self.open_once(&url, job).await {
                Err(failure) if failure.passes() && failures < self.retries.most => {
                    failures += 1;
                    tokio::time::sleep(self.retries.pause(failures, failure.retry_after)).await;
                }
                answer => return answer,
            }
        }
    }

    async fn open_once(&self, url: &Url, job: &impl Serialize) -> Result<Url, Failure> {
        let request = self.http.request(Method::POST, url.clone());
        let request = request.header("x-upload-content-type", "application/octet-stream").json(job);
        let answer = self.answer(request).await?;
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let session = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let session = session.and_then(|session| url.join(&session).ok());
        session.ok_or_else(|| Failure::refused("BigQuery opened an upload and did not say where".to_owned()))
    }

    /// Puts a piece to a session; `range` is `bytes <first>-<last>/<length or *>`, or `bytes */<length or *>` to ask.
    pub(crate) async fn put(&self, session: &Url, range: String, piece: Vec<u8>) -> Result<Sent, Failure> {
        let request = self.http.put(session.clone()).timeout(LONGEST_PIECE);
        let request = request.header(CONTENT_RANGE, range).header(CONTENT_LENGTH, piece.len()).body(piece);
        // The session's address is its right; our token stays at home.
        let answer = match session.origin() == self.base.origin() {
            true => self.answer(request).await?,
            false => request.send().await.map_err(lost)?,
        };
        if answer.status().as_u16() == 308 {
            let range = answer.headers().get(RANGE).and_then(|value| value.to_str().ok());
            return Ok(Sent::Partly(range.map_or(0, stored)));
        }
        if !answer.status().is_success() {
            return Err(refused(answer).await);
        }
        let body = answer.bytes().await.map_err(lost)?;
        let job = serde_json::from_slice::<JobResource>(&body).unwrap_or_default();
        Ok(Sent::Done(job.job_reference))
    }
}

/// Bytes of `bytes=0-<last>`.
fn stored(range: &str) -> u64 {
    range.rsplit_once('-').and_then(|(_, last)| last.trim().parse::<u64>().ok()).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read() {
        assert_eq!(stored("bytes=0-262143"), 262_144);
        assert_eq!(stored("0-9"), 10);
        assert_eq!(stored("bytes=nothing"), 0);
    }
}

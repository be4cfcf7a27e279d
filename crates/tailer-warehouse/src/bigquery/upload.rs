//! A file of this machine brought along with its load job, piece by piece: never more than two pieces in memory, and after
//! a lost answer only what BigQuery does not have is sent again.
//!
//! Compressed text is unpacked on the way: BigQuery loads plain text in parallel, and packed text not at all above 4 GB.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use reqwest::Url;

use super::{
    Inner, Submitted,
    client::{Failure, Sent},
    wire::JobConfiguration,
};
use crate::{
    WarehouseError,
    embedded::load::input::{self, file_name, unreadable},
};

/// A multiple of 256 KiB, as BigQuery wants it.
const PIECE: usize = 8 << 20;
/// How often an upload whose session BigQuery has forgotten begins anew.
const SESSIONS: u32 = 3;

/// What became of a session.
enum Session {
    Done,
    /// BigQuery knows it no more.
    Lost,
}

impl Inner {
    /// Uploads a file and so inserts its job, or finds the one that is there.
    pub(super) async fn upload(
        &self,
        id: &str,
        file: &Path,
        configuration: &JobConfiguration,
        submitted: &Submitted,
    ) -> Result<(), WarehouseError> {
        let is_text = configuration
            .load
            .as_ref()
            .is_some_and(|load| matches!(load.source_format.as_str(), "CSV" | "NEWLINE_DELIMITED_JSON"));
        let job = self.resource(id, configuration.clone());
        for _ in 0..SESSIONS {
            let session = match self.client.open_upload(&self.settings.project, &job).await {
                Err(failure) if failure.is_duplicate() => return self.attached(id, &failure).await.map(drop),
                session => session?,
            };
            let pieces = Pieces { path: file.to_owned(), is_text, open: None };
            if let Session::Done = self.send(id, &session, pieces, submitted).await? {
                return Ok(());
            }
            tracing::warn!(job = id, "BigQuery has forgotten an upload; it begins anew");
        }
        Err(WarehouseError::Transient(format!("BigQuery forgets the upload of {} again and again", file_name(file))))
    }

    async fn send(
        &self,
        id: &str,
        session: &Url,
        pieces: Pieces,
        submitted: &Submitted,
    ) -> Result<Session, WarehouseError> {
        let (mut piece, mut pieces) = pieces.next().await?;
        let mut at = 0;
        loop {
            // Whether a piece is the last one is known when the next one is empty.
            let next;
            (next, pieces) = if piece.len() < PIECE { (Vec::new(), pieces) } else { pieces.next().await? };
            let end = at + piece.len() as u64;
            let total = next.is_empty().then_some(end);
            match self.send_piece(id, session, Span { bytes: &piece, at, total }, submitted).await? {
                Stored::Piece if total.is_none() => (piece, at) = (next, end),
                Stored::Piece | Stored::All => return Ok(Session::Done),
                Stored::Lost => return Ok(Session::Lost),
            }
        }
    }

    async fn send_piece(
        &self,
        id: &str,
        session: &Url,
        span: Span<'_>,
        submitted: &Submitted,
    ) -> Result<Stored, WarehouseError> {
        let (mut from, mut failures, mut ask) = (0, 0, false);
        loop {
            submitted.check()?;
            let rest = span.bytes.get(from..).unwrap_or_default();
            let sent = match ask || (rest.is_empty() && span.total != Some(0)) {
                true => self.client.put(session, span.question(), Vec::new()).await,
                false => self.client.put(session, span.range(from), rest.to_vec()).await,
            };
            let failure = match sent {
                Ok(Sent::Done(told)) => {
                    self.placed(id, told.as_ref());
                    return Ok(Stored::All);
                }
                // Less than what it had said before.
                Ok(Sent::Partly(stored)) if stored < span.at => return Ok(Stored::Lost),
                Ok(Sent::Partly(stored)) => {
                    let now = usize::try_from(stored - span.at).unwrap_or(usize::MAX).min(span.bytes.len());
                    if now == span.bytes.len() && span.total.is_none() {
                        return Ok(Stored::Piece);
                    }
                    let (has_more, was_asked) = (now > from, std::mem::take(&mut ask));
                    from = now;
                    if has_more {
                        failures = 0;
                    }
                    if has_more || was_asked {
                        continue;
                    }
                    Failure::passing("BigQuery does not take what is uploaded".to_owned())
                }
                Err(failure) if failure.is_duplicate() => {
                    self.attached(id, &failure).await?;
                    return Ok(Stored::All);
                }
                Err(failure) if failure.is_missing() || failure.status == Some(410) => return Ok(Stored::Lost),
                Err(failure) => failure,
            };
            if !failure.passes() || failures >= self.client.retries().most {
                return Err(failure.into());
            }
            failures += 1;
            tracing::debug!(job = id, %failure, "BigQuery is asked what of an upload it has");
            tokio::time::sleep(self.client.retries().pause(failures, failure.retry_after)).await;
            ask = true;
        }
    }
}

/// What became of a piece.
enum Stored {
    Piece,
    /// It was the last one, and the job is there.
    All,
    Lost,
}

/// A piece and its place.
#[derive(Clone, Copy)]
struct Span<'a> {
    bytes: &'a [u8],
    at: u64,
    /// Length of the whole, once it is known.
    total: Option<u64>,
}

impl Span<'_> {
    fn total(self) -> String {
        self.total.map_or_else(|| "*".to_owned(), |total| total.to_string())
    }

    fn question(self) -> String {
        format!("bytes */{}", self.total())
    }

    /// Of its bytes from `from` on.
    fn range(self, from: usize) -> String {
        match self.at + self.bytes.len() as u64 {
            0 => self.question(),
            end => format!("bytes {}-{}/{}", self.at + from as u64, end - 1, self.total()),
        }
    }
}

/// A file read in pieces, outside the threads that must not wait.
struct Pieces {
    path: PathBuf,
    is_text: bool,
    open: Option<Box<dyn Read + Send>>,
}

impl Pieces {
    /// Shorter than [`PIECE`] only at the end of the file.
    async fn next(mut self) -> Result<(Vec<u8>, Self), WarehouseError> {
        let read = tokio::task::spawn_blocking(move || {
            let name = file_name(&self.path);
            let mut input: Box<dyn Read + Send> = match self.open.take() {
                Some(input) => input,
                None if self.is_text => Box::new(input::open_text(&self.path)?.0),
                None => Box::new(File::open(&self.path).map_err(|error| unreadable(&name, &error))?),
            };
            let piece = filled(input.as_mut()).map_err(|error| unreadable(&name, &error))?;
            self.open = Some(input);
            Ok((piece, self))
        });
        read.await.map_err(|error| WarehouseError::Internal(format!("reading a file failed: {error}")))?
    }
}

fn filled(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE);
    input.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

//! Reading a file with several requests on their way at once, so that distance costs once and not for each block.
//!
//! When the connection is lost, reading goes on over another one where it stopped, if the file is still the same.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};

use super::{
    failure::Failure,
    folder,
    pool::{Lease, Pool},
    window::Window,
};
use crate::{Content, ObjectPath, StorageError};

type Block = BoxFuture<'static, Result<Option<Bytes>, Failure>>;

/// A file that is being read.
pub(super) struct Download {
    pool: Arc<Pool>,
    path: ObjectPath,
    size: u64,
    modified: Option<u32>,
    open: Option<OpenFile>,
    /// Everything before was given out.
    offset: u64,
    /// Where the next request begins.
    ahead: u64,
    /// Requests in the order of the file.
    requests: VecDeque<Request>,
    window: Window,
    /// As many as have shown to come whole.
    block: u32,
    /// Attempts left until the next block comes.
    pauses: crate::retry::Pauses,
}

struct Request {
    length: u32,
    sent: Instant,
    block: Block,
}

struct OpenFile {
    lease: Arc<Lease>,
    handle: String,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.lease.session().close_later(std::mem::take(&mut self.handle));
    }
}

impl Download {
    /// Opens a file.
    ///
    /// # Errors
    /// `Missing` when there is none; a folder is none.
    pub(super) async fn open(pool: &Arc<Pool>, path: &ObjectPath) -> Result<Self, Failure> {
        let (attributes, open) = pool.run(|lease| open(lease, path)).await?;
        Ok(Self {
            pool: Arc::clone(pool),
            path: path.clone(),
            size: attributes.size.unwrap_or_default(),
            modified: attributes.mtime,
            block: open.lease.read_block(),
            open: Some(open),
            offset: 0,
            ahead: 0,
            requests: VecDeque::new(),
            window: Window::new(),
            pauses: pool.pauses(),
        })
    }

    /// Bytes, as the file was when it was opened.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The content from the beginning.
    pub(super) fn content(self, location: String) -> Content {
        stream::try_unfold((self, location), async |(mut download, location)| match download.next().await {
            Ok(block) => Ok(block.map(|block| (block, (download, location)))),
            Err(failure) => Err::<_, StorageError>(failure.at(location)),
        })
        .boxed()
    }

    /// The next block; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if self.size > 0 && self.offset >= self.size {
                return Ok(None);
            }
            let result = match self.send() {
                Ok(()) => match self.requests.pop_front() {
                    Some(request) => {
                        let answer = request.block.await;
                        self.window.answered(request.sent);
                        answer.map(|block| (request.length, block))
                    }
                    None => return Ok(None),
                },
                Err(failure) => Err(failure),
            };
            match result {
                Ok((length, Some(block))) => {
                    self.take(length, &block);
                    return Ok(Some(block));
                }
                Ok((_, None)) => return self.end(),
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    /// Keeps requests on their way, up to the size that was seen. Of a file without a size one at a time, to its end.
    fn send(&mut self) -> Result<(), Failure> {
        let Some(open) = &self.open else { return Err(Failure::Transient("the connection was lost".to_owned())) };
        while self.requests.len() < self.window.size() && (self.ahead < self.size || self.requests.is_empty()) {
            let left = self.size.saturating_sub(self.ahead);
            let length = u32::try_from(left)
                .map_or(self.block, |left| if left == 0 { self.block } else { left.min(self.block) });
            let (lease, handle, offset) = (Arc::clone(&open.lease), open.handle.clone(), self.ahead);
            let request = async move {
                match lease.sftp.read(handle, offset, length).await {
                    Ok(data) => Ok((!data.data.is_empty()).then(|| Bytes::from(data.data))),
                    Err(russh_sftp::client::error::Error::Status(status)) if status.status_code == StatusCode::Eof => {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                }
            };
            let mut block = request.boxed();
            // Polling it once sends it.
            if let Some(done) = (&mut block).now_or_never() {
                block = std::future::ready(done).boxed();
            }
            self.requests.push_back(Request { length, sent: Instant::now(), block });
            self.ahead += u64::from(length);
        }
        Ok(())
    }

    fn take(&mut self, asked: u32, block: &Bytes) {
        self.offset += block.len() as u64;
        self.pauses = self.pool.pauses();
        let came = u32::try_from(block.len()).unwrap_or(asked);
        if came < asked {
            // What was asked for beyond the gap is dropped. A server that gives less in the middle gives no more next time.
            self.requests.clear();
            self.ahead = self.offset;
            if self.offset < self.size {
                self.block = came;
            }
        }
    }

    fn end(&mut self) -> Result<Option<Bytes>, Failure> {
        self.requests.clear();
        if self.offset < self.size {
            return Err(Failure::Mismatch(format!(
                "became shorter while it was read: {} of {} bytes came",
                self.offset, self.size
            )));
        }
        Ok(None)
    }

    /// Opens the file again after a lost connection.
    async fn recover(&mut self, failure: Failure) -> Result<(), Failure> {
        self.requests.clear();
        self.ahead = self.offset;
        self.window.lost();
        if let Some(open) = self.open.take() {
            self.pool.discard_after(&open.lease, &Err::<(), _>(failure.clone()));
        }
        let (true, Some(pause)) = (failure.is_transient(), self.pauses.next()) else { return Err(failure) };
        tokio::time::sleep(pause).await;
        let path = self.path.clone();
        let (attributes, open) = self.pool.run(|lease| open_again(lease, path.clone())).await?;
        if attributes.size.unwrap_or_default() != self.size || attributes.mtime != self.modified {
            return Err(Failure::Mismatch("was rewritten while it was read".to_owned()));
        }
        tracing::info!(path = %self.path, offset = self.offset, "reading on over a new connection");
        self.open = Some(open);
        Ok(())
    }
}

async fn open_again(lease: Arc<Lease>, path: ObjectPath) -> Result<(FileAttributes, OpenFile), Failure> {
    open(lease, &path).await
}

/// Looks at a file and opens it, both at once.
async fn open(lease: Arc<Lease>, path: &ObjectPath) -> Result<(FileAttributes, OpenFile), Failure> {
    let full = lease.full(path.as_str());
    let (found, handle) = futures::join!(folder::file(&lease, path), lease.open_file(&full, OpenFlags::READ));
    let open = handle.map(|handle| OpenFile { lease, handle });
    match (found?, open) {
        (None, _) => Err(Failure::Missing),
        (Some(attributes), open) => Ok((attributes, open?)),
    }
}

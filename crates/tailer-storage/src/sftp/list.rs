//! Listing a folder as a stream: a task asks page by page, the reader takes, and a small queue between them bounds the memory.
//!
//! On the way it removes what writers that died have left.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use russh_sftp::protocol::{File, StatusCode};
use tokio::sync::mpsc;

use super::{
    failure::Failure,
    folder::{self, STAGED},
    pool::{Lease, Pool},
    session::{is_file, is_folder, is_link},
};
use crate::{Depth, Listing, ObjectMeta, ObjectPath, StorageError};

/// Entries that the asking task may be ahead of the reader.
const AHEAD: usize = 256;

/// An unfinished write older than this was left by a server that died: no single write takes a day.
const ABANDONED: Duration = Duration::from_hours(24);

type Entries = mpsc::Sender<Result<ObjectMeta, StorageError>>;

/// The reader has dropped the stream.
struct Abandoned;

/// A folder that is open, with the first page.
struct Open {
    lease: Arc<Lease>,
    handle: String,
    page: Vec<File>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.lease.session().close_later(std::mem::take(&mut self.handle));
    }
}

/// What lies in the folder at `prefix`; nothing when there is no such folder. Ends early when the stream is dropped.
///
/// # Errors
/// The folder cannot be opened.
pub(super) async fn walk(pool: &Arc<Pool>, prefix: &ObjectPath, depth: Depth) -> Result<Listing, Failure> {
    let Some(first) = open(pool, prefix).await? else { return Ok(stream::empty().boxed()) };
    let (sender, mut receiver) = mpsc::channel(AHEAD);
    let walk = Walk { pool: Arc::clone(pool), sender, pending: Vec::new() };
    tokio::spawn(walk.run(prefix.clone(), first, depth));
    Ok(stream::poll_fn(move |context| receiver.poll_recv(context)).boxed())
}

async fn open(pool: &Arc<Pool>, path: &ObjectPath) -> Result<Option<Open>, Failure> {
    let opened = pool.run(async |lease: Arc<Lease>| {
        let full = lease.full(path.as_str());
        match lease.sftp.opendir(full.as_str()).await.map_err(Failure::from) {
            Ok(handle) => {
                let mut open = Open { lease, handle: handle.handle, page: Vec::new() };
                open.turn().await?;
                Ok(Some(open))
            }
            Err(Failure::Missing) => Ok(None),
            // A file in its place is no folder. Servers call that a failure.
            Err(failure @ Failure::Server(_)) => match lease.target(&full).await? {
                Some(there) if is_folder(&there) => Err(failure),
                _ => Ok(None),
            },
            Err(failure) => Err(failure),
        }
    });
    opened.await
}

impl Open {
    /// Gets the next page; empty at the end.
    async fn turn(&mut self) -> Result<(), Failure> {
        self.page = match self.lease.sftp.readdir(self.handle.as_str()).await {
            Ok(names) => names.files,
            Err(russh_sftp::client::error::Error::Status(status)) if status.status_code == StatusCode::Eof => {
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }
}

struct Walk {
    pool: Arc<Pool>,
    sender: Entries,
    pending: Vec<ObjectPath>,
}

impl Walk {
    async fn run(mut self, prefix: ObjectPath, first: Open, depth: Depth) {
        let mut next = Some((prefix, Ok::<_, Failure>(Some(first))));
        while let Some((path, opened)) = next {
            let walked = match opened {
                Ok(Some(open)) => self.folder(&path, open).await,
                Ok(None) => Ok(()),
                Err(failure) => self.send(Err(failure.at(self.location(&path)))).await,
            };
            if walked.is_err() || depth == Depth::Folder {
                return;
            }
            next = match self.pending.pop() {
                Some(path) => {
                    let opened = open(&self.pool, &path).await;
                    Some((path, opened))
                }
                None => None,
            };
        }
    }

    async fn folder(&mut self, path: &ObjectPath, mut open: Open) -> Result<(), Abandoned> {
        while !open.page.is_empty() {
            for file in std::mem::take(&mut open.page) {
                if let Some(entry) = self.classify(path, &open.lease, file).await {
                    self.send(entry).await?;
                }
            }
            let turned = open.turn().await;
            self.pool.discard_after(&open.lease, &turned);
            if let Err(failure) = turned {
                return self.send(Err(failure.at(self.location(path)))).await;
            }
        }
        Ok(())
    }

    /// An object, or nothing; a folder is kept for later.
    async fn classify(
        &mut self,
        folder: &ObjectPath,
        lease: &Arc<Lease>,
        file: File,
    ) -> Option<Result<ObjectMeta, StorageError>> {
        let name = file.filename.as_str();
        if name == "." || name == ".." {
            return None;
        }
        if name.starts_with(STAGED) {
            self.sweep(folder, lease, &file).await;
            return None;
        }
        // What was not UTF-8 has come with this character in its place, and cannot be asked for again.
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return self.skip(folder, name, "the name is not UTF-8");
        }
        // A name with a slash is none, whoever sends it.
        let path = match folder.join(name) {
            Ok(path) if path.parent() == *folder && !path.is_root() => path,
            Ok(_) => return self.skip(folder, name, "the name has a slash"),
            Err(error) => return self.skip(folder, name, &error.to_string()),
        };
        if is_folder(&file.attrs) {
            self.pending.push(path);
            return None;
        }
        if is_link(&file.attrs) {
            // A link to a folder is not walked: links may form circles.
            let linked = folder::linked_file(lease, &lease.full(folder.as_str()), &lease.full(path.as_str())).await;
            return match linked {
                Ok(target) => target.map(|target| Ok(folder::describe(path, &target))),
                Err(Failure::Refused(reason)) => self.skip(folder, name, &reason),
                Err(Failure::Missing) => None,
                Err(failure) => Some(Err(failure.at(self.location(&path)))),
            };
        }
        is_file(&file.attrs).then(|| Ok(folder::describe(path, &file.attrs)))
    }

    /// Removes an unfinished write that nobody will finish. Best effort: what cannot be removed only takes space.
    async fn sweep(&self, folder: &ObjectPath, lease: &Arc<Lease>, file: &File) {
        let age = file.attrs.mtime.map(|written| Timestamp::now().as_second() - i64::from(written));
        if age.is_some_and(|age| age > ABANDONED.as_secs().cast_signed()) {
            let full = format!("{}/{}", lease.full(folder.as_str()).trim_end_matches('/'), file.filename);
            let _ = lease.sftp.remove(full).await;
        }
    }

    fn skip<T>(&self, folder: &ObjectPath, name: &str, reason: &str) -> Option<T> {
        tracing::warn!(folder = self.location(folder), name, reason, "not listed");
        None
    }

    async fn send(&self, entry: Result<ObjectMeta, StorageError>) -> Result<(), Abandoned> {
        self.sender.send(entry).await.map_err(|_| Abandoned)
    }

    fn location(&self, path: &ObjectPath) -> String {
        self.pool.location(path)
    }
}

//! Writing a file: under a temporary name in the folder where it is to appear, with several requests on their way at once;
//! then synced, compared and renamed.
//!
//! What is not confirmed is kept, so that a lost connection costs no more than sending that again over another one.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use russh_sftp::protocol::{FileAttributes, OpenFlags};

use super::{
    failure::Failure,
    folder::{self, STAGED},
    list,
    pool::{Lease, Pool},
    session::is_folder,
    window::Window,
};
use crate::{Content, Depth, ObjectMeta, ObjectPath, StorageError, WriteOptions};

/// Bytes that a server can copy well before an answer is overdue.
const COPY_STEP: u64 = 64 * 1024 * 1024;

/// How long a failed write waits for its leftovers to be removed.
const PATIENCE: Duration = Duration::from_secs(10);

type Confirmation = BoxFuture<'static, (u64, Instant, Result<(), Failure>)>;

/// A file that is being written. Removed when dropped before [`Upload::publish`] has ended well.
pub(super) struct Upload {
    pool: Arc<Pool>,
    to: ObjectPath,
    /// Where it is until it is published, as a path of the storage.
    staged: String,
    published: bool,
    lease: Arc<Lease>,
    handle: String,
    written: u64,
    /// What was sent and not confirmed, by its place.
    unconfirmed: BTreeMap<u64, Bytes>,
    requests: FuturesUnordered<Confirmation>,
    window: Window,
    /// Attempts left until the next confirmation.
    pauses: crate::retry::Pauses,
}

impl Upload {
    /// Opens a temporary file beside `to`, and makes its folder unless that must exist.
    pub(super) async fn create(pool: &Arc<Pool>, to: &ObjectPath, options: WriteOptions) -> Result<Self, Failure> {
        folder::check_name(to)?;
        if to.is_root() {
            return Err(Failure::Refused("an object needs a name".to_owned()));
        }
        let Opened { lease, staged, handle } = pool.run(|lease| stage(lease, to, options)).await?;
        if pool.is_first_write(&to.parent()) {
            tokio::spawn(sweep(Arc::clone(pool), to.parent()));
        }
        Ok(Self {
            pool: Arc::clone(pool),
            to: to.clone(),
            staged,
            published: false,
            lease,
            handle,
            written: 0,
            unconfirmed: BTreeMap::new(),
            requests: FuturesUnordered::new(),
            window: Window::new(),
            pauses: pool.pauses(),
        })
    }

    /// Writes a stream to the end.
    pub(super) async fn fill(&mut self, mut content: Content, options: WriteOptions) -> Result<(), StorageError> {
        while let Some(chunk) = content.next().await {
            let mut chunk = chunk?;
            while !chunk.is_empty() {
                let block = chunk.split_to(chunk.len().min(self.lease.write_block()));
                self.send(block).await.map_err(|failure| failure.at(self.location()))?;
            }
        }
        self.confirm_all().await.map_err(|failure| failure.at(self.location()))?;
        options.check(self.written, || self.location())
    }

    /// Has the server copy another file into this one. `None` when it cannot, and nothing was done.
    pub(super) async fn copy_of(&mut self, from: &ObjectPath, size: u64) -> Option<Result<(), Failure>> {
        if !self.lease.can_copy() {
            return None;
        }
        loop {
            match self.copy_on(from, size).await {
                Err(failure) if failure.is_transient() => {
                    if let Err(failure) = self.recover(failure).await {
                        return Some(Err(failure));
                    }
                }
                result => return Some(result),
            }
        }
    }

    async fn copy_on(&mut self, from: &ObjectPath, size: u64) -> Result<(), Failure> {
        let source = self.lease.open_file(&self.lease.full(from.as_str()), OpenFlags::READ).await?;
        let copied = self.copy_in_steps(&source, size).await;
        self.lease.session().close_later(source);
        copied
    }

    async fn copy_in_steps(&mut self, source: &str, size: u64) -> Result<(), Failure> {
        while self.written < size {
            let step = COPY_STEP.min(size - self.written);
            self.lease.copy_data(source, &self.handle, self.written, step).await?;
            self.written += step;
            self.pauses = self.pool.pauses();
        }
        Ok(())
    }

    /// Makes the content last, compares its length and gives it its name.
    pub(super) async fn publish(mut self) -> Result<ObjectMeta, Failure> {
        let attributes = loop {
            match self.finish().await {
                Err(failure) if failure.is_transient() => self.recover(failure).await?,
                other => break other?,
            }
        };
        if attributes.size.is_some_and(|size| size != self.written) {
            return Err(Failure::Mismatch(format!(
                "{} bytes were sent and {} are there",
                self.written,
                attributes.size.unwrap_or_default()
            )));
        }
        let (staged, to, attributes) = (self.staged.as_str(), &self.to, &attributes);
        let lease = Arc::clone(&self.lease);
        let mtime = self.pool.run_on(Some(lease), |lease| appear(lease, staged, to, attributes)).await?;
        let described = FileAttributes { size: Some(self.written), mtime: Some(mtime), ..FileAttributes::empty() };
        let described = folder::describe(self.to.clone(), &described);
        self.published = true;
        Ok(described)
    }

    /// Removes what was written, now instead of when it is dropped.
    pub(super) async fn discard(mut self) {
        self.published = true;
        let _ = tokio::time::timeout(PATIENCE, self.removal()).await;
    }

    /// Closes and removes the temporary file, over another connection if need be.
    fn removal(&self) -> impl Future<Output = ()> + Send + 'static {
        let (pool, lease, handle) = (Arc::clone(&self.pool), Arc::clone(&self.lease), self.handle.clone());
        let staged = self.staged.clone();
        async move {
            let _ = lease.sftp.close(handle).await;
            let removed = pool.run_on(Some(lease), |lease| {
                let full = lease.full(&staged);
                async move { Ok(lease.sftp.remove(full).await.map(|_| ())?) }
            });
            match removed.await {
                Ok(()) | Err(Failure::Missing) => {}
                Err(failure) => {
                    tracing::warn!(storage = pool.display(), staged, ?failure, "an unfinished file is left")
                }
            }
        }
    }

    /// Syncs and closes the file.
    async fn finish(&mut self) -> Result<FileAttributes, Failure> {
        self.lease.sync(&self.handle).await?;
        let attributes = self.lease.sftp.fstat(self.handle.as_str()).await?.attrs;
        self.lease.sftp.close(self.handle.as_str()).await?;
        Ok(attributes)
    }

    async fn send(&mut self, block: Bytes) -> Result<(), Failure> {
        while self.unconfirmed.len() >= self.window.size() {
            self.confirm_one().await?;
        }
        let offset = self.written;
        self.written += block.len() as u64;
        self.unconfirmed.insert(offset, block.clone());
        self.request(offset, block);
        Ok(())
    }

    fn request(&self, offset: u64, block: Bytes) {
        let (lease, handle) = (Arc::clone(&self.lease), self.handle.clone());
        let sent = Instant::now();
        let request = async move {
            let written = lease.sftp.write(handle, offset, block.to_vec()).await;
            (offset, sent, written.map(|_| ()).map_err(Failure::from))
        };
        let mut request = request.boxed();
        // Polling it once sends it.
        if let Some(done) = (&mut request).now_or_never() {
            request = std::future::ready(done).boxed();
        }
        self.requests.push(request);
    }

    async fn confirm_all(&mut self) -> Result<(), Failure> {
        while !self.unconfirmed.is_empty() {
            self.confirm_one().await?;
        }
        Ok(())
    }

    async fn confirm_one(&mut self) -> Result<(), Failure> {
        let Some((offset, sent, written)) = self.requests.next().await else { return Ok(()) };
        match written {
            Ok(()) => {
                self.unconfirmed.remove(&offset);
                self.window.answered(sent);
                self.pauses = self.pool.pauses();
                Ok(())
            }
            Err(failure) => self.recover(failure).await,
        }
    }

    /// Opens the temporary file again after a lost connection and sends again what was not confirmed.
    async fn recover(&mut self, failure: Failure) -> Result<(), Failure> {
        self.requests.clear();
        self.window.lost();
        self.pool.discard_after(&self.lease, &Err::<(), _>(failure.clone()));
        let (true, Some(pause)) = (failure.is_transient(), self.pauses.next()) else { return Err(failure) };
        tokio::time::sleep(pause).await;
        let staged = self.staged.as_str();
        let reopened = self.pool.run(async |lease: Arc<Lease>| {
            let handle = lease.open_file(&lease.full(staged), OpenFlags::WRITE).await?;
            Ok((lease, handle))
        });
        (self.lease, self.handle) = reopened.await.map_err(|failure| match failure {
            Failure::Missing => Failure::Mismatch("the unfinished file is gone from the server".to_owned()),
            other => other,
        })?;
        tracing::info!(path = %self.to, offset = self.written, "writing on over a new connection");
        for (offset, block) in &self.unconfirmed {
            self.request(*offset, block.clone());
        }
        Ok(())
    }

    fn location(&self) -> String {
        self.pool.location(&self.to)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.published
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(self.removal());
        }
    }
}

struct Opened {
    lease: Arc<Lease>,
    staged: String,
    handle: String,
}

/// Opens a temporary file beside `to`.
async fn stage(lease: Arc<Lease>, to: &ObjectPath, options: WriteOptions) -> Result<Opened, Failure> {
    let folder = to.parent();
    let name = format!("{STAGED}{}", uuid::Uuid::new_v4().simple());
    let staged = if folder.is_root() { name } else { format!("{folder}/{name}") };
    let full = lease.full(&staged);
    let open = || lease.open_file(&full, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE);
    let full_to = lease.full(to.as_str());
    let (there, opened) = futures::join!(lease.entry(&full_to), open());
    let handle = match opened {
        Err(Failure::Missing) => {
            let full_folder = lease.full(folder.as_str());
            if options.folder_must_exist {
                return Err(Failure::Refused(format!(
                    "there is no folder {full_folder} on the server, and the configuration does not ask for it to be made \
                     (sftp_destination_dir_create)"
                )));
            }
            folder::make(&lease, &full_folder).await?;
            open().await?
        }
        other => other?,
    };
    if there?.is_some_and(|there| is_folder(&there)) {
        let _ = lease.sftp.close(handle.as_str()).await;
        let _ = lease.sftp.remove(full.as_str()).await;
        return Err(Failure::Refused("is a folder".to_owned()));
    }
    Ok(Opened { lease, staged, handle })
}

/// Renames the finished file into place, and gives its time of modification. Repeatable: the answer to a rename may be lost
/// with the connection.
async fn appear(lease: Arc<Lease>, staged: &str, to: &ObjectPath, attributes: &FileAttributes) -> Result<u32, Failure> {
    let (staged, to) = (lease.full(staged), lease.full(to.as_str()));
    let mtime = attributes.mtime.unwrap_or_default();
    let moved = async {
        let before = lease.entry(&to).await?.filter(|before| before.size == attributes.size);
        let mtime = match before.and_then(|before| before.mtime).filter(|before| *before >= mtime) {
            Some(before) if folder::date(&lease, &staged, before.saturating_add(1)).await? => before.saturating_add(1),
            _ => mtime,
        };
        lease.rename(&staged, &to).await?;
        Ok(mtime)
    };
    match moved.await {
        Err(Failure::Missing) => match lease.entry(&to).await? {
            Some(there) if there.size == attributes.size && there.mtime >= attributes.mtime => {
                Ok(there.mtime.unwrap_or_default())
            }
            _ => Err(Failure::Mismatch("the unfinished file is gone from the server".to_owned())),
        },
        Err(Failure::Server(_)) if lease.entry(&to).await?.is_some_and(|there| is_folder(&there)) => {
            Err(Failure::Refused("is a folder".to_owned()))
        }
        other => other,
    }
}

/// Removes what writers that died have left in a folder: listing it does so.
async fn sweep(pool: Arc<Pool>, folder: ObjectPath) {
    if let Ok(listing) = list::walk(&pool, &folder, Depth::Folder).await {
        listing.for_each(|_| std::future::ready(())).await;
    }
}

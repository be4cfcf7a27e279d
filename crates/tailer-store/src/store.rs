//! [`Store`]: closures over a transaction in, answers out. Opens the database, owns the threads that use it.
//!
//! Promises: what a [`Durability::Synced`] write answered survives power loss; writes take effect in the order asked for; a read
//! begun after a write was answered sees it. Does not promise exclusivity: other processes may use the same database.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    StoreError, Tx,
    database::Database,
    postgres,
    readers::{self, Readers},
    sqlite,
    writer::{self, Decision, Job, Pending},
};

/// When a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on the disk: it survives power loss. For everything that is acknowledged to someone.
    Synced,
    /// Once it is with the operating system: it survives the end of this process, not power loss. For what could be made
    /// again: progress, log lines, leases. Whatever is synced later takes it along.
    Relaxed,
}

/// What one server tells the others that share the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// Runs came to be, ended, or are wanted stopped.
    Runs,
    /// Configurations were deployed, enabled, disabled or archived.
    Configurations,
    /// People wrote something: nothing to act on, something to look at.
    Notes,
}

impl Announcement {
    pub(crate) const ALL: [Self; 3] = [Self::Runs, Self::Configurations, Self::Notes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Configurations => "configurations",
            Self::Notes => "notes",
        }
    }

    pub(crate) fn bit(self) -> u8 {
        match self {
            Self::Runs => 1,
            Self::Configurations => 2,
            Self::Notes => 4,
        }
    }
}

/// The metadata store. Cloning shares it; the last clone to go waits for the writes under way and closes the database.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Option<Sender<Job>>,
    readers: Option<Sender<Box<dyn Decision>>>,
    threads: Vec<JoinHandle<()>>,
    place: Place,
    /// Only where several servers may share the database.
    wake: Option<postgres::Wake>,
    /// Holds the folder of a database for tests; removed after the threads have ended.
    _folder: Option<tempfile::TempDir>,
}

/// Where a database is.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Server(postgres::Address),
}

impl Place {
    fn writer(&self) -> Result<Box<dyn Database>, StoreError> {
        Ok(match self {
            Self::File(path) => Box::new(sqlite::Connected::open_writer(path)?),
            Self::Server(address) => Box::new(postgres::Connected::open(address)?),
        })
    }

    fn readers(&self) -> Readers {
        match self {
            Self::File(_) => Readers::near(),
            Self::Server(_) => Readers::far(),
        }
    }

    /// For a database that a writer has set up.
    fn reader(&self) -> Result<Box<dyn Database>, StoreError> {
        Ok(match self {
            Self::File(path) => Box::new(sqlite::Connected::open_reader(path)?),
            Self::Server(address) => Box::new(postgres::Connected::connect(address)?),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(address) => f.write_str(&address.display()),
        }
    }
}

impl Store {
    /// Opens the SQLite database at `path`; creates it, and applies migrations, as needed.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Foreign`], [`StoreError::Newer`], [`StoreError::Busy`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::start(Place::File(path.to_owned()), None)
    }

    /// Opens the PostgreSQL database at `url` (`postgresql://user:password@host:port/database`), in the first schema of its
    /// search path; applies migrations as needed. Several servers may share one.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Newer`], [`StoreError::Busy`]. No message holds the password.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        Self::start(Place::Server(postgres::Address::parse(url)?), None)
    }

    /// Another store over the same database, as another server opens it.
    ///
    /// # Errors
    /// As [`Store::open`] and [`Store::connect`].
    pub fn open_again(&self) -> Result<Self, StoreError> {
        Self::start(self.0.place.clone(), None)
    }

    /// A database of its own in a temporary folder, gone with the last clone: for tests.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn in_memory() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir()
            .map_err(|e| StoreError::Open { path: "in a temporary folder".into(), message: e.to_string() })?;
        let path = folder.path().join("tailerd.db");
        Self::start(Place::File(path), Some(folder))
    }

    fn start(place: Place, folder: Option<tempfile::TempDir>) -> Result<Self, StoreError> {
        let cannot_start = |e: std::io::Error| StoreError::Open {
            path: place.to_string(),
            message: format!("no thread could be started: {e}"),
        };
        let (mut database, connections) = open(&place)?;
        let wake = match &place {
            Place::File(_) => None,
            Place::Server(address) => {
                Some(postgres::Wake::start(address, uuid::Uuid::new_v4().to_string()).map_err(cannot_start)?)
            }
        };
        let (writer, jobs) = mpsc::channel();
        let (reads, queue) = mpsc::channel();
        let (queue, together) = (Arc::new(Mutex::new(queue)), place.readers().together);
        let mut threads = Vec::new();
        let writing = move || writer::run(&mut *database, &jobs);
        threads.push(thread::Builder::new().name("store-writer".into()).spawn(writing).map_err(cannot_start)?);
        for mut connection in connections {
            let queue = Arc::clone(&queue);
            let reading = move || readers::run(&mut *connection, &queue, together);
            threads.push(thread::Builder::new().name("store-reader".into()).spawn(reading).map_err(cannot_start)?);
        }
        Ok(Self(Arc::new(Inner { writer: Some(writer), readers: Some(reads), threads, place, wake, _folder: folder })))
    }

    /// The file of the database; `None` when it is on a server.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0.place {
            Place::File(path) => Some(path),
            Place::Server(_) => None,
        }
    }

    /// Where the database is, for messages: never a password.
    #[must_use]
    pub fn location(&self) -> String {
        self.0.place.to_string()
    }

    /// Whether other servers may share the database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.wake.is_some()
    }

    /// Tells the other servers that share the database, if any, that something was recorded that they may act on. Returns at
    /// once; call it after the write was answered. May be lost: whoever is told looks by himself too, from time to time.
    pub fn announce(&self, what: Announcement) {
        if let Some(wake) = &self.0.wake {
            wake.announce(what);
        }
    }

    /// Calls `told`, on a thread of its own, whenever another server announces something, for as long as this store is open.
    /// Never where nobody shares the database.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when no thread can be started.
    pub fn listen(&self, told: impl Fn(Announcement) + Send + 'static) -> Result<(), StoreError> {
        match &self.0.wake {
            Some(wake) => wake.listen(told).map_err(|error| StoreError::Internal(error.to_string())),
            None => Ok(()),
        }
    }

    /// A decision: all that `decide` writes is recorded together, or, when it answers an error, not at all. Answers after the
    /// commit. Goes on to the end even when the future is dropped.
    ///
    /// `decide` runs on the thread of the writer: it must not wait for anything, least of all for this store.
    ///
    /// # Errors
    /// What `decide` answers, or a [`StoreError`] when it could not be recorded.
    pub async fn write<T, E>(
        &self,
        durability: Durability,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.ask_writer(durability, decide, move |result| drop(answer.send(result)))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Reads from one snapshot, without blocking writers or being blocked by them. Writing fails.
    ///
    /// # Errors
    /// What `look` answers, or a [`StoreError`].
    pub async fn read<T, E>(&self, look: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.ask_reader(look, move |result| drop(answer.send(result)))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::write`] for code without a runtime, such as the command line. Blocks the thread.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, E>(
        &self,
        durability: Durability,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask_writer(durability, decide, move |result| drop(answer.send(result)))?;
        answered.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// [`Store::read`] for code without a runtime. Blocks the thread.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T, E>(&self, look: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask_reader(look, move |result| drop(answer.send(result)))?;
        answered.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    fn ask_writer<T, E>(
        &self,
        durability: Durability,
        decide: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        answer: impl FnOnce(Result<T, E>) + Send + 'static,
    ) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let job = Job { durability, decision: Box::new(Pending::new(decide, answer)) };
        let writer = self.0.writer.as_ref().ok_or(StoreError::Closed)?;
        writer.send(job).map_err(|_| StoreError::Closed)
    }

    fn ask_reader<T, E>(
        &self,
        look: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        answer: impl FnOnce(Result<T, E>) + Send + 'static,
    ) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let readers = self.0.readers.as_ref().ok_or(StoreError::Closed)?;
        readers.send(Box::new(Pending::new(look, answer))).map_err(|_| StoreError::Closed)
    }
}

/// The writing connection and the reading ones.
type Connections = (Box<dyn Database>, Vec<Box<dyn Database>>);

/// Opens on a thread of its own: the PostgreSQL client must not be used on a thread of an asynchronous runtime.
fn open(place: &Place) -> Result<Connections, StoreError> {
    let open = || {
        let writer = place.writer()?;
        let readers = (0..place.readers().count).map(|_| place.reader()).collect::<Result<Vec<_>, _>>()?;
        Ok((writer, readers))
    };
    thread::scope(|scope| scope.spawn(open).join())
        .unwrap_or_else(|_| Err(StoreError::Internal("opening the metadata database panicked".into())))
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Without senders the threads finish what is queued and end.
        drop((self.writer.take(), self.readers.take()));
        for thread in self.threads.drain(..) {
            // The last clone may have been held by a decision: a thread cannot wait for itself.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the metadata store panicked");
            }
        }
    }
}

//! The connections of one storage: opened when needed, shared, opened again when lost, closed when idle.
//!
//! A lease is never waited for: whoever reads one file and writes another has two, and would wait for itself. When the
//! connection has as many as it should, another one is opened.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

use russh::keys::PrivateKey;
use tokio::{sync::OnceCell, time::Instant};

use super::{connect, failure::Failure, session::Session, settings::SftpSettings};
use crate::{ObjectPath, retry::Pauses};

/// Pieces of work at once on a connection, each with at most two open files. OpenSSH names open files by numbers, and from
/// 128 on these are no text, which the protocol's implementation cannot carry.
const LEASES: usize = 48;

/// Folders of which is remembered that they were written to.
const REMEMBERED: usize = 1024;

/// See the module.
pub(super) struct Pool {
    settings: SftpSettings,
    display: String,
    key: OnceCell<Option<Arc<PrivateKey>>>,
    sessions: Mutex<Vec<Arc<Session>>>,
    /// Folders written to, so that each is swept once.
    written: Mutex<BTreeSet<ObjectPath>>,
    /// Held while connecting, so that many who need a connection open one. Holds when and how the last attempt failed.
    connecting: tokio::sync::Mutex<Option<(Instant, Failure)>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pool").field(&self.display).finish()
    }
}

/// A session for one piece of work.
#[derive(Debug)]
pub(super) struct Lease(Arc<Session>);

impl Lease {
    fn of(session: &Arc<Session>) -> Option<Self> {
        let taken = session
            .leases()
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |leases| (leases < LEASES).then_some(leases + 1));
        taken.is_ok().then(|| Self(Arc::clone(session)))
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.0
    }
}

impl std::ops::Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.leases().fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pool {
    pub(super) fn new(settings: SftpSettings) -> Self {
        Self {
            display: settings.display(),
            settings,
            key: OnceCell::new(),
            sessions: Mutex::default(),
            written: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn display(&self) -> &str {
        &self.display
    }

    pub(super) fn location(&self, path: &ObjectPath) -> String {
        if path.is_root() { self.display.clone() } else { format!("{}/{path}", self.display) }
    }

    /// Whether nothing was written to a folder before. Forgets when there are very many.
    pub(super) fn is_first_write(&self, folder: &ObjectPath) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= REMEMBERED {
            written.clear();
        }
        written.insert(folder.clone())
    }

    pub(super) fn pauses(&self) -> Pauses {
        Pauses::new(self.settings.retries)
    }

    /// Does `work` on a session; again, after a pause and on another one, while the error is transient.
    pub(super) async fn run<T, F>(self: &Arc<Self>, work: impl Fn(Arc<Lease>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        self.run_on(None, work).await
    }

    /// The same, on this lease as long as its session is good.
    pub(super) async fn run_on<T, F>(
        self: &Arc<Self>,
        mut first: Option<Arc<Lease>>,
        work: impl Fn(Arc<Lease>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pauses = self.pauses();
        loop {
            let lease = match first.take() {
                Some(lease) => Ok(lease),
                None => self.lease().await.map(Arc::new),
            };
            let result = match lease {
                Ok(lease) => {
                    let result = work(Arc::clone(&lease)).await;
                    self.discard_after(&lease, &result);
                    result
                }
                Err(failure) => Err(failure),
            };
            match (result, pauses.next()) {
                (Err(Failure::Transient(message)), Some(pause)) => {
                    tracing::debug!(storage = self.display, message, ?pause, "trying again");
                    tokio::time::sleep(pause).await;
                }
                (result, _) => return result,
            }
        }
    }

    /// Uses a session no longer on which something transient went wrong: what is still on its way there is unknown.
    pub(super) fn discard_after<T>(&self, lease: &Lease, result: &Result<T, Failure>) {
        if result.as_ref().is_err_and(Failure::is_transient) {
            self.sessions().retain(|session| !Arc::ptr_eq(session, lease.session()));
        }
    }

    /// A session with room for one more piece of work.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Failure> {
        if let Some(lease) = self.open_lease() {
            return Ok(lease);
        }
        let since = Instant::now();
        let mut last = self.connecting.lock().await;
        if let Some(lease) = self.open_lease() {
            return Ok(lease);
        }
        // An attempt that failed while this one waited for it has answered for it as well.
        if let Some((failed, failure)) = &*last
            && *failed > since
        {
            return Err(failure.clone());
        }
        match self.connect().await {
            Ok(session) => {
                let session = Arc::new(session);
                self.sessions().push(Arc::clone(&session));
                tokio::spawn(close_when_idle(Arc::downgrade(self), Arc::downgrade(&session), self.settings.idle));
                *last = None;
                Lease::of(&session).ok_or_else(|| Failure::Transient("the connection is in use".to_owned()))
            }
            Err(failure) => {
                *last = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn connect(&self) -> Result<Session, Failure> {
        let key = self.key.get_or_try_init(async || {
            let settings = self.settings.clone();
            tokio::task::spawn_blocking(move || connect::open_key(&settings))
                .await
                .map_err(|_| Failure::Transient("the server is stopping".to_owned()))?
        });
        connect::connect(&self.settings, key.await?.clone()).await
    }

    fn open_lease(&self) -> Option<Lease> {
        let mut sessions = self.sessions();
        sessions.retain(|session| !session.is_closed());
        sessions.iter().find_map(Lease::of)
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an unused session out, so that nobody gets it any more.
    fn retire(&self, session: &Arc<Session>) -> bool {
        let mut sessions = self.sessions();
        let unused = session.is_unused();
        if unused {
            sessions.retain(|other| !Arc::ptr_eq(other, session));
        }
        unused
    }
}

/// Closes a session that was found unused twice, `idle` apart.
async fn close_when_idle(pool: Weak<Pool>, session: Weak<Session>, idle: Duration) {
    let mut was_unused = false;
    loop {
        tokio::time::sleep(idle / 2).await;
        let Some(session) = session.upgrade() else { return };
        let Some(pool) = pool.upgrade() else { return };
        if session.is_unused() && was_unused && pool.retire(&session) {
            session.close().await;
            return;
        }
        was_unused = session.is_unused();
    }
}

//! The engine itself: what all its parts share, how it starts and how it stops.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use tailer_model::RunId;
use tailer_store::{Announcement, Durability, Tx, alerts, runs};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    EngineError, EngineParts,
    cache::Cache,
    catalog::Indices,
    execute::{places::Places, stops::Stops},
    freshness::Outlooks,
    hints::Hints,
    notifications::NoticeCounts,
    reconcile,
};

/// The application. Cheap to clone; all clones are one engine.
#[derive(Debug, Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

/// What the parts of the engine share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) parts: EngineParts,
    pub(crate) cache: Cache,
    pub(crate) outlooks: Outlooks,
    pub(crate) catalog: Indices,
    pub(crate) pokes: Pokes,
    pub(crate) hints: Hints,
    pub(crate) notices: NoticeCounts,
    pub(crate) places: Places,
    /// A permit for each message to people that may be on its way.
    pub(crate) sending: Arc<Semaphore>,
    /// Whether alerts were recorded since somebody was told so.
    alerts_noted: AtomicBool,
    /// Runs that this process drives now.
    pub(crate) driven: Mutex<HashMap<RunId, Driven>>,
    /// Callers that wait for news of a run.
    watchers: Mutex<HashMap<RunId, Arc<Notify>>>,
    /// Changes with everything that somebody who looks on may want to see.
    news: watch::Sender<()>,
    /// No new work is taken once this is cancelled.
    pub(crate) stopping: CancellationToken,
    /// Drivers let go of their runs once this is cancelled.
    pub(crate) abandon: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// A run in the hands of this process.
#[derive(Debug, Clone)]
pub(crate) struct Driven {
    pub(crate) fence: i64,
    /// Cancelled when somebody wants the run stopped.
    pub(crate) cancel: CancellationToken,
    /// Single tasks that somebody wants stopped.
    pub(crate) stops: Arc<Stops>,
}

/// Wakes the reconcilers. A poke that comes while one runs makes it run once more.
#[derive(Debug, Default)]
pub(crate) struct Pokes {
    pub(crate) dispatch: Notify,
    pub(crate) arrivals: Notify,
    pub(crate) ticks: Notify,
    pub(crate) firings: Notify,
    pub(crate) leases: Notify,
    pub(crate) alerts: Notify,
    /// Nobody pokes these: what expires is looked for from time to time.
    pub(crate) expiry: Notify,
    pub(crate) history: Notify,
}

impl Pokes {
    fn all(&self) {
        for poke in [&self.dispatch, &self.arrivals, &self.ticks, &self.firings] {
            poke.notify_one();
        }
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn new_run_id(&self) -> RunId {
        RunId::new(self.now(), self.parts.ids.uuid())
    }

    pub(crate) fn lease_until(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.parts.settings.lease).unwrap_or(now)
    }

    /// Waits until `at`; for ever when there is none. A clock that steps meanwhile is noticed within `reconcile_every`.
    pub(crate) async fn reach(&self, at: Option<Timestamp>) {
        let Some(at) = at else { return std::future::pending().await };
        loop {
            let left = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(self.parts.settings.reconcile_every)).await;
        }
    }

    /// Runs came to be, ended, or are wanted stopped: wakes whoever acts on that, here and on other servers.
    pub(crate) fn runs_changed(&self) {
        self.alerts_changed();
        self.pokes.dispatch.notify_one();
        self.news.send_replace(());
        self.parts.store.announce(Announcement::Runs);
    }

    /// Alerts are recorded in a transaction; once it has ended [`Self::alerts_changed`] wakes whoever sends them.
    pub(crate) fn noted(&self) {
        self.alerts_noted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn alerts_changed(&self) {
        if self.alerts_noted.swap(false, Ordering::Relaxed) {
            self.pokes.alerts.notify_one();
        }
    }

    /// Configurations changed: wakes everyone, here and on other servers.
    pub(crate) fn configurations_changed(&self) {
        self.pokes.all();
        self.news.send_replace(());
        self.parts.store.announce(Announcement::Configurations);
    }

    /// Another server announced something.
    fn told(&self, what: Announcement) {
        self.news.send_replace(());
        match what {
            Announcement::Runs => {
                self.pokes.dispatch.notify_one();
                // One of them may be wanted stopped.
                self.pokes.leases.notify_one();
                for watcher in self.watchers.lock().values() {
                    watcher.notify_waiters();
                }
            }
            Announcement::Configurations => self.pokes.all(),
            Announcement::Notes => {}
        }
    }

    /// Something changed that only people look at.
    pub(crate) fn look_again(&self) {
        self.news.send_replace(());
    }

    /// Tells whoever waits for news of a run.
    pub(crate) fn announce(&self, run: &RunId) {
        self.news.send_replace(());
        if let Some(watcher) = self.watchers.lock().get(run) {
            watcher.notify_waiters();
        }
    }

    /// What [`Self::announce`] wakes. Ask for it before looking at the run, so that no news is missed.
    pub(crate) fn watch(&self, run: &RunId) -> Arc<Notify> {
        let mut watchers = self.watchers.lock();
        watchers.retain(|_, watcher| Arc::strong_count(watcher) > 1);
        watchers.entry(run.clone()).or_default().clone()
    }
}

impl Engine {
    /// Starts the engine, and its reconcilers when `settings.executes`, on the current tokio runtime.
    ///
    /// # Errors
    /// What the store says.
    pub async fn start(parts: EngineParts) -> Result<Self, EngineError> {
        let inner = Arc::new(Inner {
            places: Places::new(parts.settings.max_running_tasks),
            sending: Arc::new(Semaphore::new(reconcile::alerts::AT_ONCE)),
            alerts_noted: AtomicBool::new(false),
            parts,
            cache: Cache::default(),
            outlooks: Outlooks::default(),
            catalog: Indices::default(),
            pokes: Pokes::default(),
            hints: Hints::default(),
            notices: NoticeCounts::default(),
            driven: Mutex::default(),
            watchers: Mutex::default(),
            news: watch::Sender::default(),
            stopping: CancellationToken::new(),
            abandon: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let settings = &inner.parts.settings;
        if settings.executes {
            if settings.exclusive {
                let now = inner.now();
                let release = move |tx: &mut Tx<'_>| {
                    alerts::release_all(tx, now)?;
                    runs::release_all(tx, now)
                };
                inner.parts.store.write(Durability::Relaxed, release).await?;
            } else if settings.place == runs::Place::Home {
                let now = inner.now();
                inner.parts.store.write(Durability::Relaxed, move |tx| runs::release_home(tx, now)).await?;
            }
            reconcile::start(&inner);
        }
        let engine = Arc::downgrade(&inner);
        inner.parts.store.listen(move |what| {
            if let Some(engine) = engine.upgrade() {
                engine.told(what);
            }
        })?;
        Ok(Self(inner))
    }

    /// Stops taking work, gives running work `grace` to end, then lets go of what still runs: its statements are stopped, its
    /// leases handed back, and whoever starts next goes on with it.
    pub async fn drain(&self, grace: Duration) {
        let inner = &self.0;
        inner.stopping.cancel();
        inner.tasks.close();
        let ended = tokio::time::timeout(grace, inner.tasks.wait()).await.is_ok();
        if !ended {
            inner.abandon.cancel();
            let let_go = tokio::time::timeout(Duration::from_secs(10), inner.tasks.wait()).await;
            if let_go.is_err() {
                tracing::warn!("some tasks did not stop in time; their runs are taken over by the next server");
            }
        }
        let (worker, now) = (inner.parts.settings.worker.clone(), inner.now());
        if let Err(error) = inner.parts.store.write(Durability::Synced, move |tx| runs::release(tx, &worker, now)).await
        {
            tracing::warn!(%error, "leases could not be handed back; they pass by themselves");
        }
    }

    /// Changes whenever runs or configurations did, here or on another server: look again then. Says nothing of what.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<()> {
        self.0.news.subscribe()
    }

    /// Has whoever looks on look again: something changed that the engine has no part in, such as a user's role.
    pub fn look_again(&self) {
        self.0.news.send_replace(());
    }

    /// Whether requests can be answered: the store reads, and the engine is not stopping.
    ///
    /// # Errors
    /// [`EngineError::Stopping`], or what the store says.
    pub async fn ready(&self) -> Result<(), EngineError> {
        if self.0.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        self.0.parts.store.read(|tx| runs::counts(tx).map(drop)).await.map_err(EngineError::from)
    }

    /// Gauges and counters for `/metrics`: name, labels, value.
    pub async fn metrics(&self) -> Vec<(String, Vec<(String, String)>, f64)> {
        let mut all = vec![(
            "tailerd_runs_driven".to_owned(),
            Vec::new(),
            f64::from(u32::try_from(self.0.driven.lock().len()).unwrap_or(u32::MAX)),
        )];
        all.extend(self.0.notices.read().map(|(outcome, count)| {
            let labels = vec![("outcome".to_owned(), outcome.to_owned())];
            ("tailerd_storage_notifications_total".to_owned(), labels, gauge(count))
        }));
        match self.0.parts.store.read(runs::counts).await {
            Ok(counts) => all.extend(counts.into_iter().map(|(status, sub_status, count)| {
                let labels =
                    vec![("status".to_owned(), status.to_string()), ("sub_status".to_owned(), sub_status.to_string())];
                ("tailerd_runs".to_owned(), labels, gauge(count))
            })),
            Err(error) => tracing::warn!(%error, "runs could not be counted"),
        }
        all
    }
}

#[expect(clippy::cast_precision_loss, reason = "what is shown of so large a number")]
fn gauge(count: u64) -> f64 {
    count as f64
}

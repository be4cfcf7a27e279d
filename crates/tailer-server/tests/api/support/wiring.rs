//! What the engine stands on in these tests: local folders and the embedded warehouse in a temporary folder, a clock that
//! can be turned ahead.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tailer_engine::{Clock, EngineError, EngineParts, EngineSettings, Ids, Storages, Warehouses};
use tailer_model::operation::storage_to_storage::StorageAddress;
use tailer_storage::{LocalStorage, Storage};
use tailer_store::Store;
use tailer_warehouse::{EmbeddedWarehouse, Warehouse, embedded::EmbeddedSettings};

pub(crate) fn parts(data: &Path, store: Store, clock: Arc<TestClock>) -> EngineParts {
    let warehouse = EmbeddedWarehouse::open(data.join("warehouse"), EmbeddedSettings::default()).unwrap();
    EngineParts {
        store,
        storages: Arc::new(Folders { root: data.join("buckets"), open: Mutex::default() }),
        warehouses: Arc::new(OneWarehouse(Arc::new(warehouse))),
        courier: None,
        clock,
        ids: Arc::new(RandomIds),
        settings: EngineSettings {
            worker: "test".into(),
            lease: Duration::from_secs(60),
            reconcile_every: Duration::from_millis(200),
            poll_every: Duration::from_millis(200),
            file_rest: Duration::from_millis(50),
            max_running: 8,
            max_running_tasks: None,
            history: tailer_engine::History::default(),
            alerts: tailer_engine::AlertSettings::default(),
            scratch: data.join("scratch"),
            exclusive: true,
            place: tailer_store::runs::Place::Home,
            executes: true,
        },
    }
}

/// The system's time plus whatever the test has turned it ahead.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn turn(&self, by: SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}

/// One folder per bucket.
#[derive(Debug)]
struct Folders {
    root: PathBuf,
    open: Mutex<HashMap<String, Arc<dyn Storage>>>,
}

impl Storages for Folders {
    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
        let mut open = self.open.lock().unwrap();
        let storage = open.entry(address.bucket.clone()).or_insert_with(|| {
            let root = self.root.join(&address.bucket);
            Arc::new(LocalStorage::open(root, format!("gs://{}", address.bucket)).unwrap())
        });
        Ok(Arc::clone(storage))
    }
}

/// The embedded warehouse serves every project.
#[derive(Debug)]
struct OneWarehouse(Arc<dyn Warehouse>);

impl Warehouses for OneWarehouse {
    fn open(&self, _: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        Ok(Arc::clone(&self.0))
    }
    fn all(&self) -> Vec<Arc<dyn Warehouse>> {
        vec![Arc::clone(&self.0)]
    }
}

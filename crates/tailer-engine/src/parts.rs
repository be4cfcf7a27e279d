//! What the engine stands on: the traits and settings that the binary wires.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use tailer_model::{operation::storage_to_storage::StorageAddress, secret::Closed};

use crate::{AlertSettings, Courier, EngineError};

/// Time, injected so that tests turn it.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> Timestamp;
}

/// Run ids and worker names, injected so that tests foresee them.
pub trait Ids: Send + Sync + fmt::Debug {
    fn uuid(&self) -> uuid::Uuid;
}

/// How much of the history is kept; all of it by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct History {
    /// Runs that ended longer ago are pruned.
    pub days: Option<u32>,
    /// So many of the newest runs of each operation are kept.
    pub runs: Option<u32>,
    /// Entries of the audit log that are older are pruned.
    pub audit_days: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Name of this worker, unique per process.
    pub worker: String,
    pub lease: Duration,
    /// How often reconcilers run without being poked.
    pub reconcile_every: Duration,
    /// How often folders that cannot be watched are listed.
    pub poll_every: Duration,
    /// A local file is taken when size and mtime have not changed for so long.
    pub file_rest: Duration,
    /// Runs executed at once by this server.
    pub max_running: usize,
    /// Tasks executed at once by this server, over all its runs.
    pub max_running_tasks: Option<usize>,
    pub history: History,
    pub alerts: AlertSettings,
    /// Scratch folder for staging.
    pub scratch: PathBuf,
    /// No other server shares the store (SQLite: the data folder is locked), so leases left by others are void and their
    /// runs are taken over at start, without waiting for the leases to pass.
    pub exclusive: bool,
    /// Among several servers that share the store: whether this one has the embedded warehouse and the local folders.
    pub place: tailer_store::runs::Place,
    /// Whether this server executes (role all, worker) or only answers (role api).
    pub executes: bool,
}

/// What the engine stands on; wired by the binary.
#[derive(Debug, Clone)]
pub struct EngineParts {
    pub store: tailer_store::Store,
    pub storages: Arc<dyn Storages>,
    pub warehouses: Arc<dyn Warehouses>,
    /// Who sends alerts; without, nobody is told anything.
    pub courier: Option<Arc<dyn Courier>>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub settings: EngineSettings,
}

/// Finds what stands behind a bucket: the settings say.
pub trait Storages: Send + Sync + fmt::Debug {
    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn tailer_storage::Storage>, EngineError>;

    /// Whether what stands behind it is a folder of one server, so that others would find other files there.
    fn is_local(&self, address: &StorageAddress) -> bool {
        let _ = address;
        true
    }
}

/// Finds the warehouse of a project.
pub trait Warehouses: Send + Sync + fmt::Debug {
    fn open(&self, project: &str) -> Result<Arc<dyn tailer_warehouse::Warehouse>, EngineError>;
    /// As [`Warehouses::open`], asked with the credentials that a configuration brings along (a secret as it was written), which win
    /// over those of the settings. Where nobody is asked who asks, they stay closed.
    fn open_as(
        &self,
        project: &str,
        credentials: Option<&Closed>,
    ) -> Result<Arc<dyn tailer_warehouse::Warehouse>, EngineError> {
        let _ = credentials;
        self.open(project)
    }
    /// Every warehouse opened so far, for expiry.
    fn all(&self) -> Vec<Arc<dyn tailer_warehouse::Warehouse>>;
    /// Whether a project's tables are files of one server. Cheap, opens nothing.
    fn is_embedded(&self, _project: &str) -> bool {
        true
    }
}

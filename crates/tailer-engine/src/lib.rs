//! The application: deploy, launch, execute, reconcile. This crate decides; the store records, storages and warehouses act.
//!
//! - [`Engine`] has one method for each thing a caller may ask (`spec/api.md`); its modules carry the same nouns as the
//!   server's and the store's: `configurations`, `runs`, `workflows`, `files`.
//! - `reconcile` holds the background activities: each is one idempotent function that looks at the state and mends it; it
//!   runs when poked and also periodically, so that a lost poke delays and never loses (`architecture.md`, invariant 5).
//! - `execute` drives one run through its task graph, and holds one executor for each kind of data operation.
//!
//! Time and randomness come in through [`Clock`] and [`Ids`]. The engine knows nothing of HTTP, tokens or folders.

mod ahead;
mod alerts;
mod audit;
mod backfill;
mod cache;
mod cancel;
mod catalog;
mod configurations;
mod contexts;
mod deploy;
mod engine;
mod error;
mod execute;
mod expectations;
mod files;
mod freshness;
mod hints;
mod listings;
mod notes;
mod notifications;
mod overview;
mod parts;
mod quality;
mod reconcile;
mod rehearsal;
mod relations;
mod relatives;
mod relaunch;
mod requests;
mod run_listings;
mod run_logs;
mod runs;
mod sensitive;
mod starts;
mod task_views;
mod text;
mod versions;
mod views;
mod workflow_listings;
mod workflows;

pub use alerts::{AlertSettings, Courier, Hook, Links};
pub use audit::{AuditPage, AuditQuery, AuditView};
pub use catalog::{
    CatalogDataset, CatalogScope, CatalogTable, CatalogTables, LastUpdate, Preview, TableDetails, TablePlace, Tables,
    TablesQuery, TaskUse,
};
pub use contexts::DeployedContext;
pub use deploy::next_ticks;
pub use engine::Engine;
pub use error::EngineError;
pub use freshness::{FreshnessPage, FreshnessQuery, FreshnessView};
pub use listings::{OperationOrder, OperationPage, OperationQuery, OperationState, OperationView};
pub use notes::{LONGEST_NOTE, NoteSubject};
pub use notifications::ObjectNotice;
pub use overview::{HourView, OverviewView, QueueView};
pub use parts::{Clock, EngineParts, EngineSettings, History, Ids, Storages, Warehouses};
pub use quality::{ExpectationHistory, QualityPage, QualityQuery, QualityView, ResultMark};
pub use rehearsal::{Rehearsal, rehearse};
pub use relations::RelationsView;
pub use relatives::RelativesView;
pub use requests::{BackfillRequest, ConfigurationRef, DeployRequest, Idempotency, LaunchRequest, RunQuery};
pub use run_listings::RunPageView;
pub use run_logs::{LogQuery, LogTail};
// What a warehouse says of tables is shown as it is.
pub use sensitive::SENSITIVE;
pub use starts::{ScheduleView, StartsView};
pub use tailer_store::runs::Position;
pub use tailer_warehouse::{Count, TableDescription, TableKind};
pub use versions::{ComparedText, Comparison, FileView, VersionLine, VersionView};
pub use views::{
    AlertView, AttemptView, AwaitedView, BackfillView, ConfigurationDocument, ConfigurationView, Deployed,
    ExpectationView, FiringView, LogView, LogsView, NoteView, NotesView, RunDetails, RunView, TaskView, ThreadView,
    WorkflowView,
};
pub use workflow_listings::{WorkflowCard, WorkflowPage, WorkflowQuery, WorkflowState, WorkflowTarget};

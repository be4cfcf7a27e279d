//! What the server knows: configurations, runs, tasks, log lines, workflow state, the file ledger, tokens.
//!
//! A [`Store`] runs closures over a transaction; the noun modules are functions over that transaction. Deciding is the
//! engine's matter, recording is ours, so one decision of the engine, however many nouns it touches, is one closure:
//!
//! ```
//! use tailer_store::{Durability, Store, StoreError, settings};
//!
//! let store = Store::in_memory()?;
//! store.write_blocking(Durability::Synced, |tx| settings::set(tx, "greeting", "hello"))?;
//! let greeting = store.read_blocking(|tx| settings::get(tx, "greeting"))?;
//! assert_eq!(greeting.as_deref(), Some("hello"));
//! # Ok::<(), StoreError>(())
//! ```
//!
//! Promises:
//!
//! - what a synced write answered survives `kill -9` and power loss ([`Durability`]);
//! - each decision is guarded by a unique key, so that it is made once however often it is tried: a run by its id, a version by its
//!   number, a tick by its time, a firing by its generation, a file by its version, a launch by its idempotency key;
//! - a worker that has lost a run cannot write to it any more ([`runs`]);
//! - no listing and no claim reads all runs.
//!
//! Time is always given by the caller and kept in microseconds, UTC; finer parts are cut.
//!
//! It deliberately does not decide anything (what a run's verdict is, when a tick is due), does not validate what others
//! have parsed, and never deletes a run.

pub mod alerts;
pub mod audit;
pub mod configurations;
pub mod expectations;
pub mod files;
pub mod freshness;
pub mod idempotency;
pub mod logs;
pub mod notes;
pub mod runs;
pub mod service_accounts;
pub mod sessions;
pub mod settings;
pub mod statements;
pub mod table_updates;
pub mod tasks;
pub mod ticks;
pub mod tokens;
pub mod users;
pub mod workflows;

mod column;
mod database;
mod error;
mod fills;
mod migrations;
#[cfg(test)]
mod plans;
mod postgres;
mod readers;
mod sqlite;
mod store;
mod tx;
mod writer;

pub use column::Column;
pub use configurations::ConfigurationKey;
pub use error::StoreError;
pub use store::{Announcement, Durability, Store};
pub use tx::{Field, Row, Tx, Value};

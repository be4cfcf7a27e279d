//! The store as the engine and the command line use it. One file per noun, and one each for what holds for all of them: the
//! store itself, races, crashes, a model of the queue.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of one reads like the lists beside it")]

mod alerts;
mod audit;
mod common;
mod configurations;
mod crash;
mod expectations;
mod file;
mod files;
mod freshness;
mod history;
mod idempotency;
mod logs;
mod notes;
mod queue_model;
mod races;
mod run_pages;
mod runs;
mod service_accounts;
mod settings;
mod statements;
mod store;
mod table_updates;
mod tasks;
mod ticks;
mod tokens;
mod users;
mod workflows;

/// Of each property.
const CASES: u32 = 64;

/// An empty store for a test. The tests of the nouns run on PostgreSQL too: `tests/postgres`.
fn fresh() -> tailer_store::Store {
    tailer_store::Store::in_memory().unwrap()
}

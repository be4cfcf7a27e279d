//! The suite of the nouns, and the races, on PostgreSQL: the same tests as `tests/it`, each in a schema of its own.
//!
//! `TAILERD_TEST_POSTGRES` names the server (`.ci/counterparts` starts one). Where it is not set the tests say so and run on
//! SQLite once more; with TAILERD_TEST_ALL set that is a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]
#![allow(clippy::cloned_ref_to_slice_refs, reason = "a list of one reads like the lists beside it")]

use tailer_store::Store;

#[path = "../it/alerts.rs"]
mod alerts;
#[path = "../it/audit.rs"]
mod audit;
#[path = "../it/common.rs"]
mod common;
#[path = "../it/configurations.rs"]
mod configurations;
#[path = "../it/expectations.rs"]
mod expectations;
#[path = "../it/files.rs"]
mod files;
#[path = "../it/freshness.rs"]
mod freshness;
#[path = "../it/history.rs"]
mod history;
#[path = "../it/idempotency.rs"]
mod idempotency;
#[path = "../it/logs.rs"]
mod logs;
#[path = "../it/notes.rs"]
mod notes;
#[path = "../it/queue_model.rs"]
mod queue_model;
#[path = "../it/races.rs"]
mod races;
#[path = "../it/run_pages.rs"]
mod run_pages;
#[path = "../it/runs.rs"]
mod runs;
mod server;
#[path = "../it/service_accounts.rs"]
mod service_accounts;
#[path = "../it/settings.rs"]
mod settings;
#[path = "../it/statements.rs"]
mod statements;
#[path = "../it/store.rs"]
mod store;
#[path = "../it/tasks.rs"]
mod tasks;
#[path = "../it/ticks.rs"]
mod ticks;
#[path = "../it/tokens.rs"]
mod tokens;
#[path = "../it/users.rs"]
mod users;
#[path = "../it/workflows.rs"]
mod workflows;

/// The address of a new schema, empty; `None`, said aloud, when there is no server to test against.
fn schema() -> Option<String> {
    let Ok(server) = std::env::var("TAILERD_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("TAILERD_TEST_ALL").is_none(),
            "TAILERD_TEST_POSTGRES is not set: run .ci/counterparts"
        );
        #[expect(clippy::print_stderr, reason = "a test that skips has to say so")]
        let () = eprintln!("TAILERD_TEST_POSTGRES is not set: not tested on PostgreSQL");
        return None;
    };
    let schema = format!("t{}", uuid::Uuid::new_v4().simple());
    let url = format!("{server}?options=-csearch_path%3D{schema}");
    // On a thread of its own: some tests are inside a runtime, where this client must not be.
    let create = move || {
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    };
    std::thread::spawn(create).join().unwrap();
    Some(url)
}

/// Of each property: fewer than on SQLite, each takes its time here.
const CASES: u32 = 6;

/// An empty store for a test.
fn fresh() -> Store {
    schema().map_or_else(|| Store::in_memory().unwrap(), |url| Store::connect(&url).unwrap())
}

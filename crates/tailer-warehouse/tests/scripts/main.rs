//! Scripts in the procedural language, with results computed by hand: one file a family of statements.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod control;
mod dynamic;
mod errors;
mod procedures;
mod replay;
mod transactions;
mod variables;

use common::{Bench, query};
use tailer_warehouse::{Job, WarehouseError};

/// Rows of the script's last statement as JSON, separated by spaces.
pub(crate) async fn rows(bench: &Bench, script: &str) -> String {
    bench.rows(script).await.join(" ")
}

/// Runs a script in a warehouse of its own.
pub(crate) async fn check(script: &str, expect: &str) {
    assert_eq!(rows(&Bench::new(), script).await, expect, "{script}");
}

/// A script's error: message, line and column.
pub(crate) async fn error(bench: &Bench, script: &str) -> (String, usize, usize) {
    match bench.run(Job::Query(query(script))).await {
        Err(WarehouseError::Invalid { message, line: Some(line), column: Some(column) }) => (message, line, column),
        Err(WarehouseError::Unsupported { what, line: Some(line), column: Some(column) }) => (what, line, column),
        other => panic!("{script}: {other:?}"),
    }
}

/// A script that fails, in a warehouse of its own: what the message has to hold, and the place.
pub(crate) async fn fails(script: &str, words: &str, line: usize, column: usize) {
    let (message, l, c) = error(&Bench::new(), script).await;
    assert!(message.contains(words), "{script}: {message}");
    assert_eq!((l, c), (line, column), "{script}: {message}");
}

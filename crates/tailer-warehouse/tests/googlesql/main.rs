//! GoogleSQL on DuckDB: results computed by hand, and a measure on conformance cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod cases;
mod conformance;
mod dates;
mod decimals;
mod harness;
mod hostile;
mod json;
mod queries;
mod relations;
mod routines;
mod scalars;
mod statements;
mod strings;

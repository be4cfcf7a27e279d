//! The engine over a real store, real folders and the real embedded warehouse. One module per noun.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod alerts;
mod arrivals;
mod audit;
mod backfill;
mod calendar;
mod cancels;
mod catalog;
mod contexts;
mod copying;
mod distant;
mod dry_runs;
mod expectations;
mod exports;
mod files;
mod freshness;
mod history;
mod large;
mod limits;
mod remote;
mod retries;
mod runs;
mod support;
mod ticks;
mod workflows;

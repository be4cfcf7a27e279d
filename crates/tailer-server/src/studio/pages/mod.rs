//! The pages, one file each: its struct, what it asks of the engine, and nothing of how it looks (`templates/`).

pub(super) mod audit;
pub(super) mod catalog;
pub(super) mod configuration;
pub(super) mod expectation;
pub(super) mod freshness;
pub(super) mod operations;
pub(super) mod overview;
pub(super) mod quality;
pub(super) mod run;
pub(super) mod runs;
pub(super) mod settings;
pub(super) mod workflows;

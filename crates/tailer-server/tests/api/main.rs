//! The API over a real engine, store and embedded warehouse on temporary folders: one file per noun.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod audit;
mod catalog;
mod configurations;
mod connections;
mod contexts;
mod deploy;
mod docs;
mod launch;
mod logs;
mod mutations;
mod notes;
mod notifications;
mod observation;
mod oidc;
mod openapi;
mod quality;
mod requests;
mod runs;
mod seed;
mod service_accounts;
mod settings;
mod sign_in;
mod studio;
mod studio_operations;
mod studio_runs;
mod support;
mod tokens;
mod workflows;

//! The HTTP API of `spec/api.md`: authentication, parsing, authorization, answers.
//!
//! A request passes, in this order: request id and log line (`observe`), bearer token (`auth`), rate limit (`limits`),
//! content type and body (`body`), JSON and fields (`json`, `fields`), the role on the account (`access`), and only then
//! the engine. So nobody learns anything about an account without a role on it, and a body is never parsed for a stranger.
//!
//! The binary makes a [`Server`] from an engine, a store and [`ServerSettings`], and runs it on a listener it has bound.
//! What the command line needs of tokens and service accounts is in [`auth`].
//!
//! This crate decides nothing about runs or configurations and keeps no state but caches and counters.

mod access;
mod api;
mod app;
pub mod auth;
mod body;
mod connections;
mod errors;
mod fields;
mod json;
mod limits;
mod observe;
mod serve;
mod settings;
mod studio;
mod tls;
mod traffic;
mod values;
mod wire;

pub use access::{Role, UnknownRole, rules};
pub use api::openapi::document as openapi_document;
pub use serve::{ServeError, Server, serve};
pub use settings::{Limits, OidcGrant, OidcSettings, ServerSettings, Timeouts, TlsSettings};
pub use studio::{operation_path, run_path};
pub use tls::TlsError;

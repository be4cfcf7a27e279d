//! Joins the crates: what stands behind a bucket, a project, the clock; and a whole server made of them.
//!
//! The only place that knows every crate. Decides nothing about data operations.

mod courier;
mod local_socket;
mod metadata;
mod projects;
mod server;
mod signals;
mod storages;
mod system;

pub(crate) use courier::{Messengers, alert_settings};
pub(crate) use local_socket::{LocalSocket, SqlAnswer, SqlRequest, ask};
pub(crate) use metadata::{check_worker, open_store, place};
pub(crate) use projects::{EmbeddedProjects, Projects, bigquery_settings, open_bigquery, open_warehouse};
pub(crate) use server::{RunningServer, engine_settings};
pub(crate) use signals::Signals;
pub(crate) use storages::Buckets;
pub(crate) use system::{RandomIds, SystemClock};

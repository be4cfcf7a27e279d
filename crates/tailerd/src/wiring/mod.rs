//! Joins the crates: what stands behind a bucket, a project, the clock; and a whole server made of them.
//!
//! The only place that knows every crate. Decides nothing about data operations.

mod buckets;
mod local_socket;
mod projects;
mod server;
mod signals;
mod system;

pub(crate) use buckets::LocalBuckets;
pub(crate) use local_socket::{LocalSocket, SqlAnswer, SqlRequest, ask};
pub(crate) use projects::{EmbeddedProjects, open_warehouse};
pub(crate) use server::{RunningServer, engine_settings};
pub(crate) use signals::Signals;
pub(crate) use system::{RandomIds, SystemClock};

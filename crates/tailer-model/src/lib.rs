//! The vocabulary of tailerd: identities, configurations, templates, the task graph, criticality, run status.
//!
//! This crate does no I/O and cannot block. Everything that comes from outside (a configuration file, an
//! identifier in a request) becomes one of these types once, at the edge; from then on the types carry the meaning.
//! Bad input is a value here: parsing returns every [`Problem`] at once with its JSON path.

mod text;

pub mod actor;
pub mod audit;
pub mod changes;
pub mod configuration;
pub mod constants;
pub mod criticality;
pub mod duration;
pub mod execution_date;
pub mod freshness;
pub mod graph;
pub mod identity;
pub mod job_id;
pub mod json;
pub mod moment;
pub mod monitoring;
mod names;
pub mod operation;
pub mod problem;
mod reader;
pub mod schedule;
pub mod secret;
pub mod status;
pub mod suggest;
pub mod template;
pub mod time;

pub use actor::{Actor, Via};
pub use audit::AuditAction;
pub use configuration::{Configuration, Header, check_files, parse_configuration, read_configuration};
pub use constants::Constants;
pub use criticality::Criticality;
pub use execution_date::ExecutionDate;
pub use graph::TaskGraph;
pub use identity::{AccountId, ConfigurationType, Environment, Identity, RunId, TaskId};
pub use job_id::{JobId, JobMatch};
pub use moment::Moment;
pub use monitoring::Monitoring;
pub use problem::{Problem, Problems};
pub use schedule::Schedule;
pub use secret::{Secret, redact};
pub use status::{RunStatus, SubStatus, TaskStatus, TriggerType};
pub use suggest::nearest;
pub use time::rfc3339_micros;

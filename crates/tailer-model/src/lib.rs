//! The vocabulary of tailerd: identities, configurations, templates, the task graph, criticality, run status.
//!
//! This crate does no I/O and cannot block. Everything that comes from outside (a configuration file, an
//! identifier in a request) becomes one of these types once, at the edge; from then on the types carry the meaning.
//! Bad input is a value here: parsing returns every [`Problem`] at once with its JSON path.

pub mod configuration;
pub mod criticality;
pub mod execution_date;
pub mod graph;
pub mod identity;
pub mod operation;
pub mod problem;
pub mod schedule;
pub mod status;
pub mod template;

pub use configuration::{Configuration, Header, parse_configuration};
pub use criticality::Criticality;
pub use execution_date::ExecutionDate;
pub use graph::TaskGraph;
pub use identity::{AccountId, ConfigurationType, Environment, Identity, JobId, RunId, TaskId};
pub use problem::{Problem, Problems};
pub use schedule::Schedule;
pub use status::{RunStatus, SubStatus, TaskStatus};

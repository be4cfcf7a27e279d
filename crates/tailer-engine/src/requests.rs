//! What callers ask of the engine.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tailer_model::{
    AccountId, Actor, ConfigurationType, Environment, ExecutionDate, Identity, RunId, RunStatus, SubStatus, TaskId,
    TriggerType, Via,
};
use tailer_store::runs::Position;

/// How a request names a configuration: resolved to a deployed one with or without the environment suffix.
#[derive(Debug, Clone)]
pub struct ConfigurationRef {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
}

#[derive(Clone)]
pub struct DeployRequest {
    /// JSON text of the configuration, so that syntax errors have places.
    pub configuration: String,
    /// Name shown in problems.
    pub file_name: Option<String>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub context: Option<String>,
    pub run: bool,
    pub by: Actor,
}

impl std::fmt::Debug for DeployRequest {
    /// Without the configuration, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file_name, context, run, by, .. } = self;
        let mut shown = f.debug_struct("DeployRequest");
        shown.field("file_name", file_name).field("context", context).field("run", run).field("by", by);
        shown.finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
pub struct LaunchRequest {
    pub configuration: ConfigurationRef,
    pub job_id: Option<String>,
    pub execution_date: Option<ExecutionDate>,
    /// `{}` when absent.
    pub parameters: serde_json::Map<String, Value>,
    pub tasks: Option<Vec<TaskId>>,
    pub idempotency: Option<Idempotency>,
    /// The run that this one is to do again, for the record: it decides nothing.
    pub repeats: Option<RunId>,
    pub by: Actor,
}

impl LaunchRequest {
    /// The type of trigger that the run shows.
    pub(crate) fn trigger(&self) -> &'static str {
        if self.by.via == Via::Cli { "cli" } else { "api" }
    }
}

/// The runs to make up for.
#[derive(Debug, Clone)]
pub struct BackfillRequest {
    pub configuration: ConfigurationRef,
    /// First day, included.
    pub from: ExecutionDate,
    /// Last day, included.
    pub to: ExecutionDate,
    /// Only says which runs are missing.
    pub dry_run: bool,
    pub by: Actor,
}

#[derive(Debug, Clone)]
pub struct Idempotency {
    pub key: String,
    /// Hash of the request's body.
    pub body_hash: String,
}

#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    pub account: Option<AccountId>,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub configuration: Option<ConfigurationRef>,
    /// Only runs of operations whose id contains this, whatever its case.
    pub search: String,
    pub job_id: Option<String>,
    pub status: Option<RunStatus>,
    pub sub_status: Option<SubStatus>,
    pub trigger: Option<TriggerType>,
    /// Day (UTC) the run started.
    pub execution_date: Option<ExecutionDate>,
    /// Only runs that started then or later.
    pub from: Option<Timestamp>,
    /// Only runs that started earlier.
    pub until: Option<Timestamp>,
    /// Only runs that a listing has after this place.
    pub after: Option<Position>,
    /// Only runs that a listing has before this place, and of those the last. Pages only.
    pub before: Option<Position>,
    /// 1 to 1000.
    pub limit: u32,
}

impl From<Identity> for ConfigurationRef {
    fn from(identity: Identity) -> Self {
        let Identity { account, environment, configuration_type, configuration_id } = identity;
        Self { account, environment, configuration_type, configuration_id }
    }
}

//! What the tests of all nouns need: a store, moments, and the shortest way to a configuration and its runs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailer_model::{
    Actor, ConfigurationType, Environment, ExecutionDate, Identity, JobId, RunId, RunStatus, SubStatus, Via,
};
use tailer_store::{
    ConfigurationKey, Durability, Store, StoreError, Tx,
    configurations::{self, Deployed, NewVersion},
    runs::{self, NewRun, RunRow},
};

/// 2026-05-04 10:00:00 UTC and some seconds.
pub fn at(seconds: i64) -> Timestamp {
    "2026-05-04T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// A store with its decisions in a row, for tests of one noun.
#[derive(Debug)]
pub struct Bench(pub Store);

impl Bench {
    pub fn new() -> Self {
        Self(crate::fresh())
    }

    /// A decision that must succeed.
    pub fn tx<T: Send + 'static>(&self, f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static) -> T {
        self.try_tx(f).unwrap()
    }

    pub fn try_tx<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.write_blocking(Durability::Relaxed, f)
    }

    pub fn deploy(&self, new: NewVersion) -> Deployed {
        self.tx(move |tx| configurations::deploy(tx, &new))
    }

    /// A table-to-table operation in DEV.
    pub fn operation(&self, id: &str, max_active_runs: u32) -> ConfigurationKey {
        self.deploy(NewVersion { max_active_runs, ..version_of(table(id)) }).key
    }

    pub fn queue(&self, key: ConfigurationKey, created: Timestamp) -> RunId {
        let run = run_of(key, created);
        let id = run.run_id.clone();
        self.tx(move |tx| runs::create(tx, &run));
        id
    }

    pub fn claim(&self, worker: &'static str, now: Timestamp, limit: usize) -> Vec<RunRow> {
        self.tx(move |tx| {
            runs::claim(tx, worker, now, now + SignedDuration::from_secs(15), limit, 1000, runs::Place::Home)
        })
    }

    /// A run that `worker` holds.
    pub fn running(&self, key: ConfigurationKey, worker: &'static str, now: Timestamp) -> RunRow {
        let id = self.queue(key, now);
        self.claim(worker, now, 1).into_iter().find(|run| run.run_id == id).unwrap()
    }

    pub fn finish(&self, run: &RunRow, now: Timestamp) -> bool {
        let (id, fence) = (run.run_id.clone(), run.fence);
        self.tx(move |tx| runs::finish(tx, &id, fence, RunStatus::Success, SubStatus::Success, None, now))
    }

    pub fn run(&self, id: &RunId) -> RunRow {
        let id = id.clone();
        self.tx(move |tx| runs::get(tx, &id)).unwrap()
    }
}

pub fn identity(configuration_type: ConfigurationType, id: &str) -> Identity {
    Identity { account: account(), environment: Environment::Dev, configuration_type, configuration_id: id.into() }
}

pub fn table(id: &str) -> Identity {
    identity(ConfigurationType::TableToTable, id)
}

pub fn version_of(identity: Identity) -> NewVersion {
    NewVersion {
        identity,
        document: "{}".into(),
        files: BTreeMap::new(),
        activated: true,
        archived: false,
        max_active_runs: 1,
        by: "ada@example.com".into(),
        at: at(0),
        context: None,
        watched: None,
        roams: false,
    }
}

pub fn run_of(configuration: ConfigurationKey, created: Timestamp) -> NewRun {
    NewRun {
        run_id: RunId::new(created, uuid::Uuid::new_v4()),
        configuration,
        version: 1,
        job_id: job("gbq-to-gbq|x_DEV"),
        execution_date: ExecutionDate("2026-05-04".parse().unwrap()),
        trigger: json!({"type": "api", "by": "ada@example.com", "run_ids": []}),
        parameters: json!(null),
        tasks: None,
        at: created,
        input: json!(null),
    }
}

/// A run id made of a number.
pub fn run_id(n: u128) -> RunId {
    RunId::new(at(0), uuid::Uuid::from_u128(n))
}

/// Somebody at the keyboard of the server.
pub fn root() -> Actor {
    Actor::new("local:root", Via::Cli)
}

pub fn account() -> tailer_model::AccountId {
    "000110".parse().unwrap()
}

pub fn job(id: &str) -> JobId {
    JobId(id.into())
}

pub fn task(id: &str) -> tailer_model::TaskId {
    id.parse().unwrap()
}

//! Two engines on one store, as two servers would be, on which the steps of the model are taken; and what is seen of them then.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::{
    Actor, Environment, ExecutionDate, RunId, RunStatus, SubStatus, Via, operation::storage_to_storage::StorageAddress,
};
use tailer_store::{ConfigurationKey, Durability, Store, configurations, runs, workflows};

use super::{JOBS, Seen, Step};
use crate::{
    Clock, ConfigurationRef, DeployRequest, Engine, EngineError, EngineParts, EngineSettings, Ids, Storages,
    Warehouses, reconcile, workflows::collect,
};

/// Seconds since the epoch, moved by the test alone.
#[derive(Debug, Default)]
struct Seconds(AtomicI64);

impl Clock for Seconds {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Nothing is executed: nothing is opened, no name matters.
#[derive(Debug)]
struct Nothing;

impl Ids for Nothing {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}

impl Storages for Nothing {
    fn open(&self, _: &StorageAddress) -> Result<Arc<dyn tailer_storage::Storage>, EngineError> {
        Err(EngineError::Internal("no storage here".into()))
    }
}

impl Warehouses for Nothing {
    fn open(&self, _: &str) -> Result<Arc<dyn tailer_warehouse::Warehouse>, EngineError> {
        Err(EngineError::Internal("no warehouse here".into()))
    }
    fn all(&self) -> Vec<Arc<dyn tailer_warehouse::Warehouse>> {
        Vec::new()
    }
}

/// The servers, and the jobs that workflows await.
pub(super) struct House {
    engines: [Engine; 2],
    clock: Arc<Seconds>,
    jobs: Vec<ConfigurationKey>,
    cases: AtomicUsize,
}

impl House {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(Seconds(AtomicI64::new(1_800_000_000)));
        let store = Store::in_memory().unwrap();
        let other = store.open_again().unwrap();
        let engines = [server(store.clone(), &clock).await, server(other, &clock).await];
        let mut jobs = Vec::new();
        for job in 0..JOBS {
            deploy(&engines[0], table_to_table(&format!("J{job}"))).await;
            jobs.push(key(&store, reference("table-to-table", &format!("J{job}"))).await);
        }
        Self { engines, clock, jobs, cases: AtomicUsize::default() }
    }

    /// Seconds.
    pub(super) fn now(&self) -> i64 {
        self.clock.0.load(Ordering::SeqCst)
    }

    pub(super) fn tick(&self) {
        self.clock.0.fetch_add(1, Ordering::SeqCst);
    }

    /// A workflow and a target of its own, just deployed.
    pub(super) async fn case(&self) -> Case<'_> {
        let number = self.cases.fetch_add(1, Ordering::SeqCst);
        let case = Case { house: self, number };
        deploy(&self.engines[0], table_to_table(&case.target().configuration_id)).await;
        deploy(&self.engines[0], case.document(&[0, 1])).await;
        case
    }
}

async fn server(store: Store, clock: &Arc<Seconds>) -> Engine {
    let settings = EngineSettings {
        worker: "w".into(),
        lease: Duration::from_secs(15),
        reconcile_every: Duration::from_secs(3600),
        poll_every: Duration::from_secs(3600),
        file_rest: Duration::ZERO,
        max_running: 1,
        max_running_tasks: None,
        history: crate::History::default(),
        alerts: crate::AlertSettings::default(),
        scratch: PathBuf::new(),
        exclusive: false,
        place: tailer_store::runs::Place::Home,
        // Reconcilers run when the test says.
        executes: false,
    };
    let parts = EngineParts {
        store,
        storages: Arc::new(Nothing),
        warehouses: Arc::new(Nothing),
        courier: None,
        clock: clock.clone(),
        ids: Arc::new(Nothing),
        settings,
    };
    Engine::start(parts).await.unwrap()
}

fn reference(kind: &str, id: &str) -> ConfigurationRef {
    ConfigurationRef {
        account: "000099".parse().unwrap(),
        environment: Environment::Dev,
        configuration_type: kind.parse().unwrap(),
        configuration_id: id.into(),
    }
}

fn table_to_table(id: &str) -> Value {
    json!({
        "configuration_type": "table-to-table", "configuration_id": id, "environment": "DEV", "account": "000099",
        "version": "1", "default_gcp_project_id": "p", "default_bq_dataset": "d", "default_bq_data_location": "EU",
        "schedule_interval": "None", "start_date": "2024, 1, 1", "task_dependencies": [],
        "workflow": [{"id": "t", "task_type": "sql", "sql_file": "one.sql", "criticality": "critical"}]
    })
}

fn test() -> Actor {
    Actor::new("test", Via::Api)
}

async fn deploy(engine: &Engine, configuration: Value) {
    let request = DeployRequest {
        configuration: configuration.to_string(),
        file_name: None,
        files: BTreeMap::from([("one.sql".to_owned(), b"SELECT 1 AS one".to_vec())]),
        context: None,
        run: false,
        by: test(),
    };
    engine.deploy(request).await.unwrap_or_else(|e| panic!("{configuration}: {e:?}"));
}

async fn key(store: &Store, of: ConfigurationRef) -> ConfigurationKey {
    store.read(move |tx| crate::configurations::resolve(tx, &of).map(|row| row.key)).await.unwrap()
}

/// One workflow and its target.
pub(super) struct Case<'a> {
    pub(super) house: &'a House,
    number: usize,
}

impl Case<'_> {
    fn workflow(&self) -> ConfigurationRef {
        reference("workflow", &format!("W{}", self.number))
    }

    fn target(&self) -> ConfigurationRef {
        reference("table-to-table", &format!("T{}_DEV", self.number))
    }

    fn document(&self, jobs: &[usize]) -> Value {
        let awaits: Vec<String> = jobs.iter().map(|job| format!("gbq-to-gbq|J{job}_DEV")).collect();
        json!({
            "configuration_type": "workflow", "configuration_id": self.workflow().configuration_id, "environment": "DEV",
            "account": "000099", "version": "2", "authorized_job_ids": awaits,
            "target_dag": {"configuration_type": "table-to-table", "configuration_id": self.target().configuration_id}
        })
    }

    /// The id of the run that a step of this case makes.
    fn run_id(&self, step: usize) -> RunId {
        let number = self.number as u128 * 1000 + step as u128;
        RunId::new(Timestamp::UNIX_EPOCH, uuid::Uuid::from_u128(number))
    }

    /// Takes a step, on one server or the other.
    pub(super) async fn apply(&self, number: usize, step: &Step) {
        let engine = &self.house.engines[number % 2];
        let status = async |of: ConfigurationRef, on| {
            engine.set_configuration_status(&of, Some(on), None, &test()).await.unwrap();
        };
        match step {
            Step::Success { job, ago } => self.succeed(engine, number, *job, *ago).await,
            Step::Reset => engine.reset_workflow(&self.workflow(), &test()).await.unwrap(),
            Step::Redeploy(jobs) => deploy(engine, self.document(jobs)).await,
            Step::Workflow(on) => status(self.workflow(), *on).await,
            Step::Target(on) => status(self.target(), *on).await,
            Step::Reconcile => reconcile::firings::run(&engine.0).await.unwrap(),
        }
    }

    /// A run's end with what it completes: the transaction of the driver.
    async fn succeed(&self, engine: &Engine, number: usize, job: usize, ago: i64) {
        let inner = engine.0.clone();
        let (run_id, configuration) = (self.run_id(number), self.house.jobs[job]);
        let at = Timestamp::from_second(self.house.now() - ago).unwrap();
        let success = move |tx: &mut tailer_store::Tx<'_>| {
            let row = configurations::get(tx, configuration)?.unwrap();
            let run = runs::NewRun {
                run_id: run_id.clone(),
                configuration,
                version: row.version,
                job_id: row.identity.job_id(None),
                execution_date: ExecutionDate::of(at),
                trigger: json!({}),
                parameters: json!({}),
                tasks: None,
                at,
                input: json!(null),
            };
            runs::create_ended(tx, &run, RunStatus::Success, SubStatus::Success, None)?;
            let run = runs::get(tx, &run_id)?.unwrap();
            collect(&inner, tx, &run, at)
        };
        engine.0.parts.store.write::<_, EngineError>(Durability::Relaxed, success).await.unwrap();
    }

    /// What there is, from the store; and that each firing has its run of the target, which knows what triggered it.
    pub(super) async fn seen(&self) -> Seen {
        let store = &self.house.engines[0].0.parts.store;
        let (workflow, target) = (self.workflow(), self.target());
        let look = move |tx: &mut tailer_store::Tx<'_>| {
            let workflow = crate::configurations::resolve(tx, &workflow)?;
            let target = crate::configurations::resolve(tx, &target)?;
            let filter = runs::RunFilter { configuration: Some(target.key), limit: 1000, ..Default::default() };
            Ok::<_, EngineError>((
                workflows::state(tx, workflow.key)?.unwrap(),
                workflows::awaited(tx, workflow.key)?,
                workflows::firings(tx, workflow.key, 1000)?,
                runs::list(tx, &filter)?,
                (workflow.activated, target.activated),
            ))
        };
        let (state, awaited, mut firings, launched, (activated, target)) = store.read(look).await.unwrap();
        firings.reverse();
        assert_eq!(usize::try_from(state.generation).unwrap(), firings.len() + 1);
        assert_eq!(launched.len(), firings.len(), "a run of the target for each firing");
        for firing in &firings {
            let run = launched.iter().find(|run| run.run_id == firing.run_id).unwrap();
            assert_eq!(run.trigger["run_ids"], json!(firing.triggered_by));
        }
        let step_of = |run: &RunId| (0..1000).find(|step| self.run_id(*step) == *run).unwrap();
        let awaited = awaited.iter().map(|job| {
            let number = (0..JOBS).find(|n| job.as_str() == format!("gbq-to-gbq|J{n}_DEV")).unwrap();
            let arrival = state.arrivals.iter().find(|arrival| arrival.job_id == *job);
            (number, arrival.map(|arrival| step_of(&arrival.run_id)))
        });
        Seen {
            activated,
            target,
            awaited: awaited.collect(),
            firings: firings.iter().map(|firing| firing.triggered_by.iter().map(step_of).collect()).collect(),
        }
    }

    /// So that it collects nothing of the cases that follow.
    pub(super) async fn close(self) {
        self.apply(0, &Step::Workflow(false)).await;
    }
}

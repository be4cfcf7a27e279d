//! A whole engine in a temporary folder, with a clock that tests may turn.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tailer_engine::*;
use tailer_model::{Actor, RunId, Via, operation::storage_to_storage::StorageAddress};
use tailer_storage::{LocalStorage, Storage};
use tailer_store::Store;
use tailer_warehouse::{
    BigQueryWarehouse, EmbeddedWarehouse, Query, Warehouse,
    bigquery::{BigQueryCredentials, BigQuerySettings},
    embedded::EmbeddedSettings,
};
use tempfile::TempDir;

use crate::remote::Remote;

/// The system's clock, moved by what the test says.
#[derive(Debug, Default)]
pub(crate) struct TestClock(Mutex<SignedDuration>);

impl TestClock {
    /// One that shows this now, and goes on from there.
    pub(crate) fn at(instant: &str) -> Arc<Self> {
        let clock = Arc::new(Self::default());
        clock.turn_to(instant);
        clock
    }

    /// Forth or back.
    pub(crate) fn turn_to(&self, instant: &str) {
        *self.0.lock() = instant.parse::<Timestamp>().unwrap().duration_since(Timestamp::now());
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        *self.0.lock() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::now().checked_add(*self.0.lock()).unwrap()
    }
}

#[derive(Debug)]
struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::new_v4()
    }
}

/// Buckets as folders; those named `remote…` behave as a service elsewhere.
#[derive(Debug)]
struct Folders(PathBuf);

impl Storages for Folders {
    fn open(&self, address: &StorageAddress) -> Result<Arc<dyn Storage>, EngineError> {
        let opened = LocalStorage::open(self.0.join(&address.bucket), format!("gs://{}", address.bucket))
            .map_err(|e| EngineError::Internal(e.to_string()))?;
        if address.bucket.starts_with("remote") { Ok(Arc::new(Remote::new(opened))) } else { Ok(Arc::new(opened)) }
    }
}

#[derive(Debug)]
struct OneWarehouse(Arc<EmbeddedWarehouse>);

/// Takes connections and answers none.
static SILENT: LazyLock<TcpListener> = LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());

impl Warehouses for OneWarehouse {
    fn open(&self, project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        match project {
            "silent" => {
                let settings = BigQuerySettings {
                    endpoint: Some(format!("http://{}", SILENT.local_addr().unwrap())),
                    credentials: BigQueryCredentials::None,
                    ..BigQuerySettings::new(project)
                };
                Ok(Arc::new(BigQueryWarehouse::open(settings).unwrap()))
            }
            "broken" => Err(EngineError::Internal("its credentials are missing".into())),
            _ => Ok(self.0.clone()),
        }
    }
    fn all(&self) -> Vec<Arc<dyn Warehouse>> {
        vec![self.0.clone()]
    }
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) warehouse: Arc<EmbeddedWarehouse>,
    /// What its engine stands on.
    pub(crate) parts: EngineParts,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EngineSettings)) -> Self {
        Self::set_up(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), Arc::new(TestClock::default()), change)
            .await
    }

    pub(crate) async fn on(folder: TempDir, clock: Arc<TestClock>) -> Self {
        Self::set_up(folder, clock, |_| {}).await
    }

    /// Its buckets are not on this machine.
    pub(crate) async fn distant() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let buckets = Arc::new(crate::distant::Buckets(folder.path().join("buckets")));
        Self::over(folder, Arc::new(TestClock::default()), buckets, None, |_| {}).await
    }

    pub(crate) async fn set_up(
        folder: TempDir,
        clock: Arc<TestClock>,
        change: impl FnOnce(&mut EngineSettings),
    ) -> Self {
        let storages = Arc::new(Folders(folder.path().join("buckets")));
        Self::over(folder, clock, storages, None, change).await
    }

    /// One that tells people.
    pub(crate) async fn telling(
        folder: TempDir,
        clock: Arc<TestClock>,
        courier: Arc<dyn Courier>,
        alerts: AlertSettings,
    ) -> Self {
        let storages = Arc::new(Folders(folder.path().join("buckets")));
        Self::over(folder, clock, storages, Some(courier), |settings| settings.alerts = alerts).await
    }

    async fn over(
        folder: TempDir,
        clock: Arc<TestClock>,
        storages: Arc<dyn Storages>,
        courier: Option<Arc<dyn Courier>>,
        change: impl FnOnce(&mut EngineSettings),
    ) -> Self {
        let store = Store::open(&folder.path().join("tailerd.db")).unwrap();
        let warehouse =
            Arc::new(EmbeddedWarehouse::open(folder.path().join("warehouse"), EmbeddedSettings::default()).unwrap());
        let mut parts = EngineParts {
            store: store.clone(),
            storages,
            warehouses: Arc::new(OneWarehouse(warehouse.clone())),
            courier,
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            settings: EngineSettings {
                worker: format!("test-{}", uuid::Uuid::new_v4()),
                lease: Duration::from_secs(15),
                reconcile_every: Duration::from_millis(200),
                poll_every: Duration::from_millis(200),
                file_rest: Duration::ZERO,
                max_running: 32,
                max_running_tasks: None,
                history: tailer_engine::History::default(),
                alerts: tailer_engine::AlertSettings::default(),
                scratch: folder.path().join("scratch"),
                exclusive: true,
                place: tailer_store::runs::Place::Home,
                executes: true,
            },
        };
        change(&mut parts.settings);
        let engine = Engine::start(parts.clone()).await.unwrap();
        Self { folder, engine, store, clock, warehouse, parts }
    }

    /// Stops without a grace: what runs is let go. The folder and the clock go on.
    pub(crate) async fn stop(self) -> (TempDir, Arc<TestClock>) {
        self.engine.drain(Duration::ZERO).await;
        let Self { folder, engine, store, clock, warehouse, parts } = self;
        drop((engine, store, warehouse, parts));
        (folder, clock)
    }

    pub(crate) async fn deploy(&self, configuration: Value, files: &[(&str, &str)]) -> String {
        self.try_deploy(configuration, files).await.unwrap_or_else(|e| panic!("{e:?}")).configuration_id
    }

    pub(crate) async fn try_deploy(
        &self,
        configuration: Value,
        files: &[(&str, &str)],
    ) -> Result<Deployed, EngineError> {
        self.deploy_with(configuration, files, None).await
    }

    /// Deploys with a context.
    pub(crate) async fn deploy_with(
        &self,
        configuration: Value,
        files: &[(&str, &str)],
        context: Option<&str>,
    ) -> Result<Deployed, EngineError> {
        let files: BTreeMap<String, Vec<u8>> =
            files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        let request = DeployRequest {
            configuration: configuration.to_string(),
            file_name: None,
            files,
            context: context.map(str::to_owned),
            run: false,
            by: actor("test"),
        };
        self.engine.deploy(request).await
    }

    pub(crate) async fn launch(&self, id: &str) -> RunId {
        self.engine.launch(launch(id)).await.unwrap()
    }

    /// Launches and waits for the end.
    pub(crate) async fn run(&self, id: &str) -> RunDetails {
        let run = self.launch(id).await;
        self.ended(id, &run).await
    }

    pub(crate) async fn ended(&self, id: &str, run: &RunId) -> RunDetails {
        self.until(&format!("{id} {run} ends"), async || {
            let details = self.engine.run_details(&table_to_table(id), run).await.unwrap();
            (details.run.status != "RUNNING").then_some(details)
        })
        .await
    }

    /// Polls until `look` finds what it looks for.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the configuration has this many runs that have ended; newest first.
    pub(crate) async fn runs_ended(&self, configuration: ConfigurationRef, count: usize) -> Vec<RunView> {
        self.until(&format!("{count} runs of {configuration:?} have ended"), async || {
            let runs = self.runs(&configuration).await;
            (runs.len() >= count && runs.iter().all(|run| run.status != "RUNNING")).then_some(runs)
        })
        .await
    }

    pub(crate) async fn runs(&self, configuration: &ConfigurationRef) -> Vec<RunView> {
        let query = RunQuery { configuration: Some(configuration.clone()), limit: 1000, ..RunQuery::default() };
        self.engine.runs(query).await.unwrap()
    }

    /// The only value of a query.
    pub(crate) async fn value(&self, sql: &str) -> Value {
        let query = Query {
            sql: sql.into(),
            project: "p".into(),
            dataset: Some("d".into()),
            destination: None,
            use_cache: None,
        };
        let rows = self.warehouse.read(query, 10).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
        rows.rows[0][0].clone()
    }

    pub(crate) fn bucket(&self, path: &str) -> PathBuf {
        self.folder.path().join("buckets").join(path)
    }

    /// Puts a file into a bucket as programs should: elsewhere first, then renamed into place.
    pub(crate) fn drop_file(&self, path: &str, content: &str) {
        let to = self.bucket(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let elsewhere = self.folder.path().join(uuid::Uuid::new_v4().to_string());
        std::fs::write(&elsewhere, content).unwrap();
        std::fs::rename(elsewhere, to).unwrap();
    }
}

pub(crate) fn reference(kind: &str, id: &str) -> ConfigurationRef {
    ConfigurationRef {
        account: "000099".parse().unwrap(),
        environment: "DEV".parse().unwrap(),
        configuration_type: kind.parse().unwrap(),
        configuration_id: id.into(),
    }
}

pub(crate) fn table_to_table(id: &str) -> ConfigurationRef {
    reference("table-to-table", id)
}

/// Somebody who calls through the API.
pub(crate) fn actor(name: &str) -> Actor {
    Actor::new(name, Via::Api)
}

pub(crate) fn launch(id: &str) -> LaunchRequest {
    LaunchRequest {
        configuration: table_to_table(id),
        job_id: None,
        execution_date: None,
        parameters: serde_json::Map::new(),
        tasks: None,
        idempotency: None,
        repeats: None,
        by: actor("test"),
    }
}

/// A table-to-table with one SQL task per `(id, sql_file, criticality)`.
pub(crate) fn sql_tasks(id: &str, dependencies: &[&str], tasks: &[(&str, &str, &str)]) -> Value {
    let workflow: Vec<Value> = tasks
        .iter()
        .map(|(id, file, criticality)| {
            json!({"id": id, "task_type": "sql", "sql_file": file, "criticality": criticality})
        })
        .collect();
    json!({
        "configuration_type": "table-to-table", "configuration_id": id, "environment": "DEV", "account": "000099",
        "version": "1", "default_gcp_project_id": "p", "default_bq_dataset": "d", "default_bq_data_location": "EU",
        "schedule_interval": "None", "start_date": "2024, 1, 1",
        "task_dependencies": dependencies, "workflow": workflow
    })
}

/// A table-to-table that does nothing.
pub(crate) fn no_op(id: &str) -> Value {
    sql_tasks(id, &[], &[("t", "one.sql", "critical")])
}

pub(crate) const ONE: (&str, &str) = ("one.sql", "SELECT 1 AS one");

pub(crate) fn context(id: &str, parameters: Value) -> Value {
    json!({
        "configuration_type": "context", "configuration_id": id, "environment": "DEV", "account": "000099",
        "parameters": parameters
    })
}

pub(crate) fn workflow(id: &str, awaits: &[&str], target: &str) -> Value {
    json!({
        "configuration_type": "workflow", "configuration_id": id, "environment": "DEV", "account": "000099", "version": "2",
        "authorized_job_ids": awaits,
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": target}
    })
}

//! Watching the server's runs until a goal is reached, a run fails, or time is up.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tailer_model::ConfigurationType;

use super::{pause, progress::Progress};
use crate::{
    cli::Type,
    client::{self, Client, text},
    commands::run_view,
    failure::Failure,
};

/// Time between two looks.
const STEP: Duration = Duration::from_millis(200);

/// Kinds that make runs, in the order in which data travels.
const KINDS: [ConfigurationType; 4] = [
    ConfigurationType::StorageToStorage,
    ConfigurationType::StorageToTables,
    ConfigurationType::TableToTable,
    ConfigurationType::TableToStorage,
];

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// So many more files are in their tables.
    Loaded(usize),
    /// An export has ended.
    Exported,
}

/// The runs since the demo began.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    client: &'a Client,
    deadline: Instant,
    progress: Progress,
    /// Runs of an earlier demo in the same folder.
    before: BTreeSet<String>,
    /// Newest view of each run.
    runs: BTreeMap<String, Value>,
    /// Files that have been loaded when the last goal was reached.
    loaded: usize,
}

impl<'a> Watch<'a> {
    pub(super) async fn new(client: &'a Client, deadline: Instant) -> Result<Self, Failure> {
        let before = ask(client).await?.iter().map(|run| text(run, "run_id").to_owned()).collect();
        Ok(Self { client, deadline, progress: Progress::new(), before, runs: BTreeMap::new(), loaded: 0 })
    }

    /// A line between the runs.
    pub(super) fn say(&self, line: &str) {
        self.progress.say(line);
    }

    /// # Errors
    /// When a run fails, or the deadline passes; then the message says what was being waited for.
    pub(super) async fn until(&mut self, goal: Goal) -> Result<(), Failure> {
        let wanted = match goal {
            Goal::Loaded(files) => self.loaded + files,
            Goal::Exported => 1,
        };
        loop {
            self.look().await?;
            let reached = match goal {
                Goal::Loaded(_) => self.ended(ConfigurationType::StorageToTables),
                Goal::Exported => self.ended(ConfigurationType::TableToStorage),
            };
            if reached >= wanted {
                if matches!(goal, Goal::Loaded(_)) {
                    self.loaded = wanted;
                }
                return Ok(());
            }
            match pause(self.deadline, STEP) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(self.late(goal, wanted)),
            }
        }
    }

    /// Ends the display and gives the runs, oldest first.
    pub(super) fn finish(self) -> Vec<Value> {
        self.progress.finish();
        let mut runs: Vec<Value> = self.runs.into_values().collect();
        runs.sort_by(|a, b| text(a, STARTED).cmp(text(b, STARTED)));
        runs
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let mut news: Vec<Value> = ask(self.client).await?;
        news.retain(|run| !self.before.contains(text(run, "run_id")));
        news.sort_by(|a, b| text(a, STARTED).cmp(text(b, STARTED)));
        for run in news {
            let id = text(&run, "run_id").to_owned();
            if self.runs.get(&id).is_some_and(|known| text(known, "status") != "RUNNING") {
                continue;
            }
            let run = match id.parse() {
                Ok(run_id) => run_view::details(self.client, &run_id).await?,
                Err(_) => run,
            };
            self.progress.update(&id, &run);
            if text(&run, "status") == "FAILED" {
                let (kind, name) = (text(&run, "configuration_type"), text(&run, "configuration_id"));
                return Err(Failure::failed(format!("run {id} of {kind} {name} failed: {}", text(&run, "error"))));
            }
            self.runs.insert(id, run);
        }
        Ok(())
    }

    fn ended(&self, kind: ConfigurationType) -> usize {
        let of_kind = |run: &&Value| text(run, "configuration_type").parse() == Ok(kind);
        self.runs.values().filter(of_kind).filter(|run| text(run, "status") == "SUCCESS").count()
    }

    fn late(&self, goal: Goal, wanted: usize) -> Failure {
        let running = self.runs.values().filter(|run| text(run, "status") == "RUNNING").count();
        let missing = match goal {
            Goal::Loaded(_) => {
                format!("{} of {wanted} files are in their tables", self.ended(ConfigurationType::StorageToTables))
            }
            Goal::Exported => "the export has not ended".to_owned(),
        };
        Failure::failed(format!("time is up: {missing}, {running} runs are still running"))
            .hint("a slow machine may need more: `tailerd demo --deadline 10m`")
    }
}

const STARTED: &str = "start_execution_date";

/// The account's runs of every kind.
async fn ask(client: &Client) -> Result<Vec<Value>, Failure> {
    let mut runs = Vec::new();
    for kind in KINDS {
        let mut body = client.account_body("get_by_status")?;
        client::set(&mut body, "configuration_type", json!(Type::from(kind).text));
        client::set(&mut body, "limit", json!(200));
        let answer = client.call(client::STATUS, &body).await?;
        runs.extend_from_slice(client::results(&answer));
    }
    Ok(runs)
}

//! Who reads and writes which table, over all data operations of an account, and which tables the account may see.
//!
//! An account sees a dataset when one of its operations that are not archived names a table in it. Of a dataset that is the
//! destination of one of its tasks (as the configuration says, not its SQL) it sees every table; of any other only the tables that its
//! operations name. So the tables of somebody else who shares a project stay unseen, also where some of them are read.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tailer_model::{Environment, Identity};
use tailer_warehouse::googlesql::TablePath;

use super::{
    footprint::{Footprint, Trace},
    pattern,
};
use crate::cache::Loaded;

/// A task of a data operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Task {
    operation: usize,
    position: usize,
}

/// Everything about one account.
#[derive(Debug, Default)]
pub(crate) struct Index {
    operations: Vec<(Identity, Arc<Loaded>)>,
    /// By project and dataset.
    datasets: BTreeMap<(String, String), Dataset>,
}

#[derive(Debug, Default)]
struct Dataset {
    /// Tasks that have their destination in it.
    owners: Vec<Task>,
    /// By the name that configurations use.
    tables: BTreeMap<String, Uses>,
    /// Those of the names that stand for several tables.
    patterns: Vec<String>,
}

#[derive(Debug, Default)]
struct Uses {
    writers: Vec<Task>,
    readers: Vec<Task>,
}

/// What one account sees of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) project: String,
    pub(crate) dataset: String,
    /// Every table, not only those that are named.
    pub(crate) is_own: bool,
    pub(crate) names: Vec<String>,
    /// Data operations.
    pub(crate) writers: usize,
    pub(crate) readers: usize,
}

/// A task and its operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) loaded: &'a Loaded,
    pub(crate) trace: &'a Trace,
}

impl Index {
    /// Reads the SQL of operations that nobody has asked for yet: call it where waiting does no harm.
    pub(crate) fn of(operations: Vec<(Identity, Arc<Loaded>)>) -> Self {
        let mut index = Self { operations, ..Self::default() };
        let Self { operations, datasets } = &mut index;
        for (operation, (_, loaded)) in operations.iter().enumerate() {
            let Footprint { tasks } = loaded.footprint();
            for (position, trace) in tasks.iter().enumerate() {
                let task = Task { operation, position };
                if let Some(destination) = &trace.destination {
                    datasets.entry(destination.clone()).or_default().owners.push(task);
                }
                trace.writes.iter().for_each(|path| note(datasets, path, |uses| uses.writers.push(task)));
                trace.reads.iter().for_each(|path| note(datasets, path, |uses| uses.readers.push(task)));
            }
        }
        index
    }

    fn get(&self, task: Task) -> Option<Use<'_>> {
        let (identity, loaded) = self.operations.get(task.operation)?;
        let trace = loaded.footprint().tasks.get(task.position)?;
        Some(Use { identity, loaded, trace })
    }

    fn is_of(&self, task: &Task, environment: Option<Environment>) -> bool {
        let of = self.operations.get(task.operation).map(|(identity, _)| identity.environment);
        environment.is_none() || environment == of
    }

    /// Every dataset that is seen, in order.
    pub(crate) fn datasets(&self, environment: Option<Environment>) -> Vec<Sight> {
        self.datasets.keys().filter_map(|(project, dataset)| self.dataset(environment, project, dataset)).collect()
    }

    /// `None` for a dataset that is not seen.
    pub(crate) fn dataset(&self, environment: Option<Environment>, project: &str, dataset: &str) -> Option<Sight> {
        let found = self.datasets.get(&(project.to_owned(), dataset.to_owned()))?;
        let counts = |task: &&Task| self.is_of(task, environment);
        let (mut names, mut writers, mut readers) = (Vec::new(), Vec::new(), Vec::new());
        for (name, uses) in &found.tables {
            let before = writers.len() + readers.len();
            writers.extend(uses.writers.iter().filter(counts).map(|task| task.operation));
            readers.extend(uses.readers.iter().filter(counts).map(|task| task.operation));
            if writers.len() + readers.len() > before {
                names.push(name.clone());
            }
        }
        let is_own = found.owners.iter().any(|task| self.is_of(task, environment));
        let distinct = |mut operations: Vec<usize>| {
            operations.sort_unstable();
            operations.dedup();
            operations.len()
        };
        (is_own || !names.is_empty()).then(|| Sight {
            project: project.to_owned(),
            dataset: dataset.to_owned(),
            is_own,
            names,
            writers: distinct(writers),
            readers: distinct(readers),
        })
    }

    /// Tasks that write and tasks that read a table: by its name, by a pattern that may stand for it, or, when it is a pattern
    /// itself, by the same.
    pub(crate) fn uses(
        &self,
        environment: Option<Environment>,
        project: &str,
        dataset: &str,
        table: &str,
    ) -> (Vec<Use<'_>>, Vec<Use<'_>>) {
        let Some(found) = self.datasets.get(&(project.to_owned(), dataset.to_owned())) else {
            return (Vec::new(), Vec::new());
        };
        let patterns = found.patterns.iter().filter(|name| *name != table && pattern::matches(name, table));
        let named = found.tables.get(table).into_iter().chain(patterns.filter_map(|name| found.tables.get(name)));
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for uses in named {
            writers.extend(uses.writers.iter().filter(|task| self.is_of(task, environment)));
            readers.extend(uses.readers.iter().filter(|task| self.is_of(task, environment)));
        }
        let sorted = |mut tasks: Vec<Task>| {
            tasks.sort_unstable();
            tasks.dedup();
            tasks.into_iter().filter_map(|task| self.get(task)).collect()
        };
        (sorted(writers), sorted(readers))
    }
}

fn note(datasets: &mut BTreeMap<(String, String), Dataset>, path: &TablePath, add: impl FnOnce(&mut Uses)) {
    // A dataset that only a run knows is nowhere.
    if !pattern::is_exact(&path.project) || !pattern::is_exact(&path.dataset) {
        return;
    }
    let dataset = datasets.entry((path.project.clone(), path.dataset.clone())).or_default();
    if !dataset.tables.contains_key(&path.table) && !pattern::is_exact(&path.table) {
        dataset.patterns.push(path.table.clone());
    }
    add(dataset.tables.entry(path.table.clone()).or_default());
}

/// The index of each account, as long as none of its operations changes.
#[derive(Debug, Default)]
pub(crate) struct Indices(parking_lot::Mutex<HashMap<tailer_model::AccountId, (Versions, Arc<Index>)>>);

/// Which versions an index is of.
pub(crate) type Versions = Vec<(tailer_store::ConfigurationKey, u32)>;

/// Indices of more accounts are not kept.
const KEPT: usize = 256;

impl Indices {
    pub(crate) fn get(&self, account: &tailer_model::AccountId, versions: &Versions) -> Option<Arc<Index>> {
        let kept = self.0.lock();
        kept.get(account).filter(|(of, _)| of == versions).map(|(_, index)| index.clone())
    }

    pub(crate) fn keep(&self, account: &tailer_model::AccountId, versions: Versions, index: Arc<Index>) {
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(account.clone(), (versions, index));
    }
}

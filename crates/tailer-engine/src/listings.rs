//! Data operations page by page with their latest runs: what people look through (the Studio), where the API lists all.
//!
//! What is asked of all operations of the account is one row each and, from counts and indices, a number each; runs and next
//! ticks are looked up for those of the page only.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{AccountId, ConfigurationType, Environment};
use tailer_store::{
    ConfigurationKey, Tx,
    configurations::{self, ConfigurationRow, ListFilter},
    notes,
    runs::{self, RunFilter},
};

use crate::{
    ConfigurationView, Engine, EngineError, RunView, StartsView, configurations::view, engine::Inner, runs::view_of,
    starts,
};

/// Which data operations to show, and in what order.
#[derive(Debug, Clone)]
pub struct OperationQuery {
    pub account: AccountId,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub state: OperationState,
    /// Only those whose id or short description contains this, whatever its case.
    pub search: String,
    pub order: OperationOrder,
    /// How many to pass over.
    pub skip: usize,
    pub limit: usize,
    /// Latest runs of each.
    pub runs: u32,
}

impl OperationQuery {
    /// The first hundred operations of an account by name, without runs.
    #[must_use]
    pub fn of(account: AccountId) -> Self {
        Self {
            account,
            environment: None,
            configuration_type: None,
            state: OperationState::Current,
            search: String::new(),
            order: OperationOrder::Name,
            skip: 0,
            limit: 100,
            runs: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// All that are not archived.
    Current,
    Enabled,
    Disabled,
    /// With runs that have failed and nobody has checked.
    Failing,
    Archived,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationOrder {
    /// By kind, id and environment.
    Name,
    /// Latest start first, those that never ran last.
    LastRun,
    /// Most failures that nobody has checked first.
    Failures,
}

/// One page of data operations.
#[derive(Debug, Clone)]
pub struct OperationPage {
    pub operations: Vec<OperationView>,
    /// How many there are on all pages.
    pub total: usize,
    /// How many of each kind there would be without the query's own kind; only kinds that there are.
    pub kinds: Vec<(ConfigurationType, usize)>,
    /// The same of environments.
    pub environments: Vec<(Environment, usize)>,
}

#[derive(Debug, Clone)]
pub struct OperationView {
    pub of: ConfigurationView,
    pub short_description: Option<String>,
    pub starts: StartsView,
    /// How many of its runs have failed and are not checked.
    pub failures: i64,
    /// Newest first.
    pub latest: Vec<RunView>,
    /// How many notes there are about it.
    pub notes: u64,
}

impl Engine {
    /// A page of data operations.
    ///
    /// # Errors
    /// What the store says.
    pub async fn operations(&self, query: OperationQuery) -> Result<OperationPage, EngineError> {
        let (inner, now) = (self.0.clone(), self.0.now());
        self.0.parts.store.read(move |tx| page(&inner, tx, &query, now)).await
    }
}

fn page(inner: &Inner, tx: &mut Tx<'_>, query: &OperationQuery, now: Timestamp) -> Result<OperationPage, EngineError> {
    let archived = query.state == OperationState::Archived;
    let filter = ListFilter {
        account: query.account.clone(),
        environment: None,
        configuration_type: None,
        archived: Some(archived),
    };
    let mut rows = configurations::list(tx, &filter)?;
    let failures = runs::failures(tx, &query.account)?;
    let launchers = if archived { HashMap::new() } else { starts::launchers(inner, tx, &rows)? };
    retain(inner, tx, query, &failures, &mut rows);

    let of_kind =
        |row: &ConfigurationRow| query.configuration_type.is_none_or(|kind| row.identity.configuration_type == kind);
    let of_environment =
        |row: &ConfigurationRow| query.environment.is_none_or(|environment| row.identity.environment == environment);
    let kinds = counted(ConfigurationType::ALL, |kind| {
        rows.iter().filter(|row| of_environment(row) && row.identity.configuration_type == kind).count()
    });
    let environments = counted(Environment::ALL, |environment| {
        rows.iter().filter(|row| of_kind(row) && row.identity.environment == environment).count()
    });
    rows.retain(|row| of_kind(row) && of_environment(row));
    // Stable: what is equal stays in the order of names.
    match query.order {
        OperationOrder::Name => {}
        OperationOrder::LastRun => {
            let starts = runs::last_starts(tx, &query.account)?;
            rows.sort_by_key(|row| std::cmp::Reverse(starts.get(&row.key).copied()));
        }
        OperationOrder::Failures => rows.sort_by_key(|row| std::cmp::Reverse(failures.get(&row.key).copied())),
    }
    let total = rows.len();
    let rows: Vec<_> = rows.into_iter().skip(query.skip).take(query.limit).collect();
    let notes = notes::of_operations(tx, &rows.iter().map(|row| row.key).collect::<Vec<_>>())?;
    let mut operations = Vec::new();
    for row in rows {
        let latest = RunFilter { configuration: Some(row.key), limit: query.runs, ..RunFilter::default() };
        let latest = if query.runs == 0 { Vec::new() } else { runs::list(tx, &latest)? };
        let latest = latest.into_iter().map(|run| view_of(tx, run, now)).collect::<Result<Vec<_>, _>>()?;
        // One that an earlier program accepted and this one cannot read is shown without what it says.
        let loaded = inner.cache.load(tx, row.key, row.version).ok();
        let mut starts = loaded.as_ref().map(|loaded| starts::of(&row, &loaded.configuration, now)).unwrap_or_default();
        starts.workflows = launchers.get(&row.key).cloned().unwrap_or_default();
        operations.push(OperationView {
            short_description: loaded.and_then(|loaded| loaded.configuration.header.short_description.clone()),
            starts,
            failures: failures.get(&row.key).copied().unwrap_or_default(),
            latest,
            notes: notes.get(&row.key).copied().unwrap_or_default(),
            of: view(tx, row, None)?,
        });
    }
    Ok(OperationPage { operations, total, kinds, environments })
}

/// Leaves what the search and the state ask for.
fn retain(
    inner: &Inner,
    tx: &mut Tx<'_>,
    query: &OperationQuery,
    failures: &HashMap<ConfigurationKey, i64>,
    rows: &mut Vec<ConfigurationRow>,
) {
    rows.retain(|row| match query.state {
        OperationState::Current | OperationState::Archived => true,
        OperationState::Enabled => row.activated,
        OperationState::Disabled => !row.activated,
        OperationState::Failing => failures.contains_key(&row.key),
    });
    let wanted = query.search.to_lowercase();
    if wanted.is_empty() {
        return;
    }
    rows.retain(|row| {
        let named = row.identity.configuration_id.to_lowercase().contains(&wanted);
        let mut described = || {
            let loaded = inner.cache.load(tx, row.key, row.version).ok();
            let description = loaded.and_then(|loaded| loaded.configuration.header.short_description.clone());
            description.is_some_and(|text| text.to_lowercase().contains(&wanted))
        };
        named || described()
    });
}

fn counted<T: Copy, const N: usize>(all: [T; N], count: impl Fn(T) -> usize) -> Vec<(T, usize)> {
    all.into_iter().map(|one| (one, count(one))).filter(|(_, count)| *count > 0).collect()
}

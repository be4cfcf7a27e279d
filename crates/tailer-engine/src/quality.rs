//! Data quality: every expectation of an account with its newest results, and the history of one.
//!
//! An expectation is known by its CALL as it stands in the file of a task (`tailer_store::expectations`). One that a newer version of
//! the operation does not hold any more is a former one: it is kept for as long as its results are, and counted as neither met nor
//! failed.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{AccountId, ConfigurationType, Environment, RunId, TaskId, operation::Definition, rfc3339_micros};
use tailer_store::{
    ConfigurationKey, Tx,
    expectations::{self, Series},
};

use crate::{Engine, EngineError, ExpectationView, engine::Inner, expectations::view as result_view};

/// Which expectations to show. All filters have to fit.
#[derive(Debug, Clone)]
pub struct QualityQuery {
    pub account: AccountId,
    pub environment: Option<Environment>,
    /// Those that were met, or those that were not.
    pub passed: Option<bool>,
    /// Former ones, or those that are checked.
    pub former: bool,
    /// Only those whose table, column, procedure, task or operation contains this, whatever its case.
    pub search: String,
    /// How many to pass over.
    pub skip: usize,
    pub limit: usize,
    /// Newest results of each.
    pub results: u32,
}

/// One page of expectations, the failing ones first.
#[derive(Debug, Clone)]
pub struct QualityPage {
    pub expectations: Vec<QualityView>,
    /// How many there are on all pages.
    pub total: usize,
    /// Of all that are checked, whatever the other filters.
    pub passing: usize,
    pub failing: usize,
}

/// An expectation.
#[derive(Debug, Clone)]
pub struct QualityView {
    /// Names it for as long as it has results.
    pub id: String,
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
    pub task_id: TaskId,
    pub procedure: String,
    pub dataset: String,
    pub table: String,
    /// Empty where it is about none.
    pub column: String,
    /// As it stands in its file, without the threshold; empty for one that was last checked by an older tailerd.
    pub call: String,
    pub passed: bool,
    /// RFC 3339, UTC.
    pub checked_date: String,
    /// Whether a newer version of the operation does not hold it any more.
    pub former: bool,
    /// In a listing: the newest, newest first.
    pub marks: Vec<ResultMark>,
    /// In a listing: the newest.
    pub newest: Option<ExpectationView>,
}

/// A result in a strip.
#[derive(Debug, Clone)]
pub struct ResultMark {
    pub run_id: RunId,
    pub passed: bool,
    /// RFC 3339, UTC.
    pub date: String,
}

/// An expectation and its results, newest first.
#[derive(Debug, Clone)]
pub struct ExpectationHistory {
    pub of: QualityView,
    pub results: Vec<ExpectationView>,
    /// Whether there are older ones.
    pub more: bool,
}

impl Engine {
    /// A page of an account's expectations. Results are read for the page only.
    ///
    /// # Errors
    /// What the store says.
    pub async fn quality(&self, query: QualityQuery) -> Result<QualityPage, EngineError> {
        let inner = self.0.clone();
        let look = move |tx: &mut Tx<'_>| {
            let all = expectations::of_account(tx, &query.account, None)?;
            let newest = newest_versions(&all);
            let judged = |one: Series| {
                let former = former(&inner, tx, &one, &newest);
                (one, former)
            };
            let mut all: Vec<(Series, bool)> = all.into_iter().map(judged).collect();
            let count = |passed| all.iter().filter(|(one, former)| !former && one.passed == passed).count();
            let (passing, failing) = (count(true), count(false));
            let wanted = query.search.to_lowercase();
            all.retain(|(one, former)| {
                *former == query.former
                    && query.passed.is_none_or(|passed| passed == one.passed)
                    && query.environment.is_none_or(|environment| environment == one.identity.environment)
                    && contains(one, &wanted)
            });
            all.sort_by(|(a, _), (b, _)| order(a).cmp(&order(b)));
            let total = all.len();
            let mut expectations = Vec::new();
            for (one, former) in all.into_iter().skip(query.skip).take(query.limit) {
                let marks = expectations::marks(tx, one.key, query.results)?;
                let newest = expectations::results(tx, one.key, None, 1)?.pop().map(result_view);
                let marks = marks.into_iter().map(|mark| ResultMark {
                    run_id: mark.run_id,
                    passed: mark.passed,
                    date: rfc3339_micros(mark.checked),
                });
                expectations.push(QualityView { marks: marks.collect(), newest, ..view(one, former) });
            }
            Ok::<_, EngineError>(QualityPage { expectations, total, passing, failing })
        };
        self.0.parts.store.read(look).await
    }

    /// One expectation with its results before an instant, or its newest. The caller checks the account.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn expectation_history(
        &self,
        id: &str,
        before: Option<Timestamp>,
        limit: u32,
    ) -> Result<ExpectationHistory, EngineError> {
        let (inner, id) = (self.0.clone(), id.to_owned());
        let look = move |tx: &mut Tx<'_>| {
            let found = expectations::find(tx, &id)?;
            let series =
                found.ok_or_else(|| EngineError::not_found("unknown_expectation", "there is no such expectation"))?;
            let all = expectations::of_account(tx, &series.identity.account, Some(series.configuration))?;
            let former = former(&inner, tx, &series, &newest_versions(&all));
            let mut results = expectations::results(tx, series.key, before, limit.saturating_add(1))?;
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let more = results.len() > most;
            results.truncate(most);
            let results = results.into_iter().map(result_view).collect();
            Ok(ExpectationHistory { of: view(series, former), results, more })
        };
        self.0.parts.store.read(look).await
    }
}

/// The newest version of each operation that has checked anything.
fn newest_versions(all: &[Series]) -> HashMap<ConfigurationKey, u32> {
    let mut newest = HashMap::new();
    for one in all {
        let version = newest.entry(one.configuration).or_insert(one.version);
        *version = one.version.max(*version);
    }
    newest
}

/// Whether a newer version has been checked without it, or has no such task.
fn former(inner: &Inner, tx: &mut Tx<'_>, one: &Series, newest: &HashMap<ConfigurationKey, u32>) -> bool {
    if newest.get(&one.configuration).is_some_and(|newest| *newest > one.version) {
        return true;
    }
    match inner.cache.load(tx, one.configuration, one.deployed) {
        Ok(loaded) => match &loaded.configuration.definition {
            Definition::TableToTable(now) => !now.graph.ids.contains(&one.task_id),
            _ => false,
        },
        Err(_) => false,
    }
}

fn order(one: &Series) -> (bool, &str, &str, &str, &str, i64) {
    (one.passed, &one.dataset, &one.table, &one.procedure, &one.column, one.key)
}

fn contains(one: &Series, wanted: &str) -> bool {
    let table = format!("{}.{}", one.dataset, one.table);
    let texts = [&table, &one.column, &one.procedure, &one.identity.configuration_id];
    texts.into_iter().any(|text| text.to_lowercase().contains(wanted))
        || one.task_id.as_str().to_lowercase().contains(wanted)
}

fn view(one: Series, former: bool) -> QualityView {
    QualityView {
        id: one.digest,
        account: one.identity.account,
        environment: one.identity.environment,
        configuration_type: one.identity.configuration_type,
        configuration_id: one.identity.configuration_id,
        task_id: one.task_id,
        procedure: one.procedure,
        dataset: one.dataset,
        table: one.table,
        column: one.column,
        call: one.call,
        passed: one.passed,
        checked_date: rfc3339_micros(one.checked),
        former,
        marks: Vec::new(),
        newest: None,
    }
}

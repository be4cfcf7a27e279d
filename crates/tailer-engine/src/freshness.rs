//! Freshness of an account's operations in PROD: what came, what is awaited, what is late (`spec/semantics.md`, Freshness).
//!
//! The rules are `tailer_model::freshness`; here is what they are asked about. Regular runs are those that a schedule, a file or a
//! workflow started, noted by [`began`] in the transaction that creates them.

use std::collections::HashMap;

use jiff::Timestamp;
use parking_lot::Mutex;
use tailer_model::{
    AccountId, ConfigurationType, Environment, RunId,
    freshness::{Frequency, Freshness, Outlook, Timing, Today},
    rfc3339_micros,
};
use tailer_store::{
    ConfigurationKey, StoreError, Tx,
    configurations::ConfigurationRow,
    freshness::{self, FreshnessRow},
    runs,
};

use crate::{Engine, EngineError, RunView, engine::Inner, reconcile::ticks::schedule_of, runs::view_of};

/// Which operations to show. All filters have to fit.
#[derive(Debug, Clone)]
pub struct FreshnessQuery {
    pub account: AccountId,
    pub status: Option<Today>,
    pub timing: Option<Timing>,
    pub frequency: Option<Frequency>,
    /// Only those whose id contains this, whatever its case.
    pub search: String,
    /// How many to pass over.
    pub skip: usize,
    pub limit: usize,
}

impl FreshnessQuery {
    /// Everything of an account, what is late first.
    #[must_use]
    pub fn of(account: AccountId, limit: usize) -> Self {
        Self { account, status: None, timing: None, frequency: None, search: String::new(), skip: 0, limit }
    }
}

/// One operation.
#[derive(Debug, Clone)]
pub struct FreshnessView {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
    /// `Executed`, `Awaited`, `Not today` or `Learning`.
    pub status: Today,
    /// `Daily`, `Weekly`, `Monthly`, `Yearly` or `Unfollow`; none while learning.
    pub frequency: Option<Frequency>,
    /// `On time`, `Late` or `Very late`, where a run is expected.
    pub timing: Option<Timing>,
    /// RFC 3339, UTC.
    pub expected_date: Option<String>,
    pub confidence_hours: Option<f64>,
    /// When the newest regular run began.
    pub last_date: Option<String>,
    /// The newest regular run, unless it is gone.
    pub last_run: Option<RunView>,
}

/// What fits, what is late first, then what is expected next.
#[derive(Debug, Clone)]
pub struct FreshnessPage {
    pub operations: Vec<FreshnessView>,
    /// How many there are on all pages.
    pub total: usize,
    /// Of all operations, whatever the filters: late, and very late.
    pub late: (usize, usize),
    /// Of all operations: awaited today and not late, and executed today.
    pub today: (usize, usize),
}

/// Notes that a regular run of an operation begins.
pub(crate) fn began(tx: &mut Tx<'_>, row: &ConfigurationRow, run: &RunId, at: Timestamp) -> Result<(), StoreError> {
    match row.identity.environment {
        Environment::Prod => freshness::note(tx, row.key, run, at),
        _ => Ok(()),
    }
}

/// Outlooks of operations with what they were made from: learning one takes longer than reading its row.
#[derive(Debug, Default)]
pub(crate) struct Outlooks(Mutex<HashMap<ConfigurationKey, Kept>>);

#[derive(Debug)]
struct Kept {
    version: u32,
    since: Option<Timestamp>,
    starts: String,
    outlook: Outlook,
}

fn outlook(inner: &Inner, tx: &mut Tx<'_>, row: &FreshnessRow) -> Result<Outlook, EngineError> {
    let of = &row.configuration;
    // A deployment takes no tick away, and enabling gives none back.
    let since = Some(of.activated_since).filter(|since| *since > of.deployed);
    let (version, starts) = (of.version, &row.starts);
    if let Some(kept) = inner.outlooks.0.lock().get(&of.key)
        && (kept.version, kept.since, &kept.starts) == (version, since, starts)
    {
        return Ok(kept.outlook);
    }
    let loaded = inner.cache.load(tx, of.key, version)?;
    let outlook = Outlook::of(&row.arrivals()?, schedule_of(&loaded.configuration.definition), since);
    inner.outlooks.0.lock().insert(of.key, Kept { version, since, starts: starts.clone(), outlook });
    Ok(outlook)
}

fn runs_by_itself(kind: ConfigurationType) -> bool {
    use ConfigurationType as T;
    matches!(kind, T::TableToTable | T::TableToStorage | T::StorageToStorage | T::StorageToTables)
}

/// An operation, what is expected of it, and how it stands now.
type Judged = (FreshnessRow, Outlook, Freshness);

/// What is late first, then what is expected next, then what is expected never.
fn order((row, _, freshness): &Judged) -> impl Ord + use<> {
    let overdue = freshness.timing.filter(|timing| *timing > Timing::OnTime);
    let expected = freshness.expected.unwrap_or(Timestamp::MAX);
    (std::cmp::Reverse(overdue), expected, row.configuration.identity.configuration_id.clone())
}

impl Engine {
    /// Freshness of an account's operations in PROD that are enabled and not archived.
    ///
    /// # Errors
    /// What the store says.
    pub async fn freshness(&self, query: FreshnessQuery) -> Result<FreshnessPage, EngineError> {
        let (inner, now) = (self.0.clone(), self.0.now());
        let look = move |tx: &mut Tx<'_>| {
            let mut judged: Vec<Judged> = Vec::new();
            let mut rows = freshness::of_account(tx, &query.account)?;
            rows.retain(|row| runs_by_itself(row.configuration.identity.configuration_type));
            for row in rows {
                let outlook = outlook(&inner, tx, &row)?;
                judged.push((row, outlook, outlook.at(now)));
            }
            let count = |fits: &dyn Fn(&Freshness) -> bool| judged.iter().filter(|(_, _, one)| fits(one)).count();
            let timed = |timing| count(&|one| one.timing == Some(timing));
            let late = (timed(Timing::Late), timed(Timing::VeryLate));
            let on_time = |one: &Freshness| one.status == Today::Awaited && one.timing == Some(Timing::OnTime);
            let today = (count(&on_time), count(&|one| one.status == Today::Executed));
            let wanted = query.search.to_lowercase();
            judged.retain(|(row, _, one)| {
                query.status.is_none_or(|status| status == one.status)
                    && query.timing.is_none_or(|timing| Some(timing) == one.timing)
                    && query.frequency.is_none_or(|frequency| Some(frequency) == one.frequency)
                    && row.configuration.identity.configuration_id.to_lowercase().contains(&wanted)
            });
            judged.sort_by_cached_key(order);
            let total = judged.len();
            let page = judged.into_iter().skip(query.skip).take(query.limit);
            let operations = page.map(|one| view(tx, one, now)).collect::<Result<_, _>>()?;
            Ok(FreshnessPage { operations, total, late, today })
        };
        self.0.parts.store.read(look).await
    }
}

fn view(tx: &mut Tx<'_>, (row, outlook, freshness): Judged, now: Timestamp) -> Result<FreshnessView, EngineError> {
    let last_run = match &row.last_run {
        Some(run) => runs::get(tx, run)?.map(|run| view_of(tx, run, now)).transpose()?,
        None => None,
    };
    let of = row.configuration.identity;
    Ok(FreshnessView {
        account: of.account,
        environment: of.environment,
        configuration_type: of.configuration_type,
        configuration_id: of.configuration_id,
        status: freshness.status,
        frequency: freshness.frequency,
        timing: freshness.timing,
        expected_date: freshness.expected.map(rfc3339_micros),
        confidence_hours: freshness.confidence_hours(),
        last_date: outlook.last().map(rfc3339_micros),
        last_run,
    })
}

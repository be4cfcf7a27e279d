//! Listings of runs, newest start first. Each combination of filters that the API offers is served by an index in the order
//! asked for: a listing reads about as many rows as it answers.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tailer_model::{AccountId, ConfigurationType, Environment, ExecutionDate, JobId, RunStatus};

use super::{COLUMNS, RunRow, read};
use crate::{StoreError, Tx, configurations::ConfigurationKey, ticks, tx::Value};

/// Which runs to list. The default is every run, of which `limit` 0 answers none.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub account: Option<AccountId>,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub configuration: Option<ConfigurationKey>,
    pub job_id: Option<JobId>,
    pub status: Option<RunStatus>,
    /// The UTC day on which the run started.
    pub started_on: Option<Date>,
    /// Only what comes after the run with this start and sequence: where a page ended, the next goes on.
    pub after: Option<(Timestamp, i64)>,
    pub limit: u32,
}

/// Lists runs, newest start first, then newest created.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
    let (sql, params) = statement(filter);
    tx.query(&sql, &params, read)
}

/// The execution dates, both ends included, that a run of the configuration with all its tasks serves: one that waits, runs, or
/// has not failed, pruned ones included.
///
/// # Errors
/// What the database says.
pub fn served_dates(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    from: ExecutionDate,
    to: ExecutionDate,
) -> Result<BTreeSet<ExecutionDate>, StoreError> {
    let dates = tx.query(
        "SELECT DISTINCT execution_date FROM runs WHERE configuration = ?1 AND execution_date >= ?2 \
         AND execution_date <= ?3 AND status <> ?4 AND tasks IS NULL",
        &[key.into(), from.into(), to.into(), RunStatus::Failed.into()],
        |row| row.take(),
    )?;
    let (first, last) = (bounds(from.0).0, bounds(to.0).0);
    let pruned = ticks::between(tx, key, ticks::SERVED, first, last)?;
    Ok(dates.into_iter().chain(pruned.into_iter().map(|row| ExecutionDate::of(row.tick))).collect())
}

fn statement(filter: &RunFilter) -> (String, Vec<Value<'_>>) {
    let day = filter.started_on.map(bounds);
    let conditions: [(&str, Option<Value<'_>>); 8] = [
        ("account =", filter.account.as_ref().map(Value::from)),
        ("environment =", filter.environment.map(Value::from)),
        ("configuration_type =", filter.configuration_type.map(Value::from)),
        ("configuration =", filter.configuration.map(Value::from)),
        ("job_id =", filter.job_id.as_ref().map(Value::from)),
        ("status =", filter.status.map(Value::from)),
        ("started >=", day.map(|(from, _)| from.into())),
        ("started <", day.map(|(_, to)| to.into())),
    ];
    let mut params = Vec::new();
    let mut clauses = Vec::new();
    for (clause, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            clauses.push(format!("{clause} ?{}", params.len()));
        }
    }
    if let Some((started, sequence)) = filter.after {
        params.extend([started.into(), sequence.into()]);
        clauses.push(format!("(started, sequence) < (?{}, ?{})", params.len() - 1, params.len()));
    }
    params.push(filter.limit.into());
    let condition = if clauses.is_empty() { String::new() } else { format!("WHERE {} ", clauses.join(" AND ")) };
    let limit = params.len();
    (format!("SELECT {COLUMNS} FROM runs {condition}ORDER BY started DESC, sequence DESC LIMIT ?{limit}"), params)
}

/// A UTC day as instants: from, included, to, excluded. Where instants end before the calendar does, so does the day.
pub(super) fn bounds(day: Date) -> (Timestamp, Timestamp) {
    let from = day
        .to_zoned(TimeZone::UTC)
        .map_or_else(|_| if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX }, |midnight| midnight.timestamp());
    (from, from.saturating_add(24.hours()).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// Every filter there is, on and off.
    fn every_filter() -> impl Iterator<Item = RunFilter> {
        (0..256u32).map(|bits| {
            let on = |bit: u32| bits & (1 << bit) != 0;
            RunFilter {
                account: on(0).then(|| "000110".parse().unwrap()),
                environment: on(1).then_some(Environment::Dev),
                configuration_type: on(2).then_some(ConfigurationType::Workflow),
                configuration: on(3).then_some(ConfigurationKey(1)),
                job_id: on(4).then(|| JobId("workflow|000110|x|DEV".into())),
                status: on(5).then_some(RunStatus::Failed),
                started_on: on(6).then(|| "2026-05-04".parse().unwrap()),
                after: on(7).then_some((Timestamp::UNIX_EPOCH, 5)),
                limit: 10,
            }
        })
    }

    /// What SQLite would do, step by step.
    fn plan(store: &Store, filter: RunFilter) -> Vec<String> {
        let explain = move |tx: &mut Tx<'_>| {
            let (sql, params) = statement(&filter);
            tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &params, |row| {
                let _numbers: [i64; 3] = [row.take()?, row.take()?, row.take()?];
                row.take::<String>()
            })
        };
        store.read_blocking::<_, StoreError>(explain).unwrap()
    }

    #[test]
    fn every_listing_walks_one_index_in_the_order_asked_for() {
        let store = Store::in_memory().unwrap();
        for filter in every_filter() {
            let asked = format!("{filter:?}");
            let searched = filter.configuration.is_some() || filter.job_id.is_some() || filter.account.is_some();
            let steps = plan(&store, filter);
            let [step] = steps.as_slice() else { panic!("{asked}: not one step, perhaps a sort: {steps:?}") };
            assert!(step.contains("USING INDEX runs_"), "{asked}: {step}");
            assert!(step.starts_with("SEARCH") || !searched, "{asked}: {step}");
        }
    }

    #[test]
    fn a_day_is_its_utc_hours() {
        let (from, to) = bounds("2026-02-28".parse().unwrap());
        assert_eq!(from.to_string(), "2026-02-28T00:00:00Z");
        assert_eq!(to.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(bounds(Date::MAX), (Timestamp::MAX, Timestamp::MAX), "after all runs");
        assert!(bounds(Date::MIN).0 < bounds("1969-12-31".parse().unwrap()).0);
    }
}

//! Listings of runs, newest start first. Every filter is answered by walks along indices in the order asked for ([`walks`]): a
//! listing reads about as many rows as it answers. Where a filter asks for more than one index leads to, a page stops looking
//! after so many runs and says how far it came, so that no filter costs more than another.

use std::collections::{BTreeSet, HashSet};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tailer_model::{
    AccountId, ConfigurationType, Environment, ExecutionDate, JobId, RunStatus, SubStatus, TriggerType,
};

use super::{
    COLUMNS, Position, RunRow, read,
    walks::{MOST_OPERATIONS, Walk, walks},
};
use crate::{StoreError, Tx, configurations::ConfigurationKey, ticks, tx::Value};

/// Which runs to list. The default is every run, of which `limit` 0 answers none.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub account: Option<AccountId>,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    /// Says its account, environment and kind, which are then not asked for.
    pub configuration: Option<ConfigurationKey>,
    /// Only runs of these, likewise; of more than [`MOST_OPERATIONS`] by [`page`] only. Not beside `job_id`.
    pub configurations: Option<Vec<ConfigurationKey>>,
    pub job_id: Option<JobId>,
    pub status: Option<RunStatus>,
    pub sub_status: Option<SubStatus>,
    pub trigger: Option<TriggerType>,
    /// Only runs that started then or later.
    pub from: Option<Timestamp>,
    /// Only runs that started earlier.
    pub until: Option<Timestamp>,
    /// Only what a listing has after this place.
    pub after: Option<Position>,
    /// Only what a listing has before this place, and of that the last.
    pub before: Option<Position>,
    pub limit: u32,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunPage {
    /// Newest start first.
    pub runs: Vec<RunRow>,
    /// Whether there is more in the direction of reading.
    pub more: bool,
    /// How far runs were looked at, where that is not as far as they go: the next page goes on there.
    pub reached: Option<Position>,
}

/// Lists runs, newest start first, then newest created.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
    let (sql, params) = rows(&walks(filter), &Range::of(filter), filter.limit);
    let mut runs = tx.query(&sql, &params, read)?;
    if filter.before.is_some() {
        runs.reverse();
    }
    Ok(runs)
}

/// Lists a page of runs, having looked at no more than about `most` of them.
///
/// # Errors
/// What the database says.
pub fn page(tx: &mut Tx<'_>, filter: &RunFilter, most: u32) -> Result<RunPage, StoreError> {
    let (walks, mut range) = (walks(filter), Range::of(filter));
    let many =
        filter.configurations.as_ref().filter(|keys| keys.len() > MOST_OPERATIONS && filter.configuration.is_none());
    let looks = many.is_some() || walks.iter().any(|walk| !walk.asked.is_empty());
    let reached = if looks { far(tx, &walks, &range, most)? } else { None };
    if let Some(reached) = reached {
        range.stop_at(reached);
    }
    let wanted = filter.limit.saturating_add(1);
    let mut runs = match many {
        None => {
            let (sql, params) = rows(&walks, &range, wanted);
            tx.query(&sql, &params, read)?
        }
        Some(keys) => of_many(tx, &walks, &range, keys, wanted, most)?,
    };
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = runs.len() > limit;
    runs.truncate(limit);
    if filter.before.is_some() {
        runs.reverse();
    }
    Ok(RunPage { runs, more, reached: reached.filter(|_| !more) })
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

/// The part of a listing that is read, and in which direction. Both ends are excluded; each is one condition, so that a walk begins
/// where it says.
#[derive(Debug, Clone, Copy)]
struct Range {
    newer_than: Option<Position>,
    older_than: Option<Position>,
    upwards: bool,
}

impl Range {
    fn of(filter: &RunFilter) -> Self {
        // Sequences are positive: this stands before all runs that started at the instant.
        let begin = |started| Position { started, sequence: 0 };
        Self {
            newer_than: filter.from.map(begin).into_iter().chain(filter.before).max(),
            older_than: filter.until.map(begin).into_iter().chain(filter.after).min(),
            upwards: filter.before.is_some(),
        }
    }

    /// Reads no further than this run, and it too.
    fn stop_at(&mut self, last: Position) {
        let Position { started, sequence } = last;
        if self.upwards {
            self.older_than = Some(Position { started, sequence: sequence + 1 });
        } else {
            self.newer_than = Some(Position { started, sequence: sequence - 1 });
        }
    }

    fn order(&self) -> &'static str {
        if self.upwards { "ORDER BY started, sequence" } else { "ORDER BY started DESC, sequence DESC" }
    }
}

/// Where a walk goes, as text; values are put among `params`.
fn along<'a>(walk: &Walk<'a>, range: &Range, asks: bool, params: &mut Vec<Value<'a>>) -> String {
    let mut clauses = Vec::new();
    for (column, value) in walk.along.iter().chain(walk.asked.iter().filter(|_| asks)) {
        params.push(value.clone());
        clauses.push(format!("{column} = ?{}", params.len()));
    }
    for (sign, place) in [(">", range.newer_than), ("<", range.older_than)] {
        if let Some(Position { started, sequence }) = place {
            params.extend([started.into(), sequence.into()]);
            clauses.push(format!("(started, sequence) {sign} (?{}, ?{})", params.len() - 1, params.len()));
        }
    }
    let condition = if clauses.is_empty() { String::new() } else { format!("WHERE {} ", clauses.join(" AND ")) };
    format!("FROM runs INDEXED BY {} {condition}{}", walk.index, range.order())
}

/// The places that walks come to, merged; of each walk what `take` says (`LIMIT …`).
fn merged<'a>(walks: &[Walk<'a>], range: &Range, asks: bool, take: &str, params: &mut Vec<Value<'a>>) -> String {
    let each = walks.iter().zip(1..).map(|(walk, n)| {
        let along = along(walk, range, asks, params);
        format!("SELECT started, sequence FROM (SELECT started, sequence {along} {take}) AS walk_{n}")
    });
    each.collect::<Vec<_>>().join(" UNION ALL ")
}

/// The statement of the first `limit` runs.
fn rows<'a>(walks: &[Walk<'a>], range: &Range, limit: u32) -> (String, Vec<Value<'a>>) {
    let (order, mut params) = (range.order(), vec![Value::from(limit)]);
    let sql = match walks {
        [walk] => {
            let along = along(walk, range, true, &mut params);
            format!("SELECT {COLUMNS} {along} LIMIT ?1")
        }
        walks => {
            let merged = merged(walks, range, true, "LIMIT ?1", &mut params);
            format!(
                "SELECT {COLUMNS} FROM runs WHERE sequence IN \
                     (SELECT sequence FROM ({merged}) AS merged {order} LIMIT ?1) {order}"
            )
        }
    };
    (sql, params)
}

/// Where walks that together look at `most` runs come to; `None` when that is the end of all of them.
fn far(tx: &mut Tx<'_>, walks: &[Walk<'_>], range: &Range, most: u32) -> Result<Option<Position>, StoreError> {
    let each = i64::from(most) / i64::try_from(walks.len()).unwrap_or(i64::MAX).max(1);
    let mut params = vec![Value::from(each.saturating_sub(1))];
    let sql = merged(walks, range, false, "LIMIT 1 OFFSET ?1", &mut params);
    let ends = tx.query(&sql, &params, |row| Ok(Position { started: row.take()?, sequence: row.take()? }))?.into_iter();
    Ok(if range.upwards { ends.min() } else { ends.max() })
}

/// The first `limit` runs that are of one of many configurations, among no more than `most`.
fn of_many(
    tx: &mut Tx<'_>,
    walks: &[Walk<'_>],
    range: &Range,
    keys: &[ConfigurationKey],
    limit: u32,
    most: u32,
) -> Result<Vec<RunRow>, StoreError> {
    let keys: HashSet<_> = keys.iter().map(|key| key.0).collect();
    let (order, mut params) = (range.order(), vec![Value::from(most)]);
    let merged = merged(walks, range, true, "LIMIT ?1", &mut params);
    let sql = format!(
        "SELECT sequence, configuration FROM runs WHERE sequence IN \
             (SELECT sequence FROM ({merged}) AS merged {order} LIMIT ?1) {order}"
    );
    let seen = tx.query(&sql, &params, |row| Ok((row.take::<i64>()?, row.take::<i64>()?)))?;
    let wanted = seen.into_iter().filter(|(_, key)| keys.contains(key)).map(|(sequence, _)| Value::from(sequence));
    let wanted: Vec<Value<'_>> = wanted.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=wanted.len()).map(|n| format!("?{n}")).collect();
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE sequence IN ({}) {order}", places.join(", "));
    tx.query(&sql, &wanted, read)
}

/// A UTC day as instants: from, included, to, excluded. Where instants end before the calendar does, so does the day.
#[must_use]
pub fn bounds(day: Date) -> (Timestamp, Timestamp) {
    let from = day
        .to_zoned(TimeZone::UTC)
        .map_or_else(|_| if day.year() < 0 { Timestamp::MIN } else { Timestamp::MAX }, |midnight| midnight.timestamp());
    (from, from.saturating_add(24.hours()).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
#[path = "list_plans.rs"]
mod plans;

//! What migrations fill in from what is there already, where that takes more than SQL which both databases share.
//!
//! A fill runs once, inside the transaction of its migration, and reads page by page.

use serde_json::Value as Json;
use tailer_model::{Environment, RunId, RunStatus, TaskId, freshness::Arrivals};

use crate::{
    ConfigurationKey, StoreError, Tx,
    expectations::{
        Found,
        series::{self, Ordinals},
    },
    freshness,
};

const PAGE: u32 = 1000;

/// Runs of one operation that its rhythm is learned from: its newest.
const LOOKED_AT: u32 = 2000;

/// Migration 13: the series of the results of expectations, and when regular runs began.
pub(crate) fn quality(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    arrivals(tx)?;
    results(tx)
}

fn arrivals(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let operations: Vec<ConfigurationKey> = tx.query(
        "SELECT key FROM configurations WHERE environment = ?1 ORDER BY key",
        &[Environment::Prod.into()],
        |row| row.take(),
    )?;
    for key in operations {
        let mut runs: Vec<(RunId, jiff::Timestamp, Json)> = tx.query(
            "SELECT run_id, created, launched FROM runs WHERE configuration = ?1 AND status <> ?2 \
             ORDER BY started DESC, sequence DESC LIMIT ?3",
            &[key.into(), RunStatus::NoMatch.into(), LOOKED_AT.into()],
            |row| Ok((row.take()?, row.take()?, row.take()?)),
        )?;
        let regular = |trigger: &Json| {
            matches!(trigger.get("type").and_then(Json::as_str), Some("schedule" | "file" | "workflow"))
        };
        runs.retain(|(_, _, trigger)| regular(trigger));
        let mut arrivals = Arrivals::default();
        runs.iter().rev().for_each(|(_, created, _)| arrivals.note(*created));
        if let Some((newest, _, _)) = runs.first() {
            freshness::set(tx, key, &arrivals, newest)?;
        }
    }
    Ok(())
}

/// Where a result is, and what it says.
type Old = ((i64, TaskId, u32, u32), ConfigurationKey, Found, jiff::Timestamp);

fn results(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let nowhere: TaskId = "a".parse().map_err(|e| StoreError::Internal(format!("{e}")))?;
    let (mut last, mut ordinals) = ((i64::MIN, nowhere, 0, 0), Ordinals::default());
    loop {
        let page = page(tx, &last)?;
        for (place, configuration, found, at) in &page {
            let (run, task, attempt, position) = place;
            if (last.0, &last.1, last.2) != (*run, task, *attempt) {
                ordinals = Ordinals::default();
            }
            last.clone_from(place);
            let digest = ordinals.digest(*configuration, task, &series::formerly(&found.result));
            let key = series::note(tx, (*run, *configuration, task), found, (&digest, &digest), *at)?;
            tx.execute(
                "UPDATE expectations SET series = ?5 WHERE run = ?1 AND task_id = ?2 AND attempt = ?3 AND position = ?4",
                &[(*run).into(), task.into(), (*attempt).into(), (*position).into(), key.into()],
            )?;
        }
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

fn page(tx: &mut Tx<'_>, after: &(i64, TaskId, u32, u32)) -> Result<Vec<Old>, StoreError> {
    tx.query(
        "SELECT run, task_id, attempt, position, configuration, passed, line, message, result, checked FROM expectations \
         WHERE (run, task_id, attempt, position) > (?1, ?2, ?3, ?4) ORDER BY run, task_id, attempt, position LIMIT ?5",
        &[after.0.into(), (&after.1).into(), after.2.into(), after.3.into(), PAGE.into()],
        |row| {
            let place = (row.take()?, row.take()?, row.take()?, row.take()?);
            let configuration = row.take()?;
            let found = Found {
                call: String::new(),
                passed: row.take()?,
                line: row.take()?,
                message: row.take()?,
                result: row.take()?,
                rejected: Json::Null,
            };
            Ok((place, configuration, found, row.take()?))
        },
    )
}

#[cfg(test)]
mod tests;

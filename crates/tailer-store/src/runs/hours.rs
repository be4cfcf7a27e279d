//! How many runs there were in each hour, with what became of them and what they moved: counters of ended runs, kept in the
//! transactions that end, change and remove them, so that a day costs some hundred rows however many runs it had.
//!
//! A run counts in the hour in which it started, also with what it moved later. Runs that have not ended are counted when
//! asked for: they are few, and their start still moves with the claim.

use jiff::Timestamp;
use tailer_model::{AccountId, RunStatus, SubStatus};

use super::slots::Outcome;
use crate::{StoreError, Tx, tx::Value};

const MICROS: i64 = 3_600_000_000;

/// What a run moved, as its tasks have counted; nothing where none counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) rows: Option<i64>,
    pub(crate) bytes: Option<i64>,
}

/// Runs of one account that started in the same hour and have the same outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRow {
    /// Its beginning, UTC.
    pub hour: Timestamp,
    pub status: RunStatus,
    pub sub_status: SubStatus,
    pub runs: u64,
    pub rows: u64,
    pub bytes: u64,
}

/// A run as the counters know it.
#[derive(Debug)]
pub(super) struct Counted<'a> {
    pub(super) account: &'a AccountId,
    pub(super) started: Timestamp,
    pub(super) outcome: Outcome,
    pub(super) moved: Moved,
}

impl Counted<'_> {
    fn params(&self) -> [Value<'_>; 6] {
        let hour = self.started.as_microsecond().div_euclid(MICROS) * MICROS;
        let (status, sub_status) = self.outcome;
        let Moved { rows, bytes } = self.moved;
        [
            self.account.into(),
            hour.into(),
            status.into(),
            sub_status.into(),
            rows.unwrap_or(0).into(),
            bytes.unwrap_or(0).into(),
        ]
    }
}

/// A run has ended.
pub(super) fn add(tx: &mut Tx<'_>, run: &Counted<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO run_hours (account, hour, status, sub_status, runs, rows_moved, bytes_moved) \
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6) ON CONFLICT (account, hour, status, sub_status) DO UPDATE SET \
             runs = run_hours.runs + 1, rows_moved = run_hours.rows_moved + excluded.rows_moved, \
             bytes_moved = run_hours.bytes_moved + excluded.bytes_moved",
        &run.params(),
    )?;
    Ok(())
}

/// An ended run is not there any more, or not with this outcome.
pub(super) fn take(tx: &mut Tx<'_>, run: &Counted<'_>) -> Result<(), StoreError> {
    let params = run.params();
    tx.execute(
        "UPDATE run_hours SET runs = runs - 1, rows_moved = rows_moved - ?5, bytes_moved = bytes_moved - ?6 \
         WHERE account = ?1 AND hour = ?2 AND status = ?3 AND sub_status = ?4",
        &params,
    )?;
    tx.execute(
        "DELETE FROM run_hours WHERE account = ?1 AND hour = ?2 AND status = ?3 AND sub_status = ?4 AND runs = 0",
        params.get(..4).unwrap_or_default(),
    )?;
    Ok(())
}

/// The runs of an account that started at or after `from`, which begins an hour; by hour and outcome.
///
/// # Errors
/// What the database says.
pub fn hours(tx: &mut Tx<'_>, account: &AccountId, from: Timestamp) -> Result<Vec<HourRow>, StoreError> {
    let mut all = tx.query(
        "SELECT hour, status, sub_status, runs, rows_moved, bytes_moved FROM run_hours \
         WHERE account = ?1 AND hour >= ?2 ORDER BY hour, status, sub_status",
        &[account.into(), from.into()],
        |row| {
            Ok(HourRow {
                hour: row.take()?,
                status: row.take()?,
                sub_status: row.take()?,
                runs: row.take()?,
                rows: row.take()?,
                bytes: row.take()?,
            })
        },
    )?;
    for sub_status in SubStatus::ALL.iter().copied().filter(|sub_status| sub_status.status() == RunStatus::Running) {
        let open = tx.query(
            "SELECT started / 3600000000 * 3600000000 AS hour, COUNT(*) FROM runs \
             WHERE account = ?1 AND sub_status = ?2 AND started >= ?3 GROUP BY started / 3600000000 * 3600000000",
            &[account.into(), sub_status.into(), from.into()],
            |row| {
                let hour = row.take()?;
                Ok(HourRow { hour, status: RunStatus::Running, sub_status, runs: row.take()?, rows: 0, bytes: 0 })
            },
        )?;
        all.extend(open);
    }
    Ok(all)
}

/// How many runs of an account have a finer outcome, counted up to `most`.
///
/// # Errors
/// What the database says.
pub fn how_many(tx: &mut Tx<'_>, account: &AccountId, sub_status: SubStatus, most: u32) -> Result<u64, StoreError> {
    let counted = tx.query_one(
        "SELECT COUNT(*) FROM (SELECT sequence FROM runs WHERE account = ?1 AND sub_status = ?2 LIMIT ?3) AS counted",
        &[account.into(), sub_status.into(), most.into()],
        |row| row.take(),
    )?;
    Ok(counted.unwrap_or(0))
}

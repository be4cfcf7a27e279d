//! Old runs are given up, in small steps: whoever prunes looks without holding anybody up, then removes a bounded number of rows
//! in a transaction.
//!
//! What other things stand on stays however old it is: runs that have not ended, the newest run of each job of an operation
//! (its status is asked for), runs that a workflow has collected, runs that an idempotency key answers with, runs of which
//! somebody is still to be told. The guards stay as
//! well, a short row a tick or a file: so no tick and no file is handled again because its run is forgotten, and a backfill
//! still knows which ones had failed. What refers to a pruned run otherwise, such as the trigger of a run that it started,
//! names a run that is not found.

use jiff::Timestamp;
use tailer_model::{AccountId, ExecutionDate, RunId, RunStatus, SubStatus};

use super::{
    Moved,
    hours::{self, Counted},
    list::bounds,
    slots,
};
use crate::{StoreError, Tx, configurations::ConfigurationKey, expectations, ticks};

/// Whether nothing stands on a run.
const FREE: &str = "phase = 'ended' \
     AND EXISTS (SELECT 1 FROM runs AS later WHERE later.job_id = runs.job_id \
         AND (later.started, later.sequence) > (runs.started, runs.sequence) AND later.configuration = runs.configuration) \
     AND NOT EXISTS (SELECT 1 FROM workflow_arrivals WHERE workflow_arrivals.run_id = runs.run_id) \
     AND NOT EXISTS (SELECT 1 FROM idempotency WHERE idempotency.run_id = runs.run_id) \
     AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.run = runs.sequence AND alerts.due IS NOT NULL)";

/// What hangs on a run and is removed with it, but for its log, which may be long.
const OF_A_RUN: [&str; 8] =
    ["tasks", "attempts", "statements", "expectations", "alerts", "table_updates", "run_triggers", "notes"];

/// What a look at old runs found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Those that may go, oldest first.
    pub sequences: Vec<i64>,
    /// How many were looked at.
    pub looked: u32,
    /// Where the next look goes on; `None` when there is nothing after.
    pub next: Option<(Timestamp, i64)>,
}

/// What a step removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub runs: u64,
    /// Whether it stopped at its bound, with more of what it was given to remove.
    pub more: bool,
}

/// Looks at no more than `most` runs that started after `after` and before `before`, oldest first.
///
/// # Errors
/// What the database says.
pub fn older(tx: &mut Tx<'_>, before: Timestamp, after: (Timestamp, i64), most: u32) -> Result<Sight, StoreError> {
    let sql = format!(
        "SELECT sequence, started, CASE WHEN ended < ?1 AND {FREE} THEN CAST(1 AS BIGINT) ELSE 0 END FROM runs \
         WHERE started < ?1 AND (started, sequence) > (?2, ?3) ORDER BY started, sequence LIMIT ?4"
    );
    let found = tx.query(&sql, &[before.into(), after.0.into(), after.1.into(), most.into()], |row| {
        Ok((row.take()?, row.take()?, row.take()?))
    })?;
    Ok(sight(&found, most))
}

/// The configurations that have more runs than `newest`, with how many more. Reads counters, not runs.
///
/// # Errors
/// What the database says.
pub fn beyond(tx: &mut Tx<'_>, newest: u32) -> Result<Vec<(ConfigurationKey, u64)>, StoreError> {
    slots::excess(tx, newest)
}

/// Looks at no more than `most` runs of a configuration that started after `after`, oldest first.
///
/// # Errors
/// What the database says.
pub fn oldest_in(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    after: (Timestamp, i64),
    most: u32,
) -> Result<Sight, StoreError> {
    let sql = format!(
        "SELECT sequence, started, CASE WHEN {FREE} THEN CAST(1 AS BIGINT) ELSE 0 END FROM runs \
         WHERE configuration = ?1 AND (started, sequence) > (?2, ?3) ORDER BY started, sequence LIMIT ?4"
    );
    let found = tx.query(&sql, &[key.into(), after.0.into(), after.1.into(), most.into()], |row| {
        Ok((row.take()?, row.take()?, row.take()?))
    })?;
    Ok(sight(&found, most))
}

fn sight(found: &[(i64, Timestamp, bool)], most: u32) -> Sight {
    let looked = u32::try_from(found.len()).unwrap_or(u32::MAX);
    Sight {
        sequences: found.iter().filter(|(_, _, free)| *free).map(|(sequence, _, _)| *sequence).collect(),
        looked,
        next: found.last().filter(|_| looked == most).map(|(sequence, started, _)| (*started, *sequence)),
    }
}

/// What pruning needs to know of a run.
struct Old {
    run_id: RunId,
    configuration: ConfigurationKey,
    outcome: (RunStatus, SubStatus),
    execution_date: ExecutionDate,
    whole: bool,
    account: AccountId,
    started: Timestamp,
    moved: Moved,
}

/// Removes these runs and all that hangs on them, about `most` rows in all. One on which something stands by now is left; one
/// whose log is longer than the bound loses its oldest lines and goes in a later step.
///
/// # Errors
/// What the database says.
pub fn prune(tx: &mut Tx<'_>, sequences: &[i64], most: u32) -> Result<Pruned, StoreError> {
    let (mut pruned, mut left) = (Pruned::default(), u64::from(most));
    for &sequence in sequences {
        if left == 0 {
            return Ok(Pruned { more: true, ..pruned });
        }
        let Some(run) = free(tx, sequence)? else { continue };
        let lines = tx.execute(
            "DELETE FROM log_lines WHERE line IN (SELECT line FROM log_lines WHERE run = ?1 ORDER BY line LIMIT ?2)",
            &[sequence.into(), i64::try_from(left).unwrap_or(i64::MAX).into()],
        )?;
        left = left.saturating_sub(lines);
        if left == 0 {
            return Ok(Pruned { more: true, ..pruned });
        }
        left = left.saturating_sub(remove(tx, sequence, &run)?);
        pruned.runs += 1;
    }
    Ok(pruned)
}

fn free(tx: &mut Tx<'_>, sequence: i64) -> Result<Option<Old>, StoreError> {
    let sql = format!(
        "SELECT run_id, configuration, status, sub_status, execution_date, CASE WHEN tasks IS NULL THEN CAST(1 AS BIGINT) ELSE 0 END, \
             account, started, rows_moved, bytes_moved FROM runs WHERE sequence = ?1 AND {FREE}"
    );
    tx.query_one(&sql, &[sequence.into()], |row| {
        Ok(Old {
            run_id: row.take()?,
            configuration: row.take()?,
            outcome: (row.take()?, row.take()?),
            execution_date: row.take()?,
            whole: row.take()?,
            account: row.take()?,
            started: row.take()?,
            moved: Moved { rows: row.take()?, bytes: row.take()? },
        })
    })
}

/// Removes a run whose log is gone; answers how many rows that were.
fn remove(tx: &mut Tx<'_>, sequence: i64, run: &Old) -> Result<u64, StoreError> {
    let mut rows = 1;
    let series = expectations::series::ending_with(tx, sequence)?;
    for table in OF_A_RUN {
        rows += tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), &[sequence.into()])?;
    }
    for series in series {
        expectations::series::mend(tx, series)?;
    }
    tx.execute("DELETE FROM runs WHERE sequence = ?1", &[sequence.into()])?;
    slots::discount(tx, run.configuration, run.outcome)?;
    let counted = Counted { account: &run.account, started: run.started, outcome: run.outcome, moved: run.moved };
    hours::take(tx, &counted)?;
    let (from, until) = bounds(run.execution_date.0);
    if run.outcome.0 == RunStatus::Failed {
        ticks::note_failed(tx, run.configuration, &run.run_id, (from, until))?;
    } else if run.whole {
        ticks::record(tx, run.configuration, ticks::SERVED, from, None, from)?;
    }
    Ok(rows)
}

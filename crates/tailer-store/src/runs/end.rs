//! How runs end: by their worker, by cancellation, by a person who sets the status.

use jiff::Timestamp;
use tailer_model::{AccountId, RunId, RunStatus, SubStatus};

use super::{
    Moved,
    hours::{self, Counted},
    slots,
};
use crate::{StoreError, Tx, configurations::ConfigurationKey, tasks};

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    NotFound,
    AlreadyEnded,
    /// It was queued and has ended: `FAILED`, `CANCELLED`.
    EndedQueued,
    /// It is running: its worker has been asked.
    Requested,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Running,
    Ended,
}

/// What the ends need to know of a run.
struct State {
    sequence: i64,
    configuration: ConfigurationKey,
    phase: Phase,
    outcome: slots::Outcome,
    fence: i64,
    account: AccountId,
    started: Timestamp,
    /// What it moved, once it has ended.
    moved: Moved,
}

impl State {
    fn counted(&self, outcome: slots::Outcome, moved: Moved) -> Counted<'_> {
        Counted { account: &self.account, started: self.started, outcome, moved }
    }
}

fn state(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Option<State>, StoreError> {
    tx.query_one(
        "SELECT sequence, configuration, phase, status, sub_status, fence, account, started, rows_moved, bytes_moved \
         FROM runs WHERE run_id = ?1",
        &[run_id.into()],
        |row| {
            Ok(State {
                sequence: row.take()?,
                configuration: row.take()?,
                phase: match row.take::<String>()?.as_str() {
                    "queued" => Phase::Queued,
                    "running" => Phase::Running,
                    "ended" => Phase::Ended,
                    other => return Err(StoreError::Corrupt(format!("phase {other:?}"))),
                },
                outcome: (row.take()?, row.take()?),
                fence: row.take()?,
                account: row.take()?,
                started: row.take()?,
                moved: Moved { rows: row.take()?, bytes: row.take()? },
            })
        },
    )
}

/// How a run ends, and what is told about it.
struct End<'a> {
    outcome: slots::Outcome,
    error: Option<&'a str>,
    reason: Option<&'a str>,
    fence: i64,
    at: Timestamp,
}

/// Ends a run that has not ended: gives back what it holds, keeps the counters.
fn end(tx: &mut Tx<'_>, run: &State, end: &End<'_>) -> Result<(), StoreError> {
    let (status, sub_status) = end.outcome;
    let moved = if run.phase == Phase::Running { tasks::moved(tx, run.sequence)? } else { Moved::default() };
    tx.execute(
        "UPDATE runs SET phase = 'ended', status = ?2, sub_status = ?3, error = ?4, reason = ?5, fence = ?6, ended = ?7, \
             updated = ?7, lease_until = NULL, rows_moved = ?8, bytes_moved = ?9 WHERE sequence = ?1",
        &[
            run.sequence.into(),
            status.into(),
            sub_status.into(),
            end.error.into(),
            end.reason.into(),
            end.fence.into(),
            end.at.into(),
            moved.rows.into(),
            moved.bytes.into(),
        ],
    )?;
    hours::add(tx, &run.counted(end.outcome, moved))?;
    match run.phase {
        Phase::Queued => slots::leave_queue(tx, run.configuration)?,
        Phase::Running => slots::free(tx, run.configuration)?,
        Phase::Ended => {}
    }
    slots::count(tx, run.configuration, Some(run.outcome), end.outcome)
}

/// Ends a run as its worker says. Answers `false`, and changes nothing, when the fence is not current or the run has ended.
///
/// # Errors
/// What the database says.
pub fn finish(
    tx: &mut Tx<'_>,
    run_id: &RunId,
    fence: i64,
    status: RunStatus,
    sub_status: SubStatus,
    error: Option<String>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(run) = state(tx, run_id)? else { return Ok(false) };
    if run.phase != Phase::Running || run.fence != fence {
        return Ok(false);
    }
    let outcome = (status, sub_status);
    end(tx, &run, &End { outcome, error: error.as_deref(), reason: None, fence, at })?;
    Ok(true)
}

/// Sets the status by the word of a person; `sub_status` follows. Answers `false` when there is no such run.
///
/// A run that has ended only changes what people see: it is not run again, and keeps its end. A run that has not ends now, with its
/// worker fenced out and its open tasks settled, unless it is set to `RUNNING`, which it is.
///
/// # Errors
/// What the database says.
pub fn set_status(tx: &mut Tx<'_>, run_id: &RunId, status: RunStatus, at: Timestamp) -> Result<bool, StoreError> {
    let Some(run) = state(tx, run_id)? else { return Ok(false) };
    let outcome = (status, alike(status));
    if run.phase == Phase::Ended {
        tx.execute(
            "UPDATE runs SET status = ?2, sub_status = ?3, updated = ?4 WHERE sequence = ?1",
            &[run.sequence.into(), outcome.0.into(), outcome.1.into(), at.into()],
        )?;
        slots::count(tx, run.configuration, Some(run.outcome), outcome)?;
        if run.outcome != outcome {
            hours::take(tx, &run.counted(run.outcome, run.moved))?;
            hours::add(tx, &run.counted(outcome, run.moved))?;
        }
    } else if status != RunStatus::Running {
        let reason = format!("set to {status} by a person before it ended");
        let fence = run.fence + 1;
        end(tx, &run, &End { outcome, error: None, reason: Some(&reason), fence, at })?;
        tasks::settle(tx, run.sequence, at)?;
    }
    Ok(true)
}

fn alike(status: RunStatus) -> SubStatus {
    match status {
        RunStatus::Running => SubStatus::Running,
        RunStatus::Success => SubStatus::Success,
        RunStatus::Failed => SubStatus::Failed,
        RunStatus::NoMatch => SubStatus::NoMatch,
        RunStatus::Checked => SubStatus::Checked,
    }
}

/// Wishes that a run be cancelled. A queued one ends at once; the worker of a running one is asked
/// ([`super::cancel_requested`]), and whoever takes it over is too.
///
/// # Errors
/// What the database says.
pub fn request_cancel(tx: &mut Tx<'_>, run_id: &RunId, at: Timestamp) -> Result<CancelOutcome, StoreError> {
    let Some(run) = state(tx, run_id)? else { return Ok(CancelOutcome::NotFound) };
    match run.phase {
        Phase::Ended => Ok(CancelOutcome::AlreadyEnded),
        Phase::Queued => {
            let outcome = (RunStatus::Failed, SubStatus::Cancelled);
            let reason = Some("cancelled before it started");
            end(tx, &run, &End { outcome, error: reason, reason, fence: run.fence + 1, at })?;
            Ok(CancelOutcome::EndedQueued)
        }
        Phase::Running => {
            tx.execute(
                "UPDATE runs SET cancel_requested = 1, updated = ?2 WHERE sequence = ?1",
                &[run.sequence.into(), at.into()],
            )?;
            Ok(CancelOutcome::Requested)
        }
    }
}

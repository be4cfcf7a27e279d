//! How a worker gets runs and keeps them: claim, lease, takeover, fence (`spec/semantics.md`, Limits).

use jiff::Timestamp;
use serde_json::Value as Json;
use tailer_model::{RunId, SubStatus};

use super::{COLUMNS, RunRow, read, slots};
use crate::{StoreError, Tx};

/// Where a worker is, among several that share a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// With the embedded warehouse and the local folders: it may take every run.
    Home,
    /// Elsewhere: it takes the runs of configurations that roam.
    Anywhere,
}

/// Gives queued runs to `worker`, in order of arrival: up to `limit`, as long as it runs fewer than `max_running`, and of
/// each configuration no more than its `max_active_runs`. Runs of disabled and archived configurations stay queued, and so do
/// those that cannot run at the worker's `place`.
///
/// Each run given gets a higher fence, a lease until `lease_until`, and `now` as its start. The cost is that of the runs given,
/// whatever is queued behind full or disabled configurations.
///
/// # Errors
/// What the database says.
pub fn claim(
    tx: &mut Tx<'_>,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
    max_running: usize,
    place: Place,
) -> Result<Vec<RunRow>, StoreError> {
    let running: u64 = tx
        .query_one("SELECT COUNT(*) FROM runs WHERE phase = 'running' AND worker = ?1", &[worker.into()], |row| {
            row.take()
        })?
        .unwrap_or(0);
    let free = max_running.saturating_sub(usize::try_from(running).unwrap_or(usize::MAX));
    let mut claimed = Vec::new();
    while claimed.len() < limit.min(free) {
        let Some((key, head)) = slots::next(tx, place)? else { break };
        let run = tx.query_one(
            &format!(
                "UPDATE runs SET phase = 'running', sub_status = 'RUNNING', worker = ?2, fence = fence + 1, \
                     lease_until = ?3, started = ?4, updated = ?4 \
                 WHERE sequence = ?1 AND phase = 'queued' RETURNING {COLUMNS}"
            ),
            &[head.into(), worker.into(), lease_until.into(), now.into()],
            read,
        )?;
        let Some(run) = run else {
            // Never seen; should the head ever be wrong, it is mended here rather than blocking the queue.
            slots::leave_queue(tx, key)?;
            continue;
        };
        slots::take(tx, key)?;
        slots::count(tx, key, Some((run.status, SubStatus::Queued)), (run.status, run.sub_status))?;
        claimed.push(run);
    }
    Ok(claimed)
}

/// Gives running runs whose lease has passed to `worker`, longest abandoned first, up to `limit`. Their fence rises, so that the
/// worker before is refused from now on; their start stays. Tasks are left as they are: the driver decides what to do again.
///
/// # Errors
/// What the database says.
pub fn take_over(
    tx: &mut Tx<'_>,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
    place: Place,
) -> Result<Vec<RunRow>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut taken = tx.query(
        &format!(
            "UPDATE runs SET worker = ?1, fence = fence + 1, lease_until = ?2, updated = ?3 WHERE sequence IN \
                 (SELECT sequence FROM runs WHERE phase = 'running' AND lease_until <= ?3 AND (?5 = 1 OR EXISTS \
                      (SELECT 1 FROM configurations WHERE key = runs.configuration AND roams = 1)) \
                  ORDER BY lease_until LIMIT ?4) \
             RETURNING {COLUMNS}"
        ),
        &[worker.into(), lease_until.into(), now.into(), limit.into(), (place == Place::Home).into()],
        read,
    )?;
    taken.sort_by_key(|run| run.sequence);
    Ok(taken)
}

/// Prolongs the leases of all runs that `worker` holds, also of those whose lease has passed but that nobody took. Answers how
/// many there are.
///
/// # Errors
/// What the database says.
pub fn renew(tx: &mut Tx<'_>, worker: &str, now: Timestamp, lease_until: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE runs SET lease_until = ?2, updated = ?3 WHERE phase = 'running' AND worker = ?1",
        &[worker.into(), lease_until.into(), now.into()],
    )
}

/// Hands back all runs that `worker` holds, so that another takes them over at once. Until then the fence holds: what the
/// worker still finishes counts. They are not renewed any more. Answers how many there are.
///
/// # Errors
/// What the database says.
pub fn release(tx: &mut Tx<'_>, worker: &str, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE runs SET worker = NULL, lease_until = ?2, updated = ?2 WHERE phase = 'running' AND worker = ?1",
        &[worker.into(), now.into()],
    )
}

/// Hands back the runs of everyone. For a server that knows to be alone with this database, at its start: whoever held them is
/// gone, and nobody needs to wait for the leases to pass.
///
/// # Errors
/// What the database says.
pub fn release_all(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("UPDATE runs SET worker = NULL, lease_until = ?1, updated = ?1 WHERE phase = 'running'", &[now.into()])
}

/// Hands back the runs that only the server with the embedded warehouse and the local folders may take. For that server at its
/// start, when others share the database: it knows that whoever held them is gone.
///
/// # Errors
/// What the database says.
pub fn release_home(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE runs SET worker = NULL, lease_until = ?1, updated = ?1 WHERE phase = 'running' AND EXISTS \
             (SELECT 1 FROM configurations WHERE key = runs.configuration AND roams = 0)",
        &[now.into()],
    )
}

/// Whether the run is running and `fence` is its current one.
///
/// # Errors
/// What the database says.
pub fn held(tx: &mut Tx<'_>, run_id: &RunId, fence: i64) -> Result<bool, StoreError> {
    Ok(held_sequence(tx, run_id, fence)?.is_some())
}

/// The sequence of a run that is running under this fence; `None` when it is not, or not any more.
pub(crate) fn held_sequence(tx: &mut Tx<'_>, run_id: &RunId, fence: i64) -> Result<Option<i64>, StoreError> {
    tx.query_one(
        "SELECT sequence FROM runs WHERE run_id = ?1 AND fence = ?2 AND phase = 'running'",
        &[run_id.into(), fence.into()],
        |row| row.take(),
    )
}

/// The runs that `worker` holds and that somebody wants stopped, in no order.
///
/// # Errors
/// What the database says.
pub fn cancel_requested(tx: &mut Tx<'_>, worker: &str) -> Result<Vec<RunId>, StoreError> {
    tx.query(
        "SELECT run_id FROM runs WHERE phase = 'running' AND worker = ?1 AND cancel_requested = 1",
        &[worker.into()],
        |row| row.take(),
    )
}

/// Notes how far a run has come, for people who watch. Answers `false`, and notes nothing, when the fence is not current.
///
/// # Errors
/// What the database says.
pub fn set_progress(tx: &mut Tx<'_>, run_id: &RunId, fence: i64, progress: Json) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE runs SET progress = ?3 WHERE run_id = ?1 AND fence = ?2 AND phase = 'running'",
        &[run_id.into(), fence.into(), (&progress).into()],
    )?;
    Ok(changed == 1)
}

/// Notes why a run that is held does not go on, in words for a person, or that it does. Answers `false`, and notes nothing, when
/// the fence is not current.
///
/// # Errors
/// What the database says.
pub fn set_reason(tx: &mut Tx<'_>, run_id: &RunId, fence: i64, reason: Option<&str>) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE runs SET reason = ?3 WHERE run_id = ?1 AND fence = ?2 AND phase = 'running'",
        &[run_id.into(), fence.into(), reason.into()],
    )?;
    Ok(changed == 1)
}

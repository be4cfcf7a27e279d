//! Slots and counters: the only code that changes `configurations.running`, `configurations.queue_head` and `run_counts`.
//!
//! `running` counts the runs of a configuration that hold a slot; `queue_head` is its oldest queued run. Both stand on the
//! configuration's row because one partial index over that row then answers "who may start next" without looking at any
//! run: ten thousand runs queued behind one full configuration cost a claim nothing.

use tailer_model::{RunStatus, SubStatus};

use super::Place;
use crate::{StoreError, Tx, configurations::ConfigurationKey};

/// What people see of a run.
pub(super) type Outcome = (RunStatus, SubStatus);

/// A run was queued.
pub(super) fn enqueue(tx: &mut Tx<'_>, key: ConfigurationKey, sequence: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE configurations SET queue_head = ?2 WHERE key = ?1 AND (queue_head IS NULL OR queue_head > ?2)",
        &[key.into(), sequence.into()],
    )?;
    Ok(())
}

/// The next run that may start at a place: the oldest queued one among the configurations that have a slot to give.
pub(super) fn next(tx: &mut Tx<'_>, place: Place) -> Result<Option<(ConfigurationKey, i64)>, StoreError> {
    let sql = match place {
        Place::Home => NEXT,
        Place::Anywhere => NEXT_ROAMING,
    };
    tx.query_one(sql, &[], |row| Ok((row.take()?, row.take()?)))
}

/// Its conditions are those of the index `configurations_ready`, word for word: that is what makes the index usable.
pub(super) const NEXT: &str = "SELECT key, queue_head FROM configurations \
     WHERE queue_head IS NOT NULL AND running < max_active_runs AND activated = 1 AND archived = 0 \
     ORDER BY queue_head LIMIT 1";

/// The same of the index `configurations_ready_roaming`.
pub(super) const NEXT_ROAMING: &str = "SELECT key, queue_head FROM configurations \
     WHERE queue_head IS NOT NULL AND running < max_active_runs AND activated = 1 AND archived = 0 AND roams = 1 \
     ORDER BY queue_head LIMIT 1";

/// A queued run took a slot, and is not queued any more.
pub(super) fn take(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    leave_queue(tx, key)?;
    tx.execute("UPDATE configurations SET running = running + 1 WHERE key = ?1", &[key.into()])?;
    Ok(())
}

/// A run is not queued any more: finds the oldest that is.
pub(super) fn leave_queue(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE configurations SET queue_head = \
             (SELECT MIN(sequence) FROM runs WHERE configuration = ?1 AND phase = 'queued') WHERE key = ?1",
        &[key.into()],
    )?;
    Ok(())
}

/// A running run ended: its slot is free.
pub(super) fn free(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    tx.execute("UPDATE configurations SET running = running - 1 WHERE key = ?1", &[key.into()])?;
    Ok(())
}

/// A run came to be (`from` is `None`) or changed its outcome.
pub(super) fn count(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    from: Option<Outcome>,
    to: Outcome,
) -> Result<(), StoreError> {
    if from == Some(to) {
        return Ok(());
    }
    if let Some(from) = from {
        discount(tx, key, from)?;
    }
    let (status, sub_status) = to;
    tx.execute(
        "INSERT INTO run_counts (configuration, status, sub_status, runs) VALUES (?1, ?2, ?3, 1) \
         ON CONFLICT (configuration, status, sub_status) DO UPDATE SET runs = run_counts.runs + 1",
        &[key.into(), status.into(), sub_status.into()],
    )?;
    Ok(())
}

/// A run is not there any more, or not with this outcome.
pub(super) fn discount(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    (status, sub_status): Outcome,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE run_counts SET runs = runs - 1 WHERE configuration = ?1 AND status = ?2 AND sub_status = ?3",
        &[key.into(), status.into(), sub_status.into()],
    )?;
    Ok(())
}

/// The configurations that have more runs than `newest`, with how many more.
pub(super) fn excess(tx: &mut Tx<'_>, newest: u32) -> Result<Vec<(ConfigurationKey, u64)>, StoreError> {
    tx.query(
        "SELECT configuration, CAST(SUM(runs) AS BIGINT) - ?1 FROM run_counts GROUP BY configuration \
         HAVING CAST(SUM(runs) AS BIGINT) > ?1",
        &[newest.into()],
        |row| Ok((row.take()?, row.take()?)),
    )
}

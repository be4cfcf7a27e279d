//! Idempotency keys of launches: same key and same body within 24 hours, same run (`spec/api.md`, launch).

use jiff::{SignedDuration, Timestamp};
use tailer_model::{AccountId, RunId};

use crate::{StoreError, Tx};

/// How long a key is remembered.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

fn oldest(now: Timestamp) -> Timestamp {
    now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN)
}

/// What a key stands for: the hash of the body that it came with, and the run that was launched. `None` when it is unknown or
/// older than [`REMEMBERED`].
///
/// # Errors
/// What the database says.
pub fn lookup(
    tx: &mut Tx<'_>,
    account: &AccountId,
    key: &str,
    now: Timestamp,
) -> Result<Option<(String, RunId)>, StoreError> {
    tx.query_one(
        "SELECT body_hash, run_id FROM idempotency WHERE account = ?1 AND idempotency_key = ?2 AND recorded > ?3",
        &[account.into(), key.into(), oldest(now).into()],
        |row| Ok((row.take()?, row.take()?)),
    )
}

/// Records what a key stands for, in the transaction that creates the run.
///
/// # Errors
/// [`StoreError::Conflict`] when the key is in use: look it up first.
pub fn record(
    tx: &mut Tx<'_>,
    account: &AccountId,
    key: &str,
    body_hash: &str,
    run_id: &RunId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let recorded = tx.execute(
        "INSERT INTO idempotency (account, idempotency_key, body_hash, run_id, recorded) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (account, idempotency_key) DO UPDATE SET \
             body_hash = excluded.body_hash, run_id = excluded.run_id, recorded = excluded.recorded \
         WHERE idempotency.recorded <= ?6",
        &[account.into(), key.into(), body_hash.into(), run_id.into(), at.into(), oldest(at).into()],
    )?;
    if recorded == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict(format!("the idempotency key {key:?} of account {account} is in use")))
    }
}

/// Forgets the keys recorded before `before`. Answers how many.
///
/// # Errors
/// What the database says.
pub fn expire(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE recorded < ?1", &[before.into()])
}

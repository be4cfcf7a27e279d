//! What waits: the operations that have queued runs, the longest waiting first.

use tailer_model::AccountId;

use super::{COLUMNS, RunRow, read};
use crate::{StoreError, Tx};

/// The queued runs of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// The oldest of them.
    pub head: RunRow,
    pub runs: u64,
}

/// Of an account the first `most` queues, and how many there are.
///
/// # Errors
/// What the database says.
pub fn queues(tx: &mut Tx<'_>, account: &AccountId, most: usize) -> Result<(Vec<Queue>, usize), StoreError> {
    let heads: Vec<i64> = tx.query(
        "SELECT queue_head FROM configurations WHERE account = ?1 AND queue_head IS NOT NULL ORDER BY queue_head",
        &[account.into()],
        |row| row.take(),
    )?;
    let mut queues = Vec::new();
    for head in heads.iter().take(most) {
        let head = tx.query_one(&format!("SELECT {COLUMNS} FROM runs WHERE sequence = ?1"), &[(*head).into()], read)?;
        let Some(head) = head else { continue };
        let runs = tx.query_one(
            "SELECT COUNT(*) FROM runs WHERE configuration = ?1 AND phase = 'queued'",
            &[head.configuration.into()],
            |row| row.take(),
        )?;
        queues.push(Queue { head, runs: runs.unwrap_or(0) });
    }
    Ok((queues, heads.len()))
}

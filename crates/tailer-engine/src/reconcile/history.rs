//! History: ended runs that the settings no longer keep are pruned (`history.days`, `history.runs`).
//!
//! It looks at old runs page by page without holding anybody up, and removes a bounded number of rows in each transaction, so
//! that launches beside it wait no longer than for each other. One that is interrupted is completed by the next. What is never
//! pruned, the store knows ([`runs::prune`]). So are old entries of the audit log (`audit.days`).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tailer_store::{
    Durability, StoreError, Tx, audit,
    runs::{self, Sight},
};

use crate::{EngineError, engine::Inner};

/// Runs looked at in one read.
const LOOK: u32 = 1000;
/// Rows removed in one transaction, about.
const STEP: u32 = 500;
/// Runs given to one transaction.
const RUNS: usize = 50;
/// Before the first run.
const START: (Timestamp, i64) = (Timestamp::MIN, 0);

pub(super) async fn run(inner: &Arc<Inner>) -> Result<(), EngineError> {
    let history = inner.parts.settings.history;
    let mut pruned = 0;
    if let Some(days) = history.days {
        let before = ago(inner, days);
        pruned += sweep(inner, u64::MAX, move |tx, after, most| runs::older(tx, before, after, most)).await?;
    }
    if let Some(newest) = history.runs {
        for (key, excess) in inner.parts.store.read(move |tx| runs::beyond(tx, newest)).await? {
            pruned += sweep(inner, excess, move |tx, after, most| runs::oldest_in(tx, key, after, most)).await?;
        }
    }
    if pruned > 0 {
        tracing::info!(runs = pruned, "old runs pruned");
    }
    match history.audit_days {
        Some(days) => forget_changes(inner, ago(inner, days)).await,
        None => Ok(()),
    }
}

/// So many days before now.
fn ago(inner: &Inner, days: u32) -> Timestamp {
    inner.now().checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// Removes what the audit log has from before an instant.
async fn forget_changes(inner: &Arc<Inner>, before: Timestamp) -> Result<(), EngineError> {
    let (store, mut pruned) = (&inner.parts.store, 0);
    if store.read(audit::oldest).await?.is_none_or(|oldest| oldest >= before) {
        return Ok(());
    }
    while !inner.stopping.is_cancelled() {
        let step = store.write(Durability::Relaxed, move |tx| audit::prune(tx, before, STEP)).await?;
        pruned += step;
        if step < u64::from(STEP) {
            break;
        }
    }
    tracing::info!(entries = pruned, "old entries of the audit log pruned");
    Ok(())
}

/// Looks at `left` runs, oldest first, and removes those that may go; answers how many.
async fn sweep(
    inner: &Arc<Inner>,
    mut left: u64,
    look: impl Fn(&mut Tx<'_>, (Timestamp, i64), u32) -> Result<Sight, StoreError> + Copy + Send + 'static,
) -> Result<u64, EngineError> {
    let (mut after, mut pruned) = (Some(START), 0);
    while let Some(from) = after {
        let most = u32::try_from(left).map_or(LOOK, |left| left.min(LOOK));
        if most == 0 || inner.stopping.is_cancelled() {
            break;
        }
        let seen = inner.parts.store.read(move |tx| look(tx, from, most)).await?;
        (after, left) = (seen.next, left - u64::from(seen.looked));
        for chunk in seen.sequences.chunks(RUNS) {
            pruned += remove(inner, chunk.into()).await?;
        }
    }
    Ok(pruned)
}

async fn remove(inner: &Arc<Inner>, sequences: Arc<[i64]>) -> Result<u64, EngineError> {
    let mut pruned = 0;
    while !inner.stopping.is_cancelled() {
        let these = sequences.clone();
        let step = inner.parts.store.write(Durability::Relaxed, move |tx| runs::prune(tx, &these, STEP)).await?;
        pruned += step.runs;
        if !step.more {
            break;
        }
    }
    Ok(pruned)
}

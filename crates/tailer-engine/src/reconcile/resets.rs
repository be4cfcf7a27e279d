//! Resets: workflows with `schedule_interval_reset` forget what they have collected, by cron (`spec/semantics.md`, Workflow).
//! A reset tick is unique like any tick; after a time without a server the latest missed one is enough.

use std::sync::Arc;

use jiff::Timestamp;
use tailer_model::operation::Definition;
use tailer_store::{Durability, configurations, ticks, workflows};

use crate::{EngineError, engine::Inner};

/// Resets what is due; answers when the next reset is.
pub(super) async fn run(inner: &Arc<Inner>) -> Result<Option<Timestamp>, EngineError> {
    let (engine, now) = (inner.clone(), inner.now());
    let (due, next) = inner
        .parts
        .store
        .read(move |tx| {
            let mut due = Vec::new();
            let mut next: Option<Timestamp> = None;
            for row in configurations::all(tx)? {
                let loaded = engine.cache.load(tx, row.key, row.version)?;
                let Definition::Workflow(definition) = &loaded.configuration.definition else { continue };
                let Some(cron) = definition.reset.as_ref().filter(|_| row.activated) else { continue };
                let after = ticks::last(tx, row.key, ticks::RESET)?.unwrap_or(row.created).max(row.activated_since);
                let mut latest = None;
                let mut tick = cron.next_after(after);
                while let Some(reached) = tick.filter(|tick| *tick <= now) {
                    latest = Some(reached);
                    tick = cron.next_after(reached);
                }
                due.extend(latest.map(|latest| (row.key, latest)));
                next = next.into_iter().chain(tick).min();
            }
            Ok::<_, EngineError>((due, next))
        })
        .await?;
    if !due.is_empty() {
        inner
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                for (key, tick) in due {
                    if ticks::record(tx, key, ticks::RESET, tick, None, now)? {
                        workflows::reset(tx, key, now)?;
                    }
                }
                Ok::<_, EngineError>(())
            })
            .await?;
    }
    Ok(next)
}

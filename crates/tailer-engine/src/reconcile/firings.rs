//! Firings: workflows whose set is complete but whose target could not be started when it became so, because one of them was
//! disabled or the target was not deployed yet. A set that completes otherwise fires in the transaction that completes it.

use std::sync::Arc;

use tailer_store::{Durability, workflows};

use crate::{EngineError, engine::Inner, workflows::fire_if_complete};

pub(crate) async fn run(inner: &Arc<Inner>) -> Result<(), EngineError> {
    if inner.parts.store.read(workflows::complete).await?.is_empty() {
        return Ok(());
    }
    let (engine, now) = (inner.clone(), inner.now());
    let fired = inner
        .parts
        .store
        .write(Durability::Relaxed, move |tx| {
            let mut fired = false;
            for key in workflows::complete(tx)? {
                fired |= fire_if_complete(&engine, tx, key, now)?;
            }
            Ok::<_, EngineError>(fired)
        })
        .await?;
    if fired {
        inner.runs_changed();
    }
    Ok(())
}

//! Expiry: tables whose time has passed, idempotency keys older than a day.

use std::sync::Arc;

use jiff::ToSpan;
use tailer_store::{Durability, idempotency};

use crate::{EngineError, engine::Inner};

pub(super) async fn run(inner: &Arc<Inner>) -> Result<(), EngineError> {
    let now = inner.now();
    for warehouse in inner.parts.warehouses.all() {
        match warehouse.expire(now).await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(dropped, "expired tables dropped"),
            Err(error) => tracing::warn!(%error, "expired tables could not be dropped; it is tried again"),
        }
    }
    let Ok(before) = now.checked_sub(24.hours()) else { return Ok(()) };
    inner.parts.store.write(Durability::Relaxed, move |tx| idempotency::expire(tx, before)).await?;
    Ok(())
}

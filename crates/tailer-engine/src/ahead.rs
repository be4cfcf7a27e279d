//! Reads ahead, after a start, what pages are made from and nobody has asked for yet: the SQL behind the catalogue and the rhythms
//! behind freshness. In a large house that takes seconds, which the first visitor would wait for.
//!
//! One operation after the other, so that the work that a server is there for has the other processors.

use std::collections::BTreeSet;

use tailer_store::configurations;

use crate::{Engine, EngineError, freshness::FreshnessQuery};

impl Engine {
    /// For a server that shows pages. Goes on in the background until everything is read, or the engine stops.
    pub fn read_ahead(&self) {
        let engine = self.clone();
        self.0.tasks.spawn(async move {
            match engine.everything().await {
                Ok(()) | Err(EngineError::Stopping) => {}
                Err(error) => tracing::warn!(%error, "pages could not be made ready: their first visitors wait"),
            }
        });
    }

    async fn everything(&self) -> Result<(), EngineError> {
        let store = &self.0.parts.store;
        let mut accounts = BTreeSet::new();
        for row in store.read(configurations::all).await? {
            if self.0.stopping.is_cancelled() {
                return Err(EngineError::Stopping);
            }
            let inner = self.0.clone();
            let loaded = store.read(move |tx| inner.cache.load(tx, row.key, row.version)).await;
            // What cannot be read any more says so where it is shown.
            if let Ok(loaded) = loaded {
                let work = tokio::task::spawn_blocking(move || {
                    loaded.footprint();
                });
                work.await.map_err(|error| EngineError::Internal(format!("{}: {error}", row.identity)))?;
            }
            accounts.insert(row.identity.account);
        }
        for account in accounts {
            self.index(&account).await?;
            self.freshness(FreshnessQuery::of(account, 0)).await?;
        }
        Ok(())
    }
}

//! Data operations page by page with their latest runs: what people look through (the Studio), where the API lists all.

use tailer_model::{AccountId, ConfigurationType, Environment};
use tailer_store::{
    configurations::{self, ListFilter},
    runs::{self, RunFilter},
};

use crate::{ConfigurationView, Engine, EngineError, RunView, configurations::view, runs::view_of};

/// Which data operations to show.
#[derive(Debug, Clone)]
pub struct OperationQuery {
    pub account: AccountId,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    /// Archived ones, or all others.
    pub archived: bool,
    /// Only those whose id contains this, whatever its case.
    pub search: String,
    /// How many to pass over.
    pub skip: usize,
    pub limit: usize,
    /// Latest runs of each.
    pub runs: u32,
}

/// One page of data operations.
#[derive(Debug, Clone)]
pub struct OperationPage {
    /// Each with its latest runs, newest first.
    pub operations: Vec<(ConfigurationView, Vec<RunView>)>,
    /// How many there are on all pages.
    pub total: usize,
}

impl Engine {
    /// A page of data operations. Runs are looked up for the page only, so that its price does not grow with the number
    /// of operations.
    ///
    /// # Errors
    /// What the store says.
    pub async fn operations(&self, query: OperationQuery) -> Result<OperationPage, EngineError> {
        let now = self.0.now();
        self.0
            .parts
            .store
            .read(move |tx| {
                let filter = ListFilter {
                    account: query.account,
                    environment: query.environment,
                    configuration_type: query.configuration_type,
                    archived: Some(query.archived),
                };
                let wanted = query.search.to_lowercase();
                let mut rows = configurations::list(tx, &filter)?;
                rows.retain(|row| row.identity.configuration_id.to_lowercase().contains(&wanted));
                let total = rows.len();
                let mut operations = Vec::new();
                for row in rows.into_iter().skip(query.skip).take(query.limit) {
                    let latest = RunFilter { configuration: Some(row.key), limit: query.runs, ..RunFilter::default() };
                    let latest = runs::list(tx, &latest)?.into_iter().map(|run| view_of(tx, run, now));
                    let latest = latest.collect::<Result<Vec<_>, _>>()?;
                    operations.push((view(tx, row, None)?, latest));
                }
                Ok(OperationPage { operations, total })
            })
            .await
    }
}

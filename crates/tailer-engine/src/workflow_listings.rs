//! Workflows page by page, with how much of its set each has collected (the Studio), where the API shows one.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{AccountId, ConfigurationType, Identity, operation::Definition};
use tailer_store::{
    ConfigurationKey, Tx,
    configurations::{self, ConfigurationRow, ListFilter},
    runs::{self, RunFilter},
    workflows::{self, Collected},
};

use crate::{
    Engine, EngineError, RunView, WorkflowView, deploy::next_ticks, engine::Inner, runs::view_of, workflows::status_of,
};

/// How far a workflow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowState {
    /// Nothing has arrived since its last firing or reset.
    Empty,
    /// Some of its jobs have arrived.
    Waiting,
    /// All have, and its target was not started: it, or its target, cannot run now.
    Complete,
}

/// Which workflows to show.
#[derive(Debug, Clone)]
pub struct WorkflowQuery {
    pub account: AccountId,
    /// Only those whose id contains this, whatever its case.
    pub search: String,
    pub state: Option<WorkflowState>,
    /// Only enabled, or only disabled ones.
    pub activated: Option<bool>,
    /// How many to pass over.
    pub skip: usize,
    pub limit: usize,
}

/// What a workflow starts.
#[derive(Debug, Clone)]
pub struct WorkflowTarget {
    pub configuration_type: ConfigurationType,
    /// As deployed; as the workflow names it where nothing is.
    pub configuration_id: String,
    pub deployed: bool,
    /// Whether it would start now.
    pub activated: bool,
    pub last_run: Option<RunView>,
}

/// A workflow with what people want to know of it.
#[derive(Debug, Clone)]
pub struct WorkflowCard {
    pub of: WorkflowView,
    pub state: WorkflowState,
    pub arrived: usize,
    pub target: WorkflowTarget,
    /// When it began to collect: its last firing or reset; nothing before the first.
    pub since: Option<String>,
    /// RFC 3339, UTC; only of one that is enabled.
    pub next_reset: Option<String>,
}

/// One page of workflows.
#[derive(Debug, Clone)]
pub struct WorkflowPage {
    pub workflows: Vec<WorkflowCard>,
    /// How many there are on all pages.
    pub total: usize,
}

impl Engine {
    /// A page of workflows that are not archived. What tells of one is looked up for the page only.
    ///
    /// # Errors
    /// What the store says.
    pub async fn workflows(&self, query: WorkflowQuery) -> Result<WorkflowPage, EngineError> {
        let (inner, now) = (self.0.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let states: HashMap<ConfigurationKey, WorkflowState> = workflows::collected(tx, &query.account)?
                    .into_iter()
                    .map(|collected| (collected.key, state_of(&collected)))
                    .collect();
                let filter = ListFilter {
                    account: query.account,
                    environment: None,
                    configuration_type: Some(ConfigurationType::Workflow),
                    archived: Some(false),
                };
                let wanted = query.search.to_lowercase();
                let mut rows = configurations::list(tx, &filter)?;
                rows.retain(|row| {
                    row.identity.configuration_id.to_lowercase().contains(&wanted)
                        && query.state.is_none_or(|state| states.get(&row.key) == Some(&state))
                        && query.activated.is_none_or(|activated| row.activated == activated)
                });
                let total = rows.len();
                let page = rows.into_iter().skip(query.skip).take(query.limit);
                let workflows = page.map(|row| {
                    let state = states.get(&row.key).copied().unwrap_or(WorkflowState::Empty);
                    card(&inner, tx, row, state, now)
                });
                Ok(WorkflowPage { workflows: workflows.collect::<Result<_, EngineError>>()?, total })
            })
            .await
    }
}

fn state_of(collected: &Collected) -> WorkflowState {
    match collected.arrived {
        0 => WorkflowState::Empty,
        arrived if arrived < collected.awaited => WorkflowState::Waiting,
        _ => WorkflowState::Complete,
    }
}

fn card(
    inner: &Inner,
    tx: &mut Tx<'_>,
    row: ConfigurationRow,
    state: WorkflowState,
    now: Timestamp,
) -> Result<WorkflowCard, EngineError> {
    let loaded = inner.cache.load(tx, row.key, row.version)?;
    let next_reset = row.activated.then(|| next_ticks(&loaded.configuration, now).into_iter().next()).flatten();
    let Definition::Workflow(definition) = &loaded.configuration.definition else {
        return Err(EngineError::Internal(format!("{} is no workflow", row.identity)));
    };
    let target = target(tx, &row.identity, definition.target_type, &definition.target_id, now)?;
    let of = status_of(tx, row)?;
    // Both are RFC 3339 in UTC with six digits: the later one is the greater text.
    let since = of.firings.first().map(|firing| &firing.date).max(of.last_reset_date.as_ref()).cloned();
    let arrived = of.awaited.iter().filter(|job| job.arrived).count();
    Ok(WorkflowCard { of, state, arrived, target, since, next_reset })
}

fn target(
    tx: &mut Tx<'_>,
    workflow: &Identity,
    kind: ConfigurationType,
    id: &str,
    now: Timestamp,
) -> Result<WorkflowTarget, EngineError> {
    let Some(row) = configurations::resolve(tx, &workflow.account, workflow.environment, kind, id)? else {
        return Ok(WorkflowTarget {
            configuration_type: kind,
            configuration_id: id.to_owned(),
            deployed: false,
            activated: false,
            last_run: None,
        });
    };
    let latest = RunFilter { configuration: Some(row.key), limit: 1, ..RunFilter::default() };
    let last_run = runs::list(tx, &latest)?.into_iter().next().map(|run| view_of(tx, run, now)).transpose()?;
    Ok(WorkflowTarget {
        configuration_type: row.identity.configuration_type,
        configuration_id: row.identity.configuration_id,
        deployed: true,
        activated: row.activated && !row.archived,
        last_run,
    })
}

//! How an operation stands to others of its account: what starts it, which workflows await it, what a workflow awaits and launches,
//! who uses a context.

use jiff::Timestamp;
use tailer_model::{ConfigurationType, Identity, JobId, JobMatch, operation::Definition};
use tailer_store::{
    Tx,
    configurations::{self, ConfigurationRow, ListFilter},
};

use crate::{
    ConfigurationRef, DeployedContext, Engine, EngineError, StartsView, configurations::resolve, engine::Inner, starts,
};

/// How an operation stands to others. What is archived has no part in it.
#[derive(Debug, Clone, Default)]
pub struct RelationsView {
    pub starts: StartsView,
    /// Workflows that await it, each with what it launches when that is deployed.
    pub awaited_by: Vec<(Identity, Option<Identity>)>,
    /// Of a workflow: the jobs that it awaits, with whose they are.
    pub awaits: Vec<(JobId, Option<Identity>)>,
    /// Of a workflow: what it launches, as written and as deployed.
    pub target: Option<(String, Option<Identity>)>,
    /// Of a context: the operations that are deployed with it, and with which version of it.
    pub used_by: Vec<(Identity, u32)>,
}

impl Engine {
    /// How an operation stands to others of its account.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn relations(&self, configuration: &ConfigurationRef) -> Result<RelationsView, EngineError> {
        let (inner, wanted, now) = (self.0.clone(), configuration.clone(), self.0.now());
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                find(&inner, tx, &row, now)
            })
            .await
    }
}

fn find(inner: &Inner, tx: &mut Tx<'_>, row: &ConfigurationRow, now: Timestamp) -> Result<RelationsView, EngineError> {
    let identity = &row.identity;
    if identity.configuration_type == ConfigurationType::Context {
        return Ok(RelationsView { used_by: users(tx, identity)?, ..RelationsView::default() });
    }
    let filter = ListFilter {
        account: identity.account.clone(),
        environment: None,
        configuration_type: None,
        archived: Some(false),
    };
    let all = configurations::list(tx, &filter)?;
    let mut found = RelationsView::default();
    if let Ok(loaded) = inner.cache.load(tx, row.key, row.version) {
        found.starts = starts::of(row, &loaded.configuration, now);
        if let Definition::Workflow(workflow) = &loaded.configuration.definition {
            let whose = |job: &JobId| {
                let of_kind =
                    all.iter().filter(|other| job.configuration_type() == Some(other.identity.configuration_type));
                of_kind.map(|other| &other.identity).find(|other| counts(job, other, identity)).cloned()
            };
            found.awaits = workflow.authorized_job_ids.iter().map(|job| (job.clone(), whose(job))).collect();
            found.target = Some((workflow.target_id.clone(), None));
        }
    }
    let launchers = starts::launchers(inner, tx, &all)?;
    found.starts.workflows = launchers.get(&row.key).cloned().unwrap_or_default();
    let launched_by = |workflow: &Identity| {
        let target = launchers.iter().find(|(_, workflows)| workflows.contains(workflow)).map(|(key, _)| *key);
        all.iter().find(|row| Some(row.key) == target).map(|row| row.identity.clone())
    };
    if let Some((_, target)) = &mut found.target {
        *target = launched_by(identity);
    }
    for workflow in all.iter().filter(|row| row.identity.configuration_type == ConfigurationType::Workflow) {
        let Ok(loaded) = inner.cache.load(tx, workflow.key, workflow.version) else { continue };
        let Definition::Workflow(definition) = &loaded.configuration.definition else { continue };
        if definition.authorized_job_ids.iter().any(|job| counts(job, identity, &workflow.identity)) {
            found.awaited_by.push((workflow.identity.clone(), launched_by(&workflow.identity)));
        }
    }
    Ok(found)
}

/// Whether runs of `of` count as a job that `workflow` awaits: the rule of [`crate::workflows::collect`].
fn counts(job: &JobId, of: &Identity, workflow: &Identity) -> bool {
    let short = job.as_str().matches('|').count() == 1;
    let elsewhere =
        short && of.configuration_type != ConfigurationType::TableToTable && workflow.environment != of.environment;
    !elsewhere && job.belongs_to(of) != JobMatch::No
}

fn users(tx: &mut Tx<'_>, context: &Identity) -> Result<Vec<(Identity, u32)>, EngineError> {
    let id = format!("{}_{}", context.account, context.configuration_id);
    let all = configurations::with_context(tx, &context.account)?.into_iter();
    let uses = all.filter_map(|(identity, recorded)| Some((identity, DeployedContext::read(&recorded)?)));
    Ok(uses.filter(|(_, used)| used.id == id).map(|(identity, used)| (identity, used.version)).collect())
}

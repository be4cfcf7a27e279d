//! What starts an operation by itself, in short, for those who look: its schedule, the folder it watches, the workflows that launch it.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{
    Configuration, ConfigurationType, Environment, Identity, Schedule, operation::Definition, schedule::Cron,
};
use tailer_store::{ConfigurationKey, Tx, configurations::ConfigurationRow};

use crate::{EngineError, configurations::folder_text, engine::Inner, files::source_of, reconcile::ticks::schedule_of};

/// What starts an operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartsView {
    /// Of its runs or, for a workflow, of its resets.
    pub schedule: Option<ScheduleView>,
    /// The folder whose files start it: `gcs://bucket/prefix`.
    pub folder: Option<String>,
    /// The workflows whose target it is.
    pub workflows: Vec<Identity>,
    /// How many jobs it awaits, of a workflow.
    pub awaits: Option<usize>,
}

/// A schedule, UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleView {
    pub cron: String,
    /// As people say it.
    pub words: String,
    /// None for an operation that is disabled or archived, and past the end of the calendar.
    pub next: Option<Timestamp>,
}

/// What starts an operation, apart from workflows.
pub(crate) fn of(row: &ConfigurationRow, configuration: &Configuration, now: Timestamp) -> StartsView {
    let active = row.activated && !row.archived;
    let of_reset = |cron: &Cron| view(cron, if active { cron.next_after(now) } else { None });
    let of_runs = |schedule: &Schedule| {
        let next = if active { schedule.next_ticks(now, 1).pop() } else { None };
        schedule.interval.as_ref().map(|cron| view(cron, next))
    };
    let (schedule, awaits) = match &configuration.definition {
        Definition::Workflow(workflow) => {
            (workflow.reset.as_ref().map(of_reset), Some(workflow.authorized_job_ids.len()))
        }
        other => (schedule_of(other).and_then(of_runs), None),
    };
    let folder = source_of(configuration).map(|source| folder_text(source.kind, &source.bucket, &source.prefix));
    StartsView { schedule, folder, workflows: Vec::new(), awaits }
}

fn view(cron: &Cron, next: Option<Timestamp>) -> ScheduleView {
    ScheduleView { cron: cron.as_str().to_owned(), words: cron.in_words(), next }
}

/// The workflows among `all` by what they launch. Those that cannot be read any more are left out: they launch nothing.
pub(crate) fn launchers(
    inner: &Inner,
    tx: &mut Tx<'_>,
    all: &[ConfigurationRow],
) -> Result<HashMap<ConfigurationKey, Vec<Identity>>, EngineError> {
    let known: Known<'_> = all.iter().map(|row| (name(&row.identity), row.key)).collect();
    let mut found: HashMap<ConfigurationKey, Vec<Identity>> = HashMap::new();
    for row in all.iter().filter(|row| row.identity.configuration_type == ConfigurationType::Workflow) {
        let Ok(loaded) = inner.cache.load(tx, row.key, row.version) else { continue };
        let Definition::Workflow(workflow) = &loaded.configuration.definition else { continue };
        if let Some(target) = target(&known, row.identity.environment, workflow.target_type, &workflow.target_id) {
            found.entry(target).or_default().push(row.identity.clone());
        }
    }
    Ok(found)
}

type Known<'a> = HashMap<(Environment, ConfigurationType, &'a str), ConfigurationKey>;

fn name(identity: &Identity) -> (Environment, ConfigurationType, &str) {
    (identity.environment, identity.configuration_type, &identity.configuration_id)
}

/// The same order of spellings as [`tailer_store::configurations::resolve`] has.
fn target(known: &Known<'_>, environment: Environment, kind: ConfigurationType, id: &str) -> Option<ConfigurationKey> {
    let suffix = format!("_{environment}");
    let longer = format!("{id}{suffix}");
    let spellings = [Some(id), Some(longer.as_str()), id.strip_suffix(&suffix)];
    spellings.into_iter().flatten().find_map(|id| known.get(&(environment, kind, id)).copied())
}

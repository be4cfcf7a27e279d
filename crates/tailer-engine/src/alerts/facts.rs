//! What is known of a run that is told about.

use tailer_model::{monitoring::Facts, rfc3339_micros};
use tailer_store::{
    Tx,
    alerts::DueAlert,
    configurations,
    runs::{self, RunRow},
};

use super::Links;
use crate::{EngineError, engine::Inner};

/// Gathers them; `None` when there is no such run any more. The status is that which is told of, also when a person has changed it
/// since.
///
/// # Errors
/// What the store says.
pub(crate) fn facts(inner: &Inner, tx: &mut Tx<'_>, alert: &DueAlert) -> Result<Option<Facts>, EngineError> {
    let Some(run) = runs::get(tx, &alert.run_id)? else { return Ok(None) };
    let deployed = configurations::deployed(tx, alert.configuration, alert.version)?;
    let loaded = inner.cache.load(tx, alert.configuration, alert.version).ok();
    let mut facts = of_run(&run, &inner.parts.settings.alerts.links);
    facts.status = alert.status.to_string();
    if run.status != alert.status {
        facts.sub_status.clone_from(&facts.status);
    }
    if let Some((by, at)) = deployed {
        (facts.updated_by, facts.update_date) = (by, rfc3339_micros(at));
    }
    let monitoring = loaded.as_ref().map(|loaded| loaded.configuration.header.monitoring.clone()).unwrap_or_default();
    (facts.impact, facts.urgency) = (monitoring.impact, monitoring.urgency);
    facts.alert_info = monitoring.info.unwrap_or_default();
    facts.short_description =
        loaded.and_then(|loaded| loaded.configuration.header.short_description.clone()).unwrap_or_default();
    Ok(Some(facts))
}

fn of_run(run: &RunRow, links: &Links) -> Facts {
    let link = |path: String| format!("{}{path}", links.base);
    Facts {
        account: run.identity.account.to_string(),
        environment: run.identity.environment.to_string(),
        status: run.status.to_string(),
        sub_status: run.sub_status.to_string(),
        configuration_type: run.identity.configuration_type.to_string(),
        configuration_id: run.identity.configuration_id.clone(),
        job_id: run.job_id.to_string(),
        run_id: run.run_id.to_string(),
        execution_date: run.execution_date.to_string(),
        error: run.error.clone().or_else(|| run.reason.clone()).unwrap_or_default(),
        url_to_tailer_studio_run_id: link((links.run)(&run.run_id)),
        url_to_tailer_studio_conf_id: link((links.operation)(&run.identity)),
        ..Facts::default()
    }
}

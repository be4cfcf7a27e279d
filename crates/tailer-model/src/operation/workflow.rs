//! workflow: a target launched when every awaited job has succeeded (`spec/data-operations.md`, workflow, versions 1 and 2).

mod describe;

use serde_json::Value;

use crate::{ConfigurationType, JobId, json::describe, reader::Fields, schedule::Cron, suggest};

/// What a workflow awaits and launches.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// Job ids with the canonical spelling of their type (`gbq-to-gbq|...`), otherwise as written, in file order,
    /// without repeats.
    pub authorized_job_ids: Vec<JobId>,
    pub target_type: ConfigurationType,
    /// As written; resolved like any id of a request, in the workflow's own account and environment.
    pub target_id: String,
    pub reset: Option<Cron>,
}

impl Workflow {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        fields.ignore(&["gcp_project_id", "extra_parameters"]);
        let authorized_job_ids = read_job_ids(fields);
        let target = fields.required("target_dag", |fields, name| match fields.value(name)? {
            (_, Value::String(text)) => read_first_version(fields, text),
            (_, Value::Object(_)) => read_target(&fields.object(name)?),
            (path, other) => {
                fields.reader.error(path, format!("expected an object or a string, found {}", describe(other)));
                None
            }
        });
        let reset = match fields.optional_text("schedule_interval_reset") {
            Some(_) => fields.checked("schedule_interval_reset", Cron::parse).flatten(),
            None => None,
        };
        let (target_type, target_id) = target?;
        if !target_type.is_launchable() {
            let how = if target_type.is_started_by_files() { "only files start it" } else { "it does not run" };
            fields.error("target_dag", format!("a {target_type} cannot be the target of a workflow: {how}"));
            return None;
        }
        Some(Self { authorized_job_ids: authorized_job_ids?, target_type, target_id, reset })
    }
}

fn read_job_ids(fields: &Fields<'_>) -> Option<Vec<JobId>> {
    const NAME: &str = "authorized_job_ids";
    let texts = fields.required(NAME, Fields::strings)?;
    if fields.list(NAME)?.is_empty() {
        fields.error(NAME, "must have at least one entry: a workflow that awaits nothing never starts its target");
        return None;
    }
    let mut ids: Vec<JobId> = Vec::new();
    let mut all_read = true;
    for (i, text) in texts.iter().enumerate() {
        let path = format!("{}[{i}]", fields.path_of(NAME));
        match JobId::parse(text.trim()) {
            Ok(id) if ids.contains(&id) => fields.reader.warn(path, format!("\"{id}\" is awaited already")),
            Ok(id) => ids.push(id),
            Err(error) => {
                fields.reader.error(path, error.to_string());
                all_read = false;
            }
        }
    }
    all_read.then_some(ids)
}

/// Version 2: `{configuration_type, configuration_id}`.
fn read_target(target: &Fields<'_>) -> Option<(ConfigurationType, String)> {
    let kind = target.required("configuration_type", Fields::parsed);
    let id = target.required("configuration_id", Fields::text);
    target.finish();
    Some((kind?, id?))
}

/// Version 1: a table-to-table id, or a type with the id in `extra_parameters.firestore_conf_doc_id`.
fn read_first_version(fields: &Fields<'_>, text: &str) -> Option<(ConfigurationType, String)> {
    let text = text.trim();
    let Ok(kind) = text.parse::<ConfigurationType>() else {
        if text.is_empty() {
            fields.error("target_dag", "must not be empty");
            return None;
        }
        if let Some(near) = suggest::nearest(text, ConfigurationType::ALL.map(ConfigurationType::as_str)) {
            fields
                .warn("target_dag", format!("taken for the id of a table-to-table; did you mean the type \"{near}\"?"));
        }
        let id = text.strip_prefix("gbq-to-gbq|").or_else(|| text.strip_prefix("table-to-table|")).unwrap_or(text);
        return Some((ConfigurationType::TableToTable, id.to_owned()));
    };
    let extra = fields.required("extra_parameters", Fields::object)?;
    let id = extra.required("firestore_conf_doc_id", Fields::text)?;
    Some((kind, id))
}

//! workflow: a target launched when every awaited job has succeeded (`spec/data-operations.md`, workflow, versions 1 and 2).

use crate::{ConfigurationType, JobId, schedule::Cron};

#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// Canonical job ids (`gbq-to-gbq|...`), in file order, without repeats.
    pub authorized_job_ids: Vec<JobId>,
    pub target_type: ConfigurationType,
    /// As written; resolved like any id of a request, in the workflow's own account and environment.
    pub target_id: String,
    pub reset: Option<Cron>,
}

//! workflow in readable form.

use super::Workflow;
use crate::{
    operation::describe::{Description, Origin, Row, Section, Written},
    schedule::Cron,
};

impl Workflow {
    pub(in crate::operation) fn describe(&self, top: &Written<'_>) -> Description {
        let job = |job: &crate::JobId| Row { origin: Origin::Written, ..top.row("authorized_job_ids", "Awaits", job) };
        let mut rows: Vec<Row> = self.authorized_job_ids.iter().map(job).collect();
        rows.push(top.row("target_dag", "Launches", format!("{} {}", self.target_type, self.target_id)));
        let reset = self.reset.as_ref().map_or_else(|| "never".to_owned(), Cron::shown);
        rows.push(top.row("schedule_interval_reset", "Resets (UTC)", reset));
        Description { sections: vec![Section { title: "Collects", rows }], parts: Vec::new() }
    }
}

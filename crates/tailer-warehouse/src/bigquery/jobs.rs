//! The life of a job: inserted under its id, waited for, run again when BigQuery itself failed, cancelled.
//!
//! A job that ended by a fault of BigQuery had no effect and runs again as `<id>_r1`, `<id>_r2`, …; each is found again
//! after a crash, because the one before it is there and has failed. Scripts may have had effects and do not run again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Url;
use serde_json::Value;

use super::{
    Inner, Submitted,
    client::{Failure, is_passing},
    labels, outcome,
    query::Form,
    wire::{CopyConfiguration, JobConfiguration, JobReference, JobResource, QueryResults},
};
use crate::{Copy, Job, Outcome, WarehouseError, WarehouseJobId};

/// How often a job that BigQuery failed is run again.
const RERUNS: u32 = 5;
/// BigQuery answers at the end of a query, or after this time.
const LONG_POLL_MS: &str = "20000";
const FIRST_LOOK: Duration = Duration::from_millis(40);
const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// The id of a job's `n`-th run again; the job itself for 0.
fn rerun(id: &str, n: u32) -> String {
    if n == 0 { id.to_owned() } else { format!("{id}_r{n}") }
}

impl Inner {
    pub(super) async fn submit(
        &self,
        id: &WarehouseJobId,
        job: Job,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), WarehouseError> {
        let submitted =
            Arc::new(Submitted { job, labels: labels::sanitized(labels), cancelled: AtomicBool::new(false) });
        // Known before it is sent: a cancel finds it.
        self.jobs.lock().insert(id.clone(), Arc::clone(&submitted));
        if matches!(submitted.job, Job::Load(_) | Job::Export(_)) {
            // Files are brought while it is waited for.
            return Ok(());
        }
        let begun = self.begin(&id.0, &submitted).await;
        if begun.is_err() {
            self.jobs.lock().remove(id);
        }
        begun
    }

    async fn begin(&self, id: &str, submitted: &Submitted) -> Result<(), WarehouseError> {
        if let Job::Query(query) = &submitted.job
            && let Some(destination) = &query.destination
        {
            self.ensure_dataset(&destination.table).await?;
            // What is made anew is dropped before its job is there, never after: the job may have been done already.
            if destination.replace_schema && self.job(id).await?.is_none() {
                self.delete(&destination.table.without_decorator()).await?;
            }
        }
        let configuration = self.configuration(&submitted.job, &submitted.labels)?;
        self.insert(id, configuration).await.map(drop)
    }

    fn configuration(&self, job: &Job, labels: &BTreeMap<String, String>) -> Result<JobConfiguration, WarehouseError> {
        let labels = labels.clone();
        match job {
            Job::Query(query) => {
                Ok(JobConfiguration { query: Some(self.query_configuration(query)?), labels, ..Default::default() })
            }
            Job::Copy(Copy { source, destination, write_disposition }) => {
                let copy = CopyConfiguration {
                    source_table: source.into(),
                    destination_table: destination.into(),
                    create_disposition: "CREATE_IF_NEEDED".to_owned(),
                    write_disposition: write_disposition.as_str().to_owned(),
                };
                Ok(JobConfiguration { copy: Some(copy), labels, ..Default::default() })
            }
            Job::Load(_) | Job::Export(_) => Err(WarehouseError::Internal("files are not a plain job".to_owned())),
        }
    }

    /// Inserts a job, or finds the one that is there under its id.
    pub(super) async fn insert(
        &self,
        id: &str,
        configuration: JobConfiguration,
    ) -> Result<JobResource, WarehouseError> {
        let reference = JobReference {
            project_id: self.settings.project.clone(),
            job_id: id.to_owned(),
            location: self.settings.location.clone(),
        };
        let body = JobResource { job_reference: Some(reference), configuration, ..JobResource::default() };
        let inserted = self.client.post(self.client.url(&self.settings.project, &["jobs"]), &body).await;
        match inserted {
            Err(failure) if failure.is_duplicate() => {
                tracing::info!(job = id, "attached to the job that is there");
                let found = self.job(id).await?;
                found.ok_or_else(|| WarehouseError::Transient(format!("job {id} is there and cannot be found")))
            }
            answer => Ok(answer?),
        }
    }

    /// `…/<parts>` of this project, in its location.
    fn located(&self, parts: &[&str]) -> Url {
        let mut url = self.client.url(&self.settings.project, parts);
        if let Some(location) = &self.settings.location {
            url.query_pairs_mut().append_pair("location", location);
        }
        url
    }

    pub(super) async fn job(&self, id: &str) -> Result<Option<JobResource>, WarehouseError> {
        match self.client.get(self.located(&["jobs", id])).await {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    pub(super) async fn wait(&self, id: &WarehouseJobId) -> Result<Outcome, WarehouseError> {
        let submitted = self.jobs.lock().get(id).cloned();
        let submitted = submitted.ok_or_else(|| WarehouseError::NotFound(format!("job {}", id.0)))?;
        let ended = self.see_to_end(id, &submitted).await;
        self.jobs.lock().remove(id);
        match ended {
            Err(_) if submitted.cancelled.load(Ordering::SeqCst) => Err(WarehouseError::Cancelled),
            ended => ended,
        }
    }

    async fn see_to_end(&self, id: &WarehouseJobId, submitted: &Submitted) -> Result<Outcome, WarehouseError> {
        let query = match &submitted.job {
            Job::Load(load) => return self.load(id, load, &submitted.labels).await,
            Job::Export(export) => return self.export(id, export, &submitted.labels).await,
            Job::Query(query) => Some(query),
            Job::Copy(_) => None,
        };
        let (done, rows) = self.ended(&id.0, submitted, query.is_some()).await?;
        let mut outcome = outcome::of(&self.settings, &done, rows);
        let Some(query) = query else { return Ok(outcome) };
        outcome.statistics.executed_sql = Some(query.sql.clone());
        if Form::of(&query.sql) == Form::Script {
            self.finish_script(id, query, &submitted.labels, &mut outcome).await?;
        }
        if let Some(destination) = &query.destination {
            self.expire_after(destination, done.statistics.end_time).await?;
        }
        Ok(outcome)
    }

    /// Waits for a job's end, running it again where BigQuery failed. The rows of its result with it.
    async fn ended(
        &self,
        id: &str,
        submitted: &Submitted,
        is_query: bool,
    ) -> Result<(JobResource, Option<i64>), WarehouseError> {
        let is_script = matches!(&submitted.job, Job::Query(query) if Form::of(&query.sql) == Form::Script);
        for run in 0.. {
            let (done, rows) = self.done(&rerun(id, run), is_query).await?;
            match &done.status.error_result {
                None => return Ok((done, rows)),
                Some(error) if is_passing(&error.reason) && !is_script && run < RERUNS => {
                    tracing::warn!(job = id, error.message, "BigQuery failed; the job runs again");
                    tokio::time::sleep(self.client.retries().wait(run + 1)).await;
                    if submitted.cancelled.load(Ordering::SeqCst) {
                        return Err(WarehouseError::Cancelled);
                    }
                    let configuration = self.configuration(&submitted.job, &submitted.labels)?;
                    self.insert(&rerun(id, run + 1), configuration).await?;
                }
                Some(error) => return Err(error.clone().into()),
            }
        }
        Err(WarehouseError::Internal("a job without end".to_owned()))
    }

    /// Waits until one job is done, well or not.
    pub(super) async fn done(&self, id: &str, is_query: bool) -> Result<(JobResource, Option<i64>), WarehouseError> {
        let mut pause = FIRST_LOOK;
        loop {
            let rows = if is_query { self.poll(id).await } else { None };
            let found = self.job(id).await?;
            let job = found.ok_or_else(|| WarehouseError::NotFound(format!("job {id}")))?;
            if job.is_done() {
                return Ok((job, rows));
            }
            // A long poll has waited at BigQuery, unless it failed.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    /// Waits at BigQuery for a query's end; how many rows its result has. What went wrong is in the job.
    async fn poll(&self, id: &str) -> Option<i64> {
        let mut url = self.located(&["queries", id]);
        url.query_pairs_mut().append_pair("maxResults", "0").append_pair("timeoutMs", LONG_POLL_MS);
        loop {
            let answer: Result<QueryResults, Failure> = self.client.get(url.clone()).await;
            match answer {
                Ok(results) if !results.job_complete => {}
                Ok(results) => return results.total_rows,
                Err(failure) => {
                    tracing::debug!(job = id, %failure, "the result of a query was not given");
                    return None;
                }
            }
        }
    }

    pub(super) async fn cancel(&self, id: &WarehouseJobId) -> Result<(), WarehouseError> {
        if let Some(submitted) = self.jobs.lock().get(id) {
            submitted.cancelled.store(true, Ordering::SeqCst);
        }
        for run in 0..=RERUNS {
            let id = rerun(&id.0, run);
            let Some(job) = self.job(&id).await? else { break };
            if job.is_done() {
                continue;
            }
            match self.client.post::<Value>(self.located(&["jobs", &id, "cancel"]), &Value::Null).await {
                Err(failure) if !failure.is_missing() => return Err(failure.into()),
                _ => {}
            }
            // Asked for is not done: a cancelled job may still write.
            self.done(&id, false).await?;
        }
        Ok(())
    }
}

//! The life of a job: inserted under its id, waited for, run again when BigQuery itself failed, cancelled.
//!
//! A job that ended by a fault of BigQuery had no effect and runs again as `<id>_r1`, `<id>_r2`, …; each is found again
//! after a crash, because the one before it is there and has failed. Scripts may have had effects and do not run again.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use reqwest::Url;
use serde_json::Value;

use super::{
    Inner, Submitted,
    client::{Failure, is_passing},
    locations, outcome,
    query::Form,
    wire::{CopyConfiguration, JobConfiguration, JobReference, JobResource, QueryResults},
};
use crate::{Copy, Job, Outcome, Query, TableName, WarehouseError, WarehouseJobId};

/// How often a job that BigQuery failed is run again.
const RERUNS: u32 = 5;
/// BigQuery answers at the end of a query, or after this time.
const LONG_POLL_MS: &str = "20000";
const FIRST_LOOK: Duration = Duration::from_millis(40);
const LONGEST_LOOK: Duration = Duration::from_secs(3);

/// A job as it is inserted, and inserted again when BigQuery failed.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) configuration: JobConfiguration,
    /// A file that is uploaded with it.
    pub(super) upload: Option<PathBuf>,
    pub(super) gives_rows: bool,
    /// Whether it has had no effect when BigQuery fails.
    pub(super) repeatable: bool,
}

impl Work {
    /// One that is inserted and waited for.
    pub(super) fn plain(configuration: JobConfiguration) -> Self {
        Self { configuration, upload: None, gives_rows: false, repeatable: true }
    }
}

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
        let submitted = Arc::new(Submitted::new(job, labels));
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
            if destination.replace_schema {
                self.seek(id, &destination.table).await?;
                if self.job(id).await?.is_none() {
                    self.delete(&destination.table.without_decorator()).await?;
                }
            }
        }
        self.start(id, &self.work(submitted)?, submitted).await
    }

    /// What a query or a copy is.
    fn work(&self, submitted: &Submitted) -> Result<Work, WarehouseError> {
        let labels = submitted.labels.clone();
        match &submitted.job {
            Job::Query(query) => self.query_work(query, labels),
            Job::Copy(Copy { source, destination, write_disposition }) => {
                let copy = CopyConfiguration {
                    source_table: source.into(),
                    destination_table: destination.into(),
                    create_disposition: "CREATE_IF_NEEDED".to_owned(),
                    write_disposition: write_disposition.as_str().to_owned(),
                };
                Ok(Work::plain(JobConfiguration { copy: Some(copy), labels, ..Default::default() }))
            }
            Job::Load(_) | Job::Export(_) => Err(WarehouseError::Internal("files are not a plain job".to_owned())),
        }
    }

    pub(super) fn query_work(&self, query: &Query, labels: BTreeMap<String, String>) -> Result<Work, WarehouseError> {
        let configuration =
            JobConfiguration { query: Some(self.query_configuration(query)?), labels, ..Default::default() };
        let repeatable = Form::of(&query.sql) != Form::Script;
        Ok(Work { gives_rows: true, repeatable, ..Work::plain(configuration) })
    }

    /// Learns where a job for a table would be, before it is looked for.
    async fn seek(&self, id: &str, table: &TableName) -> Result<(), WarehouseError> {
        if self.locations.of(id).is_none() {
            self.locations.tell(id, self.place_of(table).await?.as_deref());
        }
        Ok(())
    }

    /// Sees to it that a job is there.
    pub(super) async fn start(&self, id: &str, work: &Work, submitted: &Submitted) -> Result<(), WarehouseError> {
        submitted.check()?;
        submitted.started.lock().push(id.to_owned());
        match &work.upload {
            None => self.insert(id, work.configuration.clone()).await.map(drop),
            // What has come already is not sent again.
            Some(file) => {
                if let Some(load) = &work.configuration.load {
                    self.seek(id, &TableName::from(&load.destination_table)).await?;
                }
                match self.job(id).await? {
                    Some(_) => Ok(()),
                    None => self.upload(id, file, &work.configuration, submitted).await,
                }
            }
        }
    }

    /// Sees a job to its end, inserting it where it is not there.
    pub(super) async fn run(
        &self,
        id: &str,
        work: &Work,
        submitted: &Submitted,
    ) -> Result<JobResource, WarehouseError> {
        self.start(id, work, submitted).await?;
        Ok(self.ended(id, submitted, work).await?.0)
    }

    pub(super) fn resource(&self, id: &str, mut configuration: JobConfiguration) -> JobResource {
        let longest = self.settings.job_timeout.filter(|_| configuration.dry_run != Some(true));
        configuration.job_timeout_ms = longest.and_then(|longest| i64::try_from(longest.as_millis()).ok());
        let reference = JobReference {
            project_id: self.settings.project.clone(),
            job_id: id.to_owned(),
            location: self.locations.of_all().map(str::to_owned),
        };
        JobResource { job_reference: Some(reference), configuration, ..JobResource::default() }
    }

    /// Inserts a job, or finds the one that is there under its id.
    pub(super) async fn insert(
        &self,
        id: &str,
        configuration: JobConfiguration,
    ) -> Result<JobResource, WarehouseError> {
        let body = self.resource(id, configuration);
        let inserted = self.client.post(self.client.url(&self.settings.project, &["jobs"]), &body).await;
        let job: JobResource = match inserted {
            Err(failure) if failure.is_duplicate() => return self.attached(id, &failure).await,
            answer => answer?,
        };
        self.placed(id, job.job_reference.as_ref());
        Ok(job)
    }

    /// Remembers where BigQuery says that a job runs.
    pub(super) fn placed(&self, id: &str, told: Option<&JobReference>) {
        self.locations.tell(id, told.and_then(|reference| reference.location.as_deref()));
    }

    /// The job that was there already.
    pub(super) async fn attached(&self, id: &str, duplicate: &Failure) -> Result<JobResource, WarehouseError> {
        self.locations.tell(id, locations::in_duplicate(&duplicate.message, id));
        tracing::info!(job = id, "attached to the job that is there");
        let found = self.job(id).await?;
        found.ok_or_else(|| WarehouseError::Transient(format!("job {id} is there and cannot be found")))
    }

    /// `…/<parts>` of this project, in the place of a job.
    fn located(&self, id: &str, parts: &[&str]) -> Url {
        let mut url = self.client.url(&self.settings.project, parts);
        if let Some(place) = self.locations.of(id) {
            url.query_pairs_mut().append_pair("location", &place);
        }
        url
    }

    pub(super) async fn job(&self, id: &str) -> Result<Option<JobResource>, WarehouseError> {
        match self.client.get(self.located(id, &["jobs", id])).await {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    pub(super) async fn wait(&self, id: &WarehouseJobId) -> Result<Outcome, WarehouseError> {
        let submitted = self.jobs.lock().get(id).cloned();
        let submitted = submitted.ok_or_else(|| WarehouseError::NotFound(format!("job {}", id.0)))?;
        let ended = self.see_to_end(id, &submitted).await;
        self.jobs.lock().remove(id);
        self.locations.forget(submitted.started.lock().iter());
        match ended {
            Err(_) if submitted.cancelled.load(Ordering::SeqCst) => Err(WarehouseError::Cancelled),
            ended => ended,
        }
    }

    async fn see_to_end(&self, id: &WarehouseJobId, submitted: &Submitted) -> Result<Outcome, WarehouseError> {
        let query = match &submitted.job {
            Job::Load(load) => return self.load(id, load, submitted).await,
            Job::Export(export) => return self.export(id, export, submitted).await,
            Job::Query(query) => Some(query),
            Job::Copy(_) => None,
        };
        let (done, rows) = self.ended(&id.0, submitted, &self.work(submitted)?).await?;
        let mut outcome = outcome::of(&self.settings, &done, rows);
        let Some(query) = query else { return Ok(outcome) };
        outcome.statistics.executed_sql = Some(query.sql.clone());
        if Form::of(&query.sql) == Form::Script {
            self.finish_script(id, query, submitted, &mut outcome).await?;
        }
        if let Some(destination) = &query.destination {
            self.expire_after(destination, done.statistics.end_time).await?;
        }
        Ok(outcome)
    }

    /// Waits for a job's end, running it again where BigQuery failed. The rows of its result with it.
    pub(super) async fn ended(
        &self,
        id: &str,
        submitted: &Submitted,
        work: &Work,
    ) -> Result<(JobResource, Option<i64>), WarehouseError> {
        for run in 0.. {
            let (done, rows) = self.done(&rerun(id, run), work.gives_rows).await?;
            match done.status.failure() {
                None => return Ok((done, rows)),
                Some(error) if is_passing(&error.reason) && work.repeatable && run < RERUNS => {
                    tracing::warn!(job = id, error.message, "BigQuery failed; the job runs again");
                    tokio::time::sleep(self.client.retries().wait(run + 1)).await;
                    self.start(&rerun(id, run + 1), work, submitted).await?;
                }
                Some(error) => return Err(error.into()),
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
        let mut url = self.located(id, &["queries", id]);
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
        let mut ids = vec![id.0.clone()];
        if let Some(submitted) = self.jobs.lock().get(id) {
            submitted.cancelled.store(true, Ordering::SeqCst);
            ids.extend(submitted.started.lock().iter().filter(|part| **part != id.0).cloned());
        }
        for id in ids {
            self.cancel_runs(&id).await?;
        }
        Ok(())
    }

    pub(super) async fn cancel_runs(&self, id: &str) -> Result<(), WarehouseError> {
        for run in 0..=RERUNS {
            let id = rerun(id, run);
            let Some(job) = self.job(&id).await? else { break };
            if job.is_done() {
                continue;
            }
            match self.client.post::<Value>(self.located(&id, &["jobs", &id, "cancel"]), &Value::Null).await {
                Err(failure) if !failure.is_missing() => return Err(failure.into()),
                _ => {}
            }
            // Asked for is not done: a cancelled job may still write.
            self.done(&id, false).await?;
        }
        Ok(())
    }
}

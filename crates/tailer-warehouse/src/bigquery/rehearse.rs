//! A dry run at BigQuery: it reads and binds a statement and says what it would process, and runs nothing.
//!
//! BigQuery does not know the tables that earlier tasks of the same pipeline will make: what it says of a name that the
//! pipeline makes is not a problem.

use super::{
    Inner, read,
    wire::{JobConfiguration, JobResource},
};
use crate::{
    Query, WarehouseError,
    rehearsal::{Overlay, Rehearsed},
};

impl Inner {
    pub(super) async fn rehearse(&self, query: Query, before: Overlay) -> Result<Rehearsed, WarehouseError> {
        let configuration = JobConfiguration {
            query: Some(self.query_configuration(&query)?),
            dry_run: Some(true),
            ..JobConfiguration::default()
        };
        // Without an id: it is no job that anybody asks for later. In its place, so that a place that is none is noticed.
        let body = self.resource("", configuration);
        let url = self.client.url(&self.settings.project, &["jobs"]);
        let answer = match self.client.post::<JobResource>(url, &body).await {
            Ok(job) => match job.status.error_result.clone() {
                Some(error) => Err(error.into()),
                None => Ok(job),
            },
            Err(failure) => Err(WarehouseError::from(failure)),
        };
        match answer {
            Ok(job) => {
                let schema = job.statistics.query.schema;
                let columns = schema.map(|schema| schema.fields.iter().map(read::named).collect());
                Ok(Rehearsed { columns, ..Rehearsed::default() })
            }
            Err(problem @ (WarehouseError::Transient(_) | WarehouseError::Denied(_))) => Err(problem),
            Err(WarehouseError::NotFound(_)) if !before.tables.is_empty() || before.is_open => Ok(Rehearsed::default()),
            Err(problem) => Ok(Rehearsed { problems: vec![problem], ..Rehearsed::default() }),
        }
    }
}

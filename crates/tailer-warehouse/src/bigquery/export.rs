//! Export jobs: the query runs as a job of its own, and its rows come to files either [here](super::rows), as the embedded warehouse writes
//! them and in the order of the query, or, when there are many and BigQuery can write to the bucket, by an [extract
//! job](super::extract).

use super::{
    Inner, Submitted, outcome,
    query::{self, Form},
    wire::{JobResource, Table, TableReference},
};
use crate::{Export, Outcome, Query, TableName, WarehouseError, WarehouseJobId, embedded};

impl Inner {
    pub(super) async fn export(
        &self,
        id: &WarehouseJobId,
        export: &Export,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        embedded::export::check(export)?;
        if Form::of(&export.query.sql) == Form::Effect {
            return Err(no_rows());
        }
        let asked = Query { destination: None, ..export.query.clone() };
        let work = self.query_work(&asked, submitted.labels.clone())?;
        let done = self.run(&id.0, &work, submitted).await?;
        let mut outcome = outcome::of(&self.settings, &done, None);
        outcome.statistics.executed_sql = Some(export.query.sql.clone());
        if let Some((folder, table)) = self.extractable(id, export, &done).await? {
            return self.extract(id, export, folder, table, submitted, outcome).await;
        }
        // It may have run again under another id.
        let ran = done.job_reference.as_ref().map_or(id.0.as_str(), |reference| reference.job_id.as_str());
        let written = self.write_rows(id, ran, export, submitted).await?;
        outcome.statistics.rows = written.statistics.rows;
        outcome.statistics.bytes = written.statistics.bytes;
        Ok(Outcome { files: written.files, ..outcome })
    }

    /// Where BigQuery may write and what, if there is so much that it should.
    async fn extractable<'a>(
        &self,
        id: &WarehouseJobId,
        export: &'a Export,
        done: &JobResource,
    ) -> Result<Option<(&'a str, TableReference)>, WarehouseError> {
        // A star in a name would be one of BigQuery's.
        let folder = export.bucket_folder.as_deref();
        let Some(folder) = folder.filter(|folder| !folder.contains('*') && !export.file_name.contains('*')) else {
            return Ok(None);
        };
        let table = match Form::of(&export.query.sql) {
            Form::Script => self.children(&id.0).await?.iter().rev().find_map(query::rows_of),
            _ => done.configuration.query.as_ref().and_then(|query| query.destination_table.clone()),
        };
        let Some(table) = table else { return Ok(None) };
        let TableReference { project_id, dataset_id, table_id } = &table;
        let url = self.client.url(project_id, &["datasets", dataset_id, "tables", table_id]);
        let bytes = match self.client.get::<Table>(url).await {
            Err(failure) if failure.is_missing() => return Ok(None),
            found => found?.num_bytes.unwrap_or_default(),
        };
        let is_large = u64::try_from(bytes).unwrap_or_default() > self.settings.extract_above;
        Ok(is_large.then_some((folder, table)))
    }
}

pub(super) fn no_rows() -> WarehouseError {
    WarehouseError::Invalid {
        message: "the script's last statement gives no rows to export: it has to be a SELECT".to_owned(),
        line: None,
        column: None,
    }
}

/// The table that rows wait in while they are written here.
pub(super) fn own_table() -> TableName {
    TableName { project: "export".into(), dataset: "export".into(), table: "rows".into(), decorator: None }
}

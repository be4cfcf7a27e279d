//! Loads that one load job cannot do: constant columns added to every row, several files of this machine at once. Each part goes
//! into a table of its own, and one query brings all rows to their place, in one step.
//!
//! Ids are those of the load: what was done before a crash is found again. The table goes when the rows have arrived, and after
//! a day whatever happens.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tailer_model::operation::{
    WriteDisposition,
    ddl::{Field, TableDefinition},
};

use super::{
    Inner, Submitted,
    jobs::Work,
    load::{self, kept_layout, replaces, schema_updates},
    outcome, tables,
    wire::{JobConfiguration, LoadStatistics, QueryConfiguration, Schema},
};
use crate::{Load, LoadSchema, Outcome, TableInfo, TableName, WarehouseError, WarehouseJobId};

/// How long rows wait for a server that died.
const KEPT: Duration = Duration::from_secs(24 * 3600);

impl Inner {
    pub(super) async fn load_through(
        &self,
        id: &WarehouseJobId,
        load: &Load,
        existing: Option<&TableInfo>,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let waiting = waiting_room(&load.table, id);
        let loaded = self.load_waiting(id, load, existing, &waiting, submitted).await;
        if let Err(error) = self.delete(&waiting).await {
            tracing::warn!(table = %waiting, %error, "the table of a load was not dropped; it expires");
        }
        loaded
    }

    async fn load_waiting(
        &self,
        id: &WarehouseJobId,
        load: &Load,
        existing: Option<&TableInfo>,
        waiting: &TableName,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let mut told = LoadStatistics::default();
        for (number, part) in parts(load).iter().enumerate() {
            let mut configuration = load::configuration(load, waiting)?;
            configuration.create_disposition = "CREATE_IF_NEEDED".to_owned();
            configuration.source_uris = part.objects.iter().map(|object| object.location.clone()).collect();
            let work = self.load_work(configuration, part.files.first().map(std::path::PathBuf::as_path), submitted);
            let done = self.run(&format!("{}_p{number}", id.0), &work, submitted).await?;
            add(&mut told, &done.statistics.load);
        }
        let (done, made) = match self.job(&id.0).await? {
            // The rows have been brought already, and what they waited in may be gone.
            Some(_) => (self.ended(&id.0, submitted, &Work::plain(JobConfiguration::default())).await, false),
            None => {
                let fields = self.columns_of(load, waiting).await?;
                let made = existing.is_none();
                if made {
                    self.make_for(load, &fields).await?;
                }
                let configuration = self.bring(load, existing, &fields, waiting, submitted)?;
                (self.run(&id.0, &configuration, submitted).await.map(|done| (done, None)), made)
            }
        };
        let done = match done {
            Ok((done, _)) => done,
            Err(error) => {
                if made {
                    self.delete(&load.table.without_decorator()).await?;
                }
                return Err(error);
            }
        };
        let mut outcome = outcome::of(&self.settings, &done, None);
        let positive = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        outcome.statistics.rows = positive(told.output_rows);
        outcome.statistics.bytes = positive(told.input_file_bytes);
        outcome.statistics.rejected_rows = positive(told.bad_records).unwrap_or_default();
        Ok(outcome)
    }

    /// The columns that the table gets: what waits, as the load declares it, and the constants.
    async fn columns_of(&self, load: &Load, waiting: &TableName) -> Result<Vec<Field>, WarehouseError> {
        let expires = jiff::Timestamp::now().as_millisecond().saturating_add(KEPT.as_millis().try_into().unwrap_or(0));
        let url = self.table_url(waiting)?;
        self.client.patch::<Value>(url, &json!({ "expirationTime": expires.to_string() })).await?;
        let mut fields = match &load.schema {
            LoadSchema::Given(fields) => fields.clone(),
            LoadSchema::Header | LoadSchema::Autodetect => {
                let found = self.table(waiting).await?;
                found.ok_or_else(|| WarehouseError::NotFound(waiting.to_string()))?.definition.schema
            }
        };
        fields.extend(load.added_columns.iter().map(|(field, _)| field.clone()));
        Ok(fields)
    }

    /// Makes the table before the rows come, with all that a query cannot say of its columns.
    async fn make_for(&self, load: &Load, fields: &[Field]) -> Result<(), WarehouseError> {
        let definition = TableDefinition {
            schema: fields.to_vec(),
            description: load.description.clone(),
            ..TableDefinition::default()
        };
        match self.create(&load.table.without_decorator(), &definition).await {
            Err(WarehouseError::AlreadyExists(_)) => Ok(()),
            made => made,
        }
    }

    /// The query that brings the rows to their place.
    fn bring(
        &self,
        load: &Load,
        existing: Option<&TableInfo>,
        fields: &[Field],
        waiting: &TableName,
        submitted: &Submitted,
    ) -> Result<Work, WarehouseError> {
        load.table.check()?;
        let schema = Schema { fields: fields.iter().map(tables::column).collect() };
        let differs = existing.is_some_and(|table| !same_columns(&table.definition.schema, fields));
        let disposition = match load.options.write_disposition {
            // Whoever keeps the columns keeps all that is known of them.
            WriteDisposition::Truncate if !differs => "WRITE_TRUNCATE_DATA",
            other => other.as_str(),
        };
        let kept = existing.filter(|_| differs).map(|table| kept_layout(table, replaces(load).then_some(&schema)));
        let kept = kept.unwrap_or_default();
        let query = QueryConfiguration {
            query: selected(load, fields, waiting),
            use_legacy_sql: false,
            destination_table: Some((&load.table).into()),
            create_disposition: Some("CREATE_NEVER".to_owned()),
            write_disposition: Some(disposition.to_owned()),
            schema_update_options: schema_updates(load),
            time_partitioning: kept.time_partitioning,
            range_partitioning: kept.range_partitioning,
            clustering: kept.clustering,
            maximum_bytes_billed: self.settings.maximum_bytes_billed.and_then(|bytes| i64::try_from(bytes).ok()),
            ..QueryConfiguration::default()
        };
        let labels = submitted.labels.clone();
        Ok(Work::plain(JobConfiguration { query: Some(query), labels, ..JobConfiguration::default() }))
    }
}

/// All objects in one job, every file in one of its own.
fn parts(load: &Load) -> Vec<Load> {
    let mut parts = Vec::new();
    if !load.objects.is_empty() {
        parts.push(Load { files: Vec::new(), ..load.clone() });
    }
    parts.extend(load.files.iter().map(|file| Load { files: vec![file.clone()], objects: Vec::new(), ..load.clone() }));
    parts
}

fn add(sum: &mut LoadStatistics, part: &LoadStatistics) {
    let added = |sum: Option<i64>, part: Option<i64>| sum.unwrap_or_default().checked_add(part.unwrap_or_default());
    sum.input_file_bytes = added(sum.input_file_bytes, part.input_file_bytes);
    sum.output_rows = added(sum.output_rows, part.output_rows);
    sum.bad_records = added(sum.bad_records, part.bad_records);
}

/// Beside the table that the rows are for, by a name that nobody else has.
fn waiting_room(table: &TableName, id: &WarehouseJobId) -> TableName {
    let mut name = "_tailer_load_".to_owned();
    for byte in Sha256::digest(&id.0).iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    TableName { table: name, ..table.without_decorator() }
}

fn selected(load: &Load, fields: &[Field], waiting: &TableName) -> String {
    let plain = fields.len().saturating_sub(load.added_columns.len());
    let mut columns: Vec<String> = fields.iter().take(plain).map(|field| name(&field.name)).collect();
    let constants = load.added_columns.iter().map(|(field, value)| {
        format!("CAST({} AS {}) AS {}", literal(value), field.field_type.as_str(), name(&field.name))
    });
    columns.extend(constants);
    let TableName { project, dataset, table, .. } = waiting;
    format!("SELECT {} FROM `{project}`.`{dataset}`.`{table}`", columns.join(", "))
}

fn name(column: &str) -> String {
    format!("`{}`", column.replace('`', "\\`"))
}

fn literal(text: &str) -> String {
    let mut written = "'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => written.extend(['\\', c]),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            other => written.push(other),
        }
    }
    written + "'"
}

fn same_columns(known: &[Field], fields: &[Field]) -> bool {
    known.len() == fields.len()
        && known.iter().zip(fields).all(|(known, field)| {
            known.name == field.name
                && known.field_type == field.field_type
                && known.mode == field.mode
                && same_columns(&known.fields, &field.fields)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_literals() {
        assert_eq!(literal("it's a\\b\nc"), "'it\\'s a\\\\b\\nc'");
    }

    #[test]
    fn a_load_has_a_waiting_room_of_its_own() {
        let table = TableName::new("p-1", "d", "t$20240101").unwrap();
        let room = |id: &str| waiting_room(&table, &WarehouseJobId(id.to_owned()));
        assert_eq!(room("a"), room("a"));
        assert_ne!(room("a"), room("b"));
        assert!(room("a").check().is_ok() && room("a").decorator.is_none());
    }
}

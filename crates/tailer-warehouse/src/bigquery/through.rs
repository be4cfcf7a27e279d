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
    ddl::{Field, FieldType, Mode},
};

use super::{
    Inner, Submitted,
    jobs::Work,
    load::{self, kept_layout, replaces, schema_updates},
    outcome, tables,
    wire::{JobConfiguration, JobResource, LoadStatistics, QueryConfiguration, Schema},
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
        let brought = match existing {
            None => self.bring_to_new(id, load, waiting, submitted).await,
            existing => self.bring(&id.0, load, existing, waiting, submitted).await,
        };
        let done = match brought {
            // Another server made the table meanwhile. Asked again after a crash, too: this may be as far as it was then.
            Err(WarehouseError::AlreadyExists(_)) => {
                let made = self.table(&load.table).await?;
                self.bring(&format!("{}_again", id.0), load, made.as_ref(), waiting, submitted).await?
            }
            brought => brought?,
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

    /// Brings the rows to a table that was not there. Several loads may want to make it: one does, and the others fill it.
    async fn bring_to_new(
        &self,
        id: &WarehouseJobId,
        load: &Load,
        waiting: &TableName,
        submitted: &Submitted,
    ) -> Result<JobResource, WarehouseError> {
        let turn = self.turn(load.table.without_decorator());
        let made_by_one = turn.lock().await;
        let existing = self.table(&load.table).await?;
        if existing.is_some() {
            drop(made_by_one);
        }
        self.bring(&id.0, load, existing.as_ref(), waiting, submitted).await
    }

    /// Brings the rows to their place, or finds that it was done.
    async fn bring(
        &self,
        id: &str,
        load: &Load,
        existing: Option<&TableInfo>,
        waiting: &TableName,
        submitted: &Submitted,
    ) -> Result<JobResource, WarehouseError> {
        let fields = match self.columns_of(load, waiting).await {
            // It was done, and what the rows waited in is gone.
            Err(WarehouseError::NotFound(_)) if self.job(id).await?.is_some() => {
                let work = Work { gives_rows: true, ..Work::plain(JobConfiguration::default()) };
                return Ok(self.ended(id, submitted, &work).await?.0);
            }
            fields => fields?,
        };
        let query = match existing {
            None if load.table.decorator.is_none() => making(load, &fields, waiting),
            existing => filling(load, existing, &fields, waiting),
        };
        let maximum_bytes_billed = self.settings.maximum_bytes_billed.and_then(|bytes| i64::try_from(bytes).ok());
        let query = QueryConfiguration { maximum_bytes_billed, ..query };
        let labels = submitted.labels.clone();
        let configuration = JobConfiguration { query: Some(query), labels, ..JobConfiguration::default() };
        self.run(id, &Work { gives_rows: true, ..Work::plain(configuration) }, submitted).await
    }
}

/// Makes the table with all that is known of its columns, and its rows with it.
fn making(load: &Load, fields: &[Field], waiting: &TableName) -> QueryConfiguration {
    let columns: Vec<String> = fields.iter().map(|field| column(field, true)).collect();
    let described = load.description.as_ref().map(|text| format!("\nOPTIONS(description={})", literal(text)));
    let TableName { project, dataset, table, .. } = &load.table;
    let query = format!(
        "CREATE TABLE `{project}`.`{dataset}`.`{table}` (\n  {}\n){}\nAS {}",
        columns.join(",\n  "),
        described.unwrap_or_default(),
        selected(load, fields, waiting)
    );
    QueryConfiguration { query, ..QueryConfiguration::default() }
}

/// Adds rows to a table that is there, or replaces what is in it.
fn filling(load: &Load, existing: Option<&TableInfo>, fields: &[Field], waiting: &TableName) -> QueryConfiguration {
    let schema = Schema { fields: fields.iter().map(tables::column).collect() };
    let differs = existing.is_some_and(|table| !same_columns(&table.definition.schema, fields));
    let disposition = match load.options.write_disposition {
        // Whoever keeps the columns keeps all that is known of them.
        WriteDisposition::Truncate if !differs && load.table.decorator.is_none() => "WRITE_TRUNCATE_DATA",
        other => other.as_str(),
    };
    let kept = existing.filter(|_| differs).map(|table| kept_layout(table, replaces(load).then_some(&schema)));
    let kept = kept.unwrap_or_default();
    QueryConfiguration {
        query: selected(load, fields, waiting),
        destination_table: Some((&load.table).into()),
        create_disposition: Some("CREATE_IF_NEEDED".to_owned()),
        write_disposition: Some(disposition.to_owned()),
        schema_update_options: schema_updates(load),
        time_partitioning: kept.time_partitioning,
        range_partitioning: kept.range_partitioning,
        clustering: kept.clustering,
        ..QueryConfiguration::default()
    }
}

/// A column as SQL declares it; members of a STRUCT have no `NOT NULL` that a query could keep.
fn column(field: &Field, is_outer: bool) -> String {
    let mut written = format!("{} {}", name(&field.name), type_of(field));
    if is_outer && field.mode == Mode::Required {
        written.push_str(" NOT NULL");
    }
    if let Some(description) = &field.description {
        let _ = write!(written, " OPTIONS(description={})", literal(description));
    }
    written
}

fn type_of(field: &Field) -> String {
    let element = match field.field_type {
        FieldType::Record => {
            let members: Vec<String> = field.fields.iter().map(|member| column(member, false)).collect();
            format!("STRUCT<{}>", members.join(", "))
        }
        other => other.as_str().to_owned(),
    };
    if field.mode == Mode::Repeated { format!("ARRAY<{element}>") } else { element }
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
    fn columns_are_declared_with_all_that_is_known() {
        let field = |name: &str, field_type, mode, fields| Field {
            name: name.to_owned(),
            field_type,
            mode,
            description: Some("It's".to_owned()),
            fields,
        };
        let inner = Field { description: None, ..field("x", FieldType::Int64, Mode::Required, Vec::new()) };
        let outer = field("rows", FieldType::Record, Mode::Repeated, vec![inner]);
        assert_eq!(column(&outer, true), "`rows` ARRAY<STRUCT<`x` INT64>> OPTIONS(description='It\\'s')");
        let key = field("key", FieldType::String, Mode::Required, Vec::new());
        assert_eq!(column(&key, true), "`key` STRING NOT NULL OPTIONS(description='It\\'s')");
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

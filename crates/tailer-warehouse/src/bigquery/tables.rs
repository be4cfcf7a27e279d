//! Tables and datasets: described, listed, made, dropped. A partition is deleted by its decorator.

use jiff::Timestamp;
use reqwest::Url;
use serde_json::{Value, json};
use tailer_model::operation::ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition};

use super::{
    Inner,
    wire::{
        Clustering, Dataset, DatasetReference, FieldSchema, Range, RangePartitioning, Schema, Table, TableList,
        TableReference, TimePartitioning,
    },
};
use crate::{Destination, TableInfo, TableName, WarehouseError};

impl From<&TableName> for TableReference {
    fn from(name: &TableName) -> Self {
        let table_id = match &name.decorator {
            Some(decorator) => format!("{}${decorator}", name.table),
            None => name.table.clone(),
        };
        Self { project_id: name.project.clone(), dataset_id: name.dataset.clone(), table_id }
    }
}

/// Without its decorator.
impl From<&TableReference> for TableName {
    fn from(reference: &TableReference) -> Self {
        let table = reference.table_id.split('$').next().unwrap_or_default().to_owned();
        let TableReference { project_id, dataset_id, .. } = reference;
        Self { project: project_id.clone(), dataset: dataset_id.clone(), table, decorator: None }
    }
}

impl Inner {
    pub(super) fn table_url(&self, table: &TableName) -> Result<Url, WarehouseError> {
        table.check()?;
        let TableReference { project_id, dataset_id, table_id } = table.into();
        Ok(self.client.url(&project_id, &["datasets", &dataset_id, "tables", &table_id]))
    }

    pub(super) async fn table(&self, table: &TableName) -> Result<Option<TableInfo>, WarehouseError> {
        let name = table.without_decorator();
        match self.client.get::<Table>(self.table_url(&name)?).await {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => Ok(Some(info(name, answer?))),
        }
    }

    pub(super) async fn tables(&self, project: &str, dataset: &str) -> Result<Vec<String>, WarehouseError> {
        let (mut all, mut page) = (Vec::new(), None::<String>);
        loop {
            let mut url = self.client.url(project, &["datasets", dataset, "tables"]);
            url.query_pairs_mut().append_pair("maxResults", "1000");
            if let Some(token) = &page {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let list: TableList = match self.client.get(url).await {
                Err(failure) if failure.is_missing() => return Ok(Vec::new()),
                answer => answer?,
            };
            all.extend(list.tables.into_iter().map(|table| table.table_reference.table_id));
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                all.sort_unstable();
                return Ok(all);
            }
        }
    }

    pub(super) async fn create(&self, table: &TableName, definition: &TableDefinition) -> Result<(), WarehouseError> {
        table.check()?;
        self.ensure_dataset(table).await?;
        let body = described(table, definition);
        let url = self.client.url(&table.project, &["datasets", &table.dataset, "tables"]);
        self.client.post::<Value>(url, &body).await?;
        Ok(())
    }

    /// Deletes a table or, with a decorator, a partition; a missing one is no error.
    pub(super) async fn delete(&self, table: &TableName) -> Result<(), WarehouseError> {
        match self.client.delete(self.table_url(table)?).await {
            Err(failure) if !failure.is_missing() => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// Makes a missing dataset where the settings allow.
    pub(super) async fn ensure_dataset(&self, table: &TableName) -> Result<(), WarehouseError> {
        if !self.settings.create_datasets {
            return Ok(());
        }
        if self.has_dataset(table).await? {
            return Ok(());
        }
        let turn = self.turn(TableName { table: String::new(), ..table.without_decorator() });
        let _made_by_one = turn.lock().await;
        if self.has_dataset(table).await? {
            return Ok(());
        }
        let dataset = Dataset {
            dataset_reference: DatasetReference {
                project_id: table.project.clone(),
                dataset_id: table.dataset.clone(),
            },
            location: self.locations.of_all().map(str::to_owned),
        };
        match self.client.post::<Value>(self.client.url(&table.project, &["datasets"]), &dataset).await {
            Err(failure) if !failure.is_duplicate() => Err(failure.into()),
            _ => Ok(()),
        }
    }

    /// Where the dataset of a table is; `None` when there is none.
    pub(super) async fn place_of(&self, table: &TableName) -> Result<Option<String>, WarehouseError> {
        let url = self.client.url(&table.project, &["datasets", &table.dataset]);
        match self.client.get::<Dataset>(url).await {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => Ok(answer?.location),
        }
    }

    async fn has_dataset(&self, table: &TableName) -> Result<bool, WarehouseError> {
        let url = self.client.url(&table.project, &["datasets", &table.dataset]);
        match self.client.get::<Dataset>(url).await {
            Err(failure) if failure.is_missing() => Ok(false),
            answer => Ok(answer.map(|_| true)?),
        }
    }

    /// Sets when a temporary table goes, counted from the end of the job that made it: the same each time it is said.
    pub(super) async fn expire_after(
        &self,
        destination: &Destination,
        ended: Option<i64>,
    ) -> Result<(), WarehouseError> {
        let (Some(after), Some(ended)) = (destination.expires_after, ended) else { return Ok(()) };
        let at = ended.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        let url = self.table_url(&destination.table.without_decorator())?;
        self.client.patch::<Value>(url, &json!({ "expirationTime": at.to_string() })).await?;
        Ok(())
    }
}

pub(super) fn described(name: &TableName, definition: &TableDefinition) -> Table {
    let mut table = Table {
        table_reference: (&name.without_decorator()).into(),
        schema: Some(Schema { fields: definition.schema.iter().map(column).collect() }),
        description: definition.description.clone(),
        require_partition_filter: definition.require_partition_filter.then_some(true),
        ..Table::default()
    };
    if !definition.clustering.is_empty() {
        table.clustering = Some(Clustering { fields: definition.clustering.clone() });
    }
    match &definition.partitioning {
        Some(Partitioning::Time { field, unit, expiration_ms }) => {
            table.time_partitioning = Some(TimePartitioning {
                unit: unit.as_str().to_owned(),
                field: field.clone(),
                expiration_ms: expiration_ms.and_then(|ms| i64::try_from(ms).ok()),
            });
        }
        Some(Partitioning::Range { field, start, end, interval }) => {
            let range = Range { start: Some(*start), end: Some(*end), interval: Some(*interval) };
            table.range_partitioning = Some(RangePartitioning { field: field.clone(), range });
        }
        None => {}
    }
    table
}

/// A column as the API writes it.
pub(super) fn column(field: &Field) -> FieldSchema {
    FieldSchema {
        name: field.name.clone(),
        field_type: field.field_type.as_str().to_owned(),
        mode: Some(field.mode.as_str().to_owned()),
        description: field.description.clone(),
        fields: field.fields.iter().map(column).collect(),
    }
}

pub(super) fn info(name: TableName, table: Table) -> TableInfo {
    let partitioning = match (table.time_partitioning, table.range_partitioning) {
        (Some(time), _) => Some(Partitioning::Time {
            field: time.field,
            unit: time.unit.parse::<PartitionUnit>().unwrap_or_default(),
            expiration_ms: time.expiration_ms.and_then(|ms| u64::try_from(ms).ok()),
        }),
        (None, Some(RangePartitioning { field, range })) => Some(Partitioning::Range {
            field,
            start: range.start.unwrap_or_default(),
            end: range.end.unwrap_or_default(),
            interval: range.interval.unwrap_or(1),
        }),
        (None, None) => None,
    };
    let definition = TableDefinition {
        description: table.description.filter(|text| !text.is_empty()),
        schema: table.schema.unwrap_or_default().fields.into_iter().map(field).collect(),
        clustering: table.clustering.unwrap_or_default().fields,
        partitioning,
        require_partition_filter: table.require_partition_filter.unwrap_or_default(),
    };
    let rows = table.num_rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or_default();
    let expires = table.expiration_time.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    TableInfo { name, definition, rows, expires }
}

/// A column as the API tells it: by the older names of types.
pub(super) fn field(column: FieldSchema) -> Field {
    Field {
        field_type: field_type(&column.field_type),
        mode: column.mode.as_deref().and_then(|mode| mode.parse().ok()).unwrap_or(Mode::Nullable),
        description: column.description.filter(|text| !text.is_empty()),
        fields: column.fields.into_iter().map(field).collect(),
        name: column.name,
    }
}

/// Types that tailerd does not know, such as RANGE, are read as text.
pub(super) fn field_type(name: &str) -> FieldType {
    match name {
        "INTEGER" => FieldType::Int64,
        "FLOAT" => FieldType::Float64,
        "BOOLEAN" => FieldType::Bool,
        "STRUCT" => FieldType::Record,
        other => other.parse().unwrap_or(FieldType::String),
    }
}

//! Datasets and tables for people who look through them: `datasets.list`, `tables.list`, `tables.get` and `tabledata.list`, none of
//! which is paid for.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use reqwest::Url;

use super::{
    Inner, read, tables,
    wire::{DatasetList, FieldSchema, Table, TableData, TableList},
};
use crate::{Count, Listed, Rows, TableDescription, TableKind, TableName, WarehouseError};

/// Tables asked for at once.
const AT_ONCE: usize = 8;

/// Entries of a page: as many as BigQuery gives.
const PAGE: &str = "1000";

impl Inner {
    pub(super) async fn datasets(&self, project: &str) -> Result<Vec<String>, WarehouseError> {
        crate::names::check_project(project)?;
        let (mut all, mut page) = (Vec::new(), None::<String>);
        loop {
            let url = paged(self.client.url(project, &["datasets"]), page.as_deref());
            let list: DatasetList = match self.client.get(url).await {
                Err(failure) if failure.is_missing() => return Ok(Vec::new()),
                answer => answer?,
            };
            all.extend(list.datasets.into_iter().map(|dataset| dataset.dataset_reference.dataset_id));
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                all.sort_unstable();
                return Ok(all);
            }
        }
    }

    pub(super) async fn list(&self, project: &str, dataset: &str) -> Result<Vec<Listed>, WarehouseError> {
        crate::names::check_project(project)?;
        crate::names::check_dataset(dataset)?;
        let (mut all, mut page) = (Vec::new(), None::<String>);
        loop {
            let url = paged(self.client.url(project, &["datasets", dataset, "tables"]), page.as_deref());
            let list: TableList = match self.client.get(url).await {
                Err(failure) if failure.is_missing() => return Ok(Vec::new()),
                answer => answer?,
            };
            all.extend(list.tables.into_iter().filter_map(|table| {
                // Models have names among those of tables, and nothing that could be shown.
                Some(Listed { kind: kind(&table)?, name: table.table_reference.table_id })
            }));
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
                return Ok(all);
            }
        }
    }

    pub(super) async fn descriptions(&self, wanted: &[TableName]) -> Result<Vec<TableDescription>, WarehouseError> {
        let asked = wanted.iter().map(|table| self.describe_one(table.without_decorator())).collect::<Vec<_>>();
        let found: Vec<Option<TableDescription>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn describe_one(&self, name: TableName) -> Result<Option<TableDescription>, WarehouseError> {
        match self.client.get::<Table>(self.table_url(&name)?).await {
            Err(failure) if failure.is_missing() => Ok(None),
            answer => Ok(description(name, answer?)),
        }
    }

    pub(super) async fn preview(
        &self,
        table: &TableName,
        columns: &[String],
        limit: usize,
    ) -> Result<Rows, WarehouseError> {
        let name = table.without_decorator();
        let missing = || WarehouseError::NotFound(format!("table {name}"));
        let url = self.table_url(&name)?;
        let found = match self.client.get::<Table>(url.clone()).await {
            Err(failure) if failure.is_missing() => return Err(missing()),
            answer => answer?,
        };
        let kind = kind(&found).unwrap_or(TableKind::View);
        if !kind.has_rows() {
            let what = format!("showing rows of a {}", kind.as_str());
            return Err(WarehouseError::Unsupported { what, line: None, column: None });
        }
        let all = found.schema.unwrap_or_default().fields;
        let wanted: Vec<FieldSchema> = all.iter().filter(|field| columns.contains(&field.name)).cloned().collect();
        if wanted.is_empty() {
            return Ok(Rows::default());
        }
        let mut url = url;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push("data");
        }
        let names: Vec<&str> = wanted.iter().map(|field| field.name.as_str()).collect();
        url.query_pairs_mut()
            .append_pair("maxResults", &limit.to_string())
            .append_pair("selectedFields", &names.join(","))
            .append_pair("formatOptions.useInt64Timestamp", "true");
        let data: TableData = match self.client.get(url).await {
            Err(failure) if failure.is_missing() => return Err(missing()),
            answer => answer?,
        };
        let rows = data.rows.iter().take(limit).map(|row| {
            let cells = read::cells(row, &wanted);
            // Emulators send all columns whatever was asked for.
            if row.get("f").and_then(serde_json::Value::as_array).is_some_and(|cells| cells.len() == all.len()) {
                let pairs = all.iter().zip(read::cells(row, &all));
                return pairs.filter(|(field, _)| columns.contains(&field.name)).map(|(_, cell)| cell).collect();
            }
            cells
        });
        Ok(Rows { rows: rows.collect(), columns: wanted.iter().map(read::named).collect(), cost: None })
    }
}

fn paged(mut url: Url, token: Option<&str>) -> Url {
    let mut pairs = url.query_pairs_mut();
    pairs.append_pair("maxResults", PAGE);
    if let Some(token) = token {
        pairs.append_pair("pageToken", token);
    }
    drop(pairs);
    url
}

fn kind(table: &Table) -> Option<TableKind> {
    match table.kind.as_deref() {
        None | Some("TABLE") => Some(TableKind::Table),
        Some("VIEW") => Some(TableKind::View),
        Some("MATERIALIZED_VIEW") => Some(TableKind::MaterializedView),
        Some("EXTERNAL") => Some(TableKind::External),
        Some("SNAPSHOT") => Some(TableKind::Snapshot),
        Some(_) => None,
    }
}

fn description(name: TableName, table: Table) -> Option<TableDescription> {
    let kind = kind(&table)?;
    // Of what has no rows of its own BigQuery says that there are none.
    let count = |number: Option<i64>| {
        number.filter(|_| kind.has_rows()).and_then(|number| u64::try_from(number).ok()).map(Count::Exact)
    };
    let at = |ms: Option<i64>| ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let (rows, bytes) = (count(table.num_rows), count(table.num_bytes));
    let (created, modified) = (at(table.creation_time), at(table.last_modified_time));
    let info = tables::info(name, table);
    Some(TableDescription {
        name: info.name,
        kind,
        definition: info.definition,
        rows,
        bytes,
        created,
        modified,
        expires: info.expires,
    })
}

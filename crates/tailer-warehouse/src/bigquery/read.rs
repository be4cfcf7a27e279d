//! Rows of a query for people, expectations and tests: pages of results, typed by the schema they come with, in the form that
//! `tailerd sql --batch` prints.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    Inner, labels, outcome,
    query::Form,
    tables,
    wire::{FieldSchema, JobConfiguration, QueryResults},
};
use crate::{Column, Query, Rows, WarehouseError};
use tailer_model::operation::ddl::FieldType;

/// Rows of a page; BigQuery ends a page at about 10 MB whatever is asked for.
pub(super) const PAGE: usize = 10_000;

impl Inner {
    /// Under a random id: what is lost on the way is not sent twice, and nobody else takes the result.
    /// Whoever does not wait for the end has it cancelled.
    pub(super) async fn read(
        self: &Arc<Self>,
        query: Query,
        limit: usize,
        labels: &BTreeMap<String, String>,
    ) -> Result<Rows, WarehouseError> {
        let id = format!("tailer_read_{}", uuid::Uuid::new_v4().simple());
        let configuration = JobConfiguration {
            query: Some(self.query_configuration(&query)?),
            labels: labels::sanitized(labels),
            ..JobConfiguration::default()
        };
        let mut reading = Reading { inner: Arc::clone(self), id: id.clone(), is_over: false };
        self.insert(&id, configuration).await?;
        let (done, _) = self.done(&id, true).await?;
        reading.is_over = true;
        if let Some(error) = done.status.error_result {
            return Err(error.into());
        }
        if Form::of(&query.sql) == Form::Effect {
            return Ok(Rows::default());
        }
        let mut rows = Rows { cost: outcome::cost(&self.settings, &done), ..Rows::default() };
        let mut page = None::<String>;
        loop {
            let results = self.page(&id, page.as_deref(), limit.saturating_sub(rows.rows.len())).await?;
            let fields = results.schema.unwrap_or_default().fields;
            if rows.columns.is_empty() {
                rows.columns = fields.iter().map(named).collect();
            }
            for row in results.rows {
                rows.rows.push(cells(&row, &fields));
            }
            page = results.page_token.filter(|token| !token.is_empty());
            if page.is_none() || rows.rows.len() >= limit {
                break;
            }
        }
        rows.rows.truncate(limit);
        Ok(rows)
    }

    pub(super) async fn page(
        &self,
        id: &str,
        token: Option<&str>,
        most: usize,
    ) -> Result<QueryResults, WarehouseError> {
        let mut url = self.client.url(&self.settings.project, &["queries", id]);
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("maxResults", &most.min(PAGE).to_string());
            pairs.append_pair("formatOptions.useInt64Timestamp", "true");
            if let Some(location) = self.locations.of(id) {
                pairs.append_pair("location", &location);
            }
            if let Some(token) = token {
                pairs.append_pair("pageToken", token);
            }
        }
        Ok(self.client.get(url).await?)
    }
}

/// A job that somebody reads from.
struct Reading {
    inner: Arc<Inner>,
    id: String,
    is_over: bool,
}

impl Drop for Reading {
    fn drop(&mut self) {
        let (inner, id) = (Arc::clone(&self.inner), std::mem::take(&mut self.id));
        if self.is_over {
            inner.locations.forget([&id]);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = inner.cancel_runs(&id).await {
                    tracing::warn!(job = id, %error, "a query that nobody waits for was not cancelled");
                }
                inner.locations.forget([&id]);
            });
        }
    }
}

/// A column with its type as it is written in SQL.
pub(super) fn named(field: &FieldSchema) -> Column {
    Column { name: field.name.clone(), column_type: type_name(field) }
}

fn type_name(field: &FieldSchema) -> String {
    let inner = match tables::field_type(&field.field_type) {
        FieldType::Record => {
            let members: Vec<_> = field.fields.iter().map(|f| format!("{} {}", f.name, type_name(f))).collect();
            format!("STRUCT<{}>", members.join(", "))
        }
        other => other.as_str().to_owned(),
    };
    if field.mode.as_deref() == Some("REPEATED") { format!("ARRAY<{inner}>") } else { inner }
}

/// `{"f": [{"v": …}, …]}`
pub(super) fn cells(row: &Value, fields: &[FieldSchema]) -> Vec<Value> {
    let cells = row.get("f").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    cells.iter().zip(fields).map(|(cell, field)| value(cell.get("v").unwrap_or(&Value::Null), field)).collect()
}

fn value(written: &Value, field: &FieldSchema) -> Value {
    match written {
        Value::Array(items) if field.mode.as_deref() == Some("REPEATED") => {
            items.iter().map(|item| scalar(item.get("v").unwrap_or(&Value::Null), field)).collect()
        }
        other => scalar(other, field),
    }
}

fn scalar(written: &Value, field: &FieldSchema) -> Value {
    let Some(text) = written.as_str() else {
        return if written.is_object() { Value::Array(cells(written, &field.fields)) } else { written.clone() };
    };
    let parsed = match tables::field_type(&field.field_type) {
        FieldType::Int64 => text.parse::<i64>().ok().map(Value::from),
        FieldType::Float64 => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        FieldType::Bool => text.parse::<bool>().ok().map(Value::from),
        FieldType::Timestamp => timestamp(text),
        _ => None,
    };
    parsed.unwrap_or_else(|| json!(text))
}

fn timestamp(text: &str) -> Option<Value> {
    let at = jiff::Timestamp::from_microsecond(microseconds(text)?).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Some(json!(format!("{} {}+00", at.date(), at.time())))
}

/// Microseconds since 1970, or seconds with a fraction from servers that know no other form.
pub(super) fn microseconds(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(microseconds) => Some(microseconds),
        Err(_) => {
            let (seconds, fraction) = text.split_once('.')?;
            let part: i64 = fraction.get(..fraction.len().min(6)).and_then(|f| format!("{f:0<6}").parse().ok())?;
            let part = if seconds.starts_with('-') { -part } else { part };
            seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
        }
    }
}

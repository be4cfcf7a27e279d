//! What a finished job of BigQuery tells of itself, its price with it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    BigQuerySettings,
    wire::{JobResource, TableReference},
};
use crate::{Outcome, Statistics};

const TIB: f64 = (1_u64 << 40) as f64;

/// So many of the bad lines of a load are kept.
const SHOWN_ERRORS: usize = 100;

/// `rows`: of its result, where it has one.
pub(super) fn of(settings: &BigQuerySettings, job: &JobResource, rows: Option<i64>) -> Outcome {
    let statistics = &job.statistics;
    let query = &statistics.query;
    let time = |milliseconds: Option<i64>| milliseconds.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let positive = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok());
    let mut told = Statistics {
        rows: positive(query.num_dml_affected_rows.or(statistics.load.output_rows).or(rows)),
        bytes: positive(statistics.load.input_file_bytes.or(statistics.total_bytes_processed)),
        rejected_rows: positive(statistics.load.bad_records).unwrap_or_default(),
        started: time(statistics.start_time),
        ended: time(statistics.end_time),
        ..Statistics::default()
    };
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.more.insert(name.to_owned(), value);
        }
    };
    tell("bytes_processed", statistics.total_bytes_processed.map(Value::from));
    tell("bytes_billed", query.total_bytes_billed.map(Value::from));
    tell("slot_milliseconds", statistics.total_slot_ms.map(Value::from));
    tell("cache_hit", query.cache_hit.map(Value::from));
    let warned: Vec<&str> = job.status.errors.iter().take(SHOWN_ERRORS).map(|error| error.message.as_str()).collect();
    tell("warnings", (!warned.is_empty()).then(|| json!(warned)));
    let tables: Vec<String> = query.referenced_tables.iter().map(shown).collect();
    tell("referenced_tables", (!tables.is_empty()).then(|| json!(tables)));
    tell("cost", cost(settings, job).map(Value::from));
    if let Some(reference) = &job.job_reference {
        tell("warehouse_job_id", Some(json!(reference.job_id)));
        let location = reference.location.as_deref().unwrap_or("US");
        let link = format!(
            "https://console.cloud.google.com/bigquery?project={project}&j=bq:{location}:{job}&page=queryresults",
            project = reference.project_id,
            job = reference.job_id
        );
        tell("console_link", settings.endpoint.is_none().then(|| json!(link)));
    }
    Outcome { statistics: told, ..Outcome::default() }
}

/// In the currency of the price; `None` without one.
pub(super) fn cost(settings: &BigQuerySettings, job: &JobResource) -> Option<f64> {
    priced(settings.price_per_tib, job.statistics.query.total_bytes_billed)
}

/// Adds what another job for the same statement has cost.
pub(super) fn add_cost(outcome: &mut Outcome, settings: &BigQuerySettings, job: &JobResource) {
    if let Some(more) = cost(settings, job) {
        let before = outcome.statistics.more.get("cost").and_then(Value::as_f64).unwrap_or_default();
        outcome.statistics.more.insert("cost".to_owned(), json!(before + more));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a price needs no more than 53 bits of bytes")]
fn priced(price_per_tib: Option<f64>, billed: Option<i64>) -> Option<f64> {
    Some(price_per_tib? * billed? as f64 / TIB)
}

fn shown(table: &TableReference) -> String {
    format!("{}.{}.{}", table.project_id, table.dataset_id, table.table_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_price() {
        assert_eq!(priced(Some(6.25), Some(1 << 40)), Some(6.25));
        assert_eq!(priced(Some(6.25), Some(1 << 39)), Some(3.125));
        assert_eq!(priced(None, Some(1)), None);
        assert_eq!(priced(Some(6.25), None), None);
    }
}

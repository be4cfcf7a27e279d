//! Listings of runs, newest start first. Each combination of filters that the API offers is served by an index in the order
//! asked for: a listing reads about as many rows as it answers.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tailer_model::{AccountId, ConfigurationType, Environment, JobId, RunStatus};

use super::{COLUMNS, RunRow, read};
use crate::{StoreError, Tx, configurations::ConfigurationKey, tx::Value};

/// Which runs to list. The default is every run, of which `limit` 0 answers none.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub account: Option<AccountId>,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub configuration: Option<ConfigurationKey>,
    pub job_id: Option<JobId>,
    pub status: Option<RunStatus>,
    /// The UTC day on which the run started.
    pub started_on: Option<Date>,
    pub limit: u32,
}

/// Lists runs, newest start first, then newest created.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError> {
    let (sql, params) = statement(filter)?;
    tx.query(&sql, &params, read)
}

fn statement(filter: &RunFilter) -> Result<(String, Vec<Value<'_>>), StoreError> {
    let day = filter.started_on.map(bounds).transpose()?;
    let conditions: [(&str, Option<Value<'_>>); 8] = [
        ("account =", filter.account.as_ref().map(Value::from)),
        ("environment =", filter.environment.map(Value::from)),
        ("configuration_type =", filter.configuration_type.map(Value::from)),
        ("configuration =", filter.configuration.map(Value::from)),
        ("job_id =", filter.job_id.as_ref().map(Value::from)),
        ("status =", filter.status.map(Value::from)),
        ("started >=", day.map(|(from, _)| from.into())),
        ("started <", day.map(|(_, to)| to.into())),
    ];
    let mut params = Vec::new();
    let mut clauses = Vec::new();
    for (clause, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            clauses.push(format!("{clause} ?{}", params.len()));
        }
    }
    params.push(filter.limit.into());
    let condition = if clauses.is_empty() { String::new() } else { format!("WHERE {} ", clauses.join(" AND ")) };
    let limit = params.len();
    Ok((format!("SELECT {COLUMNS} FROM runs {condition}ORDER BY started DESC, sequence DESC LIMIT ?{limit}"), params))
}

/// A UTC day as instants: from, included, to, excluded.
fn bounds(day: Date) -> Result<(Timestamp, Timestamp), StoreError> {
    let from =
        day.to_zoned(TimeZone::UTC).map_err(|e| StoreError::Conflict(format!("the day {day}: {e}")))?.timestamp();
    // The last day of the calendar has no end to name.
    Ok((from, from.checked_add(24.hours()).unwrap_or(Timestamp::MAX)))
}

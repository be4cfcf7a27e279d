//! The results of one expectation, run after run: its series.
//!
//! A CALL of a task is the same expectation for as long as it stands the same in its file, whatever its threshold and wherever it
//! moves. What is shown of all expectations of an account is kept with each series, so that a listing reads no results.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tailer_model::{AccountId, Identity, RunId, TaskId};

use super::{COLUMNS, ExpectationRow, Found, read};
use crate::{
    ConfigurationKey, StoreError, Tx,
    configurations::read_identity,
    tx::{Row, Value},
};

/// One expectation, with its newest result in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub key: i64,
    /// Names it for good, also to people of other accounts: who shows it looks at `identity` first.
    pub digest: String,
    pub configuration: ConfigurationKey,
    pub identity: Identity,
    pub task_id: TaskId,
    /// As [`Found::call`]; empty when it has not been checked since series are kept.
    pub call: String,
    pub procedure: String,
    pub dataset: String,
    pub table: String,
    /// Empty where it is about none.
    pub column: String,
    pub passed: bool,
    pub checked: Timestamp,
    /// The version of the operation that checked it last.
    pub version: u32,
    /// The version of the operation that is deployed now.
    pub deployed: u32,
}

/// A result in a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub run_id: RunId,
    pub passed: bool,
    pub checked: Timestamp,
}

const SERIES: &str = "s.key, s.digest, s.configuration, c.account, c.environment, c.configuration_type, c.configuration_id, \
                      s.task_id, s.called, s.procedure_name, s.dataset, s.tablename, s.column_name, s.passed, s.checked, \
                      s.version, c.version";

fn read_series(row: &Row<'_>) -> Result<Series, StoreError> {
    Ok(Series {
        key: row.take()?,
        digest: row.take()?,
        configuration: row.take()?,
        identity: read_identity(row)?,
        task_id: row.take()?,
        call: row.take()?,
        procedure: row.take()?,
        dataset: row.take()?,
        table: row.take()?,
        column: row.take()?,
        passed: row.take()?,
        checked: row.take()?,
        version: row.take()?,
        deployed: row.take()?,
    })
}

/// Every expectation of an account's operations that are not archived, in no order; or of one of them.
///
/// # Errors
/// What the database says.
pub fn of_account(
    tx: &mut Tx<'_>,
    account: &AccountId,
    only: Option<ConfigurationKey>,
) -> Result<Vec<Series>, StoreError> {
    let mut params = vec![account.into()];
    params.extend(only.map(Value::from));
    let only = if only.is_some() { " AND s.configuration = ?2" } else { "" };
    tx.query(
        &format!(
            "SELECT {SERIES} FROM expectation_series s JOIN configurations c ON c.key = s.configuration \
             WHERE s.account = ?1 AND c.archived = 0{only}"
        ),
        &params,
        read_series,
    )
}

/// The expectation of this digest. The caller checks the account.
///
/// # Errors
/// What the database says.
pub fn find(tx: &mut Tx<'_>, digest: &str) -> Result<Option<Series>, StoreError> {
    tx.query_one(
        &format!(
            "SELECT {SERIES} FROM expectation_series s JOIN configurations c ON c.key = s.configuration WHERE s.digest = ?1"
        ),
        &[digest.into()],
        read_series,
    )
}

/// Results of a series, newest first: all, or those before an instant.
///
/// # Errors
/// What the database says.
pub fn results(
    tx: &mut Tx<'_>,
    series: i64,
    before: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<ExpectationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT r.run_id, {COLUMNS} FROM expectations e JOIN runs r ON r.sequence = e.run \
             WHERE e.series = ?1 AND e.checked < ?2 \
             ORDER BY e.checked DESC, e.run DESC, e.attempt DESC, e.position DESC LIMIT ?3"
        ),
        &[series.into(), before.map_or(Timestamp::MAX, |before| before).into(), limit.into()],
        |row| {
            let run_id = row.take()?;
            read(run_id, row)
        },
    )
}

/// The newest results of a series in short, newest first.
///
/// # Errors
/// What the database says.
pub fn marks(tx: &mut Tx<'_>, series: i64, limit: u32) -> Result<Vec<Mark>, StoreError> {
    tx.query(
        "SELECT r.run_id, e.passed, e.checked FROM expectations e JOIN runs r ON r.sequence = e.run \
         WHERE e.series = ?1 ORDER BY e.checked DESC, e.run DESC, e.attempt DESC, e.position DESC LIMIT ?2",
        &[series.into(), limit.into()],
        |row| Ok(Mark { run_id: row.take()?, passed: row.take()?, checked: row.take()? }),
    )
}

/// Which of several equal CALLs of a task one is: counts them as they come.
#[derive(Debug, Default)]
pub(crate) struct Ordinals(HashMap<String, u32>);

impl Ordinals {
    /// The digest of the next one of these.
    pub(crate) fn digest(&mut self, configuration: ConfigurationKey, task: &TaskId, what: &str) -> String {
        let ordinal = self.0.entry(what.to_owned()).or_default();
        let text = format!("{}\n{task}\n{ordinal}\n{what}", configuration.0);
        *ordinal += 1;
        Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a result says that it is about: procedure, dataset, table, column.
fn subject(result: &Json) -> [&str; 4] {
    ["procedure_name", "dataset", "tablename", "column_name"]
        .map(|name| result.get(name).and_then(Json::as_str).unwrap_or_default())
}

/// What names a result from before there were series.
pub(crate) fn formerly(result: &Json) -> String {
    subject(result).join("\n")
}

/// The series of what was found: the one of this digest, else the one that `former` names, which then gets this digest, else a
/// new one. Its newest result is this one unless a newer one is known.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    (run, configuration, task): (i64, ConfigurationKey, &TaskId),
    found: &Found,
    (digest, former): (&str, &str),
    at: Timestamp,
) -> Result<i64, StoreError> {
    let key =
        tx.query_one("SELECT key FROM expectation_series WHERE digest = ?1", &[digest.into()], |row| row.take())?;
    let key = match key {
        Some(key) => Some(key),
        None => tx.query_one(
            "UPDATE expectation_series SET digest = ?1, called = ?2 WHERE digest = ?3 AND called = '' RETURNING key",
            &[digest.into(), (&found.call).into(), former.into()],
            |row| row.take(),
        )?,
    };
    let [procedure, dataset, table, column] = subject(&found.result);
    let Some(key) = key else {
        let key = tx.query_one(
            "INSERT INTO expectation_series (digest, configuration, account, task_id, called, procedure_name, dataset, \
                 tablename, column_name, passed, checked, run, version) \
             SELECT ?1, configuration, account, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, sequence, version \
             FROM runs WHERE sequence = ?2 RETURNING key",
            &[
                digest.into(),
                run.into(),
                task.into(),
                (&found.call).into(),
                procedure.into(),
                dataset.into(),
                table.into(),
                column.into(),
                found.passed.into(),
                at.into(),
            ],
            |row| row.take(),
        )?;
        return key.ok_or_else(|| StoreError::Missing(format!("run {run} of configuration {}", configuration.0)));
    };
    point(tx, key, run, found.passed, at)?;
    // One that could not be checked does not know where its dataset is.
    if found.result.get("error").is_none() {
        tx.execute(
            "UPDATE expectation_series SET dataset = ?2, tablename = ?3, column_name = ?4 \
             WHERE key = ?1 AND (dataset <> ?2 OR tablename <> ?3 OR column_name <> ?4)",
            &[key.into(), dataset.into(), table.into(), column.into()],
        )?;
    }
    Ok(key)
}

/// Makes a result the newest of its series, unless that has a newer one.
fn point(tx: &mut Tx<'_>, series: i64, run: i64, passed: bool, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE expectation_series SET passed = ?3, checked = ?4, run = ?2, \
             version = (SELECT version FROM runs WHERE sequence = ?2) WHERE key = ?1 AND checked <= ?4",
        &[series.into(), run.into(), passed.into(), at.into()],
    )?;
    Ok(())
}

/// The series whose newest result is of this run. To be asked before the run's results are removed.
pub(crate) fn ending_with(tx: &mut Tx<'_>, run: i64) -> Result<Vec<i64>, StoreError> {
    tx.query(
        "SELECT key FROM expectation_series WHERE run = ?1 AND key IN (SELECT series FROM expectations WHERE run = ?1)",
        &[run.into()],
        |row| row.take(),
    )
}

/// Finds the newest result of a series that has lost it. One without results is gone.
pub(crate) fn mend(tx: &mut Tx<'_>, series: i64) -> Result<(), StoreError> {
    let newest = tx.query_one(
        "SELECT run, passed, checked FROM expectations WHERE series = ?1 \
         ORDER BY checked DESC, run DESC, attempt DESC, position DESC LIMIT 1",
        &[series.into()],
        |row| Ok((row.take::<i64>()?, row.take::<bool>()?, row.take::<Timestamp>()?)),
    )?;
    match newest {
        None => tx.execute("DELETE FROM expectation_series WHERE key = ?1", &[series.into()]).map(drop),
        Some((run, passed, checked)) => tx
            .execute(
                "UPDATE expectation_series SET passed = ?3, checked = ?4, run = ?2, \
                     version = (SELECT version FROM runs WHERE sequence = ?2) WHERE key = ?1",
                &[series.into(), run.into(), passed.into(), checked.into()],
            )
            .map(drop),
    }
}

//! What freshness is judged from: when the newest regular runs of each operation in PROD began.
//!
//! One short row an operation, added to in the transaction that creates a run. So the whole of an account is one query, however
//! many runs there are, and a rhythm is known longer than its runs are kept. What a regular run is, the engine knows.

use jiff::Timestamp;
use tailer_model::{AccountId, Environment, RunId, freshness::Arrivals};

use crate::{
    ConfigurationKey, StoreError, Tx,
    configurations::{COLUMNS, ConfigurationRow, read},
};

/// An operation and when its regular runs began.
#[derive(Debug, Clone, PartialEq)]
pub struct FreshnessRow {
    pub configuration: ConfigurationRow,
    /// The text of its [`Arrivals`], which costs more to read than to compare; empty when there are none.
    pub starts: String,
    /// The newest regular run.
    pub last_run: Option<RunId>,
}

impl FreshnessRow {
    /// When its regular runs began.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when that is not what [`note`] recorded.
    pub fn arrivals(&self) -> Result<Arrivals, StoreError> {
        match self.starts.as_str() {
            "" => Ok(Arrivals::default()),
            starts => starts.parse().map_err(|e| StoreError::Corrupt(format!("{starts:?}: {e}"))),
        }
    }
}

/// Notes that a regular run of an operation in PROD begins.
///
/// # Errors
/// What the database says.
pub fn note(tx: &mut Tx<'_>, key: ConfigurationKey, run: &RunId, at: Timestamp) -> Result<(), StoreError> {
    let known =
        tx.query_one("SELECT starts FROM arrivals WHERE configuration = ?1", &[key.into()], |row| row.take())?;
    let mut arrivals: Arrivals = known.unwrap_or_default();
    arrivals.note(at);
    set(tx, key, &arrivals, run)
}

pub(crate) fn set(tx: &mut Tx<'_>, key: ConfigurationKey, arrivals: &Arrivals, run: &RunId) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO arrivals (configuration, starts, run_id) VALUES (?1, ?2, ?3) \
         ON CONFLICT (configuration) DO UPDATE SET starts = excluded.starts, run_id = excluded.run_id",
        &[key.into(), arrivals.into(), run.into()],
    )?;
    Ok(())
}

/// The operations of an account in PROD that are enabled and not archived, ordered by type and id.
///
/// # Errors
/// What the database says.
pub fn of_account(tx: &mut Tx<'_>, account: &AccountId) -> Result<Vec<FreshnessRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS}, starts, run_id FROM configurations LEFT JOIN arrivals ON configuration = key \
             WHERE account = ?1 AND environment = ?2 AND archived = 0 AND activated = 1 \
             ORDER BY configuration_type, configuration_id"
        ),
        &[account.into(), Environment::Prod.into()],
        |row| {
            Ok(FreshnessRow {
                configuration: read(row)?,
                starts: row.take::<Option<String>>()?.unwrap_or_default(),
                last_run: row.take()?,
            })
        },
    )
}

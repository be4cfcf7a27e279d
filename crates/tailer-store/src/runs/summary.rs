//! What listings of operations say of their runs in short, without reading the runs.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{AccountId, RunStatus};

use crate::{StoreError, Tx, configurations::ConfigurationKey};

/// When the latest run of each operation of an account started; one step down an index for each.
///
/// # Errors
/// What the database says.
pub fn last_starts(tx: &mut Tx<'_>, account: &AccountId) -> Result<HashMap<ConfigurationKey, Timestamp>, StoreError> {
    let all = tx.query(
        "SELECT c.key, (SELECT r.started FROM runs r WHERE r.configuration = c.key \
         ORDER BY r.started DESC, r.sequence DESC LIMIT 1) FROM configurations c WHERE c.account = ?1",
        &[account.into()],
        |row| Ok((row.take()?, row.take::<Option<Timestamp>>()?)),
    )?;
    Ok(all.into_iter().filter_map(|(key, start)| Some((key, start?))).collect())
}

/// How many runs of each operation of an account have failed and are not checked, from the counts that are kept. Operations
/// without any are left out.
///
/// # Errors
/// What the database says.
pub fn failures(tx: &mut Tx<'_>, account: &AccountId) -> Result<HashMap<ConfigurationKey, i64>, StoreError> {
    let all = tx.query(
        "SELECT n.configuration, n.runs FROM configurations c JOIN run_counts n ON n.configuration = c.key \
         WHERE c.account = ?1 AND n.status = ?2 AND n.runs > 0",
        &[account.into(), RunStatus::Failed.into()],
        |row| Ok((row.take::<ConfigurationKey>()?, row.take::<i64>()?)),
    )?;
    let mut failures = HashMap::new();
    for (key, runs) in all {
        *failures.entry(key).or_default() += runs;
    }
    Ok(failures)
}

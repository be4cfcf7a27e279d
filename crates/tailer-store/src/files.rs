//! The ledger of files: each version of each file is taken once per configuration (unique: configuration + location +
//! version), however many servers watch, restart or are told twice (`spec/semantics.md`, File arrival).

use jiff::Timestamp;
use tailer_model::RunId;

use crate::{StoreError, Tx, configurations::ConfigurationKey};

/// A file that appeared. Location and version together are its identity; a rewritten file has another version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileEvent {
    /// Storage and path, such as `gs://bucket/folder/name`.
    pub location: String,
    /// Generation, `ETag`, or size and mtime where the storage has neither.
    pub version: String,
}

/// The run that took this version of the file, if one did.
///
/// # Errors
/// What the database says.
pub fn seen(
    tx: &mut Tx<'_>,
    configuration: ConfigurationKey,
    location: &str,
    version: &str,
) -> Result<Option<RunId>, StoreError> {
    tx.query_one(
        "SELECT run_id FROM files WHERE configuration = ?1 AND location = ?2 AND version = ?3",
        &[configuration.into(), location.into(), version.into()],
        |row| row.take(),
    )
}

/// Takes a file for a run. Answers `false` when this version was taken before.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such configuration.
pub fn take(
    tx: &mut Tx<'_>,
    configuration: ConfigurationKey,
    location: &str,
    version: &str,
    run_id: &RunId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let taken = tx.execute(
        "INSERT INTO files (configuration, location, version, run_id, taken) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (configuration, location, version) DO NOTHING",
        &[configuration.into(), location.into(), version.into(), run_id.into(), at.into()],
    )?;
    Ok(taken == 1)
}

/// Gives a file to a run whether or not it was taken before: a person has it handled again.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such configuration.
pub fn retake(
    tx: &mut Tx<'_>,
    configuration: ConfigurationKey,
    location: &str,
    version: &str,
    run_id: &RunId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO files (configuration, location, version, run_id, taken) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (configuration, location, version) DO UPDATE SET run_id = excluded.run_id, taken = excluded.taken",
        &[configuration.into(), location.into(), version.into(), run_id.into(), at.into()],
    )?;
    Ok(())
}

/// Forgets all versions of a file, so that it is taken again: a person launches it anew. Answers how many were known.
///
/// # Errors
/// What the database says.
pub fn forget(tx: &mut Tx<'_>, configuration: ConfigurationKey, location: &str) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM files WHERE configuration = ?1 AND location = ?2", &[configuration.into(), location.into()])
}

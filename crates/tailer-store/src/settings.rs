//! Small facts of this server, by name: the id of its signing key, and the like. Not what the settings file says.

use crate::{StoreError, Tx};

/// The value under a name.
///
/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_one("SELECT value FROM settings WHERE name = ?1", &[name.into()], |row| row.take())
}

/// Sets a value, replacing what was there.
///
/// # Errors
/// What the database says.
pub fn set(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[name.into(), value.into()],
    )?;
    Ok(())
}

/// Sets a value unless there is one; answers the one that holds from now on. Whoever comes first decides.
///
/// # Errors
/// What the database says.
pub fn get_or_set(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String, StoreError> {
    tx.execute(
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        &[name.into(), value.into()],
    )?;
    get(tx, name)?.ok_or_else(|| StoreError::Internal(format!("the setting {name} was not kept")))
}

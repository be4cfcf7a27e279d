//! People who sign in with a password, and their roles on accounts. Names are the caller's to fold and to check; passwords come
//! hashed.

use jiff::Timestamp;
use tailer_model::AccountId;

use crate::{StoreError, Tx, sessions};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    pub name: String,
    pub created: Timestamp,
    pub by: String,
    /// When the password was set.
    pub changed: Timestamp,
    /// False for those who sign in elsewhere only.
    pub has_password: bool,
    /// By account. The role is the server's vocabulary.
    pub roles: Vec<(AccountId, String)>,
}

/// Records a user without roles.
///
/// # Errors
/// [`StoreError::Conflict`] when the name is taken.
pub fn add(tx: &mut Tx<'_>, name: &str, password: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (name, password, created, created_by, changed) VALUES (?1, ?2, ?3, ?4, ?3)",
        &[name.into(), password.into(), at.into(), by.into()],
    )?;
    Ok(())
}

/// Gives a user a role on an account, in place of the one there, or takes it. Answers `false` when there is no such user.
///
/// # Errors
/// What the database says.
pub fn grant(tx: &mut Tx<'_>, name: &str, account: &AccountId, role: Option<&str>) -> Result<bool, StoreError> {
    if password(tx, name)?.is_none() {
        return Ok(false);
    }
    tx.execute("DELETE FROM user_roles WHERE user_name = ?1 AND account = ?2", &[name.into(), account.into()])?;
    if let Some(role) = role {
        tx.execute(
            "INSERT INTO user_roles (user_name, account, role) VALUES (?1, ?2, ?3)",
            &[name.into(), account.into(), role.into()],
        )?;
    }
    Ok(true)
}

/// The hash of a user's password; `None` when there is no such user.
///
/// # Errors
/// What the database says.
pub fn password(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_one("SELECT password FROM users WHERE name = ?1", &[name.into()], |row| row.take())
}

/// Sets a user's password and ends their sessions. Answers `false` when there is no such user.
///
/// # Errors
/// What the database says.
pub fn set_password(tx: &mut Tx<'_>, name: &str, password: &str, at: Timestamp) -> Result<bool, StoreError> {
    let set = tx.execute(
        "UPDATE users SET password = ?2, changed = ?3 WHERE name = ?1",
        &[name.into(), password.into(), at.into()],
    )?;
    sessions::end_all(tx, sessions::Kind::User, name)?;
    Ok(set == 1)
}

/// Forgets a user, with roles and sessions. Answers `false` when there is none.
///
/// # Errors
/// What the database says.
pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<bool, StoreError> {
    sessions::end_all(tx, sessions::Kind::User, name)?;
    tx.execute("DELETE FROM user_roles WHERE user_name = ?1", &[name.into()])?;
    Ok(tx.execute("DELETE FROM users WHERE name = ?1", &[name.into()])? == 1)
}

/// A user's roles by account; none when there is no such user.
///
/// # Errors
/// What the database says.
pub fn roles(tx: &mut Tx<'_>, name: &str) -> Result<Vec<(AccountId, String)>, StoreError> {
    tx.query("SELECT account, role FROM user_roles WHERE user_name = ?1 ORDER BY account", &[name.into()], |row| {
        Ok((row.take()?, row.take()?))
    })
}

/// All users, by name.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<UserRow>, StoreError> {
    const ALL: &str = "SELECT name, created, created_by, changed, CASE WHEN password = '' THEN 0 ELSE 1 END \
        FROM users ORDER BY name";
    let mut users = tx.query(ALL, &[], |row| {
        Ok(UserRow {
            name: row.take()?,
            created: row.take()?,
            by: row.take()?,
            changed: row.take()?,
            has_password: row.take::<i64>()? == 1,
            roles: Vec::new(),
        })
    })?;
    for user in &mut users {
        user.roles = roles(tx, &user.name)?;
    }
    Ok(users)
}

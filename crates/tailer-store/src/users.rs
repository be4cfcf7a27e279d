//! People who sign in with a password, and their roles on accounts. Names are the caller's to fold and to check; passwords come
//! hashed. Each change records itself in the audit log.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{AccountId, Actor, AuditAction};

use crate::{
    StoreError, Tx,
    audit::{self, Entry},
    sessions,
};

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

/// How `who` and the audit log name a user.
#[must_use]
pub fn principal(name: &str) -> String {
    format!("user:{name}")
}

/// Records a user with a role on an account. An empty password is none.
///
/// # Errors
/// [`StoreError::Conflict`] when the name is taken.
pub fn add(
    tx: &mut Tx<'_>,
    name: &str,
    password: &str,
    (account, role): (&AccountId, &str),
    by: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (name, password, created, created_by, changed) VALUES (?1, ?2, ?3, ?4, ?3)",
        &[name.into(), password.into(), at.into(), (&by.name).into()],
    )?;
    insert_role(tx, name, account, role)?;
    let entry = Entry::of_access(by, at, AuditAction::UserAdd, Some(account), principal(name));
    audit::record(tx, &entry.after(json!({"role": role, "has_password": !password.is_empty()})))?;
    Ok(())
}

/// Gives a user a role on an account, in place of the one there, or takes it. Answers `false` when there is no such user.
///
/// # Errors
/// What the database says.
pub fn grant(
    tx: &mut Tx<'_>,
    name: &str,
    account: &AccountId,
    role: Option<&str>,
    by: &Actor,
    at: Timestamp,
) -> Result<bool, StoreError> {
    if password(tx, name)?.is_none() {
        return Ok(false);
    }
    let before = roles(tx, name)?.into_iter().find(|(of, _)| of == account).map(|(_, role)| role);
    if before.as_deref() == role {
        return Ok(true);
    }
    tx.execute("DELETE FROM user_roles WHERE user_name = ?1 AND account = ?2", &[name.into(), account.into()])?;
    let action = match role {
        Some(role) => {
            insert_role(tx, name, account, role)?;
            AuditAction::UserGrant
        }
        None => AuditAction::UserRevoke,
    };
    let entry = Entry::of_access(by, at, action, Some(account), principal(name));
    audit::record(tx, &entry.before(json!({"role": before})).after(json!({"role": role})))?;
    Ok(true)
}

fn insert_role(tx: &mut Tx<'_>, name: &str, account: &AccountId, role: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO user_roles (user_name, account, role) VALUES (?1, ?2, ?3)",
        &[name.into(), account.into(), role.into()],
    )?;
    Ok(())
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
pub fn set_password(
    tx: &mut Tx<'_>,
    name: &str,
    password: &str,
    by: &Actor,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let set = tx.execute(
        "UPDATE users SET password = ?2, changed = ?3 WHERE name = ?1",
        &[name.into(), password.into(), at.into()],
    )?;
    if set == 0 {
        return Ok(false);
    }
    sessions::end_all(tx, sessions::Kind::User, name)?;
    let accounts: Vec<AccountId> = roles(tx, name)?.into_iter().map(|(account, _)| account).collect();
    let entry = Entry::of_access(by, at, AuditAction::UserSetPassword, None, principal(name));
    audit::record_in_each(tx, &accounts, &entry)?;
    Ok(true)
}

/// Forgets a user, with roles and sessions. Answers `false` when there is none.
///
/// # Errors
/// What the database says.
pub fn remove(tx: &mut Tx<'_>, name: &str, by: &Actor, at: Timestamp) -> Result<bool, StoreError> {
    let before = roles(tx, name)?;
    sessions::end_all(tx, sessions::Kind::User, name)?;
    tx.execute("DELETE FROM user_roles WHERE user_name = ?1", &[name.into()])?;
    if tx.execute("DELETE FROM users WHERE name = ?1", &[name.into()])? == 0 {
        return Ok(false);
    }
    let entry = Entry::of_access(by, at, AuditAction::UserRemove, None, principal(name));
    if before.is_empty() {
        audit::record(tx, &entry)?;
    }
    for (account, role) in &before {
        audit::record(tx, &Entry { account: Some(account), ..entry.clone() }.before(json!({"role": role})))?;
    }
    Ok(true)
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

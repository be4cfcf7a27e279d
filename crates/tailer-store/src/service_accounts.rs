//! Service accounts whose self-signed tokens are trusted: public keys only. Each change records itself in the audit log.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tailer_model::{AccountId, Actor, AuditAction};

use crate::{
    StoreError, Tx,
    audit::{self, Entry},
    tx::Row,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccountRow {
    pub email: String,
    /// Which of the service account's keys; `None` when its key file names none.
    pub key_id: Option<String>,
    pub public_key_pem: String,
    /// The account on which it has the role.
    pub account: AccountId,
    pub role: String,
    pub created: Timestamp,
}

const COLUMNS: &str = "email, key_id, public_key_pem, account, role, created";

fn read(row: &Row<'_>) -> Result<ServiceAccountRow, StoreError> {
    Ok(ServiceAccountRow {
        email: row.take()?,
        key_id: Some(row.take::<String>()?).filter(|id| !id.is_empty()),
        public_key_pem: row.take()?,
        account: row.take()?,
        role: row.take()?,
        created: row.take()?,
    })
}

/// Trusts a key on an account; replaces what was recorded for the same e-mail, account and key.
///
/// # Errors
/// What the database says.
pub fn add(tx: &mut Tx<'_>, row: &ServiceAccountRow, by: &Actor) -> Result<(), StoreError> {
    let before =
        by_email(tx, &row.email)?.into_iter().find(|old| old.account == row.account && old.key_id == row.key_id);
    if before.as_ref().is_some_and(|old| old.role == row.role && old.public_key_pem == row.public_key_pem) {
        return Ok(());
    }
    tx.execute(
        &format!(
            "INSERT INTO service_accounts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (email, account, key_id) DO UPDATE SET \
                 public_key_pem = excluded.public_key_pem, role = excluded.role, created = excluded.created"
        ),
        &[
            (&row.email).into(),
            row.key_id.as_deref().unwrap_or_default().into(),
            (&row.public_key_pem).into(),
            (&row.account).into(),
            (&row.role).into(),
            row.created.into(),
        ],
    )?;
    let entry = Entry::of_access(by, row.created, AuditAction::ServiceAccountAdd, Some(&row.account), &row.email);
    let before = before.as_ref().map_or(Json::Null, shown);
    audit::record(tx, &entry.before(before).after(shown(row)))?;
    Ok(())
}

/// All keys of a service account on all accounts, oldest first.
///
/// # Errors
/// What the database says.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Vec<ServiceAccountRow>, StoreError> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM service_accounts WHERE email = ?1 ORDER BY created, account, key_id"),
        &[email.into()],
        read,
    )
}

/// All service accounts, by e-mail.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<ServiceAccountRow>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM service_accounts ORDER BY email, account, key_id"), &[], read)
}

/// What the audit log tells of a key.
fn shown(row: &ServiceAccountRow) -> Json {
    json!({"role": row.role, "key_id": row.key_id})
}

/// Trusts a service account no more, on any account. Answers how many keys it had.
///
/// # Errors
/// What the database says.
pub fn remove(tx: &mut Tx<'_>, email: &str, by: &Actor, at: Timestamp) -> Result<u64, StoreError> {
    let mut accounts: Vec<AccountId> = by_email(tx, email)?.into_iter().map(|row| row.account).collect();
    accounts.sort();
    accounts.dedup();
    let mut removed = 0;
    for account in &accounts {
        removed += remove_from(tx, email, account, by, at)?;
    }
    Ok(removed)
}

/// Trusts a service account no more on one account. Answers how many keys it had there.
///
/// # Errors
/// What the database says.
pub fn remove_from(
    tx: &mut Tx<'_>,
    email: &str,
    account: &AccountId,
    by: &Actor,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let keys: Vec<Json> = by_email(tx, email)?.iter().filter(|row| row.account == *account).map(shown).collect();
    if keys.is_empty() {
        return Ok(0);
    }
    let removed =
        tx.execute("DELETE FROM service_accounts WHERE email = ?1 AND account = ?2", &[email.into(), account.into()])?;
    let entry = Entry::of_access(by, at, AuditAction::ServiceAccountRemove, Some(account), email);
    audit::record(tx, &entry.before(json!({"keys": keys})))?;
    Ok(removed)
}

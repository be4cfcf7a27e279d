//! Service accounts whose self-signed tokens are trusted: public keys only.

use jiff::Timestamp;
use tailer_model::AccountId;

use crate::{StoreError, Tx, tx::Row};

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
pub fn add(tx: &mut Tx<'_>, row: &ServiceAccountRow) -> Result<(), StoreError> {
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

/// Trusts a service account no more, on any account. Answers how many keys it had.
///
/// # Errors
/// What the database says.
pub fn remove(tx: &mut Tx<'_>, email: &str) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM service_accounts WHERE email = ?1", &[email.into()])
}

/// Trusts a service account no more on one account. Answers how many keys it had there.
///
/// # Errors
/// What the database says.
pub fn remove_from(tx: &mut Tx<'_>, email: &str, account: &AccountId) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM service_accounts WHERE email = ?1 AND account = ?2", &[email.into(), account.into()])
}

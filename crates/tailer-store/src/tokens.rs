//! Tokens that this server minted: their ids and what they grant. The tokens themselves are signed and kept nowhere. Each change
//! records itself in the audit log.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{AccountId, Actor, AuditAction, Via, rfc3339_micros};

use crate::{
    StoreError, Tx,
    audit::{self, Entry},
    tx::Row,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: String,
    pub account: AccountId,
    /// `viewer`, `operator`, `deployer` or `admin`; the server's vocabulary.
    pub role: String,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    pub by: String,
}

const COLUMNS: &str = "id, account, role, created, expires, revoked, created_by";

fn read(row: &Row<'_>) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        id: row.take()?,
        account: row.take()?,
        role: row.take()?,
        created: row.take()?,
        expires: row.take()?,
        revoked: row.take()?,
        by: row.take()?,
    })
}

/// How `who` and the audit log name a token.
#[must_use]
pub fn principal(id: &str) -> String {
    format!("token:{id}")
}

/// Records a token. `via`: through what `by` made it.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken.
pub fn create(tx: &mut Tx<'_>, token: &TokenRow, via: Via) -> Result<(), StoreError> {
    tx.execute(
        &format!("INSERT INTO tokens ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
        &[
            (&token.id).into(),
            (&token.account).into(),
            (&token.role).into(),
            token.created.into(),
            token.expires.into(),
            token.revoked.into(),
            (&token.by).into(),
        ],
    )?;
    let by = Actor::new(&token.by, via);
    let id = principal(&token.id);
    let entry = Entry::of_access(&by, token.created, AuditAction::TokenCreate, Some(&token.account), id);
    audit::record(tx, &entry.after(json!({"role": token.role, "expires": rfc3339_micros(token.expires)})))?;
    Ok(())
}

/// A token by its id, also when revoked or expired.
///
/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<TokenRow>, StoreError> {
    tx.query_one(&format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"), &[id.into()], read)
}

/// All tokens, oldest first.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<TokenRow>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM tokens ORDER BY created, id"), &[], read)
}

/// Revokes a token. Answers `false` when there is none, or it is revoked already: the first time counts.
///
/// # Errors
/// What the database says.
pub fn revoke(tx: &mut Tx<'_>, id: &str, by: &Actor, at: Timestamp) -> Result<bool, StoreError> {
    let Some(token) = get(tx, id)?.filter(|token| token.revoked.is_none()) else { return Ok(false) };
    tx.execute("UPDATE tokens SET revoked = ?2 WHERE id = ?1", &[id.into(), at.into()])?;
    let entry = Entry::of_access(by, at, AuditAction::TokenRevoke, Some(&token.account), principal(id));
    audit::record(tx, &entry.before(json!({"role": token.role, "expires": rfc3339_micros(token.expires)})))?;
    Ok(true)
}

//! Makes a bearer token and its row (`tailerd token create`). The token itself is kept nowhere.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use tailer_model::{AccountId, Actor};
use tailer_store::{Durability, Store, StoreError, tokens};

use super::keys::{KeyError, SigningKeys};
use crate::access::Role;

/// `iss` of every token that this server mints.
pub(super) const ISSUER: &str = "tailerd";

/// What to mint.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub account: AccountId,
    pub role: Role,
    pub lifetime: SignedDuration,
    /// The server's audience as far as the caller knows it.
    pub audience: String,
    /// Who asks, for the record.
    pub by: Actor,
}

/// A fresh token: print it once.
#[derive(Clone)]
pub struct Minted {
    /// What `token list` shows and `token revoke` takes.
    pub id: String,
    pub token: String,
    pub expires: Timestamp,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted").field("id", &self.id).field("expires", &self.expires).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MintError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the token's lifetime must be longer than nothing and end within the calendar")]
    Lifetime,
    #[error("cannot sign the token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    #[error("cannot record the token: {0}")]
    Store(#[from] StoreError),
}

#[derive(Serialize)]
struct MintedClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: [&'a str; 2],
    jti: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    account: &'a AccountId,
    role: &'a str,
}

/// Signs a token with the key in `keys` (made on first use) and records it.
///
/// # Errors
/// The key folder cannot be used, the lifetime is not positive, or the store refuses.
pub async fn mint(store: &Store, keys: &Path, new: NewToken, now: Timestamp) -> Result<Minted, MintError> {
    let keys = SigningKeys::open(keys)?;
    let expires = now.checked_add(new.lifetime).ok().filter(|end| *end > now).ok_or(MintError::Lifetime)?;
    let id = uuid::Uuid::new_v4().to_string();
    let claims = MintedClaims {
        iss: ISSUER,
        sub: format!("token:{id}"),
        aud: [&new.audience, &keys.audience()],
        jti: &id,
        iat: now.as_second(),
        nbf: now.as_second(),
        exp: expires.as_second(),
        account: &new.account,
        role: new.role.as_str(),
    };
    let header = Header { kid: Some(keys.id.clone()), ..Header::new(Algorithm::EdDSA) };
    let token = jsonwebtoken::encode(&header, &claims, &keys.sign)?;
    let row = tokens::TokenRow {
        id: id.clone(),
        account: new.account,
        role: new.role.as_str().to_owned(),
        created: now,
        expires,
        revoked: None,
        by: new.by.name,
    };
    let via = new.by.via;
    store.write(Durability::Synced, move |tx| tokens::create(tx, &row, via)).await?;
    Ok(Minted { id, token, expires })
}

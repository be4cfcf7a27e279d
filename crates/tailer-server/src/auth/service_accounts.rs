//! Self-signed tokens of trusted service accounts, and how an account comes to be trusted.
//!
//! A client that has a service account's private key signs its own JWT, one hour long; the server keeps the public key.
//! One e-mail may have several keys, and roles on several accounts: what a token grants are the rows of the key that
//! verified it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use rsa::{
    RsaPrivateKey,
    pkcs1::DecodeRsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding},
    traits::PublicKeyParts,
};
use serde::Deserialize;
use tailer_store::{Store, service_accounts, service_accounts::ServiceAccountRow};

use super::{
    claims::{Claims, Refusal, SKEW},
    grants_of,
    verify::{Verdict, Verified, signed_claims},
};
use crate::errors::ApiError;

const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// Shorter RSA keys can be broken.
const LEAST_BITS: usize = 2048;

/// What is kept of a service account's key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    pub email: String,
    /// `private_key_id` of the file: the `kid` of the tokens it signs.
    pub key_id: Option<String>,
    /// SPKI, PEM.
    pub public_key_pem: String,
}

/// The key file cannot be used. Never quotes from it: it holds a private key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the key file has no {0}; expected the JSON key file of a service account")]
    Missing(&'static str),
    #[error("private_key in the key file is not an RSA private key in PEM")]
    NotAKey,
    #[error("the key file's RSA key has {0} bits; at least 2048 are needed")]
    TooShort(usize),
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
}

/// Reads a service account's JSON key file, keeps its public key and forgets the private one.
///
/// # Errors
/// The text is not such a file.
pub fn service_account_from_key_file(json: &str) -> Result<ServiceAccount, KeyFileError> {
    let file: KeyFile = serde_json::from_str(json.trim_start_matches('\u{feff}'))
        .map_err(|e| KeyFileError::NotJson { line: e.line(), column: e.column() })?;
    let present = |field: Option<String>| field.filter(|text| !text.trim().is_empty());
    let email = present(file.client_email).ok_or(KeyFileError::Missing("client_email"))?;
    let pem = present(file.private_key).ok_or(KeyFileError::Missing("private_key"))?;
    let key = RsaPrivateKey::from_pkcs8_pem(&pem)
        .or_else(|_| RsaPrivateKey::from_pkcs1_pem(&pem))
        .map_err(|_| KeyFileError::NotAKey)?
        .to_public_key();
    if key.n().bits() < LEAST_BITS {
        return Err(KeyFileError::TooShort(key.n().bits()));
    }
    let public_key_pem = key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyFileError::NotAKey)?;
    Ok(ServiceAccount { email, key_id: present(file.private_key_id), public_key_pem })
}

/// Verifies a token whose issuer is said to be `email`.
pub(super) async fn verify(
    store: &Store,
    audience: &str,
    token: &str,
    header: &Header,
    email: String,
    now: Timestamp,
) -> Result<Verdict, ApiError> {
    let rows = {
        let email = email.clone();
        store.read(move |tx| service_accounts::by_email(tx, &email)).await?
    };
    let Some((claims, rows)) = signed_by_one_of(token, header, rows) else { return Ok(Err(Refusal::Untrusted)) };
    let expires = match check(&claims, audience, now) {
        Ok(expires) => expires,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let grants = grants_of(&email, rows.into_iter().map(|row| (row.account, row.role)).collect())?;
    Ok(Ok(Verified { name: email, grants, expires }))
}

/// The claims, when one of the keys signed them, and the rows of that key.
fn signed_by_one_of(
    token: &str,
    header: &Header,
    rows: Vec<ServiceAccountRow>,
) -> Option<(Claims, Vec<ServiceAccountRow>)> {
    let mut keys: BTreeMap<String, Vec<ServiceAccountRow>> = BTreeMap::new();
    for row in rows {
        let named_otherwise = matches!((&header.kid, &row.key_id), (Some(kid), Some(id)) if kid != id);
        if !named_otherwise {
            keys.entry(row.public_key_pem.clone()).or_default().push(row);
        }
    }
    keys.into_iter().find_map(|(pem, rows)| {
        let key = DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
        Some((signed_claims(token, &key, Algorithm::RS256).ok()?, rows))
    })
}

/// Identity, time and audience; when the token expires.
fn check(claims: &Claims, audience: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let Claims { iss, sub, email, .. } = claims;
    if sub.is_some() && sub != iss || email.is_some() && email != iss {
        return Err(Refusal::Identity);
    }
    let times = claims.check(&[audience], now)?;
    if times.expires.duration_since(times.issued.unwrap_or(now)) > LONGEST + SKEW {
        return Err(Refusal::TooLong);
    }
    Ok(times.expires)
}

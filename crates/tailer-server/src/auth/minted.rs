//! Tokens minted by this server: signature of its own key, time and audience, and a row that is not revoked.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use tailer_store::{Store, tokens};

use super::{
    claims::{Claims, Refusal},
    grants_of,
    keys::SigningKeys,
    verify::{Verdict, Verified, signed_claims},
};
use crate::errors::ApiError;

/// Verifies a token that says it is ours.
pub(super) async fn verify(
    store: &Store,
    keys: &SigningKeys,
    audience: &str,
    token: &str,
    header: &Header,
    now: Timestamp,
) -> Result<Verdict, ApiError> {
    let claims = match check(keys, audience, token, header, now) {
        Ok(claims) => claims,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (Some(id), until) = claims else { return Ok(Err(Refusal::Malformed)) };
    let row = {
        let id = id.clone();
        store.read(move |tx| tokens::get(tx, &id)).await?
    };
    let Some(row) = row.filter(|row| row.revoked.is_none() && row.expires > now) else {
        return Ok(Err(Refusal::Revoked));
    };
    let name = format!("token:{id}");
    let grants = grants_of(&name, vec![(row.account, row.role)])?;
    Ok(Ok(Verified { name, grants, expires: until }))
}

/// Everything that the token itself says; its id and when it expires.
fn check(
    keys: &SigningKeys,
    audience: &str,
    token: &str,
    header: &Header,
    now: Timestamp,
) -> Result<(Option<String>, Timestamp), Refusal> {
    if header.kid.as_ref().is_some_and(|kid| *kid != keys.id) {
        return Err(Refusal::Untrusted);
    }
    let claims: Claims = signed_claims(token, &keys.verify, Algorithm::EdDSA)?;
    let times = claims.check(&[audience, &keys.audience()], now)?;
    Ok((claims.jti, times.expires))
}

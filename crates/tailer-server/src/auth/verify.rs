//! From an `Authorization` header to a principal, or to a 401 that says why.
//!
//! The algorithm is decided by the kind of token, never by the token: minted ones are EdDSA, service accounts' RS256, those of the
//! OIDC issuer what its keys are for. A header that names anything else (`none`, a symmetric algorithm over a public key) is
//! refused before any key is looked at.

use std::{path::Path, sync::Arc};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use tailer_engine::Clock;
use tailer_store::Store;

use super::{
    Grant, KeyError, Principal,
    cache::{self, Cache},
    claims::{Claims, Refusal},
    keys::SigningKeys,
    mint, minted,
    oidc::Oidc,
    service_accounts,
};
use crate::{errors::ApiError, limits::Limiter};

/// Longer headers are no token of ours.
const LONGEST_TOKEN: usize = 8 << 10;

/// Who a token stands for, or why it is refused.
pub(super) type Verdict = Result<Verified, Refusal>;

pub(super) struct Verified {
    pub(super) name: String,
    pub(super) grants: Vec<Grant>,
    pub(super) expires: Timestamp,
}

/// Verifies bearer tokens.
#[derive(Debug)]
pub(crate) struct Authenticator {
    store: Store,
    clock: Arc<dyn Clock>,
    audience: String,
    keys: SigningKeys,
    oidc: Option<Arc<Oidc>>,
    cache: Cache,
}

impl Authenticator {
    /// Opens the signing key in `keys`, making it on first use.
    pub(crate) fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        audience: String,
        keys: &Path,
        oidc: Option<Arc<Oidc>>,
    ) -> Result<Self, KeyError> {
        Ok(Self { store, clock, audience, keys: SigningKeys::open(keys)?, oidc, cache: Cache::default() })
    }

    /// The key that signs cookies of this data folder.
    pub(crate) fn cookie_key(&self) -> ring::hmac::Key {
        self.keys.cookies.clone()
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// 401 with `WWW-Authenticate` when there is no token or it is refused.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        limiter: &Limiter,
    ) -> Result<Arc<Principal>, ApiError> {
        self.authenticate_token(bearer(headers)?, limiter).await
    }

    /// Who sends this token, wherever it stood.
    ///
    /// # Errors
    /// 401 when it is refused.
    pub(crate) async fn authenticate_token(&self, token: &str, limiter: &Limiter) -> Result<Arc<Principal>, ApiError> {
        if token.len() > LONGEST_TOKEN {
            return Err(ApiError::unauthorized("invalid_token", &Refusal::Malformed.to_string()));
        }
        let now = self.clock.now();
        let key = cache::key(token);
        if let Some(principal) = self.cache.get(&key, now) {
            return Ok(principal);
        }
        let Verified { name, grants, expires } = self.verify(token, now).await?.map_err(|refusal| {
            tracing::info!(%refusal, "bearer token refused");
            ApiError::unauthorized("invalid_token", &refusal.to_string())
        })?;
        let allowance = limiter.allowance(&name, now);
        let principal = Arc::new(Principal { name, grants, allowance });
        self.cache.put(key, Arc::clone(&principal), expires, now);
        Ok(principal)
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Verdict, ApiError> {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(Err(unreadable(token))) };
        if header.crit.is_some() {
            return Ok(Err(Refusal::Malformed)); // an extension that must be understood, and is not
        }
        match header.alg {
            Algorithm::EdDSA => minted::verify(&self.store, &self.keys, &self.audience, token, &header, now).await,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Ok(Err(Refusal::Algorithm)),
            algorithm => {
                // Only to know whose keys to try; nothing is believed before the signature is.
                let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token);
                let Some(issuer) = claims.ok().and_then(|claims| claims.iss) else {
                    return Ok(Err(Refusal::Malformed));
                };
                if let Some(oidc) = self.oidc.as_ref().filter(|oidc| oidc.settings.issuer == issuer) {
                    return oidc.verify(&self.store, token, &header, now).await;
                }
                if algorithm != Algorithm::RS256 {
                    return Ok(Err(Refusal::Algorithm));
                }
                if issuer == mint::ISSUER {
                    return Ok(Err(Refusal::Untrusted));
                }
                service_accounts::verify(&self.store, &self.audience, token, &header, issuer, now).await
            }
        }
    }
}

/// A header that the library does not read either names an algorithm it does not know, such as `none`, or is no header.
fn unreadable(token: &str) -> Refusal {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let header = token.split('.').next().and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let header = header.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    let three_parts = token.split('.').count() == 3;
    if three_parts && header.is_some_and(|header| header["alg"].is_string()) {
        Refusal::Algorithm
    } else {
        Refusal::Malformed
    }
}

/// The claims of a token that `key` signed with `algorithm`. Time and audience are checked by [`Claims::check`].
pub(super) fn signed_claims<T: DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<T, Refusal> {
    let mut only_the_signature = Validation::new(algorithm);
    only_the_signature.validate_exp = false;
    only_the_signature.validate_aud = false;
    only_the_signature.required_spec_claims.clear();
    match jsonwebtoken::decode::<T>(token, key, &only_the_signature) {
        Ok(token) => Ok(token.claims),
        Err(e) => Err(match e.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => Refusal::Malformed,
            _ => Refusal::Untrusted,
        }),
    }
}

/// The token of `Authorization: Bearer <token>`.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    const MISSING: &str = "send a token as `Authorization: Bearer <JWT>`; `tailerd token create` makes one";
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (given.next(), given.next()) else {
        return Err(ApiError::unauthorized("missing_token", MISSING));
    };
    let token = one.to_str().ok().and_then(|text| text.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(ApiError::unauthorized("missing_token", MISSING)),
    }
}

//! The checks of an ID token (OpenID Connect Core 1.0, 3.1.3.7): signature, issuer, audience, party, time, nonce.
//!
//! The algorithm must be one that the key is for: an RSA key never verifies a token with a shared secret, and a key that names
//! its algorithm verifies no other.

use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde_json::{Map, Value};

use super::super::{
    claims::{Claims, Refusal},
    verify::signed_claims,
};

/// What a token must say.
pub(super) struct Wanted<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) audiences: &'a [&'a str],
    pub(super) nonce: Option<&'a str>,
}

/// Whether one of the keys has this id.
pub(super) fn names(keys: &[Jwk], kid: &str) -> bool {
    keys.iter().any(|key| key.common.key_id.as_deref() == Some(kid))
}

/// All claims of a token, and until when it holds.
pub(super) fn check(
    token: &str,
    header: &Header,
    keys: &[Jwk],
    wanted: &Wanted<'_>,
    now: Timestamp,
) -> Result<(Map<String, Value>, Timestamp), Refusal> {
    let named = |key: &&Jwk| match (&header.kid, &key.common.key_id) {
        (Some(kid), Some(id)) => kid == id,
        _ => true,
    };
    let mut refusal = Refusal::Untrusted;
    for key in keys.iter().filter(named).filter(|key| is_for(key, header.alg)) {
        let Ok(decoding) = DecodingKey::from_jwk(key) else { continue };
        match signed_claims::<Map<String, Value>>(token, &decoding, header.alg) {
            Ok(claims) => return said(claims, wanted, now),
            Err(other) => refusal = other,
        }
    }
    Err(refusal)
}

/// What a token with a good signature says.
fn said(
    all: Map<String, Value>,
    wanted: &Wanted<'_>,
    now: Timestamp,
) -> Result<(Map<String, Value>, Timestamp), Refusal> {
    let claims: Claims = serde_json::from_value(Value::Object(all.clone())).map_err(|_| Refusal::Malformed)?;
    if claims.iss.as_deref() != Some(wanted.issuer) {
        return Err(Refusal::Untrusted);
    }
    if claims.sub.as_deref().is_none_or(str::is_empty) {
        return Err(Refusal::Malformed);
    }
    let times = claims.check(wanted.audiences, now)?;
    let party = all.get("azp").and_then(Value::as_str);
    let several = claims.audiences() > 1;
    // A token for this client that also serves others must have been given to this client.
    if wanted.nonce.is_some() && (several && party.is_none() || party.is_some_and(|party| party != wanted.client)) {
        return Err(Refusal::Audience);
    }
    if wanted.nonce.is_some_and(|nonce| all.get("nonce").and_then(Value::as_str) != Some(nonce)) {
        return Err(Refusal::Nonce);
    }
    Ok((all, times.expires))
}

fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let signs = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    let fits = match &key.algorithm {
        AlgorithmParameters::RSA(_) => matches!(
            algorithm,
            Algorithm::RS256
                | Algorithm::RS384
                | Algorithm::RS512
                | Algorithm::PS256
                | Algorithm::PS384
                | Algorithm::PS512
        ),
        AlgorithmParameters::EllipticCurve(ec) => match ec.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        _ => false,
    };
    signs && named && fits
}

//! What a token claims, and the checks that are the same for every kind: time and audience.
//!
//! The JWT library checks the signature only; time is checked here, against the injected clock.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Clocks of honest clients may be this far ahead of ours when they say when a token was made.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// A token that asks not to be used yet means it; this only covers rounding.
const EARLY: SignedDuration = SignedDuration::from_secs(5);

/// Why a token is refused, in words for its holder. It says nothing that its holder could not read in the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the bearer token is not a well-formed JWT")]
    Malformed,
    #[error("the bearer token is signed with an algorithm that is not accepted; use RS256")]
    Algorithm,
    /// One text for an unknown issuer, an unknown key and a wrong signature, so that nobody learns which accounts exist.
    #[error("the bearer token is not signed by a key that this server trusts")]
    Untrusted,
    #[error("the bearer token has expired")]
    Expired,
    #[error("the bearer token is not valid yet; check the clock of its maker")]
    NotYet,
    #[error("the bearer token lives longer than one hour, the most for a self-signed one")]
    TooLong,
    #[error("the bearer token is for another audience than this server's")]
    Audience,
    #[error("the bearer token's claims iss, sub and email must be the same")]
    Identity,
    #[error("the bearer token has no exp claim")]
    NoExpiry,
    #[error("the bearer token has been revoked")]
    Revoked,
    #[error("the bearer token was made for another sign-in")]
    Nonce,
}

/// The claims this server reads. Numbers may have a fraction (RFC 7519, NumericDate).
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) email: Option<String>,
    pub(super) jti: Option<String>,
    #[serde(default)]
    aud: Audience,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
}

/// One audience or several.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Claims {
    /// How many audiences the token names.
    pub(super) fn audiences(&self) -> usize {
        match &self.aud {
            Audience::One(_) => 1,
            Audience::Many(many) => many.len(),
        }
    }

    /// Expiry, start of validity and audience.
    pub(super) fn check(&self, audiences: &[&str], now: Timestamp) -> Result<Times, Refusal> {
        let seconds = |claim: Option<f64>| claim.map(instant).transpose();
        let expires = seconds(self.exp)?.ok_or(Refusal::NoExpiry)?;
        if expires <= now {
            return Err(Refusal::Expired);
        }
        let issued = seconds(self.iat)?;
        let starts = seconds(self.nbf)?;
        let ahead = |time: Option<Timestamp>, by| time.is_some_and(|time| time.duration_since(now) > by);
        if ahead(issued, SKEW) || ahead(starts, EARLY) {
            return Err(Refusal::NotYet);
        }
        let given: &[String] = match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Many(many) => many,
        };
        let ours = |given: &String| audiences.iter().any(|a| a.trim_end_matches('/') == given.trim_end_matches('/'));
        if given.iter().any(ours) { Ok(Times { issued, expires }) } else { Err(Refusal::Audience) }
    }
}

/// When a checked token was made and until when it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) issued: Option<Timestamp>,
    pub(super) expires: Timestamp,
}

/// A NumericDate as an instant; one that no calendar has is malformed.
fn instant(seconds: f64) -> Result<Timestamp, Refusal> {
    SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|d| Timestamp::from_duration(d).ok())
        .ok_or(Refusal::Malformed)
}

//! ID tokens of an OIDC issuer: the third kind of bearer token (`spec/api.md`, Tokens), and signing in to the Studio with them.
//!
//! One issuer. What it says of itself and its keys are fetched when first needed and kept for a while ([`issuer`]); a token is
//! believed after [`id_token`] has checked it; what it may do is decided here and never by the token: by the rules of the
//! settings ([`grants`]) and by the roles of the user whose name is the token's verified e-mail address. [`code`] is the way
//! through a browser: authorization code with PKCE.

mod code;
mod grants;
mod id_token;
mod issuer;

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::Header;
use serde_json::{Map, Value};
use tailer_model::AccountId;
use tailer_store::{Store, StoreError, Tx, users};

use super::{
    Grant,
    claims::Refusal,
    grants_of, user_name,
    verify::{Verdict, Verified},
};
use crate::{errors::ApiError, settings::OidcSettings};

pub(crate) use code::{CodeError, Ticket};
pub use issuer::IssuerError;
pub(crate) use issuer::is_safe;

use self::issuer::Issuer;

/// The issuer that this server trusts.
#[derive(Debug)]
pub(crate) struct Oidc {
    pub(crate) settings: OidcSettings,
    issuer: Issuer,
}

/// Asks an issuer for its description and its keys; answers how many keys there are that can be used.
///
/// # Errors
/// It does not answer, or says what cannot be used.
pub async fn try_issuer(settings: &OidcSettings, now: Timestamp) -> Result<usize, IssuerError> {
    let issuer = Issuer::new(settings)?;
    issuer.metadata(now).await?;
    Ok(issuer.keys(now, false).await?.len())
}

/// Whom a checked token names, and what the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The e-mail address when the issuer has verified it, otherwise `sub`.
    pub(crate) name: String,
    /// The claims that rules name, with `email` and `email_verified`.
    claims: Map<String, Value>,
}

impl Oidc {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(settings: OidcSettings) -> Result<Arc<Self>, IssuerError> {
        Ok(Arc::new(Self { issuer: Issuer::new(&settings)?, settings }))
    }

    /// Verifies a bearer token that says it is the issuer's.
    pub(super) async fn verify(
        &self,
        store: &Store,
        token: &str,
        header: &Header,
        now: Timestamp,
    ) -> Result<Verdict, ApiError> {
        let audiences: Vec<&str> = self.settings.audiences.iter().map(String::as_str).collect();
        let (identity, expires) = match self.check(token, header, &audiences, None, now).await? {
            Ok((claims, expires)) => (self.identity(claims), expires),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let of_user = {
            let identity = identity.clone();
            store.read(move |tx| identity.roles_of_user(tx)).await?
        };
        let name = format!("oidc:{}", identity.name);
        let mut grants = self.grants(&identity.claims);
        grants.extend(grants_of(&name, of_user)?);
        Ok(Ok(Verified { name, grants, expires }))
    }

    /// The claims of a token and until when it holds, after every check. `nonce`: what this sign-in must carry.
    async fn check(
        &self,
        token: &str,
        header: &Header,
        audiences: &[&str],
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Result<(Map<String, Value>, Timestamp), Refusal>, ApiError> {
        let mut keys = self.issuer.keys(now, false).await?;
        if header.kid.as_ref().is_some_and(|kid| !id_token::names(&keys, kid)) {
            keys = self.issuer.keys(now, true).await?; // the issuer may have changed its keys
        }
        let wanted =
            id_token::Wanted { issuer: &self.settings.issuer, client: &self.settings.client_id, audiences, nonce };
        Ok(id_token::check(token, header, &keys, &wanted, now))
    }

    fn identity(&self, mut claims: Map<String, Value>) -> Identity {
        let verified = grants::verified_email(&claims).map(ToOwned::to_owned);
        let name = verified.or_else(|| claims.get("sub").and_then(Value::as_str).map(ToOwned::to_owned));
        claims.retain(|claim, _| {
            ["email", "email_verified"].contains(&claim.as_str())
                || self.settings.grants.iter().any(|rule| rule.looks_at(claim))
        });
        Identity { name: name.unwrap_or_default(), claims }
    }

    /// Whether the e-mail address or a rule's claim is not among these, and might be told elsewhere.
    fn misses(&self, claims: &Map<String, Value>) -> bool {
        let rules = self.settings.grants.iter();
        !claims.contains_key("email") || rules.clone().any(|rule| !claims.keys().any(|claim| rule.looks_at(claim)))
    }

    /// What the rules grant to these claims.
    pub(super) fn grants(&self, claims: &Map<String, Value>) -> Vec<Grant> {
        self.settings.grants.iter().filter(|rule| rule.matches(claims)).map(grants::grant).collect()
    }
}

impl Identity {
    /// Roles of the user whose name is the verified e-mail address; none when there is no such user.
    pub(super) fn roles_of_user(&self, tx: &mut Tx<'_>) -> Result<Vec<(AccountId, String)>, StoreError> {
        match grants::verified_email(&self.claims).and_then(|email| user_name(email).ok()) {
            Some(name) => users::roles(tx, &name),
            None => Ok(Vec::new()),
        }
    }

    /// As a session keeps it.
    pub(crate) fn to_text(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// What [`Self::to_text`] wrote.
    pub(super) fn from_text(name: &str, text: &str) -> Option<Self> {
        let claims = serde_json::from_str(text).ok()?;
        Some(Self { name: name.to_owned(), claims })
    }

    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

//! Sessions of the Studio: a random id in a signed cookie, its hash in the store.
//!
//! A session ends when it is idle for [`IDLE`], at the latest after [`LONGEST`], by signing out, and at the next request after
//! its user or token is gone: roles are read afresh for each request, so what is taken from somebody is gone at once. A session
//! that began at the OIDC issuer keeps the claims that the rules look at, and ends after [`LONGEST_OIDC`]: what the issuer takes
//! from somebody is not told to us.
//! The API never looks at the cookie: it takes bearer tokens only.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use sha2::{Digest, Sha256};
use tailer_engine::Clock;
use tailer_store::{
    Durability, Store, StoreError,
    sessions::{self, Kind, SessionRow},
    tokens, users,
};

use super::{
    Grant, grants_of,
    oidc::{Identity, Oidc},
};
use crate::errors::ApiError;

pub(crate) const COOKIE: &str = "tailerd_session";
const IDLE: SignedDuration = SignedDuration::from_hours(12);
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
const LONGEST_OIDC: SignedDuration = SignedDuration::from_hours(12);
/// Signs of life are recorded no oftener.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Begins, finds and ends sessions.
pub(crate) struct Sessions {
    store: Store,
    clock: Arc<dyn Clock>,
    key: hmac::Key,
    oidc: Option<Arc<Oidc>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Session {
    /// Never shown, never logged.
    id: String,
    /// `user:<name>`, `token:<id>` or `oidc:<e-mail or sub>`.
    pub(crate) name: String,
    pub(crate) grants: Vec<Grant>,
}

/// Who begins a session.
#[derive(Debug)]
pub(crate) enum Subject {
    /// The user's name.
    User(String),
    /// A minted token's id.
    Token(String),
    Oidc(Identity),
}

impl Sessions {
    /// `key` is a secret of this data folder.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, key: hmac::Key, oidc: Option<Arc<Oidc>>) -> Self {
        Self { store, clock, key, oidc }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a session; answers the cookie's value.
    ///
    /// # Errors
    /// The store cannot record it.
    pub(crate) async fn begin(&self, who: Subject) -> Result<String, ApiError> {
        let mut id = [0; 32];
        SystemRandom::new().fill(&mut id).map_err(|e| ApiError::internal(&e))?;
        let id = BASE64_URL_SAFE_NO_PAD.encode(id);
        let now = self.clock.now();
        let (kind, subject, claims, longest) = match who {
            Subject::User(name) => (Kind::User, name, None, LONGEST),
            Subject::Token(id) => (Kind::Token, id, None, LONGEST),
            Subject::Oidc(identity) => (Kind::Oidc, identity.name.clone(), Some(identity.to_text()), LONGEST_OIDC),
        };
        let expires = now.checked_add(longest).map_err(|e| ApiError::internal(&e))?;
        let row = SessionRow { id_hash: hash(&id), kind, subject, claims, created: now, seen: now, expires };
        self.store.write(Durability::Synced, move |tx| sessions::begin(tx, &row)).await?;
        let tag = self.tag("cookie", &id);
        Ok(format!("{id}.{tag}"))
    }

    /// Whose session the cookie of a request names, if it lives.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(crate) async fn find(&self, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
        let Some(id) = self.id(headers) else { return Ok(None) };
        let (id_hash, now) = (hash(&id), self.clock.now());
        let found = self.store.read(move |tx| holder(tx, &id_hash, now)).await?;
        let Some((row, roles)) = found else { return Ok(None) };
        if row.kind == Kind::Oidc && self.oidc.is_none() {
            return Ok(None); // the issuer is not trusted any more
        }
        if now.duration_since(row.seen) >= NOTED {
            let id_hash = row.id_hash.clone();
            self.store.write(Durability::Synced, move |tx| sessions::see(tx, &id_hash, now)).await?;
        }
        let name = match row.kind {
            Kind::User => format!("user:{}", row.subject),
            Kind::Token => format!("token:{}", row.subject),
            Kind::Oidc => format!("oidc:{}", row.subject),
        };
        let mut grants = grants_of(&name, roles)?;
        if let (Some(oidc), Some(identity)) = (&self.oidc, identity(&row)) {
            grants.extend(oidc.grants(identity.claims()));
        }
        Ok(Some(Session { id, name, grants }))
    }

    /// Whether somebody whom the issuer names has a role anywhere.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(crate) async fn has_roles(&self, identity: &Identity) -> Result<bool, ApiError> {
        if self.oidc.as_ref().is_some_and(|oidc| !oidc.grants(identity.claims()).is_empty()) {
            return Ok(true);
        }
        let identity = identity.clone();
        Ok(!self.store.read(move |tx| identity.roles_of_user(tx)).await?.is_empty())
    }

    /// Ends the session.
    ///
    /// # Errors
    /// The store cannot record it.
    pub(crate) async fn end(&self, session: &Session) -> Result<(), ApiError> {
        let id_hash = hash(&session.id);
        self.store.write(Durability::Synced, move |tx| sessions::end(tx, &id_hash)).await?;
        Ok(())
    }

    /// What the session's forms carry. Another session has another.
    pub(crate) fn form_token(&self, session: &Session) -> String {
        self.tag("form", &session.id)
    }

    fn tag(&self, what_for: &str, id: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, format!("{what_for}:{id}").as_bytes()))
    }

    fn is_ours(&self, id: &str, tag: &str) -> bool {
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
        hmac::verify(&self.key, format!("cookie:{id}").as_bytes(), &tag).is_ok()
    }

    /// The session id of the request's cookie, when we signed it.
    fn id(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut ours = cookies.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == COOKIE).then_some(value)
        });
        ours.find_map(|value| {
            let (id, tag) = value.split_once('.')?;
            self.is_ours(id, tag).then(|| id.to_owned())
        })
    }
}

type Roles = Vec<(tailer_model::AccountId, String)>;

/// A living session and the roles of its subject now.
fn holder(
    tx: &mut tailer_store::Tx<'_>,
    id_hash: &str,
    now: Timestamp,
) -> Result<Option<(SessionRow, Roles)>, StoreError> {
    let Some(row) = sessions::get(tx, id_hash)? else { return Ok(None) };
    if now >= row.expires || now.duration_since(row.seen) >= IDLE {
        return Ok(None);
    }
    let roles = match row.kind {
        Kind::User => users::roles(tx, &row.subject)?,
        Kind::Token => match tokens::get(tx, &row.subject)? {
            Some(token) if token.revoked.is_none() && token.expires > now => vec![(token.account, token.role)],
            _ => return Ok(None),
        },
        Kind::Oidc => match identity(&row) {
            Some(identity) => identity.roles_of_user(tx)?,
            None => return Ok(None),
        },
    };
    Ok(Some((row, roles)))
}

/// Whom a session names that began at the issuer.
fn identity(row: &SessionRow) -> Option<Identity> {
    Identity::from_text(&row.subject, row.claims.as_deref()?)
}

fn hash(id: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(id.as_bytes()))
}

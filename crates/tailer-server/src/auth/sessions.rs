//! Sessions of the Studio: a random id in a signed cookie, its hash in the store.
//!
//! A session ends when it is idle for [`IDLE`], at the latest after [`LONGEST`], by signing out, and at the next request after
//! its user or token is gone: roles are read afresh for each request, so what is taken from somebody is gone at once. A session
//! that began at the OIDC issuer keeps the claims that the rules look at, and ends after [`LONGEST_OIDC`]: what the issuer takes
//! from somebody is not told to us.
//! The API never looks at the cookie: it takes bearer tokens only.

use std::{net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tailer_engine::Clock;
use tailer_model::{AccountId, Actor, AuditAction, Via};
use tailer_store::{
    Durability, Store, StoreError, Tx,
    audit::{self, Entry},
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

    /// Begins a session; answers the cookie's value. `address`: from where, for the audit log.
    ///
    /// # Errors
    /// The store cannot record it.
    pub(crate) async fn begin(&self, who: Subject, address: IpAddr) -> Result<String, ApiError> {
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
        let granted = self.granted(&row);
        self.store.write(Durability::Synced, move |tx| begun(tx, &row, granted, address)).await?;
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
        let name = principal(&row);
        let mut grants = grants_of(&name, roles)?;
        grants.extend(self.granted(&row));
        Ok(Some(Session { id, name, grants }))
    }

    /// What the rules about the issuer's claims grant to somebody who came from there.
    fn granted(&self, row: &SessionRow) -> Vec<Grant> {
        match (&self.oidc, identity(row)) {
            (Some(oidc), Some(identity)) => oidc.grants(identity.claims()),
            _ => Vec::new(),
        }
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
        let (id_hash, now) = (hash(&session.id), self.clock.now());
        let (by, accounts) = (Actor::new(&session.name, Via::Studio), accounts_of(&session.grants));
        let end = move |tx: &mut Tx<'_>| {
            if sessions::end(tx, &id_hash)? {
                let entry = Entry::of_access(&by, now, AuditAction::SessionEnd, None, &by.name);
                audit::record_in_each(tx, &accounts, &entry)?;
            }
            Ok::<_, StoreError>(())
        };
        Ok(self.store.write(Durability::Synced, end).await?)
    }

    /// Records that somebody was refused to sign in: as a user when there is one of that name. What else was tried to get in with
    /// is not told, for people type passwords where names belong.
    ///
    /// # Errors
    /// The store cannot record it.
    pub(crate) async fn refused(&self, name: &str, address: IpAddr) -> Result<(), ApiError> {
        let (name, now) = (name.to_owned(), self.clock.now());
        let refuse = move |tx: &mut Tx<'_>| {
            let known = users::password(tx, &name)?.is_some();
            let accounts: Vec<AccountId> = users::roles(tx, &name)?.into_iter().map(|(account, _)| account).collect();
            let target = if known { users::principal(&name) } else { "unknown".to_owned() };
            audit::refuse(tx, &accounts, &target, &address.to_string(), now)
        };
        // Not worth an fsync: a change that is takes it along.
        Ok(self.store.write(Durability::Relaxed, refuse).await?)
    }

    /// What the session's forms are known by. Another session has another.
    pub(crate) fn form_secret(&self, session: &Session) -> String {
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

type Roles = Vec<(AccountId, String)>;

/// How runs, log lines and the audit log name the holder of a session.
fn principal(row: &SessionRow) -> String {
    match row.kind {
        Kind::User => users::principal(&row.subject),
        Kind::Token => tokens::principal(&row.subject),
        Kind::Oidc => format!("oidc:{}", row.subject),
    }
}

fn accounts_of(grants: &[Grant]) -> Vec<AccountId> {
    let mut accounts: Vec<AccountId> = grants.iter().map(|grant| grant.account.clone()).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

/// Records a session that begins, and in the audit log of each account that it reaches.
fn begun(tx: &mut Tx<'_>, row: &SessionRow, granted: Vec<Grant>, address: IpAddr) -> Result<(), StoreError> {
    sessions::begin(tx, row)?;
    let mut accounts = accounts_of(&granted);
    let roles = roles(tx, row, row.created)?.unwrap_or_default();
    accounts.extend(roles.into_iter().map(|(account, _)| account));
    accounts.sort();
    accounts.dedup();
    let by = Actor::new(principal(row), Via::Studio);
    let entry = Entry::of_access(&by, row.created, AuditAction::SessionBegin, None, &by.name);
    audit::record_in_each(tx, &accounts, &entry.after(json!({"address": address.to_string()})))
}

/// A living session and the roles of its subject now.
fn holder(tx: &mut Tx<'_>, id_hash: &str, now: Timestamp) -> Result<Option<(SessionRow, Roles)>, StoreError> {
    let Some(row) = sessions::get(tx, id_hash)? else { return Ok(None) };
    if now >= row.expires || now.duration_since(row.seen) >= IDLE {
        return Ok(None);
    }
    Ok(roles(tx, &row, now)?.map(|roles| (row, roles)))
}

/// The roles of a session's subject now; `None` when the subject is gone.
fn roles(tx: &mut Tx<'_>, row: &SessionRow, now: Timestamp) -> Result<Option<Roles>, StoreError> {
    Ok(match row.kind {
        Kind::User => Some(users::roles(tx, &row.subject)?),
        Kind::Token => tokens::get(tx, &row.subject)?
            .filter(|token| token.revoked.is_none() && token.expires > now)
            .map(|token| vec![(token.account, token.role)]),
        Kind::Oidc => identity(row).map(|identity| identity.roles_of_user(tx)).transpose()?,
    })
}

/// Whom a session names that began at the issuer.
fn identity(row: &SessionRow) -> Option<Identity> {
    Identity::from_text(&row.subject, row.claims.as_deref()?)
}

fn hash(id: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(id.as_bytes()))
}

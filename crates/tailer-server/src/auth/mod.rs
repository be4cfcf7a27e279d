//! Who asks: bearer tokens and the roles they grant (`spec/api.md`, Tokens).
//!
//! Kinds of token, one file each: [`minted`] by this server, self-signed by [`service_accounts`], and ID tokens of an [`oidc`]
//! issuer. [`verify`] tells them apart.
//!
//! People sign in to the Studio with [`passwords`], a token or through the OIDC issuer, and stay signed in by [`sessions`]; the API
//! takes tokens only.
//!
//! Public here is what the command line uses, on the data folder and without a server: [`mint()`] and
//! [`service_account_from_key_file`]. Both only write rows; a running server sees them within [`FRESH`] seconds.

mod cache;
mod claims;
mod keys;
mod mint;
mod minted;
mod oidc;
mod passwords;
pub(crate) mod people;
mod service_accounts;
mod sessions;
mod verify;

use std::sync::Arc;

use tailer_model::AccountId;

use crate::{access::Role, errors::ApiError, limits::Allowance};

pub use keys::KeyError;
pub use mint::{MintError, Minted, NewToken, mint};
pub(crate) use oidc::{CodeError, Oidc, Ticket, is_safe};
pub use oidc::{IssuerError, try_issuer};
pub(crate) use passwords::is_password;
pub use passwords::{CredentialError, hash_password, user_name};
pub(crate) use people::People;
pub use service_accounts::{KeyFileError, ServiceAccount, service_account_from_key_file};
pub(crate) use sessions::{COOKIE, Session, Sessions, Subject};
pub(crate) use verify::Authenticator;

/// How long, in seconds, a verified token is believed before the store is asked again whether it still holds.
pub const FRESH: i64 = 2;

/// Who a verified token stands for.
#[derive(Debug)]
pub(crate) struct Principal {
    /// `token:<id>`, `user:<name>`, `oidc:<e-mail or sub>` or a service account's e-mail: what runs and log lines name.
    pub(crate) name: String,
    pub(crate) grants: Vec<Grant>,
    pub(crate) allowance: Arc<Allowance>,
}

/// A role on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) account: AccountId,
    pub(crate) role: Role,
}

/// What rows of accounts and roles grant to somebody.
///
/// # Errors
/// A row names a role that there is not.
fn grants_of(whose: &str, roles: Vec<(AccountId, String)>) -> Result<Vec<Grant>, ApiError> {
    let grant = |(account, role): (AccountId, String)| match role.parse() {
        Ok(role) => Ok(Grant { account, role }),
        Err(_) => Err(ApiError::internal(&format!("{whose} has the role {role:?}"))),
    };
    roles.into_iter().map(grant).collect()
}

impl Principal {
    /// The highest role on the account.
    pub(crate) fn role_on(&self, account: &AccountId) -> Option<Role> {
        self.grants.iter().filter(|grant| grant.account == *account).map(|grant| grant.role).max()
    }

    /// The accounts on which the role is at least `needed`.
    ///
    /// # Errors
    /// 403 `forbidden` when there is none.
    pub(crate) fn accounts(&self, needed: Role, to: &str) -> Result<Vec<AccountId>, ApiError> {
        let enough = |grant: &&Grant| grant.role >= needed;
        let accounts: Vec<AccountId> = self.grants.iter().filter(enough).map(|grant| grant.account.clone()).collect();
        if !accounts.is_empty() {
            return Ok(accounts);
        }
        let highest = self.grants.iter().map(|grant| grant.role).max();
        let has = highest.map_or_else(|| "no role".to_owned(), |role| format!("the role {role}"));
        Err(ApiError::forbidden(format!("{to} needs the role {needed} on some account; this token has {has}")))
    }

    /// # Errors
    /// 403 `forbidden` when the role on the account is below `needed`.
    pub(crate) fn require(&self, needed: Role, account: &AccountId, to: &str) -> Result<(), ApiError> {
        match self.role_on(account) {
            Some(role) if role >= needed => Ok(()),
            Some(role) => Err(ApiError::forbidden(format!(
                "{to} needs the role {needed} on account {account}; this token has the role {role}"
            ))),
            None => Err(ApiError::forbidden(format!(
                "{to} needs the role {needed} on account {account}; this token has no role on it"
            ))),
        }
    }
}

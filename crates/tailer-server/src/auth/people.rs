//! Who has roles on an account, and how its administrators change that from the Studio. The command line does the same on the data
//! folder, for all accounts.
//!
//! An administrator reaches only their own account: a user's roles elsewhere are neither shown nor touched. A password is set by
//! its user, or with the user: whoever could set somebody else's would have all their roles on other accounts.

use jiff::Timestamp;
use tailer_model::{AccountId, Actor};
use tailer_store::{
    Durability, Store, StoreError, Tx,
    service_accounts::{self, ServiceAccountRow},
    tokens::{self, TokenRow},
    users,
};

use super::passwords::{CredentialError, hash_password, is_password, user_name};
use crate::{access::Role, errors::ApiError};

/// A user with a role on an account.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) created: Timestamp,
    pub(crate) by: String,
    /// False: through the OIDC issuer only.
    pub(crate) has_password: bool,
}

/// All who have a role on one account.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub(crate) members: Vec<Member>,
    /// Those that still hold, newest first.
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) service_accounts: Vec<ServiceAccountRow>,
}

/// # Errors
/// The store cannot be asked.
pub(crate) async fn people(store: &Store, account: &AccountId, now: Timestamp) -> Result<People, ApiError> {
    let account = account.clone();
    let read = move |tx: &mut Tx<'_>| -> Result<People, StoreError> {
        let member = |user: users::UserRow| {
            let role = user.roles.iter().find(|(of, _)| *of == account)?.1.clone();
            let users::UserRow { name, created, by, has_password, .. } = user;
            Some(Member { name, role, created, by, has_password })
        };
        let holds = |token: &TokenRow| token.account == account && token.revoked.is_none() && token.expires > now;
        Ok(People {
            members: users::list(tx)?.into_iter().filter_map(member).collect(),
            tokens: tokens::list(tx)?.into_iter().rev().filter(holds).collect(),
            service_accounts: service_accounts::list(tx)?.into_iter().filter(|row| row.account == account).collect(),
        })
    };
    Ok(store.read(read).await?)
}

/// Makes a user with a role, or gives a user who is there the role. An empty password makes one who signs in through the issuer only.
///
/// # Errors
/// 400 for a name or password that cannot be; 409 for a password for somebody who is there already.
pub(crate) async fn add_member(
    store: &Store,
    (account, role): (&AccountId, Role),
    (name, password): (&str, &str),
    by: &Actor,
    now: Timestamp,
) -> Result<(), ApiError> {
    let name = user_name(name).map_err(unusable)?;
    let hash = if password.is_empty() { String::new() } else { hashed(password).await? };
    let (account, by) = (account.clone(), by.clone());
    let added = store.write(Durability::Synced, move |tx| -> Result<bool, StoreError> {
        if users::password(tx, &name)?.is_some() {
            if !hash.is_empty() {
                return Ok(false);
            }
        } else {
            users::add(tx, &name, &hash, (&account, role.as_str()), &by, now)?;
            return Ok(true);
        }
        users::grant(tx, &name, &account, Some(role.as_str()), &by, now)
    });
    if added.await? {
        return Ok(());
    }
    let message =
        "there is such a user already, with a password of their own: leave the password empty to give them the role";
    Err(ApiError::new(axum::http::StatusCode::CONFLICT, "user_exists", message))
}

/// Gives a member another role, or none.
///
/// # Errors
/// 404 when nobody of that name has a role on the account.
pub(crate) async fn set_role(
    store: &Store,
    account: &AccountId,
    name: &str,
    role: Option<Role>,
    by: &Actor,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (account, name, by) = (account.clone(), name.to_owned(), by.clone());
    let set = store.write(Durability::Synced, move |tx| -> Result<bool, StoreError> {
        if !users::roles(tx, &name)?.iter().any(|(of, _)| *of == account) {
            return Ok(false);
        }
        users::grant(tx, &name, &account, role.map(Role::as_str), &by, now)
    });
    if set.await? { Ok(()) } else { Err(nobody("user")) }
}

/// Revokes a token of the account.
///
/// # Errors
/// 404 when the account has no such token.
pub(crate) async fn revoke_token(
    store: &Store,
    account: &AccountId,
    id: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (account, id, by) = (account.clone(), id.to_owned(), by.clone());
    let revoked = store.write(Durability::Synced, move |tx| -> Result<bool, StoreError> {
        Ok(tokens::get(tx, &id)?.is_some_and(|token| token.account == account) && tokens::revoke(tx, &id, &by, now)?)
    });
    if revoked.await? { Ok(()) } else { Err(nobody("token")) }
}

/// Trusts a service account no more on the account.
///
/// # Errors
/// 404 when it is not trusted there.
pub(crate) async fn remove_service_account(
    store: &Store,
    account: &AccountId,
    email: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (account, email, by) = (account.clone(), email.to_owned(), by.clone());
    let remove = move |tx: &mut Tx<'_>| service_accounts::remove_from(tx, &email, &account, &by, now);
    let removed = store.write(Durability::Synced, remove).await?;
    if removed > 0 { Ok(()) } else { Err(nobody("service account")) }
}

/// Sets a user's own password, which ends all their sessions.
///
/// # Errors
/// 403 when the old one is not right; 400 when the new one cannot be.
pub(crate) async fn change_password(
    store: &Store,
    name: &str,
    (old, new): (&str, &str),
    by: &Actor,
    now: Timestamp,
) -> Result<(), ApiError> {
    let hash = {
        let name = name.to_owned();
        store.read(move |tx| users::password(tx, &name)).await?
    };
    let old = old.to_owned();
    let right = blocking(move || is_password(&old, hash.as_deref())).await?;
    if !right {
        return Err(ApiError::forbidden("the old password is not right"));
    }
    let (name, hash, by) = (name.to_owned(), hashed(new).await?, by.clone());
    store.write(Durability::Synced, move |tx| users::set_password(tx, &name, &hash, &by, now)).await?;
    Ok(())
}

async fn hashed(password: &str) -> Result<String, ApiError> {
    let password = password.to_owned();
    blocking(move || hash_password(&password)).await?.map_err(unusable)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))
}

fn unusable(error: CredentialError) -> ApiError {
    match error {
        CredentialError::Random => ApiError::internal(&error),
        _ => ApiError::bad_request("invalid_credentials", error.to_string()),
    }
}

fn nobody(what: &str) -> ApiError {
    let message = format!("there is no such {what} on this account; it may be gone already");
    ApiError::new(axum::http::StatusCode::NOT_FOUND, "not_found", message)
}

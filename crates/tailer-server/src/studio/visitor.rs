//! Who looks at a page: the signed-in principal, by a bearer token.
//!
//! Whoever is not signed in is sent to `/sign-in`. What changes something must carry [`Visitor::csrf`]; a bearer token
//! cannot be sent by another site, so that its visitors' CSRF token is empty.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use tailer_model::AccountId;

use super::error::PageError;
use crate::{access::Role, app::App, auth::Principal};

/// Who is signed in.
pub(super) struct Visitor {
    pub(super) principal: Arc<Principal>,
    /// What forms must send back.
    pub(super) csrf: String,
    /// As pages show it.
    pub(super) name: String,
}

impl Visitor {
    /// Every account that the visitor may see, in order.
    pub(super) fn accounts(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.principal.grants.iter().map(|grant| grant.account.clone()).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }

    /// The visitor's role on the account.
    ///
    /// # Errors
    /// 403 when it is below `needed`.
    pub(super) fn require(&self, needed: Role, account: &AccountId, to: &str) -> Result<Role, PageError> {
        self.principal.require(needed, account, to)?;
        Ok(self.principal.role_on(account).unwrap_or(needed))
    }

    /// # Errors
    /// 403 when the form was not made for this visitor.
    pub(super) fn genuine(&self, csrf: &str) -> Result<(), PageError> {
        if csrf == self.csrf {
            return Ok(());
        }
        Err(PageError::new(StatusCode::FORBIDDEN, "this form is not from your session: open the page again and retry"))
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let principal = app.authenticator.authenticate(&parts.headers, &app.limiter).await?;
        Ok(Self { csrf: String::new(), name: principal.name.clone(), principal })
    }
}

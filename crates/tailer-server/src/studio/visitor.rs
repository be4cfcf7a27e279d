//! Who looks at a page, and whether a form that arrives was really sent by them.
//!
//! A visitor is signed in by the cookie of a session, or is a program with a bearer token. Whoever is neither is sent to
//! `/sign-in`. A form counts only when the browser says that a page of this origin sent it ([`is_same_origin`]) and it carries
//! a token that a page of this session had ([`FormKey`]).

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use tailer_model::{AccountId, Actor, Via};

use super::{SIGN_IN, error::PageError, form_token::FormKey};
use crate::{
    access::Role,
    app::App,
    auth::{Principal, Session},
    errors::ApiError,
};

/// Who is signed in.
#[derive(Debug)]
pub(super) struct Visitor {
    /// With the roles of this moment; its name is what runs and log lines show.
    pub(super) principal: Arc<Principal>,
    forms: FormKey,
    /// As pages show it.
    pub(super) name: String,
    /// None for a bearer token.
    session: Option<Session>,
    same_origin: bool,
}

impl Visitor {
    /// Whose session the request's cookie names; `None` when nobody is signed in.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let Some(session) = app.sessions.find(headers).await? else { return Ok(None) };
        let allowance = app.limiter.allowance(&session.name, app.clock.now());
        let principal = Principal { name: session.name.clone(), grants: session.grants.clone(), allowance };
        Ok(Some(Self {
            principal: Arc::new(principal),
            forms: FormKey::of_session(&app.sessions.form_secret(&session)),
            name: shown(&session.name).to_owned(),
            session: Some(session),
            same_origin: is_same_origin(headers),
        }))
    }

    /// The visitor, as what is changed names them.
    pub(super) fn actor(&self) -> Actor {
        Actor::new(&self.principal.name, Via::Studio)
    }

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

    /// What the forms of one page send back.
    pub(super) fn form_token(&self) -> String {
        self.forms.token()
    }

    /// # Errors
    /// 403 when the form was not made for this visitor, or another site sent it.
    pub(super) fn genuine(&self, csrf: &str) -> Result<(), ApiError> {
        if self.same_origin && self.forms.made(csrf) { Ok(()) } else { Err(foreign_form()) }
    }

    /// # Errors
    /// The store cannot record it.
    pub(super) async fn sign_out(self, app: &App) -> Result<(), ApiError> {
        match self.session {
            Some(session) => app.sessions.end(&session).await,
            None => Ok(()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let refused = |error: ApiError| PageError::from(error).into_response();
        let headers = &parts.headers;
        if headers.contains_key(header::AUTHORIZATION) {
            let principal = app.authenticator.authenticate(headers, &app.limiter).await.map_err(refused)?;
            let name = principal.name.clone();
            return Ok(Self { principal, forms: FormKey::of_bearer(), name, session: None, same_origin: true });
        }
        if let Some(visitor) = Self::signed_in(app, headers).await.map_err(refused)? {
            return Ok(visitor);
        }
        let is_page = parts.method == Method::GET
            && headers
                .get(header::ACCEPT)
                .and_then(|accept| accept.to_str().ok())
                .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
        if !is_page {
            return Err(refused(ApiError::unauthorized("missing_token", "sign in first, at /sign-in")));
        }
        let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
        let next: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
        let headers =
            [(header::LOCATION, format!("{SIGN_IN}?next={next}")), (header::CACHE_CONTROL, "no-store".into())];
        Err((StatusCode::SEE_OTHER, headers).into_response())
    }
}

/// A principal as people know it: without the kind of sign-in.
pub(super) fn shown(name: &str) -> &str {
    name.strip_prefix("user:").or_else(|| name.strip_prefix("oidc:")).unwrap_or(name)
}

/// Answer to a form that another site sent.
pub(super) fn foreign_form() -> ApiError {
    let message = "this form was not sent by a page of this session; load the page again and send it from there";
    ApiError::new(axum::http::StatusCode::FORBIDDEN, "forbidden_form", message)
}

/// Whether no other site sent this request, as far as the browser says. Programs that are no browsers say nothing: they carry no
/// cookies that somebody else could use.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => !headers.contains_key(header::ORIGIN),
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
        (Some(_), None) => false,
    }
}

/// Where to go after signing in: a path of this server, or `None` for anything that could lead elsewhere.
pub(super) fn safe_path(next: &str) -> Option<&str> {
    let local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let plain = next.len() <= 2_000 && next.bytes().all(|byte| byte.is_ascii_graphic());
    (local && plain).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_to() {
        for fine in ["/", "/runs?status=FAILED&page=2", "/a%20b"] {
            assert_eq!(safe_path(fine), Some(fine));
        }
        for bad in
            ["", "runs", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/\t/evil.example"]
        {
            assert_eq!(safe_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_known_by_what_the_browser_says() {
        let check = |given: &[(&'static str, &str)], expect| {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_same_origin(&headers), expect, "{given:?}");
        };
        check(&[], true);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "http://a:1"), ("host", "a:1")], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("origin", "http://a:1"), ("host", "a:1")], true);
        check(&[("origin", "http://b:1"), ("host", "a:1")], false);
        check(&[("origin", "null"), ("host", "a:1")], false);
    }
}

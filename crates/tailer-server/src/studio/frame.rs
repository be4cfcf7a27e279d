//! What surrounds every page: navigation, and the headers that keep it to itself.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use tailer_model::AccountId;

use super::{assets, error::PageError, visitor::Visitor};
use crate::access::Role;

/// Own origin only, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const GROUPS: &[(&str, &[(&str, &str)])] = &[
    (
        "Operate",
        &[("/", "Overview"), ("/operations", "Data operations"), ("/runs", "Runs"), ("/workflows", "Workflows")],
    ),
    ("Data", &[("/catalog", "Catalog"), ("/quality", "Quality"), ("/freshness", "Freshness")]),
    ("Server", &[("/audit", "Audit log"), ("/docs", "Docs"), ("/settings", "Settings")]),
];

/// The frame of a page; templates reach it as `frame`.
pub(super) struct Frame {
    pub(super) title: String,
    /// Path of the section that the page belongs to.
    pub(super) section: &'static str,
    pub(super) name: String,
    pub(super) csrf: String,
    /// The account that the page shows.
    pub(super) account: AccountId,
    /// All that the visitor sees.
    pub(super) accounts: Vec<AccountId>,
    /// The visitor's role on `account`.
    pub(super) role: Role,
}

impl Frame {
    /// The frame of a page about an account.
    ///
    /// # Errors
    /// 403 when the visitor has no role on it.
    pub(super) fn new(
        visitor: &Visitor,
        title: impl Into<String>,
        section: &'static str,
        account: &AccountId,
    ) -> Result<Self, PageError> {
        let role = visitor.require(Role::Viewer, account, "seeing this page")?;
        Ok(Self {
            title: title.into(),
            section,
            name: visitor.name.clone(),
            csrf: visitor.form_token(),
            account: account.clone(),
            accounts: visitor.accounts(),
            role,
        })
    }

    pub(super) fn style(&self) -> String {
        assets::style()
    }

    pub(super) fn icon(&self) -> String {
        assets::icon()
    }

    pub(super) fn script(&self) -> String {
        assets::script()
    }

    /// The navigation: groups of sections, each section's path and name.
    pub(super) fn groups(&self) -> &'static [(&'static str, &'static [(&'static str, &'static str)])] {
        GROUPS
    }

    /// Whether to offer what operators may do.
    pub(super) fn operates(&self) -> bool {
        self.role >= Role::Operator
    }

    /// Whether to offer what administrators may do.
    pub(super) fn administers(&self) -> bool {
        self.role >= Role::Admin
    }
}

/// Answers with a page.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => secured((status, Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            secured(
                (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be rendered; the log tells more")
                    .into_response(),
            )
        }
    }
}

fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
}

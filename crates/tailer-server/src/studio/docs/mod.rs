//! `/docs`: the user documentation and a reference of the API, part of the program, so that they are those of this version and there
//! where nothing else can be reached.
//!
//! [`texts`] has the pages, [`search`] looks through them, [`mod@reference`] describes the API from its own OpenAPI document.

mod reference;
mod search;
mod texts;

use askama::Template;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use self::{
    reference::Endpoint,
    search::Hit,
    texts::{Group, PREFIX},
};
use super::{
    error::PageError,
    filters, frame,
    frame::Frame,
    markdown::{self, Heading, Place, SafeHtml},
    visitor::Visitor,
};
const SECTION: &str = "/docs";

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    account: String,
    q: String,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Index {
    frame: Frame,
    asked: Asked,
    groups: Vec<Group>,
    hits: Vec<Hit>,
}

#[derive(Template)]
#[template(path = "docs_page.html")]
struct Page {
    frame: Frame,
    html: SafeHtml,
    headings: Vec<Heading>,
}

#[derive(Template)]
#[template(path = "docs_reference.html")]
struct Reference {
    frame: Frame,
    endpoints: Vec<Endpoint>,
}

/// `GET /docs`: what pages there are, and where the words that are looked for stand.
pub(super) async fn index(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let frame = framed(&visitor, "Documentation", &asked)?;
    let hits = search::search(&asked.q);
    Ok(frame::render(StatusCode::OK, &Index { frame, asked, groups: texts::groups(), hits }))
}

/// `GET /docs/{page}`
pub(super) async fn page(
    visitor: Visitor,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let text = texts::text(&name).ok_or_else(|| PageError::not_found("such page of the documentation"))?;
    let frame = framed(&visitor, texts::title(text), &asked)?;
    let relative = |link: &str| texts::address(&name, link, frame.account.as_str());
    let (html, mut headings) = markdown::render_at(text, Place { top: 1, prefix: PREFIX, relative: &relative });
    headings.retain(|heading| (2..=3).contains(&heading.level));
    Ok(frame::render(StatusCode::OK, &Page { frame, html, headings }))
}

/// `GET /docs/api-reference`
pub(super) async fn api_reference(visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response, PageError> {
    let frame = framed(&visitor, "API reference", &asked)?;
    Ok(frame::render(StatusCode::OK, &Reference { frame, endpoints: reference::endpoints() }))
}

/// The documentation belongs to no account; the frame keeps the one that the visitor looks at.
fn framed(visitor: &Visitor, title: &str, asked: &Asked) -> Result<Frame, PageError> {
    Frame::new(visitor, title, SECTION, &filters::account(visitor, &asked.account)?)
}

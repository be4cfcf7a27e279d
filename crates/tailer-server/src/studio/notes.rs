//! Notes at the foot of a page: threads about an operation, a run or a table, and the forms that add to and change them.
//!
//! Whoever has a role on the account may write: those who only read are the ones with questions. A note is changed by its author and
//! removed by them or an administrator.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tailer_engine::{ConfigurationRef, EngineError, NoteSubject, NoteView};

/// For the forms, in characters: what passes there may still be too many bytes.
pub(super) use tailer_engine::LONGEST_NOTE;

use super::{
    error::PageError,
    filters, frame,
    frame::Frame,
    markdown::{self, SafeHtml},
    pages::{configuration, operations, run as run_page},
    visitor::{self, Visitor},
};
use crate::{access::Role, app::App, values::is_table};

/// Which notes a page shows, as it stands in its address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    /// Only threads older than this one.
    notes: String,
}

/// Fields of the forms; each reads its own.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Fields {
    csrf: String,
    text: String,
    /// The thread that is replied to.
    thread: String,
    /// Whose note on a table it is.
    account: String,
}

/// The notes of a page; `notes.html` shows them.
pub(super) struct Notes {
    /// Where new notes are sent.
    pub(super) action: String,
    /// The page with the newest notes.
    pub(super) newest: String,
    pub(super) threads: Vec<Thread>,
    pub(super) count: u64,
    /// Whether older threads are shown than the newest.
    pub(super) later: bool,
    pub(super) older: Option<String>,
}

pub(super) struct Thread {
    pub(super) id: i64,
    /// The first one first.
    pub(super) notes: Vec<Note>,
}

pub(super) struct Note {
    pub(super) of: NoteView,
    pub(super) author: String,
    pub(super) html: SafeHtml,
    pub(super) own: bool,
    /// By an administrator too.
    pub(super) removable: bool,
}

impl Notes {
    /// # Errors
    /// What the engine says; 400 for an address that is none.
    pub(super) async fn of(
        app: &App,
        visitor: &Visitor,
        subject: &NoteSubject,
        asked: &Asked,
    ) -> Result<Self, PageError> {
        let before = filters::read("notes", &asked.notes)?;
        let found = app.engine.notes(subject, before).await?;
        let administers = visitor.principal.role_on(subject.account()) == Some(Role::Admin);
        let note = |of: NoteView| {
            let own = of.author == visitor.principal.name;
            Note {
                author: visitor::shown(&of.author).to_owned(),
                html: markdown::render(&of.text, 3, &format!("note-{}-", of.note)),
                own,
                removable: own || administers,
                of,
            }
        };
        let threads = found.threads.into_iter().map(|thread| Thread {
            id: thread.first.note,
            notes: std::iter::once(thread.first).chain(thread.replies).map(note).collect(),
        });
        Ok(Self {
            threads: threads.collect(),
            count: found.count,
            later: before.is_some(),
            older: found.before.map(|before| format!("{}#notes", page_of(subject, Some(before)))),
            newest: page_of(subject, None),
            action: format!("{}/notes", path_of(subject)),
        })
    }
}

/// The path of the page that shows something.
fn path_of(subject: &NoteSubject) -> String {
    match subject {
        NoteSubject::Operation(ConfigurationRef { account, environment, configuration_type, configuration_id }) => {
            operations::path_of(account.as_str(), *environment, *configuration_type, configuration_id)
        }
        NoteSubject::Run(_, run) => format!("/runs/{run}"),
        NoteSubject::Table(_, table) => {
            // A project's id may have dots; datasets and tables have none.
            let mut parts: Vec<String> = table.rsplitn(3, '.').map(filters::encoded).collect();
            parts.reverse();
            format!("/catalog/{}", parts.join("/"))
        }
    }
}

/// The page that shows something, with threads older than `before`. A table is shown to several accounts.
fn page_of(subject: &NoteSubject, before: Option<i64>) -> String {
    let account = match subject {
        NoteSubject::Table(account, _) => account.as_str(),
        _ => "",
    };
    let before = before.map(|before| before.to_string()).unwrap_or_default();
    filters::address(&path_of(subject), &[("account", account), ("notes", &before)])
}

/// What was sent and not kept, to be corrected.
#[derive(Template)]
#[template(path = "note_refused.html")]
struct Refused {
    frame: Frame,
    message: String,
    action: String,
    back: String,
    text: String,
    thread: String,
}

/// `POST /operations/{account}/{environment}/{kind}/{id}/notes`
pub(super) async fn on_operation(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segments): Path<configuration::Segments>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    add(&app, &visitor, NoteSubject::Operation(configuration::named(segments)?), fields).await
}

/// `POST /runs/{run}/notes`
pub(super) async fn on_run(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let (run, _) = run_page::found(&app, &visitor, &id).await?;
    add(&app, &visitor, NoteSubject::Run(run.account, run.run_id), fields).await
}

/// `POST /catalog/{project}/{dataset}/{table}/notes`
pub(super) async fn on_table(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((project, dataset, table)): Path<(String, String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &fields.account)?;
    let name = format!("{project}.{dataset}.{table}");
    if !is_table(&name) {
        return Err(PageError::not_found("such table"));
    }
    add(&app, &visitor, NoteSubject::Table(account, name), fields).await
}

async fn add(app: &App, visitor: &Visitor, subject: NoteSubject, fields: Fields) -> Result<Response, PageError> {
    visitor.genuine(&fields.csrf)?;
    visitor.require(Role::Viewer, subject.account(), "writing a note")?;
    let thread = filters::read("thread", &fields.thread)?;
    let added = app.engine.add_note(&subject, thread, &fields.text, &visitor.actor()).await;
    kept(added, visitor, &subject, format!("{}/notes", path_of(&subject)), fields)
}

/// `POST /notes/{note}/{change}`: `edit` and `remove`.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((note, change)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    visitor.genuine(&fields.csrf)?;
    let unknown = || PageError::not_found("such note: it may have been removed");
    let note: i64 = note.parse().map_err(|_| unknown())?;
    // What there is not and what somebody may not see is told alike.
    let (found, subject) = match app.engine.note(note).await {
        Err(EngineError::NotFound { .. }) => return Err(unknown()),
        found => found?,
    };
    let role = visitor.principal.role_on(subject.account()).ok_or_else(unknown)?;
    let own = found.author == visitor.principal.name;
    match change.as_str() {
        "edit" if own => {
            let edited = app.engine.edit_note(note, &fields.text, &visitor.actor()).await.map(|()| note);
            kept(edited, &visitor, &subject, format!("/notes/{note}/edit"), fields)
        }
        "remove" if own || role == Role::Admin => {
            app.engine.remove_note(note, &visitor.actor()).await?;
            let at = found.thread.map_or_else(|| "notes".to_owned(), |thread| format!("note-{thread}"));
            Ok(Redirect::to(&format!("{}#{at}", page_of(&subject, None))).into_response())
        }
        "edit" => Err(PageError::new(StatusCode::FORBIDDEN, "a note is changed by its author only")),
        "remove" => {
            let message = "a note is removed by its author or an administrator of the account";
            Err(PageError::new(StatusCode::FORBIDDEN, message))
        }
        _ => Err(PageError::not_found("such change of a note")),
    }
}

/// To the note that was written, or back to its text when it cannot be kept.
fn kept(
    note: Result<i64, EngineError>,
    visitor: &Visitor,
    subject: &NoteSubject,
    action: String,
    fields: Fields,
) -> Result<Response, PageError> {
    let back = page_of(subject, None);
    let message = match note {
        Ok(note) => return Ok(Redirect::to(&format!("{back}#note-{note}")).into_response()),
        Err(EngineError::Invalid { message, .. } | EngineError::Conflict { message, .. }) => message,
        Err(other) => return Err(other.into()),
    };
    let section = match subject {
        NoteSubject::Operation(_) => "/operations",
        NoteSubject::Run(..) => "/runs",
        NoteSubject::Table(..) => "/catalog",
    };
    let frame = Frame::new(visitor, "The note was not kept", section, subject.account())?;
    let page = Refused { frame, message, action, back, text: fields.text, thread: fields.thread };
    Ok(frame::render(StatusCode::BAD_REQUEST, &page))
}

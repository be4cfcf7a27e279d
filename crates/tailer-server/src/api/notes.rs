//! `POST /v1/notes`: what people, and programs for them, write about operations, runs and tables. To change a note is for pages.

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{NoteId, NoteTarget, NoteText},
    wire::{NotesBody, WrittenNote},
};

request! {
    /// `add_note`
    AddNote {
        subject: NoteTarget,
        /// Replies in this thread: the number of its first note.
        thread: Option<NoteId>,
        /// Markdown.
        text: NoteText,
    }
}

request! {
    /// `list_notes`
    ListNotes {
        subject: NoteTarget,
        /// The `before` of an answer: the threads older than those.
        before: Option<NoteId>,
    }
}

pub(super) async fn add_note(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let AddNote { subject: NoteTarget(subject), thread, text: NoteText(text) } = AddNote::read(fields)?;
    call.authorize(subject.account())?;
    let thread = thread.map(|thread| thread.0);
    let note = call.app.engine.add_note(&subject, thread, &text, &call.actor()).await?;
    Answer::json(&WrittenNote { note })
}

pub(super) async fn list_notes(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let ListNotes { subject: NoteTarget(subject), before } = ListNotes::read(fields)?;
    call.authorize(subject.account())?;
    let notes = call.app.engine.notes(&subject, before.map(|before| before.0)).await?;
    Answer::json(&NotesBody::new(&notes))
}

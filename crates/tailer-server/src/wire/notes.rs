//! Notes as the API writes them.

use serde::Serialize;
use tailer_engine::{NoteView, NotesView, ThreadView};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrittenNote {
    /// Its number.
    pub(crate) note: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notes)]
pub(crate) struct NotesBody<'a> {
    /// Threads, the newest first.
    results: Vec<ThreadBody<'a>>,
    /// All notes, replies and older threads included.
    count: u64,
    /// Asks for older threads; null at the end.
    before: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Thread)]
pub(crate) struct ThreadBody<'a> {
    #[serde(flatten)]
    first: NoteBody<'a>,
    /// Oldest first.
    replies: Vec<NoteBody<'a>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Note)]
pub(crate) struct NoteBody<'a> {
    note: i64,
    author: &'a str,
    date: &'a str,
    /// When its author changed it last.
    edited_date: Option<&'a str>,
    /// Taken away; it has no text then.
    removed: bool,
    /// Markdown.
    text: &'a str,
}

impl<'a> NotesBody<'a> {
    pub(crate) fn new(notes: &'a NotesView) -> Self {
        Self { results: notes.threads.iter().map(ThreadBody::new).collect(), count: notes.count, before: notes.before }
    }
}

impl<'a> ThreadBody<'a> {
    fn new(thread: &'a ThreadView) -> Self {
        Self { first: NoteBody::new(&thread.first), replies: thread.replies.iter().map(NoteBody::new).collect() }
    }
}

impl<'a> NoteBody<'a> {
    fn new(note: &'a NoteView) -> Self {
        Self {
            note: note.note,
            author: &note.author,
            date: &note.date,
            edited_date: note.edited_date.as_deref(),
            removed: note.removed,
            text: &note.text,
        }
    }
}

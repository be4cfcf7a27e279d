//! Notes that people write about operations, runs and tables, in threads (`docs/studio.md`, Notes).
//!
//! Text is kept as it was written, but for line ends and control characters; what Markdown makes of it is the reader's matter. Whether
//! a caller may see an account, and change a note that is not theirs, is the server's to decide. The audit log tells of every change,
//! without the text: what was removed is gone.

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::{AccountId, Actor, AuditAction, RunId, rfc3339_micros};
use tailer_store::{
    Announcement, Durability, Tx,
    audit::{self, Entry},
    configurations,
    notes::{self, NewNote, NoteRow, Subject},
    runs,
};

use crate::{
    ConfigurationRef, Engine, EngineError, NoteView, NotesView, ThreadView, configurations::resolve, engine::Inner,
};

/// Longest text of a note, in bytes.
pub const LONGEST_NOTE: usize = 64 << 10;
/// Most replies in a thread: whoever has more to say begins another.
const MOST_REPLIES: u64 = 200;
/// Threads that one answer holds.
const THREADS: u32 = 20;

/// What a note is about.
#[derive(Debug, Clone)]
pub enum NoteSubject {
    Operation(ConfigurationRef),
    /// A run of the account.
    Run(AccountId, RunId),
    /// `project.dataset.table`, as the account's people see it. Whether there is such a table is not looked for: notes outlive one
    /// that is dropped and made again.
    Table(AccountId, String),
}

impl NoteSubject {
    #[must_use]
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Operation(configuration) => &configuration.account,
            Self::Run(account, _) | Self::Table(account, _) => account,
        }
    }
}

impl Engine {
    /// The threads about something, the newest first, of those below `before` when it is given.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] when there is no such operation or run.
    pub async fn notes(&self, subject: &NoteSubject, before: Option<i64>) -> Result<NotesView, EngineError> {
        let subject = subject.clone();
        self.0
            .parts
            .store
            .read(move |tx| {
                let subject = recorded(tx, &subject)?;
                let mut firsts = notes::threads(tx, &subject, before, THREADS + 1)?;
                let count = notes::count(tx, &subject, None)?;
                let more = firsts.len() > usize::try_from(THREADS).unwrap_or(usize::MAX);
                if more {
                    firsts.pop();
                }
                let range = firsts.last().zip(firsts.first()).map(|(last, first)| (last.note, first.note));
                let most = u32::try_from(MOST_REPLIES).unwrap_or(u32::MAX) * THREADS;
                let replies = range.map_or(Ok(Vec::new()), |range| notes::replies(tx, &subject, range, most))?;
                let before = range.map(|(last, _)| last).filter(|_| more);
                let threads = firsts.into_iter().map(|first| {
                    let of_thread = replies.iter().filter(|reply| reply.parent == Some(first.note));
                    ThreadView { replies: of_thread.cloned().map(view).collect(), first: view(first) }
                });
                Ok(NotesView { threads: threads.collect(), count, before })
            })
            .await
    }

    /// A note, and what it is about.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], also for one that was removed.
    pub async fn note(&self, note: i64) -> Result<(NoteView, NoteSubject), EngineError> {
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = living(tx, note)?;
                let subject = match row.subject.clone() {
                    Subject::Operation(key) => {
                        let found = configurations::get(tx, key)?.ok_or_else(|| unknown_note(note))?;
                        NoteSubject::Operation(found.identity.into())
                    }
                    Subject::Run(run) => NoteSubject::Run(row.account.clone(), run),
                    Subject::Table(account, table) => NoteSubject::Table(account, table),
                };
                Ok((view(row), subject))
            })
            .await
    }

    /// Writes a note, as a reply to the first note of a thread when it is named; the note's number.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown subject or thread, [`EngineError::Invalid`] for a text that is empty or longer than
    /// [`LONGEST_NOTE`], [`EngineError::Conflict`] for a thread that is full.
    pub async fn add_note(
        &self,
        subject: &NoteSubject,
        thread: Option<i64>,
        text: &str,
        by: &Actor,
    ) -> Result<i64, EngineError> {
        let (wanted, text, by, at) = (subject.clone(), clean(text)?, by.clone(), self.0.now());
        let note = self
            .0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let subject = recorded(tx, &wanted)?;
                let account = wanted.account().clone();
                if let Some(thread) = thread {
                    check_thread(tx, &subject, thread)?;
                }
                let (author, size) = (by.name.clone(), sized(&text));
                let new = NewNote { account, subject, parent: thread, author, text, at };
                let note = notes::add(tx, &new)?;
                let entry = Told { note, account: &new.account, subject: &new.subject, action: AuditAction::NoteAdd };
                entry.record(tx, (&by, at), Value::Null, size)?;
                Ok::<_, EngineError>(note)
            })
            .await?;
        self.0.notes_changed();
        Ok(note)
    }

    /// Gives a note another text.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that there is not, or that was removed; [`EngineError::Invalid`] as for
    /// [`Engine::add_note`].
    pub async fn edit_note(&self, note: i64, text: &str, by: &Actor) -> Result<(), EngineError> {
        let (text, by, at) = (clean(text)?, by.clone(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let before = living(tx, note)?;
                // Saved as it was is no edit.
                if before.text != text {
                    notes::edit(tx, note, &text, at)?;
                    Told::of(&before, AuditAction::NoteEdit).record(
                        tx,
                        (&by, at),
                        sized(&before.text),
                        sized(&text),
                    )?;
                }
                Ok::<_, EngineError>(())
            })
            .await?;
        self.0.notes_changed();
        Ok(())
    }

    /// Takes a note away: its text is gone for good. One with replies is still shown as removed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for one that there is not, or that was removed.
    pub async fn remove_note(&self, note: i64, by: &Actor) -> Result<(), EngineError> {
        let (by, at) = (by.clone(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let before = living(tx, note)?;
                notes::remove(tx, note, at)?;
                Told::of(&before, AuditAction::NoteRemove).record(tx, (&by, at), sized(&before.text), Value::Null)?;
                Ok::<_, EngineError>(())
            })
            .await?;
        self.0.notes_changed();
        Ok(())
    }
}

impl Inner {
    /// Tells whoever looks on, here and on other servers.
    fn notes_changed(&self) {
        self.look_again();
        self.parts.store.announce(Announcement::Notes);
    }
}

/// What the audit log is told of a note.
struct Told<'a> {
    note: i64,
    account: &'a AccountId,
    subject: &'a Subject,
    action: AuditAction,
}

impl<'a> Told<'a> {
    fn of(row: &'a NoteRow, action: AuditAction) -> Self {
        Self { note: row.note, account: &row.account, subject: &row.subject, action }
    }

    fn record(
        self,
        tx: &mut Tx<'_>,
        (by, at): (&Actor, Timestamp),
        before: Value,
        after: Value,
    ) -> Result<(), EngineError> {
        let identity = match self.subject {
            Subject::Operation(key) => configurations::get(tx, *key)?.map(|row| row.identity),
            Subject::Run(run) => runs::get(tx, run)?.map(|row| row.identity),
            Subject::Table(..) => None,
        };
        let operation = identity.as_ref().map(audit::operation_path);
        let about = match self.subject {
            Subject::Operation(_) => operation.clone().unwrap_or_default(),
            Subject::Run(run) => run.to_string(),
            Subject::Table(_, table) => table.clone(),
        };
        let told = |what: Value| match what {
            Value::Object(mut told) => {
                told.insert("about".to_owned(), about.clone().into());
                Value::Object(told)
            }
            other => other,
        };
        let entry = Entry::of_access(by, at, self.action, Some(self.account), self.note.to_string());
        let entry = Entry { operation, ..entry.before(told(before)).after(told(after)) };
        audit::record(tx, &entry)?;
        Ok(())
    }
}

/// A text for the audit log, which does not keep it.
fn sized(text: &str) -> Value {
    json!({ "bytes": text.len() })
}

/// The subject as the store knows it.
fn recorded(tx: &mut Tx<'_>, wanted: &NoteSubject) -> Result<Subject, EngineError> {
    match wanted {
        NoteSubject::Operation(configuration) => Ok(Subject::Operation(resolve(tx, configuration)?.key)),
        NoteSubject::Run(account, run) => {
            let found = runs::get(tx, run)?.filter(|found| found.identity.account == *account);
            found
                .map(|found| Subject::Run(found.run_id))
                .ok_or_else(|| EngineError::not_found("unknown_run", format!("account {account} has no run {run}")))
        }
        NoteSubject::Table(account, table) => Ok(Subject::Table(account.clone(), table.clone())),
    }
}

fn living(tx: &mut Tx<'_>, note: i64) -> Result<NoteRow, EngineError> {
    notes::get(tx, note)?.filter(|row| row.removed.is_none()).ok_or_else(|| unknown_note(note))
}

fn unknown_note(note: i64) -> EngineError {
    EngineError::not_found("unknown_note", format!("there is no note {note}, or it was removed"))
}

/// Replies go to the first note of a thread, also when that was removed, as long as the thread is shown.
fn check_thread(tx: &mut Tx<'_>, subject: &Subject, thread: i64) -> Result<(), EngineError> {
    let first = notes::get(tx, thread)?.filter(|row| row.subject == *subject && row.parent.is_none());
    let replies = notes::count(tx, subject, Some(thread))?;
    match first {
        Some(first) if first.removed.is_none() || replies > 0 => {}
        _ => return Err(unknown_note(thread)),
    }
    if replies >= MOST_REPLIES {
        let message = format!("this thread has {replies} replies, which is as many as one may have: begin another");
        return Err(EngineError::conflict("thread_full", message));
    }
    Ok(())
}

/// A text as it is kept: lines end with a line feed, and there are no control characters but tabs.
fn clean(text: &str) -> Result<String, EngineError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let text = text.trim_end().trim_start_matches('\n');
    if text.trim().is_empty() {
        return Err(EngineError::invalid("empty_note", "the note has no text: write something"));
    }
    if text.len() > LONGEST_NOTE {
        let message = format!("the note has {} bytes; at most {LONGEST_NOTE} are kept: make it shorter", text.len());
        return Err(EngineError::invalid("note_too_long", message));
    }
    Ok(text.to_owned())
}

fn view(row: NoteRow) -> NoteView {
    NoteView {
        note: row.note,
        thread: row.parent,
        author: row.author,
        date: rfc3339_micros(row.created),
        edited_date: row.edited.map(rfc3339_micros),
        removed: row.removed.is_some(),
        text: row.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_as_written_but_for_what_no_reader_sees() {
        for (text, expect) in [
            ("a\r\nb\rc", Ok("a\nb\nc")),
            ("\n\n    code\n\tx  \n", Ok("    code\n\tx")),
            ("a\u{0}\u{1b}[31mb\u{7f}", Ok("a[31mb")),
            ("", Err("empty_note")),
            (" \r\n\t\u{0}", Err("empty_note")),
        ] {
            let found = clean(text);
            let found = found.as_deref().map_err(|error| match error {
                EngineError::Invalid { code, .. } => *code,
                other => panic!("{other}"),
            });
            assert_eq!(found, expect, "{text:?}");
        }
        assert!(clean(&"é".repeat(LONGEST_NOTE / 2)).is_ok());
        assert!(matches!(clean(&"é".repeat(LONGEST_NOTE / 2 + 1)), Err(EngineError::Invalid { .. })));
    }
}

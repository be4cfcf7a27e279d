//! What people write about operations, runs and tables: notes in threads.
//!
//! A thread is a first note and replies to it, one level deep. A note that was removed loses its text; it is shown, as removed,
//! only while replies stand below it. Who may change which is the caller's to decide, and so is what text is fit to be kept.

use std::collections::HashMap;

use jiff::Timestamp;
use tailer_model::{AccountId, RunId};

use crate::{ConfigurationKey, StoreError, Tx, Value, tx::Row};

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Operation(ConfigurationKey),
    Run(RunId),
    /// `project.dataset.table`, as people of this account see it.
    Table(AccountId, String),
}

/// A note to be recorded.
#[derive(Debug, Clone)]
pub struct NewNote {
    pub account: AccountId,
    pub subject: Subject,
    /// The first note of the thread that it replies to.
    pub parent: Option<i64>,
    pub author: String,
    pub text: String,
    pub at: Timestamp,
}

/// A note as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    pub note: i64,
    pub account: AccountId,
    pub subject: Subject,
    pub parent: Option<i64>,
    pub author: String,
    pub created: Timestamp,
    pub edited: Option<Timestamp>,
    pub removed: Option<Timestamp>,
    /// Empty once it is removed.
    pub text: String,
}

/// `parent` of a thread's first note.
const FIRST: i64 = 0;

const COLUMNS: &str = "note, account, configuration, (SELECT run_id FROM runs WHERE runs.sequence = notes.run), table_name, \
                       parent, author, created, edited, removed, text";

impl Subject {
    /// The condition for notes about it, its parameters being those from `?{first}` on.
    fn condition(&self, first: usize) -> (String, Vec<Value<'_>>) {
        match self {
            Self::Operation(key) => (format!("configuration = ?{first}"), vec![(*key).into()]),
            Self::Run(run) => (format!("run = (SELECT sequence FROM runs WHERE run_id = ?{first})"), vec![run.into()]),
            Self::Table(account, name) => {
                (format!("account = ?{first} AND table_name = ?{}", first + 1), vec![account.into(), name.into()])
            }
        }
    }

    fn read(
        account: &AccountId,
        operation: Option<ConfigurationKey>,
        run: Option<RunId>,
        table: Option<String>,
    ) -> Result<Self, StoreError> {
        match (operation, run, table) {
            (Some(key), None, None) => Ok(Self::Operation(key)),
            (None, Some(run), None) => Ok(Self::Run(run)),
            (None, None, Some(table)) => Ok(Self::Table(account.clone(), table)),
            _ => Err(StoreError::Corrupt("a note about nothing, or about several things".to_owned())),
        }
    }
}

fn read(row: &Row<'_>) -> Result<NoteRow, StoreError> {
    let note = row.take()?;
    let account = row.take()?;
    let subject = Subject::read(&account, row.take()?, row.take()?, row.take()?)?;
    let parent = Some(row.take::<i64>()?).filter(|parent| *parent != FIRST);
    Ok(NoteRow {
        note,
        account,
        subject,
        parent,
        author: row.take()?,
        created: row.take()?,
        edited: row.take()?,
        removed: row.take()?,
        text: row.take()?,
    })
}

/// Records a note; its number. That the subject exists, and the parent is a first note about it, the caller has seen.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such subject.
pub fn add(tx: &mut Tx<'_>, new: &NewNote) -> Result<i64, StoreError> {
    let (column, subject): (&str, Vec<Value<'_>>) = match &new.subject {
        Subject::Operation(key) => ("configuration", vec![(*key).into()]),
        Subject::Run(run) => ("run", vec![run.into()]),
        Subject::Table(_, name) => ("table_name", vec![name.into()]),
    };
    let value = if column == "run" { "(SELECT sequence FROM runs WHERE run_id = ?6)" } else { "?6" };
    let mut values = vec![
        (&new.account).into(),
        new.parent.unwrap_or(FIRST).into(),
        (&new.author).into(),
        new.at.into(),
        (&new.text).into(),
    ];
    values.extend(subject);
    let sql = format!(
        "INSERT INTO notes (account, parent, author, created, text, {column}) VALUES (?1, ?2, ?3, ?4, ?5, {value}) \
         RETURNING note"
    );
    let note = tx.query_one(&sql, &values, |row| row.take())?;
    note.ok_or_else(|| StoreError::Internal("a note was recorded without a number".to_owned()))
}

/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, note: i64) -> Result<Option<NoteRow>, StoreError> {
    tx.query_one(&format!("SELECT {COLUMNS} FROM notes WHERE note = ?1"), &[note.into()], read)
}

/// Gives a note another text. Answers `false` when there is none that is not removed.
///
/// # Errors
/// What the database says.
pub fn edit(tx: &mut Tx<'_>, note: i64, text: &str, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE notes SET text = ?2, edited = ?3 WHERE note = ?1 AND removed IS NULL";
    Ok(tx.execute(sql, &[note.into(), text.into(), at.into()])? == 1)
}

/// Takes a note's text. Answers `false` when there is none that is not removed.
///
/// # Errors
/// What the database says.
pub fn remove(tx: &mut Tx<'_>, note: i64, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE notes SET text = '', removed = ?2 WHERE note = ?1 AND removed IS NULL";
    Ok(tx.execute(sql, &[note.into(), at.into()])? == 1)
}

/// First notes of threads about a subject that are numbered below `before`, the newest first. Of those that are removed only such
/// with replies.
///
/// # Errors
/// What the database says.
pub fn threads(
    tx: &mut Tx<'_>,
    subject: &Subject,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<NoteRow>, StoreError> {
    let (about, values) = subject.condition(3);
    let replied = subject_of_reply(subject);
    let sql = format!(
        "SELECT {COLUMNS} FROM notes WHERE {about} AND parent = 0 AND note < ?1 \
         AND (removed IS NULL OR EXISTS (SELECT 1 FROM notes AS reply WHERE {replied} AND reply.parent = notes.note \
             AND reply.removed IS NULL)) \
         ORDER BY note DESC LIMIT ?2"
    );
    let mut all = vec![before.unwrap_or(i64::MAX).into(), limit.into()];
    all.extend(values);
    tx.query(&sql, &all, read)
}

/// How a reply is about what its thread is about; without it no index would lead to it.
fn subject_of_reply(subject: &Subject) -> &'static str {
    match subject {
        Subject::Operation(_) => "reply.configuration = notes.configuration",
        Subject::Run(_) => "reply.run = notes.run",
        Subject::Table(..) => "reply.account = notes.account AND reply.table_name = notes.table_name",
    }
}

/// Replies in the threads numbered `from` to `to`, by thread and age, without those removed.
///
/// # Errors
/// What the database says.
pub fn replies(
    tx: &mut Tx<'_>,
    subject: &Subject,
    (from, to): (i64, i64),
    limit: u32,
) -> Result<Vec<NoteRow>, StoreError> {
    let (about, values) = subject.condition(4);
    let sql = format!(
        "SELECT {COLUMNS} FROM notes WHERE {about} AND parent >= ?1 AND parent <= ?2 AND removed IS NULL \
         ORDER BY parent, note LIMIT ?3"
    );
    let mut all = vec![from.into(), to.into(), limit.into()];
    all.extend(values);
    tx.query(&sql, &all, read)
}

/// How many notes there are about each of some runs, none that was removed; of those with any.
///
/// # Errors
/// What the database says.
pub fn of_runs(tx: &mut Tx<'_>, runs: &[RunId]) -> Result<HashMap<RunId, u64>, StoreError> {
    let sql = |places: &str| {
        format!(
            "SELECT runs.run_id, COUNT(*) FROM runs JOIN notes ON notes.run = runs.sequence \
             WHERE runs.run_id IN ({places}) AND notes.removed IS NULL GROUP BY runs.run_id"
        )
    };
    counted(tx, sql, runs.iter().map(Value::from).collect(), |row| Ok((row.take()?, row.take()?)))
}

/// The same of data operations.
///
/// # Errors
/// What the database says.
pub fn of_operations(
    tx: &mut Tx<'_>,
    operations: &[ConfigurationKey],
) -> Result<HashMap<ConfigurationKey, u64>, StoreError> {
    let sql = |places: &str| {
        format!(
            "SELECT configuration, COUNT(*) FROM notes \
             WHERE configuration IN ({places}) AND removed IS NULL GROUP BY configuration"
        )
    };
    counted(tx, sql, operations.iter().map(|key| Value::from(*key)).collect(), |row| Ok((row.take()?, row.take()?)))
}

/// One question for all of a page.
fn counted<K: Eq + std::hash::Hash>(
    tx: &mut Tx<'_>,
    sql: impl Fn(&str) -> String,
    asked: Vec<Value<'_>>,
    read: impl FnMut(&Row<'_>) -> Result<(K, u64), StoreError>,
) -> Result<HashMap<K, u64>, StoreError> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=asked.len()).map(|place| format!("?{place}")).collect();
    Ok(tx.query(&sql(&places.join(", ")), &asked, read)?.into_iter().collect())
}

/// How many notes there are about a subject, or in one of its threads without the first one; none that was removed.
///
/// # Errors
/// What the database says.
pub fn count(tx: &mut Tx<'_>, subject: &Subject, thread: Option<i64>) -> Result<u64, StoreError> {
    let (about, mut values) = subject.condition(1);
    let mut sql = format!("SELECT COUNT(*) FROM notes WHERE {about} AND removed IS NULL");
    if let Some(thread) = thread {
        sql.push_str(&format!(" AND parent = ?{}", values.len() + 1));
        values.push(thread.into());
    }
    Ok(tx.query_one(&sql, &values, |row| row.take())?.unwrap_or_default())
}

//! Who is signed in to the Studio. The caller makes the ids, keeps them to itself and gives their hashes.

use jiff::Timestamp;

use crate::{StoreError, Tx};

/// With what somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A password; the subject is the user's name.
    User,
    /// A minted token; the subject is its id.
    Token,
    /// The OIDC issuer; the subject is an e-mail address or the issuer's name for somebody.
    Oidc,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Oidc => "oidc",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of the id.
    pub id_hash: String,
    pub kind: Kind,
    pub subject: String,
    /// What the issuer said of the subject, as JSON.
    pub claims: Option<String>,
    pub created: Timestamp,
    /// The last sign of life that was recorded.
    pub seen: Timestamp,
    /// The latest end, whatever signs of life there are.
    pub expires: Timestamp,
}

/// Begins a session, and forgets the expired ones.
///
/// # Errors
/// [`StoreError::Conflict`] when the hash is taken.
pub fn begin(tx: &mut Tx<'_>, session: &SessionRow) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sessions WHERE expires <= ?1", &[session.created.into()])?;
    tx.execute(
        "INSERT INTO sessions (id_hash, kind, subject, claims, created, seen, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            (&session.id_hash).into(),
            session.kind.as_str().into(),
            (&session.subject).into(),
            session.claims.as_deref().into(),
            session.created.into(),
            session.seen.into(),
            session.expires.into(),
        ],
    )?;
    Ok(())
}

/// A session by the hash of its id, also when it is over.
///
/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, id_hash: &str) -> Result<Option<SessionRow>, StoreError> {
    tx.query_one(
        "SELECT id_hash, kind, subject, claims, created, seen, expires FROM sessions WHERE id_hash = ?1",
        &[id_hash.into()],
        |row| {
            Ok(SessionRow {
                id_hash: row.take()?,
                kind: match row.take::<String>()?.as_str() {
                    "user" => Kind::User,
                    "token" => Kind::Token,
                    "oidc" => Kind::Oidc,
                    other => return Err(StoreError::Corrupt(format!("kind of session {other:?}"))),
                },
                subject: row.take()?,
                claims: row.take()?,
                created: row.take()?,
                seen: row.take()?,
                expires: row.take()?,
            })
        },
    )
}

/// Records a sign of life.
///
/// # Errors
/// What the database says.
pub fn see(tx: &mut Tx<'_>, id_hash: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE sessions SET seen = ?2 WHERE id_hash = ?1", &[id_hash.into(), at.into()])?;
    Ok(())
}

/// Ends a session. Answers `false` when it had ended already.
///
/// # Errors
/// What the database says.
pub fn end(tx: &mut Tx<'_>, id_hash: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM sessions WHERE id_hash = ?1", &[id_hash.into()])? == 1)
}

/// Ends all sessions of a subject.
///
/// # Errors
/// What the database says.
pub fn end_all(tx: &mut Tx<'_>, kind: Kind, subject: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sessions WHERE kind = ?1 AND subject = ?2", &[kind.as_str().into(), subject.into()])?;
    Ok(())
}

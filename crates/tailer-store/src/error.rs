//! What can go wrong with the store. One enum; the engine turns it into its own and logs it. Every message is for an
//! operator: what is wrong, where, what to do. Nothing here is meant for an API client.

/// An error of the store. Cheap to clone: when a commit fails, every decision of its group gets it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened or set up.
    #[error("cannot open the metadata database {path}: {message}")]
    Open { path: String, message: String },
    /// The file is a database of some other program.
    #[error("{path} is not a tailerd metadata database: give another data folder, or move that file away")]
    Foreign { path: String },
    /// A newer program wrote the database. Nothing was changed.
    #[error(
        "the metadata database was written by a newer tailerd (its schema is {found}, this program knows up to {known}): \
         start the newer program, or restore a backup taken before the upgrade"
    )]
    Newer { found: i64, known: i64 },
    /// Another process held the database for longer than the store waits. Nothing was recorded; trying again is fine.
    #[error("the metadata database is held by another process: try again")]
    Busy,
    /// The database does not answer, or the connection broke before it did: what was under way may or may not be recorded.
    #[error("the metadata database cannot be reached: {0}")]
    Unreachable(String),
    /// The disk is full. Nothing was recorded.
    #[error("no space left on the disk of the metadata database: free some, then try again")]
    Full,
    /// A unique key, a foreign key or a check refused the write: someone else decided first, or a referenced row is missing.
    #[error("refused by the metadata database: {0}")]
    Conflict(String),
    /// A row that must exist does not.
    #[error("the metadata database has no {0}")]
    Missing(String),
    /// A stored value is not what its column promises.
    #[error("the metadata database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// Anything else that the database says.
    #[error("the metadata database failed: {0}")]
    Database(String),
    /// The store is closed: its writer has ended.
    #[error("the metadata database is closed")]
    Closed,
    /// A defect of this program, such as a panic within a decision. That decision was rolled back.
    #[error("internal error in the store: {0}")]
    Internal(String),
}

impl StoreError {
    /// Whether the same decision may succeed when tried again later, without anyone mending anything but load or disk space.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::Full | Self::Unreachable(_))
    }
}

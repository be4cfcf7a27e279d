//! SQLite behind the seam: how a database is opened and set up, how transactions begin and end, how values go in and out and
//! what its errors mean. The only module that knows SQLite.
//!
//! The database is in WAL mode: readers see a snapshot and never block the writer, and a commit is one append to the log. The
//! command line opens the same file beside a running server; whoever comes second waits for the other's transaction, at
//! most [`PATIENCE`].

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    Durability, StoreError, Tx,
    database::Database,
    migrations,
    tx::{Field, Fields, Row, Session, Value},
};

/// How long to wait for another process's transaction. Ours are short; a backup or a copy may take seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// "tlrd": marks the file as ours, so that no other program's database is ever migrated by mistake.
const APPLICATION_ID: i64 = 0x746c_7264;

/// Statements kept prepared per connection: more than the noun modules have.
const PREPARED: usize = 256;

const DIALECT: migrations::Dialect =
    migrations::Dialect { generated_key: "INTEGER PRIMARY KEY AUTOINCREMENT", bytes: "BLOB" };

/// One connection and the transaction that it is in, if any.
#[derive(Debug)]
pub(crate) struct Connected {
    connection: Connection,
    synchronous: Option<Durability>,
    /// The error that made SQLite roll back the whole transaction by itself: disk full, I/O error.
    lost: Option<StoreError>,
    #[cfg(test)]
    steps: u64,
    #[cfg(test)]
    asked: std::collections::BTreeSet<String>,
}

impl Connected {
    /// Opens for writing; creates the database and applies migrations as needed.
    pub(crate) fn open_writer(path: &Path) -> Result<Self, StoreError> {
        let mut database = Self::connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        database.claim_file(path)?;
        database.enter_wal(path)?;
        // A checkpoint that readers delayed leaves a long log behind: cut it once it can be.
        database.pragma(path, "journal_size_limit", 64 << 20)?;
        database.migrate()?;
        Ok(database)
    }

    /// Opens for reading; the writer has set the database up before.
    pub(crate) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let database = Self::connect(path, OpenFlags::empty())?;
        database.pragma(path, "query_only", 1)?;
        Ok(database)
    }

    fn connect(path: &Path, more: OpenFlags) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, &e))?;
        connection.busy_timeout(PATIENCE).map_err(|e| cannot_open(path, &e))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        let database = Self {
            connection,
            synchronous: None,
            lost: None,
            #[cfg(test)]
            steps: 0,
            #[cfg(test)]
            asked: std::collections::BTreeSet::new(),
        };
        database.pragma(path, "foreign_keys", 1)?;
        // On macOS fsync leaves data in the drive's cache; elsewhere these change nothing.
        database.pragma(path, "fullfsync", 1)?;
        database.pragma(path, "checkpoint_fullfsync", 1)?;
        Ok(database)
    }

    fn pragma(&self, path: &Path, name: &str, value: i64) -> Result<(), StoreError> {
        self.connection.pragma_update(None, name, value).map_err(|e| cannot_open(path, &e))
    }

    /// Refuses a file that holds something else.
    fn claim_file(&self, path: &Path) -> Result<(), StoreError> {
        let read = || -> rusqlite::Result<(i64, i64)> {
            let tables = self.connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))?;
            let id = self.connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            Ok((tables, id))
        };
        match read() {
            Ok((0, _) | (_, APPLICATION_ID)) => Ok(()),
            Ok(_) => Err(StoreError::Foreign { path: path.display().to_string() }),
            Err(e) => Err(cannot_open(path, &e)),
        }
    }

    /// Turns the log on. SQLite answers "busy" at once, without waiting, when two processes create the same database, hence
    /// the loop.
    fn enter_wal(&self, path: &Path) -> Result<(), StoreError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mode =
                self.connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
            match mode {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => {
                    let message = format!(
                        "its journal mode stays {mode}: put the data folder on a local disk, since a network file \
                         system cannot share memory between processes"
                    );
                    return Err(StoreError::Open { path: path.display().to_string(), message });
                }
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(e) => return Err(cannot_open(path, &e)),
            }
        }
    }

    /// Takes the write lock only when something is missing: the command line must not wait for a busy server to open its file.
    fn migrate(&mut self) -> Result<(), StoreError> {
        if self.applied()? == migrations::newest() {
            return Ok(());
        }
        self.begin(Durability::Synced)?;
        let migrated = self.applied().and_then(|found| {
            self.connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(|e| translate(&e))?;
            migrations::migrate(&mut Tx::new(self), &DIALECT, found, Timestamp::now())
        });
        match migrated {
            Ok(()) => self.commit(),
            Err(e) => {
                self.rollback();
                Err(e)
            }
        }
    }

    fn applied(&mut self) -> Result<i64, StoreError> {
        // Asked with a statement: SQLite's own way to ask answers from what this connection saw last.
        let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'";
        let mut tx = Tx::new(self);
        let exists = tx.query_one(tables, &[], |row| row.take::<i64>())? == Some(1);
        migrations::applied(&mut tx, exists)
    }

    fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.execute(sql, &[]).map(drop)
    }

    fn failed(&mut self, error: &rusqlite::Error) -> StoreError {
        let error = translate(error);
        if self.connection.is_autocommit() {
            self.lost.get_or_insert_with(|| error.clone());
        }
        error
    }
}

impl Database for Connected {
    fn begin(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.synchronous != Some(durability) {
            // In WAL mode FULL syncs the log at each commit; NORMAL only writes it, which survives the process, not the power.
            let level = match durability {
                Durability::Synced => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", level).map_err(|e| translate(&e))?;
            self.synchronous = Some(durability);
        }
        self.lost = None;
        self.run("BEGIN IMMEDIATE")
    }

    fn begin_read(&mut self) -> Result<(), StoreError> {
        self.lost = None;
        self.run("BEGIN DEFERRED")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.run("COMMIT").inspect_err(|_| self.rollback())
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back a transaction of the metadata database");
        }
    }

    fn begin_decision(&mut self) -> Result<(), StoreError> {
        self.run("SAVEPOINT decision")
    }

    fn end_decision(&mut self, keep: bool) -> Result<(), StoreError> {
        if !keep {
            self.run("ROLLBACK TO decision")?;
        }
        self.run("RELEASE decision")
    }

    fn lost(&self) -> Option<StoreError> {
        if !self.connection.is_autocommit() {
            return None;
        }
        Some(self.lost.clone().unwrap_or_else(|| StoreError::Database("the transaction was rolled back".into())))
    }
}

impl Session for Connected {
    fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        #[cfg(test)]
        self.asked.insert(sql.to_owned());
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| {
            let changed = statement.execute(params_from_iter(params))?;
            #[cfg(test)]
            {
                self.steps += steps(&statement);
            }
            Ok(changed)
        });
        done.map(|changed| changed as u64).map_err(|e| self.failed(&e))
    }

    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut refused = None;
        #[cfg(test)]
        self.asked.insert(sql.to_owned());
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| {
            let mut rows = statement.query(params_from_iter(params))?;
            while let Some(row) = rows.next()? {
                match each(&Row::new(row)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(e) => {
                        refused = Some(e);
                        break;
                    }
                }
            }
            #[cfg(test)]
            {
                drop(rows);
                self.steps += steps(&statement);
            }
            Ok(())
        });
        done.map_err(|e| self.failed(&e))?;
        refused.map_or(Ok(()), Err)
    }

    #[cfg(test)]
    fn steps(&self) -> u64 {
        self.steps
    }

    #[cfg(test)]
    fn asked(&self) -> Vec<String> {
        self.asked.iter().cloned().collect()
    }
}

#[cfg(test)]
fn steps(statement: &rusqlite::Statement<'_>) -> u64 {
    statement.reset_status(rusqlite::StatementStatus::VmStep).unsigned_abs().into()
}

impl Fields for rusqlite::Row<'_> {
    fn field(&self, index: usize) -> Result<Field<'_>, StoreError> {
        match self.get_ref(index) {
            Ok(ValueRef::Null) => Ok(Field::Null),
            Ok(ValueRef::Integer(n)) => Ok(Field::Integer(n)),
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text)
                .map(Field::Text)
                .map_err(|_| StoreError::Corrupt(format!("text of column {} is not UTF-8", index + 1))),
            Ok(ValueRef::Blob(bytes)) => Ok(Field::Bytes(bytes)),
            Ok(ValueRef::Real(x)) => Err(StoreError::Corrupt(format!("column {} holds the fraction {x}", index + 1))),
            Err(e) => Err(StoreError::Corrupt(e.to_string())),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn translate(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict(error.to_string()),
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Database(error.to_string()),
    }
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path },
        Some(ErrorCode::DatabaseBusy) => StoreError::Busy,
        _ => StoreError::Open { path, message: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synced_commit_waits_for_the_disk_and_a_relaxed_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = Connected::open_writer(&folder.path().join("tailerd.db")).unwrap();
        // 2 is FULL, 1 is NORMAL (SQLite's documentation of `PRAGMA synchronous`).
        for (durability, level) in
            [(Durability::Relaxed, 1), (Durability::Synced, 2), (Durability::Synced, 2), (Durability::Relaxed, 1)]
        {
            database.begin(durability).unwrap();
            let found: i64 = database.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!(found, level, "{durability:?}");
            database.commit().unwrap();
        }
    }

    #[test]
    fn what_sqlite_refuses_has_a_name() {
        let code = |extended| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(extended), Some("why".into()));
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_BUSY)), StoreError::Busy);
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_BUSY_SNAPSHOT)), StoreError::Busy);
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_FULL)), StoreError::Full);
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)), StoreError::Conflict("why".into()));
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_CORRUPT)), StoreError::Corrupt("why".into()));
        assert_eq!(translate(&code(rusqlite::ffi::SQLITE_IOERR)), StoreError::Database("why".into()));
    }
}

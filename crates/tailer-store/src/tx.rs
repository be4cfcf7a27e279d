//! The seam between what is recorded and which database records it: one transaction ([`Tx`]), its parameters
//! ([`Value`]) and its rows ([`Row`]).
//!
//! The noun modules write their SQL once, against this surface, in the dialect that SQLite (3.35 and later) and PostgreSQL
//! share:
//!
//! - parameters are numbered, `?1`, `?2`; a PostgreSQL session rewrites them to `$1`, `$2`. A question mark appears in SQL
//!   text for nothing else. A parameter is never compared with NULL (`?1 IS NULL` has no type in PostgreSQL): optional
//!   conditions are left out of the text instead;
//! - `INSERT .. ON CONFLICT (columns) DO NOTHING` or `DO UPDATE SET .. excluded..`, `RETURNING`, `UPDATE .. WHERE` with
//!   subqueries, `CASE`, `COALESCE`, `EXISTS`, `LIMIT`, partial indexes;
//! - `INDEXED BY` where SQLite, which keeps no statistics, must not guess; a PostgreSQL session leaves it out;
//! - no functions of dates, JSON or text: those happen in Rust. No `INSERT OR ..`, `rowid`, `PRAGMA`, `GLOB`, `IFNULL`;
//! - four kinds of value: integers (64 bits), text, bytes, NULL. Instants are integers: microseconds since the epoch, UTC.
//!   Days are text, `YYYY-MM-DD`. Flags are 0 and 1. JSON is text.
//!
//! Not promised here: transactions themselves. [`crate::Store`] begins and ends them.

use std::{borrow::Cow, cell::Cell};

use crate::{StoreError, column::Column};

/// A parameter of a statement. Built with `.into()` from the types that the store records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

/// A column of the current row, borrowed from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// What a database implements to run the noun modules' statements inside one transaction.
pub(crate) trait Session {
    /// Runs a statement; answers the number of rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError>;
    /// Runs a statement and hands over its rows, until `each` answers `false` or fails.
    fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError>;
    /// See [`Tx::steps`].
    #[cfg(test)]
    fn steps(&self) -> u64;
    /// See [`Tx::asked`].
    #[cfg(test)]
    fn asked(&self) -> Vec<String>;
}

/// What a database implements to show one row.
pub(crate) trait Fields {
    /// The column at `index`, from 0; fails when the row has fewer.
    fn field(&self, index: usize) -> Result<Field<'_>, StoreError>;
}

/// One row of an answer. Its columns are taken one after the other, in the order of the `SELECT` list.
pub struct Row<'a> {
    fields: &'a dyn Fields,
    next: Cell<usize>,
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("next", &self.next).finish_non_exhaustive()
    }
}

impl<'a> Row<'a> {
    pub(crate) fn new(fields: &'a dyn Fields) -> Self {
        Self { fields, next: Cell::new(0) }
    }

    /// The next column, as the type that the caller expects.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the column is missing or holds something else.
    pub fn take<T: Column>(&self) -> Result<T, StoreError> {
        let index = self.next.get();
        self.next.set(index + 1);
        T::from_field(self.fields.field(index)?).map_err(|e| match e {
            StoreError::Corrupt(what) => StoreError::Corrupt(format!("column {}: {what}", index + 1)),
            other => other,
        })
    }
}

/// One transaction, or one decision within a group of them. Whatever it records becomes durable together, or not at all.
pub struct Tx<'a> {
    session: &'a mut dyn Session,
}

impl std::fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: &'a mut dyn Session) -> Self {
        Self { session }
    }

    /// Runs a statement; answers the number of rows it changed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a key refuses the write; what the database says otherwise.
    pub fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.session.execute(sql, params)
    }

    /// All rows of a statement, each read by `read`.
    ///
    /// # Errors
    /// What `read` answers, or what the database says.
    pub fn query<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.session.query(sql, params, &mut |row| {
            all.push(read(row)?);
            Ok(true)
        })?;
        Ok(all)
    }

    /// The first row of a statement, if there is any.
    ///
    /// # Errors
    /// What `read` answers, or what the database says.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.session.query(sql, params, &mut |row| {
            first = Some(read(row)?);
            Ok(false)
        })?;
        Ok(first)
    }

    /// What the database has done for this transaction so far, in steps of its virtual machine: a cost that does not depend on
    /// the machine.
    #[cfg(test)]
    pub(crate) fn steps(&self) -> u64 {
        self.session.steps()
    }

    /// The texts of all statements that this connection has run.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> Vec<String> {
        self.session.asked()
    }
}

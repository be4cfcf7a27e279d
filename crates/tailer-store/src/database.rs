//! The seam between the threads of the store and a database: how a connection begins, divides and ends transactions.
//!
//! [`crate::tx`] is the seam for the statements inside a transaction. Two databases implement both: [`crate::sqlite`] and
//! [`crate::postgres`]. Whichever it is, one transaction writes at a time, so that a decision sees all that was decided
//! before it and never has to be made again because another came between.

use crate::{Durability, StoreError, tx::Session};

/// One connection, and the transaction that it is in, if any.
pub(crate) trait Database: Session + Send {
    /// Begins a transaction that writes. Waits for other processes' writers.
    fn begin(&mut self, durability: Durability) -> Result<(), StoreError>;

    /// Begins a transaction that only reads: all its statements see one snapshot.
    fn begin_read(&mut self) -> Result<(), StoreError>;

    /// Ends the transaction and makes it durable; rolls it back when that fails.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Ends the transaction, if there is one, without effect.
    fn rollback(&mut self);

    /// Begins a decision within the transaction.
    fn begin_decision(&mut self) -> Result<(), StoreError>;

    /// Ends a decision: keeps what it wrote, or takes all of it back. When it cannot be kept it is taken back.
    fn end_decision(&mut self, keep: bool) -> Result<(), StoreError>;

    /// The error with which the database gave up the whole transaction, if it did.
    fn lost(&self) -> Option<StoreError>;
}

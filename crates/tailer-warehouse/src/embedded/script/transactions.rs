//! `BEGIN TRANSACTION`, `COMMIT` and `ROLLBACK`: the effects of several statements, and their records, become one.
//!
//! A transaction writes one project: its tables are in one DuckDB file. After a statement of it failed while running, DuckDB
//! gives up the transaction; a handler can still compute and raise, but has to roll back before it touches tables again.

use std::cell::Cell;

use super::{Interpreter, raised::Stop, steps::Step};
use crate::{
    WarehouseError,
    embedded::errors::unsupported,
    googlesql::{Statement, StatementKind, Translated},
};

#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Whether DuckDB knows of it: while a script is replayed from its records there is nothing to do.
    begun: Cell<bool>,
    broken: Cell<bool>,
    /// The project that it writes, once it has written.
    pub(super) project: Option<String>,
    pub(super) effects: Vec<(u64, Step)>,
}

impl Interpreter<'_> {
    pub(super) fn begin_transaction(&mut self, statement: &Statement) -> Result<(), Stop> {
        if self.transaction.is_some() {
            return Err(self.raised("a transaction is open already: transactions do not nest".into(), statement));
        }
        self.transaction = Some(Transaction::default());
        Ok(())
    }

    pub(super) fn commit_transaction(&mut self, statement: &Statement) -> Result<(), Stop> {
        let Some(transaction) = self.transaction.take() else {
            return Err(self.raised("COMMIT TRANSACTION: no transaction is open".into(), statement));
        };
        if transaction.broken.get() {
            self.undone(transaction);
            let message = "COMMIT TRANSACTION: a statement of the transaction failed, all of it was undone";
            return Err(self.raised(message.into(), statement));
        }
        // All numbers after the transaction's own stay the same, whether it is replayed or not.
        let (number, _) = self.steps.begin();
        if !transaction.begun.get() {
            return Ok(());
        }
        let commit = || {
            if let Some(project) = &transaction.project {
                self.steps.write(self.session, project, number)?;
            }
            self.session.commit_users_transaction()
        };
        commit().inspect_err(|_| self.session.undo_users_transaction()).map_err(Stop::Fatal)?;
        if transaction.project.is_some() {
            self.steps.written();
        }
        Ok(())
    }

    pub(super) fn rollback_transaction(&mut self, statement: &Statement) -> Result<(), Stop> {
        let Some(transaction) = self.transaction.take() else {
            return Err(self.raised("ROLLBACK TRANSACTION: no transaction is open".into(), statement));
        };
        self.steps.begin();
        self.session.undo_users_transaction();
        self.undone(transaction);
        Ok(())
    }

    /// The script went on from what the undone statements said, so that is recorded with what follows.
    fn undone(&mut self, transaction: Transaction) {
        for (number, step) in transaction.effects {
            self.steps.note(number, step);
        }
    }

    pub(super) fn abandon_transaction(&mut self) {
        if self.transaction.take().is_some() {
            self.session.undo_users_transaction();
        }
    }

    /// Joins the open transaction, if there is one, before a statement runs.
    pub(super) fn check_transaction(&self, translated: &Translated) -> Result<(), WarehouseError> {
        let Some(transaction) = &self.transaction else { return Ok(()) };
        let has_effect = translated.kind != StatementKind::Query;
        if transaction.broken.get() {
            return match has_effect || !translated.reads.is_empty() {
                true => Err(unsupported(
                    "reading or writing tables in a transaction of which a statement failed: ROLLBACK TRANSACTION first",
                )),
                false => Ok(()),
            };
        }
        if crate::embedded::own::concerns(translated) || translated.function.is_some() {
            return Err(unsupported("temporary tables and functions in a transaction: make them before it"));
        }
        if let (Some(before), Some(now)) = (&transaction.project, &translated.writes)
            && *before != now.project
        {
            return Err(unsupported(format!("a transaction that writes two projects: {before} and {}", now.project)));
        }
        if !transaction.begun.replace(true) {
            if let Some(table) = &translated.writes {
                self.session.instance.ensure_project(&table.project)?;
            }
            self.session.begin_users_transaction()?;
        }
        Ok(())
    }

    /// After an error while a statement ran.
    pub(super) fn break_transaction(&self) {
        if let Some(transaction) = &self.transaction {
            transaction.broken.set(true);
            self.session.undo_users_transaction();
        }
    }
}

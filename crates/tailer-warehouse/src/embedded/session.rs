//! One connection in the hands of one job: statements that notice a cancel, and transactions that are tried again when
//! they collide with another's.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use duckdb::{Connection, InterruptHandle, Params, Row, Statement, arrow::array::StructArray};
use parking_lot::Mutex;

use super::{
    errors::from_duckdb,
    instance::{Instance, TableLock},
    own::Own,
};
use crate::{TableName, WarehouseError, googlesql::quote};

/// How long colliding transactions are tried again before the job fails as transient.
const COLLISION_PATIENCE: Duration = Duration::from_secs(20);

/// Stops what a session is doing, from another thread.
#[derive(Default)]
pub(crate) struct Stopper {
    stopped: AtomicBool,
    running: Mutex<Option<Arc<InterruptHandle>>>,
}

impl std::fmt::Debug for Stopper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stopper").field("stopped", &self.is_stopped()).finish_non_exhaustive()
    }
}

impl Stopper {
    /// Asks the session to stop. To be repeated until the job has ended: DuckDB forgets an interrupt that arrives
    /// between two statements.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(handle) = self.running.lock().as_ref() {
            handle.interrupt();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) instance: &'a Instance,
    connection: Option<Connection>,
    stopper: Arc<Stopper>,
    /// A connection left inside a transaction is closed instead of given back.
    in_transaction: Cell<bool>,
    /// `BEGIN TRANSACTION` of a script: effects join it instead of having transactions of their own.
    users_transaction: Cell<bool>,
    /// Tables that the user's transaction has written: nobody else writes them before it has ended.
    held: RefCell<Vec<TableName>>,
    /// SQL that makes the dataset which the running transaction lacks, see [`Self::make_dataset`].
    lacking: RefCell<Option<String>>,
    own: Own,
}

impl<'a> Session<'a> {
    pub(crate) fn begin(instance: &'a Instance, stopper: Arc<Stopper>) -> Result<Self, WarehouseError> {
        let connection = instance.connection()?;
        *stopper.running.lock() = Some(connection.interrupt_handle());
        Ok(Self {
            instance,
            connection: Some(connection),
            stopper,
            in_transaction: Cell::new(false),
            users_transaction: Cell::new(false),
            held: RefCell::default(),
            lacking: RefCell::default(),
            own: Own::default(),
        })
    }

    /// Temporary tables and functions.
    pub(crate) fn own(&self) -> &Own {
        &self.own
    }

    /// Has a table to itself until the lock is dropped; inside the user's transaction, until that ends.
    pub(crate) fn lock(&self, table: &TableName) -> Result<Option<TableLock<'a>>, WarehouseError> {
        if !self.users_transaction.get() {
            return self.instance.lock_table(table, self).map(Some);
        }
        let table = table.without_decorator();
        let is_held = self.held.borrow().contains(&table);
        if !is_held {
            self.instance.take_table(&table, self, Some(COLLISION_PATIENCE))?;
            self.held.borrow_mut().push(table);
        }
        Ok(None)
    }

    fn release_held(&self) {
        for table in self.held.borrow_mut().drain(..) {
            self.instance.release_table(&table);
        }
    }

    pub(crate) fn begin_users_transaction(&self) -> Result<(), WarehouseError> {
        self.execute("BEGIN", [])?;
        self.in_transaction.set(true);
        self.users_transaction.set(true);
        Ok(())
    }

    /// Commits; when that fails, everything is undone.
    pub(crate) fn commit_users_transaction(&self) -> Result<(), WarehouseError> {
        let committed = self.execute("COMMIT", []);
        match &committed {
            Ok(_) => self.in_transaction.set(false),
            Err(_) => self.roll_back(),
        }
        self.users_transaction.set(false);
        self.release_held();
        committed.map(drop)
    }

    /// Makes the time zone UTC again; a connection on which that fails is closed at the end.
    pub(crate) fn reset_time_zone(&self) {
        let handle = self.stopper.running.lock().take();
        if self.connection().execute_batch("DROP MACRO IF EXISTS temp.gs_zone").is_err() {
            self.in_transaction.set(true);
        }
        *self.stopper.running.lock() = handle;
    }

    pub(crate) fn undo_users_transaction(&self) {
        if self.users_transaction.replace(false) {
            self.roll_back();
        }
        self.release_held();
    }

    #[expect(clippy::expect_used, reason = "only drop takes the connection away")]
    pub(crate) fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("a session holds its connection until it is dropped")
    }

    /// An error once the job is to stop.
    pub(crate) fn check(&self) -> Result<(), WarehouseError> {
        if self.stopper.is_stopped() { Err(WarehouseError::Cancelled) } else { Ok(()) }
    }

    /// Runs one statement; the rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<u64, WarehouseError> {
        self.check()?;
        let changed = self.connection().execute(sql, params).map_err(|error| from_duckdb(&error))?;
        Ok(changed as u64)
    }

    /// All rows of a small query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> duckdb::Result<T>,
    ) -> Result<Vec<T>, WarehouseError> {
        self.check()?;
        let run = || {
            let mut statement = self.connection().prepare(sql)?;
            statement.query_map(params, read)?.collect::<duckdb::Result<Vec<T>>>()
        };
        run().map_err(|error| from_duckdb(&error))
    }

    /// Streams a query's rows in batches, without holding them all. `each` says whether it wants more.
    pub(crate) fn stream(
        &self,
        sql: &str,
        mut each: impl FnMut(&StructArray) -> Result<bool, WarehouseError>,
    ) -> Result<(), WarehouseError> {
        self.check()?;
        let mut statement = self.connection().prepare(sql).map_err(|error| from_duckdb(&error))?;
        // The iterator this gives panics on errors in the middle; `step` tells them.
        drop(statement.stream_arrow([]).map_err(|error| from_duckdb(&error))?);
        while let Some(batch) = step(&statement)? {
            self.check()?;
            if !each(&batch)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs `effect` in one transaction: all of it or nothing. Tried again when another transaction got in the way, so
    /// `effect` must only do things that are undone by a rollback. A dataset that it lacks is made before it is tried again.
    pub(crate) fn transaction<T>(&self, effect: impl Fn() -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        if self.users_transaction.get() {
            return effect();
        }
        let started = Instant::now();
        let mut pause = Duration::from_millis(1);
        let mut refused = None;
        loop {
            let result = match (self.try_transaction(&effect), self.lacking.take()) {
                (Err(_), Some(dataset)) => match self.make_lacking(dataset, &mut refused) {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                },
                (result, _) => result,
            };
            match result {
                Err(WarehouseError::Transient(_)) if started.elapsed() < COLLISION_PATIENCE => {
                    self.check()?;
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                result => return result,
            }
        }
    }

    /// Makes the dataset that [`Self::transaction`] lacks, outside of it: as long as a transaction is open that made a dataset, DuckDB
    /// lets nobody else make or use it, and the statement that follows may take hours. The transaction is begun anew, because it does
    /// not see what was made after its start. When its effect fails, the dataset stays, empty.
    ///
    /// The user's transaction cannot be begun anew: a dataset that it makes is its own until it ends.
    pub(crate) fn make_dataset(&self, project: &str, dataset: &str) -> Result<(), WarehouseError> {
        let sql = format!("CREATE SCHEMA {}.{}", quote(project), quote(dataset));
        if self.users_transaction.get() {
            return self.execute(&sql, []).map(drop);
        }
        self.lacking.replace(Some(sql));
        Err(WarehouseError::Transient(format!("dataset {project}.{dataset} has to be made first")))
    }

    /// The first refusal of a dataset is no error: another job may have made it a moment before, and the next attempt sees it.
    fn make_lacking(&self, dataset: String, refused: &mut Option<String>) -> Result<(), WarehouseError> {
        match self.execute(&dataset, []) {
            Err(WarehouseError::Invalid { .. } | WarehouseError::AlreadyExists(_))
                if refused.as_ref() != Some(&dataset) =>
            {
                *refused = Some(dataset);
                Ok(())
            }
            made => made.map(drop),
        }
    }

    fn try_transaction<T>(&self, effect: &impl Fn() -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        self.execute("BEGIN", [])?;
        // A panic in between must not give an open transaction to the next job.
        self.in_transaction.set(true);
        let result = effect().and_then(|value| {
            self.execute("COMMIT", [])?;
            Ok(value)
        });
        match result {
            Ok(_) => self.in_transaction.set(false),
            Err(_) => self.roll_back(),
        }
        result
    }

    /// Undoes the transaction where no interrupt reaches: one that stopped the rollback would leave the transaction to
    /// the connection's next user. When it fails all the same (a failed commit has rolled back already), the
    /// connection is closed at the end.
    fn roll_back(&self) {
        let handle = self.stopper.running.lock().take();
        let undone = self.connection().execute_batch("ROLLBACK").is_ok();
        self.in_transaction.set(!undone);
        *self.stopper.running.lock() = handle;
    }
}

fn step(statement: &Statement<'_>) -> Result<Option<StructArray>, WarehouseError> {
    statement.step().map_err(|error| from_duckdb(&error))
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // First: an interrupt must never reach the connection's next user.
        *self.stopper.running.lock() = None;
        self.release_held();
        if let Some(connection) = self.connection.take()
            && !self.in_transaction.get()
            && !self.own.has_tables()
        {
            self.instance.give_back(connection);
        }
    }
}

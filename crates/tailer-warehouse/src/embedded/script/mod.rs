//! Runs scripts: the tree of [`googlesql::script`](crate::googlesql::script), statement by statement, on one session.
//!
//! **Once only.** Everything that asks the warehouse (a statement, an expression) is a *step* and has the next number; a statement's
//! job id is `<script's id>-<number>`. An effect commits together with its record, and that record takes along the results of all
//! steps before it that a later look at the tables could contradict: values computed from tables or from functions such as `RAND`,
//! numbers of rows, errors that were caught. A script that is started again after a crash takes all of that from the records, so it goes
//! the way it went before, to behind its last effect; what follows that is done for the first time. Steps that depend on nothing
//! but variables are simply done again: they cannot come out differently.
//!
//! **Errors** are the user's own to catch (`EXCEPTION WHEN ERROR`), except for those that are not about the script: a cancel, a
//! failure of the warehouse, and what the embedded warehouse does not support, which no handler may pass over in silence.
//!
//! What follows from a script's text alone was refused before anything ran, see [`parse`](crate::googlesql::script::parse()).

mod control;
mod dynamic;
mod evaluate;
mod expect;
mod frames;
mod procedures;
mod raised;
mod statements;
mod steps;
mod system;
mod transactions;
mod values;

use std::time::Instant;

use jiff::Timestamp;

pub(crate) use evaluate::fetch_rows;
pub(crate) use procedures::kept as kept_procedure;

use self::{
    control::Flow,
    frames::{Frame, Sight},
    raised::Stop,
    steps::Steps,
    system::System,
    transactions::Transaction,
};
use super::{errors::invalid, query::statement_outcome, session::Session};
use crate::{
    Destination, Outcome, Query, Rows, WarehouseError, WarehouseJobId,
    googlesql::{
        Scope, Statement, Translated,
        script::{Kind, Node},
    },
};

/// Statements of which the outcome tells; those of longer loops are only counted.
const TOLD: usize = 1000;

/// Executed SQL that the outcome shows, in bytes.
const SHOWN: usize = 64 * 1024;

/// What becomes of the rows of a query that goes nowhere by itself.
pub(crate) enum Tail<'t> {
    /// All are counted.
    Count,
    /// Those of the script's last statement go to a table.
    Into(&'t Destination),
    /// Those of the last query are kept, at most so many.
    Rows(usize, &'t mut Rows),
    /// The script's last statement is handed over.
    HandOver(&'t mut Option<(Statement, Translated)>),
}

/// A script that is being run.
struct Interpreter<'s> {
    session: &'s Session<'s>,
    /// The one that jobs are accounted to; names are looked up by the frame's.
    project: &'s str,
    steps: Steps,
    /// The innermost procedure's last.
    frames: Vec<Frame>,
    system: System,
    transaction: Option<Transaction>,
    tail: Tail<'s>,
    /// Whether the tail has got its rows.
    served: bool,
    outcome: Outcome,
    left_out: u64,
}

/// Runs a script. Without an id the once-only promise is off.
pub(crate) fn run<'s>(
    session: &'s Session<'s>,
    id: Option<&WarehouseJobId>,
    query: &'s Query,
    nodes: &[Node],
    tail: Tail<'s>,
) -> Result<Outcome, WarehouseError> {
    let mut interpreter = Interpreter {
        session,
        project: &query.project,
        steps: Steps::of(session, id)?,
        frames: vec![Frame::of_script(query)],
        system: System::new(id, query, Timestamp::now()),
        transaction: None,
        tail,
        served: false,
        outcome: Outcome::default(),
        left_out: 0,
    };
    let result = interpreter.list(nodes, true);
    // Who has one statement knows which.
    let is_script = !matches!(nodes, [Node { kind: Kind::Sql, .. }]);
    interpreter.finish(result, is_script)
}

impl<'s> Interpreter<'s> {
    fn finish(mut self, result: Result<Flow, Stop>, is_script: bool) -> Result<Outcome, WarehouseError> {
        // A transaction that nobody has ended is undone.
        self.abandon_transaction();
        self.restore_time_zone();
        result.map_err(|stop| stop.into_error(is_script))?;
        if let Tail::Into(destination) = &self.tail
            && !self.served
        {
            return Err(invalid(format!(
                "the script's last statement gives no rows for table {}: end with a SELECT, or leave the table out",
                destination.table
            )));
        }
        if self.left_out > 0 {
            self.outcome.statistics.more.insert("statements_left_out".into(), self.left_out.into());
        }
        Ok(self.outcome)
    }

    fn frame(&self) -> &Frame {
        static NONE: Frame = Frame::empty();
        self.frames.last().unwrap_or(&NONE)
    }

    /// The names that are in sight.
    fn sight(&self) -> Sight<'_> {
        Sight { frame: self.frame(), system: &self.system, parameters: &[] }
    }

    fn scope(&self) -> Scope<'_> {
        let frame = self.frame();
        Scope { project: &frame.project, dataset: frame.dataset.as_deref() }
    }

    /// Enters a statement that is over into the outcome.
    fn tell(&mut self, statement: &Statement, rows: Option<u64>, clock: Instant) {
        if self.outcome.statements.len() < TOLD {
            self.outcome.statements.push(statement_outcome(statement, rows, clock));
        } else {
            self.left_out += 1;
        }
    }

    /// Enters what a statement's own outcome says.
    fn note(&mut self, outcome: &Outcome, statement: &Statement, clock: Instant) {
        self.outcome.statistics.rows = outcome.statistics.rows;
        let shown = self.outcome.statistics.executed_sql.get_or_insert_default();
        if let Some(sql) = outcome.statistics.executed_sql.as_ref().filter(|sql| shown.len() + sql.len() < SHOWN) {
            shown.push_str(sql);
            shown.push_str(";\n");
        }
        match outcome.statements.first() {
            Some(told) if self.outcome.statements.len() < TOLD => {
                self.outcome.statements.push(crate::StatementOutcome { line: statement.line, ..told.clone() });
            }
            _ => self.tell(statement, outcome.statistics.rows, clock),
        }
    }
}

//! Bad lines of a load, from however many threads: counted, the first ones kept, and once there are too many the load is
//! over. Which line is blamed depends on the file alone, not on which thread came first: blocks are handed out in order, and
//! those handed out are read to their end.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use super::{
    blocks::Place,
    builder::{Reason, shortened},
};
use crate::{RejectedLine, WarehouseError, embedded::errors::invalid};

/// The text of a rejected line that is kept.
const KEPT_TEXT: usize = 1000;

/// Rejected lines that are kept in full; all are counted.
const KEPT_LINES: usize = 100;

/// A limit up to this is found exactly: the error names the line that broke it, otherwise the first bad one.
const EXACT_LIMIT: usize = 1000;

const LONGEST_REASON: usize = 400;

/// Why a row is bad, and in which column.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) column: Option<String>,
    pub(crate) reason: Reason,
}

impl Bad {
    pub(crate) fn line(reason: impl Into<Reason>) -> Self {
        Self { column: None, reason: reason.into() }
    }

    /// A value that does not fit its column.
    pub(crate) fn value(column: &str, reason: Reason) -> Self {
        let reason = if reason.len() > LONGEST_REASON { shortened(&reason) } else { reason };
        Self { column: Some(column.to_owned()), reason }
    }
}

pub(crate) struct Rejects {
    limit: u64,
    stopped: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    count: u64,
    /// The first bad lines, by file and line.
    first: BTreeMap<(usize, u64), (String, RejectedLine)>,
    /// What ends the load whatever the limit: a file that cannot be read, text that is not UTF-8.
    fatal: Option<((usize, u64), WarehouseError)>,
}

impl Rejects {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, stopped: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Whether no more has to be read.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, at: &Place, line: u64, text: &str, bad: Bad) {
        let mut state = self.state.lock();
        state.count += 1;
        if state.count > self.limit {
            self.stopped.store(true, Ordering::Relaxed);
        }
        let text = text.trim_end_matches(['\n', '\r']).chars().take(KEPT_TEXT).collect();
        let rejected = RejectedLine { line, column: bad.column, text, reason: bad.reason };
        state.first.insert((at.file, line), (at.name.to_string(), rejected));
        if state.first.len() > self.kept() {
            state.first.pop_last();
        }
    }

    pub(crate) fn fatal(&self, at: &Place, error: WarehouseError) {
        self.stopped.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        let place = (at.file, at.line);
        if state.fatal.as_ref().is_none_or(|(known, _)| place < *known) {
            state.fatal = Some((place, error));
        }
    }

    fn kept(&self) -> usize {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if limit <= EXACT_LIMIT { (limit + 1).max(KEPT_LINES) } else { KEPT_LINES }
    }

    /// When everything is read: the number of bad lines and the first of them, or the error that they are.
    pub(crate) fn settle(&self) -> Result<(u64, Vec<RejectedLine>), WarehouseError> {
        let mut state = self.state.lock();
        let broken = (state.count > self.limit).then(|| self.breaker(&state)).flatten();
        match (broken, state.fatal.take()) {
            (Some((place, _)), Some((fatal, error))) if fatal < place => Err(error),
            (None, Some((_, error))) => Err(error),
            (Some((_, message)), _) => Err(invalid(message)),
            (None, None) => {
                let first = std::mem::take(&mut state.first);
                Ok((state.count, first.into_values().map(|(_, line)| line).take(KEPT_LINES).collect()))
            }
        }
    }

    /// The line that broke the limit, as far as it is known.
    fn breaker(&self, state: &State) -> Option<((usize, u64), String)> {
        let exact = usize::try_from(self.limit).ok().filter(|limit| *limit <= EXACT_LIMIT);
        let (place, (name, line)) = state.first.iter().nth(exact.unwrap_or(0))?;
        let column = line.column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default();
        let more = match (self.limit, exact) {
            (0, _) => String::new(),
            (limit, Some(_)) => format!(" (more than the {limit} bad lines allowed)"),
            (limit, None) => format!(" (the first of more than the {limit} bad lines allowed)"),
        };
        Some((*place, format!("{name} line {}{column}: {}{more}", line.line, line.reason)))
    }
}

//! The steps of a script and what is recorded of them, see [`super`] for what this is good for.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::raised::Raised;
use crate::{Outcome, WarehouseError, WarehouseJobId, embedded::job_table, embedded::session::Session};

/// The kind of the job table's rows that hold steps without effect.
const KIND: &str = "steps";

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A statement that is done, or was undone with its transaction.
    Done(Outcome),
    /// Rows of values with their types.
    Values {
        types: Vec<(String, String)>,
        rows: Vec<Vec<Value>>,
    },
    Failed(Raised),
}

#[derive(Debug)]
pub(super) struct Steps {
    /// The script's; without one nothing is recorded.
    id: Option<WarehouseJobId>,
    last: u64,
    recorded: HashMap<u64, Step>,
    /// Results that the next effect takes along.
    pending: Vec<(u64, Step)>,
}

impl Steps {
    /// Of a script, with what an earlier try at it has recorded.
    pub(super) fn of(session: &Session<'_>, id: Option<&WarehouseJobId>) -> Result<Self, WarehouseError> {
        let mut steps = Self { id: id.cloned(), last: 0, recorded: HashMap::new(), pending: Vec::new() };
        let Some(id) = id else { return Ok(steps) };
        let unreadable =
            |error| WarehouseError::Internal(format!("the record of script {} cannot be read: {error}", id.0));
        for (number, kind, record) in job_table::steps(session, id)? {
            if kind == KIND {
                let several: Vec<(u64, Step)> = serde_json::from_str(&record).map_err(unreadable)?;
                for (number, step) in several {
                    steps.recorded.entry(number).or_insert(step);
                }
            } else if let Ok(number) = number.parse() {
                steps.recorded.insert(number, Step::Done(serde_json::from_str(&record).map_err(unreadable)?));
            }
        }
        Ok(steps)
    }

    /// Begins a step; what is recorded of it, if anything.
    pub(super) fn begin(&mut self) -> (u64, Option<Step>) {
        self.last += 1;
        (self.last, self.recorded.remove(&self.last))
    }

    /// How many there have been.
    pub(super) fn count(&self) -> u64 {
        self.last
    }

    pub(super) fn job_id(&self, number: u64) -> Option<WarehouseJobId> {
        self.id.as_ref().map(|id| WarehouseJobId(format!("{}-{number}", id.0)))
    }

    /// Notes the result of a step without effect.
    pub(super) fn note(&mut self, number: u64, step: Step) {
        if self.id.is_some() {
            self.pending.push((number, step));
        }
    }

    /// Writes what is pending inside the running transaction, beside the record of step `number`.
    pub(super) fn write(&self, session: &Session<'_>, project: &str, number: u64) -> Result<(), WarehouseError> {
        let Some(id) = self.job_id(number).filter(|_| !self.pending.is_empty()) else { return Ok(()) };
        let json = serde_json::to_string(&self.pending)
            .map_err(|error| WarehouseError::Internal(format!("cannot record the steps of {}: {error}", id.0)))?;
        job_table::record_text(session, project, &WarehouseJobId(format!("{}-{KIND}", id.0)), KIND, &json)
    }

    /// What was pending is committed.
    pub(super) fn written(&mut self) {
        self.pending.clear();
    }
}

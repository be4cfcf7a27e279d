//! System variables: `@@row_count`, `@@error.…`, `@@script.…` and their like.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    raised::Raised,
    values::{absent_string, integer, string},
};
use crate::{Query, WarehouseJobId, googlesql::Constant};

#[derive(Debug)]
pub(super) struct System {
    values: BTreeMap<&'static str, Constant>,
    /// Errors that are being handled, the innermost last.
    errors: Vec<Raised>,
    /// Whether the session's time zone is not UTC any more.
    pub(super) zone_is_set: bool,
    /// Whether the script has made functions, whose bodies its expressions do not show.
    pub(super) has_functions: bool,
}

/// Those that `SET` may change.
pub(super) const WRITABLE: &[&str] = &["@@time_zone", "@@dataset_id", "@@dataset_project_id", "@@query_label"];

impl System {
    pub(super) fn new(id: Option<&WarehouseJobId>, query: &Query, started: Timestamp) -> Self {
        let id = id.map_or("", |id| id.0.as_str());
        let started = Constant {
            column_type: "TIMESTAMP".into(),
            sql: format!("CAST('{started}' AS TIMESTAMPTZ)"),
            text: None,
            fields: Vec::new(),
        };
        let values = BTreeMap::from([
            ("@@row_count", integer(None)),
            ("@@time_zone", string("UTC")),
            ("@@project_id", string(&query.project)),
            ("@@dataset_project_id", string(&query.project)),
            ("@@dataset_id", query.dataset.as_deref().map_or_else(absent_string, string)),
            ("@@query_label", absent_string()),
            ("@@script.job_id", string(id)),
            ("@@script.creation_time", started),
            ("@@script.num_child_jobs", integer(Some(0))),
            ("@@script.bytes_processed", integer(Some(0))),
            ("@@script.bytes_billed", integer(Some(0))),
            ("@@script.slot_ms", integer(Some(0))),
            ("@@current_job_id", string(id)),
            ("@@last_job_id", string(id)),
        ]);
        let mut system = Self { values, errors: Vec::new(), zone_is_set: false, has_functions: false };
        system.show_error();
        system
    }

    pub(super) fn find(&self, name: &str) -> Option<&Constant> {
        self.values.get(name.to_ascii_lowercase().as_str())
    }

    pub(super) fn set(&mut self, name: &'static str, value: Constant) {
        self.values.insert(name, value);
    }

    pub(super) fn set_row_count(&mut self, rows: Option<u64>) {
        self.set("@@row_count", integer(rows));
    }

    /// The statement that is about to run.
    pub(super) fn set_job(&mut self, id: Option<WarehouseJobId>, children: u64) {
        let id = id.map_or_else(String::new, |id| id.0);
        if let Some(last) = self.values.insert("@@current_job_id", string(&id)) {
            self.set("@@last_job_id", last);
        }
        self.set("@@script.num_child_jobs", integer(Some(children)));
    }

    pub(super) fn push_error(&mut self, raised: Raised) {
        self.errors.push(raised);
        self.show_error();
    }

    pub(super) fn pop_error(&mut self) {
        self.errors.pop();
        self.show_error();
    }

    /// The error that is being handled here.
    pub(super) fn error(&self) -> Option<&Raised> {
        self.errors.last()
    }

    /// Takes the errors away for a procedure, which has none of its own yet.
    pub(super) fn swap_errors(&mut self, errors: Vec<Raised>) -> Vec<Raised> {
        let before = std::mem::replace(&mut self.errors, errors);
        self.show_error();
        before
    }

    fn show_error(&mut self) {
        let shown = self.errors.last().map(|e| (e.message.clone(), e.statement.clone(), e.formatted_trace()));
        let (message, statement, trace) = match &shown {
            Some((message, statement, trace)) => (string(message), string(statement), string(trace)),
            None => (absent_string(), absent_string(), absent_string()),
        };
        self.set("@@error.message", message);
        self.set("@@error.statement_text", statement);
        self.set("@@error.formatted_stack_trace", trace);
    }
}

//! Variables of a rehearsed script: their types are known, their values are not.

use crate::{
    embedded::types::Type,
    googlesql::{Constant, Variables},
};

#[derive(Debug, Default)]
pub(super) struct Scopes {
    variables: Vec<(String, Constant)>,
    /// Variables in sight; those before belong to whoever called.
    pub(super) base: usize,
    pub(super) parameters: Vec<(String, Constant)>,
    system: Vec<(&'static str, Constant)>,
}

impl Scopes {
    pub(super) fn declare(&mut self, name: &str, column_type: &str) {
        if let Some(value) = stand_in(column_type) {
            self.variables.push((name.to_owned(), value));
        }
    }

    pub(super) fn mark(&self) -> usize {
        self.variables.len()
    }

    pub(super) fn reset(&mut self, mark: usize) {
        self.variables.truncate(mark);
    }

    pub(super) fn column_type(&self, name: &str) -> Option<&str> {
        self.find(name).map(|value| value.column_type.as_str())
    }

    pub(super) fn with_system(mut self) -> Self {
        let names = [
            ("@@row_count", "INT64"),
            ("@@error.message", "STRING"),
            ("@@error.statement_text", "STRING"),
            ("@@error.formatted_stack_trace", "STRING"),
            ("@@time_zone", "STRING"),
            ("@@project_id", "STRING"),
            ("@@dataset_id", "STRING"),
            ("@@dataset_project_id", "STRING"),
            ("@@query_label", "STRING"),
            ("@@current_job_id", "STRING"),
            ("@@last_job_id", "STRING"),
            ("@@script.job_id", "STRING"),
            ("@@script.creation_time", "TIMESTAMP"),
            ("@@script.num_child_jobs", "INT64"),
            ("@@script.bytes_processed", "INT64"),
            ("@@script.bytes_billed", "INT64"),
            ("@@script.slot_ms", "INT64"),
        ];
        self.system = names.into_iter().filter_map(|(name, ty)| Some((name, stand_in(ty)?))).collect();
        self
    }
}

/// A constant of a type, whose value stands for any.
pub(super) fn stand_in(column_type: &str) -> Option<Constant> {
    let ty = Type::from_bigquery(column_type).ok()?;
    // Where only a literal number may stand, one has to be there.
    let (sql, text) = match column_type {
        "INT64" => ("1::BIGINT".to_owned(), Some("1".to_owned())),
        _ => (format!("CAST(NULL AS {})", ty.to_duckdb()), None),
    };
    Some(Constant { column_type: column_type.to_owned(), sql, text, fields: Vec::new() })
}

impl Variables for Scopes {
    fn find(&self, name: &str) -> Option<&Constant> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        if name.starts_with("@@") {
            return self.system.iter().find(|(known, _)| same(known)).map(|(_, value)| value);
        }
        if name.starts_with('@') {
            return self.parameters.iter().find(|(known, _)| same(known)).map(|(_, value)| value);
        }
        let in_sight = self.variables.get(self.base..).unwrap_or_default();
        in_sight.iter().rev().find(|(known, _)| same(known)).map(|(_, value)| value)
    }

    fn names(&self) -> Vec<&str> {
        self.variables.get(self.base..).unwrap_or_default().iter().map(|(name, _)| name.as_str()).collect()
    }
}

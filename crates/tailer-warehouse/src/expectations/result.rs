//! A check's query and what its row means.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{parts::Parts, signature::Argument};
use crate::{Rows, TableName, WarehouseError, googlesql::Statement};

/// Rejected rows that are kept.
const SAMPLED: usize = 10;

/// A call as a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// One row: `all_count`, `reject_count`, `threshold`, and where there are `date_count` and `target_value`.
    pub sql: String,
    /// Gives the rejected rows (or days), where there are such.
    pub rejected: Option<String>,
    pub table: TableName,
    pub(super) target: Option<TableName>,
    pub(super) column: Option<String>,
    /// Of an empty table it may be right to expect no rows.
    pub(super) counts_rows: bool,
    pub(super) procedure: &'static str,
    pub(super) statement: Statement,
}

/// What became of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectationResult {
    pub passed: bool,
    /// In the form that the results' table keeps.
    pub result: Value,
    /// For people: what was expected, by how much it failed.
    pub message: String,
    /// Line of the CALL.
    pub line: usize,
    /// Some of the rejected rows.
    pub rejected: Option<Rows>,
}

impl Check {
    pub(super) fn new(parts: &Parts<'_>, sql: String) -> Self {
        let column = parts.text(Argument::Column);
        Self {
            sql,
            rejected: None,
            table: parts.table.clone(),
            target: None,
            column: (!column.is_empty()).then(|| column.to_owned()),
            counts_rows: false,
            procedure: parts.expectation.procedure.name,
            statement: parts.expectation.statement.clone(),
        }
    }

    /// The query for a sample of the rejected rows.
    #[must_use]
    pub fn sample(&self) -> Option<String> {
        self.rejected.as_ref().map(|sql| format!("{sql} LIMIT {SAMPLED}"))
    }

    /// What the query's row means.
    ///
    /// # Errors
    /// [`WarehouseError::Internal`] when it is not the row of this query.
    pub fn result(
        &self,
        rows: &Rows,
        started: Timestamp,
        ended: Timestamp,
    ) -> Result<ExpectationResult, WarehouseError> {
        let value = |name: &str| {
            let column = rows.columns.iter().position(|column| column.name == name)?;
            rows.rows.first()?.get(column).cloned()
        };
        let number = |name: &str| value(name).as_ref().and_then(as_number);
        let missing = || WarehouseError::Internal(format!("expectation {} gave no counts", self.procedure));
        let (all, reject) = (number("all_count").ok_or_else(missing)?, number("reject_count"));
        let threshold = number("threshold");
        let passed = match (reject, threshold) {
            (Some(reject), _) if self.counts_rows && reject == 0.0 => true,
            (Some(reject), Some(threshold)) => all > 0.0 && reject / all <= threshold,
            _ => false,
        };
        let seconds = |at: Timestamp| at.as_second().to_string();
        let whole = |number: Option<f64>| number.map_or(Value::Null, whole);
        let result = json!({
            "dataset": format!("{}.{}", self.table.project, self.table.dataset),
            "tablename": self.table.table,
            "column_name": self.column,
            "procedure_name": self.procedure,
            "date_count": whole(number("date_count")),
            "all_count": whole(Some(all)),
            "target_dataset": self.target.as_ref().map(|t| format!("{}.{}", t.project, t.dataset)),
            "target_table_name": self.target.as_ref().map(|t| t.table.clone()),
            "target_value": value("target_value").filter(|v| !v.is_null()).unwrap_or_else(|| json!([])),
            "reject_count": whole(reject),
            "reject_threshold": threshold,
            "passed": passed,
            "start_date": seconds(started),
            "end_date": seconds(ended),
        });
        let message = self.message(passed, all, reject, threshold);
        Ok(ExpectationResult { passed, result, message, line: self.statement.line, rejected: None })
    }

    fn message(&self, passed: bool, all: f64, reject: Option<f64>, threshold: Option<f64>) -> String {
        let column = self.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        let what = format!("{} of {}{column}", self.procedure, self.table);
        let (Some(reject), Some(threshold)) = (reject, threshold) else {
            return format!("{what}: an argument is NULL");
        };
        let outcome = if passed { "passed" } else { "failed" };
        if all == 0.0 {
            return format!("{what} {outcome}: the table has no rows that could be checked, {reject} rejected");
        }
        format!("{what} {outcome}: {reject} rejected of {all} rows ({:.4}, allowed {threshold})", reject / all)
    }
}

impl ExpectationResult {
    /// Of a call that could not be carried out.
    #[must_use]
    pub fn of_error(expectation: &super::Expectation, error: &WarehouseError, at: Timestamp) -> Self {
        let mut result = Map::new();
        for name in [
            "dataset",
            "tablename",
            "column_name",
            "procedure_name",
            "date_count",
            "all_count",
            "target_dataset",
            "target_table_name",
            "target_value",
            "reject_count",
            "reject_threshold",
            "passed",
            "start_date",
            "end_date",
        ] {
            result.insert(name.into(), Value::Null);
        }
        let texts: Vec<Option<String>> = expectation.texts().into_iter().map(|(_, text)| text).collect();
        result.insert("dataset".into(), json!(texts.first().cloned().flatten()));
        result.insert("tablename".into(), json!(texts.get(1).cloned().flatten()));
        result.insert("procedure_name".into(), expectation.procedure.name.into());
        result.insert("target_value".into(), json!([]));
        result.insert("passed".into(), false.into());
        result.insert("start_date".into(), at.as_second().to_string().into());
        result.insert("end_date".into(), at.as_second().to_string().into());
        result.insert("error".into(), error.to_string().into());
        Self {
            passed: false,
            result: Value::Object(result),
            message: format!("{} could not be checked: {error}", expectation.procedure.name),
            line: expectation.statement.line,
            rejected: None,
        }
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// A count, which is whole unless a limit of it was not.
fn whole(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small enough")]
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

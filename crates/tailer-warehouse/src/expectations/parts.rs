//! The arguments of a call as pieces of the query.

use super::{Expectation, column, invalid, signature::Argument};
use crate::{
    TableName, WarehouseError,
    googlesql::{Statement, script},
};

/// What is known of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub name: String,
    /// BigQuery's.
    pub column_type: String,
    pub description: Option<String>,
}

impl Known {
    /// The columns of a table.
    #[must_use]
    pub fn of(table: &crate::TableInfo) -> Vec<Self> {
        let columns = table.definition.schema.iter();
        columns
            .map(|column| Self {
                name: column.name.clone(),
                column_type: column.field_type.to_string(),
                description: column.description.clone(),
            })
            .collect()
    }
}

/// A call's arguments by role.
pub(super) struct Parts<'a> {
    pub(super) expectation: &'a Expectation,
    pub(super) table: TableName,
    texts: Vec<(Argument, String)>,
    values: Vec<(Argument, &'a Statement)>,
    project: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        expectation: &'a Expectation,
        project: &'a str,
        known: &[String],
    ) -> Result<Self, WarehouseError> {
        let mut known = known.iter();
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for (role, argument) in expectation.roles() {
            if role.is_text() {
                let text = known.next().cloned().unwrap_or_default();
                texts.push((role, text));
            } else {
                values.push((role, argument));
            }
        }
        let mut parts = Self {
            expectation,
            table: TableName { project: String::new(), dataset: String::new(), table: String::new(), decorator: None },
            texts,
            values,
            project,
        };
        parts.table = parts.table_of(Argument::Dataset, Argument::Table)?;
        Ok(parts)
    }

    /// A text; empty when it was left out.
    pub(super) fn text(&self, role: Argument) -> &str {
        self.texts.iter().find(|(r, _)| *r == role).map_or("", |(_, text)| text.as_str())
    }

    fn table_of(&self, dataset: Argument, table: Argument) -> Result<TableName, WarehouseError> {
        let (project, dataset) = match self.text(dataset).rsplit_once('.') {
            Some(both) => both,
            None => (self.project, self.text(dataset)),
        };
        TableName::new(project, dataset, self.text(table))
            .map_err(|error| super::placed(error, &self.expectation.statement))
    }

    pub(super) fn target(&self) -> Result<TableName, WarehouseError> {
        self.table_of(Argument::TargetDataset, Argument::TargetTable)
    }

    /// The column, as an expression.
    pub(super) fn column(&self) -> Result<String, WarehouseError> {
        column::expression(self.text(Argument::Column), "column")
    }

    /// A value as it was written, in parentheses; `otherwise` when it was left out.
    pub(super) fn value(&self, role: Argument, otherwise: &str) -> String {
        self.find(role).map_or_else(|| otherwise.to_owned(), |value| format!("({}\n)", value.sql))
    }

    fn find(&self, role: Argument) -> Option<&'a Statement> {
        self.values.iter().find(|(r, _)| *r == role).map(|(_, value)| *value)
    }

    pub(super) fn has(&self, role: Argument) -> bool {
        self.find(role).is_some()
    }

    pub(super) fn threshold(&self) -> String {
        self.value(Argument::Threshold, "0")
    }

    /// An array: its elements when it is a literal, else the expression that gives it.
    pub(super) fn array(&self, role: Argument) -> Result<Elements, WarehouseError> {
        let Some(value) = self.find(role) else { return Ok(Elements::Listed(Vec::new())) };
        if value.sql.trim().eq_ignore_ascii_case("NULL") {
            return Ok(Elements::Listed(Vec::new()));
        }
        Ok(match script::elements(value)? {
            Some(elements) => Elements::Listed(elements.into_iter().map(|e| format!("({}\n)", e.sql)).collect()),
            None => Elements::Given(format!("({}\n)", value.sql)),
        })
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> WarehouseError {
        invalid(message, &self.expectation.statement)
    }
}

/// An array argument. What is listed takes part one by one, so that a literal becomes of the column's type.
pub(super) enum Elements {
    Listed(Vec<String>),
    Given(String),
}

impl Elements {
    /// As an ARRAY of STRING, for the result.
    pub(super) fn as_strings(&self) -> String {
        match self {
            Self::Listed(elements) => strings(elements),
            Self::Given(array) => format!("ARRAY(SELECT IFNULL(CAST(e AS STRING), 'NULL') FROM UNNEST({array}) AS e)"),
        }
    }

    /// One of two bounds.
    pub(super) fn bound(&self, index: usize) -> String {
        match self {
            Self::Listed(elements) => elements.get(index).cloned().unwrap_or_else(|| "NULL".into()),
            Self::Given(array) => format!("{array}[OFFSET({index})]"),
        }
    }

    pub(super) fn is_pair(&self) -> bool {
        match self {
            Self::Listed(elements) => elements.len() == 2,
            Self::Given(_) => true,
        }
    }
}

/// Expressions as an ARRAY of STRING.
pub(super) fn strings(values: &[String]) -> String {
    if values.is_empty() {
        return "ARRAY<STRING>[]".into();
    }
    let values: Vec<String> = values.iter().map(|v| format!("IFNULL(CAST({v} AS STRING), 'NULL')")).collect();
    format!("[{}]", values.join(", "))
}

/// The value of a text that is one string literal.
pub(super) fn string_literal(sql: &str) -> Option<String> {
    script::string_literal(sql)
}

/// A table as it stands in GoogleSQL. Names were checked: none holds a backtick.
pub(super) fn quoted(table: &TableName) -> String {
    format!("`{}`.`{}`.`{}`", table.project, table.dataset, table.table)
}

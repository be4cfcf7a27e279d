//! Table names with partition decorators.

use std::fmt;

/// `project.dataset.table`, maybe `$decorator`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub project: String,
    pub dataset: String,
    pub table: String,
    pub decorator: Option<Decorator>,
}

/// `20240223` (day), `2024022307` (hour), `202402` (month), `2024` (year), `27` (range), as written.
pub type Decorator = String;

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.project, self.dataset, self.table)?;
        if let Some(d) = &self.decorator {
            write!(f, "${d}")?;
        }
        Ok(())
    }
}

// CONTRACT (helper warehouse): TableName::new(project, dataset, table_with_maybe_decorator) -> Result<Self, WarehouseError>
// validating: project [a-z0-9-:.]{1,63}-ish, dataset [A-Za-z0-9_]{1,1024}, table letters/digits/_/-/space per BigQuery, decorator digits.

//! What a warehouse tells people who look through its datasets and tables: the words of [`Warehouse::list`](crate::Warehouse::list),
//! [`describe`](crate::Warehouse::describe) and [`preview`](crate::Warehouse::preview). Nothing here is for the execution of runs.

use jiff::Timestamp;
use tailer_model::operation::ddl::TableDefinition;

use crate::TableName;

/// What stands under a table's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableKind {
    Table,
    View,
    MaterializedView,
    /// Its rows are files elsewhere.
    External,
    /// A table as it was at some time.
    Snapshot,
}

impl TableKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::External => "external table",
            Self::Snapshot => "snapshot",
        }
    }

    /// Whether rows can be shown without a query: those of a view are computed when they are asked for, those of an external table
    /// read elsewhere.
    #[must_use]
    pub fn has_rows(self) -> bool {
        matches!(self, Self::Table | Self::MaterializedView | Self::Snapshot)
    }
}

/// A table of a dataset, in a list of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub kind: TableKind,
}

/// A number that was counted, or about what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Exact(u64),
    About(u64),
}

impl Count {
    #[must_use]
    pub fn value(self) -> u64 {
        match self {
            Self::Exact(value) | Self::About(value) => value,
        }
    }
}

/// Everything that can be told of a table without reading its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDescription {
    /// Without a decorator.
    pub name: TableName,
    pub kind: TableKind,
    /// Columns, descriptions, partitions, clustering.
    pub definition: TableDefinition,
    pub rows: Option<Count>,
    /// What it takes of the storage.
    pub bytes: Option<Count>,
    /// `None` where the warehouse keeps no record of it.
    pub created: Option<Timestamp>,
    /// The last change of its rows or its definition, whoever made it; `None` where the warehouse keeps no record of it.
    pub modified: Option<Timestamp>,
    pub expires: Option<Timestamp>,
}

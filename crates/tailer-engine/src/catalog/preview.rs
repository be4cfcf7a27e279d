//! The first rows of a table, without what is marked as sensitive.
//!
//! A description that holds [`SENSITIVE`](crate::SENSITIVE) is the mark: of a table it hides all rows, of a column its values, also when it stands with a
//! field inside of the column. Values that are hidden are not read from the warehouse.

use tailer_model::operation::ddl::Field;
use tailer_warehouse::{TableDescription, Warehouse, WarehouseError};

use crate::sensitive::{is_sensitive, marked};

/// Rows of a table, or why there are none.
#[derive(Debug, Clone, PartialEq)]
pub enum Preview {
    /// Nobody asked for any.
    NotAsked,
    Rows {
        columns: Vec<Field>,
        /// Values in the order of the columns; of structs in the order of their fields.
        rows: Vec<Vec<serde_json::Value>>,
        /// Columns that are not shown.
        hidden: Vec<String>,
    },
    /// The table is marked as sensitive.
    Sensitive,
    /// Such as a view, whose rows only a query would tell.
    NoRows(&'static str),
    /// It is not there, or could not be read.
    NotRead,
}

pub(super) async fn read(
    warehouse: &dyn Warehouse,
    table: &TableDescription,
    rows: usize,
) -> Result<Preview, WarehouseError> {
    if marked(table.definition.description.as_deref()) {
        return Ok(Preview::Sensitive);
    }
    if !table.kind.has_rows() {
        return Ok(Preview::NoRows(table.kind.as_str()));
    }
    let (hidden, shown): (Vec<Field>, Vec<Field>) = table.definition.schema.iter().cloned().partition(is_sensitive);
    let names: Vec<String> = shown.iter().map(|field| field.name.clone()).collect();
    let found = warehouse.preview(&table.name, &names, rows).await?;
    // In the warehouse's order, which it tells.
    let columns = found.columns.iter().filter_map(|column| shown.iter().find(|field| field.name == column.name));
    Ok(Preview::Rows {
        columns: columns.cloned().collect(),
        rows: found.rows,
        hidden: hidden.into_iter().map(|field| field.name).collect(),
    })
}

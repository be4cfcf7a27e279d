//! The first rows of a table, without what is marked as sensitive.
//!
//! A description that holds [`SENSITIVE`] is the mark: of a table it hides all rows, of a column its values, also when it stands with a
//! field inside of the column. Values that are hidden are not read from the warehouse.

use tailer_model::operation::ddl::Field;
use tailer_warehouse::{TableDescription, Warehouse, WarehouseError};

/// In a description, in any case: what it describes is shown to nobody.
pub const SENSITIVE: &str = "#SENSITIVE";

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

fn marked(description: Option<&String>) -> bool {
    description.is_some_and(|text| text.to_ascii_uppercase().contains(SENSITIVE))
}

fn is_sensitive(field: &Field) -> bool {
    marked(field.description.as_ref()) || field.fields.iter().any(is_sensitive)
}

pub(super) async fn read(
    warehouse: &dyn Warehouse,
    table: &TableDescription,
    rows: usize,
) -> Result<Preview, WarehouseError> {
    if marked(table.definition.description.as_ref()) {
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

#[cfg(test)]
mod tests {
    use tailer_model::operation::ddl::{FieldType, Mode};

    use super::*;

    #[test]
    fn a_mark_inside_of_a_column_hides_all_of_it() {
        let field = |description: &str, fields: Vec<Field>| Field {
            name: "x".into(),
            field_type: if fields.is_empty() { FieldType::String } else { FieldType::Record },
            mode: Mode::Nullable,
            description: Some(description.to_owned()).filter(|text| !text.is_empty()),
            fields,
        };
        assert!(!is_sensitive(&field("", vec![])));
        assert!(!is_sensitive(&field("not sensitive", vec![field("plain", vec![])])));
        assert!(is_sensitive(&field("Address. #sensitive", vec![])));
        assert!(is_sensitive(&field("", vec![field("plain", vec![]), field("#SENSITIVE name", vec![])])));
    }
}

//! Values of a column, one by one.

use super::{
    parts::{Elements, Parts, quoted, strings},
    result::Check,
    signature::Argument,
};
use crate::WarehouseError;

pub(super) fn check(parts: &Parts<'_>) -> Result<Check, WarehouseError> {
    let column = parts.column()?;
    let (condition, target_value) = match parts.expectation.procedure.name {
        "values_to_contain" => return contain(parts, &column),
        "not_null" => (format!("{column} IS NULL"), strings(&[])),
        "null" => (format!("{column} IS NOT NULL"), strings(&[])),
        "type" => {
            let wanted = type_name(parts)?;
            let condition = format!("{column} IS NOT NULL AND SAFE_CAST({column} AS {wanted}) IS NULL");
            (condition, format!("['{wanted}']"))
        }
        "values_to_be_between" => {
            let bounds = parts.array(Argument::Array)?;
            if !bounds.is_pair() {
                return Err(parts.wrong("values_to_be_between wants an array of two: [lowest, highest]"));
            }
            let inside = format!("{column} BETWEEN {} AND {}", bounds.bound(0), bounds.bound(1));
            (format!("{column} IS NOT NULL AND NOT IFNULL({inside}, FALSE)"), bounds.as_strings())
        }
        name => {
            let set = parts.array(Argument::Array)?;
            let inside = match &set {
                Elements::Listed(elements) if elements.is_empty() => "FALSE".to_owned(),
                Elements::Listed(elements) => format!("IFNULL({column} IN ({}), FALSE)", elements.join(", ")),
                Elements::Given(array) => format!("IFNULL({column} IN UNNEST({array}), FALSE)"),
            };
            let condition = match name {
                "values_to_be_in_set" => format!("{column} IS NOT NULL AND NOT {inside}"),
                _ => inside,
            };
            (condition, set.as_strings())
        }
    };
    let table = quoted(&parts.table);
    let sql = format!(
        "SELECT COUNT(*) AS all_count, COUNTIF({condition}) AS reject_count, {} AS threshold, \
         {target_value} AS target_value FROM {table}",
        parts.threshold()
    );
    Ok(Check { rejected: Some(format!("SELECT * FROM {table} WHERE {condition}")), ..Check::new(parts, sql) })
}

fn contain(parts: &Parts<'_>, column: &str) -> Result<Check, WarehouseError> {
    let (value, minimum) = (parts.value(Argument::Value, "NULL"), parts.value(Argument::Minimum, "1"));
    let sql = format!(
        "SELECT COUNT(*) AS all_count, GREATEST({minimum} - COUNTIF({column} = {value}), 0) AS reject_count, \
         {} AS threshold, {} AS target_value FROM {}",
        parts.threshold(),
        strings(std::slice::from_ref(&value)),
        quoted(&parts.table)
    );
    Ok(Check::new(parts, sql))
}

/// A type's name, which becomes part of the query as it is.
fn type_name(parts: &Parts<'_>) -> Result<String, WarehouseError> {
    let name = parts.text(Argument::Type).trim().to_ascii_uppercase();
    let is_type = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '<' | '>' | '(' | ')' | ',' | ' ' | '_'));
    match is_type {
        true => Ok(name),
        false => Err(parts.wrong(format!("`{name}` is not a type"))),
    }
}

//! Numbers of rows.

use super::{
    parts::{Parts, quoted, strings},
    result::Check,
    signature::Argument,
};
use crate::WarehouseError;

pub(super) fn check(parts: &Parts<'_>) -> Result<Check, WarehouseError> {
    let table = quoted(&parts.table);
    let mut target = None;
    let (reject, target_value) = match parts.expectation.procedure.name {
        "table_count_greater" => {
            let value = parts.value(Argument::Value, "0");
            (format!("GREATEST({value} - COUNT(*), 0)"), strings(&[value]))
        }
        "table_count_equal" => {
            let value = parts.value(Argument::Value, "0");
            (format!("ABS(COUNT(*) - {value})"), strings(&[value]))
        }
        "table_count_between" => {
            let bounds = parts.array(Argument::Array)?;
            if !bounds.is_pair() {
                return Err(parts.wrong("table_count_between wants an array of two numbers: [least, most]"));
            }
            let (low, high) = (bounds.bound(0), bounds.bound(1));
            (format!("GREATEST({low} - COUNT(*), COUNT(*) - {high}, 0)"), bounds.as_strings())
        }
        _ => {
            let other = parts.target()?;
            let reject = format!("ABS(COUNT(*) - (SELECT COUNT(*) FROM {}))", quoted(&other));
            target = Some(other);
            (reject, strings(&[]))
        }
    };
    let sql = format!(
        "SELECT COUNT(*) AS all_count, {reject} AS reject_count, {} AS threshold, {target_value} AS target_value FROM {table}",
        parts.threshold()
    );
    Ok(Check { target, counts_rows: true, ..Check::new(parts, sql) })
}

//! Keys: primary, foreign, unique.

use super::{
    column,
    parts::{Known, Parts, quoted},
    result::Check,
    signature::Argument,
};
use crate::WarehouseError;

pub(super) fn primary(parts: &Parts<'_>, known: &[Known]) -> Result<Check, WarehouseError> {
    let key = match parts.text(Argument::Column) {
        "" => {
            let found = column::primary_key(known).map(str::to_owned);
            found.ok_or_else(|| {
                parts.wrong(format!(
                    "table {} has no column whose name starts with PK or whose description holds #PK",
                    parts.table
                ))
            })?
        }
        named => named.to_owned(),
    };
    let (column, table) = (column::expression(&key, "column")?, quoted(&parts.table));
    let filter = condition(parts);
    let sql = format!(
        "SELECT COUNT(*) AS all_count, COUNT(*) - COUNT(DISTINCT {column}) AS reject_count, {} AS threshold FROM {table}{filter}",
        parts.threshold()
    );
    let and = and_condition(parts);
    let rejected = format!(
        "SELECT * FROM {table} WHERE ({column} IS NULL OR {column} IN \
         (SELECT {column} FROM {table}{filter} GROUP BY 1 HAVING COUNT(*) > 1)){and}"
    );
    Ok(Check { column: Some(key), rejected: Some(rejected), ..Check::new(parts, sql) })
}

pub(super) fn unique(parts: &Parts<'_>) -> Result<Check, WarehouseError> {
    let (column, table) = (parts.column()?, quoted(&parts.table));
    let sql = format!(
        "SELECT COUNT(*) AS all_count, COUNT(*) - COUNT(DISTINCT {column}) - IF(COUNTIF({column} IS NULL) > 0, 1, 0) \
         AS reject_count, {} AS threshold FROM {table}",
        parts.threshold()
    );
    let rejected = format!(
        "SELECT * FROM {table} WHERE {column} IN (SELECT {column} FROM {table} GROUP BY 1 HAVING COUNT(*) > 1) \
         OR ({column} IS NULL AND (SELECT COUNTIF({column} IS NULL) FROM {table}) > 1)"
    );
    Ok(Check { rejected: Some(rejected), ..Check::new(parts, sql) })
}

pub(super) fn foreign(parts: &Parts<'_>) -> Result<Check, WarehouseError> {
    let (column, table, target) = (parts.column()?, quoted(&parts.table), parts.target()?);
    let found = column::expression(parts.text(Argument::TargetColumn), "target column")?;
    let (filter, and, to) = (condition(parts), and_condition(parts), quoted(&target));
    let sql = format!(
        "SELECT COUNT(*) AS all_count, COUNTIF(s.v IS NOT NULL AND t.v IS NULL) AS reject_count, {} AS threshold \
         FROM (SELECT {column} AS v FROM {table}{filter}) AS s \
         LEFT JOIN (SELECT DISTINCT {found} AS v FROM {to}) AS t ON s.v = t.v",
        parts.threshold()
    );
    let rejected = format!(
        "SELECT * FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN \
         (SELECT {found} FROM {to} WHERE {found} IS NOT NULL){and}"
    );
    Ok(Check { target: Some(target), rejected: Some(rejected), ..Check::new(parts, sql) })
}

fn condition(parts: &Parts<'_>) -> String {
    match parts.text(Argument::Condition).trim() {
        "" => String::new(),
        condition => format!(" WHERE ({}\n)", without_where(condition)),
    }
}

fn and_condition(parts: &Parts<'_>) -> String {
    match parts.text(Argument::Condition).trim() {
        "" => String::new(),
        condition => format!(" AND ({}\n)", without_where(condition)),
    }
}

/// `WHERE a > 1` is taken for `a > 1`.
fn without_where(condition: &str) -> &str {
    match condition.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("where") && condition[5..].starts_with(char::is_whitespace) => {
            condition[5..].trim_start()
        }
        _ => condition,
    }
}

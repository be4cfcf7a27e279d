//! Days: rows on every day, week or month, and more rows from day to day.

use super::{
    column,
    parts::{Elements, Known, Parts, quoted, strings},
    result::Check,
    signature::Argument,
};
use crate::WarehouseError;

/// Rows on the same day of each `unit`, from the start to today, except for the exceptions; other days have none.
pub(super) fn every(parts: &Parts<'_>, unit: &str) -> Result<Check, WarehouseError> {
    let (column, table) = (parts.column()?, quoted(&parts.table));
    let start = format!("CAST({} AS DATE)", parts.value(Argument::Date, "NULL"));
    let exceptions = match parts.array(Argument::Dates)? {
        Elements::Listed(days) => {
            let days: Vec<String> = days.iter().map(|day| format!("SELECT CAST({day} AS DATE) AS day")).collect();
            if days.is_empty() { "SELECT CAST(NULL AS DATE) AS day".to_owned() } else { days.join(" UNION ALL ") }
        }
        Elements::Given(array) => format!("SELECT CAST(e AS DATE) AS day FROM UNNEST({array}) AS e"),
    };
    let with = format!(
        "WITH counted AS (SELECT CAST({column} AS DATE) AS day, COUNT(*) AS n FROM {table} \
         WHERE CAST({column} AS DATE) >= {start} GROUP BY 1), \
         pattern AS (SELECT DATE_ADD({start}, INTERVAL k {unit}) AS day \
         FROM UNNEST(GENERATE_ARRAY(0, DATE_DIFF(CURRENT_DATE(), {start}, {unit}))) AS k), \
         excepted AS (SELECT DISTINCT day FROM ({exceptions}) AS e), \
         expected AS (SELECT pattern.day AS day FROM pattern LEFT JOIN excepted ON pattern.day = excepted.day \
         WHERE pattern.day <= CURRENT_DATE() AND excepted.day IS NULL), \
         few AS (SELECT expected.day AS day, IFNULL(counted.n, 0) AS n FROM expected \
         LEFT JOIN counted ON expected.day = counted.day WHERE IFNULL(counted.n, 0) < {}), \
         off AS (SELECT counted.day AS day, counted.n AS n FROM counted \
         LEFT JOIN pattern ON counted.day = pattern.day LEFT JOIN excepted ON counted.day = excepted.day \
         WHERE pattern.day IS NULL AND excepted.day IS NULL AND counted.day <= CURRENT_DATE()), \
         rejected AS (SELECT day, n FROM few UNION ALL SELECT day, n FROM off) ",
        parts.value(Argument::Minimum, "1"),
    );
    let sql = format!(
        "{with}SELECT (SELECT COUNT(*) FROM expected) AS date_count, (SELECT IFNULL(SUM(n), 0) FROM counted) AS all_count, \
         (SELECT COUNT(*) FROM rejected) AS reject_count, 0 AS threshold, {} AS target_value",
        strings(&[start])
    );
    let rejected = format!("{with}SELECT day, n AS `rows` FROM rejected ORDER BY day");
    Ok(Check { rejected: Some(rejected), ..Check::new(parts, sql) })
}

/// No day, from the start (or the first one) to the last one with rows, has fewer rows than the day before.
pub(super) fn increasing(parts: &Parts<'_>, known: &[Known]) -> Result<Check, WarehouseError> {
    let given = parts.text(Argument::ColumnOrDate).trim();
    let is_column = known.iter().any(|column| column.name.eq_ignore_ascii_case(given));
    let is_day = given.parse::<jiff::civil::Date>().is_ok();
    let (name, start) = match (is_column, parts.has(Argument::Date)) {
        (_, true) => (given.to_owned(), Some(parts.value(Argument::Date, "NULL"))),
        (false, false) if is_day => {
            let only = column::only_date(known).ok_or_else(|| {
                let message = format!(
                    "table {} has not exactly one DATE column: name it, everyday_increasing_since(dataset, tablename, column, start_date)",
                    parts.table
                );
                parts.wrong(message)
            })?;
            (only.to_owned(), Some(format!("'{given}'")))
        }
        (_, false) => (given.to_owned(), None),
    };
    let (column, table) = (column::expression(&name, "column")?, quoted(&parts.table));
    let since = start.as_ref().map(|start| format!(" AND CAST({column} AS DATE) >= CAST({start} AS DATE)"));
    let with = format!(
        "WITH counted AS (SELECT CAST({column} AS DATE) AS day, COUNT(*) AS n FROM {table} \
         WHERE {column} IS NOT NULL{} GROUP BY 1), \
         bounds AS (SELECT MIN(day) AS first, MAX(day) AS last FROM counted), \
         filled AS (SELECT DATE_ADD(bounds.first, INTERVAL k DAY) AS day, k FROM bounds \
         CROSS JOIN UNNEST(GENERATE_ARRAY(0, DATE_DIFF(bounds.last, bounds.first, DAY))) AS k), \
         days AS (SELECT filled.day AS day, IFNULL(counted.n, 0) AS n FROM filled \
         LEFT JOIN counted ON filled.day = counted.day), \
         compared AS (SELECT day, n, LAG(n) OVER (ORDER BY day) AS before FROM days) ",
        since.unwrap_or_default()
    );
    let target = start.map(|start| strings(&[format!("CAST({start} AS DATE)")])).unwrap_or_else(|| strings(&[]));
    let sql = format!(
        "{with}SELECT COUNT(*) AS date_count, IFNULL(SUM(n), 0) AS all_count, COUNTIF(n < before) AS reject_count, \
         0 AS threshold, {target} AS target_value FROM compared"
    );
    let rejected = format!(
        "{with}SELECT day, n AS `rows`, before AS rows_the_day_before FROM compared WHERE n < before ORDER BY day"
    );
    Ok(Check { column: Some(name), rejected: Some(rejected), ..Check::new(parts, sql) })
}

//! The tasks of a run as its page shows them: figures with units, statements line by line.

use serde_json::Value;
use tailer_engine::TaskView;

use crate::studio::{charts, numbers};

/// Shown elsewhere, or too long for a list.
const NOT_LISTED: [&str; 4] = ["executed_sql", "statements", "rejected", "console_link"];

/// A line of a statement.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
    /// Whether the error points at it.
    pub(super) marked: bool,
}

pub(super) struct Task {
    pub(super) of: TaskView,
    /// The most telling figures, in a few words.
    pub(super) brief: String,
    /// Statistics as name and value.
    pub(super) statistics: Vec<(String, String)>,
    /// The job in BigQuery's console.
    pub(super) console: Option<String>,
    pub(super) took: String,
    pub(super) lines: Vec<Line>,
    /// Whether it may be stopped by itself.
    pub(super) stoppable: bool,
}

impl Task {
    pub(super) fn new(of: TaskView, running: bool) -> Self {
        let wrong = of.error.as_deref().and_then(line_of);
        let sql = of.sql.as_deref().unwrap_or_default();
        let line =
            |(text, number): (&str, usize)| Line { number, text: text.to_owned(), marked: wrong == Some(number) };
        let at = |text: Option<&String>| text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let took = at(of.start_date.as_ref()).zip(at(of.end_date.as_ref()));
        Self {
            brief: brief(&of.statistics),
            statistics: statistics(&of.statistics),
            console: console(&of.statistics),
            took: took.map(|(start, end)| charts::length(end.duration_since(start))).unwrap_or_default(),
            lines: sql.lines().zip(1..).map(line).collect(),
            stoppable: running && matches!(of.status.as_str(), "PENDING" | "RUNNING"),
            of,
        }
    }
}

/// The one place elsewhere that the Studio leads to by itself: nothing else that a statistic holds becomes a link.
fn console(statistics: &Value) -> Option<String> {
    let link = statistics["console_link"].as_str()?;
    link.starts_with("https://console.cloud.google.com/").then(|| link.to_owned())
}

/// Rows and bytes, where there are any.
fn brief(statistics: &Value) -> String {
    let rows = statistics["rows"].as_u64().map(|rows| numbers::several(rows, "row"));
    let bytes = statistics["bytes"].as_u64().map(numbers::size);
    rows.into_iter().chain(bytes).collect::<Vec<_>>().join(", ")
}

fn statistics(statistics: &Value) -> Vec<(String, String)> {
    let all = statistics.as_object().into_iter().flatten();
    let listed = all.filter(|(name, _)| !NOT_LISTED.contains(&name.as_str()));
    listed.filter_map(|(name, value)| Some((name.replace('_', " "), figure(name, value)?))).collect()
}

/// A figure with its unit, which its name tells; lists with a comma between.
fn figure(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(match (name, number.as_u64()) {
            (name, Some(bytes)) if name.starts_with("bytes") => numbers::size(bytes),
            (name, Some(time)) if name.ends_with("milliseconds") => {
                charts::length(jiff::SignedDuration::from_millis(i64::try_from(time).unwrap_or(i64::MAX)))
            }
            ("cost", _) => price(number.as_f64()?),
            (_, Some(count)) => numbers::thousands(count),
            _ => number.to_string(),
        }),
        Value::String(text) => Some(text.clone()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Array(list) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// In the currency that the project's price is in: small ones keep their digits.
fn price(cost: f64) -> String {
    if cost < 0.01 { format!("{cost:.6}") } else { format!("{cost:.2}") }
}

/// What the tasks counted together.
pub(super) fn totals(tasks: &[TaskView]) -> Vec<(&'static str, String)> {
    let sum = |name: &str| tasks.iter().filter_map(|task| task.statistics[name].as_u64()).reduce(u64::saturating_add);
    let cost = tasks.iter().filter_map(|task| task.statistics["cost"].as_f64()).reduce(|a, b| a + b);
    let slots = sum("slot_milliseconds").and_then(|time| i64::try_from(time).ok());
    let slots = slots.map(|time| charts::length(jiff::SignedDuration::from_millis(time)));
    [
        ("Rows", sum("rows").map(numbers::thousands)),
        ("Bytes", sum("bytes").map(numbers::size)),
        ("Rejected rows", sum("rejected_rows").map(numbers::thousands)),
        ("Bytes billed", sum("bytes_billed").map(numbers::size)),
        ("Slot time", slots),
        ("Cost", cost.map(price)),
    ]
    .into_iter()
    .filter_map(|(name, figure)| Some((name, figure?)))
    .collect()
}

/// The line that an error points at: `[3:14]` or `line 3`.
fn line_of(error: &str) -> Option<usize> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let bracket = error.split('[').skip(1).find_map(|rest| {
        let (place, _) = rest.split_once(']')?;
        let (line, column) = place.split_once(':')?;
        column.parse::<usize>().ok()?;
        line.parse().ok()
    });
    bracket.or_else(|| error.split("line ").skip(1).find_map(digits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_point_at_lines() {
        for (error, expect) in [
            ("Table not found: x at [3:14]", Some(3)),
            ("[query.sql] syntax error at [12:1]", Some(12)),
            ("line 7, column 3: unexpected", Some(7)),
            ("no place", None),
        ] {
            assert_eq!(line_of(error), expect, "{error}");
        }
    }

    #[test]
    fn only_the_console_is_linked() {
        let link = "https://console.cloud.google.com/bigquery?project=p&j=bq:EU:job_1&page=queryresults";
        assert_eq!(console(&json!({ "console_link": link })).as_deref(), Some(link));
        assert!(statistics(&json!({ "console_link": link })).is_empty(), "not as text too");
        for other in ["https://console.cloud.google.com.example.com/", "javascript:alert(1)", ""] {
            assert_eq!(console(&json!({ "console_link": other })), None, "{other}");
        }
        assert_eq!(console(&Value::Null), None);
    }

    #[test]
    fn figures_have_units() {
        let counted = json!({
            "rows": 1234, "bytes_billed": 10_485_760, "slot_milliseconds": 65_000, "cost": 0.000_06, "cache_hit": false,
            "referenced_tables": ["a.b.c", "a.b.d"], "executed_sql": "SELECT 1", "statements": [{}],
        });
        let listed = statistics(&counted).into_iter().map(|(name, value)| format!("{name} {value}"));
        assert_eq!(
            listed.collect::<Vec<_>>(),
            [
                "rows 1,234",
                "bytes billed 10 MB",
                "slot milliseconds 0:01:05",
                "cost 0.000060",
                "cache hit no",
                "referenced tables a.b.c, a.b.d"
            ]
        );
        assert_eq!(brief(&json!({"rows": 1, "bytes": 2_000})), "1 row, 2.0 kB");
        assert_eq!(brief(&Value::Null), "");
    }
}

//! `/quality/ID`: one expectation over time, as a plot with its threshold and as a table of results.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use tailer_engine::{ExpectationView, QualityView};

use super::quality::{self, Counts};
use crate::{
    access::Role,
    app::App,
    studio::{
        charts,
        error::PageError,
        filters, frame,
        frame::Frame,
        plots::{self, Plot, Point, Scale},
        visitor::Visitor,
    },
};

/// Results of a page, all of which the plot shows.
const PAGE: u32 = 100;

#[derive(Deserialize)]
pub(in crate::studio) struct Asked {
    /// Only results from before this instant.
    #[serde(default)]
    before: String,
}

/// A result in the table.
struct Outcome {
    of: ExpectationView,
    look: (&'static str, &'static str, &'static str),
    date: String,
    counts: Counts,
    target: String,
    /// Names and rows of what was rejected, some of it.
    rejected: Option<(Vec<String>, Vec<Vec<String>>)>,
}

#[derive(Template)]
#[template(path = "expectation.html")]
struct Expectation {
    frame: Frame,
    of: QualityView,
    operation: String,
    look: (&'static str, &'static str, &'static str),
    checked: String,
    plot: String,
    results: Vec<Outcome>,
    /// Whether any result says what it was to be.
    has_targets: bool,
    newest: Option<String>,
    older: Option<String>,
}

/// `GET /quality/{id}`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let before = filters::read("before", &asked.before)?;
    let found = app.engine.expectation_history(&id, before, PAGE).await?;
    let of = found.of;
    // Of another account it is as if it did not exist.
    visitor
        .require(Role::Viewer, &of.account, "seeing this page")
        .map_err(|_| PageError::not_found("such expectation"))?;
    let title = format!("{} of {}.{}", of.procedure, of.dataset, of.table);
    let frame = Frame::new(&visitor, title, "/quality", &of.account)?;
    let path = quality::path(&of);
    let older = found.results.last().filter(|_| found.more);
    let older = older.map(|oldest| filters::address(&path, &[("before", &oldest.date)]));
    let plot = drawn(&of, &found.results);
    let results: Vec<Outcome> = found.results.into_iter().map(outcome).collect();
    let page = Expectation {
        frame,
        operation: quality::operation(&of),
        look: quality::look(of.passed),
        checked: charts::moment(&of.checked_date),
        plot,
        older,
        newest: before.map(|_| path),
        has_targets: results.iter().any(|one| !one.target.is_empty()),
        results,
        of,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn outcome(of: ExpectationView) -> Outcome {
    let target = of.expectation_result.get("target_value").and_then(Value::as_array);
    Outcome {
        look: quality::look(of.passed),
        date: charts::moment(&of.date),
        counts: Counts::of(&of.expectation_result),
        target: target.map(|values| values.iter().map(shown).collect::<Vec<_>>().join(", ")).unwrap_or_default(),
        rejected: rows(&of.rejected),
        of,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn rows(rejected: &Value) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let columns = rejected.get("columns")?.as_array()?;
    let names = columns.iter().map(|column| column.get("name").map_or_else(|| shown(column), shown)).collect();
    let rows = rejected.get("rows")?.as_array()?.iter();
    let rows = rows.filter_map(|row| row.as_array().map(|row| row.iter().map(shown).collect())).collect();
    Some((names, rows))
}

/// Results as a plot: what was rejected against what is allowed, or for counts of rows the rows against their bounds.
fn drawn(of: &QualityView, results: &[ExpectationView]) -> String {
    let counts_rows =
        matches!(of.procedure.as_str(), "table_count_greater" | "table_count_between" | "table_count_equal");
    let has_bounds = results.iter().any(|result| !bounds(result).is_empty());
    let scale = match of.procedure.as_str() {
        _ if counts_rows && has_bounds => Scale::Rows,
        name if name.starts_with("every") => Scale::Days,
        name if name.starts_with("table_count") => Scale::Rejected,
        _ => Scale::Share,
    };
    let point = |result: &ExpectationView| {
        let counts = Counts::of(&result.expectation_result);
        let allowed = counts.threshold.into_iter();
        let (value, limits) = match scale {
            Scale::Rows => (counts.all, bounds(result)),
            Scale::Share => (counts.share(), allowed.collect()),
            Scale::Days | Scale::Rejected => {
                (counts.rejected, allowed.zip(counts.all).map(|(share, all)| share * all).collect())
            }
        };
        let value = value.filter(|_| counts.rejected.is_some());
        Some(Point {
            at: result.date.parse().ok()?,
            value,
            passed: result.passed,
            limits,
            told: result.message.clone(),
        })
    };
    let points: Vec<Point> = results.iter().rev().filter_map(point).collect();
    plots::over_time(&Plot { scale, points: &points })
}

/// The counts that a result names as its targets.
fn bounds(result: &ExpectationView) -> Vec<f64> {
    let values = result.expectation_result.get("target_value").and_then(Value::as_array);
    let number =
        |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n: &f64| n.is_finite());
    values.map(|values| values.iter().filter_map(number).collect()).unwrap_or_default()
}

//! `/quality`: every expectation of an account, the failing ones first, with its newest results.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{QualityQuery, QualityView};
use tailer_model::Environment;

use super::operations;
use crate::{
    app::App,
    studio::{
        charts,
        error::PageError,
        filters, frame,
        frame::Frame,
        pager::{Beside, PAGE, Pager},
        plots::counted,
        plots::percent,
        visitor::Visitor,
    },
};

/// Results in a strip.
const STRIP: u32 = 14;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    environment: String,
    q: String,
    /// `failed` or `passed`.
    result: String,
    /// `former`, or those that are checked.
    show: String,
    page: String,
}

/// Colour class and sign of a result.
pub(super) fn look(passed: bool) -> (&'static str, &'static str, &'static str) {
    if passed { ("good", "✓", "passed") } else { ("bad", "✗", "failed") }
}

/// What a result counted.
pub(super) struct Counts {
    pub(super) all: Option<f64>,
    pub(super) rejected: Option<f64>,
    pub(super) threshold: Option<f64>,
}

impl Counts {
    pub(super) fn of(result: &serde_json::Value) -> Self {
        let number = |name: &str| result.get(name).and_then(serde_json::Value::as_f64);
        Self { all: number("all_count"), rejected: number("reject_count"), threshold: number("reject_threshold") }
    }

    /// Rejected per looked at, 1 where nothing was looked at and something is missing.
    pub(super) fn share(&self) -> Option<f64> {
        let (all, rejected) = (self.all?, self.rejected?);
        Some(if all > 0.0 { rejected / all } else { f64::from(u8::from(rejected > 0.0)) })
    }

    /// `12 of 3,400 (0.35 %)`
    pub(super) fn told(&self) -> String {
        match (self.all, self.rejected, self.share()) {
            (Some(all), Some(rejected), Some(share)) if all > 0.0 => {
                format!("{} of {} ({})", counted(rejected), counted(all), percent(share))
            }
            (Some(_), Some(rejected), _) => format!("{} of no rows", counted(rejected)),
            _ => "not checked".to_owned(),
        }
    }

    pub(super) fn allowed(&self) -> String {
        self.threshold.map_or(String::new(), percent)
    }
}

struct Expectation {
    of: QualityView,
    /// Where it is shown, and its data operation.
    path: String,
    operation: String,
    look: (&'static str, &'static str, &'static str),
    counts: Counts,
    /// Oldest first: class, sign, words, run, when.
    strip: Vec<(&'static str, &'static str, &'static str, String, String)>,
}

impl Expectation {
    fn new(of: QualityView) -> Self {
        let strip = of.marks.iter().rev().map(|mark| {
            let (class, sign, words) = look(mark.passed);
            (class, sign, words, mark.run_id.to_string(), charts::moment(&mark.date))
        });
        let nothing = serde_json::Value::Null;
        Self {
            path: path(&of),
            operation: operation(&of),
            look: look(of.passed),
            counts: Counts::of(of.newest.as_ref().map_or(&nothing, |newest| &newest.expectation_result)),
            strip: strip.collect(),
            of,
        }
    }
}

/// Where an expectation is shown.
pub(super) fn path(of: &QualityView) -> String {
    format!("/quality/{}", of.id)
}

/// Where the data operation is shown that checks it.
pub(super) fn operation(of: &QualityView) -> String {
    operations::path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id)
}

#[derive(Template)]
#[template(path = "quality.html")]
struct Quality {
    frame: Frame,
    asked: Asked,
    filtered: bool,
    expectations: Vec<Expectation>,
    total: usize,
    passing: usize,
    failing: usize,
    beside: Beside,
    environments: [Environment; 4],
}

/// `GET /quality`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Data quality", "/quality", &account)?;
    let pager = Pager::read(&asked.page, PAGE)?;
    let query = QualityQuery {
        account: account.clone(),
        environment: filters::read("environment", &asked.environment)?,
        passed: match asked.result.as_str() {
            "" => None,
            "passed" => Some(true),
            "failed" => Some(false),
            other => return Err(PageError::unreadable("result", other, "expected passed or failed")),
        },
        former: asked.show == "former",
        search: asked.q.trim().to_owned(),
        skip: pager.skip(),
        limit: PAGE,
        results: STRIP,
    };
    let found = app.engine.quality(query).await?;
    let address = |number: &str| {
        let Asked { environment, q, result, show, .. } = &asked;
        let parameters = [
            ("account", account.as_str()),
            ("environment", environment),
            ("q", q),
            ("result", result),
            ("show", show),
            ("page", number),
        ];
        filters::address("/quality", &parameters)
    };
    let beside = pager.beside(found.total, address);
    let page = Quality {
        frame,
        filtered: [&asked.q, &asked.environment, &asked.result, &asked.show].iter().any(|filter| !filter.is_empty()),
        expectations: found.expectations.into_iter().map(Expectation::new).collect(),
        total: found.total,
        passing: found.passing,
        failing: found.failing,
        beside,
        asked,
        environments: Environment::ALL,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

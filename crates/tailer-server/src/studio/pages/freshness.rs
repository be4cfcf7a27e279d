//! `/freshness`: which operations in PROD ran today, are awaited or late, and when they are expected next. The overview shows what of
//! it is late.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{FreshnessPage, FreshnessQuery, FreshnessView};
use tailer_model::{
    AccountId,
    freshness::{Frequency, Timing, Today},
};

use super::operations;
use crate::{
    app::App,
    studio::{
        charts::{self, RunMark},
        error::PageError,
        filters, frame,
        frame::Frame,
        pager::{Beside, PAGE, Pager},
        visitor::Visitor,
    },
};

/// Most that the overview names.
const ON_OVERVIEW: usize = 8;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    q: String,
    timing: String,
    status: String,
    frequency: String,
    page: String,
}

/// Colour class, sign and words.
type Look = (&'static str, &'static str, &'static str);

fn timing_look(timing: Option<Timing>) -> Look {
    match timing {
        Some(Timing::OnTime) => ("good", "✓", "On time"),
        Some(Timing::Late) => ("warn", "!", "Late"),
        Some(Timing::VeryLate) => ("bad", "✗", "Very late"),
        None => ("soft", "–", "none"),
    }
}

fn today_look(status: Today) -> Look {
    match status {
        Today::Executed => ("good", "✓", "Executed"),
        Today::Awaited => ("busy", "…", "Awaited"),
        Today::NotToday => ("soft", "–", "Not today"),
        Today::Learning => ("soft", "?", "Learning"),
    }
}

/// A data operation in a table.
struct Operation {
    of: FreshnessView,
    path: String,
    timing: Look,
    today: Look,
    frequency: &'static str,
    expected: String,
    confidence: String,
    last_date: String,
    last: Option<(String, RunMark)>,
}

impl Operation {
    fn new(of: FreshnessView) -> Self {
        // Seconds say nothing here.
        let minute = |date: &Option<String>| {
            date.as_deref().map(charts::moment).map_or(String::new(), |text| text.get(..16).unwrap_or(&text).to_owned())
        };
        Self {
            path: operations::path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id),
            timing: timing_look(of.timing),
            today: today_look(of.status),
            frequency: of.frequency.map_or("", Frequency::as_str),
            expected: minute(&of.expected_date),
            confidence: of.confidence_hours.map_or(String::new(), |hours| format!("± {hours} h")),
            last_date: minute(&of.last_date),
            last: of.last_run.as_ref().map(|run| (run.run_id.to_string(), charts::mark(run))),
            of,
        }
    }
}

/// What is late, for the overview.
#[derive(Template)]
#[template(path = "late.html")]
pub(super) struct Late {
    account: AccountId,
    operations: Vec<Operation>,
    total: usize,
}

impl Late {
    /// # Errors
    /// What the engine says.
    pub(super) async fn of(app: &App, account: &AccountId) -> Result<Self, PageError> {
        let found = app.engine.freshness(FreshnessQuery::of(account.clone(), ON_OVERVIEW)).await?;
        let late = found.operations.into_iter().filter(|one| one.timing.is_some_and(|timing| timing > Timing::OnTime));
        Ok(Self {
            account: account.clone(),
            operations: late.map(Operation::new).collect(),
            total: found.late.0 + found.late.1,
        })
    }
}

/// A number with the address of what it counts.
struct Card {
    count: usize,
    class: &'static str,
    sign: &'static str,
    name: &'static str,
    path: String,
}

#[derive(Template)]
#[template(path = "freshness.html")]
struct FreshnessOf {
    frame: Frame,
    asked: Asked,
    filtered: bool,
    cards: Vec<Card>,
    operations: Vec<Operation>,
    total: usize,
    beside: Beside,
    timings: &'static [Timing],
    statuses: &'static [Today],
    frequencies: &'static [Frequency],
}

fn cards(found: &FreshnessPage, account: &AccountId) -> Vec<Card> {
    let card = |count, (class, sign, name): Look, timing: &str, status: &str| {
        let parameters = [("account", account.as_str()), ("timing", timing), ("status", status)];
        Card { count, class, sign, name, path: filters::address("/freshness", &parameters) }
    };
    let (late, very_late) = found.late;
    let (awaited, executed) = found.today;
    let (on_time, none) = (Timing::OnTime.as_str(), "");
    vec![
        card(very_late, timing_look(Some(Timing::VeryLate)), Timing::VeryLate.as_str(), none),
        card(late, timing_look(Some(Timing::Late)), Timing::Late.as_str(), none),
        card(awaited, ("busy", "…", "Awaited, on time"), on_time, Today::Awaited.as_str()),
        card(executed, ("good", "✓", "Executed today"), none, Today::Executed.as_str()),
    ]
}

/// `GET /freshness`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Freshness", "/freshness", &account)?;
    let pager = Pager::read(&asked.page, PAGE)?;
    let query = FreshnessQuery {
        status: filters::read("status", &asked.status)?,
        timing: filters::read("timing", &asked.timing)?,
        frequency: filters::read("frequency", &asked.frequency)?,
        search: asked.q.trim().to_owned(),
        skip: pager.skip(),
        ..FreshnessQuery::of(account.clone(), PAGE)
    };
    let found = app.engine.freshness(query).await?;
    let address = |number: &str| {
        let Asked { q, timing, status, frequency, .. } = &asked;
        let parameters = [
            ("account", account.as_str()),
            ("q", q),
            ("timing", timing),
            ("status", status),
            ("frequency", frequency),
            ("page", number),
        ];
        filters::address("/freshness", &parameters)
    };
    let beside = pager.beside(found.total, address);
    let page = FreshnessOf {
        frame,
        filtered: [&asked.q, &asked.timing, &asked.status, &asked.frequency].iter().any(|filter| !filter.is_empty()),
        cards: cards(&found, &account),
        operations: found.operations.into_iter().map(Operation::new).collect(),
        total: found.total,
        beside,
        asked,
        timings: Timing::ALL,
        statuses: Today::ALL,
        frequencies: Frequency::ALL,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

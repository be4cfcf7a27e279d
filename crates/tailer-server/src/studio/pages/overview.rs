//! `/`: today and the last 24 hours, what failed and nobody has checked, what runs, what waits and for what.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tailer_engine::{HourView, OverviewView};
use tailer_model::SubStatus;

use super::freshness::Late;
use crate::{
    app::App,
    studio::{charts, error::PageError, filters, frame, frame::Frame, numbers, visitor::Visitor},
};

#[derive(Deserialize)]
pub(in crate::studio) struct Asked {
    #[serde(default)]
    account: String,
}

/// How many runs of today have an outcome.
struct Card {
    class: &'static str,
    sign: &'static str,
    name: &'static str,
    count: String,
    link: String,
}

/// An hour as a row of the table that says the same as the drawings.
struct Hour {
    name: String,
    link: String,
    /// In the order of the legend.
    counts: Vec<String>,
    rows: String,
    bytes: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    of: OverviewView,
    today: Vec<Card>,
    timeline: String,
    rows: String,
    bytes: String,
    /// Of the last 24 hours.
    run_count: u64,
    row_count: u64,
    byte_count: u64,
    hours: Vec<Hour>,
    late: Late,
}

/// `GET /`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Overview", "/", &account)?;
    let of = app.engine.overview(&account).await?;
    let link = |hour: &HourView| {
        let hour = hour.hour.strftime("%Y-%m-%dT%H").to_string();
        filters::address("/runs", &[("account", account.as_str()), ("hour", &hour)])
    };
    let row = |hour: &HourView| Hour {
        name: hour.hour.strftime("%m-%d %H:%M").to_string(),
        link: link(hour),
        counts: charts::LEGEND.iter().map(|(class, ..)| shown(charts::of_class(hour, class))).collect(),
        rows: shown(hour.rows),
        bytes: if hour.bytes == 0 { String::new() } else { numbers::size(hour.bytes) },
    };
    let page = Overview {
        today: cards(&of.hours, account.as_str()),
        timeline: charts::timeline(&of.hours, &link),
        rows: charts::figures(&of.hours, "Rows moved by the runs of each hour", &|hour| hour.rows, &numbers::short),
        bytes: charts::figures(&of.hours, "Bytes moved by the runs of each hour", &|hour| hour.bytes, &numbers::size),
        run_count: of.hours.iter().flat_map(|hour| hour.outcomes.values()).sum(),
        row_count: of.hours.iter().map(|hour| hour.rows).fold(0, u64::saturating_add),
        byte_count: of.hours.iter().map(|hour| hour.bytes).fold(0, u64::saturating_add),
        hours: of.hours.iter().rev().map(row).collect(),
        late: Late::of(&app, &account).await?,
        frame,
        of,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn shown(count: u64) -> String {
    if count == 0 { String::new() } else { numbers::thousands(count) }
}

/// The outcomes of the runs that started today, in UTC, each with the runs behind it.
fn cards(hours: &[HourView], account: &str) -> Vec<Card> {
    let Some(now) = hours.last() else { return Vec::new() };
    let day = now.hour.strftime("%Y-%m-%d").to_string();
    let today = hours.iter().filter(|hour| hour.hour.strftime("%Y-%m-%d").to_string() == day);
    let mut counts: BTreeMap<SubStatus, u64> = BTreeMap::new();
    for (sub_status, count) in today.flat_map(|hour| &hour.outcomes) {
        *counts.entry(*sub_status).or_default() += count;
    }
    let card = |(sub_status, count): (SubStatus, u64)| {
        let (class, sign) = charts::look(sub_status.as_str());
        let parameters = [("account", account), ("sub_status", sub_status.as_str()), ("from", &day), ("to", &day)];
        let link = filters::address("/runs", &parameters);
        Card { class, sign, name: sub_status.as_str(), count: numbers::thousands(count), link }
    };
    counts.into_iter().filter(|(_, count)| *count > 0).map(card).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_begins_at_midnight() {
        let hour = |hour: &str, count| HourView {
            hour: hour.parse().unwrap(),
            outcomes: [(SubStatus::Success, count)].into(),
            rows: 0,
            bytes: 0,
        };
        let hours =
            [hour("2026-05-03T23:00:00Z", 5), hour("2026-05-04T00:00:00Z", 1_000), hour("2026-05-04T01:00:00Z", 1)];
        let cards = cards(&hours, "000110");
        let [card] = cards.as_slice() else { panic!("{}", cards.len()) };
        assert_eq!((card.name, card.count.as_str()), ("SUCCESS", "1,001"));
        assert_eq!(card.link, "/runs?account=000110&sub_status=SUCCESS&from=2026-05-04&to=2026-05-04");
    }
}

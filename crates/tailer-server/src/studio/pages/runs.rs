//! `/runs`: runs newest first, filtered, page by page in both directions. What is filtered stands in the address, and each filter can
//! be taken back by itself.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Deserialize;
use tailer_engine::{Position, RunPageView, RunQuery};
use tailer_model::{AccountId, ConfigurationType, Environment, RunStatus, SubStatus, TriggerType};

use crate::{
    app::App,
    studio::{charts, error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

const PAGE: u32 = 50;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    /// Part of the operation's id.
    id: String,
    kind: String,
    environment: String,
    status: String,
    sub_status: String,
    trigger: String,
    /// Days, both included.
    from: String,
    to: String,
    /// One hour, `2026-05-04T13`.
    hour: String,
    /// Leads to one run.
    run: String,
    after: String,
    before: String,
}

/// A filter that is set, and the address without it.
struct Chip {
    name: &'static str,
    value: String,
    without: String,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Runs {
    frame: Frame,
    asked: Asked,
    page: RunPageView,
    chips: Vec<Chip>,
    /// Address of this page, to come back to.
    here: String,
    /// Addresses of the pages beside it, and of the first.
    newer: Option<String>,
    older: Option<String>,
    first: String,
    /// How far was looked, where there may be more.
    reached: Option<String>,
    environments: [Environment; 4],
    kinds: [ConfigurationType; 7],
    statuses: &'static [RunStatus],
    sub_statuses: &'static [SubStatus],
    triggers: &'static [TriggerType],
}

impl Asked {
    /// The filters by name, without places.
    fn filters(&self) -> [(&'static str, &str); 9] {
        [
            ("id", &self.id),
            ("status", &self.status),
            ("sub_status", &self.sub_status),
            ("kind", &self.kind),
            ("environment", &self.environment),
            ("trigger", &self.trigger),
            ("from", &self.from),
            ("to", &self.to),
            ("hour", &self.hour),
        ]
    }

    /// The address with these filters but one, and with a place.
    fn address(&self, account: &AccountId, without: &str, place: Option<(&str, Position)>) -> String {
        let place = place.map(|(name, place)| (name, place.to_string()));
        let mut parameters = vec![("account", account.as_str())];
        parameters.extend(self.filters().into_iter().filter(|(name, _)| *name != without));
        parameters.extend(place.as_ref().map(|(name, place)| (*name, place.as_str())));
        filters::address("/runs", &parameters)
    }

    fn query(&self, account: &AccountId) -> Result<RunQuery, PageError> {
        let begin = |day: Date| day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |midnight| midnight.timestamp());
        let from = filters::read::<Date>("from", &self.from)?.map(begin);
        let to = filters::read::<Date>("to", &self.to)?.map(|day| begin(day.saturating_add(1.day())));
        let hour = hour(&self.hour)?;
        Ok(RunQuery {
            account: Some(account.clone()),
            environment: filters::read("environment", &self.environment)?,
            configuration_type: filters::read("kind", &self.kind)?,
            search: self.id.trim().to_owned(),
            status: filters::read("status", &self.status)?,
            sub_status: filters::read("sub_status", &self.sub_status)?,
            trigger: filters::read("trigger", &self.trigger)?,
            from: from.into_iter().chain(hour).max(),
            until: to.into_iter().chain(hour.and_then(|hour| hour.checked_add(1.hour()).ok())).min(),
            after: filters::read("after", &self.after)?,
            before: filters::read("before", &self.before)?,
            limit: PAGE,
            ..RunQuery::default()
        })
    }
}

/// The beginning of an hour.
fn hour(text: &str) -> Result<Option<Timestamp>, PageError> {
    match text.trim() {
        "" => Ok(None),
        text => format!("{text}:00:00Z").parse().map(Some).map_err(|_| {
            PageError::unreadable("hour", text, "expected a day and an hour in UTC such as 2026-05-04T13")
        }),
    }
}

/// `GET /runs`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    if !asked.run.trim().is_empty() {
        return Ok(Redirect::to(&format!("/runs/{}", filters::encoded(asked.run.trim()))).into_response());
    }
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Runs", "/runs", &account)?;
    let query = asked.query(&account)?;
    let place = query.after.map(|place| ("after", place)).or(query.before.map(|place| ("before", place)));
    let page = app.engine.run_page(query).await?;
    let set = asked.filters().into_iter().filter(|(_, value)| !value.trim().is_empty());
    let chips = set.map(|(name, value)| Chip {
        name: told(name),
        value: value.trim().to_owned(),
        without: asked.address(&account, name, None),
    });
    let page = Runs {
        frame,
        chips: chips.collect(),
        here: asked.address(&account, "", place),
        newer: page.newer.map(|newer| asked.address(&account, "", Some(("before", newer)))),
        older: page.older.map(|older| asked.address(&account, "", Some(("after", older)))),
        first: asked.address(&account, "", None),
        reached: page.reached.map(|reached| charts::moment(&reached.started.to_string())),
        asked,
        page,
        environments: Environment::ALL,
        kinds: ConfigurationType::ALL,
        statuses: RunStatus::ALL,
        sub_statuses: SubStatus::ALL,
        triggers: TriggerType::ALL,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

/// A filter's name for people.
fn told(name: &'static str) -> &'static str {
    match name {
        "id" => "operation",
        "sub_status" => "outcome",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_all_filters_but_one() {
        let asked = Asked { status: "FAILED".into(), id: "a b".into(), ..Asked::default() };
        let account = "000110".parse().unwrap();
        assert_eq!(asked.address(&account, "", None), "/runs?account=000110&id=a%20b&status=FAILED");
        assert_eq!(asked.address(&account, "id", None), "/runs?account=000110&status=FAILED");
        let place = Position { started: Timestamp::UNIX_EPOCH, sequence: 7 };
        assert!(asked.address(&account, "", Some(("after", place))).ends_with("&status=FAILED&after=0-7"));
    }

    #[test]
    fn days_are_whole_and_an_hour_narrows_them() {
        let account: AccountId = "000110".parse().unwrap();
        let asked = |from: &str, to: &str, hour: &str| {
            let asked = Asked { from: from.into(), to: to.into(), hour: hour.into(), ..Asked::default() };
            let query = asked.query(&account).unwrap();
            (query.from.map(|at| at.to_string()), query.until.map(|at| at.to_string()))
        };
        let instant = |text: &str| Some(text.to_owned());
        let day = (instant("2026-05-04T00:00:00Z"), instant("2026-05-05T00:00:00Z"));
        assert_eq!(asked("2026-05-04", "2026-05-04", ""), day);
        assert_eq!(asked("", "", ""), (None, None));
        let hour = (instant("2026-05-04T13:00:00Z"), instant("2026-05-04T14:00:00Z"));
        assert_eq!(asked("2026-05-04", "", "2026-05-04T13"), hour);
        assert!(super::hour("2026-05-04").is_err() && super::hour("2026-05-04T13:30").is_err());
    }
}

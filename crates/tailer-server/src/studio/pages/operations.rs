//! `/operations`: data operations by kind and environment, what starts each, and how its latest runs went.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use tailer_engine::{ConfigurationView, OperationOrder, OperationQuery, OperationState, OperationView, StartsView};
use tailer_model::{AccountId, ConfigurationType, Environment, Identity};

use crate::{
    app::App,
    studio::{
        charts::{self, RunMark},
        error::PageError,
        filters, frame,
        frame::Frame,
        pager::{Beside, PAGE, Pager},
        visitor::Visitor,
        words,
    },
};

/// Squares of a strip.
const RUNS: u32 = 12;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    environment: String,
    kind: String,
    q: String,
    state: String,
    sort: String,
    page: String,
}

impl Asked {
    /// The address of the same view with one filter changed; a change leads to the first page.
    fn with(&self, account: &AccountId, name: &str, value: &str) -> String {
        let own = [
            ("account", account.as_str()),
            ("environment", &self.environment),
            ("kind", &self.kind),
            ("q", &self.q),
            ("state", &self.state),
            ("sort", &self.sort),
            ("page", ""),
        ];
        let changed = own.map(|(own, kept)| (own, if own == name { value } else { kept }));
        filters::address("/operations", &changed)
    }
}

const STATES: [(&str, &str, OperationState); 5] = [
    ("", "all but archived", OperationState::Current),
    ("enabled", "enabled", OperationState::Enabled),
    ("disabled", "disabled", OperationState::Disabled),
    ("failing", "with unchecked failures", OperationState::Failing),
    ("archived", "archived", OperationState::Archived),
];

const ORDERS: [(&str, OperationOrder); 3] =
    [("", OperationOrder::Name), ("last-run", OperationOrder::LastRun), ("failures", OperationOrder::Failures)];

/// A filter as a link.
struct Choice {
    name: String,
    count: Option<usize>,
    address: String,
    chosen: bool,
}

/// The latest runs of an operation in short.
pub(in crate::studio) struct Strip {
    /// Oldest first.
    pub(in crate::studio) marks: Vec<RunMark>,
    /// Of those that ended: `11 of 14`, and in percent.
    pub(in crate::studio) rate: Option<(String, usize)>,
    /// Since when the latest one is what it is.
    pub(in crate::studio) last: Option<(RunMark, String)>,
}

struct Operation {
    of: ConfigurationView,
    short_description: Option<String>,
    path: String,
    starts: Starts,
    strip: Strip,
    failures: i64,
    notes: u64,
    /// All of its runs that have failed and are not checked.
    failed: String,
}

/// What starts an operation, as pages say it.
pub(in crate::studio) struct Starts {
    /// What, and the exact form of it.
    pub(in crate::studio) said: Vec<(String, String)>,
    /// Workflows, with their addresses.
    pub(in crate::studio) workflows: Vec<(String, String)>,
    /// The next tick: how far, and when (UTC).
    pub(in crate::studio) next: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "operations.html")]
struct Operations {
    frame: Frame,
    asked: Asked,
    operations: Vec<Operation>,
    total: usize,
    kinds: Vec<Choice>,
    environments: Vec<Choice>,
    orders: [Choice; 3],
    /// Where a switch leads back to.
    here: String,
    beside: Beside,
}

/// Where a data operation is shown.
pub(in crate::studio) fn path(of: &ConfigurationView) -> String {
    path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id)
}

pub(in crate::studio) fn path_of(account: &str, environment: Environment, kind: ConfigurationType, id: &str) -> String {
    format!("/operations/{account}/{environment}/{kind}/{}", filters::encoded(id))
}

pub(in crate::studio) fn path_to(of: &Identity) -> String {
    path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id)
}

impl Strip {
    /// Of runs, newest first.
    pub(in crate::studio) fn of(runs: &[tailer_engine::RunView], now: Timestamp) -> Self {
        let ended = runs.iter().filter(|run| !matches!(run.status.as_str(), "RUNNING" | "QUEUED"));
        let (mut all, mut good) = (0, 0);
        for run in ended {
            all += 1;
            good += usize::from(charts::look(&run.status).0 == "good");
        }
        Self {
            marks: runs.iter().rev().map(charts::mark).collect(),
            rate: (all > 0).then(|| (format!("{good} of {all}"), good * 100 / all.max(1))),
            last: runs.first().map(|run| (charts::mark(run), words::relative_text(&now, &run.last_update_date))),
        }
    }
}

impl Starts {
    pub(in crate::studio) fn of(kind: ConfigurationType, starts: &StartsView, now: Timestamp) -> Self {
        let mut said = Vec::new();
        if let Some(count) = starts.awaits {
            said.push((format!("awaits {count} job{}", if count == 1 { "" } else { "s" }), String::new()));
        }
        if let Some(schedule) = &starts.schedule {
            let what = if starts.awaits.is_some() { "reset " } else { "" };
            said.push((format!("{what}{}", schedule.words), schedule.cron.clone()));
        }
        if let Some(folder) = &starts.folder {
            said.push(("by files".to_owned(), folder.clone()));
        }
        if said.is_empty() && starts.workflows.is_empty() {
            let nothing = if kind == ConfigurationType::Context { "holds values" } else { "by launch only" };
            said.push((nothing.to_owned(), String::new()));
        }
        let next = starts.schedule.as_ref().and_then(|schedule| schedule.next);
        Self {
            said,
            workflows: starts.workflows.iter().map(|of| (of.configuration_id.clone(), path_to(of))).collect(),
            next: next.map(|next| (words::relative(&now, &next), words::minute(&next))),
        }
    }
}

/// One of a few words, by the word of the address.
fn among<T: Copy>(name: &str, word: &str, all: impl Iterator<Item = (&'static str, T)>) -> Result<T, PageError> {
    let all: Vec<_> = all.collect();
    let known: Vec<&str> = all.iter().map(|(known, _)| *known).filter(|known| !known.is_empty()).collect();
    let found = all.into_iter().find(|(known, _)| *known == word.trim());
    found
        .map(|(_, meant)| meant)
        .ok_or_else(|| PageError::unreadable(name, word, format!("expected one of {}", known.join(", "))))
}

/// Links to each value of a filter with its count, and to all of them.
fn choices<T: Copy + PartialEq + std::fmt::Display>(
    counted: Vec<(T, usize)>,
    chosen: Option<T>,
    address: impl Fn(&str) -> String,
) -> Vec<Choice> {
    let all = counted.iter().map(|(_, count)| count).sum();
    let mut choices =
        vec![Choice { name: "All".to_owned(), count: Some(all), address: address(""), chosen: chosen.is_none() }];
    let missing = chosen.filter(|chosen| !counted.iter().any(|(one, _)| one == chosen)).map(|chosen| (chosen, 0));
    choices.extend(counted.into_iter().chain(missing).map(|(one, count)| {
        let name = one.to_string();
        Choice { address: address(&name), name, count: Some(count), chosen: chosen == Some(one) }
    }));
    choices
}

/// `GET /operations`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Data operations", "/operations", &account)?;
    let pager = Pager::read(&asked.page, PAGE)?;
    let environment = filters::read("environment", &asked.environment)?;
    let kind = filters::read("kind", &asked.kind)?;
    let order = among("sort", &asked.sort, ORDERS.into_iter())?;
    let query = OperationQuery {
        environment,
        configuration_type: kind,
        state: among("state", &asked.state, STATES.into_iter().map(|(word, _, state)| (word, state)))?,
        search: asked.q.trim().to_owned(),
        order,
        skip: pager.skip(),
        limit: PAGE,
        runs: RUNS,
        ..OperationQuery::of(account.clone())
    };
    let found = app.engine.operations(query).await?;
    let to_page = |number: &str| asked.with(&account, "page", number);
    let sorted = |(word, one): (&str, OperationOrder)| Choice {
        name: word.to_owned(),
        count: None,
        address: asked.with(&account, "sort", word),
        chosen: one == order,
    };
    let now = app.clock.now();
    let page = Operations {
        total: found.total,
        kinds: choices(found.kinds, kind, |kind| asked.with(&account, "kind", kind)),
        environments: choices(found.environments, environment, |one| asked.with(&account, "environment", one)),
        orders: ORDERS.map(sorted),
        here: to_page(&pager.word()),
        beside: pager.beside(found.total, to_page),
        operations: found.operations.into_iter().map(|one| operation(one, now)).collect(),
        frame,
        asked,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn operation(view: OperationView, now: Timestamp) -> Operation {
    let OperationView { of, short_description, starts, failures, latest, notes } = view;
    let failed = [
        ("account", of.account.as_str()),
        ("environment", of.environment.as_str()),
        ("kind", of.configuration_type.as_str()),
        ("id", &of.configuration_id),
        ("status", "FAILED"),
    ];
    Operation {
        path: path(&of),
        starts: Starts::of(of.configuration_type, &starts, now),
        strip: Strip::of(&latest, now),
        failed: filters::address("/runs", &failed),
        short_description,
        failures,
        notes,
        of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_other_filters_and_lead_to_the_first_page() {
        let asked = Asked {
            kind: "workflow".into(),
            q: "a b".into(),
            sort: "failures".into(),
            page: "3".into(),
            ..Asked::default()
        };
        let account = "000099".parse().unwrap();
        assert_eq!(
            asked.with(&account, "environment", "DEV"),
            "/operations?account=000099&environment=DEV&kind=workflow&q=a%20b&sort=failures"
        );
        assert_eq!(asked.with(&account, "kind", ""), "/operations?account=000099&q=a%20b&sort=failures");
        assert_eq!(
            asked.with(&account, "page", "4"),
            "/operations?account=000099&kind=workflow&q=a%20b&sort=failures&page=4"
        );
    }

    #[test]
    fn a_chosen_kind_without_operations_is_still_shown() {
        let shown = choices(vec![(Environment::Prod, 3)], Some(Environment::Dev), str::to_owned);
        let shown: Vec<_> = shown.iter().map(|one| (one.name.as_str(), one.count, one.chosen)).collect();
        assert_eq!(shown, [("All", Some(3), false), ("PROD", Some(3), false), ("DEV", Some(0), true)]);
    }
}

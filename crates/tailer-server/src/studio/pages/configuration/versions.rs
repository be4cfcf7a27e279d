//! `…/versions`: every version of an operation, who deployed it when and what it changed; with `?diff=3..5` two of them line by line.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use tailer_engine::{ComparedText, Comparison, ConfigurationRef, ConfigurationView, VersionLine};

use super::{Segments, named};
use crate::{
    app::App,
    studio::{
        diff::{self, Diff, Stretch},
        error::PageError,
        filters, frame,
        frame::Frame,
        pages::operations,
        visitor::Visitor,
    },
};

const PAGE: u32 = 25;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    /// `3..5`
    diff: String,
    /// The same from a form.
    from: String,
    to: String,
    before: String,
}

/// A text of both versions.
struct Compared {
    name: String,
    what: &'static str,
    diff: Diff,
    /// It differs where nothing is shown.
    unseen: bool,
}

#[derive(Template)]
#[template(path = "versions.html")]
struct Versions {
    frame: Frame,
    of: ConfigurationView,
    path: String,
    versions: Vec<VersionLine>,
    older: Option<String>,
    comparison: Option<(VersionLine, VersionLine)>,
    texts: Vec<Compared>,
    /// Names of files that are the same in both.
    same: Vec<String>,
    now: Timestamp,
}

impl Versions {
    /// Which versions a form marks before anybody chose: the newest and the one before.
    fn chosen(&self) -> (u32, u32) {
        match &self.comparison {
            Some((from, to)) => (from.version, to.version),
            None => (self.of.version.saturating_sub(1).max(1), self.of.version),
        }
    }
}

/// `GET /operations/{account}/{environment}/{kind}/{id}/versions`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(segments): Path<Segments>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let wanted = named(segments)?;
    let title = format!("Versions of {}", wanted.configuration_id);
    let frame = Frame::new(&visitor, title, "/operations", &wanted.account)?;
    let of = app.engine.configuration_status(&wanted).await?;
    let before = filters::read("before", &asked.before)?;
    let versions = app.engine.versions(&wanted, before, PAGE).await?;
    let path = operations::path(&of);
    let last = versions.last().map(|line| line.version).filter(|version| *version > 1);
    let (mut comparison, mut texts, mut same) = (None, Vec::new(), Vec::new());
    if let Some((from, to)) = pair(&asked)? {
        let Comparison { from, to, texts: all } = compare(&app, &wanted, from, to).await?;
        for text in all {
            match compared(text) {
                Ok(differs) => texts.push(differs),
                Err(name) => same.push(name),
            }
        }
        comparison = Some((from, to));
    }
    let page = Versions {
        older: last.map(|last| filters::address(&format!("{path}/versions"), &[("before", &last.to_string())])),
        now: app.clock.now(),
        frame,
        of,
        path,
        versions,
        comparison,
        texts,
        same,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

async fn compare(app: &App, wanted: &ConfigurationRef, from: u32, to: u32) -> Result<Comparison, PageError> {
    Ok(app.engine.compare_versions(wanted, from, to).await?)
}

/// The versions to compare, the older first.
fn pair(asked: &Asked) -> Result<Option<(u32, u32)>, PageError> {
    let (from, to) = match asked.diff.trim() {
        "" => (asked.from.as_str(), asked.to.as_str()),
        both => both
            .split_once("..")
            .ok_or_else(|| PageError::unreadable("diff", both, "expected two versions, such as 3..5"))?,
    };
    let read = |text: &str| filters::read::<u32>("diff", text);
    match (read(from)?, read(to)?) {
        (Some(from), Some(to)) => Ok(Some((from.min(to), from.max(to)))),
        (None, None) => Ok(None),
        _ => Err(PageError::unreadable("diff", &asked.diff, "expected two versions, such as 3..5")),
    }
}

/// How many changes a line names.
const NAMED: usize = 5;

/// What a version changed, in one line.
pub(in crate::studio) fn in_short(line: &VersionLine) -> String {
    if line.version == 1 {
        return "first version".to_owned();
    }
    let named: Vec<String> = line.changes.iter().take(NAMED).map(ToString::to_string).collect();
    match line.changes.len() {
        0 => "nothing".to_owned(),
        all if all > NAMED => format!("{} and {} more", named.join(", "), all - NAMED),
        _ => named.join(", "),
    }
}

/// How a text differs; its name when it does not.
fn compared(text: ComparedText) -> Result<Compared, String> {
    let ComparedText { file, before, after, differs_unseen } = text;
    let what = match (&before, &after) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        _ => "changed",
    };
    let same = before == after;
    let name = file.unwrap_or_else(|| "Configuration".to_owned());
    if same && !differs_unseen {
        return Err(name);
    }
    let diff = diff::lines(before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
    let unseen = differs_unseen || diff.added + diff.removed == 0;
    Ok(Compared { name, what, diff, unseen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_in_any_order() {
        let asked = |diff: &str, from: &str, to: &str| Asked {
            diff: diff.into(),
            from: from.into(),
            to: to.into(),
            ..Asked::default()
        };
        assert_eq!(pair(&asked("3..5", "", "")).unwrap(), Some((3, 5)));
        assert_eq!(pair(&asked("", "5", "3")).unwrap(), Some((3, 5)));
        assert_eq!(pair(&asked("", "", "")).unwrap(), None);
        for bad in ["3", "3..", "a..b", "-1..2"] {
            assert!(pair(&asked(bad, "", "")).is_err(), "{bad}");
        }
    }
}

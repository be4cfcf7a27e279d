//! `/audit`: who changed what, newest first, filtered, page by page. Who may do what is for administrators to read.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use tailer_engine::{AuditQuery, AuditView, ConfigurationView};
use tailer_model::{AccountId, AuditAction, Moment};

use crate::{
    app::App,
    studio::{charts, error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

/// Path of the page.
pub(in crate::studio) const AUDIT: &str = "/audit";
const PAGE: u32 = 50;

/// The filters, as they stand in the address.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
    who: String,
    action: String,
    target: String,
    from: String,
    to: String,
    after: String,
}

/// An entry as the page shows it.
struct Entry {
    date: String,
    who: String,
    /// The same page with this one's changes only.
    by_who: String,
    via: &'static str,
    action: AuditAction,
    words: &'static str,
    target: String,
    /// Where the target is shown, or its changes.
    shown: String,
    /// The operation that it concerns, when it is not the target: its id, and where it is shown.
    operation: Option<(String, String)>,
    changes: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    what: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    frame: Frame,
    asked: Asked,
    entries: Vec<Entry>,
    /// Address of the next page.
    next: Option<String>,
    /// How far was looked, where there may be more.
    reached: Option<String>,
    actions: Vec<AuditAction>,
}

/// `GET /audit`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    let frame = Frame::new(&visitor, "Audit log", AUDIT, &account)?;
    let administers = frame.administers();
    let text = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
    let query = AuditQuery {
        account: account.clone(),
        with_access: administers,
        who: text(&asked.who),
        action: filters::read("action", &asked.action)?,
        target: text(&asked.target),
        from: filters::read::<Moment>("from", &asked.from)?.map(Moment::begin),
        to: filters::read::<Moment>("to", &asked.to)?.map(Moment::end),
        after: text(&asked.after),
        limit: PAGE,
    };
    let page = app.engine.audit_log(query).await?;
    let next = page.next.map(|after| address(&account, &Asked { after, ..asked.clone() }));
    let reached = page.reached.map(|reached| charts::moment(&reached.to_string()));
    let entries = page.entries.into_iter().map(|entry| shown(&account, entry)).collect();
    let actions = AuditAction::ALL.iter().copied().filter(|action| administers || !action.is_about_access()).collect();
    Ok(frame::render(StatusCode::OK, &Audit { frame, asked, entries, next, reached, actions }))
}

/// Address of the log of an operation and its runs.
pub(in crate::studio) fn of_operation(of: &ConfigurationView) -> String {
    of_target(&of.account, &format!("{}/{}/{}", of.environment, of.configuration_type, of.configuration_id))
}

/// Address of the log of one target: a run's id, or an operation as the log names it.
pub(in crate::studio) fn of_target(account: &AccountId, target: &str) -> String {
    address(account, &Asked { target: target.to_owned(), ..Asked::default() })
}

fn address(account: &AccountId, asked: &Asked) -> String {
    let Asked { who, action, target, from, to, after, .. } = asked;
    filters::address(
        AUDIT,
        &[
            ("account", account.as_str()),
            ("who", who),
            ("action", action),
            ("target", target),
            ("from", from),
            ("to", to),
            ("after", after),
        ],
    )
}

fn shown(account: &AccountId, entry: AuditView) -> Entry {
    let operation_page = |path: &str| {
        let segments: Vec<String> = path.splitn(3, '/').map(filters::encoded).collect();
        format!("/operations/{account}/{}", segments.join("/"))
    };
    let AuditView { date, who, via, action, target, operation, before, after, .. } = entry;
    let shown = match action.target_kind() {
        "configuration" => operation_page(&target),
        "run" => format!("/runs/{}", filters::encoded(&target)),
        _ => of_target(account, &target),
    };
    let operation = operation.filter(|path| *path != target).map(|path| {
        let id = path.splitn(3, '/').last().unwrap_or_default().to_owned();
        (id, operation_page(&path))
    });
    Entry {
        by_who: address(account, &Asked { who: who.clone(), ..Asked::default() }),
        // What its name says already is no news.
        changes: changes(&before, &after).into_iter().filter(|one| one.after.as_ref() != Some(&target)).collect(),
        words: words(action),
        via: via.as_str(),
        date,
        who,
        action,
        target,
        shown,
        operation,
    }
}

/// What changed, side by side: first what was there, in its order, then what was not.
fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let keys = |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let (old, new) = (keys(before), keys(after));
    let added = new.iter().filter(|key| !old.contains(key));
    old.iter()
        .chain(added)
        .map(|key| Change {
            what: key.clone(),
            before: before.get(key).map(one_line),
            after: after.get(key).map(one_line),
        })
        .filter(|change| {
            change.before != change.after || change.before.as_deref() == Some(tailer_model::secret::HIDDEN)
        })
        .collect()
}

/// Texts as they are, nothing as a dash, the rest as JSON.
fn one_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// What somebody did, before the name of what they did it to.
fn words(action: AuditAction) -> &'static str {
    match action {
        AuditAction::ConfigurationDeploy => "deployed",
        AuditAction::ConfigurationEnable => "enabled",
        AuditAction::ConfigurationDisable => "disabled",
        AuditAction::ConfigurationArchive => "archived",
        AuditAction::ConfigurationUnarchive => "took out of the archive",
        AuditAction::RunLaunch => "launched the run",
        AuditAction::RunRelaunch => "launched again, as the run",
        AuditAction::RunBackfill => "backfilled",
        AuditAction::RunCancel => "cancelled the run",
        AuditAction::RunSetStatus => "set the status of the run",
        AuditAction::TaskCancel => "cancelled a task of the run",
        AuditAction::FileRetake => "had a file handled by the run",
        AuditAction::WorkflowReset => "reset the workflow",
        AuditAction::TokenCreate => "made the token",
        AuditAction::TokenRevoke => "revoked the token",
        AuditAction::ServiceAccountAdd => "trusted the service account",
        AuditAction::ServiceAccountRemove => "removed the service account",
        AuditAction::UserAdd => "added the user",
        AuditAction::UserGrant => "gave a role to the user",
        AuditAction::UserRevoke => "took the role from the user",
        AuditAction::UserRemove => "removed the user",
        AuditAction::UserSetPassword => "set the password of the user",
        AuditAction::SessionBegin => "signed in as",
        AuditAction::SessionEnd => "signed out as",
        AuditAction::NoteAdd => "wrote the note",
        AuditAction::NoteEdit => "changed the note",
        AuditAction::NoteRemove => "removed the note",
        AuditAction::SessionRefuse => "was refused to sign in as",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_stand_side_by_side() {
        let change = |what: &str, before: Option<&str>, after: Option<&str>| Change {
            what: what.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        assert_eq!(
            changes(&json!({"a": 1, "gone": [1], "same": "x"}), &json!({"same": "x", "a": "2", "new": null})),
            [change("a", Some("1"), Some("2")), change("gone", Some("[1]"), None), change("new", None, Some("–"))]
        );
        assert_eq!(changes(&Value::Null, &Value::Null), []);
        let hidden = json!({"my_secret": "***"});
        assert_eq!(changes(&hidden, &hidden), [change("my_secret", Some("***"), Some("***"))], "it did change");
    }
}

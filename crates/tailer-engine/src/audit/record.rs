//! Records changes of operations and runs in the audit log: what there is to tell of each, in the transaction that makes it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tailer_model::{Actor, AuditAction, RunId, TaskId, redact, rfc3339_micros};
use tailer_store::{
    StoreError, Tx,
    audit::{self, Entry, EntryKey},
    configurations::{self, ConfigurationRow, NewVersion, VersionRow},
    runs::{CancelOutcome, RunRow},
    workflows::WorkflowState,
};

use super::difference::{Difference, short};
use crate::{BackfillRequest, BackfillView, LaunchRequest};

/// What was there before a deployment.
pub(crate) struct Former {
    row: ConfigurationRow,
    version: VersionRow,
}

/// What a deployment is about to replace.
pub(crate) fn former(tx: &mut Tx<'_>, new: &NewVersion) -> Result<Option<Former>, StoreError> {
    let Some(row) = configurations::find(tx, &new.identity)? else { return Ok(None) };
    let version = configurations::version(tx, row.key, row.version)?;
    Ok(version.map(|version| Former { row, version }))
}

/// A deployment: its number, and what differs from the version before. A first one is told by number and context alone.
pub(crate) fn deployed(
    tx: &mut Tx<'_>,
    by: &Actor,
    former: Option<&Former>,
    new: &NewVersion,
    version: u32,
) -> Result<(), StoreError> {
    let mut difference = Difference::default();
    difference.note("version", former.map(|old| old.row.version.into()), Some(version.into()));
    let context = former.and_then(|old| old.version.context.as_deref());
    if context != new.context.as_deref() {
        difference.note("context", context.map(Value::from), new.context.as_deref().map(Value::from));
    }
    if let Some(Former { row, version }) = former {
        for (flag, old, new) in [("activated", row.activated, new.activated), ("archived", row.archived, new.archived)]
        {
            if old != new {
                difference.note(flag, Some(old.into()), Some(new.into()));
            }
        }
        difference.documents(&version.document, &new.document);
        difference.files(&version.files, &new.files);
    }
    let (before, after) = difference.told();
    let entry = Entry::of_operation(by, new.at, AuditAction::ConfigurationDeploy, &new.identity);
    audit::record(tx, &entry.before(before).after(after))?;
    Ok(())
}

/// An operation's flags: an entry for each that changed.
pub(crate) fn flags(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    before: &ConfigurationRow,
    (activated, archived): (bool, bool),
) -> Result<(), StoreError> {
    let changes = [
        (
            "activated",
            before.activated,
            activated,
            if activated { AuditAction::ConfigurationEnable } else { AuditAction::ConfigurationDisable },
        ),
        (
            "archived",
            before.archived,
            archived,
            if archived { AuditAction::ConfigurationArchive } else { AuditAction::ConfigurationUnarchive },
        ),
    ];
    for (flag, old, new, action) in changes {
        if old != new {
            let entry = Entry::of_operation(by, at, action, &before.identity);
            audit::record(tx, &entry.before(json!({ flag: old })).after(json!({ flag: new })))?;
        }
    }
    Ok(())
}

/// A launch, or a run done again.
pub(crate) fn launched(
    tx: &mut Tx<'_>,
    request: &LaunchRequest,
    row: &ConfigurationRow,
    run: &RunId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (action, before) = match &request.repeats {
        Some(earlier) => (AuditAction::RunRelaunch, json!({ "run": earlier })),
        None => (AuditAction::RunLaunch, Value::Null),
    };
    let mut after = Map::from_iter([("run".to_owned(), json!(run)), ("version".to_owned(), row.version.into())]);
    if let Some(day) = request.execution_date {
        after.insert("execution_date".into(), json!(day));
    }
    if !request.parameters.is_empty() {
        let parameters = redact(&Value::Object(request.parameters.clone()));
        after.insert("parameters".into(), short(&parameters));
    }
    if let Some(tasks) = &request.tasks {
        after.insert("tasks".into(), short(&json!(tasks)));
    }
    let entry = Entry::of_run(&request.by, at, action, &row.identity, run);
    audit::record(tx, &entry.before(before).after(after.into()))?;
    Ok(())
}

/// A file that is handled again, or at once.
pub(crate) fn retaken(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    row: &ConfigurationRow,
    location: &str,
    (earlier, run): (Option<&RunId>, &RunId),
) -> Result<(), StoreError> {
    let before = earlier.map_or(Value::Null, |earlier| json!({ "run": earlier }));
    let entry = Entry::of_run(by, at, AuditAction::FileRetake, &row.identity, run);
    audit::record(tx, &entry.before(before).after(json!({"run": run, "file": location})))?;
    Ok(())
}

/// A backfill: one entry, however many transactions create its runs. `key` is that of an earlier one's.
pub(crate) fn backfilled(
    tx: &mut Tx<'_>,
    request: &BackfillRequest,
    row: &ConfigurationRow,
    key: Option<EntryKey>,
    (created, new): (&[BackfillView], &[BackfillView]),
    at: Timestamp,
) -> Result<Option<EntryKey>, StoreError> {
    let all = || created.iter().chain(new);
    if new.is_empty() {
        return Ok(key);
    }
    let after = json!({
        "from": request.from, "to": request.to, "runs": all().count(),
        "first_run": all().next().and_then(|view| view.run_id.as_ref()),
        "last_run": all().next_back().and_then(|view| view.run_id.as_ref()),
    });
    if let Some(key) = key {
        audit::amend(tx, key, &after)?;
        return Ok(Some(key));
    }
    let entry = Entry::of_operation(&request.by, at, AuditAction::RunBackfill, &row.identity);
    audit::record(tx, &entry.after(after)).map(Some)
}

/// Somebody wants a run stopped.
pub(crate) fn cancelled(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    run: &RunRow,
    outcome: CancelOutcome,
) -> Result<(), StoreError> {
    let after = match outcome {
        CancelOutcome::EndedQueued => json!({"sub_status": "CANCELLED"}),
        _ => json!({"cancel_requested": true}),
    };
    let entry = Entry::of_run(by, at, AuditAction::RunCancel, &run.identity, &run.run_id);
    audit::record(tx, &entry.before(json!({"sub_status": run.sub_status})).after(after))?;
    Ok(())
}

/// Somebody wants one task of a run stopped.
pub(crate) fn task_cancelled(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    run: &RunRow,
    task: &TaskId,
) -> Result<(), StoreError> {
    let entry = Entry::of_run(by, at, AuditAction::TaskCancel, &run.identity, &run.run_id);
    audit::record(tx, &entry.after(json!({"task": task, "cancel_requested": true})))?;
    Ok(())
}

/// A status set by hand.
pub(crate) fn status_set(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    before: &RunRow,
    after: &RunRow,
) -> Result<(), StoreError> {
    let told = |run: &RunRow| json!({"status": run.status, "sub_status": run.sub_status});
    let entry = Entry::of_run(by, at, AuditAction::RunSetStatus, &before.identity, &before.run_id);
    audit::record(tx, &entry.before(told(before)).after(told(after)))?;
    Ok(())
}

/// A workflow that forgot what had arrived.
pub(crate) fn reset(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    row: &ConfigurationRow,
    before: Option<&WorkflowState>,
) -> Result<(), StoreError> {
    let arrived =
        before.map_or(&[][..], |state| &state.arrivals).iter().map(|arrival| (&arrival.job_id, &arrival.run_id));
    let arrived: Map<String, Value> = arrived.map(|(job, run)| (job.to_string(), json!(run))).collect();
    let told = |arrived: Value, last: Option<Timestamp>| json!({"arrived": arrived, "last_reset_date": last.map(rfc3339_micros)});
    let before = told(short(&arrived.into()), before.and_then(|state| state.last_reset));
    let entry = Entry::of_operation(by, at, AuditAction::WorkflowReset, &row.identity);
    audit::record(tx, &entry.before(before).after(told(json!({}), Some(at))))?;
    Ok(())
}

//! Each change of operations and runs leaves one entry in the audit log, with what it was and what it is; a change that is refused, or so
//! already, leaves none.

use std::collections::BTreeSet;

use jiff::{SignedDuration, civil::date};
use serde_json::{Value, json};
use tailer_engine::{
    AuditQuery, AuditView, BackfillRequest, ConfigurationRef, History, Idempotency, LaunchRequest, NoteSubject,
};
use tailer_model::{AuditAction, ExecutionDate, RunStatus};

use crate::{
    copying::{copies, operation},
    files::{DDL, load},
    support::{House, ONE, actor, launch, no_op, reference, sql_tasks, table_to_table, workflow},
};

fn everything() -> AuditQuery {
    AuditQuery {
        account: "000099".parse().unwrap(),
        with_access: true,
        who: None,
        action: None,
        target: None,
        from: None,
        to: None,
        after: None,
        limit: 1000,
    }
}

/// What the log holds, read entry by entry.
struct Ledger<'a> {
    house: &'a House,
    read: usize,
    actions: BTreeSet<AuditAction>,
}

impl<'a> Ledger<'a> {
    fn of(house: &'a House) -> Self {
        Self { house, read: 0, actions: BTreeSet::new() }
    }

    /// What was recorded since the last look, oldest first.
    async fn new_entries(&mut self) -> Vec<AuditView> {
        let mut entries = self.house.engine.audit_log(everything()).await.unwrap().entries;
        entries.reverse();
        let new = entries.split_off(self.read);
        self.read += new.len();
        self.actions.extend(new.iter().map(|entry| entry.action));
        assert!(new.iter().all(|entry| entry.via.as_str() == "api" && entry.who == "test"), "{new:?}");
        new
    }

    /// Exactly one entry was recorded.
    #[track_caller]
    fn one(&mut self, action: AuditAction, target: &str) -> impl Future<Output = AuditView> {
        let told = format!("{action} of {target}, line {}", std::panic::Location::caller().line());
        async move {
            let mut new = self.new_entries().await;
            assert_eq!(new.len(), 1, "{told}: {new:?}");
            let entry = new.remove(0);
            assert_eq!((entry.action, entry.target.as_str()), (action, target), "{told}");
            entry
        }
    }

    async fn none(&mut self, after: &str) {
        assert!(self.new_entries().await.is_empty(), "{after}");
    }
}

fn sides(entry: &AuditView) -> (Value, Value) {
    (entry.before.clone(), entry.after.clone())
}

async fn set(house: &House, of: &ConfigurationRef, activated: Option<bool>, archived: Option<bool>) {
    house.engine.set_configuration_status(of, activated, archived, &actor("test")).await.unwrap();
}

async fn operations(house: &House, ledger: &mut Ledger<'_>) {
    const X: &str = "DEV/gbq-to-gbq/x_DEV";
    let mut document = no_op("x");
    document["sftp_password"] = json!("hunter2");
    house.deploy(document.clone(), &[ONE]).await;
    let first = ledger.one(AuditAction::ConfigurationDeploy, X).await;
    assert_eq!(sides(&first), (json!(null), json!({"version": 1})));
    document["max_active_runs"] = json!(3);
    document["sftp_password"] = json!("hunter3");
    house.deploy(document, &[("one.sql", "SELECT 2 AS one")]).await;
    let second = ledger.one(AuditAction::ConfigurationDeploy, X).await;
    assert_eq!((&second.before["version"], &second.after["version"]), (&json!(1), &json!(2)));
    assert_eq!((&second.before["max_active_runs"], &second.after["max_active_runs"]), (&json!(null), &json!(3)));
    assert_eq!((&second.before["sftp_password"], &second.after["sftp_password"]), (&json!("***"), &json!("***")));
    assert_ne!(second.before["file one.sql"], second.after["file one.sql"]);
    assert!(!format!("{second:?}").contains("hunter"), "{second:?}");

    let x = table_to_table("x");
    for (activated, archived, action, flag, before) in [
        (Some(false), None, AuditAction::ConfigurationDisable, "activated", true),
        (Some(true), None, AuditAction::ConfigurationEnable, "activated", false),
        (None, Some(true), AuditAction::ConfigurationArchive, "archived", false),
        (None, Some(false), AuditAction::ConfigurationUnarchive, "archived", true),
    ] {
        set(house, &x, activated, archived).await;
        let entry = ledger.one(action, X).await;
        assert_eq!(sides(&entry), (json!({ flag: before }), json!({ flag: !before })));
        set(house, &x, activated, archived).await;
        ledger.none("it is so already").await;
    }
    set(house, &x, Some(false), Some(true)).await;
    let both: Vec<_> = ledger.new_entries().await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(both, [AuditAction::ConfigurationDisable, AuditAction::ConfigurationArchive]);
    assert!(house.engine.launch(launch("x")).await.is_err());
    ledger.none("a launch that is refused").await;
    set(house, &x, Some(true), Some(false)).await;
    assert_eq!(ledger.new_entries().await.len(), 2);
}

async fn runs(house: &House, ledger: &mut Ledger<'_>) {
    let mut request = launch("x");
    request.idempotency = Some(Idempotency { key: "once".into(), body_hash: "same".into() });
    request.parameters = json!({"country": "FR", "api_token": "hunter2"}).as_object().unwrap().clone();
    let run = house.engine.launch(request.clone()).await.unwrap();
    let entry = ledger.one(AuditAction::RunLaunch, run.as_str()).await;
    assert_eq!(entry.operation.as_deref(), Some("DEV/gbq-to-gbq/x_DEV"));
    let parameters = json!({"country": "FR", "api_token": "***"});
    assert_eq!(sides(&entry), (json!(null), json!({"run": run, "version": 2, "parameters": parameters})));
    assert_eq!(house.engine.launch(request).await.unwrap(), run);
    ledger.none("the same launch again").await;
    house.ended("x", &run).await;

    let (x, me) = (table_to_table("x"), by());
    let set_checked = || house.engine.set_run_status(&x, &run, RunStatus::Checked, &me);
    set_checked().await.unwrap();
    let entry = ledger.one(AuditAction::RunSetStatus, run.as_str()).await;
    let told = |status: &str| json!({"status": status, "sub_status": status});
    assert_eq!(sides(&entry), (told("SUCCESS"), told("CHECKED")));
    set_checked().await.unwrap();
    ledger.none("it is checked already").await;

    let again = LaunchRequest { repeats: Some(run.clone()), ..launch("x") };
    let second = house.engine.launch(again).await.unwrap();
    let entry = ledger.one(AuditAction::RunRelaunch, second.as_str()).await;
    assert_eq!(sides(&entry), (json!({ "run": run }), json!({"run": second, "version": 2})));
    house.ended("x", &second).await;

    let day = |day: i64| ExecutionDate(date(2024, 1, 1).saturating_add(SignedDuration::from_hours(24 * day)));
    let backfill = |dry_run| {
        let request =
            BackfillRequest { configuration: table_to_table("x"), from: day(0), to: day(59), dry_run, by: by() };
        house.engine.backfill(request)
    };
    backfill(true).await.unwrap();
    ledger.none("a dry run").await;
    let created = backfill(false).await.unwrap();
    assert_eq!(created.len(), 60, "more than one transaction creates");
    let entry = ledger.one(AuditAction::RunBackfill, "DEV/gbq-to-gbq/x_DEV").await;
    let (first, last) = (&created[0].run_id, &created[59].run_id);
    let told = json!({"from": day(0), "to": day(59), "runs": 60, "first_run": first, "last_run": last});
    assert_eq!(sides(&entry), (json!(null), told));
    assert!(backfill(false).await.unwrap().is_empty());
    ledger.none("nothing was missing").await;
}

fn by() -> tailer_model::Actor {
    actor("test")
}

async fn cancels(house: &House, ledger: &mut Ledger<'_>) {
    let slow = "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) a, UNNEST(GENERATE_ARRAY(1, 300000)) b";
    house.deploy(sql_tasks("slow", &[], &[("one", "slow.sql", "critical")]), &[("slow.sql", slow)]).await;
    let of = table_to_table("slow");
    let (first, second) = (house.launch("slow").await, house.launch("slow").await);
    ledger.new_entries().await;
    house.engine.cancel_run(&of, &second, &by()).await.unwrap();
    let entry = ledger.one(AuditAction::RunCancel, second.as_str()).await;
    assert_eq!(sides(&entry), (json!({"sub_status": "QUEUED"}), json!({"sub_status": "CANCELLED"})));
    assert!(house.engine.cancel_run(&of, &second, &by()).await.is_err());
    ledger.none("it has ended").await;

    let task = "one".parse().unwrap();
    let runs = async || {
        let details = house.engine.run_details(&of, &first).await.unwrap();
        (details.tasks.first()?.status == "RUNNING").then_some(())
    };
    house.until("the task runs", runs).await;
    house.engine.cancel_task(&of, &first, &task, &by()).await.unwrap();
    let entry = ledger.one(AuditAction::TaskCancel, first.as_str()).await;
    assert_eq!(sides(&entry), (json!(null), json!({"task": "one", "cancel_requested": true})));
    let _ = house.engine.cancel_task(&of, &first, &task, &by()).await;
    ledger.none("it is cancelled already").await;
    house.ended("slow", &first).await;

    let third = house.launch("slow").await;
    ledger.new_entries().await;
    let held = async || {
        let run = house.engine.find_run(&third).await.unwrap();
        (run.sub_status == "RUNNING").then_some(())
    };
    house.until("the run is held", held).await;
    house.engine.cancel_run(&of, &third, &by()).await.unwrap();
    let entry = ledger.one(AuditAction::RunCancel, third.as_str()).await;
    assert_eq!(sides(&entry), (json!({"sub_status": "RUNNING"}), json!({"cancel_requested": true})));
    let _ = house.engine.cancel_run(&of, &third, &by()).await;
    ledger.none("it is cancelled already").await;
}

async fn files_and_workflows(house: &House, ledger: &mut Ledger<'_>) {
    house.deploy(copies(&["out"]), &[]).await;
    house.drop_file("in/drop/a.csv", "x");
    let first = house.runs_ended(operation(), 1).await.remove(0).run_id;
    ledger.one(AuditAction::ConfigurationDeploy, "DEV/storage-to-storage/copy").await;
    let parameters = json!({"file": "gs://in/done/ALL/a.csv"}).as_object().unwrap().clone();
    let request = LaunchRequest { configuration: operation(), parameters, ..launch("copy") };
    let run = house.engine.launch(request.clone()).await.unwrap();
    let entry = ledger.one(AuditAction::FileRetake, run.as_str()).await;
    assert_eq!(sides(&entry), (json!(null), json!({"run": run, "file": "gs://in/done/ALL/a.csv"})));
    house.runs_ended(operation(), 2).await;
    let again = house.engine.launch(request).await.unwrap();
    let entry = ledger.one(AuditAction::FileRetake, again.as_str()).await;
    assert_eq!(entry.before, json!({ "run": run }), "of the archived file it was the first");
    assert_ne!(first, run);

    house.deploy(workflow("W", &["gbq-to-gbq|x_DEV", "gbq-to-gbq|slow_DEV"], "x_DEV"), &[]).await;
    ledger.one(AuditAction::ConfigurationDeploy, "DEV/workflow/W").await;
    let arrived = house.run("x").await.run.run_id;
    ledger.new_entries().await;
    let of = reference("workflow", "W");
    house.engine.reset_workflow(&of, &by()).await.unwrap();
    let entry = ledger.one(AuditAction::WorkflowReset, "DEV/workflow/W").await;
    assert_eq!(entry.before, json!({"arrived": {"gbq-to-gbq|x_DEV": arrived}, "last_reset_date": null}));
    assert_eq!(entry.after["arrived"], json!({}));
}

async fn notes(house: &House, ledger: &mut Ledger<'_>) {
    let about = NoteSubject::Operation(reference("workflow", "W"));
    let note = house.engine.add_note(&about, None, "Why?", &by()).await.unwrap();
    let target = note.to_string();
    ledger.one(AuditAction::NoteAdd, &target).await;
    house.engine.edit_note(note, "Why?", &by()).await.unwrap();
    assert_eq!(ledger.new_entries().await.len(), 0, "saved as it was");
    house.engine.edit_note(note, "Why so late?", &by()).await.unwrap();
    ledger.one(AuditAction::NoteEdit, &target).await;
    house.engine.remove_note(note, &by()).await.unwrap();
    ledger.one(AuditAction::NoteRemove, &target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_one_entry_and_what_changes_nothing_none() {
    let house = House::new().await;
    let mut ledger = Ledger::of(&house);
    operations(&house, &mut ledger).await;
    runs(&house, &mut ledger).await;
    cancels(&house, &mut ledger).await;
    files_and_workflows(&house, &mut ledger).await;
    notes(&house, &mut ledger).await;
    for action in AuditAction::ALL.iter().filter(|action| !action.is_about_access()) {
        assert!(ledger.actions.contains(action), "{action} has no test here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_another_displaces_is_archived_by_whoever_deployed() {
    let house = House::new().await;
    let named = |id: &str| {
        let mut configuration = load();
        configuration["configuration_id"] = json!(id);
        configuration
    };
    house.deploy(named("one"), &[DDL]).await;
    house.deploy(named("two"), &[DDL]).await;
    let entries = Ledger::of(&house).new_entries().await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, entry.target.as_str())).collect();
    let (one, two) = ("DEV/storage-to-tables/one", "DEV/storage-to-tables/two");
    assert_eq!(
        told,
        [
            (AuditAction::ConfigurationDeploy, one),
            (AuditAction::ConfigurationDeploy, two),
            (AuditAction::ConfigurationDisable, one),
            (AuditAction::ConfigurationArchive, one),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_and_targets_are_named_as_requests_name_them() {
    let house = House::new().await;
    house.deploy(no_op("x"), &[ONE]).await;
    let run = house.run("x").await.run.run_id;
    for on in [false, true, false, true] {
        set(&house, &table_to_table("x"), Some(on), None).await;
    }
    let page = |query: AuditQuery| house.engine.audit_log(query);
    let (mut seen, mut after) = (0, None);
    loop {
        let found = page(AuditQuery { after, limit: 4, ..everything() }).await.unwrap();
        seen += found.entries.len();
        after = found.next;
        if after.is_none() {
            break;
        }
        assert_eq!(found.entries.len(), 4);
    }
    assert_eq!(seen, 6);
    for (target, expect) in [
        ("DEV/gbq-to-gbq/x_DEV", 6),
        ("DEV/table-to-table/x", 6),
        ("PROD/table-to-table/x", 0),
        (run.as_str(), 1),
        ("user:test", 0),
    ] {
        let query = AuditQuery { target: Some(target.into()), ..everything() };
        assert_eq!(page(query).await.unwrap().entries.len(), expect, "{target}");
    }
    assert!(page(AuditQuery { after: Some("x".into()), ..everything() }).await.is_err());
    let elsewhere = AuditQuery { account: "000001".parse().unwrap(), ..everything() };
    assert!(page(elsewhere).await.unwrap().entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn old_entries_are_pruned_when_the_settings_say_so() {
    let house = House::new().await;
    house.deploy(no_op("x"), &[ONE]).await;
    house.clock.advance(SignedDuration::from_hours(24 * 40));
    house.deploy(no_op("y"), &[ONE]).await;
    let (folder, clock) = house.stop().await;
    let history = History { audit_days: Some(30), ..History::default() };
    let house = House::set_up(folder, clock, |settings| settings.history = history).await;
    let left = async || {
        let entries = house.engine.audit_log(everything()).await.unwrap().entries;
        (entries.len() == 1).then(|| entries[0].target.clone())
    };
    assert_eq!(house.until("the old entry is pruned", left).await, "DEV/gbq-to-gbq/y_DEV");
}

//! What a house has beside configurations and runs: a run with many tasks and a long log, runs that wait, workflows, expectations that
//! have been checked for weeks, operations with a rhythm, an audit log of every launch by hand.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailer_model::{
    Actor, AuditAction, ConfigurationType, Criticality, Environment, Identity, JobId, RunId, RunStatus, SubStatus,
    TaskId, TaskStatus, TriggerType, Via,
};
use tailer_store::{
    ConfigurationKey, Store, StoreError, Tx, audit, configurations,
    expectations::{self, Found},
    freshness, logs, runs as store_runs,
    tasks::{self, TaskEnd},
    workflows,
};

use super::{
    filled::{BATCH, deployed, identity, run, write},
    support::ACCOUNT,
};

const WORKFLOWS: usize = 200;
const WAITING: usize = 5_000;
const TASKS: usize = 40;
const LINES: usize = 20_000;
/// Operations whose last task checks a table, what it checks there, and how many days it has done so.
const CHECKED: usize = 400;
/// Behind the one that is disabled.
const FIRST_CHECKED: usize = 10;
const CALLS: usize = 5;
const CHECKED_DAYS: i64 = 30;
/// Days that a regular operation has run on, every morning.
const REGULAR_DAYS: i64 = 60;
const PEOPLE: [&str; 5] = ["user:ana", "user:bob", "oidc:https://issuer.example/carla", "token:nightly", "user:dora"];

/// Adds what few have: a run with many tasks and a long log, runs that wait, workflows. Answers that run.
pub(crate) fn furnish(store: &Store, keys: &[ConfigurationKey], runs: usize) -> RunId {
    let now = Timestamp::now();
    let (key, waiting) = (keys[1], keys[2]);
    let of = run(1, key, TriggerType::Api, now);
    let id = of.run_id.clone();
    write(store, move |tx| store_runs::create(tx, &of));
    let detailed = id.clone();
    write(store, move |tx| {
        let lease = now + SignedDuration::from_secs(60);
        let held = store_runs::claim(tx, "bench", now, lease, 1, 10, store_runs::Place::Home)?;
        let fence = held.first().unwrap().fence;
        let names: Vec<_> = (0..TASKS)
            .map(|n| (format!("task_{n}").parse().unwrap(), "sql".to_owned(), Criticality::Critical))
            .collect();
        tasks::plan(tx, &id, fence, &names)?;
        for (n, (task, ..)) in (0_i64..).zip(&names) {
            let start = now + SignedDuration::from_secs(n);
            tasks::start(tx, &id, fence, task, 1, start)?;
            let statistics = json!({"rows": 1_000 + n, "bytes": 50_000, "slot_milliseconds": 1_500});
            let sql = Some("SELECT a.one,\n  a.two\nFROM somewhere AS a\nWHERE a.three\n".repeat(15));
            let at = start + SignedDuration::from_secs(5);
            tasks::finish(
                tx,
                &id,
                fence,
                task,
                TaskEnd { status: TaskStatus::Success, statistics, sql, error: None, at },
            )?;
        }
        let line = |n: usize| logs::LogLine {
            date: now,
            level: if n.is_multiple_of(100) { "WARNING" } else { "INFO" }.into(),
            task_id: Some(names[n % TASKS].0.clone()),
            message: format!("line {n} of a log that says as much as such lines do"),
        };
        logs::append(tx, &id, &(0..LINES).map(line).collect::<Vec<_>>())?;
        store_runs::finish(tx, &id, fence, RunStatus::Success, SubStatus::Success, None, now)?;
        // Nobody takes what is disabled.
        configurations::set_flags(tx, waiting, Some(false), None, "bench", now)
    });
    write(store, move |tx| {
        (0..WAITING).try_for_each(|n| {
            let at = now - SignedDuration::from_secs(i64::try_from(n).unwrap_or_default());
            store_runs::create(tx, &run(2, waiting, TriggerType::Api, at))
        })
    });
    let (one, two) = (identity(10).job_id(None), identity(30).job_id(None));
    check(store, keys, now);
    follow(store, keys, now);
    audit_launches(store, runs / 10, keys.len(), now);
    write(store, move |tx| (0..WORKFLOWS).try_for_each(|n| workflow(tx, n, [one.clone(), two.clone()], now)));
    detailed
}

/// Expectations of some operations, checked every day; one in seven fails now and then.
fn check(store: &Store, keys: &[ConfigurationKey], now: Timestamp) {
    // The task of the deployed version: others would be former ones.
    let task: TaskId = "one".parse().unwrap();
    for day in (0..CHECKED_DAYS).rev() {
        let at = now - SignedDuration::from_hours(24 * day);
        let (keys, task) = (keys.to_vec(), task.clone());
        write(store, move |tx| {
            for (n, key) in keys.iter().enumerate().skip(FIRST_CHECKED).take(CHECKED) {
                let of = run(n, *key, TriggerType::Schedule, at);
                store_runs::create(tx, &of)?;
                let lease = at + SignedDuration::from_secs(60);
                let held = store_runs::claim(tx, "bench", at, lease, 1, 10, store_runs::Place::Home)?;
                let fence = held.first().unwrap().fence;
                tasks::plan(tx, &of.run_id, fence, &[(task.clone(), "expectation".into(), Criticality::Warning)])?;
                let found: Vec<_> =
                    (0..CALLS).map(|call| found(n, call, (n + call) % 7 != 0 || day % 5 != 0)).collect();
                expectations::record(tx, &of.run_id, fence, *key, (&task, Criticality::Warning), 1, &found, at)?;
                store_runs::finish(tx, &of.run_id, fence, RunStatus::Success, SubStatus::Success, None, at)?;
            }
            Ok(())
        });
    }
}

fn found(n: usize, call: usize, passed: bool) -> Found {
    let (table, column) = (format!("table_{n}"), format!("column_{call}"));
    let rejected = if passed { 0 } else { 17 };
    Found {
        call: format!("unique('d', '{table}', '{column}')"),
        passed,
        line: u32::try_from(call).unwrap() + 1,
        message: format!("{rejected} of 3400 rows are rejected"),
        result: json!({
            "procedure_name": "unique", "dataset": "p.d", "tablename": table, "column_name": column,
            "all_count": 3_400, "reject_count": rejected, "reject_threshold": 0.0, "passed": passed,
        }),
        rejected: json!(null),
    }
}

/// The mornings of what runs in production; every tenth has not come for two days.
fn follow(store: &Store, keys: &[ConfigurationKey], now: Timestamp) {
    for (n, key) in keys.iter().copied().enumerate().filter(|(n, _)| identity(*n).environment == Environment::Prod) {
        let missing = if n.is_multiple_of(10) { 2 } else { 0 };
        write(store, move |tx| {
            (missing..REGULAR_DAYS).rev().try_for_each(|day| {
                let spread = SignedDuration::from_secs(i64::try_from(n).unwrap() * 7 % 1800);
                let at = now - SignedDuration::from_hours(24 * day) - spread;
                freshness::note(tx, key, &RunId::new(at, uuid::Uuid::new_v4()), at)
            })
        });
    }
}

/// One entry for each launch by hand, a few seconds apart; one in a hundred switches an operation off instead.
fn audit_launches(store: &Store, launches: usize, operations: usize, now: Timestamp) {
    for batch in (0..launches).step_by(BATCH) {
        write(store, move |tx| {
            for n in batch..launches.min(batch + BATCH) {
                let at = now - SignedDuration::from_secs(i64::try_from(launches - n).unwrap() * 10);
                let by = Actor::new(PEOPLE[n % 5], if n % 5 == 3 { Via::Api } else { Via::Studio });
                let of = identity(n * 10 % operations);
                let entry = if n.is_multiple_of(100) {
                    audit::Entry::of_operation(&by, at, AuditAction::ConfigurationDisable, &of)
                        .before(json!({"activated": true}))
                        .after(json!({"activated": false}))
                } else {
                    let run = RunId::new(at, uuid::Uuid::new_v4());
                    audit::Entry::of_run(&by, at, AuditAction::RunLaunch, &of, &run)
                        .after(json!({"run": run, "version": 1}))
                };
                audit::record(tx, &entry)?;
            }
            Ok(())
        });
    }
}

fn workflow(tx: &mut Tx<'_>, n: usize, jobs: [JobId; 2], at: Timestamp) -> Result<(), StoreError> {
    let identity = Identity {
        account: ACCOUNT.parse().unwrap(),
        environment: Environment::Dev,
        configuration_type: ConfigurationType::Workflow,
        configuration_id: format!("workflow_{n}_DEV"),
    };
    let document = json!({
        "configuration_type": "workflow", "configuration_id": format!("workflow_{n}"), "environment": "DEV",
        "account": ACCOUNT, "version": "2", "short_description": "after two", "schedule_interval_reset": "0 5 * * *",
        "authorized_job_ids": jobs,
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "operation_1_DEV" },
    });
    let key = configurations::deploy(tx, &deployed(identity, document.to_string(), "SELECT 1 AS n"))?.key;
    workflows::deploy(tx, key, &jobs, at)?;
    let arrived = RunId::new(at, uuid::Uuid::new_v4());
    workflows::arrive(tx, key, &jobs[n % 2], &arrived, at)
}

//! Tasks: planned, started, finished, all under the fence of the run.

use serde_json::json;
use tailer_model::{Criticality, RunStatus, TaskStatus};
use tailer_store::{
    StoreError,
    runs::{self, RunRow},
    tasks::{self, TaskEnd, TaskRow},
};

use crate::common::{Bench, at, task};

fn plan_of() -> Vec<(tailer_model::TaskId, String, Criticality)> {
    vec![
        (task("load"), "sql".into(), Criticality::Critical),
        (task("sum"), "sql".into(), Criticality::Warning),
        (task("export"), "export_table".into(), Criticality::Stop),
    ]
}

/// A run with three planned tasks, held by "w".
fn planned() -> (Bench, RunRow) {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = bench.running(key, "w", at(0));
    assert!(plan(&bench, &run, run.fence));
    (bench, run)
}

fn plan(bench: &Bench, run: &RunRow, fence: i64) -> bool {
    let id = run.run_id.clone();
    bench.tx(move |tx| tasks::plan(tx, &id, fence, &plan_of()))
}

fn start(bench: &Bench, run: &RunRow, fence: i64, name: &str, attempt: u32, seconds: i64) -> Result<bool, StoreError> {
    let (id, name) = (run.run_id.clone(), task(name));
    bench.try_tx(move |tx| tasks::start(tx, &id, fence, &name, attempt, at(seconds)))
}

fn finish(bench: &Bench, run: &RunRow, fence: i64, name: &str, end: TaskEnd) -> Result<bool, StoreError> {
    let (id, name) = (run.run_id.clone(), task(name));
    bench.try_tx(move |tx| tasks::finish(tx, &id, fence, &name, end))
}

fn end_at(status: TaskStatus, seconds: i64) -> TaskEnd {
    TaskEnd { status, statistics: json!(null), sql: None, error: None, at: at(seconds) }
}

fn list(bench: &Bench, run: &RunRow) -> Vec<TaskRow> {
    let id = run.run_id.clone();
    bench.tx(move |tx| tasks::list(tx, &id))
}

#[test]
fn a_plan_is_kept_in_order_and_made_once() {
    let (bench, run) = planned();
    assert_eq!(start(&bench, &run, 1, "sum", 1, 1), Ok(true));
    assert!(plan(&bench, &run, 1), "a takeover plans again");
    let tasks = list(&bench, &run);
    let seen: Vec<_> =
        tasks.iter().map(|t| (t.task_id.as_str(), t.position, t.status, t.criticality, t.attempt)).collect();
    assert_eq!(
        seen,
        [
            ("load", 0, TaskStatus::Pending, Criticality::Critical, 0),
            ("sum", 1, TaskStatus::Running, Criticality::Warning, 1),
            ("export", 2, TaskStatus::Pending, Criticality::Stop, 0),
        ]
    );
}

#[test]
fn a_task_tells_how_it_went() {
    let (bench, run) = planned();
    assert_eq!(start(&bench, &run, 1, "load", 1, 1), Ok(true));
    let failed = TaskEnd { error: Some("no such table".into()), ..end_at(TaskStatus::Failed, 2) };
    assert_eq!(finish(&bench, &run, 1, "load", failed), Ok(true));
    assert_eq!(list(&bench, &run)[0].error.as_deref(), Some("no such table"));

    assert_eq!(start(&bench, &run, 1, "load", 2, 3), Ok(true));
    let again = &list(&bench, &run)[0];
    assert_eq!((again.attempt, again.start, again.end, &again.error), (2, Some(at(3)), None, &None));
    assert_eq!(start(&bench, &run, 1, "load", 2, 4), Ok(true));
    assert_eq!(list(&bench, &run)[0].start, Some(at(3)), "the same attempt keeps its start");

    let done =
        TaskEnd { statistics: json!({"rows": 7}), sql: Some("SELECT 1".into()), ..end_at(TaskStatus::Success, 5) };
    assert_eq!(finish(&bench, &run, 1, "load", done), Ok(true));
    let done = &list(&bench, &run)[0];
    assert_eq!((done.status, done.end, done.sql.as_deref()), (TaskStatus::Success, Some(at(5)), Some("SELECT 1")));
    assert_eq!(done.statistics, json!({"rows": 7}));
}

#[test]
fn what_was_not_planned_is_an_error() {
    let (bench, run) = planned();
    let expect = Err(StoreError::Missing(format!("task other of run {}", run.run_id)));
    assert_eq!(start(&bench, &run, 1, "other", 1, 1), expect);
    assert_eq!(finish(&bench, &run, 1, "other", end_at(TaskStatus::Skipped, 1)), expect);
}

#[test]
fn late_writes_are_refused() {
    let (bench, run) = planned();
    assert_eq!(start(&bench, &run, 1, "load", 1, 1), Ok(true));
    let taken = bench.tx(|tx| runs::take_over(tx, "v", at(20), at(35), 9, runs::Place::Home));
    let new = taken[0].fence;
    let before = list(&bench, &run);
    assert!(!plan(&bench, &run, 1));
    assert_eq!(start(&bench, &run, 1, "sum", 1, 21), Ok(false));
    assert_eq!(finish(&bench, &run, 1, "load", end_at(TaskStatus::Success, 21)), Ok(false));
    assert_eq!(list(&bench, &run), before, "nothing was written");
    assert_eq!(before[0].status, TaskStatus::Running, "a takeover leaves tasks to the driver");

    assert_eq!(finish(&bench, &run, new, "load", end_at(TaskStatus::Success, 22)), Ok(true));
    assert!(bench.finish(&taken[0], at(23)));
    assert_eq!(start(&bench, &run, new, "sum", 1, 24), Ok(false), "the run has ended");
}

#[test]
fn a_person_who_ends_a_run_settles_its_tasks() {
    let (bench, run) = planned();
    assert_eq!(start(&bench, &run, 1, "load", 1, 1), Ok(true));
    assert_eq!(finish(&bench, &run, 1, "load", end_at(TaskStatus::Success, 2)), Ok(true));
    assert_eq!(start(&bench, &run, 1, "sum", 1, 3), Ok(true));
    let id = run.run_id.clone();
    bench.tx(move |tx| runs::set_status(tx, &id, RunStatus::Failed, at(4)));
    let seen: Vec<_> = list(&bench, &run).iter().map(|t| (t.status, t.end)).collect();
    assert_eq!(
        seen,
        [(TaskStatus::Success, Some(at(2))), (TaskStatus::Cancelled, Some(at(4))), (TaskStatus::Skipped, None)]
    );
}

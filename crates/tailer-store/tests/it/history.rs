//! Old runs are given up: exactly those on which nothing stands, with all that hangs on them, in bounded steps.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{Criticality, ExecutionDate, RunId, RunStatus, SubStatus};
use tailer_store::{
    ConfigurationKey, idempotency, logs,
    runs::{self, NewRun, Pruned, RunFilter},
    tasks, ticks, workflows,
};

use crate::common::{Bench, account, at, identity, job, run_of, task, version_of};

const BEGINNING: (Timestamp, i64) = (Timestamp::MIN, 0);

/// A run that started and ended at a moment.
fn ended(bench: &Bench, key: ConfigurationKey, second: i64, status: RunStatus) -> NewRun {
    let run = run_of(key, at(second));
    let new = run.clone();
    let sub_status = if status == RunStatus::Failed { SubStatus::Failed } else { SubStatus::Success };
    bench.tx(move |tx| runs::create_ended(tx, &new, status, sub_status, None));
    run
}

fn success(bench: &Bench, key: ConfigurationKey, second: i64) -> RunId {
    ended(bench, key, second, RunStatus::Success).run_id
}

/// Those that stay of all runs, oldest first.
fn left(bench: &Bench) -> Vec<RunId> {
    let mut runs = bench.tx(|tx| runs::list(tx, &RunFilter { limit: 1000, ..RunFilter::default() }));
    runs.reverse();
    runs.into_iter().map(|run| run.run_id).collect()
}

fn prune(bench: &Bench, before: Timestamp) -> Pruned {
    bench.tx(move |tx| {
        let seen = runs::older(tx, before, BEGINNING, 1000)?;
        runs::prune(tx, &seen.sequences, 1000)
    })
}

#[test]
fn the_newest_run_of_each_job_stays_whatever_its_age() {
    let bench = Bench::new();
    let (x, y) = (bench.operation("x_DEV", 1), bench.operation("y_DEV", 1));
    let _old = success(&bench, x, 0);
    let other_job = NewRun { job_id: job("gbq-to-gbq|x_DEV|other"), ..run_of(x, at(1)) };
    let new = other_job.clone();
    bench.tx(move |tx| runs::create_ended(tx, &new, RunStatus::Success, SubStatus::Success, None));
    let newest = success(&bench, x, 2);
    let of_another = success(&bench, y, 0);
    assert_eq!(prune(&bench, at(100)), Pruned { runs: 1, more: false });
    assert_eq!(left(&bench), [of_another, other_job.run_id, newest]);
    assert_eq!(bench.tx(runs::counts), [(RunStatus::Success, SubStatus::Success, 3)], "they are counted no more");
    assert_eq!(prune(&bench, at(100)).runs, 0);
}

#[test]
fn what_something_stands_on_stays() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 9);
    let (keyed, collected) = (success(&bench, key, 0), success(&bench, key, 1));
    let old = success(&bench, key, 2);
    let running = bench.running(key, "w", at(3)).run_id;
    let queued = bench.queue(key, at(4));
    let young = success(&bench, key, 50);
    let newest = success(&bench, key, 60);
    let workflow = bench.deploy(version_of(identity(tailer_model::ConfigurationType::Workflow, "w_DEV"))).key;
    let (run, holds) = (collected.clone(), keyed.clone());
    bench.tx(move |tx| {
        let awaited = job("gbq-to-gbq|x_DEV");
        workflows::deploy(tx, workflow, std::slice::from_ref(&awaited), at(0))?;
        workflows::arrive(tx, workflow, &awaited, &run, at(1))?;
        idempotency::record(tx, &account(), "key", "hash", &holds, at(0))
    });
    prune(&bench, at(50));
    assert_eq!(
        left(&bench),
        [keyed.clone(), collected.clone(), running.clone(), queued.clone(), young.clone(), newest.clone()]
    );
    assert!(bench.tx(move |tx| runs::get(tx, &old)).is_none());

    // The workflow lets go of its run, and the key is forgotten.
    bench.tx(move |tx| {
        workflows::reset(tx, workflow, at(9))?;
        idempotency::expire(tx, at(10))
    });
    prune(&bench, at(50));
    assert_eq!(left(&bench), [running, queued, young, newest]);
}

#[test]
fn a_run_goes_with_all_that_hangs_on_it_and_a_long_log_in_steps() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = bench.running(key, "w", at(0));
    let (id, fence) = (run.run_id.clone(), run.fence);
    bench.tx(move |tx| {
        tasks::plan(tx, &id, fence, &[(task("t"), "sql".into(), Criticality::Critical)])?;
        let line = logs::LogLine { date: at(0), level: "INFO".into(), task_id: None, message: "m".into() };
        logs::append(tx, &id, &vec![line; 25])
    });
    bench.finish(&run, at(1));
    let newest = success(&bench, key, 2);
    let (old, sequence) = (run.run_id.clone(), run.sequence);
    let step = move |bench: &Bench| bench.tx(move |tx| runs::prune(tx, &[sequence], 10));
    assert_eq!(step(&bench), Pruned { runs: 0, more: true });
    let first = old.clone();
    let lines = bench.tx(move |tx| logs::read(tx, &first, None, 0, 100));
    assert_eq!(lines.len(), 15, "the oldest lines went first");
    assert_eq!(step(&bench), Pruned { runs: 0, more: true });
    assert_eq!(step(&bench), Pruned { runs: 1, more: false });
    assert_eq!(step(&bench), Pruned::default(), "it is gone");
    assert_eq!(left(&bench), [newest]);
    assert!(bench.tx(move |tx| tasks::list(tx, &old)).is_empty());
}

#[test]
fn looks_are_bounded_and_go_on_where_they_ended() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let all: Vec<RunId> = (0..10).map(|second| success(&bench, key, second / 2)).collect();
    let (mut after, mut found, mut looks) = (Some(BEGINNING), 0, 0);
    while let Some(from) = after {
        let seen = bench.tx(move |tx| runs::older(tx, at(100), from, 4));
        assert!(seen.looked <= 4);
        (after, found, looks) = (seen.next, found + seen.sequences.len(), looks + 1);
    }
    assert_eq!((found, looks), (9, 3), "all but the newest, in three looks");
    assert_eq!(bench.tx(|tx| runs::beyond(tx, 4)), [(key, 6)]);
    assert_eq!(bench.tx(|tx| runs::beyond(tx, 10)), []);
    let seen = bench.tx(move |tx| runs::oldest_in(tx, key, BEGINNING, 6));
    bench.tx(move |tx| runs::prune(tx, &seen.sequences, 1000));
    assert_eq!(left(&bench), all[6..]);
}

#[test]
fn guards_remember_what_became_of_pruned_runs() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let (failed, done) = (ended(&bench, key, 0, RunStatus::Failed), ended(&bench, key, 1, RunStatus::Success));
    success(&bench, key, 2);
    let (of_failed, of_done) = (failed.run_id.clone(), done.run_id);
    bench.tx(move |tx| {
        ticks::record(tx, key, ticks::RUN, at(0), Some(&of_failed), at(0))?;
        ticks::record(tx, key, ticks::RUN, at(1), Some(&of_done), at(1))
    });
    assert_eq!(prune(&bench, at(2)).runs, 2);
    let between = bench.tx(move |tx| ticks::between(tx, key, ticks::RUN, at(0), at(1)));
    let outcomes: Vec<_> = between.into_iter().map(|tick| tick.run).collect();
    assert_eq!(outcomes, [Some((failed.run_id, RunStatus::Failed)), None]);
    let day = ExecutionDate("2026-05-04".parse().unwrap());
    assert!(bench.tx(move |tx| runs::served_dates(tx, key, day, day)).contains(&day));
    assert_eq!(json!(bench.tx(move |tx| ticks::last(tx, key, ticks::RUN))), json!(Some(at(1))));
}

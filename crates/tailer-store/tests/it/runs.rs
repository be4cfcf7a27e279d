//! Runs: what is recorded of them, who gets them, how they end.

use jiff::SignedDuration;
use serde_json::json;
use tailer_model::{RunId, RunStatus, SubStatus};
use tailer_store::{
    StoreError,
    configurations::{self, NewVersion},
    runs::{self, CancelOutcome, NewRun, RunFilter, RunRow},
};

use crate::common::{Bench, at, job, run_of, table, task, version_of};

fn ids(runs: &[RunRow]) -> Vec<RunId> {
    runs.iter().map(|run| run.run_id.clone()).collect()
}

#[test]
fn a_run_comes_back_as_recorded() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let new = NewRun {
        tasks: Some(vec![task("load"), task("sum")]),
        parameters: json!({"b": 1, "a": "é"}),
        input: json!({"file": "gs://in/a.csv"}),
        ..run_of(key, at(1))
    };
    let run = new.clone();
    bench.tx(move |tx| runs::create(tx, &run));
    let found = bench.run(&new.run_id);
    assert_eq!(found.identity, table("x_DEV"));
    assert_eq!((found.status, found.sub_status), (RunStatus::Running, SubStatus::Queued));
    assert_eq!((found.created, found.start, found.end), (at(1), at(1), None));
    assert_eq!(found.tasks, new.tasks);
    assert_eq!(found.parameters.to_string(), r#"{"b":1,"a":"é"}"#, "the order of keys is kept");
    assert_eq!(found.input, new.input);
    assert_eq!(found.trigger, new.trigger);
    assert_eq!(found.execution_date, new.execution_date);
    assert_eq!((found.fence, found.worker, found.cancel_requested), (0, None, false));
}

#[test]
fn a_run_is_created_once_and_only_for_what_exists() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = run_of(key, at(0));
    let again = run.clone();
    bench.tx(move |tx| runs::create(tx, &run));
    assert!(matches!(bench.try_tx(move |tx| runs::create(tx, &again)), Err(StoreError::Conflict(_))));
    let nowhere = run_of(configurations::ConfigurationKey(99), at(0));
    assert_eq!(bench.try_tx(move |tx| runs::create(tx, &nowhere)), Err(StoreError::Missing("configuration 99".into())));
    let no_version = NewRun { version: 7, ..run_of(key, at(0)) };
    assert!(matches!(bench.try_tx(move |tx| runs::create(tx, &no_version)), Err(StoreError::Conflict(_))));
    let queued = bench.tx(runs::counts);
    assert_eq!(queued, [(RunStatus::Running, SubStatus::Queued, 1)], "what was refused is not counted");
}

#[test]
fn a_run_may_be_over_when_created() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = run_of(key, at(3));
    let id = run.run_id.clone();
    bench.tx(move |tx| {
        runs::create_ended(tx, &run, RunStatus::NoMatch, SubStatus::NoMatch, Some("no template matches a.csv".into()))
    });
    let found = bench.run(&id);
    assert_eq!((found.start, found.end), (at(3), Some(at(3))));
    assert_eq!(found.error.as_deref(), Some("no template matches a.csv"));
    assert_eq!(bench.claim("w", at(4), 9), [], "it takes no slot and is never claimed");
}

#[test]
fn claims_go_by_arrival_within_the_limits() {
    let bench = Bench::new();
    let (one, two) = (bench.operation("one_DEV", 1), bench.operation("two_DEV", 2));
    let a = bench.queue(one, at(0));
    let b = bench.queue(one, at(1));
    let c = bench.queue(two, at(2));
    let d = bench.queue(two, at(3));
    let e = bench.queue(two, at(4));

    let claimed = bench.claim("w", at(10), 9);
    assert_eq!(ids(&claimed), [a.clone(), c.clone(), d]);
    let first = &claimed[0];
    assert_eq!((first.sub_status, first.fence, first.start), (SubStatus::Running, 1, at(10)));
    assert_eq!((first.worker.as_deref(), first.lease_until), (Some("w"), Some(at(25))));
    assert_eq!(first.created, at(0), "creation does not move");
    assert_eq!(bench.claim("w", at(10), 9), [], "both are full");

    assert!(bench.finish(first, at(11)));
    assert_eq!(ids(&bench.claim("w", at(12), 9)), [b]);
    assert!(bench.finish(&claimed[1], at(13)));
    assert_eq!(ids(&bench.claim("w", at(14), 9)), [e]);
}

#[test]
fn claims_stop_at_their_limit_and_at_all_running() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 100);
    for n in 0..10 {
        bench.queue(key, at(n));
    }
    assert_eq!(bench.claim("w", at(10), 3).len(), 3);
    let more = bench.tx(|tx| runs::claim(tx, "w", at(10), at(25), 100, 5, runs::Place::Home));
    assert_eq!(more.len(), 2, "five may run in all, three do");
}

#[test]
fn away_from_home_only_what_roams_is_taken() {
    let bench = Bench::new();
    let home = bench.operation("home_DEV", 2);
    let roaming = bench.deploy(NewVersion { max_active_runs: 2, roams: true, ..version_of(table("roams_DEV")) }).key;
    let (stays, goes) = (bench.queue(home, at(0)), bench.queue(roaming, at(1)));
    let claim = |place| ids(&bench.tx(move |tx| runs::claim(tx, "w", at(2), at(17), 9, 9, place)));
    assert_eq!(claim(runs::Place::Anywhere), [goes.clone()]);
    assert_eq!(claim(runs::Place::Home), [stays.clone()]);
    let take_over = |place| ids(&bench.tx(move |tx| runs::take_over(tx, "v", at(20), at(35), 9, place)));
    assert_eq!(take_over(runs::Place::Anywhere), [goes]);
    assert_eq!(bench.tx(|tx| runs::release_home(tx, at(21))), 1);
    assert_eq!(take_over(runs::Place::Anywhere), []);
    assert_eq!(bench.run(&stays).worker, None);
    assert_eq!(ids(&bench.tx(move |tx| runs::take_over(tx, "v", at(21), at(36), 9, runs::Place::Home))), [stays]);
}

#[test]
fn a_worker_counts_its_own_runs_only() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 100);
    for n in 0..4 {
        bench.queue(key, at(n));
    }
    for worker in ["v", "w"] {
        assert_eq!(bench.tx(move |tx| runs::claim(tx, worker, at(5), at(20), 9, 2, runs::Place::Home)).len(), 2);
    }
}

#[test]
fn disabled_and_archived_operations_keep_their_queue() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let id = bench.queue(key, at(0));
    let reason = |bench: &Bench| {
        let run = bench.run(&id);
        bench.tx(move |tx| runs::waiting_reason(tx, &run))
    };
    bench.tx(move |tx| configurations::set_flags(tx, key, Some(false), None, "ada", at(1)));
    assert_eq!(bench.claim("w", at(2), 9), []);
    assert_eq!(reason(&bench).as_deref(), Some("the operation is disabled"));
    bench.tx(move |tx| configurations::set_flags(tx, key, Some(true), Some(true), "ada", at(3)));
    assert_eq!(bench.claim("w", at(4), 9), []);
    assert_eq!(reason(&bench).as_deref(), Some("the operation is archived"));
    bench.tx(move |tx| configurations::set_flags(tx, key, None, Some(false), "ada", at(5)));
    assert_eq!(reason(&bench).as_deref(), Some("waits for a free worker"));
    assert_eq!(bench.claim("w", at(6), 9).len(), 1);
    assert_eq!(reason(&bench), None, "it waits no more");
}

#[test]
fn a_queued_run_names_what_it_waits_for() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let held = bench.running(key, "w", at(0));
    let id = bench.queue(key, at(1));
    let run = bench.run(&id);
    let reason = bench.tx(move |tx| runs::waiting_reason(tx, &run));
    assert_eq!(reason, Some(format!("waits for 1 of 1 running: {}", held.run_id)));
}

#[test]
fn a_higher_limit_lets_more_run() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    for n in 0..3 {
        bench.queue(key, at(n));
    }
    assert_eq!(bench.claim("w", at(9), 9).len(), 1);
    bench.operation("x_DEV", 3);
    assert_eq!(bench.claim("w", at(9), 9).len(), 2);
}

#[test]
fn a_run_whose_lease_has_passed_is_taken_over_and_its_worker_fenced_out() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let old = bench.running(key, "old", at(0));
    let take = |bench: &Bench, now| {
        bench.tx(move |tx| runs::take_over(tx, "new", now, now + SignedDuration::from_secs(15), 9, runs::Place::Home))
    };
    assert_eq!(take(&bench, at(14)), [], "the lease holds");
    assert_eq!(bench.tx(|tx| runs::renew(tx, "old", at(14), at(29))), 1);
    assert_eq!(take(&bench, at(28)), []);

    let taken = take(&bench, at(29));
    assert_eq!(ids(&taken), [old.run_id.clone()]);
    assert_eq!((taken[0].fence, taken[0].worker.as_deref()), (2, Some("new")));
    assert_eq!(taken[0].start, old.start, "it started when it first did");
    assert_eq!(bench.tx(|tx| runs::renew(tx, "old", at(30), at(45))), 0);

    let (id, fence) = (old.run_id.clone(), old.fence);
    assert!(!bench.tx(move |tx| runs::held(tx, &id, fence)));
    let (id, fence) = (old.run_id.clone(), old.fence);
    assert!(!bench.tx(move |tx| runs::set_progress(tx, &id, fence, json!({"done": 9}))));
    assert!(!bench.finish(&old, at(31)), "a late end is refused");
    assert_eq!(bench.run(&old.run_id).status, RunStatus::Running);
    assert!(bench.finish(&taken[0], at(32)));
    assert!(!bench.finish(&taken[0], at(33)), "a run ends once");
    assert_eq!(bench.run(&old.run_id).end, Some(at(32)));
}

#[test]
fn a_worker_that_drains_hands_its_runs_back() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 2);
    let (a, b) = (bench.running(key, "old", at(0)), bench.running(key, "old", at(0)));
    assert_eq!(bench.tx(|tx| runs::release(tx, "old", at(1))), 2);
    assert_eq!(bench.tx(|tx| runs::renew(tx, "old", at(1), at(16))), 0, "what is handed back is not renewed");
    assert!(bench.finish(&a, at(1)), "until it is taken over, its end counts");
    let taken = bench.tx(|tx| runs::take_over(tx, "new", at(1), at(16), 9, runs::Place::Home));
    assert_eq!(ids(&taken), [b.run_id.clone()]);
    assert!(!bench.finish(&b, at(2)));
}

#[test]
fn a_server_alone_voids_all_leases() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 2);
    bench.running(key, "old", at(0));
    bench.running(key, "older", at(0));
    assert_eq!(bench.tx(|tx| runs::release_all(tx, at(1))), 2);
    assert_eq!(bench.tx(|tx| runs::take_over(tx, "new", at(1), at(16), 9, runs::Place::Home)).len(), 2);
}

#[test]
fn cancelling_ends_what_waits_and_asks_for_what_runs() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let running = bench.running(key, "w", at(0));
    let queued = bench.queue(key, at(1));
    let cancel = |id: &RunId| {
        let id = id.clone();
        bench.tx(move |tx| runs::request_cancel(tx, &id, at(2)))
    };
    assert_eq!(cancel(&queued), CancelOutcome::EndedQueued);
    let ended = bench.run(&queued);
    assert_eq!((ended.status, ended.sub_status, ended.end), (RunStatus::Failed, SubStatus::Cancelled, Some(at(2))));
    assert_eq!(cancel(&queued), CancelOutcome::AlreadyEnded);

    assert_eq!(cancel(&running.run_id), CancelOutcome::Requested);
    assert_eq!(bench.tx(|tx| runs::cancel_requested(tx, "w")), [running.run_id.clone()]);
    assert_eq!(bench.tx(|tx| runs::cancel_requested(tx, "other")), []);
    let taken = bench.tx(|tx| runs::take_over(tx, "other", at(20), at(35), 9, runs::Place::Home));
    assert!(taken[0].cancel_requested, "whoever takes it over is asked too");
    assert!(bench.finish(&taken[0], at(21)));
    assert_eq!(bench.tx(|tx| runs::cancel_requested(tx, "other")), []);
    assert_eq!(cancel(&RunId::new(at(0), uuid::Uuid::nil())), CancelOutcome::NotFound);
}

#[test]
fn a_person_sets_the_status() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let set = |id: &RunId, status, seconds| {
        let id = id.clone();
        bench.tx(move |tx| runs::set_status(tx, &id, status, at(seconds)))
    };
    // Ended: only what people see changes.
    let run = bench.running(key, "w", at(0));
    bench.finish(&run, at(1));
    assert!(set(&run.run_id, RunStatus::Checked, 5));
    let checked = bench.run(&run.run_id);
    assert_eq!((checked.status, checked.sub_status), (RunStatus::Checked, SubStatus::Checked));
    assert_eq!((checked.end, checked.updated), (Some(at(1)), at(5)));
    assert!(set(&run.run_id, RunStatus::Running, 6));
    assert_eq!(
        bench.tx(|tx| runs::take_over(tx, "w", at(900), at(915), 9, runs::Place::Home)),
        [],
        "it is not run again"
    );

    // Running: it ends, and its worker is refused.
    let run = bench.running(key, "w", at(10));
    assert!(set(&run.run_id, RunStatus::Running, 11), "it is what it is");
    assert_eq!(bench.run(&run.run_id).end, None);
    assert!(set(&run.run_id, RunStatus::Failed, 12));
    let failed = bench.run(&run.run_id);
    assert_eq!((failed.status, failed.end, failed.fence), (RunStatus::Failed, Some(at(12)), run.fence + 1));
    assert_eq!(failed.reason.as_deref(), Some("set to FAILED by a person before it ended"));
    assert!(!bench.finish(&run, at(13)));

    // Queued: it ends, and the slot goes to others.
    let id = bench.queue(key, at(20));
    assert!(set(&id, RunStatus::Checked, 21));
    assert_eq!(bench.claim("w", at(22), 9), []);
    assert!(!set(&RunId::new(at(0), uuid::Uuid::nil()), RunStatus::Checked, 1));
}

#[test]
fn counts_follow_every_change() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 2);
    let run = bench.running(key, "w", at(0));
    bench.running(key, "w", at(0));
    bench.queue(key, at(1));
    bench.finish(&run, at(2));
    let id = run.run_id;
    bench.tx(move |tx| runs::set_status(tx, &id, RunStatus::Checked, at(3)));
    assert_eq!(
        bench.tx(runs::counts),
        [
            (RunStatus::Checked, SubStatus::Checked, 1),
            (RunStatus::Running, SubStatus::Queued, 1),
            (RunStatus::Running, SubStatus::Running, 1),
        ]
    );
}

#[test]
fn listings_filter_and_put_the_newest_start_first() {
    let bench = Bench::new();
    let (x, y) = (bench.operation("x_DEV", 9), bench.operation("y_DEV", 9));
    let old = bench.queue(x, "2026-05-03T23:59:59.999999Z".parse().unwrap());
    let run = NewRun { job_id: job("gbq-to-gbq|y_DEV"), ..run_of(y, "2026-05-04T00:00:00Z".parse().unwrap()) };
    let other = run.run_id.clone();
    bench.tx(move |tx| runs::create(tx, &run));
    let new = bench.queue(x, "2026-05-04T23:59:59.999999Z".parse().unwrap());
    let list = |filter: RunFilter| {
        let filter = RunFilter { limit: if filter.limit == 0 { 10 } else { filter.limit }, ..filter };
        ids(&bench.tx(move |tx| runs::list(tx, &filter)))
    };
    let all = RunFilter::default;
    assert_eq!(list(all()), [new.clone(), other.clone(), old.clone()]);
    assert_eq!(list(RunFilter { limit: 1, ..all() }), [new.clone()]);
    assert_eq!(list(RunFilter { configuration: Some(x), ..all() }), [new.clone(), old.clone()]);
    assert_eq!(list(RunFilter { job_id: Some(job("gbq-to-gbq|y_DEV")), ..all() }), [other.clone()]);
    let (from, until) = runs::bounds("2026-05-04".parse().unwrap());
    assert_eq!(list(RunFilter { from: Some(from), until: Some(until), ..all() }), [new.clone(), other.clone()]);
    assert_eq!(list(RunFilter { account: Some("000999".parse().unwrap()), ..all() }), []);
    assert_eq!(list(RunFilter { status: Some(RunStatus::Failed), ..all() }), []);

    // A start moves with the claim.
    let claimed = bench.claim("w", at(86_400), 1);
    assert_eq!(ids(&claimed), [old.clone()]);
    assert_eq!(list(RunFilter { configuration: Some(x), ..all() }), [old, new]);
}

#[test]
fn operations_are_summed_up_without_their_runs() {
    let bench = Bench::new();
    let (busy, quiet) = (bench.operation("busy_DEV", 5), bench.operation("quiet_DEV", 5));
    let end = |start, status, sub_status| {
        let run = run_of(busy, at(start));
        bench.tx(move |tx| runs::create_ended(tx, &run, status, sub_status, None));
    };
    end(5, RunStatus::Failed, SubStatus::Failed);
    end(9, RunStatus::Failed, SubStatus::Cancelled);
    end(7, RunStatus::Checked, SubStatus::Failed);
    let account = "000110".parse().unwrap();
    let (starts, failures) = bench.tx(move |tx| Ok((runs::last_starts(tx, &account)?, runs::failures(tx, &account)?)));
    assert_eq!((starts.get(&busy), starts.get(&quiet)), (Some(&at(9)), None));
    assert_eq!((failures.get(&busy), failures.get(&quiet)), (Some(&2), None), "whatever the sub-status");
    let other = "000001".parse().unwrap();
    assert!(
        bench.tx(move |tx| Ok(runs::failures(tx, &other)?.is_empty() && runs::last_starts(tx, &other)?.is_empty()))
    );
}

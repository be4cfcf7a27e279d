//! Workflows: collect, fire once per full set, reset, go on when deployed anew.

use tailer_model::{ConfigurationType, RunId};
use tailer_store::{ConfigurationKey, configurations, workflows};

use crate::common::{Bench, at, identity, job, run_id, version_of};

const LIST: [&str; 3] = ["JA", "JB", "JC"];

/// A workflow that awaits these jobs.
fn workflow(bench: &Bench, id: &str, awaits: &'static [&'static str]) -> ConfigurationKey {
    let key = bench.deploy(version_of(identity(ConfigurationType::Workflow, id))).key;
    deploy(bench, key, awaits, 0);
    key
}

fn deploy(bench: &Bench, key: ConfigurationKey, awaits: &'static [&'static str], seconds: i64) {
    let jobs: Vec<_> = awaits.iter().map(|id| job(id)).collect();
    bench.tx(move |tx| workflows::deploy(tx, key, &jobs, at(seconds)));
}

fn arrive(bench: &Bench, key: ConfigurationKey, id: &'static str, n: u128) {
    bench.tx(move |tx| workflows::arrive(tx, key, &job(id), &run_id(n), at(10)));
}

fn fire(bench: &Bench, key: ConfigurationKey, generation: i64, n: u128) -> bool {
    bench.tx(move |tx| workflows::fire(tx, key, generation, &run_id(n), at(20)))
}

/// The generation, and what has arrived: job and number of the run.
fn state(bench: &Bench, key: ConfigurationKey) -> (i64, Vec<(String, RunId)>) {
    let state = bench.tx(move |tx| workflows::state(tx, key)).unwrap();
    (state.generation, state.arrivals.into_iter().map(|a| (a.job_id.0, a.run_id)).collect())
}

fn complete(bench: &Bench, key: ConfigurationKey) -> bool {
    let alone = bench.tx(move |tx| workflows::is_complete(tx, key));
    assert_eq!(bench.tx(workflows::complete).contains(&key), alone, "both ways to ask agree");
    alone
}

#[test]
fn a_full_set_fires_once_and_begins_anew() {
    let bench = Bench::new();
    let key = workflow(&bench, "w", &LIST);
    assert_eq!(state(&bench, key), (1, vec![]));
    arrive(&bench, key, "JC", 3);
    arrive(&bench, key, "JA", 1);
    arrive(&bench, key, "JX", 9);
    assert!(!complete(&bench, key));
    assert!(!fire(&bench, key, 1, 100), "the set is not complete");
    arrive(&bench, key, "JB", 2);
    arrive(&bench, key, "JA", 11);
    assert!(complete(&bench, key));
    assert!(!fire(&bench, key, 2, 100), "not yet this generation");
    assert!(fire(&bench, key, 1, 100));
    assert!(!fire(&bench, key, 1, 101), "once");
    assert!(!complete(&bench, key));
    assert_eq!(state(&bench, key), (2, vec![]));

    for (id, n) in [("JA", 4), ("JB", 5), ("JC", 6)] {
        arrive(&bench, key, id, n);
    }
    assert!(fire(&bench, key, 2, 102));
    let firings = bench.tx(move |tx| workflows::firings(tx, key, 10));
    assert_eq!(firings.iter().map(|f| f.generation).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((&firings[1].run_id, firings[1].date), (&run_id(100), at(20)));
    assert_eq!(firings[1].triggered_by, [run_id(11), run_id(2), run_id(3)], "the latest of each, as awaited");
    assert_eq!(bench.tx(move |tx| workflows::firings(tx, key, 1)).len(), 1);
}

#[test]
fn a_reset_forgets_what_arrived_but_no_firing() {
    let bench = Bench::new();
    let key = workflow(&bench, "w", &LIST);
    arrive(&bench, key, "JC", 1);
    bench.tx(move |tx| workflows::reset(tx, key, at(15)));
    arrive(&bench, key, "JA", 2);
    arrive(&bench, key, "JB", 3);
    assert!(!complete(&bench, key), "the stale JC does not count");
    let found = bench.tx(move |tx| workflows::state(tx, key)).unwrap();
    assert_eq!((found.generation, found.last_reset), (1, Some(at(15))));
}

#[test]
fn deployed_anew_it_keeps_what_is_still_awaited() {
    let bench = Bench::new();
    let key = workflow(&bench, "w", &LIST);
    arrive(&bench, key, "JA", 1);
    arrive(&bench, key, "JC", 3);
    deploy(&bench, key, &["JD", "JA"], 30);
    let awaited = bench.tx(move |tx| workflows::awaited(tx, key));
    assert_eq!(awaited, [job("JD"), job("JA")]);
    assert_eq!(state(&bench, key), (1, vec![("JA".into(), run_id(1))]));

    arrive(&bench, key, "JD", 4);
    assert!(!complete(&bench, key), "that run ended before the job was awaited");
    arrive(&bench, key, "JA", 5);
    assert_eq!(state(&bench, key).1, [("JA".into(), run_id(5))], "this one was awaited all along");
    bench.tx(move |tx| workflows::arrive(tx, key, &job("JD"), &run_id(6), at(30)));
    assert!(complete(&bench, key));
}

#[test]
fn a_job_knows_who_waits_for_it() {
    let bench = Bench::new();
    let (a, b) = (workflow(&bench, "a", &LIST), workflow(&bench, "b", &["JA"]));
    let waiting = |id: &'static str| bench.tx(move |tx| workflows::waiting_for(tx, &job(id)));
    assert_eq!(waiting("JA"), [a, b]);
    assert_eq!(waiting("JB"), [a]);
    assert_eq!(waiting("JX"), []);
    bench.tx(move |tx| configurations::set_flags(tx, a, Some(false), None, "ada", at(1)));
    assert_eq!(waiting("JA"), [b], "a disabled workflow does not collect");
}

#[test]
fn a_disabled_workflow_keeps_its_set_and_does_not_fire() {
    let bench = Bench::new();
    let key = workflow(&bench, "w", &["JA"]);
    arrive(&bench, key, "JA", 1);
    bench.tx(move |tx| configurations::set_flags(tx, key, Some(false), None, "ada", at(11)));
    assert_eq!(bench.tx(workflows::complete), []);
    bench.tx(move |tx| configurations::set_flags(tx, key, Some(true), None, "ada", at(12)));
    assert_eq!(bench.tx(workflows::complete), [key]);
}

#[test]
fn nothing_awaited_is_never_complete() {
    let bench = Bench::new();
    let key = workflow(&bench, "w", &[]);
    assert!(!complete(&bench, key));
    assert!(!fire(&bench, key, 1, 1));
    let table = bench.operation("x_DEV", 1);
    assert_eq!(bench.tx(move |tx| workflows::state(tx, table)), None);
}

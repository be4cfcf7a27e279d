//! Results of expectations: once per attempt, under the fence, read by run and by configuration.

use serde_json::json;
use tailer_model::{Criticality, RunId, RunStatus, SubStatus};
use tailer_store::{
    ConfigurationKey, configurations,
    expectations::{self, Found, Series},
    runs,
};

use crate::common::{Bench, account, at, table, task, version_of};

fn found(line: u32, passed: bool) -> Found {
    let rejected = if passed { json!(null) } else { json!({"columns": [], "rows": [[1]]}) };
    Found {
        call: format!("unique({line})"),
        passed,
        line,
        message: format!("line {line}"),
        result: json!({"passed": passed}),
        rejected,
    }
}

#[test]
fn what_was_found_first_stays() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 2);
    let run = bench.running(key, "w", at(0));
    let record = |fence, attempt, all: Vec<Found>, seconds| {
        let id = run.run_id.clone();
        bench.tx(move |tx| {
            let task = task("check");
            expectations::record(tx, &id, fence, key, (&task, Criticality::Warning), attempt, &all, at(seconds))
        })
    };
    let lines = |attempt| {
        let id = run.run_id.clone();
        let rows = bench.tx(move |tx| expectations::of_attempt(tx, &id, &task("check"), attempt));
        rows.into_iter().map(|row| (row.found.line, row.found.passed)).collect::<Vec<_>>()
    };
    assert!(lines(1).is_empty());
    assert!(record(1, 1, vec![found(3, true), found(5, false)], 1));
    assert!(record(1, 1, vec![found(3, false), found(5, true)], 2));
    assert_eq!(lines(1), [(3, true), (5, false)]);
    bench.tx(|tx| runs::take_over(tx, "v", at(20), at(35), 9, runs::Place::Home));
    assert!(!record(1, 2, vec![found(3, true)], 21), "who lost the run records nothing");
    assert!(record(2, 2, vec![found(4, true)], 22));
    let id = run.run_id.clone();
    let all = bench.tx(move |tx| expectations::of_run(tx, &id, 10));
    assert_eq!(all.iter().map(|row| row.found.line).collect::<Vec<_>>(), [3, 5, 4]);
    assert_eq!(all[1].found, found(5, false));
    assert_eq!((all[1].checked, all[1].criticality), (at(1), Criticality::Warning));
    let newest = bench.tx(move |tx| expectations::of_configuration(tx, key, 2));
    assert_eq!(newest.iter().map(|row| row.found.line).collect::<Vec<_>>(), [4, 3]);
    assert_eq!(newest[0].run_id, run.run_id);
}

/// What a CALL of `t.column` found.
fn of_column(column: &str, call: &str, passed: bool) -> Found {
    let result = json!({"procedure_name": "unique", "dataset": "p.d", "tablename": "t", "column_name": column});
    Found { call: call.into(), result, ..found(1, passed) }
}

/// A run of the configuration's newest version that found this at a moment, and ended.
fn checked(bench: &Bench, key: ConfigurationKey, second: i64, found: &[Found]) -> RunId {
    let run = bench.running(key, "w", at(second));
    let (id, fence, found) = (run.run_id.clone(), run.fence, found.to_vec());
    let record = move |tx: &mut tailer_store::Tx<'_>| {
        let task = task("check");
        expectations::record(tx, &id, fence, key, (&task, Criticality::Warning), 1, &found, at(second))?;
        runs::finish(tx, &id, fence, RunStatus::Success, SubStatus::Success, None, at(second))
    };
    assert!(bench.tx(record));
    run.run_id
}

fn series(bench: &Bench) -> Vec<Series> {
    let mut all = bench.tx(|tx| expectations::of_account(tx, &account(), None));
    all.sort_by_key(|one| one.key);
    all
}

#[test]
fn a_call_is_the_same_expectation_wherever_it_moves() {
    let bench = Bench::new();
    let (key, other) = (bench.operation("x_DEV", 1), bench.operation("y_DEV", 1));
    let (a, b) = ("unique('d', 't', 'a')", "unique('d', 't', 'b')");
    checked(&bench, key, 0, &[of_column("a", a, true), of_column("b", b, false)]);
    let newest =
        checked(&bench, key, 60, &[of_column("b", b, true), of_column("a", a, false), of_column("a", a, true)]);
    checked(&bench, other, 90, &[of_column("a", a, true)]);
    let all = series(&bench);
    let told: Vec<_> =
        all.iter().map(|one| (one.call.as_str(), one.column.as_str(), one.passed, one.checked)).collect();
    assert_eq!(told, [(a, "a", false, at(60)), (b, "b", true, at(60)), (a, "a", true, at(60)), (a, "a", true, at(90))]);
    assert_eq!((all[0].procedure.as_str(), all[0].dataset.as_str(), all[0].table.as_str()), ("unique", "p.d", "t"));
    let digests: std::collections::BTreeSet<_> = all.iter().map(|one| &one.digest).collect();
    assert_eq!(digests.len(), 4, "equal ones of a task are told apart, and those of other operations");

    let first = all[0].key;
    let marks = bench.tx(move |tx| expectations::marks(tx, first, 10));
    assert_eq!(marks.iter().map(|mark| mark.passed).collect::<Vec<_>>(), [false, true]);
    assert_eq!(marks[0].run_id, newest);
    let results = bench.tx(move |tx| expectations::results(tx, first, Some(at(60)), 10));
    assert_eq!(results.iter().map(|row| (row.checked, row.found.call.as_str())).collect::<Vec<_>>(), [(at(0), a)]);
    let digest = all[0].digest.clone();
    assert_eq!(bench.tx(move |tx| expectations::find(tx, &digest)), Some(all[0].clone()));
    assert_eq!(bench.tx(|tx| expectations::find(tx, "nothing")), None);
    let of_other = bench.tx(move |tx| expectations::of_account(tx, &account(), Some(other)));
    assert_eq!(of_other, [all[3].clone()]);
    assert!(bench.tx(|tx| expectations::of_account(tx, &"000001".parse().unwrap(), None)).is_empty());
}

#[test]
fn a_series_knows_the_version_that_checked_it_last() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    checked(&bench, key, 0, &[of_column("a", "a", true)]);
    bench.deploy(version_of(table("x_DEV")));
    let [one] = series(&bench).try_into().unwrap();
    assert_eq!((one.version, one.deployed), (1, 2));
    bench.tx(move |tx| configurations::set_flags(tx, key, None, Some(true), "ada", at(0)));
    assert!(series(&bench).is_empty(), "what is archived is not looked at");
}

#[test]
fn what_could_not_be_checked_keeps_the_table_it_is_about() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    checked(&bench, key, 0, &[of_column("a", "a", true)]);
    let error =
        json!({"procedure_name": "unique", "dataset": "d", "tablename": "t", "column_name": null, "error": "gone"});
    checked(&bench, key, 60, &[Found { result: error, ..of_column("a", "a", false) }]);
    let [one] = series(&bench).try_into().unwrap();
    assert_eq!((one.dataset.as_str(), one.column.as_str(), one.passed), ("p.d", "a", false));
}

#[test]
fn pruned_results_leave_no_trace_in_their_series() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    checked(&bench, key, 0, &[of_column("a", "a", true), of_column("b", "b", true)]);
    checked(&bench, key, 60, &[of_column("a", "a", false)]);
    checked(&bench, key, 120, &[of_column("c", "c", true)]);
    let prune = |before: i64| {
        bench.tx(move |tx| {
            let seen = runs::older(tx, at(before), (jiff::Timestamp::MIN, 0), 100)?;
            runs::prune(tx, &seen.sequences, 100)
        })
    };
    assert_eq!(prune(30).runs, 1);
    let told = |all: Vec<Series>| all.into_iter().map(|one| (one.call, one.passed, one.checked)).collect::<Vec<_>>();
    assert_eq!(
        told(series(&bench)),
        [("a".into(), false, at(60)), ("c".into(), true, at(120))],
        "b has no results left"
    );
    assert_eq!(prune(90).runs, 1);
    assert_eq!(told(series(&bench)), [("c".into(), true, at(120))]);
}

//! Results of expectations: once per attempt, under the fence, read by run and by configuration.

use serde_json::json;
use tailer_model::Criticality;
use tailer_store::{
    expectations::{self, Found},
    runs,
};

use crate::common::{Bench, at, task};

fn found(line: u32, passed: bool) -> Found {
    let rejected = if passed { json!(null) } else { json!({"columns": [], "rows": [[1]]}) };
    Found { passed, line, message: format!("line {line}"), result: json!({"passed": passed}), rejected }
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

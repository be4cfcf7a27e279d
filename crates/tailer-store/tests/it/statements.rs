//! Statements: recorded under the fence, open until closed.

use tailer_store::{runs, statements};

use crate::common::{Bench, at, task};

#[test]
fn statements_are_open_until_closed() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = bench.running(key, "w", at(0));
    let record = |fence, name: &'static str, seconds| {
        let id = run.run_id.clone();
        bench.tx(move |tx| statements::record(tx, &id, fence, &task("load"), 1, name, at(seconds)))
    };
    let open = || {
        let id = run.run_id.clone();
        bench.tx(move |tx| statements::open(tx, &id))
    };
    assert!(record(1, "job-b", 1));
    assert!(record(1, "job-a", 2));
    assert!(record(1, "job-b", 3), "the same job again is the same");
    assert_eq!(open(), ["job-b", "job-a"]);
    bench.tx(|tx| runs::take_over(tx, "v", at(20), at(35), 9, runs::Place::Home));
    assert!(!record(1, "job-c", 21), "who lost the run submits nothing");
    assert_eq!(open(), ["job-b", "job-a"], "the next worker can stop what was started");
    let id = run.run_id.clone();
    bench.tx(move |tx| statements::close(tx, &id, "job-b"));
    assert_eq!(open(), ["job-a"]);
}

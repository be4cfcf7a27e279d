//! The ledger of files: each version taken once per operation.

use tailer_store::files;

use crate::common::{Bench, at, run_id};

#[test]
fn each_version_of_a_file_is_taken_once() {
    let bench = Bench::new();
    let (key, other) = (bench.operation("x_DEV", 1), bench.operation("y_DEV", 1));
    let take = |key, version: &'static str, n| {
        bench.tx(move |tx| files::take(tx, key, "gs://in/a.csv", version, &run_id(n), at(1)))
    };
    let seen = |version: &'static str| bench.tx(move |tx| files::seen(tx, key, "gs://in/a.csv", version));
    assert!(take(key, "v1", 1));
    assert!(!take(key, "v1", 2));
    assert!(take(key, "v2", 3), "a rewritten file is a new one");
    assert!(take(other, "v1", 4), "another operation has its own ledger");
    assert_eq!((seen("v1"), seen("v3")), (Some(run_id(1)), None));
    assert_eq!(bench.tx(move |tx| files::forget(tx, key, "gs://in/a.csv")), 2);
    assert_eq!(seen("v1"), None);
    assert!(take(key, "v1", 5), "a person may have it taken again");
    assert!(!take(other, "v1", 6), "the others remember");
    for (version, run) in [("v1", 7), ("v9", 8)] {
        bench.tx(move |tx| files::retake(tx, key, "gs://in/a.csv", version, &run_id(run), at(2)));
        assert_eq!(seen(version), Some(run_id(run)), "the newest run has it");
    }
}

//! Ticks: once per kind and time.

use tailer_store::{StoreError, ticks};

use crate::common::{Bench, at, run_id};

#[test]
fn a_tick_happens_once_per_kind() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let other = bench.operation("y_DEV", 1);
    let record = |key, kind, tick, n: Option<u128>| {
        bench.tx(move |tx| ticks::record(tx, key, kind, at(tick), n.map(run_id).as_ref(), at(100)))
    };
    let last = |kind| bench.tx(move |tx| ticks::last(tx, key, kind));
    assert_eq!(last(ticks::RUN), None);
    assert!(record(key, ticks::RUN, 60, Some(1)));
    assert!(!record(key, ticks::RUN, 60, Some(2)));
    assert!(record(key, ticks::RUN, 0, None), "an older one, with catchup");
    assert!(record(key, ticks::RESET, 60, None));
    assert!(record(other, ticks::RUN, 60, Some(3)));
    assert_eq!((last(ticks::RUN), last(ticks::RESET)), (Some(at(60)), Some(at(60))));
    let nowhere = tailer_store::ConfigurationKey(99);
    let refused = bench.try_tx(move |tx| ticks::record(tx, nowhere, ticks::RUN, at(0), None, at(0)));
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
}

//! Idempotency keys: one body, one day.

use tailer_store::{StoreError, idempotency};

use crate::common::{Bench, account, at, run_id};

#[test]
fn an_idempotency_key_stands_for_one_body_for_a_day() {
    const DAY: i64 = 86_400;
    let bench = Bench::new();
    let record = |body: &'static str, n, seconds| {
        bench.try_tx(move |tx| idempotency::record(tx, &account(), "k", body, &run_id(n), at(seconds)))
    };
    let lookup = |account: &'static str, seconds| {
        bench.tx(move |tx| idempotency::lookup(tx, &account.parse().unwrap(), "k", at(seconds)))
    };
    assert_eq!(lookup("000110", 0), None);
    assert_eq!(record("body", 1, 0), Ok(()));
    assert!(matches!(record("other", 2, 5), Err(StoreError::Conflict(_))));
    assert_eq!(lookup("000110", DAY - 1), Some(("body".into(), run_id(1))));
    assert_eq!(lookup("000999", 1), None, "another account, another key");
    assert_eq!(lookup("000110", DAY), None, "forgotten after a day");
    assert_eq!(record("other", 3, DAY), Ok(()));
    assert_eq!(lookup("000110", DAY + 1), Some(("other".into(), run_id(3))));
    assert_eq!(bench.tx(|tx| idempotency::expire(tx, at(DAY))), 0);
    assert_eq!(bench.tx(|tx| idempotency::expire(tx, at(DAY + 1))), 1);
}

//! What SQLite would do for every filter there is: walk indices in the order asked for, and sort nothing but what walks give.

use super::*;
use crate::Store;

const INSTANT: Timestamp = Timestamp::UNIX_EPOCH;

/// Every filter, on and off.
fn every_filter() -> impl Iterator<Item = RunFilter> {
    (0..1u32 << 11).map(|bits| {
        let on = |bit: u32| bits & (1 << bit) != 0;
        let place = Position { started: INSTANT, sequence: 5 };
        RunFilter {
            account: on(0).then(|| "000110".parse().unwrap()),
            environment: on(1).then_some(Environment::Dev),
            configuration_type: on(2).then_some(ConfigurationType::Workflow),
            configuration: on(3).then_some(ConfigurationKey(1)),
            configurations: on(4).then(|| vec![ConfigurationKey(1), ConfigurationKey(2)]),
            job_id: on(5).then(|| JobId("workflow|000110|x|DEV".into())),
            status: on(6).then_some(RunStatus::Failed),
            sub_status: on(7).then_some(SubStatus::TimedOut),
            trigger: on(8).then_some(TriggerType::File),
            from: on(9).then_some(INSTANT),
            until: on(9).then_some(INSTANT),
            after: on(10).then_some(place),
            before: None,
            limit: 10,
        }
    })
}

fn explained(store: &Store, sql: String, params: Vec<Value<'static>>) -> Vec<String> {
    let explain = move |tx: &mut Tx<'_>| {
        tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &params, |row| {
            let _numbers: [i64; 3] = [row.take()?, row.take()?, row.take()?];
            row.take::<String>()
        })
    };
    store.read_blocking::<_, StoreError>(explain).unwrap()
}

fn kept(params: Vec<Value<'_>>) -> Vec<Value<'static>> {
    let keep = |value| match value {
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::Integer(n) => Value::Integer(n),
        Value::Null | Value::Bytes(_) => Value::Null,
    };
    params.into_iter().map(keep).collect()
}

#[test]
fn every_listing_walks_indices_in_the_order_asked_for() {
    let store = Store::in_memory().unwrap();
    for filter in every_filter() {
        let (walks, mut range) = (walks(&filter), Range::of(&filter));
        for upwards in [false, true] {
            range.upwards = upwards;
            for walk in &walks {
                let mut params = Vec::new();
                let sql = format!("SELECT started, sequence {}", along(walk, &range, true, &mut params));
                let steps = explained(&store, sql, kept(params));
                let [step] = steps.as_slice() else { panic!("{filter:?}: not one step, perhaps a sort: {steps:?}") };
                // All that leads the index is used: `(account=? AND sub_status=? AND started>?)`.
                assert_eq!(step.matches("=?").count(), walk.along.len(), "{filter:?}: {step}");
                let ranges = usize::from(range.newer_than.is_some()) + usize::from(range.older_than.is_some());
                // Both ends are where the walk begins and ends, not looked at on the way.
                assert_eq!(step.matches(['<', '>']).count(), ranges, "{filter:?}: {step}");
            }
        }
    }
}

#[test]
fn walks_are_merged_without_reading_all_of_them() {
    let store = Store::in_memory().unwrap();
    let account = Some("000110".parse().unwrap());
    for (filter, expect) in [
        (RunFilter { account: account.clone(), ..RunFilter::default() }, 1),
        (RunFilter { account: account.clone(), status: Some(RunStatus::Failed), ..RunFilter::default() }, 3),
        (RunFilter { account: account.clone(), environment: Some(Environment::Dev), ..RunFilter::default() }, 7),
        (RunFilter { account, configuration_type: Some(ConfigurationType::Workflow), ..RunFilter::default() }, 4),
    ] {
        let walks = walks(&filter);
        assert_eq!(walks.len(), expect, "{filter:?}");
        assert!(walks.iter().all(|walk| walk.asked.is_empty()), "{walks:?}");
        let (sql, params) = rows(&walks, &Range::of(&filter), 10);
        let steps = explained(&store, sql, kept(params));
        assert!(!steps.iter().any(|step| step.starts_with("SCAN runs")), "{steps:?}");
    }
}

#[test]
fn a_day_is_its_utc_hours() {
    let (from, to) = bounds("2026-02-28".parse().unwrap());
    assert_eq!(from.to_string(), "2026-02-28T00:00:00Z");
    assert_eq!(to.to_string(), "2026-03-01T00:00:00Z");
    assert_eq!(bounds(Date::MAX), (Timestamp::MAX, Timestamp::MAX), "after all runs");
    assert!(bounds(Date::MIN).0 < bounds("1969-12-31".parse().unwrap()).0);
}

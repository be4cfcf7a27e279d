//! Alerts: recorded once, claimed by one at a time, tried again, over at last.

use jiff::Timestamp;
use tailer_model::{RunId, RunStatus, SubStatus, monitoring::Channel};
use tailer_store::{
    alerts::{self, AlertRow, AlertState, DueAlert, NewAlert, Recent},
    runs,
};

use crate::common::{Bench, at, run_of};

/// An alert of a run that failed at a moment.
fn alert(bench: &Bench, id: &str, destination: &'static str, second: i64) -> RunId {
    let run = run_of(bench.operation(id, 9), at(second));
    let run_id = run.run_id.clone();
    bench.tx(move |tx| {
        runs::create_ended(tx, &run, RunStatus::Failed, SubStatus::Failed, Some("broken".into()))?;
        let run_id = &run.run_id;
        let (status, channel) = (RunStatus::Failed, Channel::Email);
        let new = NewAlert { run_id, status, channel, destination, shown: "ops@x.com", at: at(second) };
        assert!(alerts::add(tx, &new)?);
        assert!(!alerts::add(tx, &new)?, "once");
        assert!(alerts::add(
            tx,
            &NewAlert { channel: Channel::Slack, destination: "other", at: at(second + 900), ..new }
        )?);
        Ok(())
    });
    run_id
}

fn due(bench: &Bench, second: i64) -> Vec<DueAlert> {
    bench.tx(move |tx| alerts::due(tx, at(second), 100))
}

fn claim(bench: &Bench, second: i64, digest: bool) -> DueAlert {
    let alert = due(bench, second).remove(0);
    let key = alert.key;
    assert!(bench.tx(move |tx| alerts::claim(tx, key, at(second), at(second + 60), digest)));
    assert!(!bench.tx(move |tx| alerts::claim(tx, key, at(second), at(second + 60), digest)), "by one at a time");
    alert
}

fn of_run(bench: &Bench, run: &RunId) -> AlertRow {
    let run = run.clone();
    bench.tx(move |tx| alerts::of_run(tx, &run)).remove(0)
}

#[test]
fn one_is_sent_once() {
    let bench = Bench::new();
    assert_eq!(bench.tx(alerts::next_due), None);
    let run = alert(&bench, "x_DEV", "d", 5);
    assert_eq!(bench.tx(alerts::next_due), Some(at(5)));
    assert!(due(&bench, 4).is_empty());
    let claimed = claim(&bench, 6, false);
    assert_eq!((&claimed.run_id, claimed.status, claimed.attempts, claimed.version), (&run, RunStatus::Failed, 0, 1));
    assert!(due(&bench, 65).is_empty(), "it is being sent");
    let key = claimed.key;
    assert!(bench.tx(move |tx| alerts::sent(tx, key, 1, at(7), Some("bad@x.com: 550"))));
    assert!(!bench.tx(move |tx| alerts::failed(tx, key, 1, at(8), "late")), "what is over stays so");
    let expect = AlertRow {
        status: RunStatus::Failed,
        channel: Channel::Email,
        shown: "ops@x.com".into(),
        state: AlertState::Sent,
        updated: at(7),
        due: None,
        attempts: 1,
        error: Some("bad@x.com: 550".into()),
    };
    assert_eq!(of_run(&bench, &run), expect);
    assert_eq!(bench.tx(alerts::next_due), Some(at(905)), "the other channel's");
}

#[test]
fn who_was_thought_dead_records_nothing() {
    let bench = Bench::new();
    let run = alert(&bench, "x_DEV", "d", 0);
    let key = claim(&bench, 0, false).key;
    let second = claim(&bench, 60, false);
    assert_eq!((second.key, second.attempts), (key, 1));
    assert!(!bench.tx(move |tx| alerts::sent(tx, key, 1, at(61), None)));
    assert!(!bench.tx(move |tx| alerts::again(tx, key, 1, (at(61), at(99)), "no", None)));
    assert!(bench.tx(move |tx| alerts::failed(tx, key, 2, at(62), "gone")));
    assert_eq!((of_run(&bench, &run).state, of_run(&bench, &run).attempts), (AlertState::Failed, 2));
}

#[test]
fn what_reached_nobody_is_tried_again_and_not_counted() {
    let bench = Bench::new();
    alert(&bench, "x_DEV", "d", 0);
    let recent = |bench: &Bench, since| bench.tx(move |tx| alerts::recent(tx, "d", at(since)));
    let key = claim(&bench, 0, false).key;
    assert_eq!(recent(&bench, -60), Recent { singles: 1, ..Recent::default() });
    let left = vec!["b@x.com".to_owned()];
    assert!(bench.tx(move |tx| alerts::again(tx, key, 1, (at(1), at(5)), "busy", Some(&left))));
    assert_eq!(recent(&bench, -60), Recent::default());
    assert_eq!(due(&bench, 4), []);
    let again = claim(&bench, 5, true);
    assert_eq!((again.recipients.unwrap(), again.error.unwrap()), (vec!["b@x.com".to_owned()], "busy".to_owned()));
    assert_eq!(recent(&bench, 0), Recent { singles: 0, digest: Some(at(5)), in_flight: true });
    assert_eq!(recent(&bench, 5), Recent::default(), "long ago");
    assert!(bench.tx(move |tx| alerts::again(tx, key, 2, (at(6), at(9)), "busy", None)));
    assert_eq!(due(&bench, 9)[0].recipients.as_deref(), Some(["b@x.com".to_owned()].as_slice()), "still only those");
}

#[test]
fn a_destination_waits_as_a_whole_and_claims_are_given_up() {
    let bench = Bench::new();
    for (id, destination) in [("a_DEV", "d"), ("b_DEV", "d"), ("c_DEV", "e")] {
        alert(&bench, id, destination, 0);
    }
    assert_eq!(bench.tx(|tx| alerts::postpone(tx, "d", at(1), at(30))), 2);
    assert_eq!(due(&bench, 2).iter().map(|alert| alert.destination.as_str()).collect::<Vec<_>>(), ["e"]);
    let other = claim(&bench, 2, false).key;
    assert_eq!(bench.tx(|tx| alerts::release_all(tx, at(3))), 1, "those that only wait go on waiting");
    assert_eq!(due(&bench, 3)[0].key, other);
    assert_eq!(due(&bench, 30).len(), 3);
}

#[test]
fn a_run_stays_while_its_alert_is_on_its_way_and_takes_it_along_then() {
    let bench = Bench::new();
    let run = alert(&bench, "x_DEV", "d", 0);
    let newest = alert(&bench, "x_DEV", "d", 9);
    let prune = |bench: &Bench| {
        bench.tx(|tx| {
            let old = runs::older(tx, at(5), (Timestamp::MIN, 0), 100)?;
            runs::prune(tx, &old.sequences, 100)
        })
    };
    assert_eq!(prune(&bench).runs, 0);
    for _ in 0..2 {
        let found = bench.tx(|tx| alerts::due(tx, at(2000), 100));
        let key = found.into_iter().find(|alert| alert.run_id == run).unwrap().key;
        bench.tx(move |tx| {
            alerts::claim(tx, key, at(2000), at(2060), false)?;
            alerts::sent(tx, key, 1, at(2000), None)
        });
    }
    assert_eq!(prune(&bench).runs, 1);
    assert!(bench.tx(move |tx| alerts::of_run(tx, &run)).is_empty());
    assert_eq!(bench.tx(move |tx| alerts::of_run(tx, &newest)).len(), 2);
}

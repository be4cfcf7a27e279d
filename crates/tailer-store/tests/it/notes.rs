//! Notes: threads about operations, runs and tables, and what becomes of them.

use tailer_model::{AccountId, RunId, RunStatus, SubStatus};
use tailer_store::{
    StoreError,
    notes::{self, NewNote, NoteRow, Subject},
    runs,
};

use crate::common::{Bench, account, at, run_of};

fn note(bench: &Bench, subject: &Subject, parent: Option<i64>, text: &str) -> i64 {
    let new = NewNote {
        account: account(),
        subject: subject.clone(),
        parent,
        author: "user:ada".into(),
        text: text.into(),
        at: at(1),
    };
    bench.tx(move |tx| notes::add(tx, &new))
}

fn texts(rows: &[NoteRow]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}

fn threads(bench: &Bench, subject: &Subject, before: Option<i64>, limit: u32) -> Vec<NoteRow> {
    let subject = subject.clone();
    bench.tx(move |tx| notes::threads(tx, &subject, before, limit))
}

fn replies(bench: &Bench, subject: &Subject, from: i64, to: i64) -> Vec<NoteRow> {
    let subject = subject.clone();
    bench.tx(move |tx| notes::replies(tx, &subject, (from, to), 100))
}

fn count(bench: &Bench, subject: &Subject, thread: Option<i64>) -> u64 {
    let subject = subject.clone();
    bench.tx(move |tx| notes::count(tx, &subject, thread))
}

fn ended(bench: &Bench, key: tailer_store::ConfigurationKey, second: i64) -> RunId {
    let run = run_of(key, at(second));
    let id = run.run_id.clone();
    bench.tx(move |tx| runs::create_ended(tx, &run, RunStatus::Success, SubStatus::Success, None));
    id
}

/// One of each kind, and a neighbour of the same kind that must not be mixed up with it.
fn subjects(bench: &Bench) -> Vec<(Subject, Subject)> {
    let (x, y) = (bench.operation("x_DEV", 1), bench.operation("y_DEV", 1));
    let (one, two) = (ended(bench, x, 0), ended(bench, x, 1));
    let other: AccountId = "000001".parse().unwrap();
    vec![
        (Subject::Operation(x), Subject::Operation(y)),
        (Subject::Run(one), Subject::Run(two)),
        (Subject::Table(account(), "p.d.t".into()), Subject::Table(account(), "p.d.u".into())),
        (Subject::Table(account(), "p.d.t".into()), Subject::Table(other, "p.d.t".into())),
    ]
}

#[test]
fn threads_are_listed_newest_first_and_replies_oldest_first() {
    let bench = Bench::new();
    for (subject, neighbour) in subjects(&bench) {
        let before = count(&bench, &subject, None);
        let first = note(&bench, &subject, None, "first");
        let second = note(&bench, &subject, None, "second");
        note(&bench, &subject, Some(first), "a");
        note(&bench, &subject, Some(second), "c");
        note(&bench, &subject, Some(first), "b");
        let found = threads(&bench, &subject, None, 2);
        assert_eq!(texts(&found), ["second", "first"], "{subject:?}");
        assert_eq!((&found[1].subject, found[1].parent, found[1].created), (&subject, None, at(1)));
        assert_eq!(texts(&threads(&bench, &subject, Some(second), 1)), ["first"]);
        assert_eq!(texts(&replies(&bench, &subject, first, second)), ["a", "b", "c"]);
        assert_eq!(texts(&replies(&bench, &subject, second, second)), ["c"]);
        assert_eq!(replies(&bench, &subject, first, first)[0].parent, Some(first));
        assert_eq!(count(&bench, &subject, None) - before, 5);
        assert_eq!(count(&bench, &subject, Some(first)), 2);
        assert!(threads(&bench, &neighbour, None, 9).is_empty(), "{neighbour:?}");
        assert_eq!(count(&bench, &neighbour, None), 0);
    }
}

#[test]
fn a_removed_note_has_no_text_and_shows_only_above_replies() {
    let bench = Bench::new();
    for (subject, _) in subjects(&bench) {
        let (alone, above) = (note(&bench, &subject, None, "alone"), note(&bench, &subject, None, "above"));
        let below = note(&bench, &subject, Some(above), "below");
        let remove = |note| bench.tx(move |tx| notes::remove(tx, note, at(5)));
        assert!(remove(alone) && remove(above) && !remove(above), "once");
        let found = threads(&bench, &subject, None, 1);
        assert_eq!((found[0].note, found[0].text.as_str(), found[0].removed), (above, "", Some(at(5))));
        assert!(!threads(&bench, &subject, None, 9).iter().any(|row| row.note == alone));
        assert!(!bench.tx(move |tx| notes::edit(tx, above, "again", at(6))), "it is gone");
        assert!(remove(below));
        assert!(!threads(&bench, &subject, None, 9).iter().any(|row| row.note == above));
    }
}

#[test]
fn an_edit_is_seen_as_one() {
    let bench = Bench::new();
    let subject = Subject::Operation(bench.operation("x_DEV", 1));
    let id = note(&bench, &subject, None, "before");
    assert!(bench.tx(move |tx| notes::edit(tx, id, "after", at(7))));
    let row = bench.tx(move |tx| notes::get(tx, id)).unwrap();
    assert_eq!((row.text.as_str(), row.edited, row.created), ("after", Some(at(7)), at(1)));
    assert!(!bench.tx(|tx| notes::edit(tx, 999, "x", at(7))));
    assert_eq!(bench.tx(|tx| notes::get(tx, 999)), None);
}

#[test]
fn there_is_no_note_about_nothing() {
    let bench = Bench::new();
    let nothing = Subject::Run(crate::common::run_id(7));
    let new = NewNote {
        account: account(),
        subject: nothing,
        parent: None,
        author: "user:ada".into(),
        text: "x".into(),
        at: at(1),
    };
    let refused = bench.try_tx(move |tx| notes::add(tx, &new));
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

#[test]
fn notes_on_a_run_are_pruned_with_it() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let (old, newest) = (ended(&bench, key, 0), ended(&bench, key, 1));
    let on_old = note(&bench, &Subject::Run(old.clone()), None, "old");
    note(&bench, &Subject::Run(old.clone()), Some(on_old), "reply");
    let (on_newest, on_operation) =
        (note(&bench, &Subject::Run(newest), None, "newest"), note(&bench, &Subject::Operation(key), None, "x"));
    let sequences = vec![bench.run(&old).sequence];
    assert_eq!(bench.tx(move |tx| runs::prune(tx, &sequences, 100)).runs, 1);
    assert_eq!(bench.tx(move |tx| notes::get(tx, on_old)), None);
    for kept in [on_newest, on_operation] {
        assert!(bench.tx(move |tx| notes::get(tx, kept)).is_some());
    }
}

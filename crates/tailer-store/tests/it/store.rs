//! The store itself: decisions are whole or nothing, groups share commits and no errors.

use std::sync::mpsc;

use tailer_store::{Durability, Store, StoreError, settings};

use crate::fresh;

/// An error of an engine's kind.
#[derive(Debug, PartialEq)]
enum Refused {
    ByRule(&'static str),
    ByStore(StoreError),
}

impl From<StoreError> for Refused {
    fn from(e: StoreError) -> Self {
        Self::ByStore(e)
    }
}

fn set(store: &Store, name: &'static str) -> Result<(), StoreError> {
    store.write_blocking(Durability::Synced, move |tx| settings::set(tx, name, "set"))
}

fn is_set(store: &Store, name: &'static str) -> bool {
    store.read_blocking(move |tx| settings::get(tx, name)).unwrap().is_some()
}

#[test]
fn a_decision_that_fails_leaves_nothing() {
    let store = fresh();
    let refused = store.write_blocking(Durability::Synced, |tx| {
        settings::set(tx, "a", "1")?;
        Err::<(), _>(Refused::ByRule("no"))
    });
    assert_eq!(refused, Err(Refused::ByRule("no")));
    assert!(!is_set(&store, "a"));
}

#[test]
fn a_decision_that_panics_takes_back_its_own_writes_only() {
    let store = fresh();
    let panicked = store.write_blocking(Durability::Synced, |tx| -> Result<(), StoreError> {
        settings::set(tx, "a", "1")?;
        panic!("at the disco")
    });
    assert_eq!(panicked, Err(StoreError::Internal("a decision panicked: at the disco".into())));
    assert!(!is_set(&store, "a"));
    assert_eq!(set(&store, "b"), Ok(()), "the writer lives on");
    let panicked = store.read_blocking(|_| -> Result<(), StoreError> { panic!("again {}", 1) });
    assert_eq!(panicked, Err(StoreError::Internal("a decision panicked: again 1".into())));
    assert!(is_set(&store, "b"));
}

#[test]
fn decisions_of_one_group_neither_share_errors_nor_lose_order() {
    let store = fresh();
    // Hold the writer, so that all that follows waits and makes one group.
    let (go, gate) = mpsc::channel::<()>();
    let (held, holding) = mpsc::channel();
    let (answers, answered) = mpsc::channel();
    let spawn = |n: i64| {
        let (store, answers, held) = (store.clone(), answers.clone(), held.clone());
        let decide = move || {
            let result = store.write_blocking(Durability::Relaxed, move |tx| {
                let before = settings::get(tx, "order")?.unwrap_or_default();
                settings::set(tx, "order", &format!("{before}{n}"))?;
                if n % 3 == 0 { Err(Refused::ByRule("every third")) } else { Ok(n) }
            });
            answers.send((n, result)).unwrap();
        };
        held.send(()).unwrap();
        std::thread::spawn(decide)
    };
    let gatekeeper = {
        let (store, held) = (store.clone(), held.clone());
        std::thread::spawn(move || {
            store.write_blocking(Durability::Synced, move |_| {
                held.send(()).unwrap();
                gate.recv().unwrap();
                Ok::<_, StoreError>(())
            })
        })
    };
    holding.recv().unwrap();
    let threads: Vec<_> = (1..=9).map(spawn).collect();
    go.send(()).unwrap();
    gatekeeper.join().unwrap().unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(answers);
    let mut kept: Vec<i64> = Vec::new();
    for (n, result) in answered {
        match result {
            Ok(same) => kept.push(same),
            Err(e) => assert_eq!((n % 3, e), (0, Refused::ByRule("every third"))),
        }
    }
    assert_eq!(kept.len(), 6);
    let order = store.read_blocking(|tx| settings::get(tx, "order")).unwrap().unwrap();
    let mut digits: Vec<_> = order.bytes().collect();
    digits.sort_unstable();
    assert_eq!(digits, b"124578", "each saw those before it, none of the refused: {order}");
}

#[test]
fn reads_see_what_was_answered_and_cannot_write() {
    let store = fresh();
    set(&store, "a").unwrap();
    assert!(is_set(&store, "a"));
    let wrote = store.read_blocking(|tx| settings::set(tx, "b", "1"));
    assert!(matches!(wrote, Err(StoreError::Database(_))), "{wrote:?}");
    assert!(!is_set(&store, "b"));
}

#[test]
fn a_read_is_one_snapshot() {
    let store = fresh();
    let writer = store.clone();
    let seen = store.read_blocking(move |tx| {
        let before = settings::get(tx, "a")?;
        set(&writer, "a")?;
        Ok::<_, StoreError>((before, settings::get(tx, "a")?))
    });
    assert_eq!(seen, Ok((None, None)), "what is committed meanwhile is not seen");
    assert!(is_set(&store, "a"));
}

#[tokio::test]
async fn futures_answer_and_may_be_dropped() {
    let store = fresh();
    store.write(Durability::Relaxed, |tx| settings::set(tx, "a", "1")).await.unwrap();
    assert_eq!(store.read(|tx| settings::get(tx, "a")).await, Ok(Some("1".into())));
    let dropped = store.write(Durability::Synced, |tx| settings::set(tx, "a", "2"));
    let _ = tokio::time::timeout(std::time::Duration::ZERO, dropped).await;
    // Whoever dropped the future does not know; whoever comes next sees one or the other, never half.
    store.write(Durability::Synced, |_| Ok::<_, StoreError>(())).await.unwrap();
    assert_eq!(store.read(|tx| settings::get(tx, "a")).await, Ok(Some("2".into())));
}

#[test]
fn a_store_may_be_dropped_by_a_decision() {
    let store = fresh();
    let inner = store.clone();
    let (done, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        store.write_blocking(Durability::Synced, move |_| {
            drop(inner);
            Ok::<_, StoreError>(())
        })
    });
    std::thread::spawn(move || done.send(thread.join().unwrap()));
    assert_eq!(told.recv_timeout(std::time::Duration::from_secs(10)).unwrap(), Ok(()));
}

//! What only a server can go wrong with: broken connections, wrong addresses, several programs that start at once.

use std::{sync::mpsc, time::Duration};

use postgres::{Client, NoTls};
use tailer_store::{Announcement, Durability, Store, StoreError, settings};

use crate::schema;

fn add_one(store: &Store) -> Result<(), StoreError> {
    store.write_blocking(Durability::Synced, |tx| {
        let sum: i64 = settings::get(tx, "sum")?.map_or(0, |s| s.parse().unwrap());
        settings::set(tx, "sum", &(sum + 1).to_string())
    })
}

fn sum(store: &Store) -> i64 {
    store.read_blocking(|tx| settings::get(tx, "sum")).unwrap().map_or(0, |s| s.parse().unwrap())
}

#[test]
fn many_may_set_up_the_schema_at_once() {
    let Some(url) = schema() else { return };
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || Store::connect(&url).map(drop))
        })
        .collect();
    for opener in openers {
        assert_eq!(opener.join().unwrap(), Ok(()));
    }
}

#[test]
fn several_stores_lose_no_update() {
    let Some(url) = schema() else { return };
    let stores: Vec<Store> = (0..3).map(|_| Store::connect(&url).unwrap()).collect();
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| (0..50).for_each(|_| add_one(store).unwrap()));
        }
    });
    assert_eq!(sum(&stores[0]), 150);
}

#[tokio::test]
async fn a_store_is_opened_and_dropped_inside_a_runtime() {
    let Some(url) = schema() else { return };
    let store = Store::connect(&url).unwrap();
    store.write(Durability::Relaxed, |tx| settings::set(tx, "a", "1")).await.unwrap();
    assert_eq!(store.read(|tx| settings::get(tx, "a")).await, Ok(Some("1".into())));
}

#[test]
fn a_broken_connection_is_made_anew_and_nothing_is_half_written() {
    let Some(url) = schema() else { return };
    let store = Store::connect(&url).unwrap();
    add_one(&store).unwrap();
    let refused = {
        let url = url.clone();
        store.write_blocking::<(), StoreError>(Durability::Synced, move |tx| {
            settings::set(tx, "half", "1")?;
            // As when the server is restarted: every other connection of this schema ends now.
            let mut client = Client::connect(&url, NoTls).unwrap();
            client
                .batch_execute(
                    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid \
                     WHERE l.locktype = 'advisory' AND l.objid = (hashtext(current_schema())::bigint & 4294967295)::oid",
                )
                .unwrap();
            settings::set(tx, "other half", "1")
        })
    };
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    add_one(&store).unwrap();
    assert_eq!(sum(&store), 2);
    assert_eq!(store.read_blocking(|tx| settings::get(tx, "half")), Ok(None));
}

#[test]
fn a_decision_that_goes_on_after_a_refusal_is_taken_back() {
    let Some(url) = schema() else { return };
    let store = Store::connect(&url).unwrap();
    let refused = store.write_blocking::<(), StoreError>(Durability::Synced, |tx| {
        settings::set(tx, "a", "1")?;
        let key = "INSERT INTO settings (name, value) VALUES (?1, ?1)";
        drop(tx.execute(key, &["a".into()]));
        Ok(())
    });
    assert!(refused.is_err());
    assert_eq!(store.read_blocking(|tx| settings::get(tx, "a")), Ok(None));
    add_one(&store).unwrap();
}

#[test]
fn a_store_that_freezes_in_a_transaction_holds_up_the_others_only_for_a_while() {
    let Some(url) = schema() else { return };
    let store = Store::connect(&url).unwrap();
    // A client of our lock that says nothing any more, with the setting that our own connections have.
    let mut frozen = Client::connect(&url, NoTls).unwrap();
    frozen
        .batch_execute(
            "SET idle_in_transaction_session_timeout = '200ms'; BEGIN; \
             SELECT pg_advisory_xact_lock(1953264228, hashtext(current_schema()))",
        )
        .unwrap();
    add_one(&store).unwrap();
    assert_eq!(sum(&store), 1);
}

#[test]
fn addresses_that_are_wrong_are_explained_without_the_password() {
    let Some(url) = schema() else { return };
    let (user, rest) = url.split_once("tailerd:").unwrap();
    let wrong_password = format!("{user}tailerd:hush@{}", rest.split_once('@').unwrap().1);
    for address in ["postgresql://tailerd:hush@127.0.0.1:1/nowhere", "hush", wrong_password.as_str()] {
        let refused = Store::connect(address).unwrap_err();
        assert!(matches!(refused, StoreError::Open { .. }), "{refused:?}");
        assert!(!refused.to_string().contains("hush"), "{refused}");
    }
}

#[test]
fn others_are_told_and_oneself_is_not() {
    let Some(url) = schema() else { return };
    let (one, other) = (Store::connect(&url).unwrap(), Store::connect(&url).unwrap());
    let (heard, told) = mpsc::channel();
    for (name, store) in [("one", &one), ("other", &other)] {
        let heard = heard.clone();
        store.listen(move |what| heard.send((name, what)).unwrap_or_default()).unwrap();
    }
    let patience = Duration::from_secs(30);
    // Each everything once, when it begins to listen.
    let mut first: Vec<_> = (0..6).map(|_| told.recv_timeout(patience).unwrap().0).collect();
    first.sort_unstable();
    assert_eq!(first, ["one", "one", "one", "other", "other", "other"]);
    one.announce(Announcement::Runs);
    assert_eq!(told.recv_timeout(patience).unwrap(), ("other", Announcement::Runs));
    other.announce(Announcement::Configurations);
    assert_eq!(told.recv_timeout(patience).unwrap(), ("one", Announcement::Configurations));
}

//! The file of the SQLite database: opened with care, shared with other processes, refused when it is not ours.

use std::path::Path;

use rusqlite::Connection;
use tailer_store::{Durability, Store, StoreError, settings};

use crate::common::Bench;

fn set(store: &Store, name: &'static str) -> Result<(), StoreError> {
    store.write_blocking(Durability::Synced, move |tx| settings::set(tx, name, "set"))
}

fn at_path<T>(test: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    test(&folder.path().join("tailerd.db"))
}

#[test]
fn what_was_recorded_is_there_when_opened_again() {
    at_path(|path| {
        set(&Store::open(path).unwrap(), "a").unwrap();
        let again = Store::open(path).unwrap();
        assert!(again.read_blocking(|tx| settings::get(tx, "a")).unwrap().is_some());
        assert_eq!(again.path(), Some(path));
    });
}

#[test]
fn another_process_may_write_at_the_same_time() {
    at_path(|path| {
        // Two stores on one file are to SQLite what two processes are: a server, and a command beside it.
        let server = Store::open(path).unwrap();
        let writers: Vec<_> = ["cli", "server"]
            .into_iter()
            .map(|who| {
                let store = if who == "cli" { Store::open(path).unwrap() } else { server.clone() };
                std::thread::spawn(move || {
                    for n in 0..200 {
                        store
                            .write_blocking(Durability::Relaxed, move |tx| {
                                let sum: i64 = settings::get(tx, "sum")?.map_or(0, |s| s.parse().unwrap());
                                settings::set(tx, &format!("{who} {n}"), "x")?;
                                settings::set(tx, "sum", &(sum + 1).to_string())
                            })
                            .unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let sum = server.read_blocking(|tx| settings::get(tx, "sum")).unwrap();
        assert_eq!(sum.as_deref(), Some("400"), "no write was lost or refused");
    });
}

#[test]
fn many_may_create_the_database_at_once() {
    at_path(|path| {
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.to_owned();
                std::thread::spawn(move || Store::open(&path).map(drop))
            })
            .collect();
        for opener in openers {
            assert_eq!(opener.join().unwrap(), Ok(()));
        }
    });
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    at_path(|path| {
        drop(Store::open(path).unwrap());
        let sqlite = Connection::open(path).unwrap();
        sqlite.execute("INSERT INTO migrations (number, name, applied) VALUES (99, 'future', 0)", []).unwrap();
        drop(sqlite);
        let before = std::fs::read(path).unwrap();
        let refused = Store::open(path).unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused:?}");
        assert!(refused.to_string().contains("start the newer program"), "{refused}");
        assert_eq!(std::fs::read(path).unwrap(), before);
    });
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    at_path(|path| {
        let sqlite = Connection::open(path).unwrap();
        sqlite.execute("CREATE TABLE theirs (x)", []).unwrap();
        drop(sqlite);
        let before = std::fs::read(path).unwrap();
        assert_eq!(Store::open(path).unwrap_err(), StoreError::Foreign { path: path.display().to_string() });
        assert_eq!(std::fs::read(path).unwrap(), before);
    });
    at_path(|path| {
        std::fs::write(path, "not a database at all, but long enough to have a header").unwrap();
        assert_eq!(Store::open(path).unwrap_err(), StoreError::Foreign { path: path.display().to_string() });
    });
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let refused = Store::open(Path::new("/nowhere/at/all/tailerd.db")).unwrap_err();
    assert!(matches!(&refused, StoreError::Open { path, .. } if path == "/nowhere/at/all/tailerd.db"), "{refused:?}");
}

#[test]
fn the_log_of_writes_is_in_wal_mode_with_our_mark() {
    let bench = Bench::new();
    let sqlite = Connection::open(bench.0.path().unwrap()).unwrap();
    let pragma =
        |name: &str| sqlite.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("application_id"), 0x746c_7264_i64.into());
}

//! Connections that are lost, servers that are away for a while, and what is left of them.

use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tailer_storage::{Content, SftpStorage, Storage, StorageError, WriteOptions, sftp::SftpSettings};

use crate::{
    sshd::{Sshd, sshd, until},
    suite::{content, get, names, path, put},
};

/// 100 MB whose every block differs.
const LARGE: usize = 100_000_000;

fn large() -> Vec<u8> {
    (0..LARGE as u32 / 4).flat_map(u32::to_le_bytes).collect()
}

fn blocks(bytes: &[u8]) -> Vec<Result<Bytes, StorageError>> {
    bytes.chunks(1_000_000).map(|block| Ok(Bytes::copy_from_slice(block))).collect()
}

/// Calls `at` when half of the content has been asked for.
fn halfway(bytes: &[u8], at: impl Fn() + Send + 'static) -> Content {
    let blocks = blocks(bytes);
    let half = blocks.len() / 2;
    stream::iter(blocks.into_iter().enumerate())
        .map(move |(number, block)| {
            if number == half {
                at();
            }
            block
        })
        .boxed()
}

fn shared() -> Option<Arc<Sshd>> {
    sshd().map(Arc::new)
}

#[tokio::test]
async fn a_large_file_goes_there_and_back() {
    let Some(server) = sshd() else { return };
    let (storage, bytes) = (server.storage(), large());
    let options = WriteOptions { size: Some(LARGE as u64), ..WriteOptions::default() };
    let meta = storage.write(&path("large"), stream::iter(blocks(&bytes)).boxed(), options).await.unwrap();
    assert_eq!(meta.size, LARGE as u64);
    assert!(fs::read(server.files().join("large")).unwrap() == bytes);
    let copied = storage.copy(&path("large"), &path("copy")).await.unwrap();
    assert_eq!(copied.size, LARGE as u64);
    let read: Vec<Bytes> = storage.read(&path("copy")).await.unwrap().try_collect().await.unwrap();
    assert!(read.concat() == bytes);
    assert_eq!(server.accepted(), 1, "one connection for everything");
}

#[tokio::test]
async fn a_write_goes_on_after_the_connection_was_lost() {
    let Some(server) = shared() else { return };
    let (storage, bytes) = (server.storage(), large());
    let cut = {
        let server = Arc::clone(&server);
        move || server.cut()
    };
    let meta = storage.write(&path("a/large"), halfway(&bytes, cut), WriteOptions::default()).await.unwrap();
    assert_eq!(meta.size, LARGE as u64);
    assert!(fs::read(server.files().join("a/large")).unwrap() == bytes);
    assert_eq!(names(&*storage, "").await, ["a/large"]);
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_read_goes_on_after_the_connection_was_lost() {
    let Some(server) = sshd() else { return };
    let (storage, bytes) = (server.storage(), large());
    fs::write(server.files().join("large"), &bytes).unwrap();
    let mut content = storage.read(&path("large")).await.unwrap();
    let mut read = Vec::with_capacity(LARGE);
    let mut cut = false;
    while let Some(block) = content.try_next().await.unwrap() {
        read.extend_from_slice(&block);
        if read.len() > LARGE / 2 && !std::mem::replace(&mut cut, true) {
            server.cut();
        }
    }
    assert!(read == bytes);
    assert_eq!(server.accepted(), 2);
}

/// What was read is of one file: when it is another one after the connection was lost, reading fails.
#[tokio::test]
async fn a_read_does_not_go_on_in_another_file() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    fs::write(server.files().join("large"), large()).unwrap();
    let mut content = storage.read(&path("large")).await.unwrap();
    content.try_next().await.unwrap().unwrap();
    fs::write(server.files().join("large"), "another").unwrap();
    server.cut();
    let error = content.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert!(matches!(&error, StorageError::Mismatch { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_becomes_shorter_is_no_whole_file() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    fs::write(server.files().join("large"), large()).unwrap();
    let mut content = storage.read(&path("large")).await.unwrap();
    content.try_next().await.unwrap().unwrap();
    fs::OpenOptions::new().write(true).open(server.files().join("large")).unwrap().set_len(50_000_000).unwrap();
    let error = content.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert!(error.to_string().contains("became shorter"), "{error}");
}

#[tokio::test]
async fn a_server_that_comes_back_is_waited_for() {
    let Some(server) = shared() else { return };
    let storage = server.storage();
    put(&*storage, "a", "1").await;
    server.set_down(true);
    let back = tokio::spawn({
        let server = Arc::clone(&server);
        async move {
            let before = server.accepted();
            until("an attempt", || server.accepted() > before).await;
            server.set_down(false);
        }
    });
    put(&*storage, "b", "2").await;
    back.await.unwrap();
    assert_eq!(get(&*storage, "b").await, "2");
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up() {
    let Some(server) = sshd() else { return };
    server.set_down(true);
    let storage = SftpStorage::new(SftpSettings { retries: 2, ..server.settings() });
    let error = storage.read(&path("a")).await.err().unwrap();
    assert!(matches!(&error, StorageError::Transient { .. }), "{error}");
    assert!(error.to_string().contains("cannot connect to 127.0.0.1 port"), "{error}");
    assert_eq!(server.accepted(), 3);
}

/// Whoever does not get an answer at all is not held up for ever.
#[tokio::test]
async fn a_silent_server_is_given_up() {
    let Some(server) = sshd() else { return };
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let connect = Duration::from_millis(300);
    let storage = SftpStorage::new(SftpSettings { port, retries: 0, connect, ..server.settings() });
    let error = storage.stat(&path("a")).await.unwrap_err();
    assert!(error.to_string().contains("no connection within 300ms"), "{error}");
}

#[tokio::test]
async fn many_at_once_share_a_connection() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    let writes = (0..40).map(|number| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { put(&*storage, &format!("many/{number}"), "x").await })
    });
    for written in futures::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(names(&*storage, "many").await.len(), 40);
    assert_eq!(server.accepted(), 1);
}

/// Many readers that stand still while as many writers work: nobody waits for a turn that never comes.
#[tokio::test]
async fn readers_that_stand_still_block_nobody() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    fs::write(server.files().join("a"), vec![1; 300_000]).unwrap();
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(storage.read(&path("a")).await.unwrap());
    }
    for (number, reader) in readers.into_iter().enumerate() {
        let meta = storage.write(&path(&format!("to/{number}")), reader, WriteOptions::default()).await.unwrap();
        assert_eq!(meta.size, 300_000);
    }
    assert!(server.accepted() <= 4, "{}", server.accepted());
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_opened_again() {
    let Some(server) = sshd() else { return };
    let storage = SftpStorage::new(SftpSettings { idle: Duration::from_millis(100), ..server.settings() });
    put(&storage, "a", "1").await;
    until("the end of the idle connection", || server.connected() == 0).await;
    assert_eq!(get(&storage, "a").await, "1");
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_dropped_storage_closes_its_connection() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    put(&*storage, "a", "1").await;
    assert_eq!(server.connected(), 1);
    drop(storage);
    until("the end of the connection", || server.connected() == 0).await;
}

#[tokio::test]
async fn what_was_not_finished_is_removed() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    let files = || fs::read_dir(server.files()).unwrap().count();
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    sender.unbounded_send(Ok(Bytes::from_static(b"half"))).unwrap();
    let at = path("a");
    {
        let writing = storage.write(&at, receiver.boxed(), WriteOptions::default());
        tokio::select! {
            written = writing => panic!("{written:?}"),
            () = until("the temporary file", || files() == 1) => {}
        }
    }
    until("its removal", || files() == 0).await;
    let broken = stream::iter([Err(StorageError::NotFound { location: "elsewhere".into() })]).boxed();
    storage.write(&at, broken, WriteOptions::default()).await.unwrap_err();
    assert_eq!(files(), 0, "an error is told when everything is tidy again");
}

#[tokio::test]
async fn what_dead_servers_left_is_swept() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    let left = |name: &str, hours: u64| {
        let file = fs::File::create(server.files().join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_hours(hours)).unwrap();
    };
    let there = |name: &str| server.files().join(name).exists();
    left(".tailerd-tmp-old", 48);
    left(".tailerd-tmp-new", 1);
    assert_eq!(names(&*storage, "").await, [""; 0]);
    assert!(!there(".tailerd-tmp-old") && there(".tailerd-tmp-new"));

    left(".tailerd-tmp-old", 48);
    storage.write(&path("a"), content("x"), WriteOptions::default()).await.unwrap();
    until("the sweep after the first write", || !there(".tailerd-tmp-old")).await;
    assert!(there(".tailerd-tmp-new"));
}

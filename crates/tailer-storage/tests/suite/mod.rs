//! What every storage promises, written over `dyn Storage`: the next implementations run the same functions.
//!
//! Each function takes an empty storage. `storage_suite!` makes one test of each.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tailer_storage::{Content, Depth, ObjectMeta, ObjectPath, Storage, StorageError, WriteOptions};

/// Makes a `#[tokio::test]` of every function of the suite; `$fixture` is a function that gives a fixture with `storage()`.
/// After `try` it may give none: what the test needs is not there.
#[macro_export]
macro_rules! storage_suite {
    (try $fixture:path: $($case:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() {
                let Some(fixture) = $fixture() else { return };
                suite::$case(fixture.storage()).await;
            }
        )*
    };
    ($fixture:path: $($case:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() {
                let fixture = $fixture();
                suite::$case(fixture.storage()).await;
            }
        )*
    };
}

pub(crate) fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

pub(crate) fn content(text: &str) -> Content {
    let chunks: Vec<_> = text.as_bytes().chunks(7).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks).boxed()
}

fn exactly(size: u64) -> WriteOptions {
    WriteOptions { size: Some(size), ..WriteOptions::default() }
}

pub(crate) async fn put(storage: &dyn Storage, at: &str, text: &str) -> ObjectMeta {
    storage.write(&path(at), content(text), WriteOptions::default()).await.unwrap()
}

pub(crate) async fn get(storage: &dyn Storage, at: &str) -> String {
    let chunks: Vec<Bytes> = storage.read(&path(at)).await.unwrap().try_collect().await.unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

pub(crate) async fn names(storage: &dyn Storage, prefix: &str) -> Vec<String> {
    let found: Vec<ObjectMeta> = storage.list(&path(prefix), Depth::Below).await.unwrap().try_collect().await.unwrap();
    let mut names: Vec<String> = found.iter().map(|meta| meta.path.to_string()).collect();
    names.sort();
    names
}

pub(crate) async fn written_objects_read_back(storage: Arc<dyn Storage>) {
    let text = "date|store|amount\n".repeat(1000);
    let meta = put(&*storage, "in/sales.csv", &text).await;
    assert_eq!((meta.size, meta.path.as_str()), (18_000, "in/sales.csv"));
    assert_eq!(get(&*storage, "in/sales.csv").await, text);
    assert_eq!(storage.stat(&path("in/sales.csv")).await.unwrap(), Some(meta));

    put(&*storage, "empty", "").await;
    assert_eq!(get(&*storage, "empty").await, "");
}

pub(crate) async fn large_objects_come_in_chunks(storage: Arc<dyn Storage>) {
    let block = Bytes::from(vec![7_u8; 1_000_000]);
    let blocks = vec![Ok(block.clone()), Ok(block.clone()), Ok(block)];
    storage.write(&path("large"), stream::iter(blocks).boxed(), WriteOptions::default()).await.unwrap();
    let chunks: Vec<Bytes> = storage.read(&path("large")).await.unwrap().try_collect().await.unwrap();
    assert!(chunks.len() > 1 && chunks.iter().all(|chunk| chunk.len() <= 1024 * 1024));
    assert_eq!(chunks.concat(), vec![7_u8; 3_000_000]);
}

pub(crate) async fn a_rewrite_replaces_and_changes_the_version(storage: Arc<dyn Storage>) {
    let first = put(&*storage, "a/b.csv", "1").await;
    let second = put(&*storage, "a/b.csv", "2").await;
    assert_ne!(first.version, second.version);
    assert_eq!(get(&*storage, "a/b.csv").await, "2");
    assert_eq!(names(&*storage, "").await, ["a/b.csv"]);
}

pub(crate) async fn a_failed_write_leaves_what_was_there(storage: Arc<dyn Storage>) {
    let broken = || {
        let error = StorageError::Transient { location: "elsewhere".into(), message: "connection lost".into() };
        stream::iter(vec![Ok(Bytes::from_static(b"part")), Err(error)]).boxed()
    };
    let before = put(&*storage, "kept", "old").await;
    let error = storage.write(&path("kept"), broken(), WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "elsewhere: connection lost");
    assert_eq!(storage.stat(&path("kept")).await.unwrap(), Some(before));
    storage.write(&path("new/one"), broken(), WriteOptions::default()).await.unwrap_err();
    assert_eq!(names(&*storage, "").await, ["kept"]);
}

pub(crate) async fn an_unfinished_write_is_invisible(storage: Arc<dyn Storage>) {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let writer = tokio::spawn({
        let storage = Arc::clone(&storage);
        async move { storage.write(&path("slow"), receiver.boxed(), WriteOptions::default()).await }
    });
    sender.unbounded_send(Ok(Bytes::from_static(b"half"))).unwrap();
    assert_eq!(names(&*storage, "").await, [""; 0]);
    assert_eq!(storage.stat(&path("slow")).await.unwrap(), None);
    drop(sender);
    writer.await.unwrap().unwrap();
    assert_eq!(get(&*storage, "slow").await, "half");
}

pub(crate) async fn lists_a_folder_and_what_is_below_it(storage: Arc<dyn Storage>) {
    for at in ["top", "in/a", "in/deep/er/b", "inside/c"] {
        put(&*storage, at, at).await;
    }
    assert_eq!(names(&*storage, "").await, ["in/a", "in/deep/er/b", "inside/c", "top"]);
    assert_eq!(names(&*storage, "in").await, ["in/a", "in/deep/er/b"]);
    assert_eq!(names(&*storage, "in/deep").await, ["in/deep/er/b"]);
    assert_eq!(names(&*storage, "missing").await, [""; 0]);
    let listed: Vec<ObjectMeta> =
        storage.list(&path("in/deep"), Depth::Below).await.unwrap().try_collect().await.unwrap();
    assert_eq!(listed.first().cloned(), storage.stat(&path("in/deep/er/b")).await.unwrap());
}

pub(crate) async fn a_listing_may_be_dropped_halfway(storage: Arc<dyn Storage>) {
    for number in 0..50 {
        put(&*storage, &format!("many/{number}"), "").await;
    }
    let mut listing = storage.list(&path("many"), Depth::Below).await.unwrap();
    assert!(listing.next().await.is_some());
    drop(listing);
    assert_eq!(names(&*storage, "many").await.len(), 50);
}

pub(crate) async fn copies_whole_and_replaces(storage: Arc<dyn Storage>) {
    put(&*storage, "from", "content").await;
    put(&*storage, "archive/2024/to", "older").await;
    let copied = storage.copy(&path("from"), &path("archive/2024/to")).await.unwrap();
    assert_eq!(storage.stat(&path("archive/2024/to")).await.unwrap(), Some(copied));
    assert_eq!(get(&*storage, "archive/2024/to").await, "content");
    assert_eq!(get(&*storage, "from").await, "content");
    assert_eq!(names(&*storage, "").await, ["archive/2024/to", "from"]);
}

pub(crate) async fn deletes_and_does_not_mind_missing_ones(storage: Arc<dyn Storage>) {
    put(&*storage, "a/b", "x").await;
    storage.delete(&path("a/b")).await.unwrap();
    storage.delete(&path("a/b")).await.unwrap();
    storage.delete(&path("never/was")).await.unwrap();
    assert_eq!(storage.stat(&path("a/b")).await.unwrap(), None);
    assert_eq!(names(&*storage, "").await, [""; 0]);
}

pub(crate) async fn missing_objects_are_named(storage: Arc<dyn Storage>) {
    let Err(StorageError::NotFound { location }) = storage.read(&path("no/such")).await else { panic!("read") };
    assert_eq!(location, storage.location(&path("no/such")));
    let copied = storage.copy(&path("no/such"), &path("to")).await;
    assert!(matches!(copied, Err(StorageError::NotFound { .. })), "{copied:?}");
    assert_eq!(storage.stat(&path("no/such")).await.unwrap(), None);
    assert_eq!(storage.local_path(&path("no/such")), None);
}

pub(crate) async fn local_paths_hold_the_content(storage: Arc<dyn Storage>) {
    put(&*storage, "in/a.csv", "1,2\n").await;
    if let Some(file) = storage.local_path(&path("in/a.csv")) {
        assert_eq!(std::fs::read_to_string(file).unwrap(), "1,2\n");
    }
}

pub(crate) async fn racing_writers_leave_one_whole_object(storage: Arc<dyn Storage>) {
    let writers = (0..8).map(|number| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { put(&*storage, "deep/er/one", &number.to_string().repeat(5000)).await })
    });
    for written in futures::future::join_all(writers).await {
        written.unwrap();
    }
    let text = get(&*storage, "deep/er/one").await;
    assert_eq!(text.len(), 5000);
    assert!(text.bytes().all(|byte| Some(byte) == text.bytes().next()));
    assert_eq!(names(&*storage, "").await, ["deep/er/one"]);
}

/// Where the storage can tell, a watch on a folder that does not exist yet sees objects arrive in it: whoever watches anew
/// when the guard says so, before each listing, misses nothing, however quickly the folders are made.
pub(crate) async fn a_watch_pokes(storage: Arc<dyn Storage>) {
    for round in 0..20 {
        let folder = path(&format!("drop/{round}/here"));
        let told = Arc::new(tokio::sync::Notify::new());
        let watch = || {
            let told = Arc::clone(&told);
            storage.watch(&folder, Arc::new(move || told.notify_one())).unwrap()
        };
        let Some(mut guard) = watch() else { return };
        put(&*storage, &format!("{folder}/a.csv"), "1").await;
        let seen = async {
            loop {
                told.notified().await;
                if !guard.covers() {
                    guard = watch().unwrap();
                }
                if names(&*storage, folder.as_str()).await.len() == 1 {
                    break;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), seen).await.expect("the arrival was not told");
        assert!(guard.covers());
    }
}

/// A folder takes part as it is named: its neighbours with longer names do not, nor what is deeper when only it is asked for.
pub(crate) async fn lists_one_folder_only(storage: Arc<dyn Storage>) {
    for at in ["out/a/1", "out/a/2", "out/a/deep/3", "out/ab/4", "out/a.csv"] {
        put(&*storage, at, "x").await;
    }
    let listed = async |depth| {
        let found: Vec<ObjectMeta> = storage.list(&path("out/a"), depth).await.unwrap().try_collect().await.unwrap();
        let mut names: Vec<String> = found.into_iter().map(|meta| meta.path.to_string()).collect();
        names.sort();
        names
    };
    assert_eq!(listed(Depth::Folder).await, ["out/a/1", "out/a/2"]);
    assert_eq!(listed(Depth::Below).await, ["out/a/1", "out/a/2", "out/a/deep/3"]);
}

/// Content of another length than was announced does not appear.
pub(crate) async fn refuses_another_length(storage: Arc<dyn Storage>) {
    for size in [2, 4] {
        let error = storage.write(&path("short"), content("123"), exactly(size)).await.unwrap_err();
        assert!(matches!(error, StorageError::Mismatch { .. }), "{error}");
    }
    assert_eq!(storage.stat(&path("short")).await.unwrap(), None);
    storage.write(&path("short"), content("123"), exactly(3)).await.unwrap();
}

//! The suite on a local folder, and what only a folder can go wrong with: links, odd names, other kinds of file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod suite;

use std::{fs, os::unix::fs::symlink, path::PathBuf, sync::Arc, time::Duration};

use suite::{content, get, names, path, put};
use tailer_storage::{Depth, LocalStorage, Storage, StorageError, WriteOptions};

struct Fixture {
    folder: tempfile::TempDir,
}

fn fixture() -> Fixture {
    Fixture { folder: tempfile::tempdir().unwrap() }
}

impl Fixture {
    fn bucket(&self) -> PathBuf {
        self.folder.path().join("bucket")
    }

    fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(LocalStorage::open(self.bucket(), "gs://bucket".into()).unwrap())
    }

    /// A storage with a file outside it that nothing may reach.
    fn with_secret(&self) -> (Arc<dyn Storage>, PathBuf) {
        let outside = self.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "secret").unwrap();
        (self.storage(), outside)
    }
}

storage_suite!(fixture:
    written_objects_read_back,
    large_objects_come_in_chunks,
    a_rewrite_replaces_and_changes_the_version,
    a_failed_write_leaves_what_was_there,
    an_unfinished_write_is_invisible,
    lists_a_folder_and_what_is_below_it,
    a_listing_may_be_dropped_halfway,
    copies_whole_and_replaces,
    deletes_and_does_not_mind_missing_ones,
    missing_objects_are_named,
    local_paths_hold_the_content,
    racing_writers_leave_one_whole_object,
    a_watch_pokes,
    lists_one_folder_only,
    refuses_another_length,
);

#[test]
fn locations_read_like_the_cloud() {
    let storage = fixture().storage();
    assert_eq!(storage.location(&path("a/b.csv")), "gs://bucket/a/b.csv");
    assert_eq!(storage.location(&path("")), "gs://bucket");
}

#[tokio::test]
async fn links_that_lead_out_are_refused() {
    let fixture = fixture();
    let (storage, outside) = fixture.with_secret();
    put(&*storage, "plain", "x").await;
    symlink(&outside, fixture.bucket().join("folder")).unwrap();
    symlink(outside.join("secret"), fixture.bucket().join("file")).unwrap();

    let refused = |result: Result<(), StorageError>| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("leads out of the bucket"), "{error}");
    };
    for at in ["file", "folder/secret"] {
        refused(storage.stat(&path(at)).await.map(drop));
        refused(storage.read(&path(at)).await.map(drop));
        refused(storage.copy(&path(at), &path("to")).await.map(drop));
        refused(storage.copy(&path("plain"), &path(at)).await.map(drop));
        refused(storage.write(&path(at), content("overwritten"), WriteOptions::default()).await.map(drop));
        assert_eq!(storage.local_path(&path(at)), None);
    }
    refused(storage.list(&path("folder"), Depth::Below).await.map(drop));
    refused(storage.delete(&path("folder/secret")).await);
    refused(storage.write(&path("folder/new/er"), content("x"), WriteOptions::default()).await.map(drop));
    refused(storage.watch(&path("folder"), Arc::new(|| ())).map(drop));
    assert_eq!(names(&*storage, "").await, ["plain"]);
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);

    storage.delete(&path("file")).await.unwrap();
    assert!(outside.join("secret").exists(), "the link goes, not its target");
}

#[tokio::test]
async fn links_inside_are_followed_but_not_walked() {
    let fixture = fixture();
    let storage = fixture.storage();
    put(&*storage, "real/a", "text").await;
    symlink(fixture.bucket().join("real/a"), fixture.bucket().join("link")).unwrap();
    symlink(fixture.bucket(), fixture.bucket().join("real/circle")).unwrap();
    assert_eq!(get(&*storage, "link").await, "text");
    assert_eq!(names(&*storage, "").await, ["link", "real/a"]);
}

#[tokio::test]
async fn a_bucket_may_be_a_link_itself() {
    let fixture = fixture();
    let elsewhere = fixture.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, fixture.bucket()).unwrap();
    put(&*fixture.storage(), "a", "text").await;
    assert_eq!(fs::read_to_string(elsewhere.join("a")).unwrap(), "text");
}

#[tokio::test]
async fn names_that_are_no_paths_are_not_listed() {
    use std::os::unix::ffi::OsStrExt as _;
    let fixture = fixture();
    let storage = fixture.storage();
    put(&*storage, "good", "").await;
    fs::write(fixture.bucket().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").unwrap();
    fs::write(fixture.bucket().join("new\nline"), "").unwrap();
    fs::write(fixture.bucket().join("back\\slash"), "").unwrap();
    let socket = std::os::unix::net::UnixListener::bind(fixture.bucket().join("socket")).unwrap();
    assert_eq!(names(&*storage, "").await, ["good"]);
    assert_eq!(storage.stat(&path("socket")).await.unwrap(), None);
    drop(socket);
}

#[tokio::test]
async fn folders_and_files_do_not_stand_for_each_other() {
    let fixture = fixture();
    let storage = fixture.storage();
    put(&*storage, "folder/file", "x").await;
    assert_eq!(storage.stat(&path("folder")).await.unwrap(), None);
    storage.delete(&path("folder")).await.unwrap();
    assert_eq!(names(&*storage, "folder/file").await, [""; 0], "a file is no folder");

    let refused = |result: Result<_, StorageError>, expect: &str| {
        assert_eq!(result.map(|_| ()).unwrap_err().to_string(), expect);
    };
    refused(
        storage.write(&path("folder"), content("x"), WriteOptions::default()).await,
        "gs://bucket/folder: is a folder",
    );
    refused(
        storage.write(&path(""), content("x"), WriteOptions::default()).await,
        "gs://bucket: an object needs a name",
    );
    refused(
        storage.write(&path("folder/file/below"), content("x"), WriteOptions::default()).await,
        "gs://bucket/folder/file: \"file\" is a file, not a folder",
    );
    assert_eq!(names(&*storage, "").await, ["folder/file"]);
}

#[tokio::test]
async fn the_staging_folder_is_out_of_reach_and_swept() {
    let fixture = fixture();
    let storage = fixture.storage();
    let staging = fixture.bucket().join(".tailerd-tmp");
    let error = storage.write(&path(".tailerd-tmp/x"), content("x"), WriteOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("reserved"), "{error}");
    assert!(storage.read(&path(".tailerd-tmp/x")).await.is_err());

    for (name, hours) in [("abandoned", 48), ("in-use", 1)] {
        let file = fs::File::create(staging.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_hours(hours)).unwrap();
    }
    drop(fixture.storage());
    assert!(!staging.join("abandoned").exists());
    assert!(staging.join("in-use").exists());
    assert_eq!(names(&*storage, "").await, [""; 0]);
}

#[tokio::test]
async fn a_dropped_write_cleans_up() {
    let fixture = fixture();
    let storage = fixture.storage();
    let reached = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&reached);
    let never = futures::stream::poll_fn(move |_| {
        tell.notify_one();
        std::task::Poll::Pending
    });
    let at = path("a");
    tokio::select! {
        written = storage.write(&at, Box::pin(never), WriteOptions::default()) => panic!("{written:?}"),
        () = reached.notified() => {}
    }
    assert_eq!(fs::read_dir(fixture.bucket().join(".tailerd-tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_rename_moves_the_version_that_was_meant() {
    let fixture = fixture();
    let storage = fixture.storage();
    let sales = put(&*storage, "in/sales.csv", "1").await;
    let moved = storage.rename(&path("in/sales.csv"), &path("done/2024/sales.csv"), &sales.version).await.unwrap();
    let moved = moved.unwrap();
    assert_eq!((get(&*storage, "done/2024/sales.csv").await.as_str(), moved.size), ("1", 1));
    assert_eq!(storage.stat(&path("done/2024/sales.csv")).await.unwrap(), Some(moved));
    assert_eq!(names(&*storage, "").await, ["done/2024/sales.csv"]);

    // Brought back, it is a new file.
    fs::rename(fixture.bucket().join("done/2024/sales.csv"), fixture.bucket().join("in/sales.csv")).unwrap();
    let back = storage.stat(&path("in/sales.csv")).await.unwrap().unwrap();
    assert_ne!(back.version, sales.version);

    let stays = storage.rename(&path("in/sales.csv"), &path("done/sales.csv"), &sales.version).await;
    assert!(matches!(stays, Err(StorageError::Mismatch { .. })), "{stays:?}");
    let gone = storage.rename(&path("in/other.csv"), &path("done/other.csv"), "1").await;
    assert!(matches!(gone, Err(StorageError::NotFound { .. })), "{gone:?}");
    symlink("sales.csv", fixture.bucket().join("in/link.csv")).unwrap();
    let link = storage.stat(&path("in/link.csv")).await.unwrap().unwrap();
    assert_eq!(storage.rename(&path("in/link.csv"), &path("done/link.csv"), &link.version).await.unwrap(), None);
    assert_eq!(names(&*storage, "in").await, ["in/link.csv", "in/sales.csv"]);
}

/// A copy of several stretches is whole; one that nobody waits for leaves nothing.
#[tokio::test]
async fn an_abandoned_copy_leaves_nothing() {
    let fixture = fixture();
    let storage = fixture.storage();
    let file = fs::File::create(fixture.bucket().join("large")).unwrap();
    file.set_len(130 << 20).unwrap();
    let copied = storage.copy(&path("large"), &path("copy")).await.unwrap();
    assert_eq!(copied.size, 130 << 20);
    drop(tokio::time::timeout(Duration::ZERO, storage.copy(&path("large"), &path("abandoned"))).await);
    let staging = fixture.bucket().join(".tailerd-tmp");
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while fs::read_dir(&staging).unwrap().count() > 0 {
        assert!(std::time::Instant::now() < deadline, "what was staged stays");
        tokio::task::yield_now().await;
    }
    assert_eq!(names(&*storage, "").await, ["copy", "large"]);
}

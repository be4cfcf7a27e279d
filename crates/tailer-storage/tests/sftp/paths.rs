//! Names, folders and links as they are on a server.

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
};

use futures::TryStreamExt as _;
use tailer_storage::{
    Depth, ObjectMeta, ObjectPath, SftpStorage, Storage, StorageError, WriteOptions, sftp::SftpSettings,
};

use crate::{
    sshd::sshd,
    suite::{content, get, names, path, put},
};

fn refused<T: std::fmt::Debug>(result: Result<T, StorageError>, expect: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, StorageError::Refused { .. }) && error.to_string().contains(expect), "{error}");
}

#[tokio::test]
async fn paths_start_where_the_settings_say() {
    let Some(server) = sshd() else { return };
    let files = server.files().display().to_string();
    let check = async |start: &str, written: &str, expect: &str| {
        let storage = SftpStorage::new(SftpSettings { start: start.to_owned(), ..server.settings() });
        put(&storage, written, start).await;
        let there = fs::read_to_string(server.files().join(expect));
        assert_eq!(there.ok().as_deref(), Some(start), "{start:?} {}", storage.location(&path(written)));
        let location = storage.location(&path("in/x"));
        let user = server.settings().user;
        let (port, folder) = (server.port, start.trim_end_matches('/'));
        let folder = if start.starts_with('/') { folder.to_owned() } else { format!("/~/{folder}") };
        assert_eq!(location, format!("sftp://{user}@127.0.0.1:{port}{}/in/x", folder.trim_end_matches('/')));
    };
    check("", "in/a", "in/a").await;
    check("sub/folder", "b", "sub/folder/b").await;
    check(&files, "c", "c").await;
    check("/", &format!("{files}/d"), "d").await;
}

/// A path that climbs, a NUL and names too long are no paths at all.
#[test]
fn wild_paths_do_not_get_here() {
    for wild in ["../up", "a/../../up", "a\0b", "a//b", &"x".repeat(1000), &"long/".repeat(300)] {
        assert!(ObjectPath::parse(wild).is_err(), "{wild:?}");
    }
}

#[tokio::test]
async fn names_of_every_kind_and_length_are_kept() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    let longest = "x".repeat(255);
    let deep = format!("{0}/{0}/{0}", "y".repeat(250));
    for name in [" space ", "é\u{1F600}.csv", "quote\"'`$(x);&", "-rf", "~", "*?[a]", longest.as_str(), &deep] {
        put(&*storage, name, name).await;
        assert_eq!(get(&*storage, name).await, name);
        let copy = format!("copies/{}", path(name).name());
        storage.copy(&path(name), &path(&copy)).await.unwrap();
        storage.delete(&path(name)).await.unwrap();
        assert_eq!(storage.stat(&path(name)).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn names_that_are_no_paths_are_not_listed() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    put(&*storage, "good", "").await;
    fs::write(server.files().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").unwrap();
    fs::write(server.files().join("new\nline"), "").unwrap();
    fs::write(server.files().join("back\\slash"), "").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(server.files().join("socket")).unwrap();
    assert_eq!(names(&*storage, "").await, ["good"]);
    assert_eq!(storage.stat(&path("socket")).await.unwrap(), None);
}

#[tokio::test]
async fn links_count_when_they_stay_in_their_folder() {
    let Some(server) = sshd() else { return };
    let (storage, files) = (server.storage(), server.files());
    let outside = server.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    put(&*storage, "in/deep/a", "text").await;
    symlink("deep/a", files.join("in/link")).unwrap();
    symlink(files.join("in"), files.join("in/circle")).unwrap();
    symlink(outside.join("secret"), files.join("in/out")).unwrap();
    symlink("nowhere", files.join("in/dangling")).unwrap();

    assert_eq!(names(&*storage, "").await, ["in/deep/a", "in/link"]);
    assert_eq!(get(&*storage, "in/link").await, "text");
    assert_eq!(storage.stat(&path("in/link")).await.unwrap().unwrap().size, 4);
    refused(storage.stat(&path("in/out")).await, "leads out of its folder");
    refused(storage.read(&path("in/out")).await.map(drop), "leads out of its folder");
    refused(storage.copy(&path("in/out"), &path("copy")).await, "leads out of its folder");
    assert_eq!(storage.stat(&path("in/dangling")).await.unwrap(), None);

    // A write and a deletion concern the link itself.
    put(&*storage, "in/out", "replaced").await;
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    storage.delete(&path("in/link")).await.unwrap();
    assert_eq!(get(&*storage, "in/deep/a").await, "text");
    // A folder that a configuration names may be a link.
    symlink(files.join("in/deep"), files.join("named")).unwrap();
    assert_eq!(names(&*storage, "named").await, ["named/a"]);
}

#[tokio::test]
async fn folders_and_files_do_not_stand_for_each_other() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    put(&*storage, "folder/file", "x").await;
    assert_eq!(storage.stat(&path("folder")).await.unwrap(), None);
    assert!(matches!(storage.read(&path("folder")).await.err(), Some(StorageError::NotFound { .. })));
    storage.delete(&path("folder")).await.unwrap();
    assert_eq!(names(&*storage, "folder/file").await, [""; 0], "a file is no folder");
    let write = async |at: &str| storage.write(&path(at), content("x"), WriteOptions::default()).await;
    refused(write("folder").await, "is a folder");
    refused(write("").await, "an object needs a name");
    refused(write("folder/file/below").await, "folder/file is a file, not a folder");
    refused(write("a/.tailerd-tmp-x").await, "reserved");
    assert_eq!(names(&*storage, "").await, ["folder/file"]);
}

#[tokio::test]
async fn a_folder_is_made_only_when_it_may_be() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    let options = WriteOptions { folder_must_exist: true, ..WriteOptions::default() };
    refused(
        storage.write(&path("in/box/a"), content("x"), options).await,
        "/files/in/box on the server, and the configuration does not ask for it to be made (sftp_destination_dir_create)",
    );
    assert_eq!(fs::read_dir(server.files()).unwrap().count(), 0);
    fs::create_dir_all(server.files().join("in/box")).unwrap();
    storage.write(&path("in/box/a"), content("x"), options).await.unwrap();
    put(&*storage, "new/er/b", "x").await;
    assert_eq!(names(&*storage, "").await, ["in/box/a", "new/er/b"]);
}

#[tokio::test]
async fn permissions_are_told_in_plain_words() {
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    put(&*storage, "closed/a", "x").await;
    let closed = server.files().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        // Nothing is closed to root.
        return;
    }
    let error = storage.write(&path("closed/b"), content("x"), WriteOptions::default()).await.unwrap_err();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(&error, StorageError::Denied { message, .. } if message.contains("permission")), "{error}");
}

#[tokio::test]
async fn a_device_is_no_file() {
    let Some(server) = sshd() else { return };
    let storage = SftpStorage::new(SftpSettings { start: "/dev".into(), ..server.settings() });
    let error = storage.copy(&path("zero"), &path("shm/copy")).await.unwrap_err();
    assert!(matches!(error, StorageError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_rename_moves_the_version_that_was_meant() {
    let Some(server) = sshd() else { return };
    let (storage, files) = (server.storage(), server.files());
    let sales = put(&*storage, "in/sales.csv", "1").await;
    put(&*storage, "done/2024/sales.csv", "2").await;
    let moved = storage.rename(&path("in/sales.csv"), &path("done/2024/sales.csv"), &sales.version).await.unwrap();
    assert_eq!(storage.stat(&path("done/2024/sales.csv")).await.unwrap(), moved);
    assert_eq!(get(&*storage, "done/2024/sales.csv").await, "1");
    assert_eq!(names(&*storage, "").await, ["done/2024/sales.csv"]);

    // Brought back, it is a new file.
    fs::rename(files.join("done/2024/sales.csv"), files.join("in/sales.csv")).unwrap();
    let back = storage.stat(&path("in/sales.csv")).await.unwrap().unwrap();
    assert_ne!(back.version, sales.version);

    let stays = storage.rename(&path("in/sales.csv"), &path("done/sales.csv"), &sales.version).await;
    assert!(matches!(stays, Err(StorageError::Mismatch { .. })), "{stays:?}");
    let gone = storage.rename(&path("in/other.csv"), &path("done/other.csv"), "1").await;
    assert!(matches!(gone, Err(StorageError::NotFound { .. })), "{gone:?}");
    symlink("sales.csv", files.join("in/link.csv")).unwrap();
    let link = storage.stat(&path("in/link.csv")).await.unwrap().unwrap();
    assert_eq!(storage.rename(&path("in/link.csv"), &path("done/link.csv"), &link.version).await.unwrap(), None);
    assert_eq!(names(&*storage, "in").await, ["in/link.csv", "in/sales.csv"]);
}

#[tokio::test]
async fn a_folder_of_many_files_comes_page_by_page() {
    const MANY: usize = 20_000;
    let Some(server) = sshd() else { return };
    let storage = server.storage();
    fs::create_dir(server.files().join("many")).unwrap();
    for number in 0..MANY {
        fs::write(server.files().join(format!("many/{number}")), "").unwrap();
    }
    let listing = storage.list(&path("many"), Depth::Folder).await.unwrap();
    let mut found: Vec<ObjectMeta> = listing.try_collect().await.unwrap();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    assert_eq!(found.len(), MANY);
}

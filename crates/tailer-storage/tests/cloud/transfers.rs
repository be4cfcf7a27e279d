//! Uploads around the limits of their parts, and copies that the services make themselves.

use std::sync::Arc;

use tailer_storage::{Limits, ObjectMeta, StorageError, WriteOptions};

use crate::{
    service::{self, Fixture, Service, large, read, write},
    suite::{get, names, path, put},
};

const PART: usize = 5 * 1024 * 1024;

pub(crate) async fn content_is_cut_anywhere(fixture: Fixture) {
    let storage = fixture.storage();
    for size in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1] {
        for announced in [None, Some(size as u64)] {
            let text = large(size);
            let options = WriteOptions { size: announced, ..WriteOptions::default() };
            let meta = storage.write(&path("a"), service::chunks(&text), options).await.unwrap();
            assert_eq!(meta.size, size as u64, "{announced:?}");
            assert_eq!(storage.stat(&path("a")).await.unwrap(), Some(meta), "{size} {announced:?}");
            assert!(read(&*storage, "a").await.unwrap() == text, "{size} {announced:?}");
        }
    }
    fixture.no_uploads_are_left().await;
}

/// One of them wins; a loser is told, if anything, that it may try again.
pub(crate) async fn racing_uploads_leave_one_whole_object(fixture: Fixture) {
    let storage = fixture.storage();
    let writers = (1..=3_u8).map(|number| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { write(&*storage, "a", &vec![number; 2 * PART + 1000]).await })
    });
    let written: Vec<Result<ObjectMeta, StorageError>> =
        futures::future::join_all(writers).await.into_iter().map(Result::unwrap).collect();
    assert!(written.iter().any(Result::is_ok), "{written:?}");
    for error in written.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StorageError::Transient { .. }), "{error:?}");
    }
    let text = read(&*storage, "a").await.unwrap();
    assert_eq!(text.len(), 2 * PART + 1000);
    assert!(text.iter().all(|byte| byte == text.first().unwrap()));
}

pub(crate) async fn copies_between_buckets_are_the_services(fixture: Fixture) {
    let (source, other) = (fixture.storage(), fixture.sibling());
    let to = other.storage();
    let text = large(PART + 7);
    write(&*source, "in/a b+c", &text).await.unwrap();
    let copied = to.copy_from(&*source, &path("in/a b+c"), &path("out/é")).await.unwrap().unwrap();
    assert_eq!(to.stat(&path("out/é")).await.unwrap(), Some(copied));
    assert!(read(&*to, "out/é").await.unwrap() == text);
    assert_eq!(names(&*source, "").await, ["in/a b+c"]);

    let missing = to.copy_from(&*source, &path("no/such"), &path("x")).await.unwrap_err();
    let StorageError::NotFound { location } = missing else { panic!("{missing:?}") };
    assert_eq!(location, source.location(&path("no/such")));
    let same = source.copy(&path("in/a b+c"), &path("in/a b+c")).await.unwrap();
    assert_eq!(same.size, text.len() as u64);
}

pub(crate) async fn copies_from_elsewhere_are_not(fixture: Fixture) {
    let storage = fixture.storage();
    put(&*storage, "a", "text").await;
    for other in service::all() {
        let same = std::mem::discriminant(&other.service) == std::mem::discriminant(&fixture.service);
        let copied = other.storage().copy_from(&*storage, &path("a"), &path("b")).await.unwrap();
        assert_eq!(copied.is_some(), same);
    }
    let stranger = Fixture { endpoint: Some("http://127.0.0.1:9".into()), ..fixture.clone() }.storage();
    assert_eq!(stranger.copy_from(&*storage, &path("a"), &path("b")).await.unwrap(), None);
}

/// S3 copies large objects only part by part.
pub(crate) async fn large_copies_go_in_parts(fixture: Fixture) {
    if !matches!(fixture.service, Service::S3(_)) {
        return;
    }
    let limits = Limits { whole_copy: PART as u64, ..fixture.limits.clone() };
    let storage = Fixture { limits, ..fixture.clone() }.storage();
    let text = large(2 * PART + 1000);
    write(&*storage, "a", &text).await.unwrap();
    let copied = storage.copy(&path("a"), &path("b")).await.unwrap();
    assert_eq!(copied.size, text.len() as u64);
    assert!(read(&*storage, "b").await.unwrap() == text);
    fixture.no_uploads_are_left().await;
}

pub(crate) async fn zero_bytes_are_an_object(fixture: Fixture) {
    let storage = fixture.storage();
    let meta = put(&*storage, "empty", "").await;
    assert_eq!(meta.size, 0);
    assert_eq!(storage.copy(&path("empty"), &path("too")).await.unwrap().size, 0);
    assert_eq!(get(&*storage, "too").await, "");
    assert_eq!(names(&*storage, "").await, ["empty", "too"]);
}

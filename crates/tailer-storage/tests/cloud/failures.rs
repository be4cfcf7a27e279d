//! Connections that break, servers that are busy, down or silent, content that is damaged on the way.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tailer_storage::{Limits, StorageError, WriteOptions};

use crate::{
    proxy::{BUSY, Plan, Proxy},
    service::{Fixture, large, read, write},
    suite::{get, names, path, put},
};

const PART: usize = 5 * 1024 * 1024;

pub(crate) async fn reads_go_on_after_a_cut(fixture: Fixture) {
    let text = large(3_000_000);
    write(&*fixture.storage(), "a", &text).await.unwrap();
    let cuts = [Plan::CutReply(1_000_000), Plan::CutReply(900_000)];
    let proxy = Proxy::before(&fixture, &cuts, None).await;
    assert_eq!(read(&*proxy.way_to(&fixture).storage(), "a").await.unwrap(), text);
    assert_eq!(proxy.connections(), 3);
}

pub(crate) async fn reads_notice_that_the_object_was_replaced(fixture: Fixture) {
    let storage = fixture.storage();
    write(&*storage, "a", &large(3_000_000)).await.unwrap();
    let proxy = Proxy::before(&fixture, &[Plan::CutReply(1_000_000)], None).await;
    let mut content = proxy.way_to(&fixture).storage().read(&path("a")).await.unwrap();
    content.next().await.unwrap().unwrap();
    put(&*storage, "a", "another").await;
    let error = content.try_collect::<Vec<Bytes>>().await.unwrap_err();
    assert!(matches!(error, StorageError::Transient { .. }), "{error}");
    assert!(error.to_string().contains("while it was read"), "{error}");
}

pub(crate) async fn writes_go_on_after_a_cut(fixture: Fixture) {
    let text = large(2 * PART + 1_000_000);
    let cuts = [Plan::CutRequest(3_000_000), Plan::CutRequest(6_000_000), Plan::CutRequest(100)];
    let proxy = Proxy::before(&fixture, &cuts, None).await;
    let meta = write(&*proxy.way_to(&fixture).storage(), "in/a", &text).await.unwrap();
    assert!(proxy.connections() > 2);
    let storage = fixture.storage();
    assert_eq!(storage.stat(&path("in/a")).await.unwrap(), Some(meta));
    assert_eq!(read(&*storage, "in/a").await.unwrap(), text);
    assert_eq!(names(&*storage, "").await, ["in/a"]);
}

/// An answer that is lost after the service has done what was asked.
pub(crate) async fn lost_answers_do_no_harm(fixture: Fixture) {
    let storage = fixture.storage();
    let cuts = [Plan::CutReply(0), Plan::CutReply(10), Plan::CutReply(0)];
    let proxy = Proxy::before(&fixture, &cuts, None).await;
    let shaky = proxy.way_to(&fixture).storage();
    put(&*shaky, "a", "text").await;
    assert_eq!(get(&*storage, "a").await, "text");
    let proxy = Proxy::before(&fixture, &[Plan::CutReply(0), Plan::CutReply(0)], None).await;
    let shaky = proxy.way_to(&fixture).storage();
    shaky.copy(&path("a"), &path("b")).await.unwrap();
    shaky.delete(&path("a")).await.unwrap();
    assert_eq!(names(&*storage, "").await, ["b"]);
}

pub(crate) async fn a_busy_service_is_asked_again(fixture: Fixture) {
    let proxy = Proxy::before(&fixture, &[BUSY; 3], None).await;
    let storage = proxy.way_to(&fixture).storage();
    put(&*storage, "a", "text").await;
    assert_eq!(get(&*storage, "a").await, "text");

    let proxy = Proxy::before(&fixture, &[], Some(BUSY)).await;
    let error = proxy.way_to(&fixture).storage().stat(&path("a")).await.unwrap_err();
    assert!(matches!(error, StorageError::Transient { .. }), "{error}");
    assert!(error.to_string().ends_with("(tried 7 times)") && error.to_string().contains("503"), "{error}");
    assert_eq!(proxy.connections(), 7);
}

pub(crate) async fn a_service_that_is_down_is_transient(fixture: Fixture) {
    let proxy = Proxy::before(&fixture, &[], None).await;
    let down = proxy.way_to(&fixture).storage();
    drop(proxy);
    // The port is closed once its listener is gone.
    tokio::task::yield_now().await;
    let error = down.stat(&path("a")).await.unwrap_err();
    assert!(matches!(error, StorageError::Transient { .. }), "{error}");
    assert!(error.to_string().contains("no connection: "), "{error}");
    let error = write(&*down, "a", b"text").await.unwrap_err();
    assert!(matches!(error, StorageError::Transient { .. }), "{error}");
}

pub(crate) async fn a_silent_service_is_not_waited_for(fixture: Fixture) {
    let proxy = Proxy::before(&fixture, &[], Some(Plan::Silence)).await;
    let limits = Limits { idle: Duration::from_millis(50), retries: 1, ..fixture.limits.clone() };
    let storage = Fixture { limits, ..proxy.way_to(&fixture) }.storage();
    for error in [storage.stat(&path("a")).await.map(drop), write(&*storage, "a", &large(2_000_000)).await.map(drop)] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no byte moved for 0.05 seconds"), "{error}");
    }
}

pub(crate) async fn damage_on_the_way_in_is_noticed(fixture: Fixture) {
    write(&*fixture.storage(), "a", &large(3_000_000)).await.unwrap();
    let proxy = Proxy::before(&fixture, &[Plan::DamageReply(2_000_000)], None).await;
    let error = read(&*proxy.way_to(&fixture).storage(), "a").await.unwrap_err();
    assert!(matches!(error, StorageError::Mismatch { .. }), "{error}");
}

pub(crate) async fn damage_on_the_way_out_leaves_nothing(fixture: Fixture) {
    for size in [3_000_000, PART + 1_000_000] {
        // Which connection carries the first part is not ours to say.
        let proxy = Proxy::before(&fixture, &[Plan::DamageRequest(2_000_000); 2], None).await;
        let error = write(&*proxy.way_to(&fixture).storage(), "a", &large(size)).await.unwrap_err();
        assert!(matches!(error, StorageError::Mismatch { .. }), "{size}: {error}");
        assert_eq!(names(&*fixture.storage(), "").await, [""; 0], "{size}");
        fixture.no_uploads_are_left().await;
    }
}

pub(crate) async fn content_that_fails_late_leaves_nothing(fixture: Fixture) {
    let storage = fixture.storage();
    let lost = || Err(StorageError::Transient { location: "elsewhere".into(), message: "lost".into() });
    let chunks = vec![Ok(Bytes::from(large(PART))), Ok(Bytes::from(large(PART))), lost()];
    let error = storage.write(&path("a"), stream::iter(chunks).boxed(), WriteOptions::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "elsewhere: lost");
    let short = vec![Ok(Bytes::from(large(2 * PART)))];
    let announced = WriteOptions { size: Some(2 * PART as u64 + 1), ..WriteOptions::default() };
    let error = storage.write(&path("a"), stream::iter(short).boxed(), announced).await.unwrap_err();
    assert!(matches!(error, StorageError::Mismatch { .. }), "{error}");
    assert_eq!(names(&*storage, "").await, [""; 0]);
    fixture.no_uploads_are_left().await;
}

pub(crate) async fn a_writer_that_is_dropped_leaves_nothing(fixture: Fixture) {
    let storage = fixture.storage();
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
    let content = receiver.inspect(move |_| asked.send(()).unwrap()).boxed();
    let writer = tokio::spawn({
        let storage = Arc::clone(&storage);
        async move { storage.write(&path("a"), content, WriteOptions::default()).await }
    });
    for _ in 0..3 {
        sender.unbounded_send(Ok(Bytes::from(large(PART)))).unwrap();
    }
    // The third part is asked for once the first one is on its way.
    for _ in 0..3 {
        asks.recv().await.unwrap();
    }
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    assert_eq!(names(&*storage, "").await, [""; 0]);
    fixture.no_uploads_are_left().await;
}

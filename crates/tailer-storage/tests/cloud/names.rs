//! Names that are hard on addresses, signatures and listings; pages.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tailer_storage::{Depth, Limits, ObjectMeta, ObjectPath, StorageError};

use crate::{
    service::{Fixture, Service, write},
    suite::{get, names, path, put},
};

const ODD: [&str; 14] = [
    "a b.csv",
    "a+b.csv",
    "a%20b%2Fc.csv",
    "a#b?c=d&e.csv",
    "été/日本/🙂.csv",
    "quote'\"`.csv",
    "<tag>&amp;.csv",
    "a;b,c:d@e=f$g!h*(i).csv",
    "[x]{y}|^~.csv",
    " spaces / around .csv ",
    "..hidden/...csv",
    "UPPER/lower",
    "-dash/_under.csv",
    "e\u{301}te\u{301}.csv",
];

pub(crate) async fn odd_names_are_names(fixture: Fixture) {
    let storage = fixture.storage();
    for name in ODD {
        let meta = put(&*storage, name, name).await;
        assert_eq!(meta.path.as_str(), name);
        assert_eq!(storage.stat(&path(name)).await.unwrap(), Some(meta), "{name}");
        assert_eq!(get(&*storage, name).await, name);
        let copy = format!("copies/{name}");
        storage.copy(&path(name), &path(&copy)).await.unwrap();
        assert_eq!(get(&*storage, &copy).await, name);
        let folder = path(&copy).parent();
        let listed: Vec<ObjectMeta> = storage.list(&folder, Depth::Folder).await.unwrap().try_collect().await.unwrap();
        assert!(listed.iter().any(|meta| meta.path.as_str() == copy), "{name}: {listed:?}");
        storage.delete(&path(&copy)).await.unwrap();
    }
    let mut expect = ODD.map(str::to_owned).to_vec();
    expect.sort();
    assert_eq!(names(&*storage, "").await, expect);
}

/// A thousand characters fit; what is longer than the services allow is no path, nor is what climbs.
pub(crate) async fn long_names_are_names(fixture: Fixture) {
    let storage = fixture.storage();
    let name = format!("{0}/{0}/{0}/{1}", "x".repeat(250), "y".repeat(247));
    assert_eq!(name.len(), 1000);
    match write(&*storage, &name, b"text").await {
        Ok(_) => assert_eq!(get(&*storage, &name).await, "text"),
        Err(error) => assert!(matches!(error, StorageError::Refused { .. }), "{error:?}"),
    }
    for bad in [&"abcd/".repeat(206), "../x", "in/../../x", "a\0b", "in//x"] {
        assert!(ObjectPath::parse(bad).is_err(), "{bad:?}");
    }
}

/// Folders' placeholders and names that are no paths belong to others.
pub(crate) async fn foreign_names_are_passed_over(fixture: Fixture) {
    let storage = fixture.storage();
    put(&*storage, "in/a", "text").await;
    // Azurite makes slashes of backslashes, as Azure does.
    let more: &[&str] = if matches!(fixture.service, Service::Azure(_)) { &[] } else { &["in%2Fback%5Cslash"] };
    for name in ["in/", "in%2F%2Fdouble", "in%2Fdeep%2F"].iter().chain(more) {
        fixture.put_raw(name, b"");
    }
    assert_eq!(names(&*storage, "in").await, ["in/a"]);
    assert_eq!(names(&*storage, "").await, ["in/a"]);
    let listed: Vec<ObjectMeta> = storage.list(&path("in"), Depth::Folder).await.unwrap().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
}

async fn fill(fixture: &Fixture, count: usize) {
    let storage = fixture.storage();
    let writes = stream::iter(0..count).map(|number| {
        let storage = Arc::clone(&storage);
        async move { put(&*storage, &format!("in/{number:05}"), "").await }
    });
    writes.buffer_unordered(8).collect::<Vec<_>>().await;
}

pub(crate) async fn pages_are_turned(fixture: Fixture) {
    fill(&fixture, 20).await;
    put(&*fixture.storage(), "in/00005/deep", "").await;
    put(&*fixture.storage(), "in/deeper/still", "").await;
    for page in [1, 3, 20, 21, 100] {
        let limits = Limits { page, ..fixture.limits.clone() };
        let storage = Fixture { limits, ..fixture.clone() }.storage();
        assert_eq!(names(&*storage, "in").await.len(), 22, "{page}");
        let listed: Vec<ObjectMeta> =
            storage.list(&path("in"), Depth::Folder).await.unwrap().try_collect().await.unwrap();
        assert_eq!(listed.len(), 20, "{page}");
    }
}

/// More than the services put on one page, whatever is asked for.
pub(crate) async fn a_thousand_objects_are_not_all(fixture: Fixture) {
    fill(&fixture, 1010).await;
    assert_eq!(names(&*fixture.storage(), "in").await.len(), 1010);
}

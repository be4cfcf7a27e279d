//! Configurations: versions, look-ups, flags, and one storage-to-tables operation per address.

use tailer_model::{AccountId, ConfigurationType, Environment, Identity};
use tailer_store::{
    StoreError,
    configurations::{self, ConfigurationRow, Deployed, ListFilter, NewVersion},
};

use crate::common::{Bench, at, identity, table, version_of};

fn get(bench: &Bench, deployed: &Deployed) -> ConfigurationRow {
    let key = deployed.key;
    bench.tx(move |tx| configurations::get(tx, key)).unwrap()
}

#[test]
fn versions_count_up_and_stay() {
    let bench = Bench::new();
    let first = NewVersion {
        document: "one".into(),
        files: [("a.sql".to_owned(), b"SELECT 1".to_vec()), ("é/b.sql".to_owned(), vec![0, 255])].into(),
        context: Some("000110_base version 3".into()),
        ..version_of(table("x_DEV"))
    };
    let one = bench.deploy(first.clone());
    assert_eq!((one.version, &one.replaced), (1, &None));
    let second = NewVersion {
        document: "two".into(),
        max_active_runs: 4,
        by: "bob".into(),
        at: at(60),
        ..version_of(table("x_DEV"))
    };
    let two = bench.deploy(second);
    assert_eq!((two.key, two.version), (one.key, 2));

    let row = get(&bench, &two);
    assert_eq!((row.version, row.max_active_runs, row.updated_by.as_str()), (2, 4, "bob"));
    assert_eq!((row.created, row.deployed, row.updated), (at(0), at(60), at(60)));
    let key = one.key;
    let version = |n| bench.tx(move |tx| configurations::version(tx, key, n));
    let old = version(1).unwrap();
    assert_eq!((old.document.as_str(), old.by.as_str(), old.at), ("one", "ada@example.com", at(0)));
    assert_eq!((old.files, old.context), (first.files, first.context));
    let new = version(2).unwrap();
    assert_eq!((new.document.as_str(), new.files.len(), new.context), ("two", 0, None));
    assert_eq!(version(3), None);

    let listed = |before, limit| {
        let all = bench.tx(move |tx| configurations::versions(tx, key, before, limit));
        all.into_iter().map(|mark| (mark.version, mark.by, mark.at, mark.context)).collect::<Vec<_>>()
    };
    let newer = (2, "bob".to_owned(), at(60), None);
    let older = (1, "ada@example.com".to_owned(), at(0), Some("000110_base version 3".to_owned()));
    assert_eq!(listed(None, 10), [newer.clone(), older.clone()]);
    assert_eq!((listed(None, 1), listed(Some(2), 10), listed(Some(1), 10)), (vec![newer], vec![older], vec![]));
}

#[test]
fn what_was_deployed_with_a_context_is_found_by_its_current_version() {
    let bench = Bench::new();
    let with =
        |id: &str, context: Option<&str>| NewVersion { context: context.map(str::to_owned), ..version_of(table(id)) };
    bench.deploy(with("b_DEV", Some("000110_base version 3")));
    bench.deploy(with("a_DEV", Some("000110_base version 1")));
    bench.deploy(with("a_DEV", Some("000110_base version 4")));
    bench.deploy(with("no_more_DEV", Some("000110_base version 1")));
    bench.deploy(with("no_more_DEV", None));
    let found = bench.tx(|tx| configurations::with_context(tx, &"000110".parse().unwrap()));
    let expected = [("a_DEV", "000110_base version 4"), ("b_DEV", "000110_base version 3")];
    assert_eq!(found, expected.map(|(id, context)| (table(id), context.to_owned())));
    assert_eq!(bench.tx(|tx| configurations::with_context(tx, &"000001".parse().unwrap())), []);
}

#[test]
fn a_request_names_a_configuration_with_or_without_its_environment() {
    let bench = Bench::new();
    let plain = bench.deploy(version_of(identity(ConfigurationType::Workflow, "w")));
    let suffixed = bench.deploy(version_of(identity(ConfigurationType::Workflow, "t_DEV")));
    let both = bench.deploy(version_of(identity(ConfigurationType::Workflow, "w2")));
    let both_suffixed = bench.deploy(version_of(identity(ConfigurationType::Workflow, "w2_DEV")));
    let cases = [
        ("w", Some(&plain)),
        ("w_DEV", Some(&plain)),
        ("t", Some(&suffixed)),
        ("t_DEV", Some(&suffixed)),
        ("w2", Some(&both)),
        ("w2_DEV", Some(&both_suffixed)),
        ("w_PROD", None),
        ("W", None),
        ("", None),
    ];
    for (id, expect) in cases {
        let found = bench.tx(move |tx| {
            let account: AccountId = "000110".parse().unwrap();
            configurations::resolve(tx, &account, Environment::Dev, ConfigurationType::Workflow, id)
        });
        assert_eq!(found.map(|row| row.key), expect.map(|d| d.key), "{id:?}");
    }
    let elsewhere = Identity { environment: Environment::Prod, ..identity(ConfigurationType::Workflow, "w") };
    assert_eq!(bench.tx(move |tx| configurations::find(tx, &elsewhere)), None);
}

#[test]
fn flags_change_alone_and_say_since_when() {
    let bench = Bench::new();
    let deployed = bench.deploy(version_of(table("x_DEV")));
    let key = deployed.key;
    let set = |activated, archived, seconds| {
        bench.tx(move |tx| configurations::set_flags(tx, key, activated, archived, "bob", at(seconds)));
        let row = get(&bench, &deployed);
        (row.activated, row.archived, row.activated_since)
    };
    assert_eq!(set(Some(true), None, 10), (true, false, at(0)), "it was active all along");
    assert_eq!(set(Some(false), None, 20), (false, false, at(0)));
    assert_eq!(set(None, Some(true), 30), (false, true, at(0)));
    assert_eq!(set(Some(true), Some(false), 40), (true, false, at(40)));
    let row = get(&bench, &deployed);
    assert_eq!((row.updated, row.updated_by.as_str(), row.version), (at(40), "bob", 1));

    bench.deploy(NewVersion { activated: false, at: at(50), ..version_of(table("x_DEV")) });
    assert!(!get(&bench, &deployed).activated, "a deployment takes the file's values");
    bench.deploy(NewVersion { at: at(60), ..version_of(table("x_DEV")) });
    assert_eq!(get(&bench, &deployed).activated_since, at(60));

    let nowhere = bench.try_tx(|tx| {
        configurations::set_flags(tx, configurations::ConfigurationKey(99), Some(true), None, "bob", at(0))
    });
    assert_eq!(nowhere, Err(StoreError::Missing("configuration 99".into())));
}

#[test]
fn lists_filter_and_are_ordered() {
    let bench = Bench::new();
    for (kind, id) in [
        (ConfigurationType::Workflow, "b"),
        (ConfigurationType::Workflow, "a"),
        (ConfigurationType::TableToTable, "z_DEV"),
        (ConfigurationType::TableToStorage, "y"),
    ] {
        bench.deploy(version_of(identity(kind, id)));
    }
    bench.deploy(NewVersion { archived: true, ..version_of(identity(ConfigurationType::Workflow, "old")) });
    bench.deploy(version_of(Identity { environment: Environment::Prod, ..table("p") }));
    bench.deploy(version_of(Identity { account: "000999".parse().unwrap(), ..table("theirs") }));

    let every =
        ListFilter { account: "000110".parse().unwrap(), environment: None, configuration_type: None, archived: None };
    let list = |filter: ListFilter| -> Vec<String> {
        let rows = bench.tx(move |tx| configurations::list(tx, &filter));
        rows.into_iter().map(|row| row.identity.configuration_id).collect()
    };
    assert_eq!(list(every.clone()), ["p", "z_DEV", "y", "a", "b", "old"]);
    assert_eq!(list(ListFilter { archived: Some(false), ..every.clone() }), ["p", "z_DEV", "y", "a", "b"]);
    assert_eq!(
        list(ListFilter { configuration_type: Some(ConfigurationType::Workflow), ..every.clone() }),
        ["a", "b", "old"]
    );
    assert_eq!(list(ListFilter { environment: Some(Environment::Prod), ..every }), ["p"]);
    assert_eq!(bench.tx(configurations::all).len(), 6, "of every account, without the archived");
}

fn watcher(id: &str) -> NewVersion {
    NewVersion { watched: Some("gs://in/iowa".into()), ..version_of(identity(ConfigurationType::StorageToTables, id)) }
}

#[test]
fn deploying_to_a_watched_address_replaces_who_watched_it() {
    let bench = Bench::new();
    let old = bench.deploy(watcher("old"));
    assert_eq!(bench.deploy(watcher("old")).replaced, None, "nobody replaces itself");
    let new = bench.deploy(watcher("new"));
    assert_eq!(new.replaced, Some(identity(ConfigurationType::StorageToTables, "old")));
    let row = get(&bench, &old);
    assert_eq!((row.activated, row.archived), (false, true));

    let key = old.key;
    let back = bench.try_tx(move |tx| configurations::set_flags(tx, key, Some(true), Some(false), "bob", at(9)));
    let Err(StoreError::Conflict(why)) = back else { panic!("two would watch one address: {back:?}") };
    assert!(why.contains("storage-to-tables new (000110 DEV)"), "{why}");

    assert_eq!(bench.deploy(watcher("old")).replaced, Some(identity(ConfigurationType::StorageToTables, "new")));
}

#[test]
fn other_kinds_may_share_an_address() {
    let bench = Bench::new();
    bench.deploy(watcher("tables"));
    let shared = NewVersion {
        watched: Some("gs://in/iowa".into()),
        ..version_of(identity(ConfigurationType::StorageToStorage, "copy"))
    };
    assert_eq!(bench.deploy(shared).replaced, None);
    let archived = NewVersion { archived: true, ..watcher("retired") };
    assert_eq!(bench.deploy(archived).replaced, None, "what is archived watches nothing");
}

//! The audit log: an entry comes and goes with its change, belongs to its account, and is found by what it tells.

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::{AccountId, Actor, AuditAction, Via};
use tailer_store::{
    StoreError, Tx,
    audit::{self, AuditFilter, AuditRow, Entry},
    configurations,
    service_accounts::{self, ServiceAccountRow},
    tokens::{self, TokenRow},
    users,
};

use crate::common::{Bench, account, at, root, run_id, table, version_of};

fn other() -> AccountId {
    "000111".parse().unwrap()
}

fn list(bench: &Bench, filter: AuditFilter) -> Vec<AuditRow> {
    bench.tx(move |tx| {
        audit::list(tx, &AuditFilter { limit: if filter.limit == 0 { 100 } else { filter.limit }, ..filter })
    })
}

/// Everything there is, in the order recorded.
fn all(bench: &Bench) -> Vec<AuditRow> {
    let mut rows = list(bench, AuditFilter::default());
    rows.sort_by_key(|row| row.sequence);
    rows
}

fn token(id: &str) -> TokenRow {
    TokenRow {
        id: id.into(),
        account: account(),
        role: "operator".into(),
        created: at(1),
        expires: at(60),
        revoked: None,
        by: "user:ana".into(),
    }
}

fn robot(role: &str) -> ServiceAccountRow {
    ServiceAccountRow {
        email: "ops@example.com".into(),
        key_id: Some("k".into()),
        public_key_pem: "pem".into(),
        account: account(),
        role: role.into(),
        created: at(2),
    }
}

type Change = Box<dyn Fn(&mut Tx<'_>) -> Result<(), StoreError> + Send + Sync>;

/// Every change of who may do what, in an order in which each has an effect: what makes it, its action, target, before and after.
fn changes_of_access() -> Vec<(Change, AuditAction, &'static str, Value, Value)> {
    let expires = "2026-05-04T10:01:00.000000+00:00";
    vec![
        (
            Box::new(|tx| users::add(tx, "ana", "hash", (&account(), "viewer"), &root(), at(3))),
            AuditAction::UserAdd,
            "user:ana",
            json!(null),
            json!({"role": "viewer", "has_password": true}),
        ),
        (
            Box::new(|tx| users::grant(tx, "ana", &account(), Some("admin"), &root(), at(3)).map(drop)),
            AuditAction::UserGrant,
            "user:ana",
            json!({"role": "viewer"}),
            json!({"role": "admin"}),
        ),
        (
            Box::new(|tx| users::set_password(tx, "ana", "hunter2", &root(), at(3)).map(drop)),
            AuditAction::UserSetPassword,
            "user:ana",
            json!(null),
            json!(null),
        ),
        (
            Box::new(|tx| users::grant(tx, "ana", &account(), None, &root(), at(3)).map(drop)),
            AuditAction::UserRevoke,
            "user:ana",
            json!({"role": "admin"}),
            json!({"role": null}),
        ),
        (
            Box::new(|tx| users::remove(tx, "ana", &root(), at(3)).map(drop)),
            AuditAction::UserRemove,
            "user:ana",
            json!(null),
            json!(null),
        ),
        (
            Box::new(|tx| tokens::create(tx, &token("one"), Via::Studio)),
            AuditAction::TokenCreate,
            "token:one",
            json!(null),
            json!({"role": "operator", "expires": expires}),
        ),
        (
            Box::new(|tx| tokens::revoke(tx, "one", &root(), at(3)).map(drop)),
            AuditAction::TokenRevoke,
            "token:one",
            json!({"role": "operator", "expires": expires}),
            json!(null),
        ),
        (
            Box::new(|tx| service_accounts::add(tx, &robot("viewer"), &root())),
            AuditAction::ServiceAccountAdd,
            "ops@example.com",
            json!(null),
            json!({"role": "viewer", "key_id": "k"}),
        ),
        (
            Box::new(|tx| service_accounts::remove(tx, "ops@example.com", &root(), at(3)).map(drop)),
            AuditAction::ServiceAccountRemove,
            "ops@example.com",
            json!({"keys": [{"role": "viewer", "key_id": "k"}]}),
            json!(null),
        ),
    ]
}

#[test]
fn each_change_of_access_leaves_one_entry_and_none_when_it_is_rolled_back() {
    let bench = Bench::new();
    for (number, (change, action, target, before, after)) in changes_of_access().into_iter().enumerate() {
        let change = std::sync::Arc::new(change);
        let undone = change.clone();
        let rolled_back = bench.try_tx(move |tx| {
            undone(tx)?;
            Err::<(), _>(StoreError::Internal("changed its mind".into()))
        });
        assert!(matches!(rolled_back, Err(StoreError::Internal(_))), "{action}: {rolled_back:?}");
        assert_eq!(all(&bench).len(), number, "{action}: a change that is not there has an entry");
        bench.tx(move |tx| change(tx));
        let entries = all(&bench);
        assert_eq!(entries.len(), number + 1, "{action}");
        let last = entries.last().unwrap();
        assert_eq!((last.action, last.target.as_str()), (action, target));
        assert_eq!((&last.before, &last.after), (&before, &after), "{action}");
    }
    let told = format!("{:?}", all(&bench));
    assert!(!told.contains("hash") && !told.contains("hunter2") && !told.contains("pem"), "{told}");
}

#[test]
fn what_is_so_already_or_refused_leaves_no_entry() {
    let bench = Bench::new();
    bench.tx(|tx| users::add(tx, "ana", "hash", (&account(), "viewer"), &root(), at(1)));
    bench.tx(|tx| tokens::create(tx, &token("one"), Via::Cli));
    bench.tx(|tx| tokens::revoke(tx, "one", &root(), at(2)));
    bench.tx(|tx| service_accounts::add(tx, &robot("viewer"), &root()));
    let there = all(&bench).len();
    assert!(bench.tx(|tx| users::grant(tx, "ana", &account(), Some("viewer"), &root(), at(3))));
    assert!(bench.tx(|tx| users::grant(tx, "ana", &other(), None, &root(), at(3))));
    assert!(!bench.tx(|tx| users::grant(tx, "bob", &account(), Some("viewer"), &root(), at(3))));
    assert!(!bench.tx(|tx| users::remove(tx, "bob", &root(), at(3))));
    assert!(!bench.tx(|tx| users::set_password(tx, "bob", "x", &root(), at(3))));
    assert!(!bench.tx(|tx| tokens::revoke(tx, "one", &root(), at(3))));
    assert!(bench.try_tx(|tx| tokens::create(tx, &token("one"), Via::Cli)).is_err());
    bench.tx(|tx| service_accounts::add(tx, &robot("viewer"), &root()));
    assert_eq!(bench.tx(|tx| service_accounts::remove(tx, "eve@example.com", &root(), at(3))), 0);
    assert_eq!(all(&bench).len(), there);
}

#[test]
fn what_concerns_several_accounts_is_told_in_each_and_what_concerns_none_is_the_servers() {
    let bench = Bench::new();
    bench.tx(|tx| {
        users::add(tx, "ana", "hash", (&account(), "viewer"), &root(), at(1))?;
        users::grant(tx, "ana", &other(), Some("admin"), &root(), at(2))?;
        users::remove(tx, "ana", &root(), at(3))?;
        users::add(tx, "bob", "hash", (&account(), "viewer"), &root(), at(4))?;
        users::grant(tx, "bob", &account(), None, &root(), at(5))?;
        users::remove(tx, "bob", &root(), at(6))
    });
    let removals = |of: Option<AccountId>| {
        let filter = AuditFilter { account: of, action: Some(AuditAction::UserRemove), ..AuditFilter::default() };
        list(&bench, filter).into_iter().map(|row| (row.account, row.target, row.before)).collect::<Vec<_>>()
    };
    let ana = "user:ana".to_owned();
    assert_eq!(removals(Some(account())), [(Some(account()), ana.clone(), json!({"role": "viewer"}))]);
    assert_eq!(removals(Some(other())), [(Some(other()), ana, json!({"role": "admin"}))]);
    assert_eq!(removals(None)[0], (None, "user:bob".to_owned(), json!(null)), "nobody's any more");
}

#[test]
fn entries_are_found_by_what_they_tell_page_by_page() {
    let bench = Bench::new();
    let (run, by) = (run_id(7), Actor::new("user:ana", Via::Studio));
    let sales = table("sales_DEV");
    let (of, who, launched) = (sales.clone(), by.clone(), run.clone());
    bench.tx(move |tx| {
        for second in 0..5 {
            audit::record(tx, &Entry::of_operation(&root(), at(second), AuditAction::ConfigurationEnable, &of))?;
        }
        audit::record(tx, &Entry::of_run(&who, at(5), AuditAction::RunLaunch, &of, &launched).after(json!({"a": 1})))?;
        audit::record(tx, &Entry::of_access(&who, at(6), AuditAction::TokenCreate, Some(&account()), "token:x"))
    });
    let path = audit::operation_path(&sales);
    assert_eq!(path, "DEV/gbq-to-gbq/sales_DEV");
    let of = || AuditFilter { account: Some(account()), ..AuditFilter::default() };
    let count = |filter: AuditFilter| list(&bench, filter).len();
    assert_eq!(count(of()), 7);
    assert_eq!(count(AuditFilter { account: Some(other()), ..of() }), 0);
    assert_eq!(count(AuditFilter { without_access: true, ..of() }), 6);
    assert_eq!(count(AuditFilter { operation: Some(path.clone()), ..of() }), 6, "with its runs");
    assert_eq!(count(AuditFilter { target: Some(path), ..of() }), 5);
    assert_eq!(count(AuditFilter { who: Some(by.name.clone()), ..of() }), 2);
    assert_eq!(count(AuditFilter { who: Some(by.name), action: Some(AuditAction::TokenCreate), ..of() }), 1);
    assert_eq!(count(AuditFilter { from: Some(at(1)), to: Some(at(5)), ..of() }), 4);
    let launch = list(&bench, AuditFilter { target: Some(run.to_string()), ..of() });
    assert_eq!((launch.len(), &launch[0].after, launch[0].via), (1, &json!({"a": 1}), Via::Studio));

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list(&bench, AuditFilter { after, limit: 3, ..of() });
        let Some(last) = page.last() else { break };
        after = Some((last.at, last.sequence));
        seen.extend(page.into_iter().map(|row| row.at));
    }
    assert_eq!(seen, (0..7).rev().map(at).collect::<Vec<Timestamp>>());
}

#[test]
fn a_page_of_filters_that_fit_rarely_together_says_how_far_it_looked() {
    let bench = Bench::new();
    let of = table("sales_DEV");
    let names = ["user:ana", "user:bob"];
    bench.tx(move |tx| {
        for second in 0..40 {
            // One of Ana's changes is another one.
            let action = if second == 4 { AuditAction::RunCancel } else { AuditAction::ConfigurationEnable };
            let by = Actor::new(names[usize::from(second % 2 == 1)], Via::Studio);
            audit::record(tx, &Entry::of_operation(&by, at(second), action, &of))?;
        }
        Ok(())
    });
    let page = |filter: AuditFilter| {
        let filter = AuditFilter { account: Some(account()), limit: 10, ..filter };
        bench.tx(move |tx| audit::page(tx, &filter, 5))
    };
    let one_filter = page(AuditFilter { who: Some("user:ana".into()), ..AuditFilter::default() });
    assert_eq!((one_filter.entries.len(), one_filter.more, one_filter.reached), (10, true, None), "it need not look");

    let rare = || AuditFilter {
        who: Some("user:ana".into()),
        action: Some(AuditAction::RunCancel),
        without_access: true,
        ..AuditFilter::default()
    };
    let (mut pages, mut found, mut after) = (0, Vec::new(), None);
    loop {
        let one = page(AuditFilter { after, ..rare() });
        pages += 1;
        found.extend(one.entries.iter().map(|entry| entry.at));
        assert!(!one.more);
        if pages == 1 {
            // Hers are those of even seconds: 38, 36, 34, 32 and 30 were looked at.
            assert_eq!(one.reached.map(|(reached, _)| reached), Some(at(30)));
        }
        match one.reached {
            Some(reached) => after = Some(reached),
            None => break,
        }
    }
    assert_eq!((pages, found), (5, vec![at(4)]), "nothing is passed over");
    let past = page(AuditFilter { from: Some(at(35)), ..rare() });
    assert_eq!((past.entries.len(), past.reached), (0, None), "two of hers are all since then");
}

#[test]
fn refused_sign_ins_are_counted_not_listed() {
    let bench = Bench::new();
    let refuse = |second: i64, address: &'static str| {
        bench.tx(move |tx| audit::refuse(tx, &[account(), other()], "user:ana", address, at(second)));
    };
    for guess in 0..1000 {
        refuse(guess, if guess % 2 == 0 { "10.0.0.1" } else { "10.0.0.2" });
    }
    let entries = all(&bench);
    assert_eq!(entries.len(), 2, "one in each account");
    let last = "2026-05-04T10:16:39.000000+00:00";
    let told = json!({"attempts": 1000, "addresses": ["10.0.0.1", "10.0.0.2"], "last": last});
    assert!(entries.iter().all(|entry| entry.after == told && entry.at == at(0)), "{entries:?}");
    refuse(3600, "10.0.0.3");
    assert_eq!(all(&bench).len(), 4, "an hour later it is told anew");
    bench.tx(|tx| {
        for n in 0..50 {
            audit::refuse(tx, &[], "unknown", &format!("10.1.0.{n}"), at(4000))?;
        }
        Ok(())
    });
    let unknown = all(&bench).pop().unwrap();
    assert_eq!((unknown.account, unknown.after["attempts"].as_u64()), (None, Some(50)));
    assert_eq!(unknown.after["addresses"].as_array().map(Vec::len), Some(8));
}

#[test]
fn old_entries_go_in_steps() {
    let bench = Bench::new();
    let operation = table("x_DEV");
    bench.tx(move |tx| {
        for second in 0..10 {
            audit::record(tx, &Entry::of_operation(&root(), at(second), AuditAction::ConfigurationDeploy, &operation))?;
        }
        Ok(())
    });
    assert_eq!(bench.tx(audit::oldest), Some(at(0)));
    assert_eq!(bench.tx(|tx| audit::prune(tx, at(7), 4)), 4);
    assert_eq!(bench.tx(|tx| audit::prune(tx, at(7), 4)), 3);
    assert_eq!(bench.tx(|tx| audit::prune(tx, at(7), 4)), 0);
    assert_eq!(all(&bench).into_iter().map(|row| row.at).collect::<Vec<_>>(), [at(7), at(8), at(9)]);
}

#[test]
fn flags_that_are_so_already_are_left_as_they_are() {
    let bench = Bench::new();
    let key = bench.deploy(version_of(table("x_DEV"))).key;
    bench.tx(move |tx| configurations::set_flags(tx, key, Some(true), None, "bob", at(9)));
    let row = bench.tx(move |tx| configurations::get(tx, key)).unwrap();
    assert_eq!((row.updated_by.as_str(), row.updated), ("ada@example.com", at(0)));
}

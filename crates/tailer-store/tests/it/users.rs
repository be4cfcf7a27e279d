//! Users and their sessions: what removal and a new password take with them.

use tailer_store::{
    StoreError,
    sessions::{self, Kind, SessionRow},
    users,
};

use crate::common::{Bench, account, at, root};

fn session(id: &str, subject: &str) -> SessionRow {
    SessionRow {
        id_hash: id.into(),
        kind: Kind::User,
        subject: subject.into(),
        claims: None,
        created: at(1),
        seen: at(1),
        expires: at(100),
    }
}

#[test]
fn a_user_has_one_role_an_account_and_takes_sessions_along() {
    let bench = Bench::new();
    bench.tx(|tx| users::add(tx, "ana", "hash", (&account(), "operator"), &root(), at(1)));
    assert!(matches!(
        bench.try_tx(|tx| users::add(tx, "ana", "other", (&account(), "operator"), &root(), at(2))),
        Err(StoreError::Conflict(_))
    ));
    assert!(bench.tx(|tx| users::grant(tx, "ana", &account(), Some("viewer"), &root(), at(2))));
    assert!(bench.tx(|tx| users::grant(tx, "ana", &account(), Some("admin"), &root(), at(2))));
    assert!(!bench.tx(|tx| users::grant(tx, "bob", &account(), Some("admin"), &root(), at(2))));
    let known = bench.tx(users::list);
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].roles, [(account(), "admin".to_owned())]);

    for id in ["one", "two"] {
        bench.tx(move |tx| sessions::begin(tx, &session(id, "ana")));
    }
    bench.tx(|tx| sessions::see(tx, "one", at(7)));
    assert_eq!(bench.tx(|tx| sessions::get(tx, "one")), Some(SessionRow { seen: at(7), ..session("one", "ana") }));
    bench.tx(|tx| sessions::end(tx, "one"));
    assert_eq!(bench.tx(|tx| sessions::get(tx, "one")), None);
    assert!(bench.tx(|tx| users::set_password(tx, "ana", "new", &root(), at(8))));
    assert_eq!(bench.tx(|tx| sessions::get(tx, "two")), None, "a new password ends what the old one began");
    assert_eq!(bench.tx(|tx| users::password(tx, "ana")).as_deref(), Some("new"));

    assert!(bench.tx(|tx| users::remove(tx, "ana", &root(), at(9))));
    assert!(!bench.tx(|tx| users::remove(tx, "ana", &root(), at(9))));
    assert!(bench.tx(|tx| users::roles(tx, "ana")).is_empty());
}

#[test]
fn beginning_a_session_forgets_the_expired() {
    let bench = Bench::new();
    bench.tx(|tx| sessions::begin(tx, &session("old", "ana")));
    let late = SessionRow { created: at(100), seen: at(100), expires: at(200), ..session("new", "ana") };
    bench.tx(move |tx| sessions::begin(tx, &late));
    assert_eq!(bench.tx(|tx| sessions::get(tx, "old")), None);
}

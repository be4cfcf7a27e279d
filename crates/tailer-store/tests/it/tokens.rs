//! Tokens: recorded, listed, revoked once.

use tailer_model::Via;
use tailer_store::{
    StoreError,
    tokens::{self, TokenRow},
};

use crate::common::{Bench, account, at, root};

#[test]
fn tokens_are_revoked_once() {
    let bench = Bench::new();
    let token = |id: &str, created| TokenRow {
        id: id.into(),
        account: account(),
        role: "operator".into(),
        created: at(created),
        expires: at(3600),
        revoked: None,
        by: "cli".into(),
    };
    let (a, b) = (token("a", 2), token("b", 1));
    for row in [a.clone(), b.clone()] {
        bench.tx(move |tx| tokens::create(tx, &row, Via::Cli));
    }
    let again = a.clone();
    assert!(matches!(bench.try_tx(move |tx| tokens::create(tx, &again, Via::Cli)), Err(StoreError::Conflict(_))));
    assert_eq!(bench.tx(|tx| tokens::get(tx, "a")), Some(a.clone()));
    assert_eq!(bench.tx(tokens::list), [b, a.clone()], "oldest first");
    assert!(bench.tx(|tx| tokens::revoke(tx, "a", &root(), at(9))));
    assert!(!bench.tx(|tx| tokens::revoke(tx, "a", &root(), at(10))));
    assert!(!bench.tx(|tx| tokens::revoke(tx, "c", &root(), at(10))));
    assert_eq!(bench.tx(|tx| tokens::get(tx, "a")), Some(TokenRow { revoked: Some(at(9)), ..a }));
}

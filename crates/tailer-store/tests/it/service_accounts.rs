//! Service accounts: replaced by e-mail, account and key.

use tailer_store::service_accounts::{self, ServiceAccountRow};

use crate::common::{Bench, at, root};

#[test]
fn a_service_account_is_replaced_by_email_account_and_key() {
    let bench = Bench::new();
    let row = |account: &str, key_id: Option<&str>, pem: &str| ServiceAccountRow {
        email: "ops@project.example".into(),
        key_id: key_id.map(str::to_owned),
        public_key_pem: pem.into(),
        account: account.parse().unwrap(),
        role: "operator".into(),
        created: at(0),
    };
    let add = |row: ServiceAccountRow| bench.tx(move |tx| service_accounts::add(tx, &row, &root()));
    add(row("000110", None, "one"));
    add(row("000110", None, "two"));
    add(row("000110", Some("k1"), "three"));
    add(row("000111", Some("k1"), "four"));
    let found = bench.tx(|tx| service_accounts::by_email(tx, "ops@project.example"));
    assert_eq!(
        found,
        [row("000110", None, "two"), row("000110", Some("k1"), "three"), row("000111", Some("k1"), "four")]
    );
    assert_eq!(bench.tx(service_accounts::list), found);
    assert_eq!(bench.tx(|tx| service_accounts::remove(tx, "ops@project.example", &root(), at(1))), 3);
    assert_eq!(bench.tx(|tx| service_accounts::remove(tx, "ops@project.example", &root(), at(1))), 0);
}

//! When regular runs began: a row an operation in PROD, and only what may run.

use tailer_model::{Environment, Identity};
use tailer_store::{ConfigurationKey, configurations, freshness};

use crate::common::{Bench, account, at, run_id, table, version_of};

fn in_prod(bench: &Bench, id: &str) -> ConfigurationKey {
    bench.deploy(version_of(Identity { environment: Environment::Prod, ..table(id) })).key
}

#[test]
fn starts_gather_in_the_row_of_their_operation() {
    let bench = Bench::new();
    let (x, y) = (in_prod(&bench, "x_PROD"), in_prod(&bench, "y_PROD"));
    bench.operation("x_DEV", 1);
    let day = 86_400;
    for n in 0..50 {
        bench.tx(move |tx| freshness::note(tx, x, &run_id(n), at(i64::try_from(n).unwrap() * day)));
    }
    let rows = bench.tx(|tx| freshness::of_account(tx, &account()));
    assert_eq!(rows.iter().map(|row| row.configuration.key).collect::<Vec<_>>(), [x, y], "those in PROD");
    assert_eq!(
        (rows[0].arrivals().unwrap().last(), rows[0].last_run.as_ref()),
        (Some(at(49 * day)), Some(&run_id(49)))
    );
    assert_eq!(rows[0].arrivals().unwrap().runs(), 40, "no more than are needed");
    assert_eq!((rows[1].arrivals().unwrap().runs(), &rows[1].last_run), (0, &None));
    bench.tx(move |tx| configurations::set_flags(tx, x, Some(false), None, "ada", at(0)));
    bench.tx(move |tx| configurations::set_flags(tx, y, None, Some(true), "ada", at(0)));
    assert!(bench.tx(|tx| freshness::of_account(tx, &account())).is_empty(), "disabled, archived");
    assert!(bench.tx(|tx| freshness::of_account(tx, &"000001".parse().unwrap())).is_empty());
}

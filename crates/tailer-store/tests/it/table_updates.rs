//! Last updates of tables: one an account, under the fence, gone with their run.

use jiff::Timestamp;
use tailer_model::{AccountId, RunId, RunStatus, SubStatus};
use tailer_store::{
    runs,
    table_updates::{self, Table, TableUpdate},
};

use crate::common::{Bench, account, at, run_of, task};

const SALES: Table<'static> = Table { project: "p", dataset: "d", table: "sales" };

fn record(bench: &Bench, run: &RunId, account: &AccountId, rows: Option<u64>, second: i64) -> bool {
    let (run, account) = (run.clone(), account.clone());
    bench.tx(move |tx| table_updates::record(tx, (&run, 1), &account, &task("load"), SALES, rows, at(second)))
}

fn last(bench: &Bench, account: &AccountId) -> Option<TableUpdate> {
    let account = account.clone();
    bench.tx(move |tx| table_updates::last(tx, &account, SALES))
}

#[test]
fn the_latest_of_an_account_stays() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 2);
    let (first, second) = (bench.running(key, "w", at(0)), bench.running(key, "w", at(1)));
    assert_eq!(last(&bench, &account()), None);
    assert!(record(&bench, &second.run_id, &account(), Some(7), 20));
    assert!(record(&bench, &first.run_id, &account(), Some(5), 10), "it came late, and is no news");
    let found = last(&bench, &account()).unwrap();
    assert_eq!((found.run_id, found.rows, found.updated), (second.run_id.clone(), Some(7), at(20)));
    assert_eq!((found.identity.configuration_id.as_str(), found.task_id.as_str()), ("x_DEV", "load"));
    let other: AccountId = "000111".parse().unwrap();
    assert_eq!(last(&bench, &other), None, "another account hears nothing");
    assert!(record(&bench, &first.run_id, &account(), None, 20));
    assert_eq!(last(&bench, &account()).unwrap().rows, None);
    let (run, account_) = (first.run_id.clone(), account());
    assert!(bench.tx(move |tx| table_updates::forget(tx, (&run, 1), &account_, SALES)));
    assert_eq!(last(&bench, &account()), None);
}

#[test]
fn who_lost_the_run_records_nothing() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = bench.running(key, "w", at(0));
    bench.tx(|tx| runs::take_over(tx, "v", at(20), at(35), 9, runs::Place::Home));
    assert!(!record(&bench, &run.run_id, &account(), None, 21));
    let (id, account_) = (run.run_id, account());
    assert!(!bench.tx(move |tx| table_updates::forget(tx, (&id, 1), &account_, SALES)));
    assert_eq!(last(&bench, &account()), None);
}

#[test]
fn it_goes_with_its_run() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let run = bench.running(key, "w", at(0));
    assert!(record(&bench, &run.run_id, &account(), Some(1), 1));
    assert!(bench.finish(&run, at(2)));
    let prune = |bench: &Bench| {
        bench.tx(|tx| {
            let seen = runs::older(tx, at(100), (Timestamp::MIN, 0), 10)?;
            runs::prune(tx, &seen.sequences, 10)
        })
    };
    assert_eq!(prune(&bench).runs, 0, "the newest stays");
    assert!(last(&bench, &account()).is_some());
    let newer = run_of(key, at(3));
    bench.tx(move |tx| runs::create_ended(tx, &newer, RunStatus::Success, SubStatus::Success, None));
    assert_eq!(prune(&bench).runs, 1);
    assert_eq!(last(&bench, &account()), None);
}

//! A database of before the migration is made by taking away what the migration brings.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailer_model::{
    ConfigurationType, Criticality, Environment, ExecutionDate, Identity, JobId, RunId, RunStatus, SubStatus,
};

use super::quality;
use crate::{
    ConfigurationKey, Durability, Store, StoreError, Tx,
    configurations::{self, NewVersion},
    expectations::{self, Found, Series},
    freshness,
    runs::{self, NewRun, Place},
};

fn at(hours: i64) -> Timestamp {
    "2026-05-04T06:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

fn deploy(tx: &mut Tx<'_>) -> Result<ConfigurationKey, StoreError> {
    let version = NewVersion {
        identity: Identity {
            account: "000110".parse().unwrap(),
            environment: Environment::Prod,
            configuration_type: ConfigurationType::TableToTable,
            configuration_id: "x_PROD".into(),
        },
        document: "{}".into(),
        files: [].into(),
        activated: true,
        archived: false,
        max_active_runs: 1,
        by: "ada".into(),
        at: at(0),
        context: None,
        watched: None,
        roams: false,
    };
    Ok(configurations::deploy(tx, &version)?.key)
}

fn run(key: ConfigurationKey, hours: i64, trigger: &str) -> NewRun {
    NewRun {
        run_id: RunId::new(at(hours), uuid::Uuid::new_v4()),
        configuration: key,
        version: 1,
        job_id: JobId("gbq-to-gbq|x_PROD".into()),
        execution_date: ExecutionDate::of(at(hours)),
        trigger: json!({"type": trigger}),
        parameters: json!(null),
        tasks: None,
        at: at(hours),
        input: json!(null),
    }
}

fn found(column: &str, call: &str, passed: bool) -> Found {
    let result = json!({"procedure_name": "unique", "dataset": "p.d", "tablename": "t", "column_name": column});
    Found { call: call.into(), passed, line: 1, message: String::new(), result, rejected: json!(null) }
}

/// A run that found this.
fn checked(tx: &mut Tx<'_>, key: ConfigurationKey, hours: i64, found: &[Found]) -> Result<RunId, StoreError> {
    let run = run(key, hours, "schedule");
    runs::create(tx, &run)?;
    let held = runs::claim(tx, "w", at(hours), at(hours), 1, 10, Place::Home)?;
    let task = "check".parse().unwrap();
    expectations::record(tx, &run.run_id, held[0].fence, key, (&task, Criticality::Warning), 1, found, at(hours))?;
    runs::finish(tx, &run.run_id, held[0].fence, RunStatus::Success, SubStatus::Success, None, at(hours))?;
    Ok(run.run_id)
}

fn all(tx: &mut Tx<'_>) -> Result<Vec<Series>, StoreError> {
    let mut all = expectations::of_account(tx, &"000110".parse().unwrap(), None)?;
    all.sort_by_key(|one| one.key);
    Ok(all)
}

#[test]
fn old_results_get_their_series_and_go_on_in_them() {
    let store = Store::in_memory().unwrap();
    let test = |tx: &mut Tx<'_>| {
        let key = deploy(tx)?;
        let both = |passed| [found("a", "", passed), found("a", "", true), found("b", "", true)];
        for day in 0..3 {
            checked(tx, key, day * 24, &both(day == 0))?;
        }
        tx.execute("UPDATE expectations SET series = NULL", &[])?;
        tx.execute("DELETE FROM expectation_series", &[])?;
        quality(tx)?;
        let before = all(tx)?;
        let told: Vec<_> = before.iter().map(|one| (one.column.as_str(), one.passed, one.checked)).collect();
        assert_eq!(told, [("a", false, at(48)), ("a", true, at(48)), ("b", true, at(48))]);
        for one in &before {
            assert_eq!(expectations::marks(tx, one.key, 10)?.len(), 3, "{one:?}");
            assert_eq!((one.call.as_str(), one.version), ("", 1));
        }

        // The first results that know their calls adopt what is there; the same calls are then found by themselves.
        let calls = [found("a", "unique(a)", true), found("a", "unique(a)", true), found("b", "unique(b)", true)];
        checked(tx, key, 72, &calls)?;
        checked(tx, key, 96, &calls)?;
        let after = all(tx)?;
        assert_eq!(
            after.iter().map(|one| one.key).collect::<Vec<_>>(),
            before.iter().map(|one| one.key).collect::<Vec<_>>()
        );
        assert!(after.iter().all(|one| one.call.starts_with("unique(") && one.passed && one.checked == at(96)));
        assert_eq!(expectations::marks(tx, after[0].key, 10)?.len(), 5);
        // Another call of the same column is another expectation.
        checked(tx, key, 120, &[found("b", "unique(b, 'x')", true)])?;
        assert_eq!(all(tx)?.len(), 4);
        Ok::<_, StoreError>(())
    };
    store.write_blocking(Durability::Relaxed, test).unwrap();
}

#[test]
fn more_results_than_a_page_are_all_filled_in() {
    let store = Store::in_memory().unwrap();
    let test = |tx: &mut Tx<'_>| {
        let key = deploy(tx)?;
        let many: Vec<Found> = (0..1200).map(|n| found(&format!("c{n}"), "", true)).collect();
        checked(tx, key, 0, &many)?;
        checked(tx, key, 24, &many)?;
        tx.execute("UPDATE expectations SET series = NULL", &[])?;
        tx.execute("DELETE FROM expectation_series", &[])?;
        quality(tx)?;
        let all = all(tx)?;
        assert_eq!(all.len(), 1200);
        for one in &all {
            assert_eq!(expectations::marks(tx, one.key, 10)?.len(), 2, "{one:?}");
        }
        Ok::<_, StoreError>(())
    };
    store.write_blocking(Durability::Relaxed, test).unwrap();
}

#[test]
fn rhythms_are_learned_from_the_runs_there_are() {
    let store = Store::in_memory().unwrap();
    let test = |tx: &mut Tx<'_>| {
        let key = deploy(tx)?;
        let mut newest = None;
        for (hours, trigger, status) in [
            (0, "file", RunStatus::Success),
            (24, "workflow", RunStatus::Failed),
            (30, "api", RunStatus::Success),
            (31, "backfill", RunStatus::Success),
            (48, "schedule", RunStatus::Success),
            (54, "file", RunStatus::NoMatch),
        ] {
            let run = run(key, hours, trigger);
            runs::create_ended(tx, &run, status, SubStatus::Success, None)?;
            newest = newest.or_else(|| (trigger == "schedule").then_some(run.run_id));
        }
        quality(tx)?;
        let rows = freshness::of_account(tx, &"000110".parse().unwrap())?;
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        let arrivals = row.arrivals()?;
        assert_eq!((arrivals.runs(), arrivals.last(), &row.last_run), (3, Some(at(48)), &newest));
        Ok::<_, StoreError>(())
    };
    store.write_blocking(Durability::Relaxed, test).unwrap();
}

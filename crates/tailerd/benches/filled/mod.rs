//! A store with a long history, filled through its own crate while no server runs: configurations, one in ten with a schedule, and as
//! many ended runs, a second apart, of different environments, triggers and outcomes.

#![allow(dead_code, unreachable_pub, reason = "each bench uses a part")]

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailer_model::{
    ConfigurationType, Environment, ExecutionDate, Identity, RunId, SubStatus, TriggerType, operation::Definition,
    parse_configuration,
};
use tailer_store::{
    ConfigurationKey, Durability, Store, StoreError, Tx,
    configurations::{self, NewVersion},
    runs::{self, NewRun},
};

use super::{place::Place, support::ACCOUNT};

/// Runs recorded in one transaction.
pub const BATCH: usize = 5_000;

/// How many runs to fill in: a million, or what `TAILERD_BENCH_RUNS` says.
pub fn runs_wanted() -> usize {
    std::env::var("TAILERD_BENCH_RUNS").map_or(1_000_000, |runs| runs.parse().expect("a number of runs"))
}

/// Records the configurations, of the document `probe.json` of the place's folder, and the runs; answers the former.
pub fn fill(place: &Place, runs: usize, configurations: usize) -> Vec<ConfigurationKey> {
    let document = std::fs::read_to_string(place.folder.join("probe.json")).unwrap();
    let (parsed, _) = parse_configuration(&document);
    assert!(parsed.is_some_and(|c| matches!(c.definition, Definition::TableToTable(_))));
    let store = place.store();
    let keys = write(&store, move |tx| {
        (0..configurations)
            .map(|n| Ok(configurations::deploy(tx, &version(n, &document))?.key))
            .collect::<Result<Vec<_>, _>>()
    });
    let first = Timestamp::now() - SignedDuration::from_secs(i64::try_from(runs).unwrap() + 600);
    for batch in (0..runs).step_by(BATCH) {
        let keys = keys.clone();
        write(&store, move |tx| {
            for n in batch..runs.min(batch + BATCH) {
                let at = first + SignedDuration::from_secs(i64::try_from(n).unwrap_or_default());
                let outcome = outcome(n);
                let run = run(n % configurations, keys[n % configurations], trigger(n), at);
                runs::create_ended(tx, &run, outcome.status(), outcome, None)?;
            }
            Ok(())
        });
    }
    keys
}

pub fn write<T: Send + 'static>(
    store: &Store,
    decide: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write_blocking(Durability::Relaxed, decide).unwrap()
}

/// One in twenty fails, one in twenty warns, few are cancelled; one in a thousand of those has been checked.
fn outcome(n: usize) -> SubStatus {
    match n % 20 {
        0 if n.is_multiple_of(50_000) => SubStatus::Checked,
        0 if n.is_multiple_of(1_000) => SubStatus::Cancelled,
        0 => SubStatus::Failed,
        1 => SubStatus::Warning,
        _ => SubStatus::Success,
    }
}

/// Most are scheduled; backfills were long ago.
fn trigger(n: usize) -> TriggerType {
    match n % 10 {
        _ if n < 1_000 => TriggerType::Backfill,
        0 => TriggerType::Api,
        1 => TriggerType::Workflow,
        _ => TriggerType::Schedule,
    }
}

/// One in four is of production; one in a hundred is of a house that is hardly used.
fn environment(n: usize) -> Environment {
    match n {
        n if n % 100 == 7 => Environment::Staging,
        n if n.is_multiple_of(4) => Environment::Prod,
        _ => Environment::Dev,
    }
}

pub fn identity(n: usize) -> Identity {
    let environment = environment(n);
    Identity {
        account: ACCOUNT.parse().unwrap(),
        environment,
        configuration_type: ConfigurationType::TableToTable,
        configuration_id: format!("operation_{n}_{environment}"),
    }
}

fn version(n: usize, document: &str) -> NewVersion {
    let identity = identity(n);
    let mut document: Value = serde_json::from_str(document).unwrap();
    document["configuration_id"] = json!(format!("operation_{n}"));
    document["environment"] = json!(identity.environment);
    document["workflow"][0]["table_name"] = json!(format!("table_{n}"));
    if n.is_multiple_of(10) {
        document["schedule_interval"] = json!("0 6 1 1 *");
        document["start_date"] = json!("2024, 1, 1");
    }
    deployed(identity, document.to_string(), &sql(n))
}

/// A table that is made from the tables of three others.
fn sql(n: usize) -> String {
    let from = |less: usize| format!("`p.d.table_{}`", n.saturating_sub(less));
    format!(
        "SELECT a.pk, a.sold, b.label, SUM(a.sold * c.price) AS revenue\nFROM {} AS a\nJOIN {} AS b USING (pk)\n\
         LEFT JOIN (SELECT pk, MAX(price) AS price FROM {} WHERE day >= DATE_SUB(CURRENT_DATE(), INTERVAL 7 DAY) GROUP BY pk) AS c\n  \
         ON c.pk = a.pk\nGROUP BY 1, 2, 3\n",
        from(1),
        from(7),
        from(100)
    )
}

/// A version of a configuration, with the file that the probe names.
pub fn deployed(identity: Identity, document: String, sql: &str) -> NewVersion {
    NewVersion {
        identity,
        document,
        files: [("probe_one.sql".to_owned(), sql.as_bytes().to_vec())].into(),
        activated: true,
        archived: false,
        max_active_runs: 1,
        by: "bench".into(),
        at: Timestamp::now(),
        context: None,
        watched: None,
        roams: true,
    }
}

pub fn run(n: usize, configuration: ConfigurationKey, trigger: TriggerType, at: Timestamp) -> NewRun {
    NewRun {
        run_id: RunId::new(at, uuid::Uuid::new_v4()),
        configuration,
        version: 1,
        job_id: identity(n).job_id(None),
        execution_date: ExecutionDate::of(at),
        trigger: json!({"type": trigger, "by": "bench", "run_ids": []}),
        parameters: json!({}),
        tasks: None,
        at,
        input: json!(null),
    }
}

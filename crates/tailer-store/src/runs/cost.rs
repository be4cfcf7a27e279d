//! What decisions about runs cost must not depend on how many runs there are. Measured in steps of SQLite's virtual machine,
//! which are the same on every machine.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailer_model::{ConfigurationType, Environment, Identity};

use super::*;
use crate::{Durability, Store, configurations::NewVersion};

fn deploy(tx: &mut Tx<'_>, id: &str, max_active_runs: u32) -> Result<ConfigurationKey, StoreError> {
    let identity = Identity {
        account: "000110".parse().unwrap(),
        environment: Environment::Dev,
        configuration_type: ConfigurationType::TableToTable,
        configuration_id: id.into(),
    };
    let version = NewVersion {
        identity,
        document: "{}".into(),
        files: [].into(),
        activated: true,
        archived: false,
        max_active_runs,
        by: "ada".into(),
        at: Timestamp::UNIX_EPOCH,
        context: None,
        watched: None,
        roams: false,
    };
    Ok(configurations::deploy(tx, &version)?.key)
}

fn run(configuration: ConfigurationKey, second: i64) -> NewRun {
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
    NewRun {
        run_id: RunId::new(at, uuid::Uuid::new_v4()),
        configuration,
        version: 1,
        job_id: JobId("gbq-to-gbq|x_DEV".into()),
        execution_date: ExecutionDate::of(at),
        trigger: json!({}),
        parameters: json!(null),
        tasks: None,
        at,
        input: json!(null),
    }
}

/// The steps of each decision, with `ended` runs behind us and `queued` behind one full configuration.
fn costs(ended: i64, queued: i64) -> Vec<(&'static str, u64)> {
    let store = Store::in_memory().unwrap();
    let measure = move |tx: &mut Tx<'_>| -> Result<_, StoreError> {
        let (full, free) = (deploy(tx, "full_DEV", 1)?, deploy(tx, "free_DEV", 5)?);
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365);
        let lease = now + SignedDuration::from_secs(15);
        for second in 0..ended {
            create_ended(tx, &run(free, second), RunStatus::Success, SubStatus::Success, None)?;
        }
        create(tx, &run(full, 0))?;
        claim(tx, "w", now, lease, 1, 100, Place::Home)?;
        for second in 0..queued {
            create(tx, &run(full, second))?;
        }
        let waiting = run(full, queued);
        create(tx, &waiting)?;
        let waiting = get(tx, &waiting.run_id)?.unwrap();
        let mine = run(free, ended + queued);

        let mut all = Vec::new();
        let mut before = tx.steps();
        let mut cost = |name, tx: &mut Tx<'_>| {
            all.push((name, tx.steps() - before));
            before = tx.steps();
        };
        create(tx, &mine)?;
        cost("create", tx);
        assert_eq!(claim(tx, "w", now, lease, 10, 100, Place::Home)?.len(), 1);
        cost("claim", tx);
        assert_eq!(claim(tx, "w", now, lease, 10, 100, Place::Home)?.len(), 0);
        cost("claim nothing", tx);
        assert_eq!(renew(tx, "w", now, lease)?, 2);
        cost("renew", tx);
        assert_eq!(take_over(tx, "v", lease, lease, 10, Place::Home)?.len(), 2);
        cost("take over", tx);
        cancel_requested(tx, "v")?;
        cost("cancel requested", tx);
        assert!(waiting_reason(tx, &waiting)?.is_some());
        cost("waiting reason", tx);
        assert!(finish(tx, &mine.run_id, 2, RunStatus::Success, SubStatus::Success, None, lease)?);
        cost("finish", tx);
        assert!(set_status(tx, &mine.run_id, RunStatus::Checked, lease)?);
        cost("set status", tx);
        request_cancel(tx, &waiting.run_id, lease)?;
        cost("cancel", tx);
        counts(tx)?;
        cost("counts", tx);
        list(tx, &RunFilter { configuration: Some(full), limit: 10, ..RunFilter::default() })?;
        cost("list", tx);
        Ok(all)
    };
    store.write_blocking(Durability::Relaxed, measure).unwrap()
}

#[test]
fn decisions_cost_the_same_with_ten_thousand_runs() {
    let (few, many) = (costs(20, 20), costs(2_000, 10_000));
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        assert!(many <= few + few / 10, "{name}: {few} steps with few runs, {many} with many");
    }
}

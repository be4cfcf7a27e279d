//! Who tells of a file and when it is taken: watches, notifications, polling, and folders that are slow or very full.

use std::time::{Duration, Instant};

use serde_json::json;
use tailer_engine::ObjectNotice;
use tailer_model::operation::storage_to_storage::StorageKind;

use crate::{
    copying::{copies, operation},
    support::{House, reference},
};

const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_makes_one_file_be_looked_at() {
    let house = House::with(|settings| settings.poll_every = NEVER).await;
    let mut configuration = copies(&["out"]);
    configuration["source"]["gcs_source_bucket"] = json!("remote");
    house.deploy(configuration, &[]).await;
    house.drop_file("remote/drop/a.csv", "x");
    let notify = async |path: &str, account: &str| {
        let notice = ObjectNotice { kind: StorageKind::Gcs, bucket: "remote".into(), path: path.into() };
        house.engine.notify(vec![notice], vec![account.parse().unwrap()]).await.unwrap()
    };
    // A watcher that has just been made looks at everything: only then nothing but the notification tells.
    if house.runs(&operation()).await.is_empty() {
        assert_eq!(notify("drop/a.csv", "000001").await, 0, "another account's");
        assert_eq!(notify("a.csv", "000099").await, 0, "another folder");
        assert_eq!(notify("drop/a.csv", "000099").await, 1);
    }
    assert_eq!(house.runs_ended(operation(), 1).await.len(), 1);
    house.drop_file("remote/drop/b.csv", "x");
    for _ in 0..3 {
        assert_eq!(notify("drop/b.csv", "000099").await, 1);
    }
    assert_eq!(notify("drop/gone.csv", "000099").await, 1);
    assert_eq!(house.runs_ended(operation(), 2).await.len(), 2, "told three times, handled once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_hangs_delays_nobody() {
    let house = House::new().await;
    for n in 0..40 {
        let mut hanging = copies(&["out"]);
        hanging["configuration_id"] = json!(format!("hanging{n}"));
        hanging["source"]["gcs_source_bucket"] = json!("remote");
        hanging["source"]["gcs_source_prefix"] = json!(format!("hangs/{n}"));
        house.deploy(hanging, &[]).await;
    }
    house.deploy(copies(&["out"]), &[]).await;
    house.drop_file("in/drop/a.csv", "x");
    assert_eq!(house.runs_ended(operation(), 1).await[0].status, "SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_operations_may_watch_one_folder() {
    let house = House::new().await;
    for n in 0..2 {
        let mut configuration = copies(&[&format!("out/{n}")]);
        configuration["configuration_id"] = json!(format!("copy{n}"));
        configuration["filename_templates"] = json!([{"filename_template": format!("{n}_{{{{FD_DATE}}}}.csv")}]);
        house.deploy(configuration, &[]).await;
    }
    house.drop_file("in/drop/0_20240229.csv", "0");
    house.drop_file("in/drop/1_20240229.csv", "1");
    for n in 0..2 {
        let configuration = reference("storage-to-storage", &format!("copy{n}"));
        house
            .until("its own file is copied", async || {
                house.runs(&configuration).await.iter().any(|run| run.status == "SUCCESS").then_some(())
            })
            .await;
        assert!(house.bucket(&format!("out/{n}/{n}_20240229.csv")).exists());
    }
}

/// A folder with very many files that stay: the memory of a look is that of a page, and looks become rare.
/// `cargo nextest run -p tailer-engine --run-ignored only full_folder`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: makes 200,000 files"]
async fn a_very_full_folder_is_looked_at_in_bounded_memory() {
    let files: usize = std::env::var("FILES").map_or(200_000, |n| n.parse().unwrap());
    let house = House::with(|settings| {
        settings.poll_every = Duration::from_secs(1);
        settings.reconcile_every = Duration::from_secs(5);
    })
    .await;
    let mut configuration = copies(&["out"]);
    configuration["filename_templates"] = json!([{"filename_template": "sales_{{FD_DATE}}.csv"}]);
    let folder = house.bucket("in/drop");
    std::fs::create_dir_all(&folder).unwrap();
    for n in 0..files {
        std::fs::write(folder.join(format!("a_file_that_no_template_matches_{n:06}")), "x").unwrap();
    }
    let started = Instant::now();
    house.deploy(configuration, &[]).await;
    let store = house.store.clone();
    let runs = || store.read_blocking(tailer_store::runs::counts).unwrap().iter().map(|(_, _, n)| *n).sum::<u64>();
    while runs() < files as u64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{files} NO_MATCH runs made in {:?}; resident {} kB", started.elapsed(), resident());
    let (cpu, clock) = (cpu_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let share = (cpu_seconds() - cpu) / clock.elapsed().as_secs_f64();
    eprintln!("then {:.1} % of a core; resident {} kB", share * 100.0, resident());
    let dropped = Instant::now();
    house.drop_file("in/drop/sales_20240229.csv", "x");
    house
        .until("the one that matches is copied", async || house.bucket("out/sales_20240229.csv").exists().then_some(()))
        .await;
    eprintln!("one that matches was copied after {:?}", dropped.elapsed());
    assert!(share < 0.2, "{share}");
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Of this process, in user and system mode.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

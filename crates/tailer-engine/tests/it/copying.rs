//! Copies to several destinations: what fails, what is skipped, what a crash leaves to be completed, and launches of one file.

use std::time::Duration;

use serde_json::{Value, json};
use tailer_engine::{EngineError, LaunchRequest, RunView};

use crate::support::{House, actor, launch, reference};

/// Copies from a bucket `in` to folders of buckets, given as `bucket/folder`.
pub(crate) fn copies(destinations: &[&str]) -> Value {
    let destinations: Vec<Value> = destinations
        .iter()
        .map(|destination| {
            let (bucket, prefix) = destination.split_once('/').unwrap_or((destination, ""));
            json!({"type": "gcs", "gcs_destination_bucket": bucket, "gcs_destination_prefix": prefix})
        })
        .collect();
    json!({
        "configuration_type": "storage-to-storage", "configuration_id": "copy", "environment": "DEV",
        "account": "000099", "version": "2", "filename_templates": "*",
        "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "archive_prefix": "done"},
        "destinations": destinations,
    })
}

pub(crate) fn operation() -> tailer_engine::ConfigurationRef {
    reference("storage-to-storage", "copy")
}

async fn only_run(house: &House) -> RunView {
    house.runs_ended(operation(), 1).await.remove(0)
}

fn launch_file(file: &str) -> LaunchRequest {
    let parameters = json!({"file": file}).as_object().unwrap().clone();
    LaunchRequest { configuration: operation(), parameters, ..launch("copy") }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_destination_that_fails_is_named_and_keeps_no_other() {
    let house = House::new().await;
    house.deploy(copies(&["out", "remote/refuses", "remote/b", "remote/refuses/too"]), &[]).await;
    house.drop_file("in/drop/a.csv", &"x".repeat(100_000));
    let run = only_run(&house).await;
    assert_eq!(run.status, "FAILED");
    let error = run.error.unwrap();
    for named in
        ["task copy", "2 of 4 destinations", "gs://remote/refuses/a.csv: not for you", "gs://remote/refuses/too/a"]
    {
        assert!(error.contains(named), "{error}");
    }
    assert!(!error.contains("remote/b"), "{error}");
    for there in ["in/drop/a.csv", "out/a.csv", "remote/b/a.csv"] {
        assert_eq!(std::fs::metadata(house.bucket(there)).unwrap().len(), 100_000, "{there}");
    }
    assert!(!house.bucket("in/done").exists(), "nothing is archived");
}

#[tokio::test(flavor = "multi_thread")]
async fn top_files_follow_their_copies() {
    let house = House::new().await;
    let mut configuration = copies(&["out/replace", "remote/add", "out/none"]);
    configuration["destinations"][0]["generate_top_file"] = json!("REPLACE_EXTENSION");
    configuration["destinations"][1]["generate_top_file"] = json!("ADD_EXTENSION");
    house.deploy(configuration, &[]).await;
    house.drop_file("in/drop/a.csv", "x");
    assert_eq!(only_run(&house).await.status, "SUCCESS");
    let modified = |path: &str| std::fs::metadata(house.bucket(path)).unwrap().modified().unwrap();
    for (file, top) in [("out/replace/a.csv", "out/replace/a.top"), ("remote/add/a.csv", "remote/add/a.csv.top")] {
        assert_eq!(std::fs::metadata(house.bucket(top)).unwrap().len(), 0);
        assert!(modified(top) >= modified(file), "{top} is written last");
    }
    assert_eq!(std::fs::read_dir(house.bucket("out/none")).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(house.bucket("in/done/ALL/a.csv")).unwrap(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_destination_can_have_are_refused_before_anything_is_written() {
    let house = House::new().await;
    let mut configuration = copies(&["out", "remote"]);
    configuration["destinations"][0]["generate_top_file"] = json!("ADD_EXTENSION");
    house.deploy(configuration, &[]).await;
    let name = "n".repeat(255);
    house.drop_file(&format!("in/drop/{name}"), "x");
    // A name that climbs or holds control characters is none that a listing gives: it is left alone.
    std::fs::write(house.bucket("in/drop/back\\slash"), "x").unwrap();
    std::fs::write(house.bucket("in/drop/new\nline"), "x").unwrap();
    let run = only_run(&house).await;
    assert_eq!(run.status, "FAILED");
    let error = run.error.unwrap();
    assert!(error.contains("1 of 2 destinations") && error.contains("255 bytes"), "{error}");
    assert!(!house.bucket("out").join(&name).exists());
    assert!(house.bucket("in/drop").join(&name).exists());
    assert_eq!(house.runs(&operation()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_copy_leaves_nothing() {
    let house = House::new().await;
    house.deploy(copies(&["remote/stuck", "remote/fine"]), &[]).await;
    house.drop_file("in/drop/a.csv", &"x".repeat(20_000_000));
    let run = house
        .until("the copy runs", async || house.runs(&operation()).await.pop().filter(|run| run.sub_status == "RUNNING"))
        .await;
    house.engine.cancel_run(&operation(), &run.run_id, &actor("me")).await.unwrap();
    let run = only_run(&house).await;
    assert_eq!((run.status.as_str(), run.sub_status.as_str()), ("FAILED", "CANCELLED"));
    assert!(house.bucket("in/drop/a.csv").exists());
    for gone in ["remote/fine/a.csv", "remote/stuck/a.csv"] {
        assert!(!house.bucket(gone).exists(), "{gone}");
    }
    house
        .until("nothing is left of it", async || {
            let staged = std::fs::read_dir(house.bucket("remote/.tailerd-tmp"));
            staged.map_or(Some(()), |files| (files.count() == 0).then_some(()))
        })
        .await;
}

/// Interrupted at any point, a run is completed by whoever takes it over.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_a_crash_is_not_missed_after_it() {
    let house = House::new().await;
    house.deploy(copies(&["remote/stuck"]), &[]).await;
    house.drop_file("in/drop/archived.csv", "archived");
    house.drop_file("in/drop/there.csv", "there");
    house
        .until("both copies run", async || {
            let begun = |name: &str| house.bucket(&format!("remote/begun/{name}.csv")).exists();
            (begun("archived") && begun("there")).then_some(())
        })
        .await;
    // As if it had come as far as the archive, and only the record of it were lost.
    std::fs::create_dir_all(house.bucket("in/done/ALL")).unwrap();
    std::fs::rename(house.bucket("in/drop/archived.csv"), house.bucket("in/done/ALL/archived.csv")).unwrap();
    let (folder, clock) = house.stop().await;
    // The folder takes files now.
    let document = rusqlite::Connection::open(folder.path().join("tailerd.db")).unwrap();
    document.execute("UPDATE versions SET document = replace(document, 'stuck', 'open')", []).unwrap();
    drop(document);
    let house = House::on(folder, clock).await;
    for run in house.runs_ended(operation(), 2).await {
        assert_eq!(run.status, "SUCCESS", "{run:?}");
    }
    for name in ["archived", "there"] {
        let read = |folder: &str| std::fs::read_to_string(house.bucket(&format!("{folder}/{name}.csv"))).unwrap();
        assert_eq!((read("remote/open").as_str(), read("in/done/ALL").as_str()), (name, name));
        assert!(!house.bucket(&format!("in/drop/{name}.csv")).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_launches_one_file_again() {
    let house = House::new().await;
    house.deploy(copies(&["out"]), &[]).await;
    house.drop_file("in/drop/a.csv", "x");
    assert_eq!(only_run(&house).await.status, "SUCCESS");
    // By name, by the address it had, by the one it has.
    for (count, file) in [(2, "a.csv"), (3, "gs://in/drop/a.csv"), (4, "gs://in/done/ALL/a.csv")] {
        std::fs::remove_file(house.bucket("out/a.csv")).unwrap();
        let id = house.engine.launch(launch_file(file)).await.unwrap();
        let run = house.runs_ended(operation(), count).await.into_iter().find(|run| run.run_id == id).unwrap();
        assert_eq!(run.status, "SUCCESS", "{run:?}");
        assert_eq!((&run.trigger["type"], &run.trigger["file"]), (&json!("api"), &json!("gs://in/done/ALL/a.csv")));
        assert_eq!(run.job_id.0, "storage-to-storage|000099|copy|DEV|*");
        assert!(house.bucket("out/a.csv").exists() && house.bucket("in/done/ALL/a.csv").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn launches_of_files_that_cannot_be_are_explained() {
    let house = House::with(|settings| settings.poll_every = Duration::from_secs(3600)).await;
    let mut configuration = copies(&["remote/stuck"]);
    configuration["filename_templates"] = json!([{"filename_template": "sales_{{FD_DATE}}.csv"}]);
    house.deploy(configuration, &[]).await;
    house.drop_file("in/drop/sales_20240229.csv", "x");
    house.until("it is taken", async || (!house.runs(&operation()).await.is_empty()).then_some(())).await;
    for (file, expect) in [
        ("sales_20240229.csv", "file_in_progress"),
        ("sales_20240301.csv", "unknown_file"),
        ("other.csv", "no_template"),
        ("gs://in/elsewhere/sales_20240229.csv", "foreign_file"),
        ("s3://in/drop/sales_20240229.csv", "foreign_file"),
        ("gs://in/drop/../drop/sales_20240229.csv", "invalid_file"),
        ("../drop/sales_20240229.csv", "foreign_file"),
    ] {
        let code = match house.engine.launch(launch_file(file)).await.unwrap_err() {
            EngineError::NotFound { code, .. }
            | EngineError::Conflict { code, .. }
            | EngineError::Invalid { code, .. } => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code, expect, "{file}");
    }
    let bare = LaunchRequest { configuration: operation(), ..launch("copy") };
    let error = house.engine.launch(bare).await.unwrap_err().to_string();
    assert!(error.contains("files that arrive") && error.contains("`file`"), "{error}");
}

//! A large file to three destinations at once, none of which can copy by itself: the memory that it takes.

use std::process::Command;

use serde_json::json;

use crate::{
    copying::{copies, operation},
    support::House,
};

const NAME: &str = "large::alone";
/// In kB: what the process may take beyond what it had before the copy, and in all.
const MORE: u64 = 48_000;
const IN_ALL: u64 = 150_000;

/// In a process of its own, whatever runs the tests: its memory is what is measured.
#[test]
fn a_large_file_is_copied_in_bounded_memory() {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", NAME, "--ignored", "--nocapture"]).env("BYTES", (96 << 20).to_string());
    let output = alone.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// `cargo nextest run -p tailer-engine --run-ignored only large::alone`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures its process, so it runs alone; 2 GiB unless BYTES says otherwise"]
async fn alone() {
    let bytes: u64 = std::env::var("BYTES").map_or(2 << 30, |bytes| bytes.parse().unwrap());
    let house = House::new().await;
    let mut configuration = copies(&["remote-a", "remote-b", "remote-c"]);
    configuration["source"]["gcs_source_bucket"] = json!("remote");
    std::fs::create_dir_all(house.bucket("remote/drop")).unwrap();
    let file = house.folder.path().join("large");
    std::fs::File::create(&file).unwrap().set_len(bytes).unwrap();
    std::fs::rename(&file, house.bucket("remote/drop/large")).unwrap();
    let before = peak();
    let started = std::time::Instant::now();
    house.deploy(configuration, &[]).await;
    let run = loop {
        let run = house.runs(&operation()).await.pop();
        match run {
            Some(run) if run.status != "RUNNING" => break run,
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    assert_eq!(run.status, "SUCCESS", "{run:?}");
    for bucket in ["remote-a", "remote-b", "remote-c"] {
        assert_eq!(std::fs::metadata(house.bucket(bucket).join("large")).unwrap().len(), bytes);
    }
    let progress = house.engine.run_details(&operation(), &run.run_id).await.unwrap().progress;
    assert_eq!((progress["bytes"].as_u64(), progress["total"].as_u64()), (Some(bytes), Some(bytes)), "{progress}");
    assert_eq!(progress["destinations"].as_object().map(serde_json::Map::len), Some(3), "{progress}");
    let after = peak();
    eprintln!("{bytes} bytes to three in {:?}: {before} kB before, at most {after} kB", started.elapsed());
    assert!(after < IN_ALL && after - before < MORE, "{before} kB before, {after} kB at most");
}

/// The most memory that this process had, in kB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

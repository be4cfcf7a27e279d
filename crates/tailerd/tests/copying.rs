//! Files in, files out, through the real binary: each copied, archived and accounted for once, whatever is killed meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use support::{ACCOUNT, Server, text, until, write_json};

/// From bucket `in` to two buckets.
fn receive(folder: &Path) -> String {
    let configuration = json!({
        "configuration_type": "storage-to-storage", "configuration_id": "receive", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "filename_templates": [{ "filename_template": "part_{{FD_BLOB_6}}_{{FD_DATE}}.csv" }],
        "source": { "type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "archive_prefix": "done" },
        "destinations": [
            { "type": "gcs", "gcs_destination_bucket": "lake", "gcs_destination_prefix": "incoming" },
            { "type": "s3", "s3_bucket": "partner", "s3_destination_prefix": "from-us" },
        ],
    });
    let file = folder.join("receive.json");
    write_json(&file, &configuration);
    file.to_str().unwrap().to_owned()
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Files of which each says its own number; killed so many times on the way.
fn every_file_once(files: usize, kills: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = folder.path().join("data");
    let buckets = data.join("buckets");
    let drop = buckets.join("in/drop");
    fs::create_dir_all(&drop).unwrap();
    for n in 0..files {
        fs::write(drop.join(format!("part_{n:06}_20240229.csv")), format!("file {n}\n")).unwrap();
    }
    let archive = buckets.join("in/done/20240229");
    let mut server = Server::start(&data);
    let started = Instant::now();
    server.tailerd(&["deploy", &receive(folder.path())]).good();
    for kill in 1..=kills {
        let enough = files * kill / (kills + 1);
        until("a part of the files to be archived", || (count(&archive) >= enough).then_some(()));
        server.kill();
        server = Server::start(&data);
    }
    let deadline = Instant::now() + Duration::from_secs(60 + files as u64 / 50);
    while count(&drop) > 0 {
        assert!(Instant::now() < deadline, "{} files are left", count(&drop));
        std::thread::sleep(Duration::from_millis(50));
    }
    eprintln!("{files} files, {kills} kills: {:.0} files a second", files as f64 / started.elapsed().as_secs_f64());

    until("every run to end", || (ended(&data, "SUCCESS") == files).then_some(()));
    assert_eq!(runs(&data, "COUNT(*)"), files, "no file made two runs");
    assert_eq!(runs(&data, "COUNT(DISTINCT input)"), files, "and each made one");
    for bucket in [archive, buckets.join("lake/incoming"), buckets.join("partner/from-us")] {
        assert_eq!(count(&bucket), files, "{}", bucket.display());
        for n in 0..files {
            let copy = fs::read_to_string(bucket.join(format!("part_{n:06}_20240229.csv"))).unwrap();
            assert_eq!(copy, format!("file {n}\n"));
        }
    }
}

fn runs(data: &Path, what: &str) -> usize {
    let database = rusqlite::Connection::open(data.join("tailerd.db")).unwrap();
    database.busy_timeout(Duration::from_secs(30)).unwrap();
    database.query_row(&format!("SELECT {what} FROM runs"), [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
}

fn ended(data: &Path, status: &str) -> usize {
    runs(data, &format!("COUNT(CASE WHEN status = '{status}' AND phase = 'ended' THEN 1 END)"))
}

#[test]
fn every_file_is_copied_once_whatever_is_killed() {
    every_file_once(1_000, 3);
}

/// `cargo nextest run -p tailerd --test copying --run-ignored only`; `FILES` and `KILLS` change its size.
#[test]
#[ignore = "takes minutes: twenty thousand files and ten kills"]
fn very_many_files_are_copied_once_whatever_is_killed() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    every_file_once(number("FILES", 20_000), number("KILLS", 10));
}

#[test]
fn one_file_is_launched_again_from_the_command_line() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    server.tailerd(&["deploy", &receive(folder.path())]).good();
    let name = "part_000001_20240229.csv";
    let buckets = data.join("buckets");
    fs::create_dir_all(buckets.join("in/drop")).unwrap();
    fs::write(buckets.join("in/drop").join(name), "x").unwrap();
    let archived = buckets.join("in/done/20240229").join(name);
    until("the file to be archived", || (archived.exists() && ended(&data, "SUCCESS") == 1).then_some(()));

    fs::remove_file(buckets.join("lake/incoming").join(name)).unwrap();
    let file = format!("file={name}");
    let run = server.tailerd(&["launch", "storage-to-storage", "receive", "--param", &file, "--wait", "--json"]).json();
    assert_eq!(text(&run, "status"), "SUCCESS", "{run}");
    assert_eq!(text(&run["trigger"], "file"), format!("gs://in/done/20240229/{name}"));
    assert!(buckets.join("lake/incoming").join(name).exists() && archived.exists());

    let unknown =
        server.tailerd(&["launch", "storage-to-storage", "receive", "--param", "file=part_000002_20240229.csv"]);
    assert_eq!(unknown.code, Some(1), "{}", unknown.snapshot());
    assert!(unknown.stderr.contains("neither in the source folder nor in the archive"), "{}", unknown.stderr);
}

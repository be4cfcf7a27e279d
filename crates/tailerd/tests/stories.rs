//! The stories of `spec/api.md` and of the issue: a server killed in the middle, a workflow with a stale job, real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, iowa, skip, table_to_table, text, until, write_json};

/// 200 acknowledged launches, `kill -9`, a new server: all 200 are there and end, and each has added its row once.
#[test]
fn acknowledged_launches_survive_kill_9() {
    const LAUNCHES: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let task = [("add", "SELECT {{n}} AS n", json!({ "table_name": "out", "write_disposition": "WRITE_APPEND" }))];
    table_to_table(folder.path(), "append", &task, json!({ "max_active_runs": 4 }));
    let server = Server::start(&data);
    server.tailerd(&["deploy", folder.path().join("append.json").to_str().unwrap()]).good();

    let runs = tokio::runtime::Runtime::new().unwrap().block_on(launch_many(&server, LAUNCHES));
    server.kill();

    let server = Server::start(&data);
    let ended = until("all runs to end", || {
        let ended: BTreeMap<String, String> = server
            .runs("gbq-to-gbq", "append_DEV")
            .iter()
            .map(|run| (text(run, "run_id").to_owned(), text(run, "status").to_owned()))
            .collect();
        ended.values().all(|status| status != "RUNNING").then_some(ended)
    });
    for run in &runs {
        assert_eq!(ended.get(run).map(String::as_str), Some("SUCCESS"), "{run}");
    }
    assert_eq!(ended.len(), LAUNCHES, "no run that nobody launched");
    let mut rows: Vec<usize> = server.sql("SELECT n FROM `out`").iter().map(|n| n.parse().unwrap()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..LAUNCHES).collect::<Vec<_>>(), "each row once");
}

/// Sixteen clients at once; the run ids answered.
async fn launch_many(server: &Server, launches: usize) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(16));
    let mut waiting = tokio::task::JoinSet::new();
    for n in 0..launches {
        let (client, slots) = (client.clone(), std::sync::Arc::clone(&slots));
        let (url, token) = (format!("{}/v1/dag/launch", server.url), server.token.clone());
        waiting.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let body = json!({
                "action": "launch_job", "account": ACCOUNT, "environment": "DEV", "configuration_type": "gbq-to-gbq",
                "configuration_id": "append_DEV", "parameters": { "n": n },
            });
            let answer: Value =
                client.post(url).bearer_auth(token).json(&body).send().await.unwrap().json().await.unwrap();
            text(&answer, "run_id").to_owned()
        });
    }
    waiting.join_all().await
}

/// The case that the API's document describes, without and with a reset.
#[test]
fn a_stale_job_fires_the_workflow_unless_it_is_reset() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    for id in ["JA", "JB", "JC", "JT"] {
        table_to_table(&files, id, &[("one", "SELECT 1 AS n", json!({ "table_name": id }))], json!({}));
    }
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "W", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "short_description": "JT after JA, JB and JC", "schedule_interval_reset": "None",
        "authorized_job_ids": ["gbq-to-gbq|JA_DEV", "gbq-to-gbq|JB_DEV", "gbq-to-gbq|JC_DEV"],
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "JT_DEV" },
    });
    write_json(&files.join("W.json"), &workflow);
    let server = Server::start(&folder.path().join("data"));
    server.deploy(&files);
    let succeed = |id: &str| drop(server.tailerd(&["launch", "gbq-to-gbq", &format!("{id}_DEV"), "--wait"]).good());
    let arrived = || {
        let workflow = server.tailerd(&["workflow", "status", "W", "--json"]).json();
        let awaited = workflow["awaited"].as_array().cloned().unwrap_or_default();
        awaited.iter().filter(|job| job["arrived"] == true).count()
    };
    let arrive = |id: &str, count: usize| {
        succeed(id);
        until("the workflow to count it", || (arrived() == count).then_some(()));
    };
    let fired = |times: usize| {
        until("the workflow to fire", || (server.runs("gbq-to-gbq", "JT_DEV").len() == times).then_some(()));
        assert_eq!(arrived(), 0, "firing clears the set");
    };

    arrive("JA", 1);
    arrive("JB", 2);
    succeed("JC");
    fired(1);

    // The next day JC is launched by hand: JA 0, JB 0, JC 1. Then the stale JC counts.
    arrive("JC", 1);
    arrive("JA", 2);
    succeed("JB");
    fired(2);

    // Again, but reset: JT waits for a new JC.
    arrive("JC", 1);
    server.tailerd(&["workflow", "reset", "W"]).good();
    assert_eq!(arrived(), 0);
    arrive("JA", 1);
    arrive("JB", 2);
    assert_eq!(server.runs("gbq-to-gbq", "JT_DEV").len(), 2, "it waits");
    succeed("JC");
    fired(3);

    let firings = server.tailerd(&["workflow", "status", "W", "--json"]).json()["firings"].clone();
    assert_eq!(firings.as_array().map(Vec::len), Some(3), "{firings}");
    assert_eq!(firings[0]["triggered_by"].as_array().map(Vec::len), Some(3), "{firings}");
}

/// Five real files dropped into a bucket, aggregated per county and day.
#[test]
fn iowa_files_become_the_aggregate_that_they_say() {
    let Some(source) = iowa::files() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    iowa::configurations(&files, "p");
    let server = Server::start(&folder.path().join("data"));
    server.deploy(&files);
    let bucket = server.data.join("buckets/iowa");
    let incoming = bucket.join("incoming");
    fs::create_dir_all(&incoming).unwrap();
    let names: Vec<String> =
        fs::read_dir(&source).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    for name in names.iter().map(String::as_str).chain(["unknown.xyz"]) {
        let content = fs::read(source.join(name)).unwrap_or_else(|_| b"what is this".to_vec());
        fs::write(incoming.join(name), content).unwrap();
    }
    let runs = until("every file to be dealt with", || {
        let runs = server.runs("storage-to-tables", "iowa");
        (runs.iter().filter(|run| text(run, "status") != "RUNNING").count() == names.len() + 1).then_some(runs)
    });
    let count = |status: &str| runs.iter().filter(|run| text(run, "status") == status).count();
    assert_eq!((count("SUCCESS"), count("NO_MATCH")), (names.len(), 1), "{runs:?}");
    let left: Vec<_> = fs::read_dir(&incoming).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["unknown.xyz"], "what is unknown stays, the rest is archived");
    for (name, day) in [("sales_20200110-20200110.csv", "20200110"), ("stores-20130701-062333.csv", "20130701")] {
        assert!(bucket.join("archive").join(day).join(name).is_file(), "{name} is archived by its date");
    }

    server.tailerd(&["launch", "table-to-table", "iowa_by_county_DEV", "--wait"]).good();
    let computed = server.sql("SELECT county, day, invoices, bottles, cents FROM by_county ORDER BY county, day");
    assert_eq!(computed, iowa_by_hand(&source));
}

/// The same aggregate computed here, from the files.
fn iowa_by_hand(source: &Path) -> Vec<String> {
    let read = |start: &str| -> Vec<Vec<String>> {
        let mut paths: Vec<PathBuf> = fs::read_dir(source).unwrap().map(|e| e.unwrap().path()).collect();
        paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start));
        paths.iter().flat_map(|path| csv(&fs::read_to_string(path).unwrap()).into_iter().skip(1)).collect()
    };
    let county: BTreeMap<String, String> =
        read("stores").iter().map(|store| (store[0].clone(), store[7].clone())).collect();
    let mut totals: BTreeMap<(String, String), (u64, u64, u64)> = BTreeMap::new();
    for sale in read("sales") {
        let Some(county) = county.get(&sale[2]) else { continue };
        let total = totals.entry((county.clone(), sale[1].clone())).or_default();
        total.0 += 1;
        total.1 += sale[4].parse::<u64>().unwrap();
        total.2 += cents(&sale[6]);
    }
    let quote = |text: &str| if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() };
    totals.iter().map(|((c, day), (n, bottles, cents))| format!("{},{day},{n},{bottles},{cents}", quote(c))).collect()
}

/// `4.5` is 450: exactly, by text.
fn cents(dollars: &str) -> u64 {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
    assert!(fraction.len() <= 2, "{dollars}");
    whole.parse::<u64>().unwrap() * 100 + format!("{fraction:0<2}").parse::<u64>().unwrap()
}

/// Records of a CSV text, quotes and all.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => field.push(characters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}

/// The whole demo, as a newcomer types it.
#[test]
fn the_demo_ends_with_the_exported_file() {
    let folder = tempfile::tempdir().unwrap();
    let ended = support::tailerd(&["demo", "--data", folder.path().to_str().unwrap()]).good();
    assert!(ended.stdout.contains("/retail-out/reports/"), "{}", ended.stdout);
    assert!(ended.stdout.contains("curl --request POST"), "{}", ended.stdout);
    assert!(ended.stderr.contains("storage-to-tables retail-load sales_20240330.csv SUCCESS"), "{}", ended.stderr);
    let reports = folder.path().join("buckets/retail-out/reports");
    let exported = |start: &str| {
        let entries = fs::read_dir(&reports).unwrap().map(|e| e.unwrap().path());
        let mut found: Vec<_> = entries
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
            .filter(|path| path.extension().is_none_or(|e| e != "top"))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        fs::read_to_string(found.remove(0)).unwrap()
    };
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/retail/expected");
    for (start, file) in [("revenue_", "revenue.csv"), ("best_sellers_", "best_sellers.json")] {
        assert_eq!(exported(start), fs::read_to_string(expected.join(file)).unwrap(), "{file}");
    }
}

/// The demo's server stays with `--keep`, and the printed command gets an answer from it.
#[test]
fn the_printed_command_works() {
    if skip(std::process::Command::new("curl").arg("--version").output().is_err(), "curl is not installed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = support::command();
    command.args(["demo", "--keep", "--data"]).arg(folder.path());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let curl = lines.map(Result::unwrap).find(|line| line.starts_with("curl ")).expect("a curl line");
    let answer = std::process::Command::new("sh").args(["-c", &curl]).output().unwrap();
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(answer["results"][0]["status"], "SUCCESS", "{answer}");
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(until("the demo to end", || child.try_wait().unwrap()).code(), Some(0));
}

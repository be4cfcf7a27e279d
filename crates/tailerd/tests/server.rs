//! A server from the outside: start, tokens, deploy, launch, watch, stop; twice on one folder; the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::json;
use support::{Server, run, table_to_table, tailerd, text, token, until};

#[test]
fn deploy_launch_watch() {
    let folder = tempfile::tempdir().unwrap();
    let (data, files) = (folder.path().join("data"), folder.path().join("files"));
    fs::create_dir(&files).unwrap();
    let tasks = [
        ("one", "SELECT {{n}} AS n, '{{who}}' AS who", json!({ "table_name": "numbers" })),
        ("two", "SELECT n + 1 AS n FROM numbers", json!({ "table_name": "more" })),
    ];
    table_to_table(&files, "story", &tasks, json!({}));
    let server = Server::start(&data);

    let deployed = server.deploy(&files);
    assert!(deployed.stdout.starts_with("gbq-to-gbq story_DEV version 1"), "{}", deployed.stdout);

    let launch = ["launch", "table-to-table", "story", "--param", "n=41", "--param", "who=o'neill", "--wait", "--json"];
    let ended = server.tailerd(&launch);
    let run = ended.json();
    assert_eq!((text(&run, "status"), text(&run, "configuration_id")), ("SUCCESS", "story_DEV"));
    assert_eq!(server.sql("SELECT n FROM more"), ["42"]);
    assert_eq!(server.sql("SELECT who FROM numbers"), ["o'neill"]);

    let run_id = text(&run, "run_id");
    let status = server.tailerd(&["status", run_id]).good().stdout;
    assert!(status.contains("SUCCESS") && status.contains("two"), "{status}");
    let logs = server.tailerd(&["logs", run_id, "--follow"]).good().stdout;
    assert!(logs.contains("one") && logs.contains("two"), "{logs}");
    assert_eq!(text(&server.runs("gbq-to-gbq", "story_DEV")[0], "run_id"), run_id);
    let listed = server.tailerd(&["runs", "--json"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");

    let again = server.deploy(&files);
    assert!(again.stdout.contains("version 2"), "{}", again.stdout);
}

#[test]
fn a_failing_run_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    table_to_table(
        folder.path(),
        "failing",
        &[("one", "SELECT nothing FROM nowhere", json!({ "table_name": "t" }))],
        json!({}),
    );
    let server = Server::start(&folder.path().join("data"));
    let file = folder.path().join("failing.json");
    server.tailerd(&["deploy", file.to_str().unwrap()]).good();
    let ended = server.tailerd(&["launch", "gbq-to-gbq", "failing_DEV", "--wait"]);
    assert_eq!(ended.code, Some(1), "{}", ended.snapshot());
    assert!(ended.stdout.contains("FAILED"), "{}", ended.stdout);
    assert!(ended.stderr.contains("error: run "), "{}", ended.stderr);
}

#[test]
fn a_run_is_cancelled_and_its_statement_stops() {
    let folder = tempfile::tempdir().unwrap();
    let endless = "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS a, UNNEST(GENERATE_ARRAY(1, 200000)) AS b \
                   WHERE MOD(a * b, 7) = 3";
    table_to_table(folder.path(), "endless", &[("one", endless, json!({ "table_name": "t" }))], json!({}));
    let server = Server::start(&folder.path().join("data"));
    server.tailerd(&["deploy", folder.path().join("endless.json").to_str().unwrap()]).good();
    let run_id = server.tailerd(&["launch", "gbq-to-gbq", "endless"]).good().stdout.trim().to_owned();
    until("the task to run", || {
        let run = server.tailerd(&["status", &run_id, "--json"]).json();
        run["tasks"].as_array()?.iter().any(|task| task["status"] == "RUNNING").then_some(())
    });
    server.tailerd(&["cancel", &run_id]).good();
    let run = until("the run to end", || {
        let run = server.tailerd(&["status", &run_id, "--json"]).json();
        (run["status"] != "RUNNING").then_some(run)
    });
    assert_eq!((text(&run, "status"), text(&run, "sub_status")), ("FAILED", "CANCELLED"));
    let again = server.tailerd(&["cancel", "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29"]);
    assert_eq!(again.code, Some(1), "an unknown run: {}", again.snapshot());
}

#[test]
fn flags_of_an_operation() {
    let folder = tempfile::tempdir().unwrap();
    table_to_table(folder.path(), "flags", &[("one", "SELECT 1 AS n", json!({ "table_name": "t" }))], json!({}));
    let server = Server::start(&folder.path().join("data"));
    server.tailerd(&["deploy", folder.path().join("flags.json").to_str().unwrap()]).good();
    for (command, code) in [("disable", 1), ("enable", 0), ("archive", 1), ("enable", 0)] {
        server.tailerd(&[command, "table-to-table", "flags_DEV"]).good();
        let ended = server.tailerd(&["launch", "table-to-table", "flags_DEV", "--wait"]);
        assert_eq!(ended.code, Some(code), "after {command}: {}", ended.snapshot());
    }
    let unknown = server.tailerd(&["disable", "table-to-table", "nobody_DEV"]);
    assert_eq!(unknown.code, Some(1), "{}", unknown.snapshot());
}

#[test]
fn a_bad_configuration_deploys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let good = [("one", "SELECT 1 AS n", json!({ "table_name": "t" }))];
    table_to_table(folder.path(), "a_good", &good, json!({}));
    table_to_table(folder.path(), "b_bad", &good, json!({ "environment": "TEST" }));
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let refused = server.tailerd(&["deploy", folder.path().to_str().unwrap()]);
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    assert!(refused.stderr.contains("b_bad.json: $.environment: "), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing was deployed"), "{}", refused.stderr);
    let launched = server.tailerd(&["launch", "table-to-table", "a_good_DEV"]);
    assert_eq!(launched.code, Some(1), "it must not be there: {}", launched.snapshot());
}

#[test]
fn tokens_are_refused_as_soon_as_they_are_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let data = folder.path().to_str().unwrap();
    let made = tailerd(&[
        "token",
        "create",
        "--account",
        "000099",
        "--role",
        "viewer",
        "--expires",
        "1h",
        "--data",
        data,
        "--json",
    ])
    .json();
    let ask = || {
        let mut command = server.command();
        command.env("TAILERD_TOKEN", text(&made, "token")).args(["runs", "workflow"]);
        run(&mut command, "").code
    };
    assert_eq!(ask(), Some(0));
    let listed = tailerd(&["token", "list", "--data", data]).good().stdout;
    assert!(listed.contains(text(&made, "id")) && !listed.contains(text(&made, "token")), "{listed}");
    tailerd(&["token", "revoke", text(&made, "id"), "--data", data]).good();
    until("the token to be refused", || (ask() == Some(3)).then_some(()));
    assert_eq!(tailerd(&["token", "revoke", "nobody", "--data", data]).code, Some(1));
    assert!(!text(&made, "expiry").is_empty());

    let viewer = token(folder.path(), "viewer");
    let mut command = server.command();
    command.env("TAILERD_TOKEN", viewer).args(["disable", "workflow", "any_DEV"]);
    assert_eq!(run(&mut command, "").code, Some(3), "a viewer may not disable");
}

#[test]
fn one_server_a_folder_and_an_orderly_end() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(data.join("tailerd.sock")).unwrap().permissions().mode() & 0o777, 0o600);
    let second = tailerd(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert_eq!(second.code, Some(1), "{}", second.snapshot());
    assert!(second.stderr.contains("in use by tailerd serve, process"), "{}", second.stderr);
    assert_eq!(second.stdout, "");
    assert_eq!(server.sql("SELECT 1 AS one"), ["1"], "through the server");
    assert_eq!(server.terminate(), Some(0));
    assert!(!data.join("tailerd.sock").exists());
    let direct = tailerd(&["sql", "--data", data.to_str().unwrap(), "--format", "csv", "SELECT 1 AS one"]).good();
    assert_eq!(direct.stdout, "one\n1\n");
}

#[test]
fn a_used_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = tailerd(&["serve", "--listen", &address, "--data", folder.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(1), "{}", ended.snapshot());
    assert!(ended.stderr.contains(&format!("cannot listen on {address}")), "{}", ended.stderr);
}

#[test]
fn interrupt_drains_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let pid = server.pid().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let url = format!("{}/healthz", server.url);
    until("the port to close", || {
        Command::new("curl")
            .args(["--silent", "--fail", &url])
            .output()
            .map_or(Some(()), |o| (!o.status.success()).then_some(()))
    });
}

//! Wrong usage and wrong settings: exit codes, `error:` and `hint:` lines, what goes to which stream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use support::{Ended, command, run, tailerd};

const RUN: &str = "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29";

#[track_caller]
fn check(args: &[&str], code: i32, stderr_has: &str) -> Ended {
    let ended = tailerd(args);
    assert_eq!(ended.code, Some(code), "{}", ended.snapshot());
    assert!(ended.stderr.contains(stderr_has), "{stderr_has:?} is not in {}", ended.snapshot());
    assert_eq!(ended.stdout, "", "errors do not go to standard output");
    ended
}

#[test]
fn wrong_usage_is_exit_code_2() {
    check(&["lanch"], 2, "launch");
    check(&["launch", "tables", "x"], 2, "expected one of table-to-table");
    check(&["status", "not-a-run"], 2, "expected a run id");
    check(&["launch", "workflow"], 2, "<ID>");
    check(&["runs", "--limit", "0"], 2, "--limit");
    check(&["runs", "--status", "DONE"], 2, "RUNNING, SUCCESS, FAILED");
    check(&["launch", "gbq-to-gbq", "x", "--param", "novalue"], 2, "name=value");
    check(&["launch", "gbq-to-gbq", "x", "--task", "_bad_"], 2, "task id");
    check(&["launch", "gbq-to-gbq", "x", "--execution-date", "tomorrow"], 2, "--execution-date");
    check(&["token", "create", "--account", "110", "--role", "viewer"], 2, "six digits");
    check(&["token", "create", "--account", "000110", "--role", "boss"], 2, "viewer");
    check(&["token", "create", "--account", "000110", "--role", "viewer", "--expires", "soon"], 2, "90d");
    check(&["status", RUN, "--server", "nowhere"], 2, "expected an address");
    check(&["sql"], 2, "SQL");
}

#[test]
fn an_unreachable_server_is_exit_code_3() {
    // Port 1 of the loopback interface: nobody listens there.
    let args = ["status", RUN, "--server", "http://127.0.0.1:1", "--account", "000110"];
    let ended = check(&args, 3, "error: cannot reach http://127.0.0.1:1: ");
    assert!(ended.stderr.contains("\nhint: is it running?"), "{}", ended.stderr);
    check(&["status", RUN, "--server", "http://127.0.0.1:1"], 3, "cannot reach");
}

#[test]
fn settings_come_from_file_then_environment_then_flags() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tailerd.toml");
    fs::write(&file, "listen = \"127.0.0.1:1111\"\naudience = \"file\"\nlease = \"3s\"\n").unwrap();
    let print = |env: &[(&str, &str)], args: &[&str]| {
        let mut command = command();
        command.current_dir(folder.path()).args(["serve", "--print-config", "--json"]).args(args);
        command.envs(env.iter().copied());
        run(&mut command, "").json()
    };
    let config = print(&[], &[]);
    assert_eq!((&config["listen"], &config["audience"]), (&"127.0.0.1:1111".into(), &"file".into()));
    let config = print(&[("TAILERD_LISTEN", "127.0.0.1:2222"), ("TAILERD_AUDIENCE", "env")], &[]);
    assert_eq!((&config["listen"], &config["audience"]), (&"127.0.0.1:2222".into(), &"env".into()));
    let config = print(&[("TAILERD_LISTEN", "127.0.0.1:2222")], &["--listen", "127.0.0.1:3333"]);
    assert_eq!((&config["listen"], &config["lease"]), (&"127.0.0.1:3333".into(), &"3s".into()));
}

#[test]
fn wrong_settings_are_exit_code_2_and_name_the_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.toml");
    let check = |text: &str, expect: &[&str]| {
        fs::write(&file, text).unwrap();
        let ended = tailerd(&["serve", "--config", file.to_str().unwrap(), "--data", folder.path().to_str().unwrap()]);
        assert_eq!(ended.code, Some(2), "{}", ended.snapshot());
        for part in expect {
            assert!(ended.stderr.contains(part), "{part:?} is not in {}", ended.stderr);
        }
    };
    check("listn = \"127.0.0.1:0\"\n", &["error: ", "unknown key `listn`; did you mean `listen`?", "hint: "]);
    check("lease = 15\nmax_running = 0\n", &["setting lease", "setting max_running"]);
    check("listen = \n", &["line 1, column"]);
    check("role = \"boss\"\n", &["all, api, worker"]);
    let missing = tailerd(&["serve", "--config", "/nonexistent/tailerd.toml"]);
    assert_eq!(missing.code, Some(2), "{}", missing.snapshot());
}

#[test]
fn what_print_config_prints_is_a_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("printed.toml");
    let first = tailerd(&["serve", "--print-config", "--listen", "127.0.0.1:4444"]).good().stdout;
    assert!(first.contains("listen = \"127.0.0.1:4444\"  # --listen: "), "{first}");
    fs::write(&file, &first).unwrap();
    let again = tailerd(&["serve", "--print-config", "--config", file.to_str().unwrap()]).good().stdout;
    assert!(again.contains("listen = \"127.0.0.1:4444\""), "{again}");
}

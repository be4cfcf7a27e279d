//! `tailerd audit`: what the command line changed at a server and in the data folder is told by both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use serde_json::{Value, json};
use support::{ACCOUNT, Server, run, table_to_table, tailerd, text};

#[test]
fn what_the_command_line_changes_is_told_by_the_server_and_by_the_folder() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (files, data) = (folder.path().join("files"), folder.path().join("data"));
    std::fs::create_dir(&files).unwrap();
    table_to_table(&files, "one", &[("t", "SELECT 1 AS one", json!({}))], json!({}));
    let server = Server::start(&data);
    server.deploy(&files);
    server.tailerd(&["disable", "table-to-table", "one_DEV"]).good();
    server.tailerd(&["disable", "table-to-table", "one_DEV"]).good();

    let asked = |more: &[&str]| server.tailerd(&[&["audit", "--json"], more].concat()).good().json();
    let of_one = asked(&["--target", "DEV/table-to-table/one"]);
    let told: Vec<(&str, &str)> =
        of_one.as_array().unwrap().iter().map(|entry| (text(entry, "action"), text(entry, "via"))).collect();
    assert_eq!(told, [("configuration_disable", "cli"), ("configuration_deploy", "cli")], "{of_one}");
    let shown = server.tailerd(&["audit", "--action", "configuration_disable"]).good().stdout;
    assert!(shown.contains("DEV/gbq-to-gbq/one_DEV") && shown.contains("activated: true -> false"), "{shown}");
    assert_eq!(asked(&["--to", "2020-01-01"]), json!([]));
    assert_eq!(server.tailerd(&["audit", "--action", "nothing"]).code, Some(2));

    let folder = data.to_str().unwrap();
    let mut add = support::command();
    add.args(["user", "add", "ana", "--account", ACCOUNT, "--role", "viewer", "--data", folder]).env("USER", "root");
    run(&mut add, "a long password\n").good();
    let local = |more: &[&str]| {
        let all = tailerd(&[&["audit", "--local", "--json", "--data", folder, "--limit", "1000"], more].concat());
        all.good().json().as_array().unwrap().clone()
    };
    let users = local(&["--target", "user:ana"]);
    assert_eq!(users.len(), 1, "{users:?}");
    let expect = json!({"role": "viewer", "has_password": true});
    assert_eq!((text(&users[0], "who"), &users[0]["after"]), ("local:root", &expect));
    assert_eq!(local(&["--target", "DEV/table-to-table/one_DEV"]).len(), 2);
    assert!(local(&[]).len() > 3, "the tokens too");
    assert_eq!(local(&["--who", "local:nobody"]), Vec::<Value>::new());
}

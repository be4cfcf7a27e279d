//! Contexts from end to end: one set of files, filled for each context, checked, deployed, run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, run, table_to_table, tailerd, text, write_json};

fn context(folder: &Path, id: &str, parameters: Value) {
    let context = json!({
        "configuration_type": "context", "configuration_id": id, "environment": "DEV", "account": ACCOUNT,
        "parameters": parameters,
    });
    write_json(&folder.join(format!("{id}.json")), &context);
}

fn constants(rows: i64) -> Value {
    json!({
        "rows": {"value": rows, "type": "integer"},
        "table": {"value": format!("numbers_{rows}"), "type": "string"},
        "folder": {"value": "sql", "type": "string"},
        "password": {"value": {"cipher_aes": "xxx", "tag": "xxx"}, "type": "object"},
    })
}

/// A table-to-table whose table, file and numbers are constants, and a workflow that launches another when it succeeds.
fn operations(folder: &Path) {
    let task = |table: &str| {
        [("one", "SELECT n FROM UNNEST(GENERATE_ARRAY(1, {{rows}})) AS n", json!({ "table_name": table }))]
    };
    table_to_table(
        folder,
        "first",
        &task("{{table}}"),
        json!({ "environment": "{{FD_ENV}}", "account": "{{FD_ACCOUNT}}" }),
    );
    table_to_table(folder, "second", &task("{{table}}_again"), json!({}));
    fs::create_dir(folder.join("sql")).unwrap();
    fs::rename(folder.join("first_one.sql"), folder.join("sql/first_one.sql")).unwrap();
    let file = folder.join("first.json");
    let configuration = fs::read_to_string(&file).unwrap().replace("first_one.sql", "{{folder}}/first_one.sql");
    // Without quotes, as the vendor's documents have it.
    fs::write(&file, configuration.replacen('{', "{\"max_active_runs\": {{rows}},", 1)).unwrap();
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "chain", "environment": "DEV", "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|{{FD_ACCOUNT}}_{{FD_CONTEXT}}_first_{{FD_ENV}}"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "{{FD_ACCOUNT}}_{{FD_CONTEXT}}_second"},
    });
    write_json(&folder.join("chain.json"), &workflow);
}

#[test]
fn one_set_of_files_serves_several_contexts() {
    let folder = tempfile::tempdir().unwrap();
    let (files, contexts) = (folder.path().join("files"), folder.path().join("contexts"));
    fs::create_dir(&files).unwrap();
    fs::create_dir(&contexts).unwrap();
    operations(&files);
    context(&files, "two", constants(2));
    context(&contexts, "three", constants(3));
    let server = Server::start(&folder.path().join("data"));
    let deploy = |id: &str| {
        let ended = server.tailerd(&["deploy", files.to_str().unwrap(), "--context", id, "--json"]);
        ended.json().as_array().unwrap().clone()
    };
    let ids = |deployed: &[Value]| -> Vec<String> {
        deployed.iter().map(|one| text(one, "configuration_id").to_owned()).collect()
    };

    // The context is among the files, and not on the server yet.
    let deployed = deploy("000099_two");
    assert_eq!(ids(&deployed), ["two", "000099_two_first_DEV", "000099_two_second_DEV", "000099_two_chain"]);
    assert_eq!(deployed[1]["context"], json!({"id": "000099_two", "version": 1}));
    assert!(deployed[0].get("context").is_none());
    // This one only the server knows.
    server.tailerd(&["deploy", contexts.join("three.json").to_str().unwrap()]).good();
    let deployed = deploy("000099_three");
    assert_eq!(ids(&deployed), ["two", "000099_three_first_DEV", "000099_three_second_DEV", "000099_three_chain"]);

    for (context, count) in [("two", "2"), ("three", "3")] {
        server.tailerd(&["launch", "table-to-table", &format!("000099_{context}_first"), "--wait"]).good();
        let second = format!("000099_{context}_second");
        let runs = support::until("the workflow to fire", || {
            let runs = server.runs("table-to-table", &second);
            (!runs.is_empty() && runs.iter().all(|run| text(run, "status") != "RUNNING")).then_some(runs)
        });
        assert_eq!((text(&runs[0], "status"), text(&runs[0]["trigger"], "type")), ("SUCCESS", "workflow"));
        assert_eq!(server.sql(&format!("SELECT COUNT(*) AS c FROM numbers_{count}_again")), [count]);
    }
    server.tailerd(&["archive", "context", "two"]).good();
    assert_eq!(server.runs("table-to-table", "000099_two_first").len(), 1, "what is deployed stays");
}

#[test]
fn what_is_wrong_is_said_at_its_place_and_deploys_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    operations(path);
    let mut incomplete = constants(2);
    incomplete.as_object_mut().unwrap().remove("rows");
    context(path, "poor", incomplete);
    fs::write(path.join("second_one.sql"), "SELECT 1,\n  {{password}} AS n").unwrap();
    let check = |args: &[&str]| run(support::command().current_dir(path).arg("check").args(args), "");
    let checked = check(&[".", "--context", "poor.json"]);
    assert_eq!(checked.code, Some(1), "{}", checked.snapshot());
    for part in [
        "first.json: $.max_active_runs: unknown constant {{rows}}: the context 000099_poor has none of this name",
        "sql/first_one.sql:1:40: $: unknown constant {{rows}}",
        "second_one.sql:2:3: $: the constant {{password}} is an object",
    ] {
        assert!(checked.stdout.contains(part), "{part:?} is not in {}", checked.stdout);
    }
    assert!(!checked.stdout.contains("xxx"), "{}", checked.stdout);
    let without = check(&["."]);
    assert!(without.stdout.contains("unknown constant {{folder}}: deploy with the context"), "{}", without.stdout);
    context(path, "rich", constants(2));
    fs::write(path.join("second_one.sql"), "SELECT {{rows}} AS n").unwrap();
    check(&[".", "--context", "rich.json"]).good();
    let no_context = check(&[".", "--context", "first.json"]);
    assert!(no_context.stderr.contains("this context has problems"), "{}", no_context.stderr);

    let server = Server::start(&path.join("data"));
    let deploy =
        |context: &str| server.tailerd(&["deploy", path.join("second.json").to_str().unwrap(), "--context", context]);
    let refused = deploy("000099_rich");
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    assert!(refused.stderr.contains("account 000099 has no context \"000099_rich\""), "{}", refused.stderr);
    server.tailerd(&["deploy", path.join("poor.json").to_str().unwrap()]).good();
    let refused = deploy("poor");
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    assert!(refused.stderr.contains("second_one.sql:1:8: $: unknown constant {{rows}}"), "{}", refused.stderr);
    assert_eq!(server.tailerd(&["runs", "table-to-table", "000099_poor_second"]).code, Some(1), "nothing was deployed");
}

#[test]
fn a_file_runs_right_here_with_a_context_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    operations(path);
    context(path, "two", constants(2));
    let (file, context, data) = (path.join("first.json"), path.join("two.json"), path.join("data"));
    let data = data.to_str().unwrap();
    tailerd(&["run", file.to_str().unwrap(), "--context", context.to_str().unwrap(), "--data", data]).good();
    let count = tailerd(&["sql", "--data", data, "--format", "csv", "SELECT COUNT(*) AS c FROM p.d.numbers_2"]).good();
    assert_eq!(count.stdout, "c\n2\n");
}

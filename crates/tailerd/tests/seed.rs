//! The example calls of the API's source document, byte for byte, by `curl --http2`; and tokens made by google-auth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use support::{Server, run, skip, table_to_table, tailerd, text, write_json};

/// The bodies as the document has them. The fifth lacks a comma, there too.
const LAUNCH: &str = r#"{ "action": "launch_job",
          "account": "000110",
          "environment": "DEV",
          "configuration_type": "gbq-to-gbq",
          "configuration_id": "000110-tailer-TTT-POC-ETL-VTE_DEV",
          "job_id": "gbq-to-gbq|000110-tailer-TTT-POC-ETL-VTE_DEV",
          "execution_date": "2020-11-09"}"#;
const CHECK: &str = r#"{"action": "check_run_status",
         "account": "000110",
         "environment": "DEV",
         "configuration_type": "gbq-to-gbq",
         "configuration_id": "000110-tailer-TTT-POC-ETL-VTE_DEV",
         "job_id": "gbq-to-gbq|000110-tailer-TTT-POC-ETL-VTE_DEV",
         "run_id": "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29"}"#;
const LAST_OF_JOB: &str = r#"{ "action": "get_last_status", 
          "account": "000110", 
          "environment": "DEV", 
          "configuration_type": "storage-to-storage",
          "configuration_id": "000110-tailer-STS-POC-ETL-VTE",
          "job_id": "storage-to-storage|000110-tailer-STS-POC-ETL-VTE"}"#;
const LAST: &str = r#"{ "action": "get_last_status", 
          "account": "000110", 
          "environment": "DEV", 
          "configuration_type": "storage-to-storage",
          "configuration_id": "000110-tailer-STS-POC-ETL-VTE"}"#;
const LAST_WITHOUT_COMMA: &str = r#"{ "action": "get_last_status", 
          "account": "000110", 
          "environment": "DEV", 
          "configuration_type": "storage-to-storage",
          "configuration_id": "000110-tailer-STS-POC-ETL-VTE"
          "execution_date": "2020/11/19",
          "limit": 10}"#;
const RESET: &str = r#"{ "action": "reset_workflow_status", 
          "account": "000110", 
          "environment": "DEV", 
          "configuration_type": "workflow",
          "configuration_id": "000110-tailer-workflow-count"}"#;

/// Status and JSON body that curl got.
fn curl(url: &str, token: &str, body: &str) -> (u16, Value) {
    let authorization = format!("Authorization: Bearer {token}");
    let output = Command::new("curl")
        .args(["--silent", "--request", "POST", "--http2", "--header", "content-type:application/json"])
        .args(["--header", &authorization, "--data", body, "--write-out", "\n%{http_code}", url])
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let (body, code) = answer.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {body}")))
}

/// Operations of the names that the document uses.
fn deploy_named(server: &Server, files: &Path) {
    let account = json!({ "account": "000110" });
    let task = [("one", "SELECT 1 AS n", json!({ "table_name": "t" }))];
    table_to_table(files, "000110-tailer-TTT-POC-ETL-VTE", &task, account);
    let files_operation = json!({
        "configuration_type": "storage-to-storage", "configuration_id": "000110-tailer-STS-POC-ETL-VTE",
        "environment": "DEV", "account": "000110", "short_description": "copies", "filename_templates": "*",
        "source": { "type": "gcs", "gcs_source_bucket": "from", "gcs_source_prefix": "in" },
        "destinations": [{ "type": "gcs", "gcs_destination_bucket": "to", "gcs_destination_prefix": "out" }],
    });
    write_json(&files.join("sts.json"), &files_operation);
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "000110-tailer-workflow-count", "environment": "DEV",
        "account": "000110", "version": "2", "short_description": "counts", "schedule_interval_reset": "None",
        "authorized_job_ids": ["storage-to-storage|000110|000110-tailer-STS-POC-ETL-VTE|DEV|*"],
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "000110-tailer-TTT-POC-ETL-VTE_DEV" },
    });
    write_json(&files.join("workflow.json"), &workflow);
    let mut command = server.command();
    command.env("TAILERD_TOKEN", token_110(&server.data)).env("TAILERD_ACCOUNT", "000110");
    run(command.args(["deploy", files.to_str().unwrap()]), "").good();
}

fn token_110(data: &Path) -> String {
    let data = data.to_str().unwrap();
    let made = tailerd(&["token", "create", "--account", "000110", "--role", "deployer", "--data", data]).good();
    made.stdout.trim().to_owned()
}

#[test]
fn every_example_call_is_answered_as_documented() {
    if skip(Command::new("curl").arg("--version").output().is_err(), "curl is not installed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    let server = Server::start(&folder.path().join("data"));
    deploy_named(&server, &files);
    let token = token_110(&server.data);
    let (launch, status, workflow) = (
        format!("{}/v1/dag/launch", server.url),
        format!("{}/v1/dag/status", server.url),
        format!("{}/v1/workflow/status", server.url),
    );

    let (code, answer) = curl(&launch, &token, LAUNCH);
    assert_eq!(code, 200, "{answer}");
    let run_id = text(&answer, "run_id").to_owned();

    let check = CHECK.replace("20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29", &run_id);
    let (code, answer) = curl(&status, &token, &check);
    assert_eq!(code, 200, "{answer}");
    let run = &answer["results"][0];
    assert_eq!((text(run, "run_id"), text(run, "configuration_type")), (run_id.as_str(), "gbq-to-gbq"));
    assert_eq!(text(run, "execution_date"), "2020-11-09");
    assert_eq!(curl(&status, &token, CHECK).0, 404, "a run that never was");

    for body in [LAST_OF_JOB, LAST] {
        assert_eq!(curl(&status, &token, body), (200, json!({ "results": [] })));
    }
    let (code, answer) = curl(&status, &token, LAST_WITHOUT_COMMA);
    assert_eq!(code, 400, "{answer}");
    let message = text(&answer, "message");
    assert!(message.contains("line 6") && message.contains("column 11"), "{message}");
    let corrected = LAST_WITHOUT_COMMA.replace("VTE\"\n", "VTE\",\n");
    assert_eq!(curl(&status, &token, &corrected), (200, json!({ "results": [] })));

    assert_eq!(curl(&workflow, &token, RESET), (200, json!({ "code": 200, "data": {}, "message": "ok" })));
}

/// A key file like those of real service accounts, and a self-signed JWT as google-auth makes it.
const GOOGLE_AUTH: &str = r#"
import json, sys, time
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

folder, audience = sys.argv[1:]
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
email = "robot@project.iam.example.com"
info = {"type": "service_account", "project_id": "project", "private_key_id": "0123456789abcdef",
        "private_key": pem, "client_email": email, "token_uri": "https://example.com/token"}
with open(folder + "/key.json", "w") as file:
    json.dump(info, file)
now = int(time.time())
payload = {"iat": now, "exp": now + 3600, "iss": email, "sub": email, "email": email, "aud": audience}
signer = crypt.RSASigner.from_service_account_info(info)
print(jwt.encode(signer, payload).decode())
"#;

#[test]
fn a_service_account_signs_for_itself() {
    let python = |args: &[&str]| Command::new("python3").args(args).output();
    let works = python(&["-c", "import google.auth, cryptography"]).is_ok_and(|output| output.status.success());
    if skip(!works, "python3 has no google-auth") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &[]);
    let made = python(&["-c", GOOGLE_AUTH, folder.path().to_str().unwrap(), &server.url]).unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let jwt = String::from_utf8(made.stdout).unwrap();
    let ask = || {
        let mut command = server.command();
        command.env("TAILERD_TOKEN", jwt.trim()).args(["runs", "workflow", "--account", "000110"]);
        run(&mut command, "")
    };
    assert_eq!(ask().code, Some(3), "not trusted yet");
    let (key, data) = (folder.path().join("key.json"), data.to_str().unwrap());
    let add =
        ["service-account", "add", key.to_str().unwrap(), "--account", "000110", "--role", "operator", "--data", data];
    tailerd(&add).good();
    support::until("the account to be trusted", || (ask().code == Some(0)).then_some(()));
    let listed = tailerd(&["service-account", "list", "--data", data, "--json"]).json();
    assert_eq!((text(&listed[0], "email"), text(&listed[0], "role")), ("robot@project.iam.example.com", "operator"));
    tailerd(&["service-account", "remove", "robot@project.iam.example.com", "--data", data]).good();
    support::until("the account to be forgotten", || (ask().code == Some(3)).then_some(()));
}

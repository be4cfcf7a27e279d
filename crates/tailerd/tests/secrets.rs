//! Secrets from end to end: keys, encryption, and that a planted secret shows nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, run, tailerd, text, write_json};

/// In three forms, so that what is found tells where it came from.
const ENCRYPTED: &str = "planted-4f1d-encrypted";
const IN_VARIABLE: &str = "planted-4f1d-variable";
const IN_FILE: &str = "planted-4f1d-file";
const PLANTED: &str = "planted-4f1d";

fn keys(data: &str, more: &[&str]) -> support::Ended {
    tailerd(&[&["keys", "generate", "--data", data], more].concat())
}

#[test]
fn keys_are_private_and_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data_text = data.to_str().unwrap();
    let public = PathBuf::from(keys(data_text, &[]).good().stdout.trim());
    let private = data.join("keys/secrets-private.pem");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data.join("keys")), mode(&private)), (0o700, 0o600));
    assert!(fs::read_to_string(&public).unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
    let before = fs::read(&private).unwrap();
    let again = keys(data_text, &[]);
    assert_eq!(again.code, Some(1), "{}", again.snapshot());
    assert_eq!(fs::read(&private).unwrap(), before);
    let rotated = keys(data_text, &["--rotate", "--json"]).json();
    assert_eq!(fs::read(text(&rotated, "former_private_key")).unwrap(), before);
    assert_ne!(fs::read(&private).unwrap(), before);
    assert!(!rotated.to_string().contains("PRIVATE KEY-----"), "{rotated}");
}

#[test]
fn what_is_encrypted_is_a_file_a_text_or_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    keys(data.to_str().unwrap(), &[]).good();
    fs::write(folder.path().join("credentials"), "1234567890").unwrap();
    let encrypt = |args: &[&str], input: &str| {
        let mut command = support::command();
        command.current_dir(folder.path()).args(["encrypt", "--data"]).arg(&data).args(args);
        run(&mut command, input)
    };
    // Base64 makes 16 characters of 10 bytes; hexadecimal doubles them.
    let length = |args: &[&str], input: &str| text(&encrypt(args, input).json(), "ciphertext").len();
    assert_eq!(length(&["credentials"], ""), 32);
    assert_eq!(length(&["credentials", "--file"], ""), 32);
    assert_eq!(length(&["credentials", "--text"], ""), 32, "11 characters");
    assert_eq!(length(&["-"], "123"), 8);
    assert_eq!(length(&["abc"], ""), 8);
    let public = data.join("keys/secrets-public.pem");
    assert_eq!(length(&["abc", "--public-key", public.to_str().unwrap()], ""), 8);
    for (args, expect) in [
        (&["missing", "--file"][..], "cannot read missing"),
        (&["-"], "nothing to encrypt"),
        (&["abc", "--public-key", "credentials"], "expected an RSA public key"),
    ] {
        let refused = encrypt(args, "");
        assert!(refused.code != Some(0) && refused.stderr.contains(expect), "{}", refused.snapshot());
    }
    let elsewhere = folder.path().join("elsewhere");
    let refused = tailerd(&["encrypt", "abc", "--data", elsewhere.to_str().unwrap()]);
    assert!(refused.code == Some(1) && refused.stderr.contains("tailerd keys generate"), "{}", refused.snapshot());
    assert!(!elsewhere.exists(), "encrypting makes no data folder");
}

/// A copy to three destinations with a secret each, in all three forms.
fn storage_to_storage(id: &str, encrypted: &Value) -> Value {
    json!({
        "configuration_type": "storage-to-storage", "configuration_id": id, "environment": "DEV", "account": ACCOUNT,
        "version": "1", "filename_templates": [{"filename_template": "{{FD_BLOB_3}}.csv", "file_description": "f"}],
        "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": id, "gcp_credentials_secret": encrypted},
        "destinations": [
            {"type": "sftp", "sftp_host": "sftp.example.com", "sftp_port": 22, "sftp_userid": "u",
             "sftp_authentication_method": "USERNAME_PASSWORD", "sftp_password_secret": {"env": "TAILERD_SECRET_PLANTED"},
             "sftp_destination_dir": "/out", "sftp_destination_dir_create": true},
            {"type": "s3", "s3_bucket": "out", "s3_destination_prefix": "x", "aws_access_key": "AKIA",
             "aws_access_key_secret": {"file": "planted"}},
            {"type": "azure", "azure_destination_prefix": "container/x", "azure_connection_string_secret": encrypted},
        ],
    })
}

/// Everything that the API and the command line say about what is there.
fn everything_said(server: &Server, folder: &Path) -> String {
    let mut said = String::new();
    let mut say = |ended: support::Ended| said.push_str(&ended.snapshot());
    let post = |path: &str, body: Value| {
        let arguments = [
            "-sS",
            "--max-time",
            "60",
            "-H",
            "content-type: application/json",
            "-H",
            &format!("Authorization: Bearer {}", server.token),
            "--data-binary",
            &body.to_string(),
            &format!("{}{path}", server.url),
        ]
        .map(str::to_owned);
        run(std::process::Command::new("curl").args(arguments), "")
    };
    for (kind, id) in
        [("storage-to-storage", "copy"), ("storage-to-storage", "000099_base_filled"), ("context", "base")]
    {
        for action in ["get_configuration", "get_configuration_status"] {
            let body = json!({"action": action, "account": ACCOUNT, "environment": "DEV", "configuration_type": kind,
                              "configuration_id": id});
            say(post("/v1/configuration/status", body).good());
        }
    }
    say(post("/v1/configuration/status", json!({"action": "list_configurations", "account": ACCOUNT})).good());
    for run in server.runs("storage-to-storage", "copy") {
        for command in ["status", "logs"] {
            say(server.tailerd(&[command, text(&run, "run_id"), "--json"]));
        }
    }
    say(server.tailerd(&["runs"]));
    say(tailerd(&["check", folder.to_str().unwrap(), "--json"]));
    said
}

/// Files below a folder that hold the bytes.
fn holding(folder: &Path, bytes: &[u8], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, bytes, found);
        } else if let Ok(content) = fs::read(&path)
            && content.windows(bytes.len()).any(|window| window == bytes)
        {
            found.push(path);
        }
    }
}

#[test]
fn a_planted_secret_shows_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let [data, files, secrets] = ["data", "files", "secrets"].map(|name| folder.path().join(name));
    fs::create_dir(&files).unwrap();
    fs::create_dir(&secrets).unwrap();
    fs::write(secrets.join("planted"), IN_FILE).unwrap();
    let data_text = data.to_str().unwrap();
    keys(data_text, &[]).good();
    let mut encrypt = support::command();
    encrypt.args(["encrypt", "-", "--data", data_text]);
    let encrypted = run(&mut encrypt, ENCRYPTED).json();

    write_json(&files.join("copy.json"), &storage_to_storage("copy", &encrypted));
    let context = json!({
        "configuration_type": "context", "configuration_id": "base", "environment": "DEV", "account": ACCOUNT,
        "parameters": {"key": {"value": encrypted, "type": "object", "resource": "gcp_credentials_secret"}},
    });
    write_json(&files.join("base.json"), &context);
    let filled = folder.path().join("filled.json");
    write_json(&filled, &storage_to_storage("filled", &json!("{{key}}")));
    let bad = folder.path().join("bad.json");
    let mut broken = storage_to_storage("bad", &json!({"cipher_aes": PLANTED, "planted": PLANTED}));
    broken["destinations"][0]["sftp_password_secret"] = json!([PLANTED]);
    broken["destinations"][1]["s3_bucket"] = json!(7);
    write_json(&bad, &broken);

    let log = folder.path().join("log");
    let stderr = fs::File::create(&log).unwrap();
    let server = Server::start_as(&data, |command| {
        command
            .env("TAILERD_LOG_FILTER", "trace")
            .env("TAILERD_SECRET_PLANTED", IN_VARIABLE)
            .env("TAILERD_SECRETS_FILES", &secrets)
            .stderr(Stdio::from(stderr));
    });
    let mut said = server.tailerd(&["deploy", files.to_str().unwrap(), "--json"]).good().snapshot();
    let deploy = |file: &Path, more: &[&str]| server.tailerd(&[&["deploy", file.to_str().unwrap()], more].concat());
    said.push_str(&deploy(&filled, &["--context", "000099_base"]).good().snapshot());
    let refused = deploy(&bad, &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.snapshot());
    said.push_str(&refused.snapshot());
    let drop = data.join("buckets/in/copy");
    fs::create_dir_all(&drop).unwrap();
    fs::write(drop.join("abc.csv"), "a|b\n").unwrap();
    support::until("the file to be copied", || {
        let runs = server.runs("storage-to-storage", "copy");
        runs.iter().any(|run| text(run, "status") != "RUNNING").then_some(())
    });
    said.push_str(&everything_said(&server, &files));
    // A crash leaves everything as it lies: the write-ahead log too.
    server.kill();

    assert!(!said.contains(PLANTED), "said: {said}");
    assert!(said.contains("\"***\""), "something was hidden: {said}");
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is talkative");
    let line = log.lines().find(|line| line.contains(PLANTED));
    assert_eq!(line, None);
    let mut found = Vec::new();
    holding(&data, PLANTED.as_bytes(), &mut found);
    assert_eq!(found, Vec::<PathBuf>::new());
    let closed = text(&encrypted, "ciphertext").as_bytes().to_vec();
    holding(&data, &closed, &mut found);
    assert!(!found.is_empty(), "the encrypted form is where it was looked for");
}

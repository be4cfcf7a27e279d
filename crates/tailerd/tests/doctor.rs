//! `tailerd doctor`: what it says of folders, servers and storages that work, and of those that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../../tailer-storage/tests/suite/counterparts.rs"]
mod counterparts;
#[allow(dead_code, reason = "made for the tests of the storages; here only buckets are made with it")]
#[path = "../../tailer-storage/tests/cloud/service.rs"]
mod service;
mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use counterparts::counterpart;
use serde_json::Value;
use support::{Ended, Server, tailerd, text};

/// A folder with a data folder and a settings file in it.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new() -> Self {
        Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    /// With a data folder that has been used.
    fn used() -> Self {
        let fixture = Self::new();
        tailerd(&["token", "list", "--data", &fixture.data().display().to_string()]).good();
        fixture
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn doctor(&self, settings: &str, more: &[&str]) -> Ended {
        let file = self.0.path().join("tailerd.toml");
        fs::write(&file, settings).unwrap();
        let (data, file) = (self.data().display().to_string(), file.display().to_string());
        let mut args = vec!["doctor", "--data", &data, "--config", &file];
        args.extend(more);
        tailerd(&args)
    }

    /// Exit code, and the finding on what is called so.
    #[track_caller]
    fn finding(&self, settings: &str, check: &str) -> (Option<i32>, Value) {
        let ended = self.doctor(settings, &["--json"]);
        let all: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.snapshot()));
        let findings = all["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| text(finding, "check").starts_with(check));
        (ended.code, found.unwrap_or_else(|| panic!("nothing on {check}: {all:#}")).clone())
    }
}

#[track_caller]
fn check(found: (Option<i32>, Value), code: i32, level: &str, message: &str) {
    let (exit, finding) = found;
    assert_eq!((exit, text(&finding, "level")), (Some(code), level), "{finding:#}");
    assert!(text(&finding, "message").contains(message), "{finding:#}");
    assert_eq!(finding["hint"].is_null(), level == "ok", "{finding:#}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error_and_stays_so() {
    let fixture = Fixture::new();
    check(fixture.finding("", "data folder"), 1, "error", "is not there");
    assert!(!fixture.data().exists());
}

#[test]
fn a_used_folder_is_well_and_one_that_others_may_enter_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::used();
    let ended = fixture.doctor("", &[]).good();
    assert!(ended.stdout.lines().all(|line| line.starts_with("ok ")), "{}", ended.snapshot());
    assert!(ended.stderr.contains("errors 0, warnings 0"), "{}", ended.snapshot());

    fs::set_permissions(fixture.data(), fs::Permissions::from_mode(0o755)).unwrap();
    check(fixture.finding("", "data folder"), 0, "warning", "mode 0755");
    let mode = fs::metadata(fixture.data()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755, "nothing is repaired");
}

#[test]
fn the_warehouse_of_a_running_server_is_asked_through_it() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture.data());
    server.sql("SELECT 1");
    fs::create_dir_all(fixture.data().join("warehouse")).unwrap();
    check(fixture.finding("", "embedded warehouse"), 0, "ok", "through the server that runs");
    check(fixture.finding("", "metadata"), 0, "ok", "can be read");
}

#[test]
fn local_buckets_are_tried_and_nothing_stays_in_them() {
    let fixture = Fixture::used();
    let bucket = fixture.0.path().join("bucket");
    fs::create_dir(&bucket).unwrap();
    let settings =
        format!("[storage.gcs.\"sales\"]\nservice = \"local\"\nfolder = {:?}\n", bucket.display().to_string());
    check(fixture.finding(&settings, "storage gcs \"sales\""), 0, "ok", "listed, written, read and cleaned");
    // The storage's own folder for unfinished writes.
    assert_eq!(files(&bucket), [bucket.join(".tailerd-tmp")]);
    assert!(files(&bucket.join(".tailerd-tmp")).is_empty());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_cannot_be_tried_is_said() {
    let fixture = Fixture::used();
    let any = "[storage.gcs.\"*\"]\nservice = \"local\"\n";
    check(fixture.finding(any, "storage gcs \"*\""), 0, "warning", "stands for every bucket");
    let sftp = "[storage.sftp.\"files.example.com\"]\nservice = \"sftp\"\n";
    check(fixture.finding(sftp, "storage sftp"), 0, "warning", "credentials are in the configurations");
}

#[test]
fn a_service_that_is_not_there_and_a_secret_that_is_not_there_are_errors() {
    let fixture = Fixture::used();
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let gcs = |more: &str| {
        format!(
            "[storage.gcs.\"sales\"]\nservice = \"gcs\"\nendpoint = \"http://127.0.0.1:{port}\"\nretries = 0\n{more}\n"
        )
    };
    check(fixture.finding(&gcs("anonymous = true"), "storage gcs"), 1, "error", "cannot be listed");
    let missing = gcs("credentials = { env = \"NOT_THERE_AT_ALL\" }");
    check(fixture.finding(&missing, "storage gcs"), 1, "error", "NOT_THERE_AT_ALL");
}

#[test]
fn a_clock_that_is_wrong_is_seen() {
    let fixture = Fixture::used();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_from_the_past));
    let settings = format!(
        "[storage.gcs.\"sales\"]\nservice = \"gcs\"\nendpoint = \"http://127.0.0.1:{port}\"\nanonymous = true\nretries = 0\n"
    );
    check(fixture.finding(&settings, "storage gcs"), 1, "error", "ahead of the service's");
}

fn answer_from_the_past(mut stream: TcpStream) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let answer = "HTTP/1.1 404 Not Found\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn real_services_are_tried_and_refusals_are_explained() {
    let (Some(s3), Some(gcs)) = (service::s3(), service::gcs()) else { return };
    let [Some(s3_server), Some(gcs_server)] = ["TAILERD_TEST_S3", "TAILERD_TEST_GCS"].map(counterpart::<Value>) else {
        return;
    };
    let fixture = Fixture::used();
    let on_gcs = |bucket: &str| {
        let endpoint = &gcs_server["endpoint"];
        format!("[storage.gcs.{bucket:?}]\nservice = \"gcs\"\nendpoint = {endpoint}\nanonymous = true\n")
    };
    let on_s3 = |key: &Value| {
        let (bucket, endpoint, region) = (&s3.bucket, &s3_server["endpoint"], &s3_server["region"]);
        let access_key = &s3_server["access_key"];
        format!(
            "[storage.s3.{bucket:?}]\nservice = \"s3\"\nendpoint = {endpoint}\nregion = {region}\n\
             access_key = {access_key}\nsecret_key = {key}\n"
        )
    };
    check(fixture.finding(&on_gcs(&gcs.bucket), "storage gcs"), 0, "ok", "listed, written, read and cleaned");
    check(fixture.finding(&on_gcs("not-a-bucket-here"), "storage gcs"), 1, "error", "not-a-bucket-here");
    check(
        fixture.finding(&on_s3(&s3_server["secret_key"]), "storage s3"),
        0,
        "ok",
        "listed, written, read and cleaned",
    );
    check(fixture.finding(&on_s3(&"wrong".into()), "storage s3"), 1, "error", "cannot be listed");
}

#[test]
fn projects_on_bigquery_are_asked_for_a_dry_run() {
    let fixture = Fixture::used();
    let (code, found) = fixture.finding("[warehouse.\"*\"]\nkind = \"bigquery\"\n", "project \"*\"");
    assert_eq!((code, text(&found, "level")), (Some(0), "warning"), "{found}");
    let unreadable = "[warehouse.p]\nkind = \"bigquery\"\ncredentials = { file = \"nowhere\" }\n";
    let (code, found) = fixture.finding(unreadable, "project \"p\"");
    assert_eq!((code, text(&found, "level")), (Some(1), "error"), "{found}");
    assert!(text(&found, "message").contains("credentials"), "{found}");
    let Ok(told) = std::env::var("TAILERD_TEST_BIGQUERY") else {
        support::skip(true, "no emulator in TAILERD_TEST_BIGQUERY");
        return;
    };
    let told: Value = serde_json::from_str(&told).unwrap();
    let settings = format!("[warehouse.p]\nkind = \"bigquery\"\nendpoint = \"{}\"\n", text(&told, "endpoint"));
    let (code, found) = fixture.finding(&settings, "project \"p\"");
    assert_eq!((code, text(&found, "level")), (Some(0), "ok"), "{found}");
}

/// A BigQuery that refuses everything.
fn refusing(status: u16, headers: &'static str, reason: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = format!(r#"{{"error": {{"message": "refused here", "errors": [{{"reason": "{reason}"}}]}}}}"#);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
            );
        }
    });
    format!("[warehouse.p]\nkind = \"bigquery\"\nendpoint = \"http://{address}\"\n")
}

#[test]
fn what_bigquery_refuses_is_explained() {
    let fixture = Fixture::used();
    let told = |settings: &str, message: &str, hint: &str| {
        let (code, found) = fixture.finding(settings, "project \"p\"");
        assert_eq!((code, text(&found, "level")), (Some(1), "error"), "{found}");
        assert!(text(&found, "message").contains(message) && text(&found, "hint").contains(hint), "{found:#}");
    };
    told(&refusing(403, "", "accessDenied"), "access denied: refused here", "BigQuery Job User");
    told(&refusing(401, "", "authError"), "does not let these credentials in", "listed for its service account");
    told(&refusing(404, "", "notFound"), "refused here", "is the project's name right?");
    // A token is refused because its times are not those of BigQuery: the clock is told first.
    let past = refusing(401, "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n", "authError");
    told(&past, "this machine's clock is", "NTP");
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("[warehouse.p]\nkind = \"bigquery\"\nendpoint = \"http://127.0.0.1:{port}\"\n");
    told(&nobody, "no answer from BigQuery", "reachable from this machine");
    let key = fixture.0.path().join("key.json");
    fs::write(&key, "{\"type\": \"service_account\"}").unwrap();
    let wrong = format!("{nobody}credentials = {{ file = {:?} }}\n", key.display().to_string());
    told(&wrong, "is not the JSON document that Google gives out", "mend `credentials`");
    // Where nothing says who asks, and this machine has no account.
    let clear = "[warehouse.p]\nkind = \"bigquery\"\nendpoint = \"http://192.0.2.1\"\ncredentials = \"default\"\n";
    told(clear, "only sent over https", "mend `credentials`");
}

#[test]
fn the_staging_bucket_of_a_project_is_tried() {
    let fixture = Fixture::used();
    let bucket = fixture.0.path().join("bucket");
    fs::create_dir(&bucket).unwrap();
    let settings = format!(
        "{}staging = \"way/files\"\n[storage.gcs.\"way\"]\nservice = \"local\"\nfolder = {:?}\n",
        refusing(403, "", "accessDenied"),
        bucket.display().to_string()
    );
    let (_, found) = fixture.finding(&settings, "staging bucket \"way\" of project \"p\"");
    assert_eq!(text(&found, "level"), "error", "{found}");
    assert!(text(&found, "message").contains("is no bucket of Google Cloud Storage"), "{found}");
}

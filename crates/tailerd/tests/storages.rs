//! The binary against real services: one file from S3 to Google Cloud Storage, Azure, SFTP and a local folder, with encrypted
//! secrets; and what a run says of a service that lets nobody in. Needs the servers of `.ci/counterparts`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../../tailer-storage/tests/suite/counterparts.rs"]
mod counterparts;
#[allow(dead_code, reason = "made for the tests of the storages; here only buckets are made with it")]
#[path = "../../tailer-storage/tests/cloud/service.rs"]
mod service;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use counterparts::counterpart;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use support::{ACCOUNT, Server, tailerd, text, until, write_json};
use tailer_model::Secret;
use tailer_storage::{
    LocalStorage, ObjectPath, SftpStorage, Storage, WriteOptions,
    sftp::{HostKeys, SftpCredentials, SftpSettings},
};

const FILE: &str = "20240131_sales.csv";
const CONTENT: &str = "store|amount\n1|2.50\n2|3.75\n";

/// Runs something asynchronous to its end. One runtime for all: connections live in it.
fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

fn put(storage: &dyn Storage, at: &str) {
    let content = stream::iter([Ok(CONTENT.into())]).boxed();
    wait(storage.write(&ObjectPath::parse(at).unwrap(), content, WriteOptions::default())).unwrap();
}

fn get(storage: &dyn Storage, at: &str) -> Option<String> {
    wait(async {
        let at = ObjectPath::parse(at).unwrap();
        storage.stat(&at).await.unwrap()?;
        let chunks: Vec<_> = storage.read(&at).await.unwrap().try_collect().await.unwrap();
        Some(String::from_utf8(chunks.concat()).unwrap())
    })
}

/// A data folder with keys, and a folder of configurations.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        let fixture = Self { folder };
        tailerd(&["keys", "generate", "--data", &fixture.data().display().to_string()]).good();
        fixture
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The encrypted form of a secret.
    fn seal(&self, secret: &Value) -> Value {
        let data = self.data().display().to_string();
        tailerd(&["encrypt", "--text", "--data", &data, secret.as_str().unwrap()]).json()
    }

    /// Deploys one storage-to-storage configuration to a server with these settings.
    fn serve(&self, settings: &str, source: &Value, destinations: &Value) -> Server {
        let file = self.folder.path().join("tailerd.toml");
        fs::write(&file, settings).unwrap();
        let configuration = json!({
            "configuration_type": "storage-to-storage", "configuration_id": "copy", "environment": "DEV", "account": ACCOUNT,
            "version": "3", "short_description": "sales", "filename_templates": [{"filename_template": "{{FD_DATE}}_sales.csv"}],
            "source": source, "destinations": destinations,
        });
        write_json(&self.folder.path().join("files/copy.json"), &configuration);
        let server = Server::start_with(&self.data(), &["--config", &file.display().to_string()]);
        server.deploy(&self.folder.path().join("files"));
        server
    }
}

/// The run that ended, with everything that is said of it.
fn ended(server: &Server) -> Value {
    until("the run to end", || {
        let run = server.runs("storage-to-storage", "copy_DEV").into_iter().next()?;
        let run = server.tailerd(&["status", text(&run, "run_id"), "--json"]).json();
        (!["RUNNING", "QUEUED"].contains(&text(&run, "status"))).then_some(run)
    })
}

fn sftp_account(sftp: &Value) -> SftpStorage {
    let credentials = SftpCredentials {
        password: Some(Secret::new(text(sftp, "password").to_owned())),
        ..SftpCredentials::default()
    };
    let keys = HostKeys::new(None, &[text(sftp, "host_key").to_owned()]).unwrap();
    let settings = SftpSettings::new(text(sftp, "host").into(), text(sftp, "user").into(), credentials, keys);
    SftpStorage::new(SftpSettings { port: sftp["port"].as_u64().unwrap().try_into().unwrap(), ..settings })
}

#[test]
fn a_file_goes_from_s3_to_every_kind_of_storage() {
    let (Some(from), Some(gcs), Some(azure)) = (service::s3(), service::gcs(), service::azure()) else { return };
    let variables = ["TAILERD_TEST_S3", "TAILERD_TEST_GCS", "TAILERD_TEST_AZURE", "TAILERD_TEST_SFTP"];
    let [Some(s3_server), Some(gcs_server), Some(azure_server), Some(sftp)] = variables.map(counterpart::<Value>)
    else {
        return;
    };
    let fixture = Fixture::new();
    let settings = format!(
        "poll_every = \"1s\"\n\
         [storage.s3.\"*\"]\nservice = \"s3\"\nendpoint = {endpoint}\nregion = {region}\n\
         [storage.s3.\"stand-in\"]\nservice = \"local\"\n\
         [storage.gcs.\"*\"]\nservice = \"gcs\"\nendpoint = {gcs}\nanonymous = true\n\
         [storage.azure.\"*\"]\nservice = \"azure\"\n\
         [storage.sftp.\"*\"]\nservice = \"sftp\"\nhost_key = {host_key}\n",
        endpoint = s3_server["endpoint"],
        region = s3_server["region"],
        gcs = gcs_server["endpoint"],
        host_key = sftp["host_key"],
    );
    let private_key = json!(fs::read_to_string(text(&sftp, "private_key_file")).unwrap());
    let host = json!({"type": "sftp", "sftp_host": sftp["host"], "sftp_port": sftp["port"]});
    let on_host = |more: Value| {
        let mut all = host.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    put(&*from.storage(), &format!("in/{FILE}"));
    let server = fixture.serve(
        &settings,
        &json!({
            "type": "s3", "s3_source_bucket": from.bucket, "s3_source_prefix": "in", "archive_prefix": "archive",
            "aws_access_key": s3_server["access_key"], "aws_access_key_secret": fixture.seal(&s3_server["secret_key"]),
        }),
        &json!([
            {"type": "gcs", "gcs_destination_bucket": gcs.bucket, "gcs_destination_prefix": "out"},
            {"type": "azure", "azure_destination_prefix": format!("{}/out", azure.bucket),
             "azure_connection_string_secret": fixture.seal(&azure_server["connection_string"])},
            on_host(json!({
                "sftp_userid": sftp["user"], "sftp_authentication_method": "USERNAME_PASSWORD",
                "sftp_password_secret": fixture.seal(&sftp["password"]), "sftp_destination_dir": "deep/out",
                "sftp_destination_dir_create": true, "generate_top_file": "REPLACE_EXTENSION",
            })),
            on_host(json!({
                "sftp_userid": sftp["key_user"], "sftp_authentication_method": "PRIVATE_KEY",
                "sftp_private_key_secret": fixture.seal(&private_key),
                "sftp_private_key_passphrase_secret": fixture.seal(&sftp["passphrase"]), "sftp_destination_dir": "",
            })),
            {"type": "s3", "s3_bucket": "stand-in", "s3_destination_prefix": "out"},
        ]),
    );
    let run = ended(&server);
    assert_eq!(text(&run, "status"), "SUCCESS", "{run:#}");

    let account = sftp_account(&sftp);
    let local = LocalStorage::open(fixture.data().join("buckets/stand-in"), "s3://stand-in".into()).unwrap();
    let places: [(Arc<dyn Storage>, String); 5] = [
        (gcs.storage(), format!("out/{FILE}")),
        (azure.storage(), format!("out/{FILE}")),
        (Arc::new(account.clone()), format!("deep/out/{FILE}")),
        (Arc::new(local), format!("out/{FILE}")),
        (from.storage(), format!("archive/20240131/{FILE}")),
    ];
    for (storage, at) in places {
        let location = storage.location(&ObjectPath::parse(&at).unwrap());
        assert_eq!(get(&*storage, &at).as_deref(), Some(CONTENT), "{location}");
    }
    assert_eq!(get(&*from.storage(), &format!("in/{FILE}")), None);
    assert_eq!(get(&account, "deep/out/20240131_sales.top").as_deref(), Some(""));

    // Nothing of the data folder holds an opened secret.
    drop(server);
    for secret in [&sftp["password"], &sftp["passphrase"], &s3_server["secret_key"], &azure_server["key"]] {
        assert_eq!(holders(&fixture.data(), text(&json!({"s": secret}), "s")), [""; 0]);
    }
}

/// Files that hold a text.
fn holders(folder: &Path, text: &str) -> Vec<String> {
    let found = std::process::Command::new("grep").args(["-rlaF", "--", text]).arg(folder).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A host that nobody vouches for is refused, and the run says what to do.
#[test]
fn an_unknown_host_fails_the_run_with_the_setting_to_add() {
    let Some(sftp) = counterpart::<Value>("TAILERD_TEST_SFTP") else { return };
    let fixture = Fixture::new();
    let incoming = fixture.data().join("buckets/lake/in");
    fs::create_dir_all(&incoming).unwrap();
    fs::write(incoming.join(FILE), CONTENT).unwrap();
    let server = fixture.serve(
        "[storage.sftp.\"*\"]\nservice = \"sftp\"\nretries = 0\n",
        &json!({"type": "gcs", "gcs_source_bucket": "lake", "gcs_source_prefix": "in"}),
        &json!([{
            "type": "sftp", "sftp_host": sftp["host"], "sftp_port": sftp["port"], "sftp_userid": sftp["user"],
            "sftp_password_secret": fixture.seal(&sftp["password"]), "sftp_destination_dir": "/",
        }]),
    );
    let run = ended(&server);
    assert_eq!(text(&run, "status"), "FAILED", "{run:#}");
    let said = run.to_string();
    for part in ["is not known: it shows SHA256:", "host_key = ", "[storage.sftp."] {
        assert!(said.contains(part), "{run:#}");
    }
    assert!(incoming.join(FILE).exists(), "the file stays");
    assert!(!said.contains(text(&sftp, "password")));
}

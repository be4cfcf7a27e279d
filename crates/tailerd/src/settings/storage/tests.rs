//! Tables as people write them, and what they are told.

use std::ffi::OsString;

use super::*;
use crate::settings::{Layers, Settings};

fn layers(file: &str, variables: &[(&str, &str)]) -> Result<Layers, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tailerd.toml");
    std::fs::write(&path, file).unwrap();
    let mut layers = Layers::defaults();
    let read = layers.file(&path);
    layers.environment(variables.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))));
    read.map(|()| layers).map_err(|e| e.message.replace(&path.display().to_string(), "tailerd.toml"))
}

fn settings(file: &str, variables: &[(&str, &str)]) -> Result<StorageSettings, String> {
    let settings = Settings::from_layers(&layers(file, variables)?).map_err(|e| e.message)?;
    Ok(settings.storage)
}

fn service(settings: &StorageSettings, kind: StorageKind, bucket: &str) -> Service {
    match settings.of(kind, bucket) {
        Some((Place::Service(service), _)) => (**service).clone(),
        other => panic!("{other:?}"),
    }
}

const FILE: &str = r#"
[storage.s3."*"]
service = "s3"
endpoint = "http://127.0.0.1:9000/"
access_key = "AKIA"
secret_key = { env = "S3_SECRET" }
retries = 0

[storage.s3."own"]
service = "local"
folder = "/srv/own"

[storage.sftp."sftp.example.com"]
service = "sftp"
address = "10.0.0.7:2222"
user = "john"
password = "hunter2"
host_key = ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]
timeout = "5s"
"#;

#[test]
fn a_bucket_has_its_own_table_or_that_of_all() {
    let settings = settings(FILE, &[]).unwrap();
    let other = service(&settings, StorageKind::S3, "other");
    assert_eq!(other.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!((other.access_key.as_deref(), other.retries), (Some("AKIA"), Some(0)));
    assert_eq!(other.secret("secret_key"), Some(&serde_json::json!({"env": "S3_SECRET"})));
    let own = settings.of(StorageKind::S3, "own");
    assert!(matches!(own, Some((Place::Local(Some(folder)), true)) if folder.ends_with("own")), "{own:?}");
    assert!(settings.of(StorageKind::Gcs, "other").is_none());
    let sftp = service(&settings, StorageKind::Sftp, "sftp.example.com");
    assert_eq!(sftp.address, Some(("10.0.0.7".to_owned(), Some(2222))));
    assert_eq!(sftp.timeout, Some(Duration::from_secs(5)));
    assert!(settings.of(StorageKind::Sftp, "elsewhere").is_none());
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn variables_are_for_every_bucket_of_the_kind() {
    let variables = [
        ("TAILERD_STORAGE_GCS_SERVICE", "gcs"),
        ("TAILERD_STORAGE_GCS_ANONYMOUS", "true"),
        ("TAILERD_STORAGE_S3_RETRIES", "9"),
        ("TAILERD_STORAGE_SFTP_HOST_KEY", ""),
    ];
    let settings = settings(FILE, &variables).unwrap();
    assert!(service(&settings, StorageKind::Gcs, "any").anonymous);
    assert_eq!(service(&settings, StorageKind::S3, "any").retries, Some(9));
    let error = self::settings("", &[("TAILERD_STORAGE_S3_RETRIES", "many")]).unwrap_err();
    assert_eq!(error, "TAILERD_STORAGE_S3_RETRIES: expected a whole number");
}

#[test]
fn problems_name_their_place_and_the_nearest() {
    let check = |file: &str, expect: &str| assert_eq!(settings(file, &[]).unwrap_err(), expect, "{file}");
    check("storage = 1", "tailerd.toml: storage: expected tables such as [storage.s3.\"bucket\"]");
    check(
        "[storage.gsc.\"*\"]\nservice = \"local\"",
        "tailerd.toml: unknown key `storage.gsc`; did you mean `storage.gcs`?",
    );
    check(
        "[storage.s3]\nservice = \"s3\"",
        "tailerd.toml: storage.s3.\"service\": expected a table: the keys of s3 belong under [storage.s3.\"*\"] or under the name \
         of a bucket",
    );
    check(
        "[storage.s3.\"b\"]\nservise = \"s3\"\nhost_key = \"x\"\nservice = \"gcs\"\nretries = \"x\"",
        "tailerd.toml: unknown key `storage.s3.\"b\".host_key`\n\
         tailerd.toml: storage.s3.\"b\".retries: expected a whole number\n\
         tailerd.toml: storage.s3.\"b\".service: expected \"local\" or \"s3\"\n\
         tailerd.toml: unknown key `storage.s3.\"b\".servise`; did you mean `service`?",
    );
    check(
        "[storage.s3.\"b\"]\nregion = \"x\"\n[storage.sftp.\"h\"]\nservice = \"sftp\"\nhost_key = \"short\"",
        "[storage.s3.\"b\"]: \"region\" needs service = \"s3\"\n\
         [storage.sftp.\"h\"]: host_key: \"short\" is not a host key: expected its fingerprint (\"SHA256:\" and 43 characters, as \
         `ssh-keygen -l` prints it) or the key itself (\"ssh-ed25519 AAAA…\")",
    );
    check(
        "[storage.s3.\"b\"]\nservice = \"s3\"\naccess_key = \"x\"\n[storage.gcs.\"b\"]\nservice = \"gcs\"\nfolder = \"x\"",
        "[storage.gcs.\"b\"]: \"folder\" needs service = \"local\"\n\
         [storage.s3.\"b\"]: \"access_key\" needs \"secret_key\"",
    );
}

#[test]
fn what_is_printed_can_be_read_back_and_hides_secrets() {
    let before = layers(FILE, &[("TAILERD_STORAGE_S3_SECRET_KEY", "hunter2")]).unwrap();
    let printed = crate::settings::to_toml(&before);
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!crate::settings::to_json(&before).to_string().contains("hunter2"));
    for part in ["[storage.s3.\"own\"]", "password = \"***\"", "TAILERD_STORAGE_S3_SECRET_KEY: secret access key"] {
        assert!(printed.contains(part), "{printed}");
    }
    let after = settings(&printed, &[]).unwrap();
    assert_eq!(service(&after, StorageKind::Sftp, "sftp.example.com").user.as_deref(), Some("john"));
    let plain = layers(FILE, &[]).unwrap();
    assert!(crate::settings::to_toml(&plain).contains("secret_key = { env = \"S3_SECRET\" }"));
}

#[test]
fn addresses_of_hosts() {
    let check = |text: &str, expect: Option<(&str, Option<u16>)>| {
        assert_eq!(address(text), expect.map(|(host, port)| (host.to_owned(), port)), "{text}");
    };
    check("h", Some(("h", None)));
    check("h:22", Some(("h", Some(22))));
    check("::1", Some(("::1", None)));
    check("[::1]", Some(("::1", None)));
    check("[::1]:22", Some(("::1", Some(22))));
    for bad in ["", ":22", "h:", "h:0", "h:x", "a b", "[::1]22", "sftp://h"] {
        check(bad, None);
    }
}

#[test]
fn the_document_has_every_key() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/storages.md")).unwrap();
    let row = |key: &super::keys::Key| {
        let all = key.kinds.len() == StorageKind::ALL.len();
        let kinds: Vec<&str> = if all { vec!["all"] } else { key.kinds.iter().map(|kind| kind.as_str()).collect() };
        format!("| `{}` | {} | {} |\n", key.name, kinds.join(", "), key.help)
    };
    let table: String = KEYS.iter().map(row).collect();
    assert!(document.contains(&table), "docs/storages.md wants this table:\n{table}");
}

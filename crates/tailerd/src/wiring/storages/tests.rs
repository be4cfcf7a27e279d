//! Which storages are shared, which credentials are taken, and what is said when there are none. Nothing is sent.

use std::ffi::OsString;

use serde_json::{Value, json};
use tailer_storage::ObjectPath;

use super::*;
use crate::settings::Layers;

struct Fixture {
    folder: tempfile::TempDir,
    buckets: Buckets,
}

fn fixture(file: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tailerd.toml");
    std::fs::write(&path, file).unwrap();
    let mut layers = Layers::defaults();
    layers.file(&path).unwrap();
    layers.environment(std::iter::empty::<(OsString, OsString)>());
    let settings = Settings::from_layers(&layers).unwrap();
    let data = DataFolder::open(&folder.path().join("data")).unwrap();
    std::fs::create_dir_all(data.secrets()).unwrap();
    Fixture { buckets: Buckets::new(&data, &settings), folder }
}

impl Fixture {
    fn open(&self, kind: StorageKind, bucket: &str, credentials: Value) -> Result<Arc<dyn Storage>, String> {
        self.open_at(kind, bucket, false, credentials)
    }

    fn open_at(
        &self,
        kind: StorageKind,
        bucket: &str,
        absolute: bool,
        credentials: Value,
    ) -> Result<Arc<dyn Storage>, String> {
        let credentials = serde_json::from_value(credentials).unwrap();
        let address = StorageAddress { kind, bucket: bucket.into(), prefix: String::new(), absolute, credentials };
        self.buckets.open(&address).map_err(|error| error.to_string())
    }
}

fn location(storage: &Arc<dyn Storage>) -> String {
    storage.location(&ObjectPath::parse("in/x.csv").unwrap())
}

const ALL: &str = "
[storage.gcs.\"*\"]
service = \"gcs\"
[storage.s3.\"*\"]
service = \"s3\"
[storage.azure.\"*\"]
service = \"azure\"
[storage.sftp.\"*\"]
service = \"sftp\"
[storage.sftp.\"mapped\"]
service = \"sftp\"
address = \"10.0.0.7:2222\"
user = \"jane\"
password = \"hunter2\"
";

#[test]
fn without_settings_every_bucket_is_a_folder_and_no_secret_is_opened() {
    let fixture = fixture("");
    let sealed = json!({"aws_access_key_secret": {"cipher_aes": "00"}, "gcp_credentials_secret": {"env": "NO_SUCH"}});
    let first = fixture.open(StorageKind::Gcs, "b", sealed.clone()).unwrap();
    let again = fixture.open(StorageKind::Gcs, "b", json!({})).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(location(&first), "gs://b/in/x.csv");
    assert_eq!(location(&fixture.open(StorageKind::S3, "b", sealed).unwrap()), "s3://b/in/x.csv");
    assert!(fixture.folder.path().join("data/buckets/b").is_dir());
    let error = fixture.open(StorageKind::Gcs, "../b", json!({})).unwrap_err();
    assert!(error.contains("cannot be a local bucket"), "{error}");
}

#[test]
fn folders_may_be_elsewhere() {
    let elsewhere = tempfile::tempdir().unwrap();
    let shown = elsewhere.path().display();
    let fixture = fixture(&format!(
        "[storage.gcs.\"*\"]\nfolder = \"{shown}/all\"\n[storage.gcs.\"own\"]\nservice = \"local\"\nfolder = \"{shown}/own\"\n"
    ));
    for bucket in ["one", "two", "own"] {
        fixture.open(StorageKind::Gcs, bucket, json!({})).unwrap();
    }
    for made in ["all/one", "all/two", "own"] {
        assert!(elsewhere.path().join(made).is_dir(), "{made}");
    }
    assert!(fixture.open(StorageKind::Gcs, "../up", json!({})).is_err());
}

#[test]
fn clients_are_shared_by_the_same_credentials_only() {
    let fixture = fixture(ALL);
    let keys = |secret: &str| json!({"aws_access_key": "AKIA", "aws_access_key_secret": secret});
    let one = fixture.open(StorageKind::S3, "b", keys("one")).unwrap();
    assert!(Arc::ptr_eq(&one, &fixture.open(StorageKind::S3, "b", keys("one")).unwrap()));
    assert!(!Arc::ptr_eq(&one, &fixture.open(StorageKind::S3, "b", keys("two")).unwrap()));
    assert!(!Arc::ptr_eq(&one, &fixture.open(StorageKind::S3, "c", keys("one")).unwrap()));

    // A secret file may be another one next time.
    let secret = fixture.folder.path().join("data/secrets/key");
    std::fs::write(&secret, "one").unwrap();
    let named = json!({"aws_access_key": "AKIA", "aws_access_key_secret": {"file": "key"}});
    let before = fixture.open(StorageKind::S3, "b", named.clone()).unwrap();
    assert!(Arc::ptr_eq(&before, &fixture.open(StorageKind::S3, "b", named.clone()).unwrap()));
    std::fs::write(&secret, "two").unwrap();
    assert!(!Arc::ptr_eq(&before, &fixture.open(StorageKind::S3, "b", named).unwrap()));
}

#[test]
fn a_leading_slash_means_the_root_of_an_sftp_server() {
    let fixture = fixture(ALL);
    let john = json!({"sftp_userid": "john", "sftp_port": 2222, "sftp_password_secret": "x"});
    let home = fixture.open_at(StorageKind::Sftp, "h", false, john.clone()).unwrap();
    let root = fixture.open_at(StorageKind::Sftp, "h", true, john.clone()).unwrap();
    assert_eq!(location(&home), "sftp://john@h:2222/~/in/x.csv");
    assert_eq!(location(&root), "sftp://john@h:2222/in/x.csv");
    let mapped = fixture.open_at(StorageKind::Sftp, "mapped", true, json!({"sftp_port": 22})).unwrap();
    assert_eq!(location(&mapped), "sftp://jane@10.0.0.7:2222/in/x.csv");
}

#[test]
fn what_is_missing_is_named() {
    let fixture = fixture(ALL);
    let check = |kind: StorageKind, credentials: Value, expect: &str| {
        let error = fixture.open(kind, "b", credentials).unwrap_err();
        assert!(error.starts_with(&format!("{kind} b: ")) && error.contains(expect), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    };
    check(StorageKind::Azure, json!({}), "nothing says which account");
    check(StorageKind::S3, json!({"aws_access_key": "AKIA"}), "without aws_access_key_secret");
    check(StorageKind::S3, json!({"aws_access_key_secret": "hunter2"}), "without aws_access_key");
    check(
        StorageKind::Gcs,
        json!({"gcp_credentials_secret": {"env": "PATH"}}),
        "gcp_credentials_secret: the server does not give",
    );
    check(
        StorageKind::Gcs,
        json!({"gcp_credentials_secret": {"file": "../x"}}),
        "gcp_credentials_secret: the server gives",
    );
    check(StorageKind::Sftp, json!({"sftp_password_secret": "hunter2"}), "nothing says which user");
    check(
        StorageKind::Sftp,
        json!({"sftp_userid": "john", "sftp_authentication_method": "PRIVATE_KEY", "sftp_password_secret": "hunter2"}),
        "sftp_authentication_method is PRIVATE_KEY, but sftp_private_key_secret is missing",
    );
    check(
        StorageKind::Sftp,
        json!({"sftp_userid": "john", "sftp_password_secret": {"cipher_aes": "00", "tag": "hunter2"}}),
        "sftp_password_secret: ",
    );
    assert!(!format!("{:?}", fixture.buckets).contains("hunter2"));
}

//! Each storage that the settings name: listed, and an object written, read and removed again.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Map;
use tailer_engine::Storages as _;
use tailer_model::operation::storage_to_storage::{StorageAddress, StorageKind};
use tailer_storage::{Depth, ObjectPath, Storage, StorageError, WriteOptions};

use super::{clock, findings::Findings};
use crate::{
    data_folder::DataFolder,
    settings::{
        Settings,
        storage::{ANY, Place, Service},
    },
    wiring::Buckets,
};

/// For all calls to one storage together.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn all(settings: &Settings, folder: &DataFolder, findings: &mut Findings) {
    let buckets = Buckets::new(folder, settings);
    for (kind, bucket, place) in settings.storage.tables() {
        let check = format!("storage {kind} {bucket:?}");
        if let Place::Service(service) = place {
            clock::check(kind, &check, service, findings).await;
        }
        match place {
            _ if bucket == ANY => findings.warning(
                &check,
                "stands for every bucket without a table of its own: not tried",
                "name a bucket in a table of its own to have it tried",
            ),
            Place::Service(service) if !has_credentials(kind, service) => findings.warning(
                &check,
                "its credentials are in the configurations that use it: not tried",
                "put credentials into its table to have it tried",
            ),
            _ => one(&check, &buckets, kind, bucket, findings).await,
        }
    }
}

/// Tries one bucket.
pub(super) async fn one(check: &str, buckets: &Buckets, kind: StorageKind, bucket: &str, findings: &mut Findings) {
    let tried = tokio::time::timeout(PATIENCE, storage(buckets, kind, bucket)).await;
    report(check, tried.unwrap_or_else(|_| Err(Trouble::silent())), findings);
}

/// Whether the settings alone let in. Where the environment may, that is tried.
fn has_credentials(kind: StorageKind, service: &Service) -> bool {
    match kind {
        StorageKind::Gcs | StorageKind::S3 => true,
        StorageKind::Azure => service.account.is_some() || service.secret("connection_string").is_some(),
        StorageKind::Sftp => {
            service.user.is_some() && (service.secret("password").is_some() || service.secret("private_key").is_some())
        }
    }
}

/// What does not work, and whether nothing at all does.
struct Trouble {
    fatal: bool,
    message: String,
    hint: &'static str,
}

impl Trouble {
    fn silent() -> Self {
        let message = format!("did not answer within {} seconds", PATIENCE.as_secs());
        Self { fatal: true, message, hint: REACH }
    }

    fn of(doing: &str, fatal: bool, error: &StorageError) -> Self {
        let hint = match error {
            StorageError::Denied { .. } => "check the credentials, and what they may do in this bucket",
            StorageError::NotFound { .. } => "make the bucket, or correct its name in the settings",
            StorageError::Transient { .. } => REACH,
            _ => "check the service, the bucket and its settings",
        };
        Self { fatal, message: format!("{doing}: {error}"), hint }
    }
}

const REACH: &str = "check endpoint or address, name resolution, firewall and proxy";

/// Gives what could be done.
async fn storage(buckets: &Buckets, kind: StorageKind, bucket: &str) -> Result<(), Trouble> {
    let address = StorageAddress {
        kind,
        bucket: bucket.to_owned(),
        prefix: String::new(),
        absolute: false,
        credentials: Map::new(),
    };
    let storage = buckets.open(&address).map_err(|error| Trouble {
        fatal: true,
        message: error.to_string(),
        hint: "correct its table in the settings, or the secret it names",
    })?;
    let root = ObjectPath::parse("").map_err(|error| Trouble { fatal: true, message: error.to_string(), hint: "" })?;
    let listed = async { storage.list(&root, Depth::Folder).await?.next().await.transpose() }.await;
    listed.map_err(|error| Trouble::of("cannot be listed", true, &error))?;
    probe(storage.as_ref()).await
}

/// Writes, reads and removes an object. A bucket that is only read from may well refuse.
async fn probe(storage: &dyn Storage) -> Result<(), Trouble> {
    let name = format!("tailerd-doctor-{}", uuid::Uuid::new_v4());
    let path =
        ObjectPath::parse(&name).map_err(|error| Trouble { fatal: true, message: error.to_string(), hint: "" })?;
    let content = "written by tailerd doctor; may be removed\n";
    let written = storage.write(&path, stream::iter([Ok(content.into())]).boxed(), WriteOptions::default()).await;
    written.map_err(|error| Trouble::of("can be listed, but not written to", false, &error))?;
    let read =
        async { storage.read(&path).await?.try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) }).await };
    let read = read.await;
    // Removed whatever the reading said.
    storage.delete(&path).await.map_err(|error| {
        let location = storage.location(&path);
        Trouble::of(&format!("can be written to, but {location} could not be removed again"), false, &error)
    })?;
    match read {
        Ok(length) if length == content.len() => Ok(()),
        Ok(length) => Err(Trouble {
            fatal: true,
            message: format!("gives {length} bytes where {} were written", content.len()),
            hint: "something between here and the storage changes content",
        }),
        Err(error) => Err(Trouble::of("can be written to, but not read", true, &error)),
    }
}

fn report(check: &str, tried: Result<(), Trouble>, findings: &mut Findings) {
    match tried {
        Ok(()) => findings.ok(check, "can be listed, written, read and cleaned"),
        Err(trouble) if trouble.fatal => findings.error(check, trouble.message, trouble.hint),
        Err(trouble) => {
            let hint = format!("fine for a bucket that is only read; else {}", trouble.hint);
            findings.warning(check, trouble.message, &hint);
        }
    }
}

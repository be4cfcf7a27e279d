//! What is on this machine: the data folder, the metadata and the embedded warehouse.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use tailer_store::tokens;

use super::findings::Findings;
use crate::{
    data_folder::DataFolder,
    settings::Settings,
    wiring::{SqlAnswer, SqlRequest, ask, check_worker, open_store, open_warehouse},
};

/// The folder, when it is there and can be used.
pub(super) fn data_folder(settings: &Settings, findings: &mut Findings) -> Option<DataFolder> {
    let check = format!("data folder {}", settings.data.display());
    let metadata = match std::fs::metadata(&settings.data) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.error(&check, "is not there", "`tailerd serve` makes it; or name another with --data");
            return None;
        }
        Err(error) => {
            findings.error(&check, error.to_string(), "let the user of the server enter the folders above it");
            return None;
        }
    };
    if let Err(error) = writable(&settings.data) {
        findings.error(&check, format!("cannot be written: {error}"), "give it to the user that runs the server");
        return None;
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        findings.ok(&check, "can be written, and is private");
    } else {
        let message = format!("other users of the machine can enter it (mode {mode:04o})");
        findings.warning(&check, message, "chmod 700: it holds keys and data");
    }
    match DataFolder::existing(&settings.data) {
        Ok(folder) => Some(folder),
        Err(failure) => {
            findings.error(&check, failure.message, "let the user of the server enter the folders above it");
            None
        }
    }
}

/// Makes a file and removes it.
fn writable(folder: &Path) -> std::io::Result<()> {
    tempfile::Builder::new().prefix(".tailerd-doctor-").tempfile_in(folder)?.close()
}

/// SQLite that is not there yet is left to the server; a database of PostgreSQL is set up as a server would.
pub(super) async fn store(settings: &Settings, folder: &DataFolder, findings: &mut Findings) {
    let shared = settings.store_url.is_some();
    let check = if shared { "metadata (store.url)" } else { "metadata (tailerd.db)" };
    if !shared && !folder.database().exists() {
        findings.warning(check, "is not there yet", "the first `tailerd serve` makes it");
        return;
    }
    let hint = if shared {
        "check the address, user, password and rights of store.url, and that this machine may connect"
    } else {
        "check who owns tailerd.db, and that the disk is neither full nor failing"
    };
    let read = match open_store(settings, folder) {
        Ok(store) => store.read(tokens::list).await.map(drop).map_err(|error| error.to_string()),
        Err(failure) => Err(failure.message),
    };
    match read {
        Ok(()) => findings.ok(check, "can be read"),
        Err(message) => findings.error(check, message, hint),
    }
    if let Err(failure) = check_worker(settings) {
        findings.error("role", failure.message, failure.hints.first().map_or("", String::as_str));
    }
}

/// Through the server that holds it, else directly.
pub(super) async fn warehouse(settings: &Settings, folder: &DataFolder, findings: &mut Findings) {
    let check = "embedded warehouse";
    if !folder.warehouse().is_dir() {
        findings.ok(check, "is empty so far");
        return;
    }
    let request = SqlRequest { project: "local".into(), dataset: None, sql: "SELECT 1 AS one".into(), limit: 1 };
    let (answer, where_from) = match folder.lock("tailerd doctor") {
        Ok(_lock) => match open_warehouse(folder.warehouse(), settings.warehouse.clone()) {
            Ok(warehouse) => (Ok(Some(request.run(warehouse.as_ref()).await)), "answers"),
            Err(failure) => (Err(failure), ""),
        },
        Err(_) => (ask(&folder.socket(), &request).await, "answers through the server that runs"),
    };
    match answer {
        Ok(Some(SqlAnswer::Rows(_))) => findings.ok(check, where_from),
        Ok(Some(SqlAnswer::Error(message))) => {
            findings.error(check, message, "look at the server's log, and whether the disk is full");
        }
        Ok(None) => findings.warning(
            check,
            "another process holds it, and does not answer: not tried",
            "try again when it has ended, or has started",
        ),
        Err(failure) => {
            findings.error(check, failure.message, "check who owns the folder warehouse/ and what is in it")
        }
    }
}

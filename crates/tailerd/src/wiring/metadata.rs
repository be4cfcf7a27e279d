//! The metadata store: SQLite in the data folder, or PostgreSQL when several servers share the work.

use tailer_store::Store;

use crate::{
    data_folder::DataFolder,
    failure::{Context as _, Failure},
    settings::{Role, Settings},
};

/// Opens the store that the settings name, and sets it up as needed.
///
/// # Errors
/// Names the database and why it cannot be used; never shows its password.
pub(crate) fn open_store(settings: &Settings, folder: &DataFolder) -> Result<Store, Failure> {
    match &settings.store_url {
        Some(url) => Store::connect(url.expose()).context("the metadata store of setting store.url"),
        None => {
            let database = folder.database();
            Store::open(&database).context(format!("cannot open {}", database.display()))
        }
    }
}

/// A shared store needs one server to own the embedded warehouse: its tables are files of that server, and a run started
/// elsewhere would find others.
///
/// # Errors
/// This server executes and is not that one.
pub(crate) fn check_worker(settings: &Settings) -> Result<(), Failure> {
    if settings.store_url.is_none() || settings.role == Role::Api {
        return Ok(());
    }
    let refused = |message: String| {
        Err(Failure::usage(message).hint(
            "set warehouse.worker, the same on all servers, and name on the one server that executes; run the others with --role api",
        ))
    };
    match (&settings.warehouse_worker, &settings.name) {
        (Some(worker), Some(name)) if worker == name => Ok(()),
        (None, _) => refused(
            "the metadata store is shared (store.url), but no server is named as the owner of the embedded warehouse"
                .into(),
        ),
        (Some(worker), name) => refused(format!(
            "the embedded warehouse belongs to server {worker:?}, and this one is {}",
            name.as_ref().map_or_else(|| "not named".into(), |name| format!("{name:?}"))
        )),
    }
}

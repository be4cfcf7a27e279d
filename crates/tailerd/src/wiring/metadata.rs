//! The metadata store: SQLite in the data folder, or PostgreSQL when several servers share the work.

use tailer_store::{Store, runs::Place};

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

/// Where this server is among those that share the store. One of them has the embedded warehouse and the local folders: their
/// files are that server's, and a run started elsewhere would find others.
pub(crate) fn place(settings: &Settings) -> Place {
    let named = settings.name.is_some() && settings.name == settings.warehouse_worker;
    if settings.store_url.is_none() || named { Place::Home } else { Place::Anywhere }
}

/// A shared store needs one server to own the embedded warehouse.
///
/// # Errors
/// This server executes, and no server is named as that one.
pub(crate) fn check_worker(settings: &Settings) -> Result<(), Failure> {
    if settings.store_url.is_none() || settings.role == Role::Api {
        return Ok(());
    }
    if settings.warehouse_worker.is_some() {
        return Ok(());
    }
    let refused =
        "the metadata store is shared (store.url), but no server is named as the owner of the embedded warehouse";
    Err(Failure::usage(refused).hint(
        "set warehouse.worker, the same on all servers, to the name of one of them; the others execute what needs no embedded \
         warehouse and no local folder",
    ))
}

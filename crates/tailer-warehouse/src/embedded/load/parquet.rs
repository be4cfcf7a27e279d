//! Parquet files, read by DuckDB.

use std::{fs, path::PathBuf};

use super::{Loaded, columnar, input};
use crate::{
    Load, WarehouseError,
    embedded::{errors::unsupported, instance::text, session::Session},
};

pub(crate) fn load(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let staged = Staged::new(session, load)?;
    let files: Vec<_> = staged.files.iter().map(|path| text(&path.to_string_lossy())).collect();
    let files = files.join(", ");
    // The old twelve-byte times are moments, as BigQuery has it; DuckDB does not say so in the column's type.
    let instants =
        session.rows(&format!("SELECT DISTINCT name FROM parquet_schema([{files}]) WHERE type = 'INT96'"), [], |row| {
            row.get::<_, String>(0)
        });
    let instants = instants.map_err(|error| staged.named(load, error))?;
    let from = format!("read_parquet([{files}], union_by_name = {})", load.files.len() > 1);
    let loaded = columnar::load(session, load, &|selected| format!("SELECT {selected} FROM {from} AS f"), &instants);
    loaded.map_err(|error| staged.named(load, error))
}

/// The files under names inside the warehouse's folder, the only place where DuckDB may read.
struct Staged {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Staged {
    fn new(session: &Session<'_>, load: &Load) -> Result<Self, WarehouseError> {
        let folder = session.instance.scratch().join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&folder).map_err(|error| input::unreadable("the scratch folder", &error))?;
        let mut staged = Self { folder, files: Vec::new() };
        for (number, path) in load.files.iter().enumerate() {
            let name = input::file_name(path);
            if input::is_gzip(path).map_err(|error| input::unreadable(&name, &error))? {
                return Err(unsupported(format!("{name}: a Parquet file inside gzip")));
            }
            let inside = staged.folder.join(format!("{number}.parquet"));
            if fs::hard_link(path, &inside).is_err() {
                fs::copy(path, &inside).map_err(|error| input::unreadable(&name, &error))?;
            }
            staged.files.push(inside);
        }
        Ok(staged)
    }

    /// The error with the files' own names in the place of those given here.
    fn named(&self, load: &Load, error: WarehouseError) -> WarehouseError {
        let names: Vec<_> = load.files.iter().map(|path| input::file_name(path)).collect();
        match error {
            WarehouseError::Invalid { mut message, line, column } => {
                for (inside, name) in self.files.iter().zip(&names) {
                    message = message.replace(&*inside.to_string_lossy(), name);
                }
                if !names.iter().any(|name| message.contains(name)) {
                    message = format!("{}: {message}", names.join(", "));
                }
                WarehouseError::Invalid { message, line, column }
            }
            other => other,
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

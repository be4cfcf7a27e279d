//! The one DuckDB instance of a process: its settings, its idle connections, and the project files attached to it.
//!
//! The instance lives in memory; each project is `<folder>/<project>.duckdb`, attached under the project's name, so
//! that a query may join projects. SQL cannot leave the folder: DuckDB itself refuses every other file (external
//! access is off, the folder is the one exception), which stands behind the translator's own list of functions.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use duckdb::Connection;
use parking_lot::{Condvar, Mutex};

use super::{EmbeddedSettings, errors::from_duckdb, job_table, session::Session};
use crate::{
    TableName, WarehouseError,
    googlesql::{self, quote},
    names,
};

/// Connections kept for the next job; more are closed.
const IDLE_CONNECTIONS: usize = 16;

/// Names that DuckDB keeps for itself.
const RESERVED_PROJECTS: [&str; 4] = ["memory", "system", "temp", "pg_catalog"];

#[derive(Debug)]
pub(crate) struct Instance {
    folder: PathBuf,
    root: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    attached: Mutex<BTreeSet<String>>,
    busy_tables: Mutex<HashSet<TableName>>,
    table_released: Condvar,
    /// Held as long as the folder is ours; the system lets go of it when the process dies.
    _folder_lock: File,
}

impl Instance {
    /// Starts DuckDB over `folder`, made when missing, and attaches every project found there.
    pub(crate) fn open(folder: &Path, settings: &EmbeddedSettings) -> Result<Self, WarehouseError> {
        fs::create_dir_all(folder).map_err(|error| cannot_open(folder, &error))?;
        let folder = folder.canonicalize().map_err(|error| cannot_open(folder, &error))?;
        let folder_lock = lock_folder(&folder)?;
        clean_scratch(&folder)?;
        let connection = Connection::open_in_memory().map_err(|error| from_duckdb(&error))?;
        configure(&connection, &folder, settings)?;
        super::load::feed::register(&connection)?;
        let instance = Self {
            folder,
            root: Mutex::new(connection),
            idle: Mutex::default(),
            attached: Mutex::default(),
            busy_tables: Mutex::default(),
            table_released: Condvar::new(),
            _folder_lock: folder_lock,
        };
        for project in projects_in(&instance.folder)? {
            instance.attach(&project)?;
        }
        Ok(instance)
    }

    /// Where exports are written and files to be read by DuckDB are put; emptied at every start.
    pub(crate) fn scratch(&self) -> PathBuf {
        scratch(&self.folder)
    }

    /// An idle connection or a new one.
    pub(crate) fn connection(&self) -> Result<Connection, WarehouseError> {
        if let Some(connection) = self.idle.lock().pop() {
            return Ok(connection);
        }
        self.root.lock().try_clone().map_err(|error| from_duckdb(&error))
    }

    /// Takes back a connection that is in no transaction.
    pub(crate) fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    pub(crate) fn has_project(&self, project: &str) -> bool {
        self.attached.lock().contains(project)
    }

    pub(crate) fn projects(&self) -> Vec<String> {
        self.attached.lock().iter().cloned().collect()
    }

    /// Makes a project's database when there is none.
    pub(crate) fn ensure_project(&self, project: &str) -> Result<(), WarehouseError> {
        if self.has_project(project) { Ok(()) } else { self.attach(project) }
    }

    fn attach(&self, project: &str) -> Result<(), WarehouseError> {
        names::check_project(project)?;
        if RESERVED_PROJECTS.contains(&project.to_ascii_lowercase().as_str()) {
            return Err(WarehouseError::Unsupported {
                what: format!("a project named `{project}`"),
                line: None,
                column: None,
            });
        }
        let mut attached = self.attached.lock();
        if attached.contains(project) {
            return Ok(());
        }
        if let Some(other) = attached.iter().find(|other| other.eq_ignore_ascii_case(project)) {
            return Err(WarehouseError::Unsupported {
                what: format!("projects that differ in letter case only: `{other}` and `{project}`"),
                line: None,
                column: None,
            });
        }
        let file = self.folder.join(format!("{project}.duckdb"));
        let root = self.root.lock();
        let sql = format!("ATTACH {} AS {}", text(&file.to_string_lossy()), quote(project));
        root.execute_batch(&sql)
            .and_then(|()| root.execute_batch(&job_table::schema(project)))
            .map_err(|error| self.attach_error(project, &error))?;
        attached.insert(project.to_owned());
        Ok(())
    }

    fn attach_error(&self, project: &str, error: &duckdb::Error) -> WarehouseError {
        WarehouseError::Internal(format!(
            "cannot open project `{project}` in the warehouse folder {}: {}",
            self.folder.display(),
            from_duckdb(error)
        ))
    }

    /// Waits until no other job writes the table: BigQuery, too, lets writers of one table go one after another.
    pub(crate) fn lock_table<'a>(
        &'a self,
        table: &TableName,
        session: &Session<'_>,
    ) -> Result<TableLock<'a>, WarehouseError> {
        let table = table.without_decorator();
        self.take_table(&table, session, None)?;
        Ok(TableLock { instance: self, table })
    }

    /// As [`Self::lock_table`], until [`Self::release_table`]. With `patience`, for who holds other tables meanwhile: two that wait
    /// for each other's tables must not wait for ever.
    pub(crate) fn take_table(
        &self,
        table: &TableName,
        session: &Session<'_>,
        patience: Option<Duration>,
    ) -> Result<(), WarehouseError> {
        let since = Instant::now();
        let mut busy = self.busy_tables.lock();
        while !busy.insert(table.clone()) {
            session.check()?;
            if patience.is_some_and(|patience| since.elapsed() > patience) {
                return Err(WarehouseError::Transient(format!("another job is writing table {table}")));
            }
            // Woken by every release; the time limit only bounds how long a cancel goes unnoticed.
            self.table_released.wait_for(&mut busy, Duration::from_millis(50));
        }
        Ok(())
    }

    pub(crate) fn release_table(&self, table: &TableName) {
        self.busy_tables.lock().remove(table);
        self.table_released.notify_all();
    }
}

/// Holds a table for one writer until dropped.
#[derive(Debug)]
pub(crate) struct TableLock<'a> {
    instance: &'a Instance,
    table: TableName,
}

impl Drop for TableLock<'_> {
    fn drop(&mut self) {
        self.instance.release_table(&self.table);
    }
}

/// A string literal of DuckDB SQL.
pub(crate) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn configure(connection: &Connection, folder: &Path, settings: &EmbeddedSettings) -> Result<(), WarehouseError> {
    let inside = text(&format!("{}/", folder.display()));
    let mut batch = vec![
        format!("SET allowed_directories = [{inside}]"),
        format!("SET temp_directory = {}", text(&scratch(folder).join("spill").to_string_lossy())),
        "SET autoinstall_known_extensions = false".to_owned(),
        "SET autoload_known_extensions = false".to_owned(),
        "SET allow_community_extensions = false".to_owned(),
    ];
    // The time zone belongs to the ICU extension, which a DuckDB compiled from its crate's sources lacks: there it is UTC anyway.
    if cfg!(not(feature = "bundled")) {
        batch.push("SET GLOBAL TimeZone = 'UTC'".to_owned());
    }
    if let Some(threads) = settings.threads {
        batch.push(format!("SET threads = {threads}"));
    }
    if let Some(limit) = &settings.memory_limit {
        batch.push(format!("SET memory_limit = {}", text(limit)));
    }
    let cannot_start = |what: &str, error: duckdb::Error| {
        WarehouseError::Internal(format!("cannot start the embedded warehouse ({what}): {error}"))
    };
    googlesql::install(connection).map_err(|error| cannot_start("functions", error))?;
    // Last: it cannot be undone, and freezes the list of allowed directories.
    batch.push("SET enable_external_access = false".to_owned());
    for statement in batch {
        connection.execute_batch(&statement).map_err(|error| cannot_start(&statement, error))?;
    }
    Ok(())
}

fn lock_folder(folder: &Path) -> Result<File, WarehouseError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(".lock"))
        .map_err(|error| cannot_open(folder, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WarehouseError::Internal(format!(
            "the warehouse folder {} is in use by another process: stop it, or give this one another folder",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot_open(folder, &error)),
    }
}

fn scratch(folder: &Path) -> PathBuf {
    folder.join(".scratch")
}

/// Leftovers of a process that died belong to nobody.
fn clean_scratch(folder: &Path) -> Result<(), WarehouseError> {
    let scratch = scratch(folder);
    match fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot_open(folder, &error)),
        _ => {}
    }
    fs::create_dir_all(&scratch).map_err(|error| cannot_open(folder, &error))
}

fn projects_in(folder: &Path) -> Result<Vec<String>, WarehouseError> {
    let mut projects = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| cannot_open(folder, &error))? {
        let name = entry.map_err(|error| cannot_open(folder, &error))?.file_name();
        let project = name.to_str().and_then(|name| name.strip_suffix(".duckdb"));
        projects.extend(project.filter(|project| names::check_project(project).is_ok()).map(str::to_owned));
    }
    projects.sort();
    Ok(projects)
}

fn cannot_open(folder: &Path, error: &std::io::Error) -> WarehouseError {
    WarehouseError::Internal(format!("cannot open the warehouse folder {}: {error}", folder.display()))
}

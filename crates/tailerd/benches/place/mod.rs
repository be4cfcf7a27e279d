//! Where a bench keeps the metadata, what one commit costs there, and how a server on it starts.

#![allow(dead_code, unreachable_pub, reason = "each bench uses a part")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    report::percentile,
    support::{ACCOUNT, Server, command, run},
};

/// One database for the metadata.
pub struct Place {
    pub name: &'static str,
    /// Configurations, settings and the server's data folder.
    pub folder: PathBuf,
    /// The median time of a bare insert with a commit of its own.
    pub commit: Duration,
    url: Option<String>,
}

const TABLE: &str = "text TEXT)";
const INSERT: &str = "INSERT INTO baseline (text) VALUES ('a row of a usual length, as a run has it')";

impl Place {
    /// SQLite, and PostgreSQL where there is a server to measure on.
    pub fn all(folder: &Path) -> Vec<Self> {
        std::iter::once(Self::sqlite(&folder.join("sqlite"))).chain(Self::postgres(&folder.join("postgres"))).collect()
    }

    fn sqlite(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let database = rusqlite::Connection::open(folder.join("baseline.db")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.pragma_update(None, "synchronous", "FULL").unwrap();
        database.execute(&format!("CREATE TABLE baseline (id INTEGER PRIMARY KEY, {TABLE}"), []).unwrap();
        let commit = median(|| {
            database.execute(INSERT, []).unwrap();
        });
        Self { name: "SQLite", folder: folder.to_owned(), commit, url: None }
    }

    fn postgres(folder: &Path) -> Option<Self> {
        let server = std::env::var("TAILERD_TEST_POSTGRES").ok()?;
        std::fs::create_dir_all(folder).unwrap();
        let schema = format!("b{}", uuid::Uuid::new_v4().simple());
        let url = format!("{server}?options=-csearch_path%3D{schema}");
        let measured = url.clone();
        // The client must not be used on a thread of a runtime.
        let measure = move || {
            let mut client = postgres::Client::connect(&measured, postgres::NoTls).unwrap();
            let create = format!("CREATE SCHEMA {schema}; CREATE TABLE baseline (id BIGSERIAL PRIMARY KEY, {TABLE}");
            client.batch_execute(&create).unwrap();
            let insert = client.prepare(INSERT).unwrap();
            median(|| {
                client.execute(&insert, &[]).unwrap();
            })
        };
        let commit = std::thread::spawn(measure).join().unwrap();
        Some(Self { name: "PostgreSQL", folder: folder.to_owned(), commit, url: Some(url) })
    }

    /// The store, opened as a server would.
    pub fn store(&self) -> tailer_store::Store {
        let data = self.folder.join("data");
        std::fs::create_dir_all(&data).unwrap();
        match &self.url {
            None => tailer_store::Store::open(&data.join("tailerd.db")).unwrap(),
            Some(url) => tailer_store::Store::connect(url).unwrap(),
        }
    }

    /// A server with a token for it.
    pub fn start(&self) -> Server {
        let data = self.folder.join("data");
        let Some(url) = &self.url else { return Server::start(&data) };
        let settings = self.folder.join("bench.toml");
        let text =
            format!("name = \"bench\"\nrole = \"all\"\n[store]\nurl = {url:?}\n[warehouse]\nworker = \"bench\"\n");
        std::fs::write(&settings, text).unwrap();
        let mut server = Server::start_with(&data, &["--config", settings.to_str().unwrap()]);
        let mut create = command();
        create.args(["token", "create", "--account", ACCOUNT, "--role", "admin"]);
        create.arg("--data").arg(&data).arg("--config").arg(&settings);
        server.token = run(&mut create, "").good().stdout.trim().to_owned();
        server
    }
}

fn median(mut commit: impl FnMut()) -> Duration {
    let time = |()| {
        let started = Instant::now();
        commit();
        started.elapsed()
    };
    let mut all: Vec<Duration> = std::iter::repeat_n((), 200).map(time).collect();
    all.sort();
    percentile(&all, 50)
}

//! Where the suite takes place: a data folder, a metadata store of either kind, and servers one after the other on both.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{ACCOUNT, Server, command, postgres_schema, run};

/// Every server has it, so that one token serves them all.
const AUDIENCE: &str = "http://crash.test";

#[derive(Debug)]
pub(crate) struct House {
    folder: tempfile::TempDir,
    /// `None`: SQLite in the data folder.
    url: Option<String>,
    token: String,
}

impl House {
    pub(crate) fn sqlite() -> Self {
        Self::new(None)
    }

    /// `None` where there is no PostgreSQL.
    pub(crate) fn postgresql() -> Option<Self> {
        postgres_schema().map(|url| Self::new(Some(url)))
    }

    fn new(url: Option<String>) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut settings =
            format!("audience = {AUDIENCE:?}\nname = \"w\"\nfile_rest = \"50ms\"\npoll_every = \"1s\"\n");
        if let Some(url) = &url {
            settings.push_str(&format!("[store]\nurl = {url:?}\n[warehouse]\nworker = \"w\"\n"));
        }
        std::fs::write(folder.path().join("tailerd.toml"), settings).unwrap();
        let mut house = Self { folder, url, token: String::new() };
        let mut create = command();
        create.args(["token", "create", "--account", ACCOUNT, "--role", "admin"]);
        house.token = run(house.at_home(&mut create), "").good().stdout.trim().to_owned();
        house
    }

    pub(crate) fn name(&self) -> &'static str {
        if self.url.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("--data").arg(self.data()).arg("--config").arg(self.path("tailerd.toml"))
    }

    /// The command of a server that nobody waits for.
    pub(crate) fn serve(&self) -> Command {
        let mut serve = command();
        self.at_home(serve.args(["serve", "--listen", "127.0.0.1:0"]));
        serve.stdout(Stdio::null()).stderr(Stdio::null());
        serve
    }

    /// A server that answers.
    pub(crate) fn start(&self) -> Server {
        let settings = self.path("tailerd.toml");
        Server::start_for(&self.data(), self.token.clone(), |command| {
            // The suite's own settings hold.
            command.env_remove("TAILERD_FILE_REST").arg("--config").arg(settings);
        })
    }

    /// A number that the metadata store knows.
    pub(crate) fn ask(&self, sql: &str) -> usize {
        let number: i64 = match &self.url {
            None => sqlite(&self.data()).query_row(sql, [], |row| row.get(0)).unwrap(),
            Some(url) => postgres::Client::connect(url, postgres::NoTls).unwrap().query_one(sql, &[]).unwrap().get(0),
        };
        usize::try_from(number).unwrap()
    }

    /// Texts that the metadata store knows.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        match &self.url {
            None => {
                let database = sqlite(&self.data());
                let mut statement = database.prepare(sql).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
            }
            Some(url) => {
                let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
                client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

fn sqlite(data: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(data.join("tailerd.db")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    database
}

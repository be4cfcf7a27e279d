//! What the stories share: running the real binary, a server of its own for each test, waiting with a deadline.

#![allow(dead_code, unreachable_pub, clippy::print_stderr, reason = "each story uses a part")]

pub mod bigquery;
pub mod discovery;
pub mod fake_bigquery;
pub mod iowa;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Long enough for a busy machine; reached only by a defect.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const ACCOUNT: &str = "000099";

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Exit code, standard output and standard error as a snapshot.
    pub fn snapshot(&self) -> String {
        let code = self.code.map_or("killed".into(), |code| code.to_string());
        format!("exit: {code}\n----- stdout\n{}----- stderr\n{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.snapshot());
        self
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let good = self.good();
        serde_json::from_str(&good.stdout).unwrap_or_else(|e| panic!("{e}: {}", good.stdout))
    }
}

/// The binary under test, without the settings of whoever runs the tests.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailerd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TAILERD_") {
            command.env_remove(name);
        }
    }
    command
}

pub fn tailerd<S: AsRef<str>>(args: &[S]) -> Ended {
    let mut command = command();
    command.args(args.iter().map(AsRef::as_ref));
    run(&mut command, "")
}

/// Runs a command with a text as its input.
pub fn run(command: &mut Command, input: &str) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        use std::io::Write as _;
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asks until the answer is there.
#[track_caller]
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `tailerd serve` on a free port, killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub url: String,
    pub data: PathBuf,
    pub token: String,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &Path, more: &[&str]) -> Self {
        Self::start_as(data, |command| {
            command.args(more);
        })
    }

    /// Starts after a change of the command.
    pub fn start_as(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let token = token(data, "admin");
        Self::start_for(data, token, change)
    }

    /// Starts for callers with a token made before.
    pub fn start_for(data: &Path, token: String, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.env("TAILERD_FILE_REST", "200ms").env("TAILERD_GRACE_TIME", "10s").env("TAILERD_LOG_FILTER", "warn");
        change(&mut command);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let stdout = child.stdout.take().expect("piped");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = String::new();
            let _ = lines.read_line(&mut line);
            let _ = sender.send(line);
            // Drained, so that the server never waits for a reader.
            let _ = lines.read_to_end(&mut Vec::new());
        });
        let line = receiver.recv_timeout(PATIENCE).expect("the server says where it listens");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("not an address: {line:?}"));
        Self { url: url.to_owned(), child, data: data.to_owned(), token }
    }

    /// A command that talks to this server.
    pub fn command(&self) -> Command {
        let mut command = command();
        command.env("TAILERD_SERVER", &self.url).env("TAILERD_TOKEN", &self.token).env("TAILERD_ENVIRONMENT", "DEV");
        command
    }

    pub fn tailerd(&self, args: &[&str]) -> Ended {
        run(self.command().args(args), "")
    }

    /// GoogleSQL through the running server; CSV lines without the header.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let data = self.data.to_str().expect("UTF-8");
        let ended =
            tailerd(&["sql", "--data", data, "--project", "p", "--dataset", "d", "--format", "csv", sql]).good();
        ended.stdout.lines().skip(1).map(str::to_owned).collect()
    }

    /// Deploys every configuration of a folder.
    #[track_caller]
    pub fn deploy(&self, folder: &Path) -> Ended {
        self.tailerd(&["deploy", folder.to_str().expect("UTF-8")]).good()
    }

    /// Runs of a configuration, newest first.
    #[track_caller]
    pub fn runs(&self, kind: &str, id: &str) -> Vec<Value> {
        let Value::Array(runs) = self.tailerd(&["runs", kind, id, "--limit", "1000", "--json"]).json() else {
            panic!("runs --json is a list")
        };
        runs
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        until("the server to end", || self.child.try_wait().expect("it can be waited for")).code()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A token made by the binary.
pub fn token(data: &Path, role: &str) -> String {
    let data = data.to_str().expect("UTF-8");
    let ended = tailerd(&["token", "create", "--account", ACCOUNT, "--role", role, "--data", data]).good();
    ended.stdout.trim().to_owned()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name} in {value}"))
}

/// Writes a table-to-table configuration of SQL tasks `(id, sql, more fields)` that run one after the other.
pub fn table_to_table(folder: &Path, id: &str, tasks: &[(&str, &str, Value)], more: Value) {
    let workflow: Vec<Value> = tasks
        .iter()
        .map(|(task, sql, fields)| {
            let sql_file = format!("{id}_{task}.sql");
            std::fs::write(folder.join(&sql_file), sql).expect("written");
            let mut value = json!({ "id": task, "sql_file": sql_file });
            merge(&mut value, fields);
            value
        })
        .collect();
    let mut configuration = json!({
        "configuration_type": "table-to-table",
        "configuration_id": id,
        "environment": "DEV",
        "account": ACCOUNT,
        "short_description": id,
        "schedule_interval": "None",
        "default_gcp_project_id": "p",
        "default_bq_dataset": "d",
        "workflow": workflow,
    });
    merge(&mut configuration, &more);
    write_json(&folder.join(format!("{id}.json")), &configuration);
}

pub fn write_json(path: &Path, value: &Value) {
    std::fs::write(path, serde_json::to_string_pretty(value).expect("JSON")).expect("written");
}

fn merge(value: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (value.as_object_mut(), more.as_object()) else { return };
    fields.extend(more.clone());
}

/// Copies the files of a folder.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder is made");
    for entry in std::fs::read_dir(from).expect("a folder is read") {
        let entry = entry.expect("a folder is read");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a file is copied");
    }
}

/// A fresh schema of the PostgreSQL server that `TAILERD_TEST_POSTGRES` names (`.ci/counterparts`), as an address that works in it.
pub fn postgres_schema() -> Option<String> {
    let server = std::env::var("TAILERD_TEST_POSTGRES").ok();
    if skip(server.is_none(), "TAILERD_TEST_POSTGRES is not set: run .ci/counterparts") {
        return None;
    }
    let server = server?;
    let schema = format!("t{}", uuid::Uuid::new_v4().simple());
    let mut client = postgres::Client::connect(&server, postgres::NoTls).expect("PostgreSQL answers");
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).expect("a schema is made");
    Some(format!("{server}?options=-csearch_path%3D{schema}"))
}

/// True when a story cannot run here; with TAILERD_TEST_ALL set that is a failure.
pub fn skip(condition: bool, why: &str) -> bool {
    if condition {
        assert!(std::env::var_os("TAILERD_TEST_ALL").is_none(), "with TAILERD_TEST_ALL nothing is skipped: {why}");
        eprintln!("skipped: {why}");
    }
    condition
}

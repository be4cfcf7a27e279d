//! Who asks BigQuery, with the real program: the server, the service account that a configuration brings along, the machine's own
//! account; and what becomes of a token that is let in no more. The BigQuery here runs nothing and remembers who asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock, atomic::Ordering::SeqCst},
};

use serde_json::{Value, json};
use support::{ACCOUNT, Server, fake_bigquery::FakeBigQuery, table_to_table, text, until, write_json};

/// The key of a service account, as Google gives it out. One pair of keys will do for all.
fn key(email: &str) -> String {
    static PEM: OnceLock<String> = OnceLock::new();
    let pem = PEM.get_or_init(|| {
        let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        rsa::pkcs8::EncodePrivateKey::to_pkcs8_pem(&key, rsa::pkcs8::LineEnding::LF).unwrap().to_string()
    });
    json!({ "type": "service_account", "private_key_id": "k1", "private_key": pem, "client_email": email, "client_id": "1" })
        .to_string()
}

struct House {
    fake: Arc<FakeBigQuery>,
    address: String,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let (fake, address) = FakeBigQuery::start().await;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for name in ["files", "data/secrets", "home"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self { fake, address, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server for which all projects are at the fake.
    fn serve(&self, credentials: &str, change: impl FnOnce(&mut Command)) -> Server {
        let settings = self.path("tailerd.toml");
        let lines = format!(
            "[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{}\"\ncredentials = {credentials}\nprice_per_tib = 6.25\n",
            self.address
        );
        fs::write(&settings, lines).unwrap();
        Server::start_as(&self.path("data"), |command| {
            command.args(["--config", settings.to_str().unwrap()]);
            // Nothing of whoever runs the tests, and nobody outside of this machine.
            command.env_remove("GOOGLE_APPLICATION_CREDENTIALS").env("HOME", self.path("home"));
            command.env("GCE_METADATA_HOST", self.address.trim_start_matches("http://"));
            change(command);
        })
    }

    fn files(&self) -> PathBuf {
        self.path("files")
    }

    fn secret(&self, name: &str, content: &str) {
        fs::write(self.path("data/secrets").join(name), content).unwrap();
    }
}

fn ended(server: &Server, kind: &str, id: &str) -> Value {
    let is_over = |run: &Value| !["RUNNING", "QUEUED"].contains(&text(run, "status"));
    until("the run to end", || server.runs(kind, id).into_iter().find(is_over))
}

/// Launches a table-to-table operation; its run, once it has ended.
fn launched(server: &Server, id: &str) -> Value {
    let run = server.tailerd(&["launch", "table-to-table", id, "--json"]).json();
    let run = text(&run, "run_id").to_owned();
    until("the run to end", || {
        let runs = server.runs("table-to-table", id);
        runs.into_iter().find(|one| text(one, "run_id") == run && !["RUNNING", "QUEUED"].contains(&text(one, "status")))
    })
}

fn good(server: &Server, run: &Value) {
    let log = server.tailerd(&["logs", text(run, "run_id")]).stdout;
    assert_eq!(text(run, "status"), "SUCCESS", "{run}\n{log}");
}

/// Loads and exports with these credentials.
fn load_and_export(folder: &Path, credentials: &Value) {
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "load", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "source": { "type": "gcs", "gcs_source_bucket": "lake", "gcs_source_prefix": "in" },
        "destinations": [{ "type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "gcp_credentials_secret": credentials,
            "tables": [{ "table_name": "t", "filename_template": "t_{{FD_DATE}}.csv", "ddl_mode": "header" }] }],
    });
    write_json(&folder.join("load.json"), &load);
    fs::write(folder.join("all.sql"), "SELECT 1 AS n").unwrap();
    let export = json!({
        "configuration_type": "table-to-storage", "configuration_id": "export", "environment": "DEV", "account": ACCOUNT,
        "version": "3", "schedule_interval": "None", "gcp_project_id": "p", "gcs_dest_bucket": "lake",
        "gcs_dest_prefix": "out", "gcp_credentials_secret": credentials,
        "tasks": [{ "id": "all", "sql_file": "all.sql", "output_filename": "all.csv" }],
    });
    write_json(&folder.join("export.json"), &export);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_credentials_of_a_configuration_win_over_those_of_the_project() {
    let house = House::new().await;
    fs::write(house.path("server.json"), key("server@example.com")).unwrap();
    house.secret("guest.json", &key("guest@example.com"));
    house.secret("other.json", &key("other@example.com"));
    let guest = json!({ "file": "guest.json" });
    let tasks = [
        ("fill", "SELECT 1 AS n", json!({"table_name": "t"})),
        (
            "copy",
            "",
            json!({"task_type": "copy_gbq_table", "source_gcp_project_id": "p", "source_bq_dataset": "d",
            "source_bq_table": "t", "destination_bq_table": "u"}),
        ),
        ("drop", "", json!({"task_type": "delete_gbq_table", "bq_table": "u"})),
        ("brief", "SELECT 2 AS n", json!({"table_name": "v", "temporary_table": true})),
    ];
    table_to_table(&house.files(), "own", &tasks, json!({}));
    table_to_table(&house.files(), "guest", &tasks, json!({ "gcp_credentials_secret": guest }));
    load_and_export(&house.files(), &guest);
    let credentials = format!("{{ file = {:?} }}", house.path("server.json").display().to_string());
    let server = house.serve(&credentials, |_| {});
    server.deploy(&house.files());

    good(&server, &launched(&server, "own"));
    assert_eq!(house.fake.askers(), ["server@example.com"]);
    house.fake.forget();
    // Also what makes and drops tables, and the end of a temporary one.
    good(&server, &launched(&server, "guest"));
    assert_eq!(house.fake.askers(), ["guest@example.com"], "{:#?}", house.fake.asked());
    assert!(house.fake.asked().iter().any(|line| line.contains("DELETE") && line.ends_with("/tables/v")));
    house.fake.forget();
    let lake = house.path("data/buckets/lake/in");
    fs::create_dir_all(&lake).unwrap();
    fs::write(lake.join("t_20240131.csv"), "a|b\n1|x\n").unwrap();
    good(&server, &ended(&server, "storage-to-tables", "load"));
    assert_eq!(house.fake.askers(), ["guest@example.com"], "{:#?}", house.fake.asked());
    assert!(house.fake.asked().iter().any(|line| line.contains("PUT /upload/")), "{:#?}", house.fake.asked());
    house.fake.forget();
    server.tailerd(&["launch", "table-to-storage", "export"]).good();
    good(&server, &ended(&server, "table-to-storage", "export"));
    assert_eq!(house.fake.askers(), ["guest@example.com"]);
    house.fake.forget();
    // A dry run asks as the run would.
    server.tailerd(&["launch", "table-to-table", "guest", "--dry-run"]).good();
    assert_eq!(house.fake.askers(), ["guest@example.com"]);
    house.fake.forget();
    // Another content of the file is another account, without a restart.
    house.secret("guest.json", &key("successor@example.com"));
    good(&server, &launched(&server, "guest"));
    assert_eq!(house.fake.askers(), ["successor@example.com"]);
    // What cannot be opened fails the task, with the parameter's name and nothing secret.
    fs::remove_file(house.path("data/secrets/guest.json")).unwrap();
    let run = launched(&server, "guest");
    assert_eq!(text(&run, "status"), "FAILED");
    assert!(text(&run, "error").contains("gcp_credentials_secret"), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_tells_what_it_has_cost() {
    let house = House::new().await;
    let tasks =
        [("a", "SELECT 1 AS n", json!({"table_name": "t"})), ("b", "SELECT 2 AS n", json!({"table_name": "t"}))];
    table_to_table(&house.files(), "one", &tasks, json!({}));
    let server = house.serve("\"none\"", |_| {});
    server.deploy(&house.files());
    let run = launched(&server, "one");
    good(&server, &run);
    let details = server.tailerd(&["status", text(&run, "run_id"), "--json"]).json();
    // Two tasks of half a tebibyte each, at 6.25.
    assert_eq!(details["cost"], 6.25, "{details:#}");
    let told = &details["tasks"][0]["statistics"];
    for (name, expect) in [
        ("bytes_processed", json!(1000)),
        ("bytes_billed", json!(1_u64 << 39)),
        ("slot_milliseconds", json!(70)),
        ("cache_hit", json!(false)),
        ("referenced_tables", json!(["p.d.source"])),
        ("cost", json!(3.125)),
    ] {
        assert_eq!(told[name], expect, "{name}: {told:#}");
    }
    assert!(told["warehouse_job_id"].as_str().unwrap().ends_with("_a_1"), "{told:#}");
    let shown = server.tailerd(&["status", text(&run, "run_id")]).good().stdout;
    assert!(shown.lines().any(|line| line.starts_with("cost") && line.ends_with("6.2500")), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_machines_account_has_one_token_for_all_and_another_when_it_is_refused() {
    let house = House::new().await;
    let tasks: Vec<(String, Value)> =
        (0..8).map(|n| (format!("t{n}"), json!({"table_name": format!("t{n}")}))).collect();
    let tasks: Vec<_> = tasks.iter().map(|(id, more)| (id.as_str(), "SELECT 1 AS n", more.clone())).collect();
    // All at once.
    let side_by_side: Vec<&str> = tasks.iter().map(|(id, ..)| *id).collect();
    let together = json!({ "task_dependencies": [side_by_side.join(", ")], "task_concurrency": 8 });
    table_to_table(&house.files(), "one", &tasks, together);
    let server = house.serve("\"default\"", |_| {});
    server.deploy(&house.files());
    good(&server, &launched(&server, "one"));
    assert_eq!((house.fake.askers(), house.fake.tokens.load(SeqCst)), (vec!["machine-1".to_owned()], 1));
    // Refused before its time, for many at once: asked for again once, and nothing fails.
    house.fake.forget();
    house.fake.refused.lock().push("machine-1".to_owned());
    good(&server, &launched(&server, "one"));
    assert_eq!(house.fake.tokens.load(SeqCst), 2);
    assert_eq!(house.fake.askers(), ["machine-1", "machine-2"]);
    // What is refused for good is asked twice and then told, with the difference of the clocks.
    house.fake.forget();
    house.fake.refused.lock().push("*".to_owned());
    *house.fake.date.lock() = Some("Mon, 01 Jan 2024 00:00:00 GMT".to_owned());
    let run = launched(&server, "one");
    assert_eq!(text(&run, "status"), "FAILED");
    let error = text(&run, "error");
    assert!(
        error.contains("does not let these credentials in") && error.contains("seconds ahead of BigQuery's"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_is_renewed_before_its_end() {
    let house = House::new().await;
    // Shorter than what is kept in reserve: a request has a new one, unless one came only a moment ago.
    house.fake.seconds.store(100, SeqCst);
    table_to_table(&house.files(), "one", &[("a", "SELECT 1 AS n", json!({"table_name": "t"}))], json!({}));
    let server = house.serve("\"default\"", |_| {});
    server.deploy(&house.files());
    good(&server, &launched(&server, "one"));
    let first = house.fake.tokens.load(SeqCst);
    until("another token", || {
        good(&server, &launched(&server, "one"));
        (house.fake.tokens.load(SeqCst) > first).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn application_default_credentials_are_looked_for_where_google_says() {
    let house = House::new().await;
    table_to_table(&house.files(), "one", &[("a", "SELECT 1 AS n", json!({"table_name": "t"}))], json!({}));
    let asks = |change: &dyn Fn(&mut Command)| {
        house.fake.forget();
        let server = house.serve("\"default\"", |command| change(command));
        server.deploy(&house.files());
        good(&server, &launched(&server, "one"));
        house.fake.askers()
    };
    // Without anything else, the machine's account.
    assert_eq!(asks(&|_| {}), ["machine-1"]);
    // The file that gcloud leaves.
    let known = house.path("home/.config/gcloud");
    fs::create_dir_all(&known).unwrap();
    let known = known.join("application_default_credentials.json");
    fs::write(&known, key("known@example.com")).unwrap();
    assert_eq!(asks(&|_| {}), ["known@example.com"]);
    // The variable wins over it.
    fs::write(house.path("named.json"), key("named@example.com")).unwrap();
    let named = house.path("named.json");
    let by_name = |command: &mut Command| {
        command.env("GOOGLE_APPLICATION_CREDENTIALS", &named);
    };
    assert_eq!(asks(&by_name), ["named@example.com"]);
    // A person who has signed in with gcloud: Google is asked for a token, through the proxy that the machine names.
    let person = json!({ "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r" });
    fs::write(&known, person.to_string()).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let server = house.serve("\"default\"", |command| {
        command.env("HTTPS_PROXY", address).env_remove("NO_PROXY").env_remove("no_proxy");
    });
    server.tailerd(&["launch", "table-to-table", "one"]).good();
    let (mut stream, _) = proxy.accept().unwrap();
    let mut asked = [0; 512];
    let length = stream.read(&mut asked).unwrap();
    let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
    assert!(asked.starts_with("CONNECT accounts.google.com:443 "), "{asked}");
}

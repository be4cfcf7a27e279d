//! The Studio in a real browser: the real server, Chromium driven by Playwright, one story each.
//!
//! A story is a Python script beside this file; what they share is in `studio.py`. Here is what they stand on: a server with users and
//! configurations of its own. Chromium and axe-core (`TAILERD_TEST_AXE`) are never fetched from here: `.ci/counterparts` and `.ci/python`
//! have them. Pictures of the pages are left in the folder `screenshots` of the checkout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::json;
use support::{ACCOUNT, Server, copy_folder, run, skip, table_to_table, text, until, write_json};
use tailer_model::{ConfigurationType, Environment, RunId};
use tailer_store::{Durability, Store, StoreError, Tx, configurations, freshness};
use tempfile::TempDir;

const CHROMIUM: &str = "/usr/bin/chromium";
/// Where people reach the Studio that has an issuer.
const PUBLIC: &str = "http://localhost";
/// An operation whose name is as long as they come.
const LONG: &str = "customer-lifetime-value-by-acquisition-channel-and-month";
const LONG_DEV: &str = "customer-lifetime-value-by-acquisition-channel-and-month_DEV";
const PASSWORD: &str = "correct horse battery staple";

/// One browser at a time: each takes a core and some hundred megabytes.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn deploys_launches_and_watches() {
    House::open().tells("deploy_and_launch");
}

#[test]
fn a_failing_task_shows_its_line() {
    House::open().tells("failing_task");
}

#[test]
fn a_run_is_followed() {
    House::open().tells("run_follows");
}

#[test]
fn a_workflow_is_reset() {
    House::open().tells("workflow");
}

#[test]
fn operations_are_disabled_and_enabled() {
    House::open().tells("switches");
}

#[test]
fn a_viewer_changes_nothing() {
    House::open().tells("viewer");
}

/// The browser finds the server under a name of its own, as behind a proxy, so that the issuer knows where to lead back to before
/// the server has a port.
#[tokio::test]
async fn people_come_through_the_issuer() {
    let Ok(issuer) = std::env::var("TAILERD_TEST_OIDC") else {
        skip(true, "TAILERD_TEST_OIDC is not set: run .ci/counterparts");
        return;
    };
    _ = rustls::crypto::ring::default_provider().install_default();
    let registration = json!({
        "redirect_uris": [format!("{PUBLIC}/sign-in/oidc/return")], "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(format!("{issuer}/reg")).json(&registration).send().await.unwrap();
    let client: serde_json::Value = answer.error_for_status().unwrap().json().await.unwrap();
    let grants = json!([{ "claim": "groups", "value": "ops", "account": ACCOUNT, "role": "operator" }]);
    let house = House::open_as(|command| {
        command.env("TAILERD_OIDC_ISSUER", &issuer).env("TAILERD_OIDC_CLIENT_ID", text(&client, "client_id"));
        command.env("TAILERD_OIDC_NAME", "the company's sign-on").env("TAILERD_OIDC_GRANTS", grants.to_string());
        command.env("TAILERD_PUBLIC_URL", PUBLIC);
    });
    let behind = house.server.url.strip_prefix("http://").unwrap();
    let resolve = format!("MAP {}:80 {behind}", PUBLIC.strip_prefix("http://").unwrap());
    house.tells_with(
        "issuer",
        &[("STUDIO_URL", PUBLIC), ("STUDIO_RESOLVE", resolve.as_str()), ("STUDIO_ELSEWHERE", issuer.as_str())],
    );
}

#[test]
fn notes_are_written_and_answered() {
    House::open().tells("notes");
}

#[test]
fn every_page_is_fit_to_be_seen() {
    let house = House::open();
    if house.lacks() {
        return;
    }
    house.retail();
    house.checked_for_days();
    house.ran_in_prod();
    house.ran_all_day();
    house.tells("sweep");
}

/// A server with a user of each role whose name is the role's, and a folder of configurations to deploy.
struct House {
    server: Server,
    configurations: PathBuf,
    folder: TempDir,
}

impl House {
    fn open() -> Self {
        Self::open_as(|_| ())
    }

    /// Opens after a change of the command that serves.
    fn open_as(change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (data, configurations) = (folder.path().join("data"), folder.path().join("configurations"));
        fs::create_dir(&configurations).unwrap();
        configure(&configurations);
        for role in ["viewer", "operator", "deployer", "admin"] {
            let mut add = support::command();
            add.args(["user", "add", role, "--account", ACCOUNT, "--role", role, "--data"]).arg(&data);
            run(&mut add, PASSWORD).good();
        }
        Self { server: Server::start_as(&data, change), configurations, folder }
    }

    /// True where there is no browser; with `TAILERD_TEST_ALL` set that is a failure.
    fn lacks(&self) -> bool {
        let python = Command::new("python3").args(["-c", "import playwright"]).output();
        skip(!Path::new(CHROMIUM).exists(), "there is no /usr/bin/chromium: install the package chromium")
            || skip(
                !python.is_ok_and(|done| done.status.success()),
                "python3 has no playwright: PATH=\"$(.ci/python):$PATH\"",
            )
            || skip(std::env::var_os("TAILERD_TEST_AXE").is_none(), "TAILERD_TEST_AXE is not set: run .ci/counterparts")
    }

    /// Runs the script of a story.
    fn tells(&self, story: &str) {
        self.tells_with(story, &[]);
    }

    /// Runs the script of a story that is told more, or something else, of where things are.
    fn tells_with(&self, story: &str, more: &[(&str, &str)]) {
        if self.lacks() {
            return;
        }
        let _turn = TURN.lock();
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let mut python = Command::new("python3");
        python
            .arg("-B")
            .arg(scripts.join(format!("{story}.py")))
            .env("STUDIO_URL", &self.server.url)
            .env("STUDIO_ACCOUNT", ACCOUNT)
            .env("STUDIO_PASSWORD", PASSWORD)
            .env("STUDIO_CHROMIUM", CHROMIUM)
            .env("STUDIO_TAILERD", env!("CARGO_BIN_EXE_tailerd"))
            .env("STUDIO_CONFIGURATIONS", &self.configurations)
            .env("STUDIO_SCREENSHOTS", Path::new(env!("CARGO_MANIFEST_DIR")).join("../../screenshots"))
            .env("TAILERD_SERVER", &self.server.url)
            .env("TAILERD_TOKEN", &self.server.token)
            .env("TAILERD_ENVIRONMENT", "DEV")
            .env("TMPDIR", self.folder.path())
            .envs(more.iter().copied());
        let told = run(&mut python, "");
        eprintln!("{}", told.stdout);
        assert_eq!(told.code, Some(0), "the story {story}:\n{}", told.stderr);
    }

    /// The retail example, its files loaded and its reports written; a run that failed; an operation that is disabled.
    fn retail(&self) {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/retail");
        let source = self.server.data.join("buckets/retail-in/drop");
        fs::create_dir_all(&source).unwrap();
        self.server.deploy(&example);
        self.server.deploy(&self.configurations);
        copy_folder(&example.join("data"), &source);
        self.server.tailerd(&["disable", "table-to-table", "JB_DEV"]).good();
        assert_eq!(self.server.tailerd(&["launch", "table-to-table", "broken_DEV", "--wait"]).code, Some(1));
        self.server.tailerd(&["launch", "table-to-table", "JA_DEV", "--wait"]).good();
        until("the reports to be written", || {
            let runs = self.server.runs("table-to-storage", "retail-export_DEV");
            runs.iter().any(|run| text(run, "status") == "SUCCESS").then_some(())
        });
    }
}

impl House {
    /// The store of the server, which runs beside it.
    fn store(&self, write: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static) {
        let store = Store::open(&self.server.data.join("tailerd.db")).unwrap();
        store.write_blocking(Durability::Synced, write).unwrap();
    }

    /// An operation whose expectations have been checked on each of the last days, with more or less success.
    fn checked_for_days(&self) {
        let sizes = [1000, 1010, 1005, 1100, 1400, 1020, 1015, 900];
        for (day, size) in sizes.iter().enumerate() {
            let [size, doubled] = [*size, day * day / 3].map(|n| n.to_string());
            let parameters =
                ["--param".to_owned(), format!("size={size}"), "--param".to_owned(), format!("doubled={doubled}")];
            let mut launch = vec!["launch", "table-to-table", "checked_DEV", "--wait"];
            launch.extend(parameters.iter().map(String::as_str));
            self.server.tailerd(&launch).good();
        }
        // All of it happened within a minute: each run is moved a day further back than the one after it.
        self.store(|tx| {
            let runs: Vec<i64> =
                tx.query("SELECT DISTINCT run FROM expectations ORDER BY run DESC", &[], |row| row.take())?;
            for (run, days) in runs.into_iter().zip(0_i64..) {
                let by = days * 86_400_000_000;
                tx.execute("UPDATE expectations SET checked = checked - ?2 WHERE run = ?1", &[run.into(), by.into()])?;
                moved_back(tx, run, by)?;
            }
            Ok(())
        });
    }

    /// An operation with long names that has run every hour and a half, mostly with success.
    fn ran_all_day(&self) {
        for (size, column) in [340, 420, 380, 0, 910, 1530, 1620, 0, 1490, 1100, 730, 560].into_iter().zip(0..) {
            let column = if size == 0 { format!("no_such_column_{column}") } else { "customer".to_owned() };
            let (size, column) = (format!("size={size}"), format!("column={column}"));
            let launch = ["launch", "table-to-table", LONG_DEV, "--wait", "--param", &size, "--param", &column];
            _ = self.server.tailerd(&launch);
        }
        self.store(|tx| {
            let asked = "SELECT sequence FROM runs WHERE configuration_id = ?1 ORDER BY sequence DESC";
            let runs: Vec<i64> = tx.query(asked, &[LONG_DEV.into()], |row| row.take())?;
            for (run, n) in runs.into_iter().zip(0_i64..) {
                moved_back(tx, run, n * 5_400_000_000)?;
            }
            tx.execute("DELETE FROM run_hours", &[])?;
            let counted = "INSERT INTO run_hours (account, hour, status, sub_status, runs, rows_moved, bytes_moved) \
                SELECT account, started / 3600000000 * 3600000000 AS hour, status, sub_status, COUNT(*), \
                COALESCE(SUM(rows_moved), 0), COALESCE(SUM(bytes_moved), 0) FROM runs WHERE phase = 'ended' \
                GROUP BY account, hour, status, sub_status";
            tx.execute(counted, &[]).map(|_| ())
        });
    }

    /// Operations in PROD with regular runs until today, yesterday, and longer ago.
    fn ran_in_prod(&self) {
        self.store(|tx| {
            let now = Timestamp::now();
            for (id, every, ago, count) in [
                ("fresh", 24, 0, 20),
                ("awaited", 24, 23, 20),
                ("late", 24, 30, 20),
                ("stale", 168, 16 * 24, 8),
                ("stock-levels-by-warehouse-and-product-family", 24, 27, 20),
                ("monthly", 24 * 30, 24 * 12, 5),
            ] {
                let (account, kind) = (ACCOUNT.parse().unwrap(), ConfigurationType::TableToTable);
                let row = configurations::resolve(tx, &account, Environment::Prod, kind, id)?.unwrap();
                for n in (0..count).rev() {
                    let at = now - SignedDuration::from_hours(ago + every * n);
                    freshness::note(tx, row.key, &RunId::new(at, uuid::Uuid::new_v4()), at)?;
                }
            }
            Ok(())
        });
    }
}

/// Lets a run and all that belongs to it have happened some microseconds earlier.
fn moved_back(tx: &mut Tx<'_>, run: i64, by: i64) -> Result<(), StoreError> {
    for sql in [
        "UPDATE runs SET created = created - ?2, started = started - ?2, ended = ended - ?2, updated = updated - ?2 \
         WHERE sequence = ?1",
        "UPDATE tasks SET started = started - ?2, ended = ended - ?2 WHERE run = ?1",
        "UPDATE log_lines SET logged = logged - ?2 WHERE run = ?1",
    ] {
        tx.execute(sql, &[run.into(), by.into()])?;
    }
    Ok(())
}

/// What the stories deploy.
fn configure(folder: &Path) {
    let endless = "SELECT COUNT(*) AS n\nFROM UNNEST(GENERATE_ARRAY(1, {{n}})) AS a,\n  UNNEST(GENERATE_ARRAY(1, {{n}})) AS b\n\
                   WHERE MOD(a * b, 7) = 3";
    let numbers = [("count", endless, json!({ "table_name": "numbers" })), ("after", "SELECT 1 AS n", json!({}))];
    table_to_table(folder, "numbers", &numbers, json!({ "max_active_runs": 1 }));
    let wrong =
        "-- The name of a column is wrong.\nSELECT a.n,\n  a.no_such_column\nFROM UNNEST([STRUCT(1 AS n)]) AS a";
    let broken =
        [("good", "SELECT 1 AS n", json!({})), ("bad", wrong, json!({})), ("after", "SELECT 2 AS n", json!({}))];
    table_to_table(folder, "broken", &broken, json!({}));
    // Fails before it asks the warehouse: as quick as a run can be.
    table_to_table(folder, "unfilled", &[("one", "SELECT {{nothing}} AS n", json!({}))], json!({}));
    for id in ["JA", "JB", "JT"] {
        table_to_table(folder, id, &[("one", "SELECT 1 AS n", json!({ "table_name": id }))], json!({}));
    }
    let orders = "SELECT n AS customer, MOD(n, 7) AS channel FROM UNNEST(GENERATE_ARRAY(1, {{size}})) AS n";
    let value = "-- One row a channel and month of the first order.\nSELECT channel,\n  COUNT(DISTINCT {{column}}) AS customers\n\
                 FROM `p.d.orders_of_the_day_with_acquisition_channel`\nGROUP BY channel";
    let long = [
        ("orders_of_the_day", orders, json!({ "table_name": "orders_of_the_day_with_acquisition_channel" })),
        (
            "lifetime_value_by_channel_and_month_of_first_order",
            value,
            json!({ "table_name": "lifetime_value_by_channel_and_month_of_first_order" }),
        ),
        ("best_channels", "SELECT 1 AS channel", json!({ "criticality": "warning" })),
    ];
    let about = "What customers of each acquisition channel have spent since their first order, month by month";
    let hourly =
        json!({ "short_description": about, "schedule_interval": "30 */3 * * *", "start_date": "2024, 01, 01" });
    table_to_table(folder, LONG, &long, hourly);
    for id in ["fresh", "awaited", "late", "stale", "monthly", "new", "stock-levels-by-warehouse-and-product-family"] {
        table_to_table(folder, id, &[("one", "SELECT 1 AS n", json!({}))], json!({ "environment": "PROD" }));
    }
    let fill = "SELECT n, IF(n <= {{doubled}}, 1, n) AS id, IF(MOD(n, 400) = 0, NULL, CONCAT('city ', CAST(n AS STRING))) AS city\n\
                FROM UNNEST(GENERATE_ARRAY(1, {{size}})) AS n";
    let checks = "CALL `x.expect.unique`('d', 'sales', 'id', 0.01);\nCALL `x.expect.not_null`('d', 'sales', 'city', 0.005);\n\
                  CALL `x.expect.table_count_between`('d', 'sales', [950, 1200]);\n\
                  CALL `x.expect.not_null`('d', 'missing', 'n', 0);";
    let checked = [
        ("fill", fill, json!({ "table_name": "sales" })),
        ("check", checks, json!({ "task_type": "expectation", "criticality": "warning" })),
    ];
    table_to_table(folder, "checked", &checked, json!({}));
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "W", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "short_description": "JT after JA and JB", "schedule_interval_reset": "None",
        "authorized_job_ids": ["gbq-to-gbq|JA_DEV", "gbq-to-gbq|JB_DEV"],
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "JT_DEV" },
    });
    write_json(&folder.join("W.json"), &workflow);
    let context = json!({
        "configuration_type": "context", "configuration_id": "base", "environment": "DEV", "account": ACCOUNT,
        "short_description": "What the operations of this environment share",
        "parameters": {
            "project": { "type": "string", "value": "test-project", "description": "where tables are" },
            "stores": { "type": "integer", "value": 12 },
            "salt": { "type": "string", "value": "not for pages", "resource": "secret" },
        },
    });
    write_json(&folder.join("base.json"), &context);
}

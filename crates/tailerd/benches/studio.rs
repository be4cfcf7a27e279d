//! What the Studio's pages take at the server with a long history: 1,000,000 runs of 2,000 operations and what a house has beside
//! them (`make bench`); SQLite, and PostgreSQL where `TAILERD_TEST_POSTGRES` names a server.
//!
//! Somebody signs in and asks for every page, one after the other on one connection. Wanted are 50 ms for the 95th of a hundred;
//! what a page and the files it names transfer is told beside it. `TAILERD_BENCH_RUNS` fills in another number of runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod api;
mod filled;
mod furnished;
mod place;
mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use filled::{fill, runs_wanted};
use furnished::furnish;
use jiff::{SignedDuration, Timestamp};
use place::Place;
use report::{Table, millis, percentile};
use serde_json::json;
use support::{ACCOUNT, Server, table_to_table};
use tailer_model::RunId;

const CONFIGURATIONS: usize = 2_000;
/// Times that each page is asked for.
const TIMES: usize = 200;
const WANTED: Duration = Duration::from_millis(50);

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut table = Table::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for place in Place::all(folder.path()) {
        table_to_table(&place.folder, "probe", &[("one", "SELECT 1 AS n", json!({}))], json!({}));
        let keys = fill(&place, runs_wanted(), CONFIGURATIONS);
        let store = place.store();
        let detailed = furnish(&store, &keys, runs_wanted());
        drop(store);
        runtime.block_on(measure(&place, &detailed, &mut table));
    }
    table.print();
}

async fn measure(place: &Place, detailed: &RunId, table: &mut Table) {
    let server = place.start();
    let visitor = Visitor::signed_in(&server).await;
    let style = visitor.files().await;
    let day = (Timestamp::now() - SignedDuration::from_hours(5 * 24)).strftime("%Y-%m-%d").to_string();
    let hour = (Timestamp::now() - SignedDuration::from_hours(2)).strftime("%Y-%m-%dT%H").to_string();
    let deep = visitor.deep("/runs").await;
    let deep_failed = visitor.deep("/runs?status=FAILED").await;
    for (name, path) in [
        ("overview", "/".to_owned()),
        ("operations", "/operations".into()),
        ("operations, searched", "/operations?q=operation_19".into()),
        ("operations, page 20", "/operations?page=20".into()),
        ("operations of an environment", "/operations?environment=DEV&kind=table-to-table".into()),
        ("operations, the latest run first", "/operations?sort=last-run".into()),
        ("operations, most failures first", "/operations?sort=failures".into()),
        ("operations, with failures", "/operations?state=failing".into()),
        ("operation", format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/operation_1_DEV")),
        ("operation, its versions", format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/operation_1_DEV/versions")),
        ("runs", "/runs".into()),
        ("runs, page 21", deep),
        ("runs, FAILED", "/runs?status=FAILED".into()),
        ("runs, FAILED, page 21", deep_failed),
        ("runs, SUCCESS", "/runs?status=SUCCESS".into()),
        ("runs, outcome CANCELLED", "/runs?sub_status=CANCELLED".into()),
        ("runs, outcome TIMED_OUT (none)", "/runs?sub_status=TIMED_OUT".into()),
        ("runs of an environment", "/runs?environment=PROD".into()),
        ("runs of an environment that is rare", "/runs?environment=STAGING".into()),
        ("runs of a kind", "/runs?kind=table-to-table".into()),
        ("runs of a kind without runs", "/runs?kind=storage-to-tables".into()),
        ("runs by trigger workflow", "/runs?trigger=workflow".into()),
        ("runs by trigger backfill, the oldest", "/runs?trigger=backfill".into()),
        ("runs by trigger backfill that failed (looks)", "/runs?trigger=backfill&status=FAILED".into()),
        ("runs, FAILED by file (looks, none)", "/runs?trigger=file&status=FAILED".into()),
        ("runs of one operation", "/runs?id=operation_1_DEV".into()),
        ("runs of 11 operations", "/runs?id=operation_199".into()),
        ("runs of 1,111 operations", "/runs?id=operation_1".into()),
        ("runs of one operation, FAILED", "/runs?id=operation_20_&status=FAILED".into()),
        ("runs of a day", format!("/runs?from={day}&to={day}")),
        ("runs of an hour", format!("/runs?hour={hour}")),
        (
            "runs of a day, FAILED, of an environment",
            format!("/runs?from={day}&to={day}&status=FAILED&environment=DEV"),
        ),
        ("runs that wait", "/runs?sub_status=QUEUED".into()),
        ("run of 40 tasks", format!("/runs/{detailed}")),
        ("run, log of errors (none)", format!("/runs/{detailed}?level=ERROR")),
        ("run, what follows its log", format!("/runs/{detailed}/log?after=1")),
        ("workflows", "/workflows".into()),
        ("workflows that wait", "/workflows?state=waiting".into()),
        ("catalog", "/catalog".into()),
        ("catalog, a dataset", "/catalog/p/d".into()),
        ("catalog, a table", "/catalog/p/d/table_500".into()),
        ("quality", "/quality".into()),
        ("quality, failed, page 3", "/quality?result=failed&page=3".into()),
        ("quality, searched", "/quality?q=table_39".into()),
        ("expectation", visitor.first_link("/quality", "/quality/").await),
        ("freshness", "/freshness".into()),
        ("freshness, late", "/freshness?timing=Late".into()),
        ("freshness, searched", "/freshness?q=operation_19".into()),
        ("audit", "/audit".into()),
        ("audit, page 21", visitor.deep("/audit").await),
        ("audit of one person", "/audit?who=user:ana".into()),
        ("audit of an action", "/audit?action=configuration_disable".into()),
        ("audit of an operation", "/audit?target=PROD/gbq-to-gbq/operation_20_PROD".into()),
        ("audit of one person, an action that is rare", "/audit?who=user:ana&action=configuration_disable".into()),
        ("audit of one person, an action (none)", "/audit?who=user:bob&action=configuration_disable".into()),
        (
            "audit of an operation, one person (none)",
            "/audit?target=PROD/gbq-to-gbq/operation_20_PROD&who=user:bob".into(),
        ),
        ("settings", "/settings".into()),
        ("docs", "/docs".into()),
    ] {
        let (first, times, size) = visitor.times(&path).await;
        let (p50, p95, p99) = (percentile(&times, 50), percentile(&times, 95), percentile(&times, 99));
        let beside = format!(
            "first {}, p50 {}, p99 {}, {:.0} kB, first view {:.0} kB{}",
            millis(first),
            millis(p50),
            millis(p99),
            size as f64 / 1e3,
            (size + style) as f64 / 1e3,
            if p95 > WANTED { ": SLOW" } else { "" }
        );
        table.row(&format!("{}: {name}, p95", place.name), millis(p95), &beside);
    }
    assert_eq!(server.terminate(), Some(0));
}

/// Somebody who has signed in, on a connection that is kept.
struct Visitor {
    client: reqwest::Client,
    url: String,
    cookie: String,
}

impl Visitor {
    async fn signed_in(server: &Server) -> Self {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).tcp_nodelay(true);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = format!("token={}", server.token);
        let request = client.post(format!("{}/sign-in", server.url)).body(form);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert_eq!(answer.status(), 303, "signed in");
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { client, url: server.url.clone(), cookie }
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).header("cookie", &self.cookie)
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        text
    }

    /// Bytes as browsers get them.
    async fn transferred(&self, path: &str) -> usize {
        let answer = self.get(path).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap().len()
    }

    /// Bytes of the files that every page names.
    async fn files(&self) -> usize {
        let page = self.page("/").await;
        let mut size = 0;
        for asset in page.split('"').filter(|text| text.starts_with("/assets/")) {
            size += self.transferred(asset).await;
        }
        size
    }

    /// The address of the 21st page of a list.
    async fn deep(&self, first: &str) -> String {
        let mut path = first.to_owned();
        for _ in 0..20 {
            let page = self.page(&path).await;
            let next = page.split("<a ").find(|link| link.contains("rel=\"next\"")).expect("there are more");
            path = next
                .split("href=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&");
        }
        path
    }

    /// The first address of a page that begins so.
    async fn first_link(&self, path: &str, begin: &str) -> String {
        let page = self.page(path).await;
        page.split('"').find(|text| text.starts_with(begin)).unwrap_or_else(|| panic!("{page}")).to_owned()
    }

    async fn times(&self, path: &str) -> (Duration, Vec<Duration>, usize) {
        let mut size = 0;
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = Instant::now();
            size = self.transferred(path).await;
            times.push(began.elapsed());
        }
        let first = times[0];
        times.sort();
        (first, times, size)
    }
}

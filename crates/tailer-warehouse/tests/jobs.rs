//! The job contract: an effect once per id, whatever crashes; errors and cancels leave nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::{Bench, PROJECT, definition, invalid, load, query, query_into, table};
use tailer_model::operation::WriteDisposition::{Append, Truncate};
use tailer_warehouse::{Copy, Job, WarehouseError, WarehouseJobId};

fn id(text: &str) -> WarehouseJobId {
    WarehouseJobId(text.to_owned())
}

#[tokio::test]
async fn a_job_submitted_again_does_nothing_again() {
    let mut bench = Bench::new();
    let append = || query_into("SELECT 1 AS a UNION ALL SELECT 2", "d.t", Append);
    let first = bench.run_as(&id("run-1"), append()).await.unwrap();
    assert_eq!(first.statistics.rows, Some(2));
    assert_eq!(bench.run_as(&id("run-1"), append()).await.unwrap(), first);
    bench.reopen().await;
    assert_eq!(bench.run_as(&id("run-1"), append()).await.unwrap(), first, "from the job table");
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[2]"]);
    bench.reopen().await;
    assert_eq!(bench.warehouse().wait(&id("run-1")).await.unwrap(), first, "waiting needs no submission");
    assert!(matches!(bench.warehouse().wait(&id("run-2")).await, Err(WarehouseError::NotFound(_))));
}

#[tokio::test]
async fn statements_loads_and_copies_are_done_once() {
    let mut bench = Bench::new();
    bench.create("d.t", &definition(&["a INT64"])).await;
    let file = bench.file("t.csv", "7\n");
    let mut append = load(file, "d.t", &["a INT64"]);
    append.options.write_disposition = Append;
    let copy = Copy { source: table("d.t"), destination: table("d.u"), write_disposition: Append };
    for _ in 0..2 {
        bench.run_as(&id("dml"), Job::Query(query("INSERT INTO d.t (a) VALUES (1)"))).await.unwrap();
        bench.run_as(&id("load"), Job::Load(append.clone())).await.unwrap();
        bench.run_as(&id("copy"), Job::Copy(copy.clone())).await.unwrap();
        bench.reopen().await;
    }
    assert_eq!(bench.rows("SELECT a FROM d.t ORDER BY a").await, ["[1]", "[7]"]);
    assert_eq!(bench.rows("SELECT a FROM d.u ORDER BY a").await, ["[1]", "[7]"]);
}

#[tokio::test]
async fn a_script_goes_on_where_it_was_interrupted() {
    let mut bench = Bench::new();
    bench.sql("CREATE TABLE d.t (a INT64); CREATE TABLE d.source AS SELECT 1 AS a").await;
    // The last statement fails at first; what came before must not happen twice, even though its source is gone.
    let script = "INSERT INTO d.t SELECT a FROM d.source;\nDROP TABLE d.source;\nINSERT INTO d.t SELECT 2 FROM d.late";
    let failed = bench.run_as(&id("script"), Job::Query(query(script))).await;
    assert!(failed.is_err());
    bench.sql("CREATE TABLE d.late AS SELECT 1 AS a").await;
    bench.reopen().await;
    let outcome = bench.run_as(&id("script"), Job::Query(query(script))).await.unwrap();
    assert_eq!(outcome.statements.len(), 3);
    assert_eq!(outcome.statements.iter().map(|s| s.line).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(bench.rows("SELECT a FROM d.t ORDER BY a").await, ["[1]", "[2]"]);
}

#[tokio::test]
async fn a_failed_job_leaves_tables_as_they_were_and_no_record() {
    let bench = Bench::new();
    bench.run(query_into("SELECT 1 AS a", "d.t", Truncate)).await.unwrap();
    let bad = "SELECT CAST(x AS INT64) AS a FROM UNNEST(['5', 'five']) AS x";
    invalid(bench.run_as(&id("bad"), query_into(bad, "d.t", Truncate)).await);
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[1]"]);
    invalid(bench.run_as(&id("bad"), query_into(bad, "d.t", Truncate)).await);
}

#[tokio::test]
async fn errors_say_where_in_the_file() {
    let bench = Bench::new();
    let result = bench.run(Job::Query(query("SELECT 1;\n\n  SELECT 1 / 0"))).await;
    let Err(WarehouseError::Invalid { message, line, .. }) = result else { panic!("{result:?}") };
    assert_eq!(line, Some(3), "{message}");
    assert!(!message.contains("duckdb") && !message.contains("tailerd_internal"), "{message}");
}

#[tokio::test]
async fn ids_and_reserved_names_are_checked() {
    let bench = Bench::new();
    assert!(bench.run_as(&id("a b"), Job::Query(query("SELECT 1"))).await.is_err());
    let message = invalid(bench.run(query_into("SELECT 1 AS a", "tailerd_internal.jobs", Truncate)).await);
    assert!(message.contains("warehouse's own"), "{message}");
    assert!(bench.run(Job::Query(query("SELECT * FROM tailerd_internal.jobs"))).await.is_err());
    let message = invalid(bench.run(query_into("SELECT 1 AS a", "information_schema.t", Truncate)).await);
    assert!(message.contains("exists"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_stops_a_long_statement_and_undoes_it() {
    let bench = Bench::new();
    bench.run(query_into("SELECT 1 AS a", "d.t", Truncate)).await.unwrap();
    let long = "SELECT SUM(a * b * c) AS a FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a \
                CROSS JOIN UNNEST(GENERATE_ARRAY(1, 100000)) AS b CROSS JOIN UNNEST(GENERATE_ARRAY(1, 1000)) AS c";
    let warehouse = bench.warehouse();
    warehouse.submit(&id("long"), query_into(long, "d.t", Truncate)).await.unwrap();
    let started = Instant::now();
    let waited = tokio::time::timeout(Duration::from_millis(300), warehouse.wait(&id("long"))).await;
    assert!(waited.is_err(), "too fast to be cancelled: {waited:?}");
    warehouse.cancel(&id("long")).await.unwrap();
    assert!(matches!(warehouse.wait(&id("long")).await, Err(WarehouseError::Cancelled)));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(bench.rows("SELECT a FROM d.t").await, ["[1]"]);
    warehouse.cancel(&id("long")).await.unwrap();
    warehouse.cancel(&id("never")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_on_one_table_take_turns() {
    let bench = Bench::new();
    let warehouse = bench.warehouse();
    let jobs = (0..20).map(|n| {
        let job = query_into(&format!("SELECT {n} AS a"), "d.t", if n % 2 == 0 { Truncate } else { Append });
        let id = id(&format!("turn-{n}"));
        async move {
            warehouse.submit(&id, job).await?;
            warehouse.wait(&id).await
        }
    });
    for outcome in futures_join(jobs).await {
        outcome.unwrap();
    }
    let rows = bench.rows("SELECT a FROM d.t").await;
    assert!(!rows.is_empty() && rows.len() <= 11, "{rows:?}");
}

/// Not even in a dataset that the long one has made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_short_job_does_not_wait_for_a_long_one() {
    let long = "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a \
                CROSS JOIN UNNEST(GENERATE_ARRAY(1, 1000000)) AS b WHERE MOD(a * b, 7) = 3";
    let bench = Bench::new();
    let warehouse = bench.warehouse();
    let jobs = [
        ("filled", query_into(long, "filled.long", Truncate)),
        ("made", Job::Query(query(&format!("CREATE TABLE made.long AS {long}")))),
        ("script", Job::Query(query(&format!("SELECT 1; CREATE TABLE script.long AS {long}")))),
    ];
    for (dataset, job) in jobs {
        let id = id(dataset);
        warehouse.submit(&id, job).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(15);
        while !warehouse.datasets(PROJECT).await.unwrap().contains(&dataset.to_owned()) {
            assert!(Instant::now() < deadline, "{dataset}: only the long job sees its dataset");
        }
        let short = format!("{dataset}.short");
        let done = bench.run(query_into("SELECT 1 AS n", &short, Truncate));
        // Collisions are tried again for 20 seconds.
        let done = tokio::time::timeout(Duration::from_secs(15), done).await;
        done.unwrap_or_else(|_| panic!("{short} waits for the long job")).unwrap();
        assert_eq!(bench.rows(&format!("SELECT n FROM {short}")).await, ["[1]"]);
        warehouse.cancel(&id).await.unwrap();
        assert!(matches!(warehouse.wait(&id).await, Err(WarehouseError::Cancelled)));
        assert_eq!(warehouse.tables(PROJECT, dataset).await.unwrap(), ["short"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_find_a_dataset_missing_together() {
    let bench = Bench::new();
    let warehouse = bench.warehouse();
    let jobs = (0..12).map(|n| {
        let (id, job) = (id(&format!("job-{n}")), query_into("SELECT 1 AS n", &format!("new.t{n}"), Truncate));
        async move {
            warehouse.submit(&id, job).await?;
            warehouse.wait(&id).await
        }
    });
    for outcome in futures_join(jobs).await {
        outcome.unwrap();
    }
    assert_eq!(warehouse.tables(PROJECT, "new").await.unwrap().len(), 12);
}

async fn futures_join<F: Future>(jobs: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = jobs.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|job| match job.as_mut().poll(context) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn one_folder_has_one_process() {
    let bench = Bench::new();
    let error = common::open(bench.folder.path()).err().unwrap().to_string();
    assert!(error.contains("in use by another process") && error.contains("warehouse"), "{error}");
}

#[tokio::test]
async fn sql_cannot_reach_files_of_the_server() {
    let bench = Bench::new();
    for sql in
        ["SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM `/etc/hostname`", "COPY (SELECT 1) TO '/tmp/x'"]
    {
        assert!(bench.run(Job::Query(query(sql))).await.is_err(), "{sql}");
    }
    assert_eq!(PROJECT, "shop-1");
}

//! `kill -9` in the middle of jobs: what was done is not done again, what was not done is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use common::{Bench, query_into};
use tailer_model::operation::WriteDisposition::Append;
use tailer_warehouse::WarehouseJobId;

/// Where the child works; without it the child's test does nothing.
const FOLDER: &str = "TAILER_CRASH_TEST_FOLDER";

fn id(number: u32) -> WarehouseJobId {
    WarehouseJobId(format!("append-{number}"))
}

#[tokio::test]
#[ignore = "the process that the other test kills"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let warehouse = common::open(Path::new(&folder)).unwrap();
    for number in 0.. {
        let job = query_into(&format!("SELECT {number} AS n FROM UNNEST(GENERATE_ARRAY(1, 100))"), "d.t", Append);
        warehouse.submit(&id(number), job).await.unwrap();
        warehouse.wait(&id(number)).await.unwrap();
        std::io::Write::write_all(&mut std::io::stdout(), b"done\n").unwrap();
    }
}

#[tokio::test]
async fn killed_jobs_have_their_effect_exactly_once() {
    let mut bench = Bench::new();
    bench.warehouse = None;
    let mut told = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "child", "--nocapture"])
            .env(FOLDER, bench.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let done = lines.filter(|line| line.ends_with("done")).take(round * 10).count();
        child.kill().unwrap();
        child.wait().unwrap();
        told = told.max(done as u32);
    }
    assert_eq!(told, 30);
    bench.reopen().await;
    for number in 0..told + 5 {
        let job = query_into(&format!("SELECT {number} AS n FROM UNNEST(GENERATE_ARRAY(1, 100))"), "d.t", Append);
        assert_eq!(bench.run_as(&id(number), job).await.unwrap().statistics.rows, Some(100));
    }
    let rows = bench.rows("SELECT n, COUNT(*) FROM d.t GROUP BY n ORDER BY n").await;
    // The child may have got further than it told.
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(*row, format!("[{number},100]"));
    }
    assert!(rows.len() >= told as usize + 5, "{}", rows.len());
}

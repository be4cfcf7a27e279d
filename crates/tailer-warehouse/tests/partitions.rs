//! Partition decorators: only what they name is written or emptied.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, definition, invalid, load, query_into, table};
use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    ddl::{PartitionUnit, Partitioning, TableDefinition},
};
use tailer_warehouse::{Job, WarehouseError};

fn by(column: &str, unit: PartitionUnit, expiration_ms: Option<u64>) -> TableDefinition {
    TableDefinition {
        partitioning: Some(Partitioning::Time { field: Some(column.to_owned()), unit, expiration_ms }),
        ..definition(&["day DATE", "at TIMESTAMP", "n INT64"])
    }
}

async fn filled(definition: &TableDefinition) -> Bench {
    let bench = Bench::new();
    bench.create("d.t", definition).await;
    bench
        .sql(
            "INSERT INTO d.t (day, at, n) VALUES \
             ('2024-02-22', '2024-02-22 23:59:59 UTC', 1), ('2024-02-23', '2024-02-23 00:00:00 UTC', 2), \
             ('2024-02-23', '2024-02-23 01:00:00 UTC', 3), ('2024-03-01', '2024-03-01 00:00:00 UTC', 4), (NULL, NULL, 5)",
        )
        .await;
    bench
}

async fn check_emptied(definition: &TableDefinition, decorator: &str, left: &[&str]) {
    let bench = filled(definition).await;
    for _ in 0..2 {
        bench.warehouse().empty_partition(&table(&format!("d.t${decorator}"))).await.unwrap();
    }
    let expect: Vec<_> = left.iter().map(|n| format!("[{n}]")).collect();
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, expect, "{decorator}");
}

#[tokio::test]
async fn emptying_takes_the_whole_unit_and_nothing_else() {
    use PartitionUnit::{Day, Hour, Month, Year};
    check_emptied(&by("day", Day, None), "20240223", &["1", "4", "5"]).await;
    check_emptied(&by("at", Day, None), "20240223", &["1", "4", "5"]).await;
    check_emptied(&by("at", Hour, None), "2024022301", &["1", "2", "4", "5"]).await;
    check_emptied(&by("day", Month, None), "202402", &["4", "5"]).await;
    check_emptied(&by("at", Year, None), "2024", &["5"]).await;
    check_emptied(&by("day", Day, None), "__NULL__", &["1", "2", "3", "4"]).await;
    let range = TableDefinition {
        partitioning: Some(Partitioning::Range { field: "n".to_owned(), start: 0, end: 100, interval: 3 }),
        ..definition(&["day DATE", "at TIMESTAMP", "n INT64"])
    };
    check_emptied(&range, "3", &["1", "2"]).await;
    check_emptied(&range, "0", &["3", "4", "5"]).await;
}

#[tokio::test]
async fn what_is_not_there_is_no_error_and_what_does_not_fit_is() {
    let bench = filled(&by("day", PartitionUnit::Day, None)).await;
    let empty = async |name: &str| bench.warehouse().empty_partition(&table(name)).await;
    empty("d.none$20240223").await.unwrap();
    empty("d.t$20200101").await.unwrap();
    for name in ["d.t$2024", "d.t", "d.t$20240230"] {
        assert!(matches!(empty(name).await, Err(WarehouseError::Invalid { .. })), "{name}");
    }
    assert_eq!(bench.rows("SELECT COUNT(*) FROM d.t").await, ["[5]"]);
}

#[tokio::test]
async fn a_query_replaces_one_partition() {
    let bench = filled(&by("day", PartitionUnit::Day, None)).await;
    let part = "SELECT DATE '2024-02-23' AS day, 9 AS n";
    bench.run(query_into(part, "d.t$20240223", Truncate)).await.unwrap();
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[4]", "[5]", "[9]"]);
    bench.run(query_into(part, "d.t$20240223", Append)).await.unwrap();
    invalid(bench.run(query_into(part, "d.t$20240223", Empty)).await);
    bench.run(query_into("SELECT DATE '2024-02-24' AS day, 7 AS n", "d.t$20240224", Empty)).await.unwrap();
    let outside = "SELECT DATE '2024-02-23' AS day, 8 AS n UNION ALL SELECT DATE '2024-02-25', 8";
    let message = invalid(bench.run(query_into(outside, "d.t$20240223", Truncate)).await);
    assert!(message.contains("do not belong to partition shop-1.d.t$20240223"), "{message}");
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[4]", "[5]", "[7]", "[9]", "[9]"]);
    let missing = bench.run(query_into(part, "d.none$20240223", Truncate)).await;
    assert!(matches!(missing, Err(WarehouseError::NotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn a_load_replaces_one_partition() {
    let bench = filled(&by("day", PartitionUnit::Day, None)).await;
    let columns = ["day DATE", "at TIMESTAMP", "n INT64"];
    let good = bench.file("good.csv", "2024-02-23,,6\n");
    bench.run(Job::Load(load(good, "d.t$20240223", &columns))).await.unwrap();
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[4]", "[5]", "[6]"]);
    let bad = bench.file("bad.csv", "2024-02-24,,6\n");
    invalid(bench.run(Job::Load(load(bad, "d.t$20240223", &columns))).await);
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[4]", "[5]", "[6]"]);
}

#[tokio::test]
async fn old_partitions_expire() {
    let day = 86_400_000;
    let bench = filled(&by("day", PartitionUnit::Day, Some(2 * day))).await;
    // The 22nd's partition is two days old at the 24th's begin, the 23rd's is not.
    bench.warehouse().expire("2024-02-24T12:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(bench.rows("SELECT n FROM d.t ORDER BY n").await, ["[2]", "[3]", "[4]", "[5]"]);
}

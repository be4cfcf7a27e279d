//! Tables: made, described, copied, dropped; partitions.

use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition},
};
use tailer_warehouse::{Copy, Job, WarehouseError};

use crate::{
    Place,
    common::{definition, field, fields},
};

pub async fn description(place: Place) {
    let lines = Field {
        name: "lines".to_owned(),
        field_type: FieldType::Record,
        mode: Mode::Repeated,
        description: Some("what was bought".to_owned()),
        fields: vec![field("item STRING -- its code"), field("prices NUMERIC REPEATED")],
    };
    let mut schema = fields(&[
        "id INT64 REQUIRED -- it's the key",
        "day DATE -- of the sale",
        "amount NUMERIC",
        "ratio FLOAT64",
        "paid BOOL",
        "at TIMESTAMP",
        "local DATETIME",
        "clock TIME",
        "raw BYTES",
        "tags STRING REPEATED -- free words",
    ]);
    schema.push(lines);
    let declared = TableDefinition { description: Some("sales, \"clean\"".to_owned()), schema, ..definition(&[]) };
    place.create("t", &declared).await;
    assert_eq!(place.definition("t").await, declared);
}

fn by_day() -> TableDefinition {
    TableDefinition {
        partitioning: Some(Partitioning::Time {
            field: Some("day".to_owned()),
            unit: PartitionUnit::Day,
            expiration_ms: None,
        }),
        ..definition(&["day DATE", "n INT64"])
    }
}

pub async fn time_partitioning(place: Place) {
    let declared = TableDefinition {
        clustering: vec!["n".to_owned()],
        partitioning: Some(Partitioning::Time {
            field: Some("day".to_owned()),
            unit: PartitionUnit::Month,
            expiration_ms: Some(864_000_000),
        }),
        require_partition_filter: true,
        ..by_day()
    };
    place.create("t", &declared).await;
    assert_eq!(place.definition("t").await, declared);
}

pub async fn range_partitioning(place: Place) {
    let declared = TableDefinition {
        partitioning: Some(Partitioning::Range { field: "n".to_owned(), start: 0, end: 100, interval: 10 }),
        ..by_day()
    };
    place.create("t", &declared).await;
    assert_eq!(place.definition("t").await, declared);
}

pub async fn required_filter(place: Place) {
    place.create("t", &TableDefinition { require_partition_filter: true, ..by_day() }).await;
    place.sql("INSERT INTO d.t (day, n) VALUES ('2024-01-31', 1)").await;
    assert_eq!(place.rows("SELECT n FROM d.t WHERE day = '2024-01-31'").await, ["[1]"]);
    let error = place.run(place.query_into("SELECT n FROM d.t", "u", Truncate)).await.unwrap_err();
    assert!(error.to_string().contains("filter"), "{error}");
}

pub async fn made_once(place: Place) {
    let (warehouse, table) = (place.warehouse(), place.table("t"));
    assert!(warehouse.table(&table).await.unwrap().is_none());
    place.create("t", &by_day()).await;
    place.create("a", &by_day()).await;
    let again = warehouse.create(&table, &by_day()).await;
    assert!(matches!(again, Err(WarehouseError::AlreadyExists(_))), "{again:?}");
    assert_eq!(warehouse.tables(place.project, &place.dataset).await.unwrap(), ["a", "t"]);
    for _ in 0..2 {
        warehouse.drop_table(&table).await.unwrap();
    }
    assert_eq!(warehouse.tables(place.project, &place.dataset).await.unwrap(), ["a"]);
    assert!(warehouse.tables(place.project, "nothing_of_that_name").await.unwrap().is_empty());
}

fn copy(place: &Place, write_disposition: tailer_model::operation::WriteDisposition) -> Job {
    Job::Copy(Copy { source: place.table("t"), destination: place.table("u"), write_disposition })
}

pub async fn copies(place: Place) {
    place.sql("CREATE TABLE d.t AS SELECT 1 AS a").await;
    place.run(copy(&place, Empty)).await.unwrap();
    let error = place.run(copy(&place, Empty)).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("already exists"), "{error}");
    place.run(copy(&place, Append)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.u").await, ["[1]", "[1]"]);
    place.run(copy(&place, Truncate)).await.unwrap();
    assert_eq!(place.rows("SELECT a FROM d.u").await, ["[1]"]);
}

pub async fn missing_source(place: Place) {
    place.sql("CREATE TABLE d.other AS SELECT 1 AS a").await;
    let error = place.run(copy(&place, Truncate)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::NotFound(_)), "{error:?}");
    assert!(place.warehouse().table(&place.table("u")).await.unwrap().is_none());
}

pub async fn partitions(place: Place) {
    place.create("t", &by_day()).await;
    place.sql("INSERT INTO d.t (day, n) VALUES ('2024-02-22', 1), ('2024-02-23', 2), ('2024-02-24', 3)").await;
    place.warehouse().empty_partition(&place.table("t$20240223")).await.unwrap();
    assert_eq!(place.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[3]"]);
    place.run(place.query_into("SELECT DATE '2024-02-24' AS day, 9 AS n", "t$20240224", Truncate)).await.unwrap();
    assert_eq!(place.rows("SELECT n FROM d.t ORDER BY n").await, ["[1]", "[9]"]);
}

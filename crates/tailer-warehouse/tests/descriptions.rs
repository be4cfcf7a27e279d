//! Datasets and tables as people look through them: one story for every warehouse, and what only one of them can tell.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::{
    Bench, PROJECT,
    bigquery::{emulator, refusal, scripted, unique},
    query, table,
};
use serde_json::{Value, json};
use tailer_model::operation::ddl::{Field, FieldType, Mode, PartitionUnit, Partitioning, TableDefinition};
use tailer_warehouse::{Count, Job, Listed, Query, TableKind, TableName, Warehouse, WarehouseError, WarehouseJobId};

async fn sql(warehouse: &dyn Warehouse, project: &str, id: &str, sql: &str) {
    let id = WarehouseJobId(id.to_owned());
    let query =
        Query { sql: sql.to_owned(), project: project.to_owned(), dataset: None, destination: None, use_cache: None };
    warehouse.submit(&id, Job::Query(query)).await.unwrap();
    warehouse.wait(&id).await.unwrap();
}

fn names(listed: &[Listed]) -> Vec<(&str, TableKind)> {
    listed.iter().map(|table| (table.name.as_str(), table.kind)).collect()
}

/// What every warehouse tells.
async fn story(warehouse: &dyn Warehouse, project: &str, dataset: &str) {
    let name = |table: &str| TableName::new(project, dataset, table).unwrap();
    assert!(warehouse.list(project, "nowhere_at_all").await.unwrap().is_empty());
    let line = Field {
        name: "line".into(),
        field_type: FieldType::Record,
        mode: Mode::Nullable,
        description: None,
        fields: common::fields(&["sku STRING -- what was sold", "n INT64"]),
    };
    let definition = TableDefinition {
        description: Some("Orders of the shop".to_owned()),
        schema: [common::fields(&["id INT64 REQUIRED -- #PK", "day DATE"]), vec![line]].concat(),
        partitioning: Some(Partitioning::Time {
            field: Some("day".to_owned()),
            unit: PartitionUnit::Day,
            expiration_ms: None,
        }),
        clustering: vec!["id".to_owned()],
        require_partition_filter: false,
    };
    warehouse.create(&name("orders"), &definition).await.unwrap();
    let made = format!(
        "CREATE TABLE `{project}.{dataset}.small` AS
         SELECT x AS n, CONCAT('row ', CAST(x AS STRING)) AS text FROM UNNEST(GENERATE_ARRAY(1, 30)) AS x"
    );
    sql(warehouse, project, &unique("job"), &made).await;
    let view = format!("CREATE VIEW `{project}.{dataset}.seen` AS SELECT n FROM `{project}.{dataset}.small`");
    sql(warehouse, project, &unique("job"), &view).await;

    assert!(warehouse.datasets(project).await.unwrap().contains(&dataset.to_owned()));
    let listed = warehouse.list(project, dataset).await.unwrap();
    assert_eq!(names(&listed), [("orders", TableKind::Table), ("seen", TableKind::View), ("small", TableKind::Table)]);

    let asked = [name("small"), name("missing"), name("orders"), name("seen")];
    let described = warehouse.describe(&asked).await.unwrap();
    let got: Vec<&str> = described.iter().map(|table| table.name.table.as_str()).collect();
    assert_eq!(got, ["small", "orders", "seen"], "in the order asked, without what is missing");
    assert_eq!(described[0].rows, Some(Count::Exact(30)));
    assert!(described[0].bytes.is_some_and(|bytes| (100..300_000).contains(&bytes.value())), "{:?}", described[0]);
    let orders = &described[1];
    assert_eq!((orders.rows, orders.kind, orders.expires), (Some(Count::Exact(0)), TableKind::Table, None));
    assert_eq!(orders.definition, definition);
    assert_eq!((described[2].kind, described[2].rows), (TableKind::View, None));

    let columns = ["n".to_owned(), "text".to_owned()];
    let rows = warehouse.preview(&name("small"), &columns, 10).await.unwrap();
    assert_eq!(rows.rows.len(), 10);
    assert_eq!((rows.columns[0].name.as_str(), rows.columns[1].column_type.as_str()), ("n", "STRING"));
    let first = rows.rows[0][0].as_i64().unwrap();
    assert_eq!(rows.rows[0][1], json!(format!("row {first}")));
    let one = warehouse.preview(&name("small"), &columns[1..], 3).await.unwrap();
    assert_eq!((one.columns.len(), one.rows.len(), one.rows[0].len()), (1, 3, 1), "what is left out is not there");
    assert!(warehouse.preview(&name("small"), &[], 3).await.unwrap().rows.is_empty());
    let of_view = warehouse.preview(&name("seen"), &columns[..1], 3).await;
    assert!(matches!(of_view, Err(WarehouseError::Unsupported { .. })), "{of_view:?}");
    let missing = warehouse.preview(&name("missing"), &columns, 3).await;
    assert!(matches!(missing, Err(WarehouseError::NotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn the_embedded_warehouse_describes_its_tables() {
    let bench = Bench::new();
    assert!(bench.warehouse().datasets("no-such-project").await.unwrap().is_empty());
    story(bench.warehouse(), PROJECT, "d").await;
    assert_eq!(bench.warehouse().datasets(PROJECT).await.unwrap(), ["d"]);
}

#[tokio::test]
async fn bigquery_describes_its_tables() {
    let Some(warehouse) = emulator() else { return };
    story(&warehouse, "test-project", &unique("described")).await;
}

#[tokio::test]
async fn values_are_shown_as_a_query_gives_them() {
    let bench = Bench::new();
    bench
        .sql("CREATE TABLE d.t AS SELECT [1, 2] AS a, STRUCT('x' AS s, b'\\x00\\xff' AS b) AS r, NULL AS n, DATE '2024-02-29' AS `a day`")
        .await;
    let unknown = bench.warehouse().preview(&table("d.t"), &["A".to_owned()], 10).await;
    assert!(matches!(unknown, Err(WarehouseError::Invalid { .. })), "{unknown:?}");
    let columns = ["a day", "a", "r", "n"].map(str::to_owned);
    let rows = bench.warehouse().preview(&table("d.t"), &columns, 10).await.unwrap();
    assert_eq!(rows.rows, [vec![json!("2024-02-29"), json!([1, 2]), json!(["x", "AP8="]), Value::Null]]);
}

#[tokio::test]
async fn partitions_by_arrival_and_views_without_their_table() {
    let bench = Bench::new();
    let by_arrival = TableDefinition {
        partitioning: Some(Partitioning::Time { field: None, unit: PartitionUnit::Day, expiration_ms: None }),
        ..common::definition(&["a INT64"])
    };
    bench.create("d.t", &by_arrival).await;
    bench.sql("CREATE TABLE d.gone AS SELECT 1 AS a; CREATE VIEW d.v AS SELECT a FROM d.gone; DROP TABLE d.gone").await;
    bench.sql("CREATE TABLE d.other AS SELECT 1 AS a; CREATE VIEW d.w AS SELECT a FROM d.other; CREATE OR REPLACE TABLE d.other AS SELECT 'x' AS b").await;
    let listed = bench.warehouse().list(PROJECT, "d").await.unwrap();
    let kinds = [("other", TableKind::Table), ("t", TableKind::Table), ("v", TableKind::View), ("w", TableKind::View)];
    assert_eq!(names(&listed), kinds);
    let described = bench.warehouse().describe(&[table("d.t"), table("d.v"), table("d.w")]).await.unwrap();
    assert_eq!((described[0].definition.schema.len(), described[0].rows), (1, Some(Count::Exact(0))));
    assert_eq!([described[1].kind, described[2].kind], [TableKind::View; 2], "what they were made of is not needed");
}

/// Numbers that nothing shortens, texts, and a column that takes next to nothing; before they are written to the file, and after.
#[tokio::test]
async fn bytes_are_about_what_a_table_takes() {
    let mut bench = Bench::new();
    bench
        .sql(
            "CREATE TABLE d.numbers AS SELECT FARM_FINGERPRINT(CAST(x AS STRING)) AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS x;
             CREATE TABLE d.texts AS SELECT TO_HEX(SHA256(CAST(x AS STRING))) AS t FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS x;
             CREATE TABLE d.same AS SELECT 1 AS n FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS x;",
        )
        .await;
    for _ in 0..2 {
        let tables = [table("d.numbers"), table("d.texts"), table("d.same")];
        let described = bench.warehouse().describe(&tables).await.unwrap();
        let about: Vec<u64> = described.iter().map(|table| table.bytes.unwrap().value()).collect();
        assert!((7_500_000..9_500_000).contains(&about[0]), "{about:?}");
        // The texts have 12.8 million characters, of which the file keeps about half.
        assert!((5_000_000..14_000_000).contains(&about[1]), "{about:?}");
        assert!(about[2] < 1_000_000, "{about:?}");
        bench.reopen().await;
    }
}

#[tokio::test]
async fn a_running_job_holds_nobody_up() {
    let bench = Bench::new();
    bench.sql("CREATE TABLE d.t AS SELECT 1 AS a").await;
    let id = bench.job_id();
    let endless = "INSERT INTO d.t SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS a, UNNEST(GENERATE_ARRAY(1, 200000)) AS b";
    bench.warehouse().submit(&id, Job::Query(query(endless))).await.unwrap();
    let before = Instant::now();
    let described = bench.warehouse().describe(&[table("d.t")]).await.unwrap();
    let rows = bench.warehouse().preview(&table("d.t"), &["a".to_owned()], 10).await.unwrap();
    assert_eq!((described[0].rows, rows.rows.len()), (Some(Count::Exact(1)), 1));
    assert!(before.elapsed() < Duration::from_secs(20), "the job would go on for many minutes");
    bench.warehouse().cancel(&id).await.unwrap();
}

#[tokio::test]
async fn bigquery_is_asked_page_by_page() {
    let list = |tables: &[(&str, &str)], next: Option<&str>| {
        let tables: Vec<Value> = tables
            .iter()
            .map(|(id, kind)| json!({"tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": id}, "type": kind}))
            .collect();
        json!({"tables": tables, "nextPageToken": next, "totalItems": 5})
    };
    let (warehouse, requests) = scripted(vec![
        (
            200,
            json!({"datasets": [{"datasetReference": {"projectId": "test-project", "datasetId": "b"}}], "nextPageToken": "n"}),
        ),
        (200, json!({"datasets": [{"datasetReference": {"projectId": "test-project", "datasetId": "a"}}]})),
        (200, list(&[("z", "VIEW"), ("m", "MODEL")], Some("x y"))),
        (200, list(&[("a", "EXTERNAL"), ("s", "SNAPSHOT"), ("v", "MATERIALIZED_VIEW")], None)),
        (404, refusal("notFound")),
    ]);
    assert_eq!(warehouse.datasets("test-project").await.unwrap(), ["a", "b"]);
    let kinds = [
        ("a", TableKind::External),
        ("s", TableKind::Snapshot),
        ("v", TableKind::MaterializedView),
        ("z", TableKind::View),
    ];
    assert_eq!(names(&warehouse.list("test-project", "d").await.unwrap()), kinds);
    assert!(warehouse.list("test-project", "gone").await.unwrap().is_empty());
    let requests: Vec<String> = requests.lock().unwrap().iter().map(|asked| asked.trim().to_owned()).collect();
    let of = |rest: &str| format!("GET /bigquery/v2/projects/test-project/datasets{rest}");
    assert_eq!(
        requests,
        [
            of("?maxResults=1000"),
            of("?maxResults=1000&pageToken=n"),
            of("/d/tables?maxResults=1000"),
            of("/d/tables?maxResults=1000&pageToken=x+y"),
            of("/gone/tables?maxResults=1000"),
        ]
    );
}

#[tokio::test]
async fn bigquery_shows_rows_without_a_query() {
    let described = json!({
        "tableReference": {"projectId": "test-project", "datasetId": "d", "tableId": "t"}, "type": "TABLE",
        "description": "Orders", "numRows": "7", "numBytes": "1234", "creationTime": "1700000000000",
        "lastModifiedTime": "1700000001000", "expirationTime": "1700000002000",
        "schema": {"fields": [
            {"name": "id", "type": "INTEGER"}, {"name": "secret", "type": "STRING"}, {"name": "at", "type": "TIMESTAMP"},
        ]},
    });
    let rows = json!({"totalRows": "7", "rows": [{"f": [{"v": "1"}, {"v": "1700000000000000"}]}]});
    let (warehouse, requests) = scripted(vec![(200, described.clone()), (200, described), (200, rows)]);
    let table = TableName::new("test-project", "d", "t$20240101").unwrap();
    let found = warehouse.describe(std::slice::from_ref(&table)).await.unwrap().remove(0);
    assert_eq!((found.rows, found.bytes), (Some(Count::Exact(7)), Some(Count::Exact(1234))));
    let seconds = [found.created, found.modified, found.expires].map(|at| at.unwrap().as_second());
    assert_eq!(seconds, [1_700_000_000, 1_700_000_001, 1_700_000_002]);
    let shown = warehouse.preview(&table, &["at".to_owned(), "id".to_owned()], 10).await.unwrap();
    assert_eq!(shown.rows, [vec![json!(1), json!("2023-11-14 22:13:20+00")]]);
    let asked = requests.lock().unwrap()[2].trim().to_owned();
    let wanted = "GET /bigquery/v2/projects/test-project/datasets/d/tables/t/data\
                  ?maxResults=10&selectedFields=id%2Cat&formatOptions.useInt64Timestamp=true";
    assert_eq!(asked, wanted);
}

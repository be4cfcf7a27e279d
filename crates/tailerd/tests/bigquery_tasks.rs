//! What tasks do on BigQuery beside statements, with the real program at the emulator (`TAILERD_TEST_BIGQUERY`, set by
//! `.ci/counterparts`): expectations, tables with partitions, temporary tables. Every request is held against BigQuery's own
//! description of its API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, json};
use support::{Server, bigquery::Proxy, table_to_table, text, until, write_json};

struct House {
    folder: tempfile::TempDir,
    proxy: Arc<Proxy>,
    address: String,
    project: String,
}

impl House {
    async fn new() -> Option<Self> {
        let (proxy, address) = Proxy::start().await?;
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        Some(Self { folder, proxy, address, project: format!("t{}", uuid::Uuid::new_v4().simple()) })
    }

    fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("files")
    }

    /// The run of the operation `one`, with its tasks.
    fn run(&self) -> Value {
        let settings = self.folder.path().join("tailerd.toml");
        let lines = format!(
            "[warehouse.\"*\"]\nkind = \"bigquery\"\nendpoint = \"{}\"\ncreate_datasets = true\nprice_per_tib = 6.25\n",
            self.address
        );
        fs::write(&settings, lines).unwrap();
        let data = self.folder.path().join("data");
        let server = Server::start_with(&data, &["--config", settings.to_str().unwrap()]);
        server.deploy(Path::new(&self.files()));
        server.tailerd(&["launch", "table-to-table", "one"]).good();
        let is_over = |run: &Value| !["RUNNING", "QUEUED"].contains(&text(run, "status"));
        let run = until("the run to end", || server.runs("table-to-table", "one").into_iter().find(is_over));
        server.tailerd(&["status", text(&run, "run_id"), "--json"]).json()
    }

    fn projects(&self) -> Value {
        json!({"default_gcp_project_id": self.project, "default_bq_dataset": "d"})
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expectations_need_nothing_in_the_project() {
    let Some(house) = House::new().await else { return };
    let fill = "SELECT 1 AS id, 'a' AS name, DATE '2024-01-31' AS day UNION ALL SELECT 2, 'b', DATE '2024-02-01' \
                UNION ALL SELECT 2, NULL, DATE '2024-02-02'";
    let project = &house.project;
    let calls = format!(
        "-- Nothing of these procedures is in the project.
CALL `{project}.expect.table_count_equal`('d', 't', 3, 0);
CALL `{project}.expect.primarykey_named`('d', 't', 'id', 0.5);
CALL `{project}.expect.not_null`('d', 't', 'name', 0.1);
CALL `{project}.expect.values_to_be_between`('d', 't', 'id', [1, 2], 0);
CALL `{project}.expect.everyday_since`('d', 't', 'day', '2024-01-31', [], 1);"
    );
    let tasks = [
        ("fill", fill, json!({"table_name": "t"})),
        ("judge", calls.as_str(), json!({"task_type": "expectation", "criticality": "warning"})),
    ];
    table_to_table(&house.files(), "one", &tasks, house.projects());
    let run = house.run();
    let task = &run["tasks"][1];
    assert_eq!((text(&run, "status"), text(task, "status")), ("SUCCESS", "FAILED"), "{run:#}");
    let sql = "SELECT JSON_VALUE(expectation_result, '$.procedure_name'), JSON_VALUE(expectation_result, '$.passed'), \
               JSON_VALUE(expectation_result, '$.reject_count'), task_id, criticality, configuration_id \
               FROM tailer_common.expectation_results ORDER BY 1";
    let found = house.proxy.rows(project, sql).await;
    let found: Vec<String> = found
        .iter()
        .map(|row| row.iter().map(|cell| cell.as_str().unwrap_or("null")).collect::<Vec<_>>().join(" "))
        .collect();
    let line = |name: &str, passed: bool, rejected: u32| format!("{name} {passed} {rejected} judge warning one_DEV");
    assert_eq!(
        found[1..],
        [
            line("not_null", false, 1),
            line("primarykey_named", true, 1),
            line("table_count_equal", true, 0),
            line("values_to_be_between", true, 0),
        ]
    );
    // Days from the start to today are missing.
    assert!(found[0].starts_with("everyday_since false "), "{}", found[0]);
    house.proxy.judge();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables_are_made_filled_and_copied_and_what_was_temporary_goes() {
    let Some(house) = House::new().await else { return };
    let ddl = json!({
        "bq_table_description": "Sales of a day",
        "bq_table_schema": [
            {"name": "day", "type": "DATE", "mode": "REQUIRED", "description": "of the sale"},
            {"name": "amount", "type": "NUMERIC", "description": "with tax"},
        ],
        "bq_table_clustering_fields": ["amount"],
        "bq_table_timepartitioning_field": "day", "bq_table_timepartitioning_type": "MONTH",
        "bq_table_timepartitioning_expiration_ms": 864_000_000_000_u64, "bq_table_require_partition_filter": true,
    });
    write_json(&house.files().join("sales.json.ddl"), &ddl);
    let tasks = [
        ("make", "", json!({"task_type": "create_gbq_table", "bq_table": "sales", "ddl_file": "sales.json.ddl"})),
        (
            "brief",
            "SELECT DATE '2024-01-31' AS day, NUMERIC '1.5' AS amount",
            json!({"table_name": "brief", "temporary_table": true}),
        ),
        ("fill", "SELECT * FROM d.brief", json!({"table_name": "sales", "write_disposition": "WRITE_APPEND"})),
        (
            "copy",
            "",
            json!({"task_type": "copy_gbq_table", "source_gcp_project_id": house.project, "source_bq_dataset": "d",
            "source_bq_table": "sales", "destination_bq_table": "kept"}),
        ),
    ];
    table_to_table(&house.files(), "one", &tasks, house.projects());
    let run = house.run();
    assert_eq!(text(&run, "status"), "SUCCESS", "{run:#}");
    // The emulator bills nothing: that is what it costs.
    assert_eq!(run["cost"], 0.0, "{run:#}");
    let table = house.proxy.get(&format!("/bigquery/v2/projects/{}/datasets/d/tables/sales", house.project)).await;
    assert_eq!(table["description"], "Sales of a day", "{table:#}");
    assert_eq!(table["schema"]["fields"][0]["description"], "of the sale");
    assert_eq!(
        (&table["timePartitioning"]["type"], &table["timePartitioning"]["field"]),
        (&json!("MONTH"), &json!("day"))
    );
    assert_eq!((&table["clustering"]["fields"], &table["requirePartitionFilter"]), (&json!(["amount"]), &json!(true)));
    let listed = house.proxy.get(&format!("/bigquery/v2/projects/{}/datasets/d/tables", house.project)).await;
    let mut names: Vec<_> =
        listed["tables"].as_array().unwrap().iter().map(|table| text(&table["tableReference"], "tableId")).collect();
    names.sort_unstable();
    assert_eq!(names, ["kept", "sales"]);
    assert_eq!(house.proxy.rows(&house.project, "SELECT CAST(amount AS FLOAT64) FROM d.kept").await, [[json!("1.5")]]);
    house.proxy.judge();
}

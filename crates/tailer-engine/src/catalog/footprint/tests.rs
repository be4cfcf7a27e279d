//! What operations of each kind read and write, as their configurations and SQL say.

use serde_json::{Value, json};
use tailer_model::parse_configuration;

use super::*;

/// A line a task: `task: written < read`, files in parentheses.
fn check(configuration: Value, files: &[(&str, &str)], expect: &[&str]) {
    let (parsed, problems) = parse_configuration(&configuration.to_string());
    let parsed = parsed.unwrap_or_else(|| panic!("{problems:?}"));
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let loaded = Loaded::new(parsed, files);
    let names = |tables: &BTreeSet<TablePath>, files: &[String]| {
        let tables = tables.iter().map(|path| format!("{}.{}.{}", path.project, path.dataset, path.table));
        tables.chain(files.iter().map(|file| format!("({file})"))).collect::<Vec<_>>().join(" ")
    };
    let lines = loaded.footprint().tasks.iter().map(|task| {
        let unclear = if task.unclear.is_empty() { String::new() } else { format!(" ? {}", task.unclear.join("; ")) };
        let (written, read) = (names(&task.writes, &task.files_written), names(&task.reads, &task.files_read));
        format!("{}: {written} < {read}{unclear}", task.task)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expect);
}

fn table_to_table(tasks: Value) -> Value {
    let ids: Vec<&str> = tasks.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    json!({
        "configuration_type": "table-to-table", "configuration_id": "x", "environment": "DEV", "account": "000099",
        "version": "1", "start_date": "2024, 01, 01", "schedule_interval": "None", "default_gcp_project_id": "p-1",
        "default_bq_dataset": "d", "default_bq_data_location": "EU", "default_write_disposition": "WRITE_TRUNCATE",
        "task_dependencies": [ids.join(" >> ")], "workflow": tasks,
    })
}

#[test]
fn tasks_of_table_to_table() {
    let tasks = json!([
        {"id": "sql", "task_type": "sql", "sql_file": "a.sql", "table_name": "daily_{{FD_DATE}}"},
        {"id": "part", "task_type": "sql", "sql_file": "one.sql", "table_name": "t${{FD_DATE}}", "bq_dataset": "e"},
        {"id": "script", "task_type": "run_gbq_script", "sql_file": "b.sql"},
        {"id": "make", "task_type": "create_gbq_table", "bq_table": "made", "ddl_file": "made.json"},
        {"id": "copy", "task_type": "copy_gbq_table", "source_gcp_project_id": "q-1", "source_bq_dataset": "s",
         "source_bq_table": "t", "destination_bq_table": "t", "destination_bq_table_date_suffix": true,
         "destination_bq_table_date_suffix_format": "%Y%m%d"},
        {"id": "drop", "task_type": "delete_gbq_table", "bq_table": "old"},
        {"id": "check", "task_type": "expectation", "sql_file": "c.sql"},
    ]);
    let ddl = r#"{"bq_table_schema": [{"name": "a", "type": "STRING"}]}"#;
    check(
        table_to_table(tasks),
        &[
            ("a.sql", "SELECT * FROM raw JOIN `q-1.s.{{which}}_x` USING (k) WHERE day = '{{TEMPLATE_CURRENT_DATE}}'"),
            ("one.sql", "SELECT {{n}} AS n FROM {{table}}"),
            ("b.sql", "INSERT INTO log SELECT COUNT(*) FROM `{{project}}.d.t`; SELECT 1 FROM raw"),
            ("c.sql", "CALL `p-1.expect.unique`('d', 'made', 'a', 0.0)"),
            ("made.json", ddl),
        ],
        &[
            "sql: p-1.d.daily_{{FD_DATE}} < p-1.d.raw q-1.s.{{which}}_x",
            "part: p-1.e.t <  ? one.sql, which table {{table}} is cannot be told",
            "script: p-1.d.log < p-1.d.raw {{project}}.d.t",
            "make: p-1.d.made < ",
            "copy: p-1.d.t_{{FD_DATE}} < q-1.s.t",
            "drop: p-1.d.old < ",
            "check:  < p-1.d.made",
        ],
    );
}

#[test]
fn loads_and_exports() {
    let load = json!({
        "configuration_type": "storage-to-tables", "configuration_id": "x", "environment": "DEV", "account": "000099",
        "version": "2", "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "a/b"},
        "destinations": [{
            "type": "bigquery", "gcp_project_id": "p-1", "gbq_dataset": "d", "source_format": "CSV",
            "tables": [
                {"table_name": "sales", "filename_template": "sales_{{FD_DATE}}.csv", "ddl_mode": "header"},
                {"table_name": "x_{{FD_TABLE_NAME}}", "filename_template": "{{FD_TABLE_NAME}}_{{FD_DATE}}.csv", "ddl_mode": "header"},
            ],
        }],
    });
    check(
        load,
        &[],
        &[
            "load: p-1.d.sales < (gs://in/a/b/sales_{{FD_DATE}}.csv)",
            "load: p-1.d.x_{{FD_TABLE_NAME}}_{{FD_DATE}} < (gs://in/a/b/{{FD_TABLE_NAME}}_{{FD_DATE}}.csv)",
        ],
    );
    let export = json!({
        "configuration_type": "table-to-storage", "configuration_id": "x", "environment": "DEV", "account": "000099",
        "version": "3", "start_date": "2024, 01, 01", "schedule_interval": "None", "gcp_project_id": "p-1",
        "gcs_dest_bucket": "out", "gcs_dest_prefix": "r", "task_dependencies": ["one"],
        "tasks": [{
            "task_id": "one", "sql_file": "e.sql", "output_filename": "sales_{{FD_DATE}}.csv", "copy_table": true,
            "dest_gcp_project_id": "p-1", "dest_gbq_dataset": "k", "dest_gbq_table": "kept",
            "dest_gbq_table_suffix": "dag_execution_date",
        }],
    });
    check(
        export,
        &[("e.sql", "SELECT * FROM `p-1.d.sales`")],
        &["one: p-1.k.kept_{{FD_DATE}} (gs://out/r/sales_{{FD_DATE}}.csv) < p-1.d.sales"],
    );
}

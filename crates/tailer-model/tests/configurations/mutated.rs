//! Whatever happens to a configuration on its way, reading it ends in a value or in problems, never in a panic.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use tailer_model::{check_files, parse_configuration, read_configuration, redact};

use super::configuration;

/// A configuration of each kind with most of its parameters.
fn seeds() -> Vec<Value> {
    vec![
        configuration(
            "table-to-table",
            json!({
            "start_date": "2023, 1, 23", "schedule_interval": "0 7 * * *", "task_dependencies": ["a >> [b, c]", "c >> d"],
            "default_gcp_project_id": "p", "default_bq_dataset": "d",
            "workflow": [
                {"id": "a", "task_type": "create_gbq_table", "bq_table": "t_{{FD_DATE}}", "ddl_file": "a.json"},
                {"id": "b", "sql_file": "b.sql", "table_name": "t$20240101", "write_disposition": "WRITE_APPEND"},
                {"id": "c", "task_type": "copy_gbq_table", "source_gcp_project_id": "p", "source_bq_dataset": "d", "source_bq_table": "t",
                 "destination_bq_table": "u", "destination_bq_table_date_suffix": true, "destination_bq_table_date_suffix_format": "%Y%m%d"},
                {"id": "d", "task_type": "delete_gbq_table", "bq_table": "t", "criticality": "break"},
            ]}),
        ),
        configuration(
            "table-to-storage",
            json!({
            "version": "3", "gcs_dest_bucket": "b", "gcp_project_id": "p", "field_delimiter": "\\t", "copy_table": true,
            "dest_gbq_dataset": "d", "dest_gbq_table": "t", "schedule_interval": "None",
            "tasks": [{"task_id": "a", "sql_file": "b.sql", "output_filename": "a_{{FD_DATE}}.csv", "compression": "GZIP"}]}),
        ),
        configuration(
            "storage-to-storage",
            json!({
            "filename_templates": [{"filename_template": "a_{{FD_DATE}}_{{FD_BLOB_3}}.csv"}],
            "source": {"type": "gcs", "gcs_source_bucket": "b", "gcs_source_prefix": "in", "archive_prefix": "old",
                       "gcp_credentials_secret": {"cipher_aes": "aa", "tag": "bb", "ciphertext": "cc", "enc_session_key": "dd"}},
            "destinations": [{"type": "sftp", "sftp_host": "h", "sftp_port": 22, "sftp_destination_dir": "/x"},
                             {"type": "azure", "azure_destination_prefix": "c/p"}]}),
        ),
        configuration(
            "storage-to-tables",
            json!({
            "source": {"type": "gcs", "gcs_source_bucket": "b", "gcs_source_prefix": "in"},
            "destinations": [{"type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "skip_leading_rows": 1,
                "bq_load_job_schema_update_options": ["ALLOW_FIELD_ADDITION"],
                "tables": [{"table_name": "t_{{FD_TABLE_NAME}}", "filename_template": "{{FD_TABLE_NAME}}.csv", "ddl_file": "l.json"}]}]}),
        ),
        configuration(
            "workflow",
            json!({
            "authorized_job_ids": ["gbq-to-gbq|a_DEV"], "schedule_interval_reset": "0 0 * * *",
            "target_dag": {"configuration_type": "table-to-table", "configuration_id": "b"}}),
        ),
        configuration("context", json!({"parameters": {"a": {"value": 1, "type": "integer"}}})),
    ]
}

/// Replaces the `n`th value of a tree, counted depth first.
fn replace(value: &mut Value, n: &mut usize, by: &Value) {
    if *n == 0 {
        *value = by.clone();
        *n = usize::MAX;
        return;
    }
    *n -= 1;
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| {
            if *n < usize::MAX {
                replace(item, n, by)
            }
        }),
        Value::Object(map) => map.values_mut().for_each(|item| {
            if *n < usize::MAX {
                replace(item, n, by)
            }
        }),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn odd_values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{}]])),
        any::<bool>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[{}a-zA-Z_|*>,\\[\\] 0-9$%/.-]{0,16}".prop_map(Value::from),
        "\\{\\{[A-Z_0-9]{0,9}\\}\\}".prop_map(Value::from),
    ]
}

/// Reads a value in every way there is; a configuration exists exactly when there are no errors.
fn read(value: &Value) {
    let (configuration, problems) = read_configuration(value);
    assert_eq!(configuration.is_some(), problems.errors.is_empty(), "{value}");
    for problem in problems.errors.iter().chain(&problems.warnings) {
        assert!(problem.path.starts_with('$') && !problem.message.is_empty());
    }
    let _ = redact(value);
    if let Some(configuration) = configuration {
        let _ =
            check_files(&configuration, &|_| Some(b"{\"schema\": [{\"name\": \"a\", \"type\": \"INT64\"}]}".to_vec()));
    }
}

#[test]
fn the_seeds_are_good() {
    for seed in seeds() {
        let (_, problems) = read_configuration(&seed);
        assert_eq!(super::lines(&problems.errors), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn values_replaced(seed in any::<Index>(), changes in proptest::collection::vec((any::<Index>(), odd_values()), 1..4)) {
        let seeds = seeds();
        let mut value = seed.get(&seeds).clone();
        for (place, by) in changes {
            let mut n = place.index(count(&value));
            replace(&mut value, &mut n, &by);
        }
        read(&value);
    }

    #[test]
    fn text_damaged(seed in any::<Index>(), at in any::<Index>(), cut in 0_usize..9, insert in "[\\[\\]{},:\"a0 é\\\\]{0,3}") {
        let seeds = seeds();
        let text: Vec<char> = seed.get(&seeds).to_string().chars().collect();
        let at = at.index(text.len());
        let damaged: String = text[..at].iter().copied().chain(insert.chars()).chain(text[at..].iter().skip(cut).copied()).collect();
        let (configuration, problems) = parse_configuration(&damaged);
        prop_assert_eq!(configuration.is_some(), problems.errors.is_empty());
    }
}

/// Large hostile inputs are refused, or read, in a time that a person does not notice.
#[test]
fn large_inputs_are_read_quickly() {
    let many = 10_000;
    let tasks: Vec<Value> = (0..many).map(|i| json!({"id": format!("t{i}"), "sql_file": "a.sql"})).collect();
    let same: Vec<Value> = (0..many).map(|_| json!({"id": "t", "sql_file": 1, "x": 1})).collect();
    let unknown: Vec<String> = (0..many).map(|i| format!("u{i} >> t{i}")).collect();
    let parameters: serde_json::Map<String, Value> = (0..many).map(|i| (format!("p{i}"), json!(i))).collect();
    let start = std::time::Instant::now();
    for value in [
        configuration("table-to-table", json!({"default_gcp_project_id": "p", "workflow": tasks})),
        configuration("table-to-table", json!({"default_gcp_project_id": "p", "workflow": same})),
        configuration(
            "table-to-table",
            json!({"default_gcp_project_id": "p", "workflow": tasks, "task_dependencies": unknown}),
        ),
        configuration("context", json!({"parameters": parameters})),
        configuration("context", Value::Object(parameters.clone())),
        configuration("context", json!({"x".repeat(1_000_000): 1, "parameters": {}})),
    ] {
        read(&value);
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}

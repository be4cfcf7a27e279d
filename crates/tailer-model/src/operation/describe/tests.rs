//! Parameters as people read them: what was written, what is inherited, what is a default.

use serde_json::json;

use super::*;
use crate::{read_configuration, redact};

fn described(document: Value) -> Description {
    let (configuration, problems) = read_configuration(&document);
    configuration.unwrap_or_else(|| panic!("{problems:?}")).describe(&redact(&document))
}

fn with_identity(kind: &str, more: Value) -> Value {
    let mut document = json!({
        "configuration_type": kind, "configuration_id": "x", "environment": "DEV", "account": "000099",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

fn row<'a>(rows: &'a [Row], name: &str) -> (&'a str, Origin) {
    let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}: {rows:#?}"));
    (&row.value, row.origin)
}

fn section<'a>(description: &'a Description, title: &str) -> &'a [Row] {
    &description.sections.iter().find(|section| section.title == title).unwrap().rows
}

#[test]
fn tasks_say_what_they_inherit() {
    let description = described(with_identity(
        "table-to-table",
        json!({
            "start_date": "2024, 01, 01", "schedule_interval": "0 7 * * *", "retries": 2,
            "default_gcp_project_id": "test-project", "default_bq_dataset": "core",
            "default_write_disposition": "WRITE_APPEND",
            "workflow": [
                {"id": "a", "sql_file": "a.sql", "table_name": "t"},
                {"id": "b", "sql_file": "b.sql", "table_name": "u", "bq_dataset": "own", "retries": 0,
                 "write_disposition": "WRITE_EMPTY", "criticality": "warning", "doc_md": "b.md"},
                {"id": "c", "task_type": "create_gbq_table", "bq_table": "v", "ddl_file": "v.json"},
            ],
        }),
    ));
    let schedule = section(&description, "Schedule");
    assert_eq!(row(schedule, "schedule_interval"), ("every day at 07:00 (0 7 * * *)", Origin::Written));
    assert_eq!(row(schedule, "catchup"), ("no", Origin::Default));
    assert_eq!(row(section(&description, "Runs"), "max_active_runs"), ("1", Origin::Default));
    let [a, b, c] = description.parts.as_slice() else { panic!("{description:#?}") };
    assert_eq!(a.destination.as_deref(), Some("test-project.core.t"));
    assert_eq!(a.disposition, Some(("WRITE_APPEND".to_owned(), Origin::Inherited)));
    assert_eq!(a.criticality, Some((Criticality::Critical, Origin::Default)));
    assert_eq!(row(&a.rows, "gcp_project_id"), ("test-project", Origin::Inherited));
    assert_eq!(row(&a.rows, "retries"), ("2", Origin::Inherited));
    assert_eq!(row(&a.rows, "retry_delay_seconds"), ("1 min", Origin::Default));
    assert_eq!(row(&a.rows, "timeout_seconds"), ("no limit", Origin::Default));
    assert_eq!(b.destination.as_deref(), Some("test-project.own.u"));
    assert_eq!(b.disposition, Some(("WRITE_EMPTY".to_owned(), Origin::Written)));
    assert_eq!(row(&b.rows, "retries"), ("0", Origin::Written));
    let files: Vec<_> = b.files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
    assert_eq!(files, [("b.sql", FileKind::Sql), ("b.md", FileKind::Markdown)]);
    assert_eq!((c.disposition.clone(), row(&c.rows, "force_delete_partition")), (None, ("yes", Origin::Default)));
}

#[test]
fn exports_take_from_the_root_and_older_versions_are_their_own() {
    let own = json!({
        "gcs_dest_bucket": "lake", "gcs_dest_prefix": "out", "gcp_project_id": "test-project",
        "output_filename": "a.csv", "field_delimiter": "\t", "sql_file": "a.sql",
    });
    let mut third = own.clone();
    third["version"] = json!("3");
    third["tasks"] = json!([{"task_id": "one", "compression": "GZIP"}, {"task_id": "two", "sql_file": "b.sql"}]);
    let description = described(with_identity("table-to-storage", third));
    let [one, two] = description.parts.as_slice() else { panic!("{description:#?}") };
    assert_eq!(one.destination.as_deref(), Some("gcs://lake/out/a.csv"));
    assert_eq!(row(&one.rows, "field_delimiter"), ("tab", Origin::Inherited));
    assert_eq!(row(&one.rows, "compression"), ("GZIP", Origin::Written));
    assert_eq!(row(&two.rows, "compression"), ("None", Origin::Default));
    let description = described(with_identity("table-to-storage", own));
    assert_eq!(row(&description.parts[0].rows, "field_delimiter"), ("tab", Origin::Written));
}

#[test]
fn tables_take_from_their_destination() {
    let description = described(with_identity(
        "storage-to-tables",
        json!({
            "source": {"type": "gcs", "gcs_source_bucket": "in", "gcs_source_prefix": "drop", "gcs_archive_prefix": "done"},
            "destinations": [{
                "type": "bigquery", "gcp_project_id": "test-project", "gbq_dataset": "raw", "skip_leading_rows": 0,
                "tables": [{"table_name": "t", "filename_template": "t.csv", "ddl_mode": "header", "null_marker": ""}],
            }],
        }),
    ));
    let source = section(&description, "Source");
    assert_eq!(row(source, "source").0, "gcs://in/drop");
    assert_eq!(row(source, "gcs_archive_prefix"), ("done", Origin::Written));
    let table = &description.parts[0];
    assert_eq!(row(&table.rows, "skip_leading_rows"), ("0", Origin::Inherited));
    assert_eq!(row(&table.rows, "null_marker"), ("\"\"", Origin::Written));
    assert_eq!(row(&table.rows, "field_delimiter"), ("|", Origin::Default));
    assert_eq!(row(section(&description, "Runs"), "max_active_runs"), ("50", Origin::Default));
}

#[test]
fn secrets_are_never_described() {
    let description = described(with_identity(
        "storage-to-storage",
        json!({
            "filename_templates": "*",
            "source": {"type": "sftp", "sftp_host": "h", "sftp_userid": "ada", "sftp_password_secret": "hunter2",
                       "sftp_source_directory": "/in"},
            "destinations": [{"type": "s3", "s3_bucket": "b", "aws_access_key": "AKIA", "aws_access_key_secret": {"env": "HUNTER2"}}],
            "monitoring": {"alert_enabled": true, "slack_token": "hunter2", "alert_status": ["FAILED", "NO_MATCH"]},
        }),
    ));
    let source = section(&description, "Source");
    assert_eq!(row(source, "source").0, "sftp://h//in");
    assert_eq!(row(source, "sftp_userid").0, "ada");
    assert_eq!(row(source, "sftp_password_secret"), ("hidden", Origin::Written));
    assert_eq!(row(section(&description, "Monitoring"), "alert_status").0, "FAILED, NO_MATCH");
    let context = described(with_identity(
        "context",
        json!({"parameters": {
            "n": {"type": "integer", "value": 3, "description": "how many"},
            "key": {"type": "string", "value": "hunter2", "resource": "secret"},
        }}),
    ));
    let constants = section(&context, "Constants");
    assert_eq!((row(constants, "n").0, row(constants, "key").0), ("3", "hidden"));
    let said = format!("{description:?}{context:?}").to_lowercase();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_workflow_says_what_it_collects() {
    let description = described(with_identity(
        "workflow",
        json!({
            "version": "2", "authorized_job_ids": ["gbq-to-gbq|a_DEV", "gbq-to-gbq|b_DEV"],
            "target_dag": {"configuration_type": "table-to-table", "configuration_id": "t"},
        }),
    ));
    let rows = section(&description, "Collects");
    assert_eq!(rows.iter().filter(|row| row.name == "authorized_job_ids").count(), 2);
    assert_eq!(row(rows, "target_dag").0, "gbq-to-gbq t");
    assert_eq!(row(rows, "schedule_interval_reset"), ("never", Origin::Default));
}

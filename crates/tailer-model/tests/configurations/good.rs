//! One complete configuration of each kind, as typed values with every default applied.

use serde_json::json;
use tailer_model::{
    ConfigurationType, Criticality, check_files,
    configuration::FileKind,
    operation::{
        Definition, WriteDisposition,
        storage_to_storage::{EmptyFilePolicy, StorageKind, TopFile},
        storage_to_tables::{DdlMode, SourceFormat},
        table_to_storage::{Compression, CopyTable, DestinationFormat},
        table_to_table::Action,
    },
};

use super::{accepted, check_warnings, configuration, lines};

/// What the vendor's files carry instead of a real secret.
fn shortened_secret() -> serde_json::Value {
    json!({"cipher_aes": "223xxx", "tag": "8ddxxx", "ciphertext": "4c7xxx", "enc_session_key": "830xxx"})
}

#[test]
fn header() {
    let task = json!([{"id": "a", "sql_file": "a.sql"}]);
    let (read, warnings) = accepted(&configuration(
        "gbq-to-gbq",
        json!({"$schema": "x", "version": "2", "archived": true, "activated": false, "short_description": "s",
               "doc_md": "readme.md", "monitoring": {"impact": 2}, "workflow": task, "default_gcp_project_id": "p"}),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    let header = &read.header;
    assert_eq!(header.configuration_type, ConfigurationType::TableToTable);
    assert_eq!((header.activated, header.archived, header.max_active_runs), (false, true, 1));
    assert_eq!(header.version.as_deref(), Some("2"));
    assert_eq!(header.monitoring, tailer_model::Monitoring::default());
    assert_eq!(header.deployed_id(), "000099-test_DEV");
    assert_eq!(header.identity().job_id(None).as_str(), "gbq-to-gbq|000099-test_DEV");
    assert_eq!(read.files.iter().collect::<Vec<_>>(), ["a.sql", "readme.md"]);
}

#[test]
fn table_to_table() {
    let (read, warnings) = accepted(&configuration(
        "table-to-table",
        json!({
            "start_date": "2023, 1, 23", "schedule_interval": "0 7 * * *", "catchup": true, "max_active_runs": 3,
            "task_concurrency": 2, "direct_execution": true, "default_gcp_project_id": "my-project",
            "default_bq_dataset": "core", "default_bq_data_location": "US", "default_write_disposition": "WRITE_APPEND",
            "task_dependencies": ["create >> [fill, script] >> copy", "copy >> drop"],
            "workflow": [
                {"id": "create", "task_type": "create_gbq_table", "bq_table": "sales_{{FD_DATE}}", "ddl_file": "ddl/sales.json",
                 "force_delete": true, "write_disposition": "WRITE_TRUNCATE"},
                {"id": "fill", "sql_file": "fill.sql", "table_name": "sales$20240101", "write_disposition": "write_empty",
                 "sql_query_template": "TEMPLATE_CURRENT_DATE", "use_query_cache": true, "bq_dataset": "other"},
                {"id": "script", "task_type": "run_gbq_script", "sql_file": "script.sql"},
                {"id": "copy", "task_type": "copy_gbq_table", "source_gcp_project_id": "p2", "source_bq_dataset": "d2",
                 "source_bq_table": "t2", "destination_bq_table": "sales", "destination_bq_table_date_suffix": true,
                 "gcp_project_id": "p3"},
                {"id": "drop", "task_type": "delete_gbq_table", "bq_table": "old$27", "criticality": "stop"},
                {"id": "check", "task_type": "expectation", "sql_file": "check.sql", "criticality": "warning"},
            ],
        }),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(read.header.max_active_runs, 3);
    let Definition::TableToTable(operation) = &read.definition else { panic!("{:?}", read.definition) };
    assert_eq!(operation.schedule.start_date.unwrap().to_string(), "2023-01-23");
    assert_eq!(operation.schedule.interval.as_ref().unwrap().as_str(), "0 7 * * *");
    assert!(operation.schedule.catchup);
    assert_eq!((operation.task_concurrency, operation.location.as_str()), (2, "US"));
    assert_eq!(operation.graph.parents, [vec![], vec![0], vec![0], vec![1, 2], vec![3], vec![]]);
    let [create, fill, script, copy, drop, check] = operation.tasks.as_slice() else { panic!() };
    assert_eq!(
        create.action,
        Action::CreateTable {
            table: "sales_{{FD_DATE}}".into(),
            ddl_file: "ddl/sales.json".into(),
            force_delete: true,
            force_delete_partition: true
        }
    );
    assert_eq!((fill.project.as_str(), fill.dataset.as_str(), fill.task_type.as_str()), ("my-project", "other", "sql"));
    assert_eq!(
        fill.action,
        Action::Sql {
            sql_file: "fill.sql".into(),
            table_name: Some("sales$20240101".into()),
            write_disposition: WriteDisposition::Empty,
            temporary_table: false,
            current_date_template: true,
            use_query_cache: Some(true)
        }
    );
    assert_eq!(script.task_type, "run_gbq_script");
    assert!(matches!(
        &script.action,
        Action::Sql { table_name: None, write_disposition: WriteDisposition::Append, .. }
    ));
    assert_eq!(copy.project, "p3");
    assert_eq!(
        copy.action,
        Action::CopyTable {
            source_project: "p2".into(),
            source_dataset: "d2".into(),
            source_table: "t2".into(),
            table: "sales".into(),
            date_suffix_format: Some("%Y%m%d".into()),
            write_disposition: WriteDisposition::Append
        }
    );
    assert_eq!(drop.action, Action::DeleteTable { table: "old$27".into() });
    assert_eq!(check.action, Action::Expectation { sql_file: "check.sql".into() });
    assert_eq!(
        (create.criticality, drop.criticality, check.criticality),
        (Criticality::Critical, Criticality::Stop, Criticality::Warning)
    );
    let kinds: Vec<(&str, &str, FileKind)> =
        read.mentions.iter().map(|m| (m.name.as_str(), m.path.as_str(), m.kind)).collect();
    assert!(kinds.contains(&("ddl/sales.json", "$.workflow[0].ddl_file", FileKind::CreateDdl)), "{kinds:?}");
}

#[test]
fn tasks_without_dependencies_run_in_the_order_written() {
    for dependencies in [json!(null), json!([])] {
        let (read, _) = accepted(&configuration(
            "table-to-table",
            json!({"default_gcp_project_id": "p", "task_dependencies": dependencies,
                   "workflow": [{"id": "b", "sql_file": "b.sql"}, {"id": "a", "sql_file": "a.sql"}]}),
        ));
        let Definition::TableToTable(operation) = read.definition else { panic!() };
        assert_eq!(operation.graph.parents, [vec![], vec![0]]);
        assert_eq!((operation.task_concurrency, operation.location.as_str()), (5, "EU"));
        assert_eq!(operation.tasks[0].dataset, "");
    }
}

#[test]
fn table_to_storage_version_3() {
    let (read, warnings) = accepted(&configuration(
        "table-to-storage",
        json!({
            "version": "3", "start_date": "2023, 2, 10", "schedule_interval": "5 1 * * *", "print_header": true,
            "destination_format": "CSV", "gcs_dest_bucket": "out", "gcs_dest_prefix": "exports/{{FD_DATE}}/",
            "gcp_project_id": "p", "field_delimiter": "\\t", "compression": "None",
            "sql_query_template": "TEMPLATE_CURRENT_DATE", "generate_top_file": false,
            "tasks": [
                {"task_id": "with_defaults", "sql_file": "a.sql", "output_filename": "a_{{FD_DATE}}_{{FD_TIME}}.csv",
                 "copy_table": true, "dest_gbq_dataset": "d", "dest_gbq_table": "t",
                 "dest_gbq_table_suffix": "dag_execution_date", "bq_data_location": "US"},
                {"gcs_dest_bucket": "other", "sql_file": "b.sql", "output_filename": "b.parquet",
                 "destination_format": "PARQUET", "compression": "SNAPPY", "generate_top_file": true,
                 "criticality": "warning", "short_description": "second"},
            ],
        }),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    let Definition::TableToStorage(operation) = read.definition else { panic!() };
    let [first, second] = operation.exports.as_slice() else { panic!() };
    assert_eq!((first.id.as_str(), second.id.as_str()), ("with_defaults", "export_2"));
    assert_eq!((first.bucket.as_str(), first.prefix.as_str()), ("out", "exports/{{FD_DATE}}"));
    assert_eq!(
        (first.field_delimiter.as_str(), first.location.as_str(), first.current_date_template),
        ("\t", "US", true)
    );
    assert_eq!(
        first.copy_table,
        Some(CopyTable { project: "p".into(), dataset: "d".into(), table: "t".into(), date_suffix: true })
    );
    assert_eq!(
        (second.bucket.as_str(), second.format, second.compression),
        ("other", DestinationFormat::Parquet, Compression::Snappy)
    );
    assert_eq!(
        (second.generate_top_file, second.criticality, second.copy_table.is_none()),
        (true, Criticality::Warning, true)
    );
    assert_eq!(operation.graph.parents, [vec![], vec![0]]);
}

#[test]
fn table_to_storage_version_1() {
    let (read, warnings) = accepted(&configuration(
        "table-to-storage",
        json!({
            "gcs_dest_bucket": "152-test", "gcs_dest_prefix": "x/", "gcp_project": "p", "field_delimiter": "|",
            "print_header": true, "sql_file": "a.sql", "compression": "None", "output_filename": "{{FD_DATE}}_a.csv",
            "copy_table": false, "dest_gcp_project_id": "used if copy_table is true", "dest_gbq_dataset": "used if...",
            "dest_gbq_table": "used if...", "dest_gbq_table_suffix": "dag_execution_date",
            "delete_dest_bucket_content": true,
        }),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    let Definition::TableToStorage(operation) = read.definition else { panic!() };
    let [export] = operation.exports.as_slice() else { panic!() };
    assert_eq!((export.id.as_str(), export.project.as_str(), export.prefix.as_str()), ("export", "p", "x"));
    assert!(export.delete_destination_content && export.copy_table.is_none());
}

#[test]
fn storage_to_storage() {
    let (read, warnings) = accepted(&configuration(
        "storage-to-storage",
        json!({
            "version": "3",
            "filename_templates": [
                {"filename_template": "{{FD_DATE}}_sales.txt", "file_description": "Sales"},
                {"filename_template": "{{FD_DATE}}_products.txt"},
            ],
            "empty_file_policy": "PROCESS",
            "source": {"type": "gcs", "gcp_project_id": "p", "gcs_source_bucket": "in", "gcs_source_prefix": "/drop/",
                       "archive_prefix": "archive", "gcp_credentials_secret": shortened_secret()},
            "destinations": [
                {"type": "sftp", "generate_top_file": "REPLACE_EXTENSION", "sftp_host": "sftp.domain.com", "sftp_port": "22",
                 "sftp_userid": "john", "sftp_authentication_method": "USERNAME_PASSWORD",
                 "sftp_password_secret": {"env": "SFTP_PASSWORD"}, "sftp_destination_dir": "/", "sftp_destination_dir_create": false},
                {"type": "s3", "s3_bucket": "b", "s3_destination_prefix": "a/b", "aws_access_key": "AKIA",
                 "aws_access_key_secret": shortened_secret()},
                {"type": "azure", "azure_destination_prefix": "container/path/to", "azure_connection_string_secret": {"file": "f"}},
            ],
        }),
    ));
    assert!(
        warnings.iter().all(|w| w.ends_with("is not hexadecimal: this secret cannot be decrypted")),
        "{warnings:?}"
    );
    assert_eq!(read.header.max_active_runs, 5);
    let Definition::StorageToStorage(operation) = read.definition else { panic!() };
    assert_eq!(operation.filename_templates[0].description.as_deref(), Some("Sales"));
    assert_eq!(operation.filename_templates[1].template.as_str(), "{{FD_DATE}}_products.txt");
    assert_eq!(operation.empty_file_policy, EmptyFilePolicy::Process);
    assert_eq!((operation.source.bucket.as_str(), operation.source.prefix.as_str()), ("in", "drop"));
    assert_eq!(operation.archive_prefix.as_deref(), Some("archive"));
    assert_eq!(operation.source.credentials["gcp_credentials_secret"], shortened_secret());
    let [sftp, s3, azure] = operation.destinations.as_slice() else { panic!() };
    assert_eq!(
        (sftp.address.kind, sftp.address.bucket.as_str(), sftp.address.prefix.as_str()),
        (StorageKind::Sftp, "sftp.domain.com", "")
    );
    assert_eq!((sftp.address.absolute, s3.address.absolute), (true, false));
    assert_eq!((sftp.create_directory, sftp.top_file), (false, Some(TopFile::ReplaceExtension)));
    assert_eq!(sftp.address.credentials["sftp_port"], json!(22));
    assert_eq!((s3.address.bucket.as_str(), s3.address.prefix.as_str(), s3.create_directory), ("b", "a/b", true));
    assert_eq!((azure.address.bucket.as_str(), azure.address.prefix.as_str()), ("container", "path/to"));
}

#[test]
fn storage_to_storage_takes_every_file() {
    for any in [json!("*"), json!(["*"])] {
        let (read, _) = accepted(&configuration(
            "storage-to-storage",
            json!({
                "filename_templates": any,
                "source": {"type": "sftp", "sftp_host": "h", "sftp_source_directory": "/in", "sftp_source_filename": "a_{{FD_DATE}}.csv"},
                "destinations": [{"type": "gcs", "gcs_destination_bucket": "b"}],
            }),
        ));
        let Definition::StorageToStorage(operation) = read.definition else { panic!() };
        assert!(operation.filename_templates[0].template.matches("anything").is_some());
        assert_eq!(operation.source_filename.unwrap().as_str(), "a_{{FD_DATE}}.csv");
        assert_eq!(operation.archive_prefix, None);
    }
}

#[test]
fn storage_to_tables() {
    let (read, warnings) = accepted(&configuration(
        "storage-to-table",
        json!({
            "version": "2",
            "source": {"type": "gcs", "gcp_project_id": "p", "gcs_source_bucket": "in", "gcs_source_prefix": "drop",
                       "gcs_archive_prefix": "archive"},
            "destinations": [{
                "type": "bigquery", "gcp_project_id": "my-project", "gbq_dataset": "psa", "source_format": "CSV",
                "create_disposition": "CREATE_NEVER", "write_disposition": "WRITE_APPEND", "skip_leading_rows": 0,
                "field_delimiter": ";", "quote_character": "", "null_marker": "\\N",
                "bq_load_job_ignore_unknown_values": true, "bq_load_job_max_bad_records": 3,
                "bq_load_job_schema_update_options": ["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"],
                "bq_load_job_allow_quoted_newlines": true, "bq_load_job_allow_jagged_rows": true, "add_tailer_metadata": true,
                "tables": [
                    {"table_name": "sales", "short_description": "Sales", "doc_md": "sales.md", "ddl_file": "ddl/sales.json",
                     "filename_template": "sales_{{FD_BLOB_8}}-{{FD_DATE}}.csv"},
                    {"table_name": "any_{{FD_TABLE_NAME}}", "filename_template": "{{FD_TABLE_NAME}}_{{FD_DATE}}.json", "ddl_mode": "autodetect",
                     "source_format": "JSON", "write_disposition": "WRITE_TRUNCATE", "skip_leading_rows": 2, "quote_character": "'",
                     "bq_load_job_schema_update_options": [], "add_tailer_metadata": false},
                    {"table_name": "h", "filename_template": "h.csv", "ddl_mode": "header"},
                    {"table_name": "t", "filename_template": "t.csv", "ddl_mode": "file_template"},
                ],
            }],
        }),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(read.header.configuration_type, ConfigurationType::StorageToTables);
    assert_eq!(read.header.max_active_runs, 50);
    let Definition::StorageToTables(operation) = read.definition else { panic!() };
    assert_eq!(operation.archive_prefix.as_deref(), Some("archive"));
    let [sales, any, header, template] = operation.tables.as_slice() else { panic!() };
    assert_eq!((sales.project.as_str(), sales.dataset.as_str()), ("my-project", "psa"));
    assert_eq!(sales.ddl, DdlMode::File { ddl_file: "ddl/sales.json".into() });
    let options = &sales.options;
    assert_eq!((options.source_format, options.create_if_needed), (SourceFormat::Csv, false));
    assert_eq!((options.write_disposition, options.skip_leading_rows), (WriteDisposition::Append, 0));
    assert_eq!((options.quote_character.as_deref(), options.null_marker.as_deref()), (Some(""), Some("\\N")));
    assert!(options.allow_field_addition && options.allow_field_relaxation && options.add_tailer_metadata);
    assert_eq!(any.ddl, DdlMode::Autodetect);
    assert_eq!((any.options.source_format, any.options.skip_leading_rows), (SourceFormat::Json, 2));
    assert!(!any.options.allow_field_addition && !any.options.add_tailer_metadata);
    assert_eq!((&header.ddl, &template.ddl), (&DdlMode::Header, &DdlMode::FileTemplate));
}

#[test]
fn workflows() {
    let check = |rest, kind, id: &str| {
        let mut value =
            configuration("workflow", json!({"authorized_job_ids": ["table-to-table|a_DEV", "storage-to-storage|b"]}));
        for (name, member) in serde_json::Value::as_object(&rest).unwrap() {
            value[name] = member.clone();
        }
        let (read, warnings) = accepted(&value);
        assert_eq!(warnings, Vec::<String>::new());
        let Definition::Workflow(workflow) = read.definition else { panic!() };
        let awaited: Vec<&str> = workflow.authorized_job_ids.iter().map(|job| job.as_str()).collect();
        assert_eq!(awaited, ["gbq-to-gbq|a_DEV", "storage-to-storage|b"]);
        assert_eq!((workflow.target_type, workflow.target_id.as_str()), (kind, id));
        workflow.reset.map(|cron| cron.as_str().to_owned())
    };
    let reset = check(
        json!({"version": "2", "gcp_project_id": "p", "schedule_interval_reset": "59 23 * * *",
               "target_dag": {"configuration_type": "table-to-table", "configuration_id": "T_DEV"}}),
        ConfigurationType::TableToTable,
        "T_DEV",
    );
    assert_eq!(reset.as_deref(), Some("59 23 * * *"));
    let none = json!({"target_dag": "000099-load_DEV", "schedule_interval_reset": "None"});
    assert_eq!(check(none, ConfigurationType::TableToTable, "000099-load_DEV"), None);
    check(
        json!({"target_dag": "table-to-storage", "extra_parameters": {"firestore_conf_doc_id": "E"}}),
        ConfigurationType::TableToStorage,
        "E",
    );
}

#[test]
fn context() {
    let (read, warnings) = accepted(&configuration(
        "context",
        json!({"gcp_project_id": "p", "parameters": {
            "an_integer": {"value": 1, "type": "integer", "resource": "value", "description": "d"},
            "a_float": {"value": 1.5, "type": "float"},
            "a_flag": {"value": true, "type": "boolean"},
            "a_secret": {"value": shortened_secret(), "type": "object", "resource": "credentials"},
            "a_text": {"value": "{{anything}}", "type": "string"},
        }}),
    ));
    assert_eq!(warnings, Vec::<String>::new());
    let Definition::Context(context) = read.definition else { panic!() };
    let names: Vec<&str> = context.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["an_integer", "a_float", "a_flag", "a_secret", "a_text"]);
    assert_eq!(context.parameters[0].description.as_deref(), Some("d"));
}

#[test]
fn what_is_odd_but_possible_is_warned_of() {
    check_warnings(
        &configuration(
            "table-to-table",
            json!({
                "schedule_interval": "0 7 * * *", "default_gcp_project_id": "p", "default_bq_dataset": "d", "max_activ_runs": 2,
                "workflow": [
                    {"id": "a", "sql_file": "a.sql", "bq_table": "t", "criticality": "warning"},
                    {"id": "b", "task_type": "create_gbq_table", "bq_table": "t", "ddl_file": "t.json", "sql_file": "b.sql"},
                ],
            }),
        ),
        &[
            "$.schedule_interval: nothing is scheduled without a \"start_date\"",
            "$.max_activ_runs: unknown parameter \"max_activ_runs\", ignored; did you mean \"max_active_runs\"?",
            "$.workflow[0].bq_table: \"bq_table\" means nothing for a sql task: ignored",
            "$.workflow[1].sql_file: \"sql_file\" means nothing for a create_gbq_table task: ignored",
            "$.workflow[0].criticality: task \"a\" is warning: critical task \"b\" runs after it even when it failed",
        ],
    );
    check_warnings(
        &configuration(
            "table-to-storage",
            json!({
                "gcs_dest_bucket": "b", "gcp_project_id": "p", "delete_dest_bucket_content": true,
                "tasks": [{"id": "my-export", "sql_file": "a.sql", "output_filename": "a.csv"}],
            }),
        ),
        &[
            "$.tasks[0].id: \"my-export\" is not a task id (letters, digits, underscores): used as \"my_export\"",
            "$.delete_dest_bucket_content: without a \"gcs_dest_prefix\" this empties the whole bucket before each export",
        ],
    );
}

#[test]
fn files_are_checked() {
    let (read, _) = accepted(&configuration(
        "table-to-table",
        json!({
            "doc_md": "readme.md", "default_gcp_project_id": "p", "default_bq_dataset": "d",
            "workflow": [
                {"id": "a", "sql_file": "a.sql", "table_name": "a"},
                {"id": "b", "sql_file": "b.sql"},
                {"id": "c", "sql_file": "c.sql"},
                {"id": "d", "sql_file": "d.sql"},
                {"id": "e", "task_type": "create_gbq_table", "bq_table": "e", "ddl_file": "e.json"},
                {"id": "f", "task_type": "create_gbq_table", "bq_table": "f", "ddl_file": "f.json"},
            ],
        }),
    ));
    let problems = check_files(&read, &|name| match name {
        "a.sql" => Some(b"SELECT '{{TEMPLATE_CURRENT_DATE}}'".to_vec()),
        "b.sql" => Some(b"-- nothing\n".to_vec()),
        "c.sql" => Some(vec![0xff, 0xfe]),
        "d.sql" => Some(b"SELECT 1;".to_vec()),
        "e.json" => Some(b"{\"bq_table_schema\": [{\"name\": \"a\", \"type\": \"STRIN\"}]}".to_vec()),
        _ => None,
    });
    assert_eq!(
        lines(&problems.errors),
        [
            "b.sql $: the file holds no SQL",
            "c.sql $: the file is not UTF-8 text",
            "e.json $.bq_table_description: \"bq_table_description\" is missing",
            "e.json $.bq_table_schema[0].type: expected a column type (STRING, BYTES, INT64, FLOAT64, NUMERIC, BIGNUMERIC, BOOL, \
             TIMESTAMP, DATE, TIME, DATETIME, INTERVAL, GEOGRAPHY, JSON, RECORD), found the string \"STRIN\"; did you mean \"STRING\"?",
            "$.workflow[5].ddl_file: the file \"f.json\" is missing: it must come with the configuration",
        ]
    );
    assert_eq!(
        lines(&problems.warnings),
        [
            "a.sql $: {{TEMPLATE_CURRENT_DATE}} is only replaced with \"sql_query_template\": \"TEMPLATE_CURRENT_DATE\"",
            "$.doc_md: the file \"readme.md\" is missing: it must come with the configuration",
            "$.workflow[3]: \"d.sql\" is a single query: without a \"table_name\" its rows go nowhere",
        ]
    );
}

//! What is said of bad configurations: every problem, each with its path.

use serde_json::{Value, json};
use tailer_model::parse_configuration;

use super::{check_errors, configuration, lines};

#[test]
fn the_text_must_be_json() {
    let (configuration, problems) = parse_configuration("{\n  \"account\": \"000099\"\n  \"x\": 1}");
    assert_eq!(configuration, None);
    let [problem] = problems.errors.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.line, problem.column), (Some(3), Some(3)));
    assert!(problem.message.contains("a comma is missing"), "{}", problem.message);
    for text in ["[]", "3", "null", "\"x\""] {
        let (_, problems) = parse_configuration(text);
        assert!(lines(&problems.errors)[0].starts_with("$: expected an object, found"), "{text}");
    }
}

#[test]
fn header() {
    check_errors(
        &json!({}),
        &[
            "$.configuration_type: \"configuration_type\" is missing",
            "$.configuration_id: \"configuration_id\" is missing",
            "$.environment: \"environment\" is missing",
            "$.account: \"account\" is missing",
        ],
    );
    check_errors(
        &json!({
            "configuration_type": "contxt", "configuration_id": "a|b", "environment": "dev", "account": 99,
            "activated": "true", "max_active_runs": 0, "version": 2, "doc_md": "../x.md", "monitoring": [],
        }),
        &[
            "$.configuration_type: expected one of table-to-table (or gbq-to-gbq), table-to-storage, storage-to-storage, \
             storage-to-tables, workflow, context, vm-launcher; found \"contxt\"; did you mean \"context\"?",
            "$.configuration_id: must not contain \"|\", \"/\", \"\\\" or control characters",
            "$.environment: expected one of PROD, PREPROD, STAGING, DEV; found the string \"dev\"",
            "$.account: expected a string, found the number 99",
            "$.activated: expected true or false (without quotes), found the string \"true\"",
            "$.max_active_runs: expected a whole number from 1 to 4294967295, found the number 0",
            "$.version: expected a string, found the number 2",
            "$.doc_md: the path must stay inside the configuration's folder: \"..\" is not allowed",
            "$.monitoring: expected an object, found an array",
        ],
    );
    for id in ["", " ", " a", "a/b", "a\nb", &"x".repeat(201)] {
        let (configuration, _) = parse_configuration(
            &configuration("context", json!({"configuration_id": id, "parameters": {}})).to_string(),
        );
        assert_eq!(configuration, None, "{id:?}");
    }
    for later in ["vm-launcher", "api-to-storage", "xml-conversion", "file-utilities"] {
        let expected = format!("$.configuration_type: \"{later}\" is not supported yet by this version");
        check_errors(&configuration(later, json!({"anything": 1})), &[&expected]);
    }
}

#[test]
fn constants_of_a_context_must_be_replaced() {
    check_errors(
        &configuration(
            "table-to-table",
            json!({"max_active_runs": "{{runs}}", "default_gcp_project_id": "p", "short_description": "{{FD_ENV}}",
                   "workflow": [{"id": "a", "sql_file": "{{folder}}/a.sql"}]}),
        ),
        &[
            "$.max_active_runs: expected a whole number from 1 to 4294967295, found the string \"{{runs}}\"; a constant gets its \
             value from the context given when deploying",
            "$.short_description: unknown constant {{FD_ENV}}: deploy with the context that gives its value",
            "$.max_active_runs: unknown constant {{runs}}: deploy with the context that gives its value",
            "$.workflow[0].sql_file: unknown constant {{folder}}: deploy with the context that gives its value",
        ],
    );
}

#[test]
fn table_to_table() {
    check_errors(
        &configuration(
            "table-to-table",
            json!({
                "start_date": "2023, 2, 30", "schedule_interval": "0 7 * *", "catchup": 1, "task_concurrency": 0,
                "default_write_disposition": "WRITE_TRUNCAT", "default_bq_dataset": "p.d",
                "workflow": [
                    {"id": "a_", "sql_file": "/a.sql"},
                    {"task_type": "creat_gbq_table"},
                    {"id": "c", "task_type": "create_gbq_table", "bq_table": "t$1", "force_delete": "yes", "gcp_project_id": "p", "bq_dataset": "d"},
                    {"id": "d", "task_type": "copy_gbq_table", "destination_bq_table_date_suffix": true,
                     "destination_bq_table_date_suffix_format": "%Y/%m", "gcp_project_id": "p", "bq_dataset": "d"},
                    {"id": "e", "task_type": "delete_gbq_table", "bq_table": "a.b", "gcp_project_id": "p", "bq_dataset": "d"},
                    {"id": "f", "sql_file": "f.sql", "temporary_table": true, "criticality": "fatal", "gcp_project_id": "p"},
                    "g",
                ],
            }),
        ),
        &[
            "$.start_date: expected a real date from 1970 on, written \"YYYY, MM, DD\" such as \"2023, 1, 23\"",
            "$.schedule_interval: expected \"None\" or a cron expression with five fields (minute, hour, day of month, month, day \
             of week) such as \"0 7 * * *\", found 4 fields",
            "$.catchup: expected true or false (without quotes), found the number 1",
            "$.task_concurrency: expected a whole number from 1 to 4294967295, found the number 0",
            "$.default_write_disposition: expected one of \"WRITE_TRUNCATE\", \"WRITE_APPEND\", \"WRITE_EMPTY\", found the string \
             \"WRITE_TRUNCAT\"; did you mean \"WRITE_TRUNCATE\"?",
            "$.default_bq_dataset: \"p.d\" is not a dataset: letters, digits, \"_\" and \"-\" (the project has a parameter of its own)",
            "$.workflow[6]: expected an object, found the string \"g\"",
            "$.workflow[0].id: a task id has letters, digits and underscores, starts with a letter and does not end with an \
             underscore; found the string \"a_\"",
            "$.workflow[0].sql_file: expected a path relative to the configuration's folder",
            "$.workflow[0].gcp_project_id: give \"gcp_project_id\" here, or \"default_gcp_project_id\" for all tasks at \
             $.default_gcp_project_id",
            "$.workflow[1].id: \"id\" is missing",
            "$.workflow[1].task_type: expected one of \"sql\", \"create_gbq_table\", \"copy_gbq_table\", \"delete_gbq_table\", \
             \"expectation\", \"run_gbq_script\", found the string \"creat_gbq_table\"; did you mean \"create_gbq_table\"?",
            "$.workflow[2].bq_table: \"t$1\": a partition (\"$...\") is not possible here",
            "$.workflow[2].ddl_file: \"ddl_file\" is missing",
            "$.workflow[2].force_delete: expected true or false (without quotes), found the string \"yes\"",
            "$.workflow[3].source_gcp_project_id: \"source_gcp_project_id\" is missing",
            "$.workflow[3].source_bq_dataset: \"source_bq_dataset\" is missing",
            "$.workflow[3].source_bq_table: \"source_bq_table\" is missing",
            "$.workflow[3].destination_bq_table: \"destination_bq_table\" is missing",
            "$.workflow[3].destination_bq_table_date_suffix_format: \"%Y/%m\" gives \"2024/02\", which cannot end a table name",
            "$.workflow[4].bq_table: \"a.b\" is not a table name: letters, digits, \"_\" and \"-\" (project and dataset have \
             parameters of their own)",
            "$.workflow[5].temporary_table: a temporary table needs a \"table_name\"",
            "$.workflow[5].criticality: expected one of \"critical\", \"warning\", \"transparent\", \"break\", \"stop\", found the \
             string \"fatal\"",
        ],
    );
    check_errors(&configuration("table-to-table", json!({})), &["$.workflow: \"workflow\" is missing"]);
    check_errors(
        &configuration("table-to-table", json!({"workflow": []})),
        &["$.workflow: must have at least one entry"],
    );
}

#[test]
fn graphs() {
    let three = |dependencies: Value, warning: &str| {
        configuration(
            "table-to-table",
            json!({
                "default_gcp_project_id": "p", "task_dependencies": dependencies,
                "workflow": [
                    {"id": "load", "sql_file": "a.sql", "criticality": warning},
                    {"id": "report", "sql_file": "a.sql"},
                    {"id": "send", "sql_file": "a.sql"},
                ],
            }),
        )
    };
    check_errors(
        &three(json!(["load >> repot", "report >>", 5]), "critical"),
        &[
            "$.task_dependencies[2]: expected a string, found the number 5",
            "$.task_dependencies[0]: there is no task \"repot\"; did you mean \"report\"?",
            "$.task_dependencies[1]: expected a task or \"[\", found the end of the line",
        ],
    );
    check_errors(
        &three(json!(["load >> report >> send >> report"]), "critical"),
        &["$.task_dependencies: the tasks wait for each other in a circle: report >> send >> report"],
    );
    check_errors(
        &three(json!(["load >> report"]), "warning"),
        &[
            "$.workflow[0].criticality: task \"load\" is warning but task \"report\", which waits for it, is critical: make \"load\" \
           critical, or \"report\" not critical",
        ],
    );
    check_errors(
        &configuration(
            "table-to-table",
            json!({"default_gcp_project_id": "p", "workflow": [{"id": "a", "sql_file": "a.sql"}, {"id": "a", "sql_file": "b.sql"}]}),
        ),
        &["$.workflow[1]: the id \"a\" is already that of $.workflow[0]"],
    );
}

#[test]
fn table_to_storage() {
    check_errors(
        &configuration(
            "table-to-storage",
            json!({
                "version": "3", "compression": "GZIP", "field_delimiter": "||", "gcs_dest_bucket": "gs://out",
                "tasks": [
                    {"id": "a", "destination_format": "AVRO", "output_filename": "x/a.avro"},
                    {"id": "b", "output_filename": "{{FD_DAT}}.csv", "sql_file": "b.sql", "gcp_project_id": "p", "copy_table": true},
                    {"id": "c", "compression": "SNAPPY", "output_filename": "c.csv", "sql_file": "c.sql", "gcp_project_id": "p",
                     "gcs_dest_prefix": "a/../b"},
                ],
            }),
        ),
        &[
            "$.gcs_dest_bucket: expected a name only, without \"gs://\"",
            "$.tasks[0].gcp_project_id: \"gcp_project_id\" is missing here, and there is no default at $.gcp_project_id",
            "$.tasks[0].sql_file: \"sql_file\" is missing here, and there is no default at $.sql_file",
            "$.tasks[0].output_filename: expected the name of a file; folders go into \"gcs_dest_prefix\"",
            "$.compression: GZIP is not possible with AVRO",
            "$.tasks[1].output_filename: {{FD_DAT}} cannot be used here (only {{FD_DATE}}, {{FD_DATE_YEAR_4}}, {{FD_DATE_YEAR_2}}, \
             {{FD_DATE_MONTH}}, {{FD_DATE_DAY}}, {{FD_TIME}}); did you mean \"FD_DATE\"?",
            "$.tasks[1].dest_gbq_dataset: \"dest_gbq_dataset\" is missing here, and there is no default at $.dest_gbq_dataset",
            "$.tasks[1].dest_gbq_table: \"dest_gbq_table\" is missing here, and there is no default at $.dest_gbq_table",
            "$.field_delimiter: expected one character (or \"\\\\t\" for a tab), found \"||\"",
            "$.tasks[2].gcs_dest_prefix: a folder must not have \".\" or \"..\" as a part",
            "$.tasks[2].compression: SNAPPY is not possible with CSV",
        ],
    );
    check_errors(&configuration("table-to-storage", json!({"version": "3"})), &["$.tasks: \"tasks\" is missing"]);
    check_errors(
        &configuration("table-to-storage", json!({})),
        &[
            "$.gcs_dest_bucket: \"gcs_dest_bucket\" is missing",
            "$.gcp_project_id: \"gcp_project_id\" is missing",
            "$.sql_file: \"sql_file\" is missing",
            "$.output_filename: \"output_filename\" is missing",
        ],
    );
}

#[test]
fn storage_to_storage() {
    check_errors(
        &configuration("storage-to-storage", json!({})),
        &[
            "$.filename_templates: \"filename_templates\" is missing",
            "$.source: \"source\" is missing",
            "$.destinations: \"destinations\" is missing",
        ],
    );
    check_errors(
        &configuration(
            "storage-to-storage",
            json!({
                "filename_templates": [{"filename_template": "a_{{FD_DAT}}.csv"}, {"file_description": "x"}, 3],
                "empty_file_policy": "IGNORE",
                "source": {"type": "s3", "s3_source_prefix": "../x", "aws_access_key_secret": 3},
                "destinations": [
                    {"type": "ftp"}, {"type": "sftp", "sftp_port": 70_000, "generate_top_file": true},
                    {"type": "azure"}, {"type": "gcs", "gcs_destination_bucket": "a b"},
                ],
            }),
        ),
        &[
            "$.filename_templates[0].filename_template: {{FD_DAT}} is not a name of filename templates (FD_DATE, FD_TIME, \
             FD_DATE_YEAR_4, FD_DATE_YEAR_2, FD_DATE_MONTH, FD_DATE_DAY, FD_BLOB_n, FD_TABLE_NAME); did you mean \"FD_DATE\"?",
            "$.filename_templates[1].filename_template: \"filename_template\" is missing",
            "$.filename_templates[2]: expected an object, found the number 3",
            "$.empty_file_policy: expected one of \"NONE\", \"PROCESS\", \"TRIGGER_FAILED_STATUS\", \"TRIGGER_SUCCESS_STATUS\", found \
             the string \"IGNORE\"",
            "$.source.s3_source_bucket: \"s3_source_bucket\" is missing",
            "$.source.s3_source_prefix: a folder must not have \".\" or \"..\" as a part",
            "$.source.aws_access_key_secret: expected an encrypted secret, {\"env\": \"NAME\"} or {\"file\": \"path\"}",
            "$.destinations[0].type: expected one of \"gcs\", \"s3\", \"azure\", \"sftp\", found the string \"ftp\"; did you mean \
             \"sftp\"?",
            "$.destinations[1].sftp_host: \"sftp_host\" is missing",
            "$.destinations[1].sftp_port: expected a whole number from 1 to 65535, found the number 70000",
            "$.destinations[1].generate_top_file: expected a string, found the boolean true",
            "$.destinations[2].azure_destination_prefix: \"azure_destination_prefix\" is missing",
            "$.destinations[3].gcs_destination_bucket: \"a b\" is not a bucket, container or host: letters, digits, \"-\", \"_\" and \
             \".\"",
        ],
    );
    check_errors(
        &configuration(
            "storage-to-storage",
            json!({
                "filename_templates": "*",
                "source": {"type": "gcs", "gcs_source_bucket": "b", "gcs_source_prefix": "in", "archive_prefix": "in/"},
                "destinations": [{"type": "gcs", "gcs_destination_bucket": "b", "gcs_destination_prefix": "/in"}],
            }),
        ),
        &["$.source.archive_prefix: the archive must be a folder of its own, not the source folder or the root"],
    );
    check_errors(
        &configuration(
            "storage-to-storage",
            json!({
                "filename_templates": "a.csv",
                "source": {"type": "gcs", "gcs_source_bucket": "b", "gcs_source_prefix": "in"},
                "destinations": [{"type": "gcs", "gcs_destination_bucket": "b", "gcs_destination_prefix": "/in"}],
            }),
        ),
        &[
            "$.filename_templates: expected \"*\" or a list of templates, found the string \"a.csv\"",
            "$.destinations: a destination is the source folder itself: its files would come again and again",
        ],
    );
}

#[test]
fn storage_to_tables() {
    check_errors(
        &configuration(
            "storage-to-tables",
            json!({
                "source": {"type": "s3"},
                "destinations": [{
                    "type": "bigquery", "gcp_project_id": "p", "gbq_dataset": "d", "source_format": "XML", "skip_leading_rows": "1",
                    "bq_load_job_schema_update_options": ["ALLOW"], "quote_character": "''",
                    "tables": [
                        {"table_name": "a", "filename_template": "a.csv"},
                        {"table_name": "{{FD_TABLE_NAME}}", "filename_template": "b.csv", "ddl_mode": "header",
                         "bq_load_job_schema_update_options": [], "quote_character": "'", "source_format": "PARQUET"},
                        {"filename_template": "{{FD_DATE", "ddl_mode": "auto"},
                    ],
                }, {"type": "snowflake"}],
            }),
        ),
        &[
            "$.source.type: expected \"gcs\": files of s3 come here through a storage-to-storage",
            "$.destinations[0].source_format: expected one of \"CSV\", \"JSON\", \"PARQUET\", \"AVRO\", \
             \"NEWLINE_DELIMITED_JSON\", found the string \"XML\"",
            "$.destinations[0].skip_leading_rows: expected a whole number from 0 on, found the string \"1\"",
            "$.destinations[0].bq_load_job_schema_update_options[0]: expected one of ALLOW_FIELD_ADDITION, \
             ALLOW_FIELD_RELAXATION, found \"ALLOW\"",
            "$.destinations[0].quote_character: expected one character, or nothing for no quoting, found \"''\"",
            "$.destinations[0].tables[0].ddl_file: \"ddl_file\" is missing",
            "$.destinations[0].tables[1].ddl_mode: \"header\" reads the first line of CSV files, not PARQUET",
            "$.destinations[0].tables[1].table_name: {{FD_TABLE_NAME}} needs one in \"filename_template\" to take its value from",
            "$.destinations[0].tables[2].table_name: \"table_name\" is missing",
            "$.destinations[0].tables[2].filename_template: \"{{FD_DATE\" holds braces around no name: write names as in \
             \"{{FD_DATE}}\", without spaces",
            "$.destinations[0].tables[2].ddl_mode: expected one of \"file\", \"file_template\", \"header\", \"autodetect\", found the \
             string \"auto\"",
            "$.destinations[1].gcp_project_id: \"gcp_project_id\" is missing",
            "$.destinations[1].gbq_dataset: \"gbq_dataset\" is missing",
            "$.destinations[1].tables: \"tables\" is missing",
            "$.destinations[1].type: expected \"bigquery\", found the string \"snowflake\"",
        ],
    );
}

#[test]
fn workflow() {
    check_errors(
        &configuration("workflow", json!({})),
        &["$.authorized_job_ids: \"authorized_job_ids\" is missing", "$.target_dag: \"target_dag\" is missing"],
    );
    check_errors(
        &configuration(
            "workflow",
            json!({
                "authorized_job_ids": ["X_DEV", "dag|X"], "schedule_interval_reset": "daily",
                "target_dag": {"configuration_type": "table-to-tabel"},
            }),
        ),
        &[
            "$.authorized_job_ids[0]: expected a job id such as \"gbq-to-gbq|<configuration_id>\", its type first",
            "$.authorized_job_ids[1]: unknown type \"dag\" in front of the job id: expected one of table-to-table (or gbq-to-gbq), \
             table-to-storage, storage-to-storage, storage-to-tables, workflow, context, vm-launcher",
            "$.schedule_interval_reset: expected \"None\" or a cron expression with five fields (minute, hour, day of month, month, \
             day of week) such as \"0 7 * * *\", found 1 field",
            "$.target_dag.configuration_type: expected one of table-to-table (or gbq-to-gbq), table-to-storage, storage-to-storage, \
             storage-to-tables, workflow, context, vm-launcher; found the string \"table-to-tabel\"",
            "$.target_dag.configuration_id: \"configuration_id\" is missing",
        ],
    );
    check_errors(
        &configuration(
            "workflow",
            json!({"authorized_job_ids": [], "target_dag": {"configuration_type": "storage-to-storage", "configuration_id": "x"}}),
        ),
        &[
            "$.authorized_job_ids: must have at least one entry: a workflow that awaits nothing never starts its target",
            "$.target_dag: a storage-to-storage cannot be the target of a workflow: only files start it",
        ],
    );
    check_errors(
        &configuration("workflow", json!({"authorized_job_ids": ["workflow|x"], "target_dag": "table-to-storage"})),
        &["$.extra_parameters: \"extra_parameters\" is missing"],
    );
}

#[test]
fn context() {
    check_errors(
        &configuration(
            "context",
            json!({"parameters": {
                "FD_DATE": {"value": 1, "type": "integer"}, "a b": {"value": 1, "type": "integer"}, "c": 5,
                "d": {"type": "text"}, "e": {"value": "hunter2", "type": "integer"},
            }}),
        ),
        &[
            "$.parameters.FD_DATE: \"FD_DATE\" is a reserved name",
            "$.parameters[\"a b\"]: the name of a constant has letters, digits, \"_\", \"-\" and \".\", and starts with a letter",
            "$.parameters.c: expected an object, found the number 5",
            "$.parameters.d.value: \"value\" is missing",
            "$.parameters.d.type: expected one of \"integer\", \"string\", \"float\", \"boolean\", \"object\", found the string \"text\"",
            "$.parameters.e.value: \"type\" says integer, found a string",
        ],
    );
}

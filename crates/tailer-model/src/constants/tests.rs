//! What is filled, what is left alone, what is refused and where.

use serde_json::json;

use super::*;
use crate::parse_configuration;

fn constants() -> Constants {
    let context = json!({
        "configuration_type": "context", "configuration_id": "context_dev", "environment": "DEV", "account": "000099",
        "parameters": {
            "runs": {"value": 3, "type": "integer"},
            "rate": {"value": 1.5, "type": "float"},
            "flag": {"value": true, "type": "boolean"},
            "dataset": {"value": "sales", "type": "string"},
            "folder": {"value": "sql", "type": "string"},
            "dated": {"value": "in/{{FD_DATE}}", "type": "string"},
            "key": {"value": {"cipher_aes": "hunter2"}, "type": "object"},
        },
    });
    let (context, problems) = parse_configuration(&context.to_string());
    Constants::of(&context.unwrap_or_else(|| panic!("{problems:?}"))).unwrap()
}

fn lines(problems: &[Problem]) -> Vec<String> {
    let place = |p: &Problem| match (&p.file, p.line, p.column) {
        (Some(file), Some(line), Some(column)) => format!("{file}:{line}:{column} "),
        (Some(file), ..) => format!("{file} "),
        _ => String::new(),
    };
    problems.iter().map(|p| format!("{}{}: {}", place(p), p.path, p.message)).collect()
}

/// A table-to-table with one SQL file.
fn operation(more: Value) -> Value {
    let mut operation = json!({
        "configuration_type": "table-to-table", "configuration_id": "daily", "environment": "{{FD_ENV}}",
        "account": "{{FD_ACCOUNT}}", "default_gcp_project_id": "p", "default_bq_dataset": "{{dataset}}",
        "workflow": [{"id": "a", "sql_file": "a.sql", "table_name": "t"}],
    });
    for (name, value) in more.as_object().unwrap() {
        operation[name] = value.clone();
    }
    operation
}

fn fill(operation: &Value, files: &[(&str, &str)]) -> (Option<Filled>, Problems) {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    constants().fill(&operation.to_string(), &files)
}

fn filled(operation: &Value, files: &[(&str, &str)]) -> (Value, BTreeMap<String, String>) {
    let (filled, problems) = fill(operation, files);
    let filled = filled.unwrap_or_else(|| panic!("{problems:?}"));
    let text = |content: Vec<u8>| String::from_utf8(content).unwrap();
    (
        serde_json::from_str(&filled.document).unwrap(),
        filled.files.into_iter().map(|(name, content)| (name, text(content))).collect(),
    )
}

#[test]
fn whole_strings_take_the_type_and_texts_take_the_value() {
    let (document, files) = filled(
        &operation(json!({
            "max_active_runs": "{{runs}}", "catchup": "{{flag}}", "monitoring": {"secret": "{{key}}", "rate": "{{rate}}"},
            "short_description": "{{dataset}}: {{runs}} x {{rate}} {{FD_CONTEXT}} {{dated}} {{FD_DATE}} {{FD_ENV}}",
            "version": "{{TEMPLATE_CURRENT_DATE}}",
        })),
        &[("a.sql", "SELECT * FROM {{dataset}}.t LIMIT {{runs}} -- {{TEMPLATE_CURRENT_DATE}} {{FD_TIME}}")],
    );
    let expect = json!({
        "max_active_runs": 3, "catchup": true, "monitoring": {"secret": {"cipher_aes": "hunter2"}, "rate": 1.5},
        "short_description": "sales: 3 x 1.5 context_dev in/{{FD_DATE}} {{FD_DATE}} DEV",
        "version": "{{TEMPLATE_CURRENT_DATE}}", "configuration_id": "000099_context_dev_daily", "account": "000099",
        "environment": "DEV", "default_bq_dataset": "sales",
    });
    for (name, value) in expect.as_object().unwrap() {
        assert_eq!(document[name], *value, "{name}");
    }
    assert_eq!(files["a.sql"], "SELECT * FROM sales.t LIMIT 3 -- {{TEMPLATE_CURRENT_DATE}} {{FD_TIME}}");
    let (read, _) = parse_configuration(&document.to_string());
    assert_eq!(read.unwrap().header.deployed_id(), "000099_context_dev_daily_DEV");
}

#[test]
fn files_come_by_their_name_before_or_after_filling() {
    let operation = operation(json!({"workflow": [{"id": "a", "sql_file": "{{folder}}/a.sql", "table_name": "t"}]}));
    for name in ["{{folder}}/a.sql", "sql/a.sql"] {
        assert_eq!(filled(&operation, &[(name, "{{runs}}")]).1["sql/a.sql"], "3", "{name}");
    }
    assert_eq!(constants().file_names(&operation), BTreeSet::from(["sql/a.sql".to_owned()]));
}

#[test]
fn ddl_files_are_filled_as_json_and_documentation_as_text() {
    let operation = operation(json!({
        "doc_md": "a.md",
        "workflow": [{"id": "a", "task_type": "create_gbq_table", "bq_table": "t", "ddl_file": "t.json"}],
    }));
    let ddl = r#"{"bq_table_description": "of {{dataset}}", "bq_table_require_partition_filter": {{flag}}}"#;
    let (_, files) =
        filled(&operation, &[("t.json", ddl), ("a.md", "{{runs}} {{elsewhere}} {{flag}}"), ("x", "{{no}}")]);
    let ddl: Value = serde_json::from_str(&files["t.json"]).unwrap();
    assert_eq!(ddl, json!({"bq_table_description": "of sales", "bq_table_require_partition_filter": true}));
    assert_eq!((files["a.md"].as_str(), files["x"].as_str()), ("3 {{elsewhere}} {{flag}}", "{{no}}"));
}

#[test]
fn everything_wrong_is_said_at_once_at_its_place() {
    let (filled, problems) = fill(
        &operation(json!({
            "max_active_runs": "{{run}}", "short_description": "{{flag}} and {{key}} and {{ runs }}", "doc_md": "a.md",
            "workflow": [{"id": "a", "sql_file": "a.sql"},
                         {"id": "b", "task_type": "create_gbq_table", "bq_table": "{{nothing}}", "ddl_file": "t.json"}],
        })),
        &[
            ("a.sql", "SELECT 'é {{datasets}}',\n  {{country}}, {{country}} FROM {{ dataset }}"),
            ("t.json", "{\"bq_table_schema\": [{\"name\": \"{{nothing}}\"}]}"),
            ("a.md", "{{elsewhere}}"),
        ],
    );
    assert!(filled.is_none());
    let unknown = |name: &str, hint: &str| {
        format!("unknown constant {{{{{name}}}}}: the context 000099_context_dev has none of this name{hint}")
    };
    let inside = |name: &str, what: &str| {
        format!(
            "$.short_description: the constant {{{{{name}}}}} is {what}: inside a text only integers, floats and strings can \
             stand; alone, as \"{{{{{name}}}}}\", it can be the value of a parameter"
        )
    };
    let check = |problems: &[Problem], mut expect: Vec<String>| {
        let mut found = lines(problems);
        found.sort();
        expect.sort();
        assert_eq!(found, expect);
    };
    check(
        &problems.errors,
        vec![
            format!("$.max_active_runs: {}", unknown("run", "; did you mean \"runs\"?")),
            inside("flag", "a boolean"),
            inside("key", "an object"),
            format!("$.workflow[1].bq_table: {}", unknown("nothing", "")),
            format!("a.sql:1:11 $: {}", unknown("datasets", "; did you mean \"dataset\"?")),
            format!("a.sql:2:3 $: {}", unknown("country", "")),
            format!("t.json $.bq_table_schema[0].name: {}", unknown("nothing", "")),
        ],
    );
    check(
        &problems.warnings,
        vec![
            "$.short_description: write {{runs}} without spaces: with them it is not replaced".to_owned(),
            format!("a.md:1:1 $: {}", unknown("elsewhere", "")),
            "a.sql:2:33 $: write {{dataset}} without spaces: with them it is not replaced".to_owned(),
        ],
    );
    assert!(!format!("{problems:?} {:?}", constants()).contains("hunter2"));
}

#[test]
fn what_is_no_json_and_what_is_no_text_is_left_to_others() {
    let (none, problems) = constants().fill("{\"a\": {{runs", &BTreeMap::new());
    assert!(none.is_none() && problems.errors[0].message.contains("not JSON"), "{problems:?}");
    let files = BTreeMap::from([("a.sql".to_owned(), vec![0xff])]);
    let (filled, _) = constants().fill(&operation(json!({})).to_string(), &files);
    assert_eq!(filled.unwrap().files, files);
}

#[test]
fn a_context_serves_its_own_account() {
    let (none, problems) = fill(&operation(json!({"account": "000111", "environment": "PROD"})), &[]);
    assert!(none.is_none());
    assert_eq!(lines(&problems.errors), ["$.account: the context 000099_context_dev serves its own account only"]);
    assert_eq!(lines(&problems.warnings), ["$.environment: the context 000099_context_dev is of DEV, this is of PROD"]);
}

//! DDL files in both spellings, and what is wrong with them.

use serde_json::{Value, json};

use super::*;

fn create(change: Value) -> (Option<TableDefinition>, Vec<String>) {
    let mut file = json!({
        "bq_table_description": "Sales by day",
        "bq_table_schema": [
            {"name": "day", "type": "DATE", "description": "Day"},
            {"name": "at", "type": "timestamp", "mode": "required"},
            {"name": "shop", "type": "INTEGER"},
            {"name": "amount", "type": "Float"},
            {"name": "tags", "type": "STRING", "mode": "REPEATED"},
            {"name": "client", "type": "STRUCT", "fields": [{"name": "Name", "type": "STRING"}]},
        ],
    });
    for (name, value) in change.as_object().unwrap() {
        file[name] = value.clone();
    }
    let (table, problems) = parse_create(&file.to_string());
    assert_eq!(table.is_some(), problems.errors.is_empty());
    (table, problems.errors.iter().map(|p| format!("{}: {}", p.path, p.message)).collect())
}

#[test]
fn types_fold() {
    let (table, _) = create(json!({}));
    let table = table.unwrap();
    let types: Vec<&str> = table.schema.iter().map(|f| f.field_type.as_str()).collect();
    assert_eq!(types, ["DATE", "TIMESTAMP", "INT64", "FLOAT64", "STRING", "RECORD"]);
    assert_eq!(table.schema[1].mode, Mode::Required);
    assert_eq!(table.schema[5].fields[0].name, "Name");
    assert_eq!(table.partitioning, None);
    assert_eq!(FieldType::from_any_spelling(" boolean "), Some(FieldType::Bool));
    assert_eq!(FieldType::from_any_spelling("VARCHAR"), None);
}

#[test]
fn partitions() {
    let check = |change: Value, expected: Partitioning| {
        let (table, errors) = create(change);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(table.unwrap().partitioning, Some(expected));
    };
    let time = |field: Option<&str>, unit, expiration_ms| Partitioning::Time {
        field: field.map(str::to_owned),
        unit,
        expiration_ms,
    };
    check(json!({"bq_table_timepartitioning_field": "day"}), time(Some("day"), PartitionUnit::Day, None));
    check(
        json!({"bq_table_timepartitioning_field": "AT", "bq_table_timepartitioning_type": "hour",
               "bq_table_timepartitioning_expiration_ms": 86_400_000, "bq_table_require_partition_filter": true}),
        time(Some("at"), PartitionUnit::Hour, Some(86_400_000)),
    );
    check(json!({"bq_table_timepartitioning_type": "MONTH"}), time(None, PartitionUnit::Month, None));
    check(
        json!({"bq_table_range_partitioning_field": "shop", "bq_table_range_partitioning_start": 0,
               "bq_table_range_partitioning_end": 100, "bq_table_range_partitioning_interval": 10}),
        Partitioning::Range { field: "shop".into(), start: 0, end: 100, interval: 10 },
    );
}

#[test]
fn errors_are_all_found() {
    let check = |change: Value, expected: &[&str]| {
        let (_, errors) = create(change);
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (error, part) in errors.iter().zip(expected) {
            assert!(error.contains(part), "{error} / {part}");
        }
    };
    check(json!({"bq_table_description": null}), &["$.bq_table_description: \"bq_table_description\" is missing"]);
    check(json!({"bq_table_description": " "}), &["must not be empty"]);
    check(json!({"bq_table_schema": []}), &["at least one"]);
    check(json!({"bq_table_timepartitioning_field": "dya"}), &["no column \"dya\"; did you mean \"day\"?"]);
    check(
        json!({"bq_table_timepartitioning_field": "shop"}),
        &["must be DATE, TIMESTAMP or DATETIME, \"shop\" is INT64"],
    );
    check(
        json!({"bq_table_timepartitioning_field": "day", "bq_table_timepartitioning_type": "HOUR"}),
        &["must be TIMESTAMP or DATETIME"],
    );
    check(
        json!({"bq_table_timepartitioning_field": "day", "bq_table_timepartitioning_type": "WEEK"}),
        &["one of \"HOUR\""],
    );
    check(
        json!({"bq_table_timepartitioning_field": "day", "bq_table_range_partitioning_field": "shop",
               "bq_table_range_partitioning_start": 0, "bq_table_range_partitioning_end": 9,
               "bq_table_range_partitioning_interval": 1}),
        &["not both"],
    );
    check(json!({"bq_table_range_partitioning_field": "shop"}), &["_start", "_end", "_interval"]);
    check(
        json!({"bq_table_range_partitioning_field": "shop", "bq_table_range_partitioning_start": 9,
               "bq_table_range_partitioning_end": 9, "bq_table_range_partitioning_interval": 1}),
        &["more than the start"],
    );
    check(
        json!({"bq_table_clustering_fields": ["day", "at", "shop", "client", "tags"]}),
        &["at most 4", "\"client\"", "\"tags\""],
    );
    check(json!({"bq_table_clustering_fields": ["x"]}), &["$.bq_table_clustering_fields[0]: there is no column \"x\""]);
    check(json!({"bq_table_clustering_fields": "day"}), &["expected an array"]);
    check(json!({"bq_table_require_partition_filter": true}), &["only a partitioned table"]);
    check(
        json!({"bq_table_schema": [
            {"name": "a", "type": "VARCHAR"}, {"type": "STRING"}, {"name": "1", "type": "STRING"}, 7,
            {"name": "b", "type": "RECORD"}, {"name": "c", "type": "STRING", "mode": "MANY"},
        ]}),
        &["bq_table_schema[3]", "bq_table_schema[0].type", "[1].name", "[2].name", "[4].fields", "[5].mode"],
    );
    check(
        json!({"bq_table_schema": [{"name": "a", "type": "STRING"}, {"name": "A", "type": "STRING"}]}),
        &["there is a column \"A\" already"],
    );
}

#[test]
fn loads() {
    let (columns, problems) = parse_load(r#"{"schema": [{"name": "a", "type": "string", "descripton": "x"}]}"#);
    assert_eq!(columns.unwrap()[0].field_type, FieldType::String);
    assert_eq!(
        problems.warnings[0].message,
        "unknown parameter \"descripton\", ignored; did you mean \"description\"?"
    );
    let (columns, problems) = parse_load(r#"{"schema": [{"name": "a" "type": "STRING"}]}"#);
    assert_eq!(columns, None);
    assert_eq!((problems.errors[0].line, problems.errors[0].column), (Some(1), Some(26)));
    assert!(parse_load("[]").0.is_none());
}

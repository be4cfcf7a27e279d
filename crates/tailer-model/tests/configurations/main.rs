//! Whole configurations of every kind: what they become, what is said of the bad ones, and that nothing makes the
//! reading panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad;
mod good;
mod mutated;

use serde_json::{Value, json};
use tailer_model::{Configuration, Problem, parse_configuration};

/// The header that every test configuration has, with `rest` on top.
fn configuration(kind: &str, rest: Value) -> Value {
    let mut value = json!({
        "configuration_type": kind,
        "configuration_id": "000099-test",
        "environment": "DEV",
        "account": "000099",
    });
    for (name, member) in rest.as_object().unwrap() {
        value[name] = member.clone();
    }
    value
}

/// A configuration that must be accepted, with its warnings.
fn accepted(value: &Value) -> (Configuration, Vec<String>) {
    let (configuration, problems) = parse_configuration(&value.to_string());
    assert_eq!(lines(&problems.errors), Vec::<String>::new());
    (configuration.unwrap(), lines(&problems.warnings))
}

/// Checks the errors of a configuration that must be refused, in any order.
fn check_errors(value: &Value, expected: &[&str]) {
    let (configuration, problems) = parse_configuration(&value.to_string());
    assert_eq!(configuration, None);
    check_lines(&problems.errors, expected);
}

/// Checks the warnings of a configuration that must be accepted, in any order.
fn check_warnings(value: &Value, expected: &[&str]) {
    let (configuration, problems) = parse_configuration(&value.to_string());
    assert_eq!(lines(&problems.errors), Vec::<String>::new());
    assert!(configuration.is_some());
    check_lines(&problems.warnings, expected);
}

fn check_lines(found: &[Problem], expected: &[&str]) {
    let mut found = lines(found);
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

fn lines(problems: &[Problem]) -> Vec<String> {
    let place = |p: &Problem| p.file.as_ref().map(|file| format!("{file} ")).unwrap_or_default();
    problems.iter().map(|p| format!("{}{}: {}", place(p), p.path, p.message)).collect()
}

//! The files that come with a configuration: which it names, and whether they are fit for use.
//!
//! SQL is not parsed here; that is the warehouse's business. What can be said without it is said: a missing file, text
//! that is not UTF-8, a DDL file with problems, a name in braces that nothing will replace.

use std::collections::BTreeSet;

use super::Configuration;
use crate::{
    Problem, Problems,
    operation::{Definition, ddl, table_to_table::Action},
    template::placeholders,
};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    Sql,
    /// DDL of a create task.
    CreateDdl,
    /// DDL of a load.
    LoadDdl,
    /// Documentation: a missing one is only a warning, for nothing runs on it.
    Markdown,
}

/// A file that a configuration names, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMention {
    /// As written.
    pub name: String,
    /// JSON path of the first parameter that names it.
    pub path: String,
    pub kind: FileKind,
}

/// Checks the named files against the configuration. `get` returns a file's content by its name in the configuration.
///
/// Problems of a file's content carry the file's name and, for JSON, the path inside it; a missing file is a problem of
/// the parameter that names it.
#[must_use]
pub fn check_files(configuration: &Configuration, get: &dyn Fn(&str) -> Option<Vec<u8>>) -> Problems {
    let mut problems = Problems::default();
    let templated = templated_sql(configuration);
    for mention in &configuration.mentions {
        let FileMention { name, path, kind } = mention;
        let Some(bytes) = get(name) else {
            let message = format!("the file \"{name}\" is missing: it must come with the configuration");
            match kind {
                FileKind::Markdown => problems.warn(path, message),
                _ => problems.error(path, message),
            }
            continue;
        };
        let Ok(text) = String::from_utf8(bytes) else {
            problems.errors.push(in_file(name, Problem::at("$", "the file is not UTF-8 text")));
            continue;
        };
        let found = match kind {
            FileKind::CreateDdl => ddl::parse_create(&text).1,
            FileKind::LoadDdl => ddl::parse_load(&text).1,
            FileKind::Sql => check_sql(&text, templated.contains(name.as_str())),
            FileKind::Markdown => Problems::default(),
        };
        problems.errors.extend(found.errors.into_iter().map(|problem| in_file(name, problem)));
        problems.warnings.extend(found.warnings.into_iter().map(|problem| in_file(name, problem)));
    }
    warn_of_lost_rows(configuration, get, &mut problems);
    problems
}

fn in_file(name: &str, problem: Problem) -> Problem {
    Problem { file: Some(name.to_owned()), ..problem }
}

/// SQL files for which `{{TEMPLATE_CURRENT_DATE}}` is replaced wherever they are used.
fn templated_sql(configuration: &Configuration) -> BTreeSet<&str> {
    let mut with = BTreeSet::new();
    let mut without = BTreeSet::new();
    match &configuration.definition {
        Definition::TableToTable(operation) => {
            for task in &operation.tasks {
                if let Action::Sql { sql_file, current_date_template, .. } = &task.action {
                    let set = if *current_date_template { &mut with } else { &mut without };
                    set.insert(sql_file.as_str());
                }
            }
        }
        Definition::TableToStorage(operation) => {
            for export in &operation.exports {
                let set = if export.current_date_template { &mut with } else { &mut without };
                set.insert(export.sql_file.as_str());
            }
        }
        _ => {}
    }
    &with - &without
}

fn check_sql(text: &str, templated: bool) -> Problems {
    let mut problems = Problems::default();
    if without_comments(text).trim().is_empty() {
        problems.error("$", "the file holds no SQL");
    }
    for name in placeholders(text) {
        if name == "TEMPLATE_CURRENT_DATE" && !templated {
            problems.warn(
                "$",
                "{{TEMPLATE_CURRENT_DATE}} is only replaced with \"sql_query_template\": \"TEMPLATE_CURRENT_DATE\"",
            );
        }
    }
    if text.contains("{{ TEMPLATE_CURRENT_DATE") {
        problems.warn("$", "write {{TEMPLATE_CURRENT_DATE}} without spaces: with them it is not replaced");
    }
    problems
}

/// A single query without a destination does its work for nothing.
fn warn_of_lost_rows(configuration: &Configuration, get: &dyn Fn(&str) -> Option<Vec<u8>>, problems: &mut Problems) {
    let Definition::TableToTable(operation) = &configuration.definition else { return };
    for (i, task) in operation.tasks.iter().enumerate() {
        let Action::Sql { sql_file, table_name: None, .. } = &task.action else { continue };
        let Some(text) = get(sql_file).and_then(|bytes| String::from_utf8(bytes).ok()) else { continue };
        if is_one_query(&text) {
            problems.warn(
                format!("$.workflow[{i}]"),
                format!("\"{sql_file}\" is a single query: without a \"table_name\" its rows go nowhere"),
            );
        }
    }
}

/// Whether the text is one SELECT, as far as its first word and its semicolons tell.
fn is_one_query(text: &str) -> bool {
    let text = without_comments(text);
    let text = text.trim().trim_end_matches(';').trim_start_matches('(');
    let first: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    matches!(first.to_ascii_uppercase().as_str(), "SELECT" | "WITH") && !text.contains(';')
}

/// The text without comments, for a look at what is left; quotes are not minded, for only emptiness and the first word
/// are asked for.
fn without_comments(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let starts = ["--", "#", "/*"].map(|mark| rest.find(mark).unwrap_or(rest.len()));
        let start = starts.into_iter().min().unwrap_or(rest.len());
        let (plain, comment) = rest.split_at_checked(start).unwrap_or((rest, ""));
        left.push_str(plain);
        let end = if comment.starts_with("/*") { comment.find("*/").map(|i| i + 2) } else { comment.find('\n') };
        rest = end.and_then(|end| comment.get(end..)).unwrap_or_default();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_not_sql() {
        let check = |text: &str, expected: &str| assert_eq!(without_comments(text).trim(), expected, "{text}");
        check("#standardSQL\nSELECT 1", "SELECT 1");
        check("-- a\n/* b\n c */ SELECT 1 -- d", "SELECT 1");
        check("-- only", "");
        check("/* open", "");
    }

    #[test]
    fn one_query_or_a_script() {
        for query in ["SELECT 1", "with a as (select 1) select * from a;", "-- x\n(SELECT 1) UNION ALL (SELECT 2);"] {
            assert!(is_one_query(query), "{query}");
        }
        for script in
            ["DECLARE x INT64; SELECT x", "SELECT 1; SELECT 2;", "INSERT t SELECT 1", "MERGE a USING b ON true", ""]
        {
            assert!(!is_one_query(script), "{script}");
        }
    }
}

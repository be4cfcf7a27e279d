//! Paths of tables: `` `p-q.d.t` ``, `` `p-q`.d.t ``, `p-q.d.t`, `d.t`, `t`, each maybe with a decorator.

use sqlparser::ast::{ObjectName, ObjectNamePart, Spanned};

use super::{
    Scope,
    error::{At, Result, invalid, unsupported},
};
use crate::TableName;

/// A path's parts, wherever its dots stand: inside backticks or between names.
pub(super) fn parts(name: &ObjectName) -> Result<Vec<String>> {
    let mut text = String::new();
    for part in &name.0 {
        let ObjectNamePart::Identifier(ident) = part else {
            return Err(unsupported("functions in names", name.span().start));
        };
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&ident.value);
    }
    // A domain-scoped project, `example.com:project`, has dots of its own.
    let (domain, rest) = match text.split_once(':') {
        Some((domain, rest)) => (Some(domain), rest),
        None => (None, text.as_str()),
    };
    let mut parts: Vec<String> = rest.split('.').map(str::to_string).collect();
    if let (Some(domain), Some(project)) = (domain, parts.first_mut()) {
        *project = format!("{domain}:{project}");
    }
    Ok(parts)
}

/// The table that a path means.
pub(super) fn table(name: &ObjectName, scope: Scope<'_>) -> Result<TableName> {
    let at = name.span().start;
    let parts = parts(name)?;
    if parts.iter().any(|p| p.eq_ignore_ascii_case("INFORMATION_SCHEMA")) {
        return Err(unsupported("INFORMATION_SCHEMA", at));
    }
    if parts.iter().any(|p| p.eq_ignore_ascii_case("__TABLES__")) {
        return Err(unsupported("__TABLES__", at));
    }
    match parts.as_slice() {
        [table] => {
            let Some(dataset) = scope.dataset else {
                return Err(invalid(
                    format!("table {table} needs a dataset: write it as dataset.{table} or project.dataset.{table}"),
                    at,
                ));
            };
            named(scope.project, dataset, table, at)
        }
        [dataset, table] => named(scope.project, dataset, table, at),
        [project, dataset, table] => named(project, dataset, table, at),
        _ => Err(invalid(format!("{} is no table's name: it has {} parts", parts.join("."), parts.len()), at)),
    }
}

/// A table of the session's own.
pub(super) fn temporary(table: &str) -> TableName {
    let (project, dataset) = super::TEMPORARY;
    TableName { project: project.into(), dataset: dataset.into(), table: table.into(), decorator: None }
}

fn named(project: &str, dataset: &str, table: &str, at: At) -> Result<TableName> {
    if table.contains('*') {
        return Err(unsupported(format!("wildcard table {table}"), at));
    }
    let (table, decorator) = match table.split_once('$') {
        Some((table, decorator)) => (table, Some(decorator.to_string())),
        None => (table, None),
    };
    if project.is_empty() || dataset.is_empty() || table.is_empty() {
        return Err(invalid(format!("{project}.{dataset}.{table} is no table's name: a part is empty"), at));
    }
    Ok(TableName { project: project.into(), dataset: dataset.into(), table: table.into(), decorator })
}

/// A dataset's path: `d` or `p.d`.
pub(super) fn dataset(name: &ObjectName, scope: Scope<'_>) -> Result<(String, String)> {
    let parts = parts(name)?;
    match parts.as_slice() {
        [dataset] => Ok((scope.project.to_string(), dataset.clone())),
        [project, dataset] => Ok((project.clone(), dataset.clone())),
        _ => Err(invalid(format!("{} is no dataset's name", parts.join(".")), name.span().start)),
    }
}

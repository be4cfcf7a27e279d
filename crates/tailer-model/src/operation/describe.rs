//! A configuration in readable form, for pages: every parameter that means something for its kind, with the value that holds and
//! whether the file says so, the operation says so for its parts, or nobody does.
//!
//! Values come from the typed configuration, which knows the defaults; the document only tells where they stand. It is the
//! redacted one: whatever could be a secret is read from there, so that a description never holds one.

use std::{fmt::Display, time::Duration};

use serde_json::Value;

use super::{Definition, Endurance};
use crate::{Configuration, Criticality, Header, configuration::FileKind};

/// A configuration in readable form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    pub sections: Vec<Section>,
    /// What the operation consists of: its tasks, tables, exports or destinations.
    pub parts: Vec<Part>,
}

/// Parameters that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: &'static str,
    pub rows: Vec<Row>,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As the file names it.
    pub name: String,
    /// As people say it.
    pub label: String,
    pub value: String,
    /// What the author wrote about it.
    pub note: Option<String>,
    pub origin: Origin,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Where it holds.
    Written,
    /// Above, for all parts that do not say themselves.
    Inherited,
    /// Nowhere.
    Default,
}

/// One of what an operation consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Unique within the operation. A task's is the id of the task.
    pub id: String,
    /// As people say it.
    pub title: String,
    /// Type of a task, format of files, kind of a storage.
    pub kind: String,
    /// Of a task.
    pub criticality: Option<(Criticality, Origin)>,
    /// The table or the folder that it writes.
    pub destination: Option<String>,
    /// What happens to rows that are there.
    pub disposition: Option<(String, Origin)>,
    pub short_description: Option<String>,
    pub rows: Vec<Row>,
    /// The files that it names.
    pub files: Vec<PartFile>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFile {
    pub name: String,
    pub kind: FileKind,
}

impl Configuration {
    /// The configuration in readable form. `document` is the redacted document that it was read from.
    #[must_use]
    pub fn describe(&self, document: &Value) -> Description {
        let top = Written::at(document);
        let mut description = match &self.definition {
            Definition::TableToTable(c) => c.describe(&top, &self.header.endurance),
            Definition::TableToStorage(c) => c.describe(&top, &self.header.endurance),
            Definition::StorageToStorage(c) => c.describe(&top),
            Definition::StorageToTables(c) => c.describe(&top),
            Definition::Workflow(c) => c.describe(&top),
            Definition::Context(c) => c.describe(&top),
        };
        description.sections.extend(of_all(&self.header, &top));
        description
    }
}

/// What all kinds have.
fn of_all(header: &Header, top: &Written<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    if header.configuration_type.has_runs() {
        let mut rows = vec![top.row("max_active_runs", "Runs at once", header.max_active_runs)];
        rows.extend(endurance(&header.endurance, &Endurance::default(), top));
        sections.push(Section { title: "Runs", rows });
    }
    if let Some(monitoring) = top.own.get("monitoring").filter(|value| value.is_object()) {
        let mut rows = Vec::new();
        flatten("", monitoring, &mut rows);
        sections.push(Section { title: "Monitoring", rows });
    }
    sections
}

/// How often and how long: of an operation, or of a task of an operation with `above`.
pub(super) fn endurance(own: &Endurance, above: &Endurance, written: &Written<'_>) -> Vec<Row> {
    let holds = above.of_task(own);
    let timeout = holds.timeout.map_or_else(|| "no limit".to_owned(), time);
    vec![
        written.row("retries", "Retries", holds.retries),
        written.row("retry_delay_seconds", "Wait before a retry", time(holds.retry_delay)),
        // Not inherited.
        Row {
            origin: written.origin_here(&["timeout_seconds"]),
            ..written.row("timeout_seconds", "Time limit", timeout)
        },
    ]
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// Every plain value of a document, by its path.
fn flatten(path: &str, value: &Value, rows: &mut Vec<Row>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                flatten(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, value, rows);
            }
        }
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let all: Vec<String> = items.iter().map(plain).collect();
            rows.push(Row::written(path, path, all.join(", ")));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(&format!("{path}[{i}]"), item, rows));
        }
        Value::Null => {}
        value => rows.push(Row::written(path, path, plain(value))),
    }
}

/// A value as it is read: a string without its quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn yes_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

/// Delimiters and the like, so that blanks are seen.
pub(super) fn visible(text: &str) -> String {
    match text {
        "" => "none".to_owned(),
        "\t" => "tab".to_owned(),
        " " => "space".to_owned(),
        other => other.to_owned(),
    }
}

impl Row {
    fn written(name: &str, label: &str, value: String) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), value, note: None, origin: Origin::Written }
    }
}

/// An object of the document, and the one above that it inherits from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) own: &'a Value,
    above: Option<&'a Value>,
}

impl<'a> Written<'a> {
    pub(super) fn at(own: &'a Value) -> Self {
        Self { own, above: None }
    }

    /// The objects of a list, inheriting from this one.
    pub(super) fn entries(&self, name: &str) -> Vec<Written<'a>> {
        let all = self.own.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter(|entry| entry.is_object()).map(|own| Self { own, above: Some(self.own) }).collect()
    }

    /// An object below this one, inheriting nothing.
    pub(super) fn below(&self, name: &str) -> Written<'a> {
        Self::at(self.own.get(name).unwrap_or(&Value::Null))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.own.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn has(value: &Value, names: &[&str]) -> bool {
        names.iter().any(|name| value.get(name).is_some_and(|value| !value.is_null()))
    }

    /// Where a parameter stands that only this object can say.
    pub(super) fn origin_here(&self, names: &[&str]) -> Origin {
        if Self::has(self.own, names) { Origin::Written } else { Origin::Default }
    }

    /// Where a parameter stands that has other names above.
    pub(super) fn origin(&self, names: &[&str], above: &[&str]) -> Origin {
        match self.above {
            _ if Self::has(self.own, names) => Origin::Written,
            Some(value) if Self::has(value, above) => Origin::Inherited,
            _ => Origin::Default,
        }
    }

    pub(super) fn row(&self, name: &str, label: &str, value: impl Display) -> Row {
        self.row_of(&[name], &[name], label, value)
    }

    /// The same of a parameter with several names, the usual one first, and others above.
    pub(super) fn row_of(&self, names: &[&str], above: &[&str], label: &str, value: impl Display) -> Row {
        let name = names.iter().find(|name| Self::has(self.own, &[name])).or(names.first()).copied();
        Row { origin: self.origin(names, above), ..Row::written(name.unwrap_or_default(), label, value.to_string()) }
    }
}

#[cfg(test)]
mod tests;

//! What differs between two versions of a configuration, in names: never a value, which may be a secret.
//!
//! Entries of a list that have an id are matched by it, so that one more task is one more task and not a change of all that follow.

use std::fmt;

use serde_json::{Map, Value};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub what: What,
    /// Where: `schedule_interval`, `workflow.load.write_disposition`.
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Added,
    Removed,
    Changed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Added => write!(f, "{} added", self.name),
            What::Removed => write!(f, "{} removed", self.name),
            What::Changed => f.write_str(&self.name),
        }
    }
}

/// What entries of lists are known by.
const IDS: [&str; 4] = ["id", "task_id", "table_name", "filename_template"];

/// Differences between two documents, in the order of the newer one.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Change>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => members(before, after, &below, found),
        (Value::Array(before), Value::Array(after)) => match (by_id(before), by_id(after)) {
            (Some(left), Some(right)) => {
                let count = found.len();
                members(&left, &right, &below, found);
                if found.len() == count {
                    found.push(Change { what: What::Changed, name: format!("order of {path}") });
                }
            }
            _ => found.push(Change { what: What::Changed, name: path.to_owned() }),
        },
        _ => found.push(Change { what: What::Changed, name: path.to_owned() }),
    }
}

fn members(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    below: &dyn Fn(&str) -> String,
    found: &mut Vec<Change>,
) {
    for (name, value) in after {
        match before.get(name) {
            Some(old) => compare(&below(name), old, value, found),
            None => found.push(Change { what: What::Added, name: below(name) }),
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        found.push(Change { what: What::Removed, name: below(name) });
    }
}

/// A list as an object, when each entry has an id of its own.
fn by_id(items: &[Value]) -> Option<Map<String, Value>> {
    let id = |item: &Value| IDS.iter().find_map(|name| item.get(name)?.as_str()).map(str::to_owned);
    let named: Map<String, Value> = items.iter().map(|item| Some((id(item)?, item.clone()))).collect::<Option<_>>()?;
    (named.len() == items.len()).then_some(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_and_no_value_is() {
        let before = json!({
            "schedule_interval": "None", "old": 1, "task_dependencies": ["a >> b"],
            "workflow": [{"id": "a", "x": 1}, {"id": "b"}], "secret": {"ciphertext": "aa"},
        });
        let after = json!({
            "schedule_interval": "0 7 * * *", "task_dependencies": ["a >> c"],
            "workflow": [{"id": "c"}, {"id": "a", "x": 2}], "secret": {"ciphertext": "bb"}, "new": {"y": 1},
        });
        let mut said: Vec<String> = changes(&before, &after).iter().map(Change::to_string).collect();
        said.sort();
        let expected = [
            "new added",
            "old removed",
            "schedule_interval",
            "secret.ciphertext",
            "task_dependencies",
            "workflow.a.x",
            "workflow.b removed",
            "workflow.c added",
        ];
        assert_eq!(said, expected);
        assert_eq!(changes(&before, &before), []);
        let turned = (json!({"w": [{"id": "a"}, {"id": "b"}]}), json!({"w": [{"id": "b"}, {"id": "a"}]}));
        assert_eq!(changes(&turned.0, &turned.1)[0].to_string(), "order of w");
    }
}

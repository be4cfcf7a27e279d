//! What differs between two documents, short enough for a log and without secrets: the values of the places that differ, as they were and
//! as they are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tailer_model::redact;

/// Places that are told; of the rest only how many there are.
const TOLD: usize = 20;
/// Characters of a value.
const LONGEST: usize = 200;

/// What changed, by place.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
    more: usize,
}

impl Difference {
    /// Notes a place, unless there are enough.
    pub(super) fn note(&mut self, place: impl Into<String>, before: Option<Value>, after: Option<Value>) {
        if self.before.len().max(self.after.len()) >= TOLD {
            self.more += 1;
            return;
        }
        let place = place.into();
        if let Some(before) = before {
            self.before.insert(place.clone(), before);
        }
        if let Some(after) = after {
            self.after.insert(place, after);
        }
    }

    /// Before and after; null where there is nothing.
    pub(super) fn told(mut self) -> (Value, Value) {
        if self.more > 0 {
            self.after.insert("more_changes".into(), self.more.into());
        }
        let told = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { Value::Object(map) };
        (told(self.before), told(self.after))
    }

    /// The places where two configurations differ. Secrets are compared, and hidden.
    pub(super) fn documents(&mut self, old: &str, new: &str) {
        let [old, new] = [old, new].map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        let (old_view, new_view) = (redact(&old), redact(&new));
        self.walk("", [Some(&old), Some(&new)], [Some(&old_view), Some(&new_view)]);
    }

    fn walk(&mut self, place: &str, raw: [Option<&Value>; 2], views: [Option<&Value>; 2]) {
        if raw[0] == raw[1] {
            return;
        }
        match (raw, views) {
            (
                [Some(Value::Object(old)), Some(Value::Object(new))],
                [Some(Value::Object(old_view)), Some(Value::Object(new_view))],
            ) => {
                let added = new.keys().filter(|key| !old.contains_key(*key));
                for key in old.keys().chain(added) {
                    let below = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                    self.walk(&below, [old.get(key), new.get(key)], [old_view.get(key), new_view.get(key)]);
                }
            }
            (
                [Some(Value::Array(old)), Some(Value::Array(new))],
                [Some(Value::Array(old_view)), Some(Value::Array(new_view))],
            ) if old.len() == new.len() => {
                for index in 0..old.len() {
                    let below = format!("{place}[{index}]");
                    self.walk(&below, [old.get(index), new.get(index)], [old_view.get(index), new_view.get(index)]);
                }
            }
            _ => {
                let [old, new] = views.map(|view| view.map(short));
                self.note(place, old, new);
            }
        }
    }

    /// The files that differ, by size and the beginning of their hash.
    pub(super) fn files(&mut self, old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>) {
        let added = new.keys().filter(|name| !old.contains_key(*name));
        for name in old.keys().chain(added) {
            let (before, after) = (old.get(name), new.get(name));
            if before != after {
                let told = |content: Option<&Vec<u8>>| content.map(|content| Value::from(content_of(content)));
                self.note(format!("file {name}"), told(before), told(after));
            }
        }
    }
}

/// A value, cut when it is long.
pub(super) fn short(value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let length = text.chars().count();
    if length <= LONGEST {
        return value.clone();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    Value::from(format!("{cut}… ({length} characters, sha256 {})", hash(text.as_bytes())))
}

fn content_of(content: &[u8]) -> String {
    format!("{} bytes, sha256 {}", content.len(), hash(content))
}

/// Enough of it to tell two contents apart.
fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(old: &Value, new: &Value, before: &Value, after: &Value) {
        let mut difference = Difference::default();
        difference.documents(&old.to_string(), &new.to_string());
        assert_eq!(difference.told(), (before.clone(), after.clone()), "{old} -> {new}");
    }

    #[test]
    fn places_that_differ_are_told_with_both_values() {
        check(&json!({"a": 1, "b": [1]}), &json!({"b": [1], "a": 1}), &json!(null), &json!(null));
        check(
            &json!({"a": 1, "b": {"c": "x", "d": 2}, "gone": true}),
            &json!({"a": 1, "b": {"c": "y", "d": 2}, "new": [1]}),
            &json!({"b.c": "x", "gone": true}),
            &json!({"b.c": "y", "new": [1]}),
        );
        check(
            &json!({"tasks": [{"id": "a", "n": 1}, {"id": "b"}]}),
            &json!({"tasks": [{"id": "a", "n": 2}, {"id": "b"}]}),
            &json!({"tasks[0].n": 1}),
            &json!({"tasks[0].n": 2}),
        );
        check(&json!({"list": [1, 2]}), &json!({"list": [1]}), &json!({"list": [1, 2]}), &json!({"list": [1]}));
    }

    #[test]
    fn a_secret_that_changed_is_told_without_what_it_was() {
        let secret =
            |text: &str| json!({"x_secret": {"cipher_aes": text, "tag": "b", "ciphertext": "c"}, "my_token": text});
        let hidden = json!({"x_secret": "***", "my_token": "***"});
        check(&secret("hunter2"), &secret("hunter3"), &hidden, &hidden);
    }

    #[test]
    fn long_values_and_long_lists_of_changes_are_cut() {
        let long = short(&json!("x".repeat(1000)));
        assert!(long.as_str().is_some_and(|text| text.ends_with(" (1000 characters, sha256 44f8354494a5)")), "{long}");
        let many = |n: i64| Value::Object((0..50).map(|key| (format!("k{key:02}"), json!(n))).collect());
        let mut difference = Difference::default();
        difference.documents(&many(1).to_string(), &many(2).to_string());
        let (before, after) = difference.told();
        assert_eq!(before.as_object().map(Map::len), Some(20));
        assert_eq!(after["more_changes"], 30);
    }

    #[test]
    fn files_are_told_by_size_and_hash() {
        let files = |content: &str| BTreeMap::from([("a.sql".to_owned(), content.as_bytes().to_vec())]);
        let mut difference = Difference::default();
        difference.files(&files("SELECT 1"), &files("SELECT 2"));
        let (before, after) = difference.told();
        assert_ne!(before["file a.sql"], after["file a.sql"]);
        assert!(before["file a.sql"].as_str().is_some_and(|text| text.starts_with("8 bytes, sha256 ")), "{before}");
    }
}

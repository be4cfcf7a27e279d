//! The storage tables for `--print-config`. Of a secret only the name of its variable or file is shown.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    keys::{Form, KEYS},
    layers::{StorageLayers, quoted},
};

/// The tables, or one line that says that there are none.
pub(in crate::settings) fn to_toml(layers: &StorageLayers) -> String {
    let mut text = String::new();
    if layers.tables().next().is_none() {
        text += "\n# [storage.<kind>.\"<bucket>\"]  # unset: every bucket, container and SFTP host is a folder of the data folder\n";
    }
    for (kind, bucket, table) in layers.tables() {
        let _ = writeln!(text, "\n[storage.{kind}.{}]", quoted(bucket));
        for key in KEYS {
            let Some(written) = table.get(key.name) else { continue };
            let shown = in_toml(&shown(key.form, &written.value));
            let _ = writeln!(text, "{} = {shown}  # {}: {}", key.name, written.origin, key.help);
        }
    }
    text
}

/// `{kind: {bucket: {key: value}}}`
pub(in crate::settings) fn to_json(layers: &StorageLayers) -> Value {
    let mut kinds = Map::new();
    for (kind, bucket, table) in layers.tables() {
        let values: Map<String, Value> = KEYS
            .iter()
            .filter_map(|key| Some((key.name.to_owned(), shown(key.form, &table.get(key.name)?.value))))
            .collect();
        let buckets = kinds.entry(kind.as_str()).or_insert_with(|| json!({}));
        if let Some(buckets) = buckets.as_object_mut() {
            buckets.insert(bucket.to_owned(), Value::Object(values));
        }
    }
    Value::Object(kinds)
}

/// Where a secret comes from is none.
fn shown(form: Form, value: &Value) -> Value {
    let names_it = |name: &str| value.as_object().is_some_and(|parts| parts.len() == 1 && parts.contains_key(name));
    if form != Form::Secret || names_it("env") || names_it("file") {
        return value.clone();
    }
    Value::from(tailer_model::secret::HIDDEN)
}

fn in_toml(value: &Value) -> String {
    match value {
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(in_toml).collect::<Vec<_>>().join(", ")),
        Value::Object(parts) => {
            let parts = parts.iter().map(|(name, value)| format!("{name} = {}", in_toml(value)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

//! The tables `[storage.<kind>."<bucket>"]` as they were written, each value with its source.
//!
//! A variable `TAILERD_STORAGE_<KIND>_<KEY>` is a key of the kind's table `"*"`. A variable wins over the file.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use tailer_model::{nearest, operation::storage_to_storage::StorageKind};

use super::{
    super::layers::Origin,
    keys::{self, ANY, Form, KEYS, Key},
};

/// A value that has the form of its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Does not print the value: it may be a secret.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({})", self.origin)
    }
}

/// One table.
pub(crate) type Table = BTreeMap<&'static str, Written>;

/// The tables by kind and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StorageLayers {
    tables: BTreeMap<(StorageKind, String), Table>,
    /// What is wrong with the variables.
    pub(super) problems: Vec<String>,
}

impl StorageLayers {
    pub(crate) fn tables(&self) -> impl Iterator<Item = (StorageKind, &str, &Table)> {
        self.tables.iter().map(|((kind, bucket), table)| (*kind, bucket.as_str(), table))
    }

    /// Adds the table `storage` of a settings file; `shown` is the file. What is wrong goes to `problems`.
    pub(crate) fn file(&mut self, shown: &str, storage: &toml::Value, problems: &mut Vec<String>) {
        let Some(kinds) = storage.as_table() else {
            problems.push(format!("{shown}: storage: expected tables such as [storage.s3.\"bucket\"]"));
            return;
        };
        for (name, buckets) in kinds {
            let Ok(kind) = name.parse::<StorageKind>() else {
                problems.push(unknown(shown, &format!("storage.{name}"), "storage.", name, kind_names()));
                continue;
            };
            let Some(buckets) = buckets.as_table() else {
                problems.push(format!("{shown}: storage.{kind}: expected a table such as [storage.{kind}.\"*\"]"));
                continue;
            };
            for (bucket, table) in buckets {
                let place = format!("storage.{kind}.{}", quoted(bucket));
                match table.as_table() {
                    Some(table) => self.table(shown, kind, bucket, table, problems),
                    None => problems.push(format!(
                        "{shown}: {place}: expected a table: the keys of {kind} belong under [storage.{kind}.\"*\"] or under the \
                         name of a bucket"
                    )),
                }
            }
        }
    }

    fn table(&mut self, shown: &str, kind: StorageKind, bucket: &str, table: &toml::Table, problems: &mut Vec<String>) {
        let place = format!("storage.{kind}.{}", quoted(bucket));
        let entry = self.tables.entry((kind, bucket.to_owned())).or_default();
        for (name, value) in table {
            let Some(key) = keys::find(kind, name) else {
                let names = KEYS.iter().filter(|key| key.kinds.contains(&kind)).map(|key| key.name);
                problems.push(unknown(shown, &format!("{place}.{name}"), "", name, names));
                continue;
            };
            match from_toml(value).filter(|value| fits(key, kind, value)) {
                Some(value) => {
                    entry.insert(key.name, Written { value, origin: Origin::File(shown.to_owned()) });
                }
                None => problems.push(format!("{shown}: {place}.{name}: {}", key.form.expected(kind))),
            }
        }
    }

    /// Adds the variables; `variables` are those that begin with `TAILERD_` and are not empty.
    pub(crate) fn environment(&mut self, variables: &BTreeMap<String, String>) {
        for kind in StorageKind::ALL.iter().copied() {
            for key in KEYS.iter().filter(|key| key.kinds.contains(&kind)) {
                let name = variable(kind, key);
                let Some(text) = variables.get(&name) else { continue };
                match from_text(key, text).filter(|value| fits(key, kind, value)) {
                    Some(value) => {
                        let table = self.tables.entry((kind, ANY.to_owned())).or_default();
                        table.insert(key.name, Written { value, origin: Origin::Variable(name) });
                    }
                    None => self.problems.push(format!("{name}: {}", key.form.expected(kind))),
                }
            }
        }
    }
}

/// `TAILERD_STORAGE_S3_ENDPOINT`
pub(crate) fn variable(kind: StorageKind, key: &Key) -> String {
    format!("TAILERD_STORAGE_{kind}_{}", key.name).to_ascii_uppercase()
}

/// A bucket as a key of TOML.
pub(crate) fn quoted(bucket: &str) -> String {
    toml::Value::String(bucket.to_owned()).to_string()
}

fn kind_names() -> impl Iterator<Item = &'static str> {
    StorageKind::ALL.iter().map(|kind| kind.as_str())
}

fn unknown<'n>(shown: &str, key: &str, before: &str, name: &str, names: impl Iterator<Item = &'n str>) -> String {
    match nearest(name, names) {
        Some(near) => format!("{shown}: unknown key `{key}`; did you mean `{before}{near}`?"),
        None => format!("{shown}: unknown key `{key}`"),
    }
}

fn from_toml(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text.as_str())),
        toml::Value::Integer(number) => Some(Value::from(*number)),
        toml::Value::Boolean(flag) => Some(Value::from(*flag)),
        toml::Value::Array(items) => items.iter().map(from_toml).collect::<Option<Vec<_>>>().map(Value::Array),
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(name, value)| Some((name.clone(), from_toml(value)?)));
            entries.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

fn from_text(key: &Key, text: &str) -> Option<Value> {
    match key.form {
        Form::Number => text.parse::<u32>().ok().map(Value::from),
        Form::Flag => text.parse::<bool>().ok().map(Value::from),
        Form::Texts => Some(Value::from(text.split(',').map(str::trim).collect::<Vec<_>>())),
        _ => Some(Value::from(text)),
    }
}

/// Whether a value has the form of its key.
fn fits(key: &Key, kind: StorageKind, value: &Value) -> bool {
    let text = value.as_str().filter(|text| !text.trim().is_empty());
    match key.form {
        Form::Service => text.is_some_and(|text| text == "local" || text == kind.as_str()),
        Form::Text | Form::Path => text.is_some(),
        Form::Texts => match value {
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_string),
            _ => text.is_some(),
        },
        Form::Url => text.is_some_and(|text| text.starts_with("http://") || text.starts_with("https://")),
        Form::Address => text.is_some_and(|text| super::address(text).is_some()),
        Form::Time => text.is_some_and(|text| super::time(text).is_some()),
        Form::Number => value.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
        Form::Flag => value.is_boolean(),
        Form::Secret => text.is_some() || value.as_object().is_some_and(|parts| parts.values().all(Value::is_string)),
    }
}

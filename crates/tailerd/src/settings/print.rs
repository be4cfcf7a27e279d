//! `tailerd serve --print-config`: the settings as they would be used, in TOML that can be used as a settings file, or
//! as JSON. Secrets are hidden.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    layers::Layers,
    storage,
    table::{Kind, SETTINGS, Setting},
};

/// TOML, each value with its origin and meaning; unset keys are commented out.
pub(crate) fn to_toml(layers: &Layers) -> String {
    let mut text =
        String::from("# Settings as `tailerd serve` would use them: value, where it comes from, what it means.\n");
    let mut table = None;
    for setting in SETTINGS {
        let (in_table, name) = setting.key.split_once('.').map_or((None, setting.key), |(t, n)| (Some(t), n));
        if in_table != table {
            table = in_table;
            let _ = writeln!(text, "\n[{}]", table.unwrap_or_default());
        }
        let _ = match layers.get(setting.key) {
            Some(value) => {
                let shown = toml_value(setting, &value.text);
                writeln!(text, "{name} = {shown}  # {}: {}", value.origin, setting.help)
            }
            None => writeln!(text, "# {name} =  # unset: {}", setting.help),
        };
    }
    text + &layers.grants.to_toml() + &layers.projects.to_toml() + &storage::to_toml(&layers.storage)
}

/// `{key: value}`, unset ones null.
pub(crate) fn to_json(layers: &Layers) -> Value {
    let mut all = Map::new();
    for setting in SETTINGS {
        let value = match layers.get(setting.key) {
            None => Value::Null,
            Some(_) if setting.secret => json!("***"),
            Some(value) => match (setting.kind, value.text.parse::<u64>()) {
                (Kind::Count, Ok(number)) => json!(number),
                _ => json!(value.text),
            },
        };
        all.insert(setting.key.to_owned(), value);
    }
    all.insert("oidc.grants".to_owned(), layers.grants.to_json());
    all.insert("warehouse.projects".to_owned(), layers.projects.to_json());
    all.insert("storage".to_owned(), storage::to_json(&layers.storage));
    Value::Object(all)
}

fn toml_value(setting: &Setting, text: &str) -> String {
    if setting.secret {
        return "\"***\"".to_owned();
    }
    match (setting.kind, text.parse::<u64>()) {
        (Kind::Count, Ok(number)) => number.to_string(),
        _ => toml::Value::String(text.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_read_back() {
        let mut layers = Layers::defaults();
        layers.flag("data", "--data", "a \"quoted\" folder".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tailerd.toml");
        std::fs::write(&path, to_toml(&layers)).unwrap();
        let mut again = Layers::defaults();
        again.file(&path).unwrap();
        for setting in SETTINGS {
            assert_eq!(
                again.get(setting.key).map(|v| &v.text),
                layers.get(setting.key).map(|v| &v.text),
                "{}",
                setting.key
            );
        }
    }
}

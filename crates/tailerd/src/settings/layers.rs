//! Where each setting's value comes from: default, file, environment, flag; the last one wins.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

use super::{
    oidc::GrantLayers,
    projects::ProjectLayers,
    storage::StorageLayers,
    table::{self, SETTINGS},
};
use crate::failure::Failure;

/// The source of a value, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(String),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(place) | Self::Variable(place) => f.write_str(place),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value as text, with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// The values by key. Keys that nobody set are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, Value>,
    /// The tables below `storage`, whose names are not known beforehand.
    pub(super) storage: StorageLayers,
    /// The tables below `warehouse`, one for each project.
    pub(super) projects: ProjectLayers,
    /// The tables `[[oidc.grants]]`.
    pub(super) grants: GrantLayers,
}

impl Layers {
    pub(crate) fn defaults() -> Self {
        let values = SETTINGS
            .iter()
            .filter_map(|s| Some((s.key, Value { text: s.default?.to_owned(), origin: Origin::Default })))
            .collect();
        Self {
            values,
            storage: StorageLayers::default(),
            projects: ProjectLayers::default(),
            grants: GrantLayers::default(),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    fn set(&mut self, key: &'static str, text: String, origin: Origin) {
        self.values.insert(key, Value { text, origin });
    }

    pub(crate) fn flag(&mut self, key: &'static str, flag: &'static str, text: String) {
        self.set(key, text, Origin::Flag(flag));
    }

    /// Adds a settings file. Every unknown key and every value that is neither text, number nor boolean is an error;
    /// all of them are told at once.
    pub(crate) fn file(&mut self, file: &Path) -> Result<(), Failure> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| Failure::usage(format!("cannot read settings file {shown}: {e}")))?;
        let mut document: toml::Table =
            text.parse().map_err(|e: toml::de::Error| Failure::usage(format!("{shown}: {}", syntax(&text, &e))))?;
        let mut problems = Vec::new();
        if let Some(storage) = document.remove("storage") {
            self.storage.file(&shown.to_string(), &storage, &mut problems);
        }
        if let Some(toml::Value::Table(warehouse)) = document.get_mut("warehouse") {
            for (project, table) in warehouse.iter().filter_map(|(name, value)| Some((name, value.as_table()?))) {
                self.projects.file(&shown.to_string(), project, table, &mut problems);
            }
            warehouse.retain(|_, value| !value.is_table());
        }
        if let Some(toml::Value::Table(oidc)) = document.get_mut("oidc")
            && let Some(grants) = oidc.remove("grants")
        {
            self.grants.file(&shown.to_string(), &grants, &mut problems);
        }
        for (key, value) in flatten(&document) {
            match (table::find(&key), scalar(&value)) {
                (Some(setting), Some(text)) => self.set(setting.key, text, Origin::File(shown.to_string())),
                (Some(_), None) => problems.push(format!("{shown}: {key}: expected text or a number")),
                (None, _) => problems.push(match table::nearest(&key) {
                    Some(near) => format!("{shown}: unknown key `{key}`; did you mean `{near}`?"),
                    None => format!("{shown}: unknown key `{key}`"),
                }),
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(problems.join("\n")).hint("`tailerd serve --print-config` lists every key"))
    }

    /// Adds the `TAILERD_*` variables that name a setting. Empty ones count as unset.
    pub(crate) fn environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        let variables: BTreeMap<String, String> = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, value)| name.starts_with("TAILERD_") && !value.is_empty())
            .collect();
        self.storage.environment(&variables);
        self.projects.environment(&variables);
        self.grants.environment(&variables);
        for setting in SETTINGS {
            let name = setting.variable();
            if let Some(value) = variables.get(&name) {
                self.set(setting.key, value.clone(), Origin::Variable(name));
            }
        }
    }
}

/// `[log] filter = "x"` as `log.filter`.
fn flatten(document: &toml::Table) -> Vec<(String, toml::Value)> {
    let mut flat = Vec::new();
    for (key, value) in document {
        match value {
            toml::Value::Table(inner) => {
                flat.extend(flatten(inner).into_iter().map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            other => flat.push((key.clone(), other.clone())),
        }
    }
    flat
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A syntax error with its line and column.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return error.message().to_owned() };
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

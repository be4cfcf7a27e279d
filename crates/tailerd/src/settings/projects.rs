//! What stands behind each project that configurations name (`spec/data-operations.md`, Where data lives): tables
//! `[warehouse."<project>"]`, where `"*"` stands for every project without a table of its own. Without any table every project
//! is embedded.
//!
//! A variable `TAILERD_WAREHOUSE_BIGQUERY_<KEY>` is a key of the table `"*"` and wins over the file. Nothing is opened here: a secret
//! stays as it was written.

use std::{collections::BTreeMap, fmt, fmt::Write as _, time::Duration};

use serde_json::{Map, Value, json};
use tailer_model::nearest;

use super::layers::Origin;
use crate::cli::Span;

/// The table of every other project.
pub(crate) const ANY: &str = "*";

const KEYS: &[(&str, &str)] = &[
    ("kind", "embedded or bigquery"),
    ("project", "project where jobs run and are paid for; the one that is named when unset"),
    ("endpoint", "https://host[:port] of a compatible server; Google's when unset"),
    ("credentials", "a service account's key as a secret, \"default\" (application default) or \"none\" (emulators)"),
    ("location", "location of jobs and of datasets that are made, such as EU"),
    ("maximum_bytes_billed", "a query that would be billed more bytes fails before it runs"),
    ("job_timeout", "how long a job may take before BigQuery stops it, such as 2h"),
    ("query_cache", "whether BigQuery may give an earlier result of the same query, where a task does not say"),
    ("price_per_tib", "price of a tebibyte billed, to show the cost of runs"),
    ("create_datasets", "whether missing datasets are made"),
    ("staging", "bucket or bucket/folder for files on their way; without it files are uploaded with the job"),
    ("extract_above", "bytes of a result above which BigQuery writes an export itself, in no order"),
];

/// A value and where it comes from. Does not print the value: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
struct Written {
    value: Value,
    origin: Origin,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Written({})", self.origin)
    }
}

/// The tables as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProjectLayers(BTreeMap<String, BTreeMap<&'static str, Written>>);

/// How a project of BigQuery is reached.
#[derive(Clone, Default)]
pub(crate) struct BigQueryProject {
    pub(crate) project: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// As it was written: text or a secret.
    pub(crate) credentials: Option<Value>,
    pub(crate) location: Option<String>,
    pub(crate) maximum_bytes_billed: Option<u64>,
    pub(crate) job_timeout: Option<Duration>,
    pub(crate) query_cache: Option<bool>,
    pub(crate) price_per_tib: Option<f64>,
    pub(crate) create_datasets: bool,
    pub(crate) staging: Option<String>,
    pub(crate) extract_above: Option<u64>,
}

impl fmt::Debug for BigQueryProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BigQueryProject").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl BigQueryProject {
    /// Whether nobody is asked who asks: said so, or an address in the clear, which is an emulator's.
    pub(crate) fn is_anonymous(&self) -> bool {
        match &self.credentials {
            Some(written) => written == "none",
            None => self.endpoint.as_deref().is_some_and(|url| url.starts_with("http://")),
        }
    }
}

/// `None`: embedded.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProjectSettings(BTreeMap<String, Option<BigQueryProject>>);

impl ProjectSettings {
    /// What stands behind a project; `None`: the embedded warehouse.
    pub(crate) fn of(&self, project: &str) -> Option<&BigQueryProject> {
        self.0.get(project).or_else(|| self.0.get(ANY))?.as_ref()
    }

    /// The tables of projects on BigQuery, [`ANY`] among them.
    pub(crate) fn on_bigquery(&self) -> impl Iterator<Item = (&str, &BigQueryProject)> {
        self.0.iter().filter_map(|(name, project)| Some((name.as_str(), project.as_ref()?)))
    }

    /// Types what was written. What is wrong goes to `problems`.
    pub(super) fn from_layers(layers: &ProjectLayers, problems: &mut Vec<String>) -> Self {
        let mut projects = BTreeMap::new();
        for (name, table) in &layers.0 {
            match typed(table) {
                Ok(project) => {
                    projects.insert(name.clone(), project);
                }
                Err(problem) => problems.push(format!("[warehouse.{}]: {problem}", quoted(name))),
            }
        }
        Self(projects)
    }
}

fn typed(table: &BTreeMap<&'static str, Written>) -> Result<Option<BigQueryProject>, String> {
    let value = |key: &str| table.get(key).map(|written| &written.value);
    let text = |key: &str| match value(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(format!("{key}: expected text")),
    };
    let number = |key: &str| match value(key) {
        None => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| format!("{key}: expected a number")),
        Some(number) => number.as_f64().map(Some).ok_or_else(|| format!("{key}: expected a number")),
    };
    match text("kind")?.as_deref() {
        Some("bigquery") => {}
        Some("embedded") | None => {
            return match table.keys().find(|key| **key != "kind") {
                Some(key) => Err(format!("\"{key}\" needs kind = \"bigquery\"")),
                None => Ok(None),
            };
        }
        Some(other) => return Err(format!("kind: expected one of embedded, bigquery, got {other:?}")),
    }
    let bytes = |key: &str, least: f64, meaning: &str| match number(key)? {
        Some(bytes) if bytes < least || f64::fract(bytes) != 0.0 => {
            Err(format!("{key}: expected a whole number {meaning}"))
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not below zero")]
        found => Ok(found.map(|bytes| bytes as u64)),
    };
    let maximum_bytes_billed = bytes("maximum_bytes_billed", 1.0, "above zero")?;
    let extract_above = bytes("extract_above", 0.0, "that is not below zero")?;
    let price = number("price_per_tib")?;
    if price.is_some_and(|price| price < 0.0) {
        return Err("price_per_tib: expected a number that is not below zero".to_owned());
    }
    let flag = |key: &str| match value(key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
        Some(_) => Err(format!("{key}: expected true or false")),
    };
    let job_timeout = match text("job_timeout")? {
        None => None,
        Some(text) => Some(text.parse::<Span>().map_err(|problem| format!("job_timeout: {problem}"))?.0),
    };
    Ok(Some(BigQueryProject {
        project: text("project")?,
        endpoint: text("endpoint")?.map(|url| url.trim_end_matches('/').to_owned()),
        credentials: value("credentials").cloned(),
        location: text("location")?,
        maximum_bytes_billed,
        job_timeout,
        query_cache: flag("query_cache")?,
        price_per_tib: price,
        create_datasets: flag("create_datasets")?.unwrap_or_default(),
        staging: text("staging")?.map(|place| place.trim_start_matches("gs://").trim_matches('/').to_owned()),
        extract_above,
    }))
}

impl ProjectLayers {
    /// Adds the table of one project of a settings file; `shown` is the file. What is wrong goes to `problems`.
    pub(super) fn file(&mut self, shown: &str, project: &str, table: &toml::Table, problems: &mut Vec<String>) {
        let entry = self.0.entry(project.to_owned()).or_default();
        for (name, value) in table {
            let place = format!("warehouse.{}.{name}", quoted(project));
            match (KEYS.iter().find(|(key, _)| key == name), serde_json::to_value(value)) {
                (Some((key, _)), Ok(value)) => {
                    entry.insert(key, Written { value, origin: Origin::File(shown.to_owned()) });
                }
                _ => problems.push(match nearest(name, KEYS.iter().map(|(key, _)| *key)) {
                    Some(near) => format!("{shown}: unknown key `{place}`; did you mean `{near}`?"),
                    None => format!("{shown}: unknown key `{place}`"),
                }),
            }
        }
    }

    /// Adds the variables; `variables` are those that begin with `TAILERD_` and are not empty.
    pub(super) fn environment(&mut self, variables: &BTreeMap<String, String>) {
        for (key, _) in KEYS.iter().filter(|(key, _)| *key != "kind") {
            let name = format!("TAILERD_WAREHOUSE_BIGQUERY_{}", key.to_ascii_uppercase());
            if let Some(text) = variables.get(&name) {
                let table = self.0.entry(ANY.to_owned()).or_default();
                let origin = Origin::Variable(name);
                table.insert("kind", Written { value: json!("bigquery"), origin: origin.clone() });
                table.insert(key, Written { value: json!(text), origin });
            }
        }
    }

    /// For `--print-config`; nothing when there are no tables.
    pub(super) fn to_toml(&self) -> String {
        let mut text = String::new();
        if self.0.is_empty() {
            text += "\n# [warehouse.\"<project>\"]  # unset: every project is embedded\n";
        }
        for (project, table) in &self.0 {
            let _ = writeln!(text, "\n[warehouse.{}]", quoted(project));
            for (key, help) in KEYS {
                let Some(written) = table.get(key) else { continue };
                let shown = match shown(key, &written.value) {
                    Value::Object(parts) => {
                        let parts = parts.iter().map(|(name, value)| format!("{name} = {value}"));
                        format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
                    }
                    Value::String(text) => toml::Value::String(text).to_string(),
                    other => other.to_string(),
                };
                let _ = writeln!(text, "{key} = {shown}  # {}: {help}", written.origin);
            }
        }
        text
    }

    /// `{project: {key: value}}`
    pub(super) fn to_json(&self) -> Value {
        let table = |table: &BTreeMap<&'static str, Written>| {
            table.iter().map(|(key, written)| ((*key).to_owned(), shown(key, &written.value))).collect::<Map<_, _>>()
        };
        self.0.iter().map(|(project, keys)| (project.clone(), Value::Object(table(keys)))).collect::<Map<_, _>>().into()
    }
}

/// Where a secret comes from is none.
fn shown(key: &str, value: &Value) -> Value {
    let names_it = |name: &str| value.as_object().is_some_and(|parts| parts.len() == 1 && parts.contains_key(name));
    let is_word = value == "default" || value == "none";
    if key != "credentials" || is_word || names_it("env") || names_it("file") {
        return value.clone();
    }
    Value::from(tailer_model::secret::HIDDEN)
}

fn quoted(project: &str) -> String {
    toml::Value::String(project.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (ProjectSettings, ProjectLayers, Vec<String>) {
        let (mut layers, mut problems) = (ProjectLayers::default(), Vec::new());
        for (project, table) in text.parse::<toml::Table>().unwrap() {
            layers.file("f", &project, table.as_table().unwrap(), &mut problems);
        }
        let settings = ProjectSettings::from_layers(&layers, &mut problems);
        (settings, layers, problems)
    }

    #[test]
    fn a_project_is_embedded_unless_its_table_says_otherwise() {
        let (settings, ..) = read("[\"*\"]\nkind = \"bigquery\"\nlocation = \"EU\"\n[laptop]\nkind = \"embedded\"\n");
        assert_eq!(settings.of("shop").unwrap().location.as_deref(), Some("EU"));
        assert!(settings.of("laptop").is_none());
        assert!(ProjectSettings::default().of("shop").is_none());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, expect: &str| assert_eq!(read(text).2, [expect]);
        check(
            "[p]\nkind = \"bigquery\"\nlocaton = \"EU\"",
            "f: unknown key `warehouse.\"p\".localton`; did you mean `location`?"
                .replace("localton", "locaton")
                .as_str(),
        );
        check(
            "[p]\nkind = \"bigqery\"",
            "[warehouse.\"p\"]: kind: expected one of embedded, bigquery, got \"bigqery\"",
        );
        check("[p]\nlocation = \"EU\"", "[warehouse.\"p\"]: \"location\" needs kind = \"bigquery\"");
        check(
            "[p]\nkind = \"bigquery\"\nmaximum_bytes_billed = -1",
            "[warehouse.\"p\"]: maximum_bytes_billed: expected a whole number above zero",
        );
    }

    #[test]
    fn jobs_have_limits() {
        let (settings, ..) = read("[p]\nkind = \"bigquery\"\njob_timeout = \"90m\"\nquery_cache = false\n");
        let project = settings.of("p").unwrap();
        assert_eq!((project.job_timeout, project.query_cache), (Some(Duration::from_secs(5400)), Some(false)));
        let problem = &read("[p]\nkind = \"bigquery\"\njob_timeout = \"soon\"").2[0];
        assert!(
            problem.starts_with("[warehouse.\"p\"]: job_timeout: expected a whole number with a unit"),
            "{problem}"
        );
    }

    #[test]
    fn emulators_ask_nobody() {
        let check = |more: &str, expect: bool| {
            let (settings, ..) = read(&format!("[p]\nkind = \"bigquery\"\n{more}"));
            assert_eq!(settings.of("p").unwrap().is_anonymous(), expect, "{more}");
        };
        check("", false);
        check("endpoint = \"http://localhost:9050\"", true);
        check("endpoint = \"http://localhost:9050\"\ncredentials = \"default\"", false);
        check("endpoint = \"https://localhost:9050\"", false);
        check("credentials = \"none\"", true);
    }

    #[test]
    fn a_key_is_never_printed() {
        let (_, layers, _) = read("[p]\nkind = \"bigquery\"\ncredentials = \"{private}\"");
        assert!(!format!("{} {} {layers:?}", layers.to_toml(), layers.to_json()).contains("private"));
    }
}

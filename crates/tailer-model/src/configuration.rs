//! A configuration file as a typed value: the header common to all kinds and the definition of its own kind.

mod files;

use std::collections::BTreeSet;

use serde_json::Value;

pub use files::{FileKind, FileMention, check_files};

use crate::{
    AccountId, ConfigurationType, Environment, Identity, Monitoring, Problems, constants, json,
    operation::{Definition, Endurance},
    reader::Fields,
    reader::Reader,
    suggest,
    template::placeholders,
};

const MAX_CONFIGURATION_ID: usize = 200;

/// What every configuration says, whatever its kind (`spec/data-operations.md`, Common to all).
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub configuration_type: ConfigurationType,
    /// As in the file; [`Self::deployed_id`] is what it is addressed by.
    pub configuration_id: String,
    pub environment: Environment,
    pub account: AccountId,
    pub version: Option<String>,
    pub activated: bool,
    pub archived: bool,
    pub short_description: Option<String>,
    pub doc_md: Option<String>,
    /// At least 1.
    pub max_active_runs: u32,
    /// Its timeout bounds a run from its start; queueing does not count.
    pub endurance: Endurance,
    pub monitoring: Monitoring,
}

impl Header {
    /// Id once deployed: table-to-table ids get the environment as suffix unless they already end with it.
    #[must_use]
    pub fn deployed_id(&self) -> String {
        let suffix = format!("_{}", self.environment);
        if self.configuration_type == ConfigurationType::TableToTable && !self.configuration_id.ends_with(&suffix) {
            format!("{}{suffix}", self.configuration_id)
        } else {
            self.configuration_id.clone()
        }
    }

    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            account: self.account.clone(),
            environment: self.environment,
            configuration_type: self.configuration_type,
            configuration_id: self.deployed_id(),
        }
    }

    /// Reads the header; the type by itself, because the definition can be checked without the rest.
    fn read(fields: &Fields<'_>) -> (Option<ConfigurationType>, Option<Self>) {
        // For editors.
        fields.ignore(&["$schema"]);
        let configuration_type = fields.required("configuration_type", read_type);
        let configuration_id = fields.required("configuration_id", |f, name| f.checked(name, configuration_id));
        let environment = fields.required("environment", Fields::parsed);
        let account = fields.required("account", Fields::parsed);
        let version = fields.optional_text("version");
        let activated = fields.boolean("activated").unwrap_or(true);
        let archived = fields.boolean("archived").unwrap_or(false);
        let short_description = fields.optional_text("short_description");
        let doc_md = fields.markdown("doc_md");
        let max_active_runs = fields.count("max_active_runs", 1);
        let runs = configuration_type.is_none_or(ConfigurationType::has_runs);
        let endurance = if runs { Endurance::read(fields) } else { Endurance::default() };
        let monitoring = Monitoring::read(fields);
        let header = || {
            Some(Self {
                configuration_type: configuration_type?,
                configuration_id: configuration_id?,
                environment: environment?,
                account: account?,
                version,
                activated,
                archived,
                short_description,
                doc_md,
                max_active_runs: max_active_runs.unwrap_or(configuration_type?.default_max_active_runs()),
                endurance,
                monitoring,
            })
        };
        (configuration_type, header())
    }
}

/// Kinds that the vendor has and this version does not (`spec/data-operations.md`, Later operations).
const LATER_TYPES: &[&str] = &["api-to-storage", "xml-conversion", "file-utilities", "vm-launcher"];

fn read_type(fields: &Fields<'_>, name: &'static str) -> Option<ConfigurationType> {
    let text = fields.text(name)?;
    if LATER_TYPES.contains(&text.as_str()) {
        fields.error(name, format!("\"{text}\" is not supported yet by this version"));
        return None;
    }
    match text.parse() {
        Ok(kind) => Some(kind),
        Err(error) => {
            let known = ConfigurationType::ALL.map(ConfigurationType::as_str);
            let hint = suggest::hint(&text, known.into_iter().chain(["table-to-table"]));
            fields.error(name, format!("{error}; found \"{text}\"{hint}"));
            None
        }
    }
}

fn configuration_id(text: &str) -> Result<String, String> {
    if text.chars().count() > MAX_CONFIGURATION_ID {
        return Err(format!("must have at most {MAX_CONFIGURATION_ID} characters"));
    }
    if text.contains(['|', '/', '\\']) || text.contains(char::is_control) {
        return Err("must not contain \"|\", \"/\", \"\\\" or control characters".to_owned());
    }
    if text.trim() != text {
        return Err("must not start or end with a space".to_owned());
    }
    Ok(text.to_owned())
}

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    pub header: Header,
    pub definition: Definition,
    /// Files the configuration names (SQL, DDL, Markdown), as named; they must come with a deployment.
    pub files: BTreeSet<String>,
    /// The same with the place and the kind of each, one entry per name and kind.
    pub mentions: Vec<FileMention>,
}

/// Reads JSON text. Syntax errors are one problem with line and column. There is a configuration exactly when there are
/// no errors. Unknown parameters are warnings (with the nearest known name as a hint), repeated ones too.
#[must_use]
pub fn parse_configuration(text: &str) -> (Option<Configuration>, Problems) {
    let mut problems = Problems::default();
    let Some(value) = json::parse(text, &mut problems) else { return (None, problems) };
    let (configuration, more) = read_configuration(&value);
    problems.errors.extend(more.errors);
    problems.warnings.extend(more.warnings);
    (configuration, problems)
}

/// The same on a JSON value already parsed.
#[must_use]
pub fn read_configuration(value: &Value) -> (Option<Configuration>, Problems) {
    let (read, problems, mentions) = read(value);
    let configuration = read.filter(|_| problems.errors.is_empty()).map(|(header, definition)| {
        let files = mentions.iter().map(|mention| mention.name.clone()).collect();
        Configuration { header, definition, files, mentions }
    });
    (configuration, problems)
}

/// The files that a configuration names, as far as it can be read: also when much is wrong with it.
#[must_use]
pub fn mentions(value: &Value) -> Vec<FileMention> {
    read(value).2
}

fn read(value: &Value) -> (Option<(Header, Definition)>, Problems, Vec<FileMention>) {
    let reader = Reader::default();
    let read = reader.document(value).and_then(|fields| {
        let (kind, header) = Header::read(&fields);
        let kind = kind?;
        if kind != ConfigurationType::Context {
            refuse_unknown_constants(&reader, value, "$");
        }
        let definition = Definition::read(kind, &fields);
        fields.finish();
        Some((header?, definition?))
    });
    let (problems, mentions) = reader.into_parts();
    (read, problems, mentions)
}

/// A `{{name}}` that is no reserved name is a constant of a context, and must have been replaced by now; as those that every
/// context has a value for.
fn refuse_unknown_constants(reader: &Reader, value: &Value, path: &str) {
    match value {
        Value::String(text) => {
            for name in placeholders(text) {
                if !constants::is_reserved(&name) || constants::OF_THE_CONTEXT.contains(&name.as_str()) {
                    reader.error(
                        path,
                        format!("unknown constant {{{{{name}}}}}: deploy with the context that gives its value"),
                    );
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                refuse_unknown_constants(reader, item, &format!("{path}[{i}]"));
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                refuse_unknown_constants(reader, item, &json::member(path, name));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

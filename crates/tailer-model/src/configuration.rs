//! A configuration file as a typed value: the header common to all kinds and the definition of its own kind.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{AccountId, ConfigurationType, Environment, Identity, Problems, operation::Definition};

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
    pub max_active_runs: u32,
    /// Kept as written until alerts need it typed.
    pub monitoring: Option<Value>,
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
}

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    pub header: Header,
    pub definition: Definition,
    /// Files the configuration names (SQL, DDL, Markdown), as named; they must come with a deployment.
    pub files: BTreeSet<String>,
}

// CONTRACT (helper model):
// /// Reads JSON text. Syntax errors are one problem with line and column. `problems.errors` is empty exactly when `Some` is returned.
// /// Unknown parameters are warnings (with the nearest known name as a hint).
// pub fn parse_configuration(text: &str) -> (Option<Configuration>, Problems)
// /// The same on a JSON value already parsed.
// pub fn read_configuration(value: &Value) -> (Option<Configuration>, Problems)
// /// Checks the named files against the configuration (present, UTF-8, DDL files parse, reserved placeholders...).
// /// `get` returns the content by name. DDL problems carry `file`.
// pub fn check_files(configuration: &Configuration, get: &dyn Fn(&str) -> Option<Vec<u8>>) -> Problems

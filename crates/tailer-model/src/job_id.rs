//! Job ids, the finer identity below a configuration, and whose they are (`spec/api.md`, Identity).
//!
//! Canonical forms: `gbq-to-gbq|<deployed id>` for table-to-table, `<type>|<account>|<id>|<ENV>|<filename template>` for
//! one template of an operation started by files, `<type>|<account>|<id>|<ENV>` for the others. Requests may also use
//! the short form `<type>|<id>`, which means every job of that configuration.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ConfigurationType, Environment, Identity, identity::IdentityError, json::quote};

/// A job id as text, with the canonical spelling of its type. Parse requests with [`JobId::parse`], which folds the
/// type's aliases; build canonical ones with [`Identity::job_id`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// Whether a job id means a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobMatch {
    /// Every job of it.
    Whole,
    /// The job of one filename template of it.
    Template(String),
    /// Another configuration's.
    No,
}

impl JobId {
    /// Reads a job id of a request or of a configuration: `<type>|...`, in the canonical or the short form. The type's
    /// aliases (`table-to-table`, `storage-to-table`) become the canonical spelling.
    ///
    /// # Errors
    /// Without a `|`, with an unknown type or with an empty part.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let (kind, rest) = text.split_once('|').ok_or_else(|| {
            IdentityError("expected a job id such as \"gbq-to-gbq|<configuration_id>\", its type first".into())
        })?;
        let kind: ConfigurationType = kind.parse().map_err(|e: IdentityError| {
            IdentityError(format!("unknown type {} in front of the job id: {e}", quote(kind)))
        })?;
        if rest.split('|').any(|part| part.trim().is_empty()) {
            return Err(IdentityError("a part of the job id between two \"|\" is empty".into()));
        }
        Ok(Self(format!("{kind}|{rest}")))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type in front, when it is one.
    #[must_use]
    pub fn configuration_type(&self) -> Option<ConfigurationType> {
        self.0.split('|').next()?.parse().ok()
    }

    /// Whether this id means `identity`'s configuration: canonical, short, and with or without the `_ENV` suffix of the
    /// configuration's id.
    #[must_use]
    pub fn belongs_to(&self, identity: &Identity) -> JobMatch {
        let Some((kind, rest)) = self.0.split_once('|') else { return JobMatch::No };
        if kind.parse() != Ok(identity.configuration_type) {
            return JobMatch::No;
        }
        let same = |id: &str| same_id(id, &identity.configuration_id, identity.environment);
        let parts: Vec<&str> = rest.splitn(4, '|').collect();
        let here = |account: &str, environment: &str| {
            account == identity.account.as_str() && environment == identity.environment.as_str()
        };
        match parts.as_slice() {
            [id] if same(id) => JobMatch::Whole,
            [account, id, environment] if here(account, environment) && same(id) => JobMatch::Whole,
            [account, id, environment, template]
                if identity.configuration_type.is_started_by_files() && here(account, environment) && same(id) =>
            {
                JobMatch::Template((*template).to_owned())
            }
            _ => JobMatch::No,
        }
    }

    /// Every text under which a finished job of `identity` may be awaited or asked for: the canonical id (of the
    /// template too, when there is one), the short form, and each with and without the `_ENV` suffix. Canonical first.
    #[must_use]
    pub fn spellings(identity: &Identity, filename_template: Option<&str>) -> Vec<Self> {
        let Identity { account, environment, configuration_type, configuration_id } = identity;
        let suffix = format!("_{environment}");
        let other =
            configuration_id.strip_suffix(&suffix).map_or_else(|| format!("{configuration_id}{suffix}"), str::to_owned);
        let mut all = vec![Self::canonical(identity, filename_template), Self::canonical(identity, None)];
        for id in [configuration_id, &other] {
            let long = format!("{configuration_type}|{account}|{id}|{environment}");
            if let Some(template) = filename_template.filter(|_| configuration_type.is_started_by_files()) {
                all.push(Self(format!("{long}|{template}")));
            }
            all.push(Self(long));
            all.push(Self(format!("{configuration_type}|{id}")));
        }
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|id| seen.insert(id.clone()));
        all
    }

    /// The id that answers show.
    pub(crate) fn canonical(identity: &Identity, filename_template: Option<&str>) -> Self {
        let Identity { account, environment, configuration_type, configuration_id } = identity;
        Self(match (configuration_type, filename_template) {
            (ConfigurationType::TableToTable, _) => format!("{configuration_type}|{configuration_id}"),
            (_, None) => format!("{configuration_type}|{account}|{configuration_id}|{environment}"),
            (_, Some(t)) => format!("{configuration_type}|{account}|{configuration_id}|{environment}|{t}"),
        })
    }
}

/// Equal, or equal but for the environment suffix of one of them.
fn same_id(a: &str, b: &str, environment: Environment) -> bool {
    let with_suffix = |short: &str, long: &str| {
        long.strip_prefix(short)
            .and_then(|rest| rest.strip_prefix('_'))
            .is_some_and(|rest| rest == environment.as_str())
    };
    a == b || with_suffix(a, b) || with_suffix(b, a)
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for JobId {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(kind: ConfigurationType, id: &str) -> Identity {
        Identity {
            account: "000110".parse().unwrap(),
            environment: Environment::Dev,
            configuration_type: kind,
            configuration_id: id.to_owned(),
        }
    }

    #[test]
    fn parse_folds_the_type() {
        let check = |text: &str, expected: &str| assert_eq!(JobId::parse(text).unwrap().as_str(), expected);
        check("table-to-table|X_DEV", "gbq-to-gbq|X_DEV");
        check("storage-to-table|000110|X|DEV|a.csv", "storage-to-tables|000110|X|DEV|a.csv");
        check("storage-to-storage|X", "storage-to-storage|X");
    }

    #[test]
    fn parse_says_what_is_wrong() {
        let check = |text: &str, part: &str| {
            let error = JobId::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("X_DEV", "its type first");
        check("dag|X", "unknown type \"dag\"");
        check("workflow|", "empty");
        check("workflow|000110||DEV", "empty");
    }

    #[test]
    fn belongs_to_its_configuration_only() {
        use ConfigurationType::{StorageToStorage, TableToStorage, TableToTable};
        let check = |text: &str, kind, id, expected| {
            assert_eq!(JobId(text.to_owned()).belongs_to(&identity(kind, id)), expected, "{text}");
        };
        check("gbq-to-gbq|X_DEV", TableToTable, "X_DEV", JobMatch::Whole);
        check("gbq-to-gbq|X", TableToTable, "X_DEV", JobMatch::Whole);
        check("table-to-table|X_DEV", TableToTable, "X_DEV", JobMatch::Whole);
        check("gbq-to-gbq|X_PROD", TableToTable, "X_DEV", JobMatch::No);
        check("gbq-to-gbq|XDEV", TableToTable, "X_DEV", JobMatch::No);
        check("table-to-storage|X", TableToTable, "X_DEV", JobMatch::No);
        check("table-to-storage|000110|X|DEV", TableToStorage, "X", JobMatch::Whole);
        check("table-to-storage|000110|X_DEV|DEV", TableToStorage, "X", JobMatch::Whole);
        check("table-to-storage|000111|X|DEV", TableToStorage, "X", JobMatch::No);
        check("table-to-storage|000110|X|PROD", TableToStorage, "X", JobMatch::No);
        check("table-to-storage|000110|X|DEV|a", TableToStorage, "X", JobMatch::No);
        check("storage-to-storage|X", StorageToStorage, "X", JobMatch::Whole);
        check("storage-to-storage|000110|X|DEV|a.csv", StorageToStorage, "X", JobMatch::Template("a.csv".into()));
        check("nonsense", StorageToStorage, "X", JobMatch::No);
    }

    #[test]
    fn spellings_all_belong() {
        for (kind, id, template) in [
            (ConfigurationType::TableToTable, "X_DEV", None),
            (ConfigurationType::StorageToTables, "X", Some("a_{{FD_DATE}}.csv")),
            (ConfigurationType::TableToStorage, "X", None),
        ] {
            let identity = identity(kind, id);
            let all = JobId::spellings(&identity, template);
            assert_eq!(all[0], identity.job_id(template));
            assert!(all.iter().all(|job| job.belongs_to(&identity) != JobMatch::No), "{all:?}");
            assert!(all.contains(&JobId(format!("{kind}|X"))), "{all:?}");
        }
    }
}

//! Who and what: accounts, environments, configuration types, run ids, task ids (`spec/api.md`, Identity). Job ids have
//! a file of their own, [`crate::job_id`].

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{job_id::JobId, text::as_text};

/// What is wrong with an identifier, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IdentityError(pub String);

/// An account: six digits, kept as text because leading zeros matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);
as_text!(AccountId);

impl AccountId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.len() == 6 && s.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(s.to_owned()))
        } else {
            Err(IdentityError("expected six digits in a string, such as \"000110\"".into()))
        }
    }
}

/// Deployment environment of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Environment {
    Prod,
    Preprod,
    Staging,
    Dev,
}
as_text!(Environment);

impl Environment {
    pub const ALL: [Self; 4] = [Self::Prod, Self::Preprod, Self::Staging, Self::Dev];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prod => "PROD",
            Self::Preprod => "PREPROD",
            Self::Staging => "STAGING",
            Self::Dev => "DEV",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|e| e.as_str() == s)
            .ok_or_else(|| IdentityError("expected one of PROD, PREPROD, STAGING, DEV".into()))
    }
}

/// Kind of data operation. Two spellings of one type parse to the same value; [`Self::as_str`] is the canonical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConfigurationType {
    TableToTable,
    TableToStorage,
    StorageToStorage,
    StorageToTables,
    Workflow,
    Context,
    /// Known to the API (it can be addressed), not yet deployable.
    VmLauncher,
}
as_text!(ConfigurationType);

impl ConfigurationType {
    pub const ALL: [Self; 7] = [
        Self::TableToTable,
        Self::TableToStorage,
        Self::StorageToStorage,
        Self::StorageToTables,
        Self::Workflow,
        Self::Context,
        Self::VmLauncher,
    ];

    /// The canonical spelling, which is also what job ids start with.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TableToTable => "gbq-to-gbq",
            Self::TableToStorage => "table-to-storage",
            Self::StorageToStorage => "storage-to-storage",
            Self::StorageToTables => "storage-to-tables",
            Self::Workflow => "workflow",
            Self::Context => "context",
            Self::VmLauncher => "vm-launcher",
        }
    }

    /// Whether `launch_job` and workflows may start it; the other kinds are started by files or hold state only.
    #[must_use]
    pub fn is_launchable(self) -> bool {
        matches!(self, Self::TableToTable | Self::TableToStorage | Self::VmLauncher)
    }

    /// Whether only an arriving file starts it.
    #[must_use]
    pub fn is_started_by_files(self) -> bool {
        matches!(self, Self::StorageToStorage | Self::StorageToTables)
    }
}

impl fmt::Display for ConfigurationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConfigurationType {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "table-to-table" | "tables-to-tables" => return Ok(Self::TableToTable),
            "storage-to-table" => return Ok(Self::StorageToTables),
            _ => {}
        }
        Self::ALL.into_iter().find(|t| t.as_str() == s).ok_or_else(|| {
            IdentityError(
                "expected one of table-to-table (or gbq-to-gbq), table-to-storage, storage-to-storage, \
                 storage-to-tables, workflow, context, vm-launcher"
                    .into(),
            )
        })
    }
}

/// The full address of a deployed configuration. `configuration_id` is the *deployed* id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub account: AccountId,
    pub environment: Environment,
    pub configuration_type: ConfigurationType,
    pub configuration_id: String,
}

impl Identity {
    /// The job id of the whole configuration, or of one filename template of it.
    #[must_use]
    pub fn job_id(&self, filename_template: Option<&str>) -> JobId {
        JobId::canonical(self, filename_template)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} {})", self.configuration_type, self.configuration_id, self.account, self.environment)
    }
}

/// `YYYYMMDD-<uuid>`: UTC date of creation and a lower-case uuid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(String);
as_text!(RunId);

impl RunId {
    /// The id of a run created at `at`, made unique by `unique`.
    #[must_use]
    pub fn new(at: Timestamp, unique: Uuid) -> Self {
        let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        Self(format!("{:04}{:02}{:02}-{unique}", day.year(), day.month(), day.day()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let well_formed = s.split_once('-').is_some_and(|(day, rest)| {
            day.len() == 8
                && day.bytes().all(|b| b.is_ascii_digit())
                && rest.len() == 36
                && !rest.bytes().any(|b| b.is_ascii_uppercase())
                && Uuid::try_parse(rest).is_ok()
        });
        if well_formed {
            Ok(Self(s.to_owned()))
        } else {
            Err(IdentityError("expected a run id such as \"20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29\"".into()))
        }
    }
}

/// A task's id: letters, digits, underscores, starting with a letter, not ending with an underscore.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);
as_text!(TaskId);

impl TaskId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TaskId {
    type Err = IdentityError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let ok = s.starts_with(|c: char| c.is_ascii_alphabetic())
            && !s.ends_with('_')
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if ok {
            Ok(Self(s.to_owned()))
        } else {
            Err(IdentityError(
                "a task id has letters, digits and underscores, starts with a letter and does not end with an underscore"
                    .into(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_six_digits() {
        assert!("000110".parse::<AccountId>().is_ok());
        for bad in ["", "110", "0001100", "00011a", "٠٠٠١١٠", " 00110"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn types_have_two_spellings() {
        for (text, canonical) in [
            ("gbq-to-gbq", "gbq-to-gbq"),
            ("table-to-table", "gbq-to-gbq"),
            ("storage-to-table", "storage-to-tables"),
            ("storage-to-tables", "storage-to-tables"),
            ("workflow", "workflow"),
        ] {
            assert_eq!(text.parse::<ConfigurationType>().map(ConfigurationType::as_str), Ok(canonical));
        }
        assert!("Workflow".parse::<ConfigurationType>().is_err());
    }

    #[test]
    fn run_ids_carry_their_day() {
        let id = RunId::new("2020-11-05T23:59:59.9Z".parse().unwrap(), Uuid::nil());
        assert_eq!(id.as_str(), "20201105-00000000-0000-0000-0000-000000000000");
        assert_eq!(id.as_str().parse(), Ok(id));
        assert!("20201105-1588F12A-73f0-4f5c-8592-5cd3ce793a29".parse::<RunId>().is_err());
        assert!("20201105".parse::<RunId>().is_err());
    }

    #[test]
    fn task_ids_follow_the_rule() {
        for good in ["a", "load_sales", "t1", "A__b"] {
            assert!(good.parse::<TaskId>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "_a", "a_", "a-b", "a b", "é"] {
            assert!(bad.parse::<TaskId>().is_err(), "{bad}");
        }
    }
}

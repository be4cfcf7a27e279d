//! The data catalogue: `/catalog`, the tables of a dataset, one table.

pub(in crate::studio) mod dataset;
pub(in crate::studio) mod overview;
pub(in crate::studio) mod table;

use std::time::Duration;

use serde::Deserialize;
use tailer_engine::{CatalogScope, LastUpdate};
use tailer_model::{AccountId, Environment};

use crate::studio::{charts, error::PageError, filters, numbers, pages::operations, visitor::Visitor};

/// How long a page waits for warehouses. What does not come in time is left out, and the page says so.
const PATIENCE: Duration = Duration::from_secs(4);

/// What stands in the address of every page of the catalogue.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    pub(in crate::studio) account: String,
    pub(in crate::studio) environment: String,
    pub(in crate::studio) q: String,
    page: String,
}

/// Whose catalogue a page shows, and how its links keep it.
pub(in crate::studio) struct Place {
    pub(in crate::studio) account: AccountId,
    pub(in crate::studio) environment: Option<Environment>,
}

impl Place {
    /// # Errors
    /// 400 for what cannot be read; 403 for a visitor without any account.
    fn of(visitor: &Visitor, asked: &Asked) -> Result<Self, PageError> {
        Ok(Self {
            account: filters::account(visitor, &asked.account)?,
            environment: filters::read("environment", &asked.environment)?,
        })
    }

    fn scope(&self) -> CatalogScope {
        CatalogScope { account: self.account.clone(), environment: self.environment, patience: PATIENCE }
    }

    /// An address of the catalogue: project, dataset and table as far as they are given.
    pub(in crate::studio) fn address(&self, parts: &[&str], more: &[(&str, &str)]) -> String {
        let mut path = "/catalog".to_owned();
        for part in parts {
            path.push('/');
            path.push_str(&filters::encoded(part));
        }
        let environment = self.environment.map(|environment| environment.to_string()).unwrap_or_default();
        let kept = [("account", self.account.as_str()), ("environment", environment.as_str())];
        filters::address(&path, &[&kept[..], more].concat())
    }

    /// Where a data operation is shown.
    pub(in crate::studio) fn operation(&self, identity: &tailer_model::Identity) -> String {
        operations::path_of(
            identity.account.as_str(),
            identity.environment,
            identity.configuration_type,
            &identity.configuration_id,
        )
    }
}

/// When a run wrote a table last, as it is shown.
struct Last {
    moment: String,
    run: String,
    /// Name and address of its operation.
    operation: (String, String),
    task: String,
    /// `, 1,234 rows`; empty where that is not known.
    rows: String,
    has_failed: bool,
}

impl Last {
    fn of(place: &Place, last: &LastUpdate) -> Self {
        Self {
            moment: charts::moment(&last.at.to_string()),
            run: format!("/runs/{}", last.run_id),
            operation: (last.operation.configuration_id.clone(), place.operation(&last.operation)),
            task: last.task_id.to_string(),
            rows: match last.rows {
                None => String::new(),
                Some(1) => ", 1 row".to_owned(),
                Some(rows) => format!(", {} rows", numbers::thousands(rows)),
            },
            has_failed: last.status == "FAILED",
        }
    }
}

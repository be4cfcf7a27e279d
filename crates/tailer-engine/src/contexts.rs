//! Contexts (`spec/semantics.md`, Contexts): which one a deployment names, and the deployment filled with its constants.
//!
//! What is deployed is the filled text, so that a context that changes later changes nothing that is deployed already. A
//! context serves its own account only: its constants may be secrets.

use serde::Serialize;
use serde_json::Value;
use tailer_model::{
    AccountId, ConfigurationType, Constants, Environment, Problem, constants::account_of, parse_configuration,
};
use tailer_store::{
    Store, Tx,
    configurations::{self, ConfigurationRow, ListFilter},
};

use crate::{DeployRequest, EngineError, configurations::quoted};

/// The version of a context that a configuration was deployed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeployedContext {
    /// `<account>_<context id>`
    pub id: String,
    pub version: u32,
}

impl DeployedContext {
    /// As the store keeps it.
    pub(crate) fn record(&self) -> String {
        format!("{} version {}", self.id, self.version)
    }

    /// What [`Self::record`] wrote.
    pub(crate) fn read(recorded: &str) -> Option<Self> {
        let (id, version) = recorded.rsplit_once(" version ")?;
        Some(Self { id: id.to_owned(), version: version.parse().ok()? })
    }
}

/// A deployment as it would be without a context.
#[derive(Debug)]
pub(crate) struct FilledRequest {
    pub(crate) request: DeployRequest,
    pub(crate) context: Option<DeployedContext>,
    pub(crate) warnings: Vec<Problem>,
}

/// Fills the request with the context that it names, if it names one.
///
/// # Errors
/// [`EngineError::Problems`]: no such context, one that cannot be used, unknown constants.
pub(crate) async fn fill(store: &Store, request: DeployRequest) -> Result<FilledRequest, EngineError> {
    let Some(wanted) = request.context.clone() else {
        return Ok(FilledRequest { request, context: None, warnings: Vec::new() });
    };
    // Text that is no JSON has no place to be filled: what is wrong with it is said by whoever parses it next.
    let document: Value = serde_json::from_str(&request.configuration).unwrap_or_default();
    let lookup = Lookup::new(&wanted, &document).map_err(|problem| EngineError::Problems(vec![problem]))?;
    let (constants, version) = store.read(move |tx| lookup.load(tx)).await?;
    let (filled, problems) = constants.fill(&request.configuration, &request.files);
    let Some(filled) = filled else { return Err(EngineError::Problems(problems.errors)) };
    Ok(FilledRequest {
        context: Some(DeployedContext { id: constants.id(), version }),
        warnings: problems.warnings,
        request: DeployRequest { configuration: filled.document, files: filled.files, context: None, ..request },
    })
}

/// Which context is meant.
struct Lookup {
    /// As the request has it.
    wanted: String,
    account: AccountId,
    /// The ids that it may have, best first.
    ids: Vec<String>,
    /// Decides between contexts of one id.
    environment: Option<Environment>,
}

impl Lookup {
    fn new(wanted: &str, document: &Value) -> Result<Self, Problem> {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let of_kind = text("configuration_type").and_then(|kind| kind.parse().ok());
        if of_kind == Some(ConfigurationType::Context) {
            return Err(Problem::at("$.configuration_type", "a context takes no context: deploy it without one"));
        }
        let said = text("account").and_then(|account| account.parse::<AccountId>().ok());
        let Some(account) = said.or_else(|| account_of(wanted)) else {
            let message = "the account is not known before the context is: name the context with its account in front, such as \
                           \"000110_base\"";
            return Err(Problem::at("$.account", message));
        };
        let without_account = wanted.strip_prefix(&format!("{account}_")).map(str::to_owned);
        let ids = [Some(wanted.to_owned()), without_account].into_iter().flatten().collect();
        let environment = text("environment").and_then(|environment| environment.parse().ok());
        Ok(Self { wanted: wanted.to_owned(), account, ids, environment })
    }

    /// Its constants and its version.
    fn load(&self, tx: &mut Tx<'_>) -> Result<(Constants, u32), EngineError> {
        let problem = |message: String| EngineError::Problems(vec![Problem::at("$", message)]);
        let row = self.find(tx)?.map_err(problem)?;
        let unreadable = || EngineError::Internal(format!("{} cannot be read any more", row.identity));
        let version = configurations::version(tx, row.key, row.version)?.ok_or_else(unreadable)?;
        let (configuration, _) = parse_configuration(&version.document);
        let constants = configuration.as_ref().and_then(Constants::of).ok_or_else(unreadable)?;
        Ok((constants, row.version))
    }

    fn find(&self, tx: &mut Tx<'_>) -> Result<Result<ConfigurationRow, String>, EngineError> {
        let filter = ListFilter {
            account: self.account.clone(),
            environment: None,
            configuration_type: Some(ConfigurationType::Context),
            archived: None,
        };
        let all = configurations::list(tx, &filter)?;
        let named = |id: &String| all.iter().filter(|row| row.identity.configuration_id == *id).collect::<Vec<_>>();
        let found = self.ids.iter().map(named).find(|rows| !rows.is_empty()).unwrap_or_default();
        Ok(self.choose(&found).cloned())
    }

    fn choose<'a>(&self, found: &[&'a ConfigurationRow]) -> Result<&'a ConfigurationRow, String> {
        let wanted = quoted(&self.wanted);
        if found.is_empty() {
            return Err(format!(
                "account {} has no context {wanted}: deploy it first, or correct its id",
                self.account
            ));
        }
        let usable: Vec<_> = found.iter().filter(|row| row.activated && !row.archived).collect();
        let here = usable.iter().find(|row| Some(row.identity.environment) == self.environment);
        match (here, usable.as_slice()) {
            (Some(row), _) => Ok(row),
            (None, [row]) => Ok(row),
            (None, []) => Err(format!("the context {wanted} is disabled or archived: enable it, or name another one")),
            (None, several) => {
                let environments: Vec<&str> = several.iter().map(|row| row.identity.environment.as_str()).collect();
                Err(format!(
                    "the context {wanted} is deployed in {}: the configuration's own environment must be one of them",
                    environments.join(", ")
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_again() {
        let context = DeployedContext { id: "000099_a version 3".into(), version: 12 };
        assert_eq!(DeployedContext::read(&context.record()), Some(context));
        assert_eq!(DeployedContext::read("anything"), None);
    }
}

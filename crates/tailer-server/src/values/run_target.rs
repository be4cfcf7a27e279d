//! Under what a run is asked for: its configuration's identity, or the account alone.

use tailer_engine::{ConfigurationRef, EngineError};
use tailer_model::{AccountId, Environment, RunId};

use super::{Kind, Name, Target};
use crate::{
    api::Call,
    errors::ApiError,
    fields::{FieldDoc, Fields, Slot},
};

/// A run id says everything, so the three fields that name its configuration may be left out, all of them together
/// (ours beyond the documents; people at the command line have a run id and nothing else). When some are given, all are needed.
#[derive(Debug, Clone)]
pub(crate) enum RunTarget {
    Configuration(Target),
    Account(AccountId),
}

const IDENTITY: [&str; 3] = ["environment", "configuration_type", "configuration_id"];

impl RunTarget {
    /// The configuration's identity, once the sender's role on the account is known to suffice. A run of another
    /// account is as good as none.
    ///
    /// # Errors
    /// 403 without the role, 404 when the account has no such run.
    pub(crate) async fn authorized(self, call: &Call<'_>, run_id: &RunId) -> Result<Target, ApiError> {
        match self {
            Self::Configuration(target) => {
                call.authorize(&target.configuration.account)?;
                Ok(target)
            }
            Self::Account(account) => {
                call.authorize(&account)?;
                let run = call.app.engine.find_run(run_id).await?;
                if run.account != account {
                    let message = format!("there is no run {run_id}");
                    return Err(EngineError::NotFound { code: "unknown_run", message }.into());
                }
                let spelled = run.configuration_type.as_str().to_owned();
                let configuration = ConfigurationRef {
                    account,
                    environment: run.environment,
                    configuration_type: run.configuration_type,
                    configuration_id: run.configuration_id,
                };
                Ok(Target { configuration, spelled })
            }
        }
    }
}

impl Slot for RunTarget {
    fn take(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        let given = |fields: &mut Fields<'_>, name: &str| fields.raw(name).is_some();
        let identity = IDENTITY.into_iter().any(|name| given(fields, name));
        if !identity && given(fields, "account") && given(fields, "run_id") {
            return fields.required("account").map(Self::Account);
        }
        Target::take(fields, name).map(Self::Configuration)
    }

    fn describe(_: &'static str, _: &'static str, into: &mut Vec<FieldDoc>) {
        <AccountId as Slot>::describe("account", "Account of the run.", into);
        let together = "Left out only together with the other two that name the run's configuration.";
        <Option<Environment> as Slot>::describe("environment", together, into);
        <Option<Kind> as Slot>::describe("configuration_type", together, into);
        <Option<Name> as Slot>::describe("configuration_id", together, into);
    }
}

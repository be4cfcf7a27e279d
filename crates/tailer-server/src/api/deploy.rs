//! `POST /v1/configuration/deploy` (`spec/api.md`).
//!
//! The account to authorize stands inside the configuration. When it cannot be read there, whoever may deploy on some
//! account is told what is wrong with the configuration; nothing is deployed then. A deployment that would bring back an
//! archived configuration needs the admin role, as un-archiving does.

use tailer_engine::{DeployRequest, EngineError};
use tailer_model::{AccountId, Problem, constants::account_of};

use super::{Answer, Call};
use crate::{
    access::Role,
    errors::ApiError,
    fields::{Field, Fields, Request, request},
    json,
    values::{Files, Name, ObjectText},
    wire::Done,
};

request! {
    /// `deploy_configuration`, `check_configuration`
    Deploy {
        /// The data operation's configuration file.
        configuration: ObjectText,
        /// Each file that the configuration names, in base64, by its name there.
        files: Option<Files>,
        /// Id of the context whose constants are filled in.
        context: Option<Name>,
        /// Launches a run once deployed.
        run: Option<bool>,
        /// Name of the configuration file, for problems to show.
        file_name: Option<Name>,
    }
}

pub(super) async fn deploy_configuration(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let request = read(call, fields).await?;
    require_admin_to_unarchive(call, &request).await?;
    Answer::json(&Done::with(call.app.engine.deploy(request).await?))
}

pub(super) async fn check_configuration(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let request = read(call, fields).await?;
    Answer::json(&Done::with(call.app.engine.check(request).await?))
}

/// Reads the request and requires the role on the configuration's account, or on its context's, from which it may come: the
/// engine refuses a context of another account.
async fn read(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<DeployRequest, ApiError> {
    let Deploy { configuration, files, context, run, file_name } = Deploy::read(fields)?;
    let context = context.map(|name| name.0);
    let account = account(&configuration.0).or_else(|| account_of(context.as_deref()?));
    let request = DeployRequest {
        configuration: configuration.0,
        file_name: file_name.map(|name| name.0),
        files: files.unwrap_or_default().0,
        context,
        run: run.unwrap_or(false),
        by: call.actor(),
    };
    match account {
        Some(account) => call.authorize(&account).map(|()| request),
        None => Err(without_account(call, request).await),
    }
}

/// Deploying sets the flags that the file has; where that takes `archived` back, it takes an admin.
async fn require_admin_to_unarchive(call: &Call<'_>, request: &DeployRequest) -> Result<(), ApiError> {
    match call.app.engine.unarchives(request.clone()).await? {
        Some(old) => call.principal.require(Role::Admin, &old.account, "deploying over an archived configuration"),
        None => Ok(()),
    }
}

/// The account of a configuration, if it says one.
fn account(configuration: &str) -> Option<AccountId> {
    let object = json::read_object(configuration.as_bytes()).ok()?;
    let (_, raw) = object.0.into_iter().find(|(name, _)| name == "account")?;
    AccountId::read(raw).ok()
}

/// What is wrong with a configuration that names no account.
async fn without_account(call: &Call<'_>, request: DeployRequest) -> ApiError {
    let needed = call.rule.role;
    if !call.principal.grants.iter().any(|grant| grant.role >= needed) {
        return ApiError::forbidden(format!("{} needs the role {needed} on an account", call.rule.name));
    }
    let file = request.file_name.clone();
    match call.app.engine.check(request).await {
        Err(error) => error.into(),
        Ok(_) => {
            let message = format!("the account cannot be read: it expects {}", AccountId::EXPECTED);
            EngineError::Problems(vec![Problem { file, ..Problem::at("$.account", message) }]).into()
        }
    }
}

//! `POST /v1/configuration/status`: the flags and the documents of deployed configurations (`spec/api.md`).

use tailer_model::{AccountId, Environment};

use super::{Answer, Call};
use crate::{
    access::Role,
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Kind, Target, Version},
    wire::{ConfigurationBody, ConfigurationDocumentBody, Results},
};

request! {
    /// `set_configuration_status`; at least one of the flags must be there.
    SetFlags {
        target: Target,
        /// False: no trigger of any kind starts it. At least one of `activated` and `archived` is needed.
        activated: Option<bool>,
        /// True: also hidden from lists. Back to false needs the admin role.
        archived: Option<bool>,
    }
}

request! {
    /// `get_configuration_status`
    GetFlags {
        target: Target,
    }
}

request! {
    /// `get_configuration`
    GetConfiguration {
        target: Target,
        /// A version of before; the current one when absent.
        version: Option<Version>,
    }
}

request! {
    /// `list_configurations`
    ListConfigurations {
        /// Account whose configurations are listed.
        account: AccountId,
        environment: Option<Environment>,
        configuration_type: Option<Kind>,
        /// True lists the archived ones instead.
        archived: Option<bool>,
    }
}

pub(super) async fn set_configuration_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let SetFlags { target, activated, archived } = SetFlags::read(fields)?;
    if activated.is_none() && archived.is_none() {
        fields.missing("activated", "true or false (or give `archived`)");
        fields.missing("archived", "true or false (or give `activated`)");
        return Err(fields.error());
    }
    let account = &target.configuration.account;
    call.authorize(account)?;
    let engine = &call.app.engine;
    if archived == Some(false) && engine.configuration_status(&target.configuration).await?.archived {
        call.principal.require(Role::Admin, account, "un-archiving")?;
    }
    engine.set_configuration_status(&target.configuration, activated, archived, &call.actor()).await?;
    Answer::done()
}

pub(super) async fn get_configuration_status(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let GetFlags { target } = GetFlags::read(fields)?;
    call.authorize(&target.configuration.account)?;
    let view = call.app.engine.configuration_status(&target.configuration).await?;
    Answer::json(&Results { results: vec![ConfigurationBody::one(&view, &target.spelled)] })
}

pub(super) async fn get_configuration(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let GetConfiguration { target, version } = GetConfiguration::read(fields)?;
    call.authorize(&target.configuration.account)?;
    let document = call.app.engine.configuration_document(&target.configuration, version.map(|v| v.0)).await?;
    Answer::json(&Results { results: vec![ConfigurationDocumentBody::new(&document, &target.spelled)] })
}

pub(super) async fn list_configurations(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let ListConfigurations { account, environment, configuration_type, archived } = ListConfigurations::read(fields)?;
    call.authorize(&account)?;
    let kind = configuration_type.as_ref().map(|kind| kind.kind);
    let spelled = configuration_type.as_ref().map(|kind| kind.spelled.as_str());
    let archived = Some(archived.unwrap_or(false));
    let views = call.app.engine.list_configurations(&account, environment, kind, archived).await?;
    let results = views.iter().map(|view| ConfigurationBody::listed(view, spelled)).collect();
    Answer::json(&Results { results })
}

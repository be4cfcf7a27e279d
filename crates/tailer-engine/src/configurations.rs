//! Data operations as deployed: look up, enable, disable, archive, list, show (`spec/api.md`, `/v1/configuration/status`).

use tailer_model::{
    AccountId, Actor, ConfigurationType, Environment, Identity, operation::storage_to_storage::StorageKind, redact,
    rfc3339_micros,
};
use tailer_store::{
    ConfigurationKey, Durability, StoreError, Tx,
    configurations::{self, ConfigurationRow, ListFilter, VersionRow},
    runs::{self, RunFilter},
};

use crate::{
    ConfigurationDocument, ConfigurationRef, ConfigurationView, DeployedContext, Engine, EngineError, audit::record,
    runs::view_of, versions::version_of,
};

/// The row that a reference names, with or without the environment's suffix; a context also by `<account>_<id>`.
///
/// # Errors
/// [`EngineError::NotFound`] when there is none.
pub(crate) fn resolve(tx: &mut Tx<'_>, wanted: &ConfigurationRef) -> Result<ConfigurationRow, EngineError> {
    let mut find = |id: &str| {
        let ConfigurationRef { account, environment, configuration_type, .. } = wanted;
        configurations::resolve(tx, account, *environment, *configuration_type, id)
    };
    let id = wanted.configuration_id.as_str();
    // `--context` names a context with its account in front.
    let short = (wanted.configuration_type == ConfigurationType::Context)
        .then(|| id.strip_prefix(wanted.account.as_str())?.strip_prefix('_'))
        .flatten();
    let found = match (find(id)?, short) {
        (None, Some(short)) => find(short)?,
        (found, _) => found,
    };
    found.ok_or_else(|| {
        EngineError::not_found(
            "unknown_configuration",
            format!(
                "account {} has no {} {} in {}: deploy it, or correct the identity",
                wanted.account,
                wanted.configuration_type,
                quoted(&wanted.configuration_id),
                wanted.environment
            ),
        )
    })
}

/// What a caller sent, quoted and cut for a message.
pub(crate) fn quoted(text: &str) -> String {
    let cut: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    format!("{cut:?}")
}

/// A folder as one text, without slashes at the ends of `prefix`: what operations watch.
pub(crate) fn folder_text(kind: StorageKind, bucket: &str, prefix: &str) -> String {
    format!("{kind}://{bucket}/{prefix}")
}

impl Engine {
    /// The identity that a reference resolves to.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn resolve(&self, configuration: &ConfigurationRef) -> Result<Identity, EngineError> {
        let wanted = configuration.clone();
        self.0.parts.store.read(move |tx| resolve(tx, &wanted).map(|row| row.identity)).await
    }

    /// Enables, disables, archives; `None` leaves a flag as it is. Whether the caller may un-archive is the server's to
    /// decide (see [`Engine::configuration_status`]).
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when un-archiving a load whose folder another one watches.
    pub async fn set_configuration_status(
        &self,
        configuration: &ConfigurationRef,
        activated: Option<bool>,
        archived: Option<bool>,
        by: &Actor,
    ) -> Result<(), EngineError> {
        let (wanted, by, now) = (configuration.clone(), by.clone(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &wanted)?;
                configurations::set_flags(tx, row.key, activated, archived, &by.name, now).map_err(
                    |error| match error {
                        StoreError::Conflict(message) => EngineError::conflict("source_taken", message),
                        other => other.into(),
                    },
                )?;
                let after = (activated.unwrap_or(row.activated), archived.unwrap_or(row.archived));
                Ok::<_, EngineError>(record::flags(tx, &by, now, &row, after)?)
            })
            .await?;
        self.0.configurations_changed();
        Ok(())
    }

    /// Flags and version of one operation.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn configuration_status(
        &self,
        configuration: &ConfigurationRef,
    ) -> Result<ConfigurationView, EngineError> {
        let wanted = configuration.clone();
        self.0.parts.store.read(move |tx| resolve(tx, &wanted).and_then(|row| view(tx, row, None))).await
    }

    /// A version of one operation as it was deployed, the current one when none is named. Secrets are hidden.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn configuration_document(
        &self,
        configuration: &ConfigurationRef,
        version: Option<u32>,
    ) -> Result<ConfigurationDocument, EngineError> {
        let wanted = configuration.clone();
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let found = version_of(tx, &row, version.unwrap_or(row.version))?;
                document_of(tx, row, found)
            })
            .await
    }

    /// Operations of an account with their last run. Archived ones only when asked for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_configurations(
        &self,
        account: &AccountId,
        environment: Option<Environment>,
        kind: Option<ConfigurationType>,
        archived: Option<bool>,
    ) -> Result<Vec<ConfigurationView>, EngineError> {
        let filter = ListFilter {
            account: account.clone(),
            environment,
            configuration_type: kind,
            archived: Some(archived.unwrap_or(false)),
        };
        let now = self.0.now();
        self.0
            .parts
            .store
            .read(move |tx| {
                let mut views = Vec::new();
                for row in configurations::list(tx, &filter)? {
                    let last = RunFilter { configuration: Some(row.key), limit: 1, ..RunFilter::default() };
                    let run = runs::list(tx, &last)?.into_iter().next().map(|run| view_of(tx, run, now)).transpose()?;
                    views.push(view(tx, row, run)?);
                }
                Ok(views)
            })
            .await
    }
}

/// The context that a version was deployed with.
pub(crate) fn context_of(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    version: u32,
) -> Result<Option<DeployedContext>, EngineError> {
    Ok(configurations::context(tx, key, version)?.as_deref().and_then(DeployedContext::read))
}

/// What a version shows of itself; secrets are hidden.
pub(crate) fn document_of(
    tx: &mut Tx<'_>,
    row: ConfigurationRow,
    found: VersionRow,
) -> Result<ConfigurationDocument, EngineError> {
    let version = found.version;
    let configuration = serde_json::from_str(&found.document)
        .map_err(|error| EngineError::Internal(format!("version {version} of {}: {error}", row.identity)))?;
    Ok(ConfigurationDocument {
        of: view(tx, ConfigurationRow { version, ..row }, None)?,
        configuration: redact(&configuration),
        files: found.files.into_keys().collect(),
        deploy_date: rfc3339_micros(found.at),
        deployed_by: found.by,
    })
}

pub(crate) fn view(
    tx: &mut Tx<'_>,
    row: ConfigurationRow,
    last_run: Option<crate::RunView>,
) -> Result<ConfigurationView, EngineError> {
    let context = context_of(tx, row.key, row.version)?;
    let ConfigurationRow { identity, activated, archived, version, .. } = row;
    let Identity { account, environment, configuration_type, configuration_id } = identity;
    Ok(ConfigurationView {
        account,
        environment,
        configuration_type,
        configuration_id,
        activated,
        archived,
        version,
        context,
        last_run,
    })
}

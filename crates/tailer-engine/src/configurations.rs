//! Data operations: deploy, check, look up, enable, disable, archive, list (`spec/api.md`, the configuration endpoints).

use jiff::Timestamp;
use tailer_model::{
    AccountId, Configuration, ConfigurationType, Environment, Identity, Problem, check_files,
    operation::{Definition, StorageToTables, storage_to_storage::StorageKind},
    parse_configuration, rfc3339_micros,
};
use tailer_store::{
    Durability, StoreError, Tx,
    configurations::{self, ConfigurationRow, ListFilter, NewVersion},
    runs::{self, RunFilter},
    workflows,
};

use crate::{
    ConfigurationRef, ConfigurationView, DeployRequest, Deployed, Engine, EngineError, LaunchRequest, runs::view_of,
};

/// How many ticks a deployment shows.
const TICKS_SHOWN: usize = 5;

/// The row that a reference names, with or without the environment's suffix.
///
/// # Errors
/// [`EngineError::NotFound`] when there is none.
pub(crate) fn resolve(tx: &mut Tx<'_>, wanted: &ConfigurationRef) -> Result<ConfigurationRow, EngineError> {
    configurations::resolve(
        tx,
        &wanted.account,
        wanted.environment,
        wanted.configuration_type,
        &wanted.configuration_id,
    )?
    .ok_or_else(|| {
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

struct Checked {
    configuration: Configuration,
    warnings: Vec<Problem>,
}

fn check(request: &DeployRequest) -> Result<Checked, EngineError> {
    let named = |mut problems: Vec<Problem>| {
        for problem in &mut problems {
            problem.file = problem.file.take().or_else(|| request.file_name.clone());
        }
        problems
    };
    let (configuration, problems) = parse_configuration(&request.configuration);
    let Some(configuration) = configuration else { return Err(EngineError::Problems(named(problems.errors))) };
    let mut warnings = problems.warnings;
    let files = check_files(&configuration, &|name| request.files.get(name).cloned());
    let mut errors = files.errors;
    warnings.extend(files.warnings);
    if configuration.header.configuration_type == ConfigurationType::Context {
        errors.push(Problem::at("$.configuration_type", "contexts are not supported yet by this version of tailerd"));
    }
    if request.context.is_some() {
        errors.push(Problem::at("$", "deploying with a context is not supported yet by this version of tailerd"));
    }
    if !errors.is_empty() {
        return Err(EngineError::Problems(named(errors)));
    }
    Ok(Checked { configuration, warnings: named(warnings) })
}

fn next_ticks(configuration: &Configuration, now: Timestamp) -> Vec<String> {
    let ticks = match &configuration.definition {
        Definition::TableToTable(c) => c.schedule.next_ticks(now, TICKS_SHOWN),
        Definition::TableToStorage(c) => c.schedule.next_ticks(now, TICKS_SHOWN),
        _ => Vec::new(),
    };
    ticks.into_iter().map(rfc3339_micros).collect()
}

/// A load replaces another one of the same folder, but never another account's.
fn refuse_foreign_source(tx: &mut Tx<'_>, version: &NewVersion) -> Result<(), EngineError> {
    let Some(watched) = &version.watched else { return Ok(()) };
    if version.identity.configuration_type != ConfigurationType::StorageToTables {
        return Ok(());
    }
    match configurations::watching(tx, watched)? {
        Some(other) if other.identity.account != version.identity.account => {
            Err(EngineError::Problems(vec![Problem::at(
                "$.source",
                "an operation of another account loads this bucket and prefix: name another one",
            )]))
        }
        _ => Ok(()),
    }
}

/// The folder that an operation watches, as one text.
fn watched(definition: &Definition) -> Option<String> {
    let source = match definition {
        Definition::StorageToTables(StorageToTables { source, .. }) => source,
        Definition::StorageToStorage(c) => &c.source,
        _ => return None,
    };
    Some(folder_text(source.kind, &source.bucket, &source.prefix))
}

/// A folder as one text, without slashes at the ends of `prefix`.
pub(crate) fn folder_text(kind: StorageKind, bucket: &str, prefix: &str) -> String {
    format!("{kind}://{bucket}/{prefix}")
}

impl Engine {
    /// Validates a configuration with the files it names, and makes it the newest version (`spec/api.md`, deploy).
    ///
    /// # Errors
    /// [`EngineError::Problems`] with everything that is wrong: then nothing was deployed.
    pub async fn deploy(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        let Checked { configuration, mut warnings } = check(&request)?;
        let now = self.0.now();
        let header = &configuration.header;
        let identity = header.identity();
        let version = NewVersion {
            identity: identity.clone(),
            document: request.configuration,
            files: request.files.into_iter().filter(|(name, _)| configuration.files.contains(name)).collect(),
            activated: header.activated,
            archived: header.archived,
            max_active_runs: header.max_active_runs,
            by: request.by.clone(),
            at: now,
            context: None,
            watched: watched(&configuration.definition),
        };
        let awaits = match &configuration.definition {
            Definition::Workflow(workflow) => Some(workflow.authorized_job_ids.clone()),
            _ => None,
        };
        let deployed = self
            .0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                refuse_foreign_source(tx, &version)?;
                let deployed = configurations::deploy(tx, &version)?;
                if let Some(awaits) = &awaits {
                    workflows::deploy(tx, deployed.key, awaits, version.at)?;
                }
                Ok::<_, EngineError>(deployed)
            })
            .await?;
        if let Some(replaced) = deployed.replaced {
            warnings.push(Problem::at(
                "$.source",
                format!("{replaced} watched the same bucket and prefix: it is archived and disabled now"),
            ));
        }
        let run_id =
            if request.run { self.run_after_deploy(&identity, &request.by, &mut warnings).await? } else { None };
        let pokes = &self.0.pokes;
        for poke in [&pokes.dispatch, &pokes.arrivals, &pokes.ticks, &pokes.firings] {
            poke.notify_one();
        }
        Ok(Deployed {
            configuration_id: identity.configuration_id,
            version: deployed.version,
            warnings,
            next_ticks: next_ticks(&configuration, now),
            run_id,
        })
    }

    async fn run_after_deploy(
        &self,
        identity: &Identity,
        by: &str,
        warnings: &mut Vec<Problem>,
    ) -> Result<Option<tailer_model::RunId>, EngineError> {
        if !identity.configuration_type.is_launchable() {
            let what = format!("a {} is not launched; nothing was started", identity.configuration_type);
            warnings.push(Problem::at("$.configuration_type", what));
            return Ok(None);
        }
        self.launch(LaunchRequest {
            configuration: ConfigurationRef::from(identity.clone()),
            job_id: None,
            execution_date: None,
            parameters: serde_json::Map::new(),
            tasks: None,
            idempotency: None,
            by: by.to_owned(),
            trigger: "api",
        })
        .await
        .map(Some)
    }

    /// As [`Engine::deploy`], without effect. `version` is the one that a deployment would get.
    ///
    /// # Errors
    /// As [`Engine::deploy`].
    pub async fn check(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        let Checked { configuration, warnings } = check(&request)?;
        let identity = configuration.header.identity();
        let wanted = identity.clone();
        let now = self.0.parts.store.read(move |tx| configurations::find(tx, &wanted)).await?;
        Ok(Deployed {
            configuration_id: identity.configuration_id,
            version: now.map_or(1, |row| row.version + 1),
            warnings,
            next_ticks: next_ticks(&configuration, self.0.now()),
            run_id: None,
        })
    }

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
        by: &str,
    ) -> Result<(), EngineError> {
        let (wanted, by, now) = (configuration.clone(), by.to_owned(), self.0.now());
        self.0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                let row = resolve(tx, &wanted)?;
                configurations::set_flags(tx, row.key, activated, archived, &by, now).map_err(|error| match error {
                    StoreError::Conflict(message) => EngineError::conflict("source_taken", message),
                    other => other.into(),
                })
            })
            .await?;
        let pokes = &self.0.pokes;
        for poke in [&pokes.firings, &pokes.dispatch, &pokes.arrivals, &pokes.ticks] {
            poke.notify_one();
        }
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
        self.0.parts.store.read(move |tx| resolve(tx, &wanted).map(|row| view(row, None))).await
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
                    views.push(view(row, run));
                }
                Ok(views)
            })
            .await
    }
}

fn view(row: ConfigurationRow, last_run: Option<crate::RunView>) -> ConfigurationView {
    let ConfigurationRow { identity, activated, archived, version, .. } = row;
    let Identity { account, environment, configuration_type, configuration_id } = identity;
    ConfigurationView {
        account,
        environment,
        configuration_type,
        configuration_id,
        activated,
        archived,
        version,
        last_run,
    }
}

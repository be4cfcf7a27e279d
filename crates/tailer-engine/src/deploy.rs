//! Deployments: a configuration and its files, filled with its context, checked, and made the newest version
//! (`spec/api.md`, deploy).

use jiff::Timestamp;
use tailer_model::{
    Actor, Configuration, ConfigurationType, Identity, Problem, check_files,
    operation::{Definition, StorageToTables, storage_to_storage::StorageAddress},
    parse_configuration, rfc3339_micros,
};
use tailer_store::{
    Durability, Store, Tx,
    configurations::{self, NewVersion},
    workflows,
};

use crate::{
    ConfigurationRef, DeployRequest, Deployed, DeployedContext, Engine, EngineError, EngineParts, LaunchRequest,
    alerts,
    audit::record,
    configurations::folder_text,
    contexts::{self, FilledRequest},
    execute,
    reconcile::ticks,
};

/// How many ticks a deployment shows.
const TICKS_SHOWN: usize = 5;

/// A deployment that may take place.
struct Checked {
    request: DeployRequest,
    configuration: Configuration,
    context: Option<DeployedContext>,
    warnings: Vec<Problem>,
}

/// Fills the request with its context and checks what becomes of it.
async fn check(store: &Store, request: DeployRequest) -> Result<Checked, EngineError> {
    let file_name = request.file_name.clone();
    let named = |mut problems: Vec<Problem>| {
        for problem in &mut problems {
            problem.file = problem.file.take().or_else(|| file_name.clone());
        }
        problems
    };
    let filled = contexts::fill(store, request).await.map_err(|error| match error {
        EngineError::Problems(problems) => EngineError::Problems(named(problems)),
        other => other,
    })?;
    let FilledRequest { request, context, mut warnings } = filled;
    let (configuration, problems) = parse_configuration(&request.configuration);
    let Some(configuration) = configuration else { return Err(EngineError::Problems(named(problems.errors))) };
    warnings.extend(problems.warnings);
    let files = check_files(&configuration, &|name| request.files.get(name).cloned());
    let errors = files.errors;
    warnings.extend(files.warnings);
    if !errors.is_empty() {
        return Err(EngineError::Problems(named(errors)));
    }
    let warnings = named(warnings);
    Ok(Checked { request, configuration, context, warnings })
}

/// The next ticks of a configuration, as the API writes them: of its runs or, for a workflow, of its resets. At most five.
#[must_use]
pub fn next_ticks(configuration: &Configuration, now: Timestamp) -> Vec<String> {
    let ticks = match &configuration.definition {
        Definition::TableToTable(c) => c.schedule.next_ticks(now, TICKS_SHOWN),
        Definition::TableToStorage(c) => c.schedule.next_ticks(now, TICKS_SHOWN),
        Definition::Workflow(c) => {
            let next = |at: &Timestamp| c.reset.as_ref().and_then(|cron| cron.next_after(*at));
            std::iter::successors(next(&now), next).take(TICKS_SHOWN).collect()
        }
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

/// Whether any server may execute it: it needs no embedded warehouse and no folder of one server.
fn roams(definition: &Definition, parts: &EngineParts) -> bool {
    let is_service = |place: &StorageAddress| !parts.storages.is_local(place);
    let is_away = |project: &str| !parts.warehouses.is_embedded(project);
    match definition {
        Definition::StorageToStorage(copy) => {
            let mut places = std::iter::once(&copy.source).chain(copy.destinations.iter().map(|to| &to.address));
            places.all(is_service)
        }
        Definition::TableToTable(tables) => tables.tasks.iter().all(|task| is_away(&task.project)),
        Definition::StorageToTables(load) => {
            is_service(&load.source) && load.tables.iter().all(|table| is_away(&table.project))
        }
        Definition::TableToStorage(tables) => tables
            .exports
            .iter()
            .all(|export| is_away(&export.project) && is_service(&execute::bucket_address(&export.bucket))),
        _ => false,
    }
}

/// What the warehouses that the settings choose cannot do, said before anything runs.
fn refuse_impossible(definition: &Definition, parts: &EngineParts) -> Result<(), EngineError> {
    let Definition::StorageToTables(load) = definition else { return Ok(()) };
    let mut problems = Vec::new();
    for table in load.tables.iter().filter(|table| !parts.warehouses.is_embedded(&table.project)) {
        if let Some(why) = tailer_warehouse::bigquery::refused(&table.options) {
            problems.push(Problem::at("$.destinations", format!("table {}: {why}", table.table_name)));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(problems)) }
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

impl Engine {
    /// Validates a configuration with the files it names, and makes it the newest version (`spec/api.md`, deploy).
    ///
    /// # Errors
    /// [`EngineError::Problems`] with everything that is wrong: then nothing was deployed.
    pub async fn deploy(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        let Checked { request, configuration, context, mut warnings } = check(&self.0.parts.store, request).await?;
        refuse_impossible(&configuration.definition, &self.0.parts)?;
        warnings.extend(alerts::warnings(&configuration, &self.0.parts.settings.alerts));
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
            by: request.by.name.clone(),
            at: now,
            context: context.as_ref().map(DeployedContext::record),
            watched: watched(&configuration.definition),
            roams: roams(&configuration.definition, &self.0.parts),
        };
        let awaits = match &configuration.definition {
            Definition::Workflow(workflow) => Some(workflow.authorized_job_ids.clone()),
            _ => None,
        };
        let (inner, by) = (self.0.clone(), request.by.clone());
        let deployed = self
            .0
            .parts
            .store
            .write(Durability::Synced, move |tx| {
                refuse_foreign_source(tx, &version)?;
                // What the version before was due to start is its own.
                ticks::settle(&inner, tx, &version.identity, now)?;
                let former = record::former(tx, &version)?;
                let watching = version.watched.as_deref().map(|watched| configurations::watching(tx, watched));
                let watching = watching.transpose()?.flatten();
                let deployed = configurations::deploy(tx, &version)?;
                record::deployed(tx, &by, former.as_ref(), &version, deployed.version)?;
                if let Some(displaced) = watching.filter(|other| Some(&other.identity) == deployed.replaced.as_ref()) {
                    record::flags(tx, &by, now, &displaced, (false, true))?;
                }
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
        self.0.configurations_changed();
        Ok(Deployed {
            configuration_id: identity.configuration_id,
            version: deployed.version,
            context,
            warnings,
            next_ticks: next_ticks(&configuration, now),
            run_id,
        })
    }

    async fn run_after_deploy(
        &self,
        identity: &Identity,
        by: &Actor,
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
            repeats: None,
            by: by.clone(),
        })
        .await
        .map(Some)
    }

    /// As [`Engine::deploy`], without effect. `version` is the one that a deployment would get.
    ///
    /// # Errors
    /// As [`Engine::deploy`].
    pub async fn check(&self, request: DeployRequest) -> Result<Deployed, EngineError> {
        let Checked { configuration, context, mut warnings, .. } = check(&self.0.parts.store, request).await?;
        warnings.extend(alerts::warnings(&configuration, &self.0.parts.settings.alerts));
        let identity = configuration.header.identity();
        let wanted = identity.clone();
        let now = self.0.parts.store.read(move |tx| configurations::find(tx, &wanted)).await?;
        Ok(Deployed {
            configuration_id: identity.configuration_id,
            version: now.map_or(1, |row| row.version + 1),
            context,
            warnings,
            next_ticks: next_ticks(&configuration, self.0.now()),
            run_id: None,
        })
    }

    /// What a deployment would bring back from the archive, if anything: that takes more than the right to deploy. A
    /// request with problems brings nothing back.
    ///
    /// # Errors
    /// What the store says.
    pub async fn unarchives(&self, request: DeployRequest) -> Result<Option<Identity>, EngineError> {
        let store = &self.0.parts.store;
        let request = match contexts::fill(store, request).await {
            Ok(filled) => filled.request,
            Err(EngineError::Problems(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(new) = parse_configuration(&request.configuration).0.filter(|new| !new.header.archived) else {
            return Ok(None);
        };
        let identity = new.header.identity();
        let wanted = identity.clone();
        let old = store.read(move |tx| configurations::find(tx, &wanted)).await?;
        Ok(old.filter(|old| old.archived).map(|_| identity))
    }
}

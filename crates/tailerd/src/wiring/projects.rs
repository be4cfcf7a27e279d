//! What stands behind a project: the embedded warehouse, a database file each below `DATA/warehouse`, or BigQuery where the
//! settings say so.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;
use tailer_engine::{EngineError, Warehouses};
use tailer_model::Secret;
use tailer_warehouse::{
    BigQueryWarehouse, EmbeddedWarehouse, Warehouse,
    bigquery::{BigQueryCredentials, BigQuerySettings, EXTRACT_ABOVE},
    embedded::EmbeddedSettings,
};

use crate::{
    failure::{Context as _, Failure},
    secrets::SecretOpener,
    settings::projects::{BigQueryProject, ProjectSettings},
};

/// Finds the warehouse of a project. Each is opened once.
#[derive(Debug)]
pub(crate) struct Projects {
    embedded: Arc<dyn Warehouse>,
    settings: ProjectSettings,
    secrets: SecretOpener,
    open: Mutex<BTreeMap<String, Arc<dyn Warehouse>>>,
}

impl Projects {
    pub(crate) fn new(embedded: Arc<dyn Warehouse>, settings: ProjectSettings, secrets: SecretOpener) -> Self {
        Self { embedded, settings, secrets, open: Mutex::default() }
    }
}

/// A project that the settings put on BigQuery. Asks nobody.
///
/// # Errors
/// A secret that cannot be opened, an address that is none.
pub(crate) fn open_bigquery(
    project: &str,
    wanted: &BigQueryProject,
    secrets: &SecretOpener,
) -> Result<Arc<dyn Warehouse>, EngineError> {
    let failed = |why: String| EngineError::Internal(format!("the settings of the warehouse of {project}: {why}"));
    let settings = BigQuerySettings {
        project: wanted.project.clone().unwrap_or_else(|| project.to_owned()),
        endpoint: wanted.endpoint.clone(),
        credentials: credentials(wanted, secrets).map_err(failed)?,
        location: wanted.location.clone(),
        maximum_bytes_billed: wanted.maximum_bytes_billed,
        price_per_tib: wanted.price_per_tib,
        create_datasets: wanted.create_datasets,
        staging: wanted.staging.clone(),
        extract_above: wanted.extract_above.unwrap_or(EXTRACT_ABOVE),
        ..BigQuerySettings::new(project)
    };
    let opened = BigQueryWarehouse::open(settings).map_err(|error| failed(error.to_string()))?;
    Ok(Arc::new(opened))
}

fn credentials(wanted: &BigQueryProject, secrets: &SecretOpener) -> Result<BigQueryCredentials, String> {
    let key = match &wanted.credentials {
        // An address in the clear is an emulator: nobody is asked who asks.
        None if wanted.endpoint.as_deref().is_some_and(|url| url.starts_with("http://")) => {
            return Ok(BigQueryCredentials::None);
        }
        None => return Ok(BigQueryCredentials::ApplicationDefault),
        Some(Value::String(word)) if word == "default" => return Ok(BigQueryCredentials::ApplicationDefault),
        Some(Value::String(word)) if word == "none" => return Ok(BigQueryCredentials::None),
        Some(key) => key,
    };
    let opened = secrets.open_setting(key).map_err(|error| format!("credentials: {error}"))?;
    let text: Option<Secret<String>> = opened.to_text();
    text.map(BigQueryCredentials::ServiceAccount).ok_or_else(|| "credentials: the secret is not text".to_owned())
}

impl Warehouses for Projects {
    fn open(&self, project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        let Some(wanted) = self.settings.of(project) else { return Ok(Arc::clone(&self.embedded)) };
        let mut open = self.open.lock();
        if let Some(found) = open.get(project) {
            return Ok(Arc::clone(found));
        }
        let opened = open_bigquery(project, wanted, &self.secrets)?;
        open.insert(project.to_owned(), Arc::clone(&opened));
        Ok(opened)
    }

    fn all(&self) -> Vec<Arc<dyn Warehouse>> {
        let mut all = vec![Arc::clone(&self.embedded)];
        all.extend(self.open.lock().values().map(Arc::clone));
        all
    }

    fn is_embedded(&self, project: &str) -> bool {
        self.settings.of(project).is_none()
    }
}

/// Every project embedded: for checks, which ask nobody outside this machine.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedProjects(Arc<dyn Warehouse>);

impl EmbeddedProjects {
    pub(crate) fn new(warehouse: Arc<dyn Warehouse>) -> Self {
        Self(warehouse)
    }
}

impl Warehouses for EmbeddedProjects {
    fn open(&self, _project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        Ok(Arc::clone(&self.0))
    }

    fn all(&self) -> Vec<Arc<dyn Warehouse>> {
        vec![Arc::clone(&self.0)]
    }
}

/// Opens the embedded warehouse of a folder.
pub(crate) fn open_warehouse(folder: PathBuf, settings: EmbeddedSettings) -> Result<Arc<dyn Warehouse>, Failure> {
    let doing = format!("cannot open the warehouse {}", folder.display());
    Ok(Arc::new(EmbeddedWarehouse::open(folder, settings).context(doing)?))
}

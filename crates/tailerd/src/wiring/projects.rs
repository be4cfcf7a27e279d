//! What stands behind a project: the embedded warehouse, a database file each below `DATA/warehouse`, or BigQuery where the
//! settings say so.
//!
//! A client of BigQuery is for one project and whoever asks there: the server, or the service account that a configuration brings
//! along. Its token is kept with it. Two configurations share a client when they bring the same secret.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tailer_engine::{EngineError, Warehouses};
use tailer_model::{
    Secret,
    secret::{Closed, GOOGLE_KEY},
};
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

/// A client that nobody has used for so long is let go.
const UNUSED: Duration = Duration::from_secs(600);

/// Finds the warehouse of a project. Each is opened once.
#[derive(Debug)]
pub(crate) struct Projects {
    embedded: Arc<dyn Warehouse>,
    settings: ProjectSettings,
    secrets: SecretOpener,
    /// By project and fingerprint of the secret that a configuration brings; that of the server's own is empty.
    open: Mutex<BTreeMap<(String, Vec<u8>), Opened>>,
}

#[derive(Debug)]
struct Opened {
    warehouse: Arc<dyn Warehouse>,
    used: Instant,
}

impl Projects {
    pub(crate) fn new(embedded: Arc<dyn Warehouse>, settings: ProjectSettings, secrets: SecretOpener) -> Self {
        Self { embedded, settings, secrets, open: Mutex::default() }
    }

    /// The same for the same secret. Of a file its content counts, which may change.
    fn fingerprint(&self, project: &str, closed: &Closed) -> Result<Vec<u8>, EngineError> {
        let mut digest = Sha256::new();
        if closed.0.get("file").is_some() {
            digest.update(brought(project, closed, &self.secrets)?.expose());
        }
        digest.update(closed.0.to_string());
        Ok(digest.finalize().to_vec())
    }
}

/// The key of a service account that a configuration brings along, opened.
fn brought(project: &str, closed: &Closed, secrets: &SecretOpener) -> Result<Secret<String>, EngineError> {
    let wrong = |why: &dyn std::fmt::Display| EngineError::Invalid {
        code: "invalid_credentials",
        message: format!("project {project}: {GOOGLE_KEY}: {why}"),
    };
    let opened = secrets.open(&closed.0).map_err(|error| wrong(&error))?;
    opened.to_text().ok_or_else(|| wrong(&"the secret is not UTF-8 text"))
}

/// How a project is reached that the settings put on BigQuery. Asks nobody.
///
/// # Errors
/// A secret that cannot be opened.
pub(crate) fn bigquery_settings(
    project: &str,
    wanted: &BigQueryProject,
    secrets: &SecretOpener,
) -> Result<BigQuerySettings, EngineError> {
    let failed = |why: String| EngineError::Internal(format!("the settings of the warehouse of {project}: {why}"));
    Ok(BigQuerySettings {
        project: wanted.project.clone().unwrap_or_else(|| project.to_owned()),
        endpoint: wanted.endpoint.clone(),
        credentials: credentials(wanted, secrets).map_err(failed)?,
        location: wanted.location.clone(),
        maximum_bytes_billed: wanted.maximum_bytes_billed,
        job_timeout: wanted.job_timeout,
        query_cache: wanted.query_cache,
        price_per_tib: wanted.price_per_tib,
        create_datasets: wanted.create_datasets,
        staging: wanted.staging.clone(),
        extract_above: wanted.extract_above.unwrap_or(EXTRACT_ABOVE),
        ..BigQuerySettings::new(project)
    })
}

/// # Errors
/// Credentials that are none, an address that is none.
pub(crate) fn open_bigquery(project: &str, settings: BigQuerySettings) -> Result<Arc<dyn Warehouse>, EngineError> {
    let failed = |why: String| EngineError::Internal(format!("the settings of the warehouse of {project}: {why}"));
    Ok(Arc::new(BigQueryWarehouse::open(settings).map_err(|error| failed(error.to_string()))?))
}

fn credentials(wanted: &BigQueryProject, secrets: &SecretOpener) -> Result<BigQueryCredentials, String> {
    let key = match &wanted.credentials {
        _ if wanted.is_anonymous() => return Ok(BigQueryCredentials::None),
        None => return Ok(BigQueryCredentials::ApplicationDefault),
        Some(Value::String(word)) if word == "default" => return Ok(BigQueryCredentials::ApplicationDefault),
        Some(key) => key,
    };
    let opened = secrets.open_setting(key).map_err(|error| format!("credentials: {error}"))?;
    let text: Option<Secret<String>> = opened.to_text();
    text.map(BigQueryCredentials::ServiceAccount).ok_or_else(|| "credentials: the secret is not text".to_owned())
}

impl Warehouses for Projects {
    fn open(&self, project: &str) -> Result<Arc<dyn Warehouse>, EngineError> {
        self.open_as(project, None)
    }

    fn open_as(&self, project: &str, credentials: Option<&Closed>) -> Result<Arc<dyn Warehouse>, EngineError> {
        let Some(wanted) = self.settings.of(project) else { return Ok(Arc::clone(&self.embedded)) };
        // An emulator asks nobody who asks: there production's files deploy as they are, with secrets that are not for here.
        let credentials = credentials.filter(|_| !wanted.is_anonymous());
        let fingerprint = credentials.map_or_else(|| Ok(Vec::new()), |closed| self.fingerprint(project, closed))?;
        let mut open = self.open.lock();
        let now = Instant::now();
        open.retain(|_, opened| Arc::strong_count(&opened.warehouse) > 1 || now - opened.used < UNUSED);
        let key = (project.to_owned(), fingerprint);
        if let Some(found) = open.get_mut(&key) {
            found.used = now;
            return Ok(Arc::clone(&found.warehouse));
        }
        let settings = match credentials {
            None => bigquery_settings(project, wanted, &self.secrets)?,
            Some(closed) => {
                let key = brought(project, closed, &self.secrets)?;
                // Those of the settings are not opened: nobody needs them.
                let wanted = BigQueryProject { credentials: Some(Value::from("none")), ..wanted.clone() };
                let settings = bigquery_settings(project, &wanted, &self.secrets)?;
                BigQuerySettings { credentials: BigQueryCredentials::ServiceAccount(key), ..settings }
            }
        };
        let warehouse = open_bigquery(project, settings)?;
        open.insert(key, Opened { warehouse: Arc::clone(&warehouse), used: now });
        Ok(warehouse)
    }

    fn all(&self) -> Vec<Arc<dyn Warehouse>> {
        let mut all = vec![Arc::clone(&self.embedded)];
        all.extend(self.open.lock().values().map(|opened| Arc::clone(&opened.warehouse)));
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

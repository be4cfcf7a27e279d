//! One embedded warehouse stands behind every project: a database file each below `DATA/warehouse`.

use std::{path::PathBuf, sync::Arc};

use tailer_engine::{EngineError, Warehouses};
use tailer_warehouse::{EmbeddedWarehouse, Warehouse, embedded::EmbeddedSettings};

use crate::failure::{Context as _, Failure};

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
